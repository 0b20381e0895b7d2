//! Who is accepted at a `wss://` address, and that nobody else gets a byte of ours.

mod recorder;
mod supervised;

use super::error::{CertificateFault, DirectError};
use super::*;
use crate::client::fake_gateway::{TOKEN, hello_request};
use crate::client::{self, ClientLimits, ConnectError, Endpoint, NotAGateway};
use recorder::{Authority, Identity, Recorder};
use std::time::Duration;

/// Tries to sign in at `host`, and returns how that ended.
async fn sign_in(dialer: &Dialer) -> Result<ConnectError, DirectError> {
    let stream = dialer.dial().await?;
    let limits = ClientLimits {
        hello: Duration::from_secs(20),
        ..ClientLimits::default()
    };
    let connecting = client::connect(stream, dialer.url(), hello_request(), limits);
    Ok(connecting.await.unwrap_err())
}

#[tokio::test]
async fn the_pinned_certificate_is_accepted_whoever_signed_it_and_whatever_it_says() {
    let authority = Authority::named("ours");
    for identity in [
        Identity::self_signed("localhost"),
        Identity::self_signed_as_an_authority("localhost"),
        Identity::self_signed("somewhere-else.example"),
        authority.signs("localhost"),
        authority.signs_expired("localhost"),
    ] {
        let pin = identity.fingerprint();
        let server = Recorder::refusing(identity).await;

        let error = sign_in(&server.dialer("localhost", Some(pin)))
            .await
            .unwrap();

        // The upgrade went out and was answered; no credential goes before a challenge.
        let status = NotAGateway::PlainHttp { status: 404 };
        assert_eq!(error, ConnectError::NotAGateway(status));
        let heard = server.heard();
        assert!(heard.starts_with("GET / HTTP/1.1\r\n"), "{heard}");
        assert!(heard.contains(&format!("Host: localhost:{}\r\n", server.port())));
        assert!(!heard.to_lowercase().contains("origin:") && !heard.contains(TOKEN));
    }
}

#[tokio::test]
async fn another_certificate_than_the_pinned_one_gets_no_byte_however_good_it_is() {
    let authority = Authority::named("ours");
    let pinned = Identity::self_signed("localhost").fingerprint();
    for identity in [
        Identity::self_signed("localhost"),
        authority.signs("localhost"),
        authority.signs_expired("localhost"),
    ] {
        let shown = identity.fingerprint();
        let server = Recorder::refusing(identity).await;
        let dialer = server
            .dialer("localhost", Some(pinned))
            .and_authority(authority.certificate());

        let error = sign_in(&dialer).await.unwrap_err();

        let DirectError::CertificateChanged {
            presented,
            pinned: expected,
        } = error
        else {
            panic!("{error:?}");
        };
        assert_eq!((presented.fingerprint, expected), (shown, pinned));
        assert_eq!(presented.host, "localhost");
        server.is_done_with(1).await;
        assert_eq!(server.heard(), "");
    }
}

#[tokio::test]
async fn whoever_holds_the_pinned_certificate_without_its_key_gets_no_byte() {
    let (right, wrong) = (
        Identity::self_signed("localhost"),
        Identity::self_signed("localhost"),
    );
    let pin = right.fingerprint();
    let server = Recorder::refusing(right.with_the_key_of(wrong)).await;

    let error = sign_in(&server.dialer("localhost", Some(pin)))
        .await
        .unwrap_err();

    assert!(
        matches!(
            error,
            DirectError::Tls { .. } | DirectError::Certificate { .. }
        ),
        "{error:?}"
    );
    server.is_done_with(1).await;
    assert_eq!(server.heard(), "");
}

#[tokio::test]
async fn without_a_pin_an_authority_has_to_vouch_for_the_name() {
    let authority = Authority::named("ours");
    let server = Recorder::refusing(authority.signs("localhost")).await;
    let dialer = server
        .dialer("localhost", None)
        .and_authority(authority.certificate());

    let error = sign_in(&dialer).await.unwrap();

    let status = NotAGateway::PlainHttp { status: 404 };
    assert_eq!(error, ConnectError::NotAGateway(status));
    assert!(server.heard().starts_with("GET / HTTP/1.1\r\n"));
    let by_address = authority.signs("127.0.0.1");
    let server = Recorder::refusing(by_address).await;
    let dialer = server
        .dialer("127.0.0.1", None)
        .and_authority(authority.certificate());
    assert!(sign_in(&dialer).await.is_ok());
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_asked_about_and_gets_no_byte() {
    let (ours, theirs) = (Authority::named("ours"), Authority::named("theirs"));
    for identity in [
        Identity::self_signed("localhost"),
        // What `openssl req -x509` makes, and the official gateway for itself.
        Identity::self_signed_as_an_authority("localhost"),
        theirs.signs("localhost"),
    ] {
        let shown = identity.fingerprint();
        let server = Recorder::refusing(identity).await;
        let dialer = server
            .dialer("localhost", None)
            .and_authority(ours.certificate());

        let error = sign_in(&dialer).await.unwrap_err();

        let DirectError::CertificateUnknown(presented) = error else {
            panic!("{error:?}");
        };
        assert_eq!(presented.fingerprint, shown);
        server.is_done_with(1).await;
        assert_eq!(server.heard(), "");
    }
}

#[tokio::test]
async fn a_fault_that_an_authority_cannot_cover_is_named_and_gets_no_byte() {
    let authority = Authority::named("ours");
    for (identity, expected) in [
        (
            authority.signs_expired("localhost"),
            CertificateFault::Expired,
        ),
        (
            authority.signs_for_later("localhost"),
            CertificateFault::NotYetValid,
        ),
        (
            authority.signs("somewhere-else.example"),
            CertificateFault::OtherName,
        ),
        (authority.signs("127.0.0.1"), CertificateFault::OtherName),
    ] {
        let server = Recorder::refusing(identity).await;
        let dialer = server
            .dialer("localhost", None)
            .and_authority(authority.certificate());

        let error = sign_in(&dialer).await.unwrap_err();

        let DirectError::Certificate { fault, .. } = error else {
            panic!("{error:?}");
        };
        assert_eq!(fault, expected);
        server.is_done_with(1).await;
        assert_eq!(server.heard(), "");
    }
}

#[tokio::test]
async fn a_redirect_is_named_and_not_followed() {
    let elsewhere = Recorder::refusing(Identity::self_signed("localhost")).await;
    let identity = Identity::self_signed("localhost");
    let pin = identity.fingerprint();
    let to = format!(
        "https://someone@localhost:{}/login?next=/",
        elsewhere.port()
    );
    let answer = format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
    let server = Recorder::answering(identity, answer).await;
    let dialer = server.dialer("localhost", Some(pin));

    let error = sign_in(&dialer).await.unwrap();

    let shown = format!("https://localhost:{}", elsewhere.port());
    let redirect = NotAGateway::Redirect {
        status: 302,
        to: shown.clone(),
    };
    assert_eq!(error, ConnectError::NotAGateway(redirect.clone()));
    let problem = explain_in_words(&error);
    assert!(
        problem.contains(&shown) && problem.contains("302"),
        "{problem}"
    );
    let stream = dialer.dial().await.unwrap();
    let probed = client::probe_healthz(stream, dialer.url(), Duration::from_secs(20)).await;
    assert_eq!(probed, Err(redirect));
    assert_eq!(elsewhere.connections(), 0);
}

fn explain_in_words(error: &ConnectError) -> String {
    crate::connection::explain::connect_problem(error, 443).message
}

#[tokio::test]
async fn what_does_not_speak_tls_is_said_to() {
    let server = Recorder::plain("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;

    let error = sign_in(&server.dialer("localhost", None))
        .await
        .unwrap_err();

    assert!(matches!(error, DirectError::NotTls { .. }), "{error:?}");
    let heard = server.heard();
    assert!(!heard.contains("HTTP") && !heard.contains(TOKEN), "{heard}");

    let silent = Recorder::plain("").await;
    let error = sign_in(&silent.dialer("localhost", None))
        .await
        .unwrap_err();
    assert!(matches!(error, DirectError::Lost { .. }), "{error:?}");
}

#[tokio::test]
async fn the_path_and_the_host_are_asked_for_as_they_were_given() {
    let server = Recorder::plain("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
    let url = format!("ws://localhost:{}/claw/", server.port());
    let dialer = Dialer::new(url.parse().unwrap(), None);

    sign_in(&dialer).await.unwrap();
    let stream = dialer.dial().await.unwrap();
    let probed = client::probe_healthz(stream, dialer.url(), Duration::from_secs(20)).await;

    assert!(probed.is_err());
    let heard = server.heard();
    assert!(heard.contains("GET /claw/ HTTP/1.1\r\n"), "{heard}");
    assert!(heard.contains("GET /claw/healthz HTTP/1.1\r\n"), "{heard}");
    for (url, host) in [
        ("wss://example.com", "example.com"),
        ("wss://example.com:80", "example.com:80"),
        ("ws://[fd00::1]:80", "[fd00::1]"),
        ("ws://10.0.0.1:443", "10.0.0.1:443"),
    ] {
        let url: GatewayUrl = url.parse().unwrap();
        assert_eq!(Endpoint::from(&url).authority(), host);
    }
}

#[tokio::test]
async fn an_address_that_may_not_be_dialled_in_the_open_opens_no_socket() {
    for url in [
        "ws://203.0.113.5",
        "ws://localhost.evil.example",
        "ws://box",
    ] {
        let dialer = Dialer::new(url.parse().unwrap(), None);

        let error = sign_in(&dialer).await.unwrap_err();

        assert!(matches!(error, DirectError::Plain(_)), "{url}: {error:?}");
    }
}

#[test]
fn only_this_computer_and_a_pinned_certificate_are_offered_a_device_token_after_a_refusal() {
    let pin = Some(TlsFingerprint::of(b"certificate"));
    for (url, pin, expected) in [
        ("ws://127.0.0.1:18789", None, true),
        ("ws://[::1]:18789", None, true),
        ("wss://box.example", pin, true),
        ("wss://box.example", None, false),
        ("ws://10.0.0.1", None, false),
        // A pin that nobody looks at protects nothing.
        ("ws://10.0.0.1", pin, false),
    ] {
        let dialer = Dialer::new(url.parse().unwrap(), pin);
        assert_eq!(dialer.is_trusted(), expected, "{url} {pin:?}");
    }
}
