//! Devices: what is listed, approved, renamed, taken away, and who may do that.

use super::people::*;
use super::*;
use crate::client::StoredDeviceToken;
use crate::credentials::secret::DeviceToken;
use crate::protocol::DeviceId;
use crate::protocol::connect::Role;

fn id(seed: u64) -> DeviceId {
    device(seed).device_id().clone()
}

/// Returns what a device asks for on a live connection and nobody has decided about.
async fn upgrade(established: &Established, scopes: Value) -> Value {
    let params = json!({"scopes": scopes});
    let asked = ask(&established.session, "device.scopes.requestUpgrade", params).await;
    json!({"requestId": asked["requestId"]})
}

#[tokio::test]
async fn the_list_shows_who_may_connect_and_who_is_there() {
    let running = running().await;
    let admin = running.operator(1, &ADMIN).await;
    let other = running.operator(2, &[Scope::Read]).await;

    let listed = ask(&admin.session, "device.pair.list", json!({})).await;

    assert_eq!(listed["pending"], json!([]));
    let entry = listed["paired"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["deviceId"] == json!(id(2)))
        .unwrap();
    assert_eq!(entry["approvedVia"], "silent");
    assert_eq!(entry["connected"], true);
    assert_eq!(entry["scopes"], json!(["operator.read"]));
    assert_eq!(entry["tokens"][0]["role"], "operator");
    let text = listed.to_string();
    let issued = other.issued.as_ref().unwrap();
    assert!(!text.contains(issued.token.expose()));
    running.gateway.stop().await;
}

#[tokio::test]
async fn an_upgrade_is_asked_approved_and_waited_for() {
    let running = running().await;
    let mut admin = running.operator(1, &ADMIN).await;
    let small = running.operator(2, &[Scope::Read]).await;
    let request = upgrade(&small, json!(["operator.read", "operator.write"])).await;
    let told = event(&mut admin, "device.pair.requested").await;
    assert_eq!(told["requestId"], request["requestId"]);
    assert_eq!(told["scopes"], json!(["operator.read", "operator.write"]));
    let waits = start(&small, "device.scopes.waitUpgrade", request.clone());

    let approved = ask(&admin.session, "device.pair.approve", request.clone()).await;

    assert_eq!(approved["device"]["approvedVia"], "owner");
    let resolved = event(&mut admin, "device.pair.resolved").await;
    assert_eq!(resolved["decision"], "approved");
    let answer = waits.await.unwrap();
    assert_eq!(answer["status"], "approved");
    assert_eq!(answer["scopes"], json!(["operator.read", "operator.write"]));
    let credentials = Credentials {
        device_token: Some(StoredDeviceToken {
            token: DeviceToken::new(answer["deviceToken"].as_str().unwrap()),
            scopes: vec![Scope::Read, Scope::Write],
        }),
        ..Credentials::default()
    };
    let back = running
        .hello(HelloRequest {
            scopes: vec![Scope::Read, Scope::Write],
            trusted_endpoint: true,
            ..HelloRequest::operator(device(2), credentials)
        })
        .await;
    let granted = back.hello.auth.as_ref().unwrap();
    assert!(granted.scopes.contains(&Scope::Write));
    let again = refused(&admin, "device.pair.approve", request).await;
    assert_eq!(again.message, "unknown requestId");
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_refused_upgrade_is_told_and_nobody_waits_for_anothers() {
    let running = running().await;
    let admin = running.operator(1, &ADMIN).await;
    let small = running.operator(2, &[Scope::Read]).await;
    let other = running.operator(3, &[Scope::Read]).await;
    let request = upgrade(&small, json!(["operator.admin"])).await;
    let foreign = refused(&other, "device.scopes.waitUpgrade", request.clone()).await;
    assert_eq!(foreign.message, "unknown requestId");
    let waits = start(&small, "device.scopes.waitUpgrade", request.clone());

    ask(&admin.session, "device.pair.reject", request.clone()).await;

    let answer = waits.await.unwrap();
    assert_eq!(answer["status"], "rejected");
    assert!(answer.get("deviceToken").is_none());
    running.gateway.stop().await;
}

#[tokio::test]
async fn nobody_hands_on_or_takes_away_more_than_they_hold() {
    let running = running().await;
    let admin = running.operator(1, &ADMIN).await;
    let pairing = running.operator(2, &[Scope::Read, Scope::Pairing]).await;
    let small = running.operator(3, &[Scope::Read]).await;
    let request = upgrade(&small, json!(["operator.admin"])).await;

    let refusal = refused(&pairing, "device.pair.approve", request).await;
    assert_eq!(refusal.details.unwrap()["missingScope"], "operator.admin");
    let of_admin = json!({"deviceId": id(1), "role": "operator"});
    for method in ["device.token.rotate", "device.token.revoke"] {
        let refusal = refused(&pairing, method, of_admin.clone()).await;
        assert_eq!(refusal.code.as_str(), "FORBIDDEN", "{method}");
    }
    refused(&pairing, "device.pair.remove", json!({"deviceId": id(1)})).await;
    let more = json!({"deviceId": id(3), "role": "operator", "scopes": ["operator.write"]});
    refused(&admin, "device.token.rotate", more).await;

    let label = json!({"deviceId": id(3), "label": "Phone"});
    ask(&pairing.session, "device.pair.rename", label).await;
    let listed = ask(&pairing.session, "device.pair.list", json!({})).await;
    assert!(listed.to_string().contains("Phone"));
    running.gateway.stop().await;
}

async fn closed(established: &Established) -> String {
    format!("{:?}", established.session.closed().await)
}

#[tokio::test]
async fn a_rotated_token_goes_to_its_device_alone_and_the_old_one_is_dead() {
    let running = running().await;
    let admin = running.operator(1, &ADMIN).await;
    let other = running.operator(2, &[Scope::Read, Scope::Pairing]).await;
    let old = other.issued.clone().unwrap();
    let params = json!({"deviceId": id(2), "role": "operator"});

    let own = ask(&other.session, "device.token.rotate", params.clone()).await;
    assert_eq!(own["tokenDelivery"], "in-band");
    assert_ne!(own["token"].as_str().unwrap(), old.token.expose());
    let reason = closed(&other).await;
    assert!(
        reason.contains("4001") || reason.contains("DeviceRemoved"),
        "{reason}"
    );
    let cross = ask(&admin.session, "device.token.rotate", params).await;
    assert_eq!(cross["tokenDelivery"], "withheld-cross-device");
    assert!(cross.get("token").is_none());

    let hello = HelloRequest {
        scopes: old.scopes.clone(),
        trusted_endpoint: true,
        ..HelloRequest::operator(
            device(2),
            Credentials {
                device_token: Some(old),
                ..Credentials::default()
            },
        )
    };
    let problem = running.try_hello(hello).await.unwrap_err();
    assert!(problem.forget_device_token(), "{problem:?}");
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_removed_device_is_closed_and_its_tokens_and_abilities_are_gone() {
    let running = running().await;
    let admin = running.operator(1, &ADMIN).await;
    let node = running.approved_node(70, &admin).await;

    let removed = ask(
        &admin.session,
        "device.pair.remove",
        json!({"deviceId": id(70)}),
    )
    .await;

    assert_eq!(removed, json!({"deviceId": id(70)}));
    let reason = closed(&node).await;
    assert!(
        reason.contains("4001") || reason.contains("DeviceRemoved"),
        "{reason}"
    );
    let listed = ask(&admin.session, "node.list", json!({})).await;
    assert_eq!(listed["nodes"], json!([]));
    let unknown = json!({"deviceId": id(70), "role": Role::Node});
    let refusal = refused(&admin, "device.token.revoke", unknown).await;
    assert_eq!(refusal.message, "unknown deviceId");
    running.gateway.stop().await;
}

#[tokio::test]
async fn what_nobody_decides_about_expires_and_whoever_waits_hears() {
    let running = running().await;
    let mut admin = running.operator(1, &ADMIN).await;
    let small = running.operator(2, &[Scope::Read]).await;
    let state = &running.gateway.state;
    let record = state.store.device(&id(2)).await.unwrap().unwrap();
    let old = crate::store::PendingPairing {
        request_id: "old".into(),
        device_id: record.device_id,
        public_key: record.public_key,
        display_name: None,
        platform: None,
        device_family: None,
        client_id: None,
        client_mode: None,
        role: "operator".to_owned(),
        scopes: Vec::new(),
        remote_ip: None,
        reason: "scope-upgrade".to_owned(),
        created_at_ms: 1,
    };
    pairings::put_down(state, old).await.unwrap();
    let waits = start(
        &small,
        "device.scopes.waitUpgrade",
        json!({"requestId": "old"}),
    );

    let listed = ask(&admin.session, "device.pair.list", json!({})).await;

    assert_eq!(listed["pending"], json!([]));
    assert_eq!(
        event(&mut admin, "device.pair.resolved").await["decision"],
        "expired"
    );
    assert_eq!(waits.await.unwrap()["status"], "expired");
    running.gateway.stop().await;
}

#[tokio::test]
async fn where_nothing_is_approved_by_itself_a_device_waits_for_somebody() {
    let folder = TempDir::new().unwrap();
    let mut config = config(&folder);
    config.openclaw_json = json!({"gateway": {"nodes": {"pairing": {"autoApproveLocal": false}}}});
    let gateway = Gateway::start(config).await.unwrap();
    let running = Running { gateway, folder };
    // Programs that need no device are let in with the secret alone (protocol §3).
    let mut hello = HelloRequest::operator(device(1), token());
    hello.device = None;
    hello.client.id = "cli".to_owned();
    hello.client.mode = "cli".to_owned();
    hello.scopes = ADMIN.to_vec();
    let mut admin = running.hello(hello).await;
    let asks = || HelloRequest {
        scopes: vec![Scope::Read],
        ..HelloRequest::operator(device(2), token())
    };

    running.try_hello(asks()).await.unwrap_err();
    let asked = event(&mut admin, "device.pair.requested").await;
    assert_eq!(asked["deviceId"], json!(id(2)));
    assert_eq!(asked["isRepair"], false);
    let listed = ask(&admin.session, "device.pair.list", json!({})).await;
    assert_eq!(listed["pending"][0], asked);
    let request = json!({"requestId": asked["requestId"]});
    ask(&admin.session, "device.pair.approve", request).await;

    let approved = running.hello(asks()).await;
    assert!(approved.issued.is_some());
    running.gateway.stop().await;
}
