//! From the first byte to hello-ok.

use crate::client::fake_gateway::{FakeGateway, TOKEN, dial, hello_ok, hello_request};
use crate::client::{
    AcceptedCredential, ConnectError, Credentials, HelloRequest, NextStep, NotAGateway,
    StoredDeviceToken,
};
use crate::connection::phase::Cause;
use crate::credentials::secret::{DeviceToken, GatewayPassword, GatewayToken, SingleUseCode};
use crate::protocol::connect::Scope;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

fn stored() -> StoredDeviceToken {
    StoredDeviceToken {
        token: DeviceToken::new("canary-device-token"),
        scopes: vec![Scope::Read, Scope::Write],
    }
}

async fn sent_by(hello: HelloRequest) -> Value {
    let (connecting, stream) = dial(hello);
    let (mut gateway, request) = FakeGateway::challenge(stream).await;
    gateway.answer(&request, hello_ok()).await;
    connecting.await.unwrap().unwrap();
    request.params.unwrap()
}

async fn refused_with(hello: HelloRequest, error: Value) -> ConnectError {
    let (connecting, stream) = dial(hello);
    let (mut gateway, request) = FakeGateway::challenge(stream).await;
    gateway.refuse(&request, error).await;
    gateway.close(1008, "refused").await;
    connecting.await.unwrap().unwrap_err()
}

fn mismatch(may_retry: bool) -> Value {
    json!({"code": "INVALID_REQUEST", "message": "unauthorized",
        "details": {"code": "AUTH_TOKEN_MISMATCH", "canRetryWithDeviceToken": may_retry}})
}

#[tokio::test(start_paused = true)]
async fn the_upgrade_names_the_host_and_has_no_origin() {
    let (_connecting, mut stream) = dial(hello_request());
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }

    let head = String::from_utf8(head).unwrap().to_lowercase();

    assert!(head.starts_with("get / http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nhost: 127.0.0.1:18789\r\n"), "{head}");
    assert!(!head.contains("\r\norigin:"), "{head}");
}

#[tokio::test(start_paused = true)]
async fn a_desktop_client_offers_both_wire_versions_under_the_name_both_know() {
    let params = sent_by(hello_request()).await;

    assert_eq!(params["minProtocol"], 3);
    assert_eq!(params["maxProtocol"], 4);
    assert_eq!(params["client"]["id"], "gateway-client");
    assert_eq!(params["client"]["mode"], "ui");
    assert_eq!(params["device"]["nonce"], "n-1");
    assert_eq!(params["auth"], json!({"token": TOKEN}));
}

#[tokio::test(start_paused = true)]
async fn a_stored_device_token_is_sent_when_there_is_no_shared_secret() {
    let mut hello = hello_request();
    hello.credentials = Credentials {
        device_token: Some(stored()),
        ..Credentials::default()
    };

    let params = sent_by(hello).await;

    assert_eq!(
        params["auth"],
        json!({"token": "canary-device-token", "deviceToken": "canary-device-token"})
    );
    assert_eq!(params["scopes"], json!(["operator.read", "operator.write"]));
}

#[tokio::test(start_paused = true)]
async fn a_shared_secret_goes_before_a_stored_device_token() {
    let mut hello = hello_request();
    hello.credentials.device_token = Some(stored());
    assert_eq!(
        sent_by(hello.clone()).await["auth"],
        json!({"token": TOKEN})
    );

    hello.credentials.token = None;
    hello.credentials.password = Some(GatewayPassword::new("pw"));
    assert_eq!(sent_by(hello).await["auth"], json!({"password": "pw"}));
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_retried_once_with_the_device_token_on_a_trusted_endpoint_only() {
    let mut hello = hello_request();
    hello.credentials.device_token = Some(stored());

    let untrusted = refused_with(hello.clone(), mismatch(true)).await;
    hello.trusted_endpoint = true;
    let forbidden = refused_with(hello.clone(), mismatch(false)).await;
    let trusted = refused_with(hello.clone(), mismatch(true)).await;
    hello.prefer_device_token = true;
    let again = refused_with(hello.clone(), mismatch(true)).await;

    assert!(!untrusted.may_retry_with_device_token() && untrusted.stops_retrying());
    assert!(!forbidden.may_retry_with_device_token() && forbidden.stops_retrying());
    assert!(trusted.may_retry_with_device_token() && !trusted.stops_retrying());
    assert_eq!(trusted.next_step(), NextStep::RetryWithDeviceToken);
    assert!(!again.may_retry_with_device_token() && again.stops_retrying());
    assert!(again.forget_device_token());
    let params = sent_by(hello).await;
    assert_eq!(params["auth"]["token"], "canary-device-token");
}

#[tokio::test(start_paused = true)]
async fn refusals_lead_to_the_right_next_step() {
    let details =
        |code: &str| json!({"code": "INVALID_REQUEST", "message": "no", "details": {"code": code}});
    for (error, cause, stops, step) in [
        (
            details("AUTH_TOKEN_MISSING"),
            Cause::Token,
            true,
            NextStep::EnterToken,
        ),
        (
            details("AUTH_PASSWORD_MISMATCH"),
            Cause::Token,
            true,
            NextStep::EnterPassword,
        ),
        (
            details("AUTH_DEVICE_TOKEN_MISMATCH"),
            Cause::Token,
            true,
            NextStep::ForgetDeviceToken,
        ),
        (
            details("PROTOCOL_MISMATCH"),
            Cause::Protocol,
            true,
            NextStep::UpdateOneSide,
        ),
        (
            json!({"code": "INVALID_REQUEST", "message": "x", "details": {"expectedProtocol": 2}}),
            Cause::Protocol,
            true,
            NextStep::UpdateOneSide,
        ),
        (
            json!({"code": "NOT_PAIRED", "message": "x",
                "details": {"code": "PAIRING_REQUIRED", "requestId": "r-1"}}),
            Cause::Pairing,
            true,
            NextStep::ApproveDevice {
                request: Some("r-1".into()),
            },
        ),
        (
            json!({"code": "UNAVAILABLE", "message": "starting", "retryable": true,
                "retryAfterMs": 5, "details": {"reason": "startup-sidecars"}}),
            Cause::Closed,
            false,
            NextStep::RetryAfter(Duration::from_millis(100)),
        ),
        (
            details("SOMETHING_NEW"),
            Cause::Protocol,
            false,
            NextStep::Retry,
        ),
    ] {
        let refusal = refused_with(hello_request(), error.clone()).await;
        assert_eq!(refusal.cause(), cause, "{error}");
        assert_eq!(refusal.stops_retrying(), stops, "{error}");
        assert_eq!(refusal.next_step(), step, "{error}");
        assert!(!refusal.is_not_a_gateway());
    }
}

#[tokio::test(start_paused = true)]
async fn a_pairing_that_may_come_by_itself_keeps_trying() {
    let refusal = refused_with(
        hello_request(),
        json!({"code": "NOT_PAIRED", "message": "x",
        "details": {"code": "PAIRING_REQUIRED", "recommendedNextStep": "wait_then_retry"}}),
    )
    .await;

    assert!(!refusal.stops_retrying());
}

#[tokio::test(start_paused = true)]
async fn a_new_device_token_is_kept_with_the_scopes_it_was_granted() {
    let mut hello = hello_request();
    hello.credentials.device_token = Some(stored());
    let (connecting, stream) = dial(hello);
    let (mut gateway, request) = FakeGateway::challenge(stream).await;
    let mut answer = hello_ok();
    answer["auth"]["deviceToken"] = json!("new-token");
    gateway.answer(&request, answer).await;

    let established = connecting.await.unwrap().unwrap();

    let issued = established.issued.unwrap();
    assert_eq!(established.accepted, AcceptedCredential::GatewayToken);
    assert_eq!(issued.token.expose(), "new-token");
    assert_eq!(issued.scopes, [Scope::Read]);
}

#[tokio::test(start_paused = true)]
async fn the_same_device_token_keeps_the_scopes_it_was_kept_with() {
    let mut hello = hello_request();
    hello.credentials = Credentials {
        device_token: Some(stored()),
        ..Credentials::default()
    };
    let (connecting, stream) = dial(hello);
    let (mut gateway, request) = FakeGateway::challenge(stream).await;
    let mut answer = hello_ok();
    answer["auth"]["deviceToken"] = json!("canary-device-token");
    answer["auth"]["method"] = json!("device-token");
    gateway.answer(&request, answer).await;

    let established = connecting.await.unwrap().unwrap();

    assert_eq!(established.accepted, AcceptedCredential::DeviceToken);
    assert_eq!(
        established.issued.unwrap().scopes,
        [Scope::Read, Scope::Write]
    );
}

#[tokio::test(start_paused = true)]
async fn a_web_server_is_not_a_gateway_and_sees_no_credential() {
    let (connecting, mut stream) = dial(hello_request());
    let mut seen = vec![0; 4096];
    let count = stream.read(&mut seen).await.unwrap();
    stream
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        .await
        .unwrap();

    let error = connecting.await.unwrap().unwrap_err();

    assert_eq!(
        error,
        ConnectError::NotAGateway(NotAGateway::PlainHttp { status: 200 })
    );
    assert!(error.is_not_a_gateway() && !error.stops_retrying());
    stream.read_to_end(&mut seen).await.unwrap();
    assert!(
        !String::from_utf8_lossy(&seen).contains("canary"),
        "after {count} bytes"
    );
}

#[tokio::test(start_paused = true)]
async fn what_does_not_speak_http_is_not_a_gateway() {
    for greeting in [
        &b"SSH-2.0-OpenSSH_9.2\r\n"[..],
        b"\x00\x01\x02\x03\x04 binary\r\n\r\n",
    ] {
        let (connecting, mut stream) = dial(hello_request());
        stream.write_all(greeting).await.unwrap();
        let mut seen = Vec::new();
        let reading = async {
            stream.read_to_end(&mut seen).await.unwrap();
        };
        let (error, ()) = tokio::join!(connecting, reading);

        let error = error.unwrap().unwrap_err();
        assert!(error.is_not_a_gateway(), "{error:?}");
        assert!(!String::from_utf8_lossy(&seen).contains("canary"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_untrusted_proxy_is_a_matter_of_the_gateways_configuration() {
    let (connecting, mut stream) = dial(hello_request());
    stream
        .write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 49\r\n\r\n{\"error\":{\"type\":\"proxy_attribution_required\"}}  ")
        .await
        .unwrap();

    let error = connecting.await.unwrap().unwrap_err();

    assert_eq!(error, ConnectError::ProxyRefused);
    assert!(!error.is_not_a_gateway() && error.stops_retrying());
}

#[tokio::test(start_paused = true)]
async fn a_port_that_stays_silent_is_given_up_in_time() {
    let (connecting, _stream) = dial(hello_request());
    let started = Instant::now();

    let error = connecting.await.unwrap().unwrap_err();

    assert_eq!(started.elapsed(), Duration::from_secs(8));
    assert_eq!(error, ConnectError::NotAGateway(NotAGateway::Silent));
}

#[tokio::test(start_paused = true)]
async fn without_a_challenge_no_credential_leaves() {
    let (connecting, stream) = dial(hello_request());
    let mut gateway = FakeGateway::accept(stream).await;

    let error = connecting.await.unwrap().unwrap_err();

    assert_eq!(error, ConnectError::NotAGateway(NotAGateway::NoChallenge));
    assert!(error.is_not_a_gateway());
    assert!(!matches!(
        gateway.message_or_end().await,
        Some(Message::Text(_) | Message::Binary(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_malformed_challenge_gets_no_credential() {
    for challenge in [
        json!({"type": "event", "event": "connect.challenge", "payload": {"ts": 1}}),
        json!({"type": "event", "event": "connect.challenge", "payload": {"nonce": " ", "ts": 1}}),
        json!({"type": "event", "event": "connect.challenge"}),
        json!({"type": "res", "id": "1", "ok": true, "payload": {"type": "hello-ok"}}),
        json!("hello"),
    ] {
        let (connecting, stream) = dial(hello_request());
        let mut gateway = FakeGateway::accept(stream).await;
        gateway.send(challenge.clone()).await;

        let error = connecting.await.unwrap().unwrap_err();

        assert!(error.is_not_a_gateway(), "{challenge}: {error:?}");
        assert!(!matches!(
            gateway.message_or_end().await,
            Some(Message::Text(_) | Message::Binary(_))
        ));
    }
}

#[tokio::test(start_paused = true)]
async fn a_challenge_without_time_cannot_be_signed() {
    let (connecting, stream) = dial(hello_request());
    let mut gateway = FakeGateway::accept(stream).await;
    gateway
        .send(json!({"type": "event", "event": "connect.challenge", "payload": {"nonce": "n"}}))
        .await;

    assert_eq!(
        connecting.await.unwrap().unwrap_err(),
        ConnectError::ChallengeWithoutTime
    );
}

#[tokio::test(start_paused = true)]
async fn a_late_challenge_is_answered() {
    let (connecting, stream) = dial(hello_request());
    let mut gateway = FakeGateway::accept(stream).await;
    tokio::time::sleep(Duration::from_secs(7)).await;
    gateway.send(json!({"type": "event", "event": "connect.challenge", "payload": {"nonce": "n", "ts": 1}})).await;
    let request = gateway.request().await;
    gateway.answer(&request, hello_ok()).await;

    connecting.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn nobody_can_send_much_before_hello() {
    let (connecting, stream) = dial(hello_request());
    let mut gateway = FakeGateway::accept(stream).await;
    let flood = tokio::spawn(async move {
        // Fails as soon as the client has had enough.
        gateway
            .try_send(json!({"type": "event", "event": "x", "payload": "y".repeat(70_000)}))
            .await;
    });

    let error = connecting.await.unwrap().unwrap_err();

    assert_eq!(error, ConnectError::NotAGateway(NotAGateway::NoChallenge));
    flood.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_starts_is_asked_again_soon() {
    let (connecting, stream) = dial(hello_request());
    let (mut gateway, _request) = FakeGateway::challenge(stream).await;
    gateway.close(1013, "gateway starting").await;

    let error = connecting.await.unwrap().unwrap_err();

    assert_eq!(error.retry_after(), Some(Duration::from_millis(100)));
    assert!(!error.stops_retrying() && !error.is_not_a_gateway());
}

#[tokio::test(start_paused = true)]
async fn a_gateway_from_the_future_is_not_spoken_to() {
    let (connecting, stream) = dial(hello_request());
    let (mut gateway, request) = FakeGateway::challenge(stream).await;
    let mut answer = hello_ok();
    answer["protocol"] = json!(5);
    gateway.answer(&request, answer).await;

    let error = connecting.await.unwrap().unwrap_err();

    assert_eq!(error, ConnectError::UnsupportedProtocol { theirs: 5 });
    assert_eq!(error.next_step(), NextStep::UpdateOneSide);
}

#[tokio::test(start_paused = true)]
async fn an_error_shows_no_secret() {
    let mut hello = hello_request();
    hello.credentials.token = Some(GatewayToken::new("canary"));

    let error = refused_with(hello, mismatch(true)).await;

    assert!(!format!("{error} {error:?}").contains("canary"));
}

#[test]
fn an_administrator_for_a_moment_signs_in_without_this_device_so_that_nothing_is_paired() {
    let asked = HelloRequest::for_a_moment_as_administrator(Credentials {
        token: Some(GatewayToken::new("t")),
        device_token: Some(stored()),
        ..Credentials::default()
    })
    .unwrap();

    assert!(asked.device.is_none() && asked.credentials.device_token.is_none());
    assert!(asked.scopes.contains(&Scope::Admin));
    // This device's own token is no reason to make it one.
    let own = Credentials {
        device_token: Some(stored()),
        ..Credentials::default()
    };
    assert!(HelloRequest::for_a_moment_as_administrator(own).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_setup_code_is_sent_only_in_place_of_nothing() {
    let code = || Some(SingleUseCode::new("canary-code"));
    let mut hello = hello_request();
    hello.credentials = Credentials {
        setup_code: code(),
        ..Credentials::default()
    };
    assert_eq!(
        sent_by(hello).await["auth"],
        json!({"bootstrapToken": "canary-code"})
    );

    let mut hello = hello_request();
    hello.credentials.setup_code = code();
    assert_eq!(sent_by(hello).await["auth"]["bootstrapToken"], json!(null));

    let mut hello = hello_request();
    hello.credentials = Credentials {
        device_token: Some(stored()),
        setup_code: code(),
        ..Credentials::default()
    };
    assert_eq!(sent_by(hello).await["auth"]["bootstrapToken"], json!(null));
}
