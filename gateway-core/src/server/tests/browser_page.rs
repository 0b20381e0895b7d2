//! A page in a browser on this computer: what it gets, and how it signs in with a code, once.

use super::raw::{Heard, Raw, http};
use super::{Running, running, running_with};
use crate::credentials::secret::GatewayPassword;
use crate::device_identity::{DeviceIdentity, Statement};
use crate::protocol::connect::{ClientInfo, Role, Scope};
use crate::server::exposure::LocalAuth;
use crate::server::page::PageFiles;
use crate::server::{Gateway, NoLink};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use std::net::SocketAddr;

const SCOPES: [Scope; 2] = [Scope::Read, Scope::Write];

fn code(gateway: &Gateway) -> String {
    gateway.browser_link().unwrap().code().expose().to_owned()
}

/// A connect request as the page sends it: a signature by a key of its own, and no secret but
/// what `auth` holds.
fn page_request(challenge: &Value, seed: u64, scopes: &[Scope], auth: &Value) -> Value {
    let client = ClientInfo {
        id: "webchat-ui".to_owned(),
        mode: "webchat".to_owned(),
        platform: "web".to_owned(),
        ..ClientInfo::default()
    };
    let token = ["token", "deviceToken", "bootstrapToken"]
        .iter()
        .find_map(|name| auth[name].as_str())
        .unwrap_or_default();
    let proof = DeviceIdentity::generate(&mut StdRng::seed_from_u64(seed)).prove(&Statement {
        client: &client,
        role: &Role::Operator,
        scopes,
        signed_at_ms: challenge["ts"].as_u64().unwrap(),
        token,
        nonce: challenge["nonce"].as_str().unwrap(),
    });
    json!({"type": "req", "id": "hello", "method": "connect", "params": {
        "minProtocol": 4, "maxProtocol": 4, "client": client, "role": "operator",
        "scopes": scopes, "caps": [], "device": proof, "auth": auth,
    }})
}

async fn open(address: SocketAddr) -> (Raw, Value) {
    let mut raw = Raw::open(address, &format!("Origin: http://{address}\r\n")).await;
    let challenge = raw.challenge().await;
    (raw, challenge)
}

async fn sign_in(running: &Running, seed: u64, auth: &Value) -> (Raw, Value) {
    let (mut raw, challenge) = open(running.gateway.addresses()[0]).await;
    raw.say(&page_request(&challenge, seed, &SCOPES, auth))
        .await;
    let answer = raw.answer().await;
    (raw, answer)
}

#[tokio::test]
async fn a_code_signs_one_page_in_and_its_device_token_from_then_on() {
    let running = running().await;
    let code = code(&running.gateway);

    let (_page, hello) = sign_in(&running, 1, &json!({"bootstrapToken": code})).await;
    assert_eq!(
        hello["payload"]["auth"]["method"], "bootstrap-token",
        "{hello}"
    );
    let scopes = &hello["payload"]["auth"]["scopes"];
    assert_eq!(scopes, &json!(["operator.read", "operator.write"]));
    let token = &hello["payload"]["auth"]["deviceToken"];
    assert!(token.is_string(), "{hello}");

    let (_again, hello) = sign_in(&running, 1, &json!({"token": token})).await;
    assert_eq!(
        hello["payload"]["auth"]["method"], "device-token",
        "{hello}"
    );
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_code_that_was_used_or_guessed_is_refused_and_says_so() {
    let running = running().await;
    let code = code(&running.gateway);
    sign_in(&running, 1, &json!({"bootstrapToken": code})).await;

    for (sent, reason) in [
        (code.as_str(), "bootstrap_token_used"),
        ("a guess", "bootstrap_token_unknown"),
        ("", "bootstrap_token_unknown"),
    ] {
        let (mut page, refusal) = sign_in(&running, 2, &json!({"bootstrapToken": sent})).await;
        let details = &refusal["error"]["details"];
        assert_eq!(details["code"], "AUTH_BOOTSTRAP_TOKEN_INVALID", "{refusal}");
        assert_eq!(details["authReason"], reason, "{refusal}");
        let close = page.hear().await;
        let is_refused = matches!(&close, Heard::Close { code: Some(1008), reason }
            if !reason.contains("a guess"));
        assert!(is_refused, "{close:?}");
    }
    running.gateway.stop().await;
}

#[tokio::test]
async fn guesses_at_codes_are_limited_and_the_token_is_not_locked_with_them() {
    let running = running().await;
    for _ in 0..10 {
        sign_in(&running, 1, &json!({"bootstrapToken": "a guess"})).await;
    }

    let good = json!({"bootstrapToken": code(&running.gateway)});
    let (_page, refusal) = sign_in(&running, 1, &good).await;
    assert_eq!(
        refusal["error"]["details"]["code"], "AUTH_RATE_LIMITED",
        "{refusal}"
    );
    let (_page, hello) = sign_in(&running, 1, &json!({"token": super::TOKEN})).await;
    assert_eq!(hello["ok"], true, "{hello}");
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_code_does_not_help_a_wrong_token_and_is_not_used_up_by_it() {
    let running = running().await;
    let code = code(&running.gateway);

    let both = json!({"token": "wrong", "bootstrapToken": code});
    let (_page, refusal) = sign_in(&running, 1, &both).await;
    assert_eq!(
        refusal["error"]["details"]["code"], "AUTH_TOKEN_MISMATCH",
        "{refusal}"
    );
    let (_page, hello) = sign_in(&running, 1, &json!({"bootstrapToken": code})).await;
    assert_eq!(hello["ok"], true, "{hello}");
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_code_gives_no_administration() {
    let running = running().await;
    let auth = json!({"bootstrapToken": code(&running.gateway)});
    let (mut raw, challenge) = open(running.gateway.addresses()[0]).await;
    raw.say(&page_request(&challenge, 1, &[Scope::Admin], &auth))
        .await;

    let refusal = raw.answer().await;

    assert_eq!(
        refusal["error"]["details"]["code"], "PAIRING_REQUIRED",
        "{refusal}"
    );
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_code_needs_a_device_and_stays_good_without_one() {
    let running = running().await;
    let auth = json!({"bootstrapToken": code(&running.gateway)});
    let (mut raw, challenge) = open(running.gateway.addresses()[0]).await;
    let mut request = page_request(&challenge, 1, &SCOPES, &auth);
    request["params"].as_object_mut().unwrap().remove("device");
    raw.say(&request).await;

    let refusal = raw.answer().await;

    assert_eq!(
        refusal["error"]["details"]["code"],
        "DEVICE_IDENTITY_REQUIRED"
    );
    let (_page, hello) = sign_in(&running, 1, &auth).await;
    assert_eq!(hello["ok"], true, "{hello}");
    running.gateway.stop().await;
}

#[tokio::test]
async fn whoever_administers_the_gateway_gets_a_link_and_nobody_else() {
    let running = running_with(|config| {
        config.exposure.auth = LocalAuth::Password(GatewayPassword::new(super::TOKEN));
    })
    .await;
    let address = running.gateway.addresses()[0];
    let ask = json!({"type": "req", "id": "ask", "method": "device.pair.setupCode", "params": {}});
    let mut admin = Raw::greeted(address).await;
    admin.say(&ask).await;
    let answer = admin.answer().await;

    let payload = &answer["payload"];
    assert_eq!(payload["auth"], "password", "{answer}");
    assert_eq!(payload["gatewayUrl"], format!("ws://{address}"));
    let link = payload["joinUrl"].as_str().unwrap();
    let (page, code) = link.split_once("#code=").unwrap();
    assert_eq!(page, format!("http://{address}/"));
    let (mut page, hello) = sign_in(&running, 1, &json!({"bootstrapToken": code})).await;
    assert_eq!(hello["ok"], true, "{hello}");

    page.say(&ask).await;
    let refusal = page.answer().await;
    assert_eq!(
        refusal["error"]["details"]["code"], "MISSING_SCOPE",
        "{refusal}"
    );
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_program_without_the_page_says_so_and_makes_no_link() {
    let running = running_with(|config| config.page = PageFiles::default()).await;
    let address = running.gateway.addresses()[0];

    assert_eq!(
        running.gateway.browser_link().unwrap_err(),
        NoLink::NotBuilt
    );
    let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let reply = http(address, request.as_bytes()).await;
    assert_eq!(reply.status, 404);
    assert!(reply.body.contains("npm run build"), "{}", reply.body);
    running.gateway.stop().await;
}
