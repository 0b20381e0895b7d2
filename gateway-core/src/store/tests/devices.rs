use super::*;
use crate::credentials::secret::DeviceToken;
use crate::protocol::{DeviceId, NodeId, PairingRequestId};

fn request(id: &str, device: &str, scopes: &[&str]) -> PendingPairing {
    PendingPairing {
        request_id: PairingRequestId::from(id),
        device_id: DeviceId::from(device),
        public_key: format!("key of {device}"),
        display_name: Some("Laptop".to_owned()),
        platform: Some("linux".to_owned()),
        device_family: None,
        client_id: Some("gateway-client".to_owned()),
        client_mode: Some("ui".to_owned()),
        role: "operator".to_owned(),
        scopes: scopes.iter().map(ToString::to_string).collect(),
        remote_ip: Some("10.0.0.7".to_owned()),
        reason: "not-paired".to_owned(),
        created_at_ms: NOW,
    }
}

async fn paired(store: &Store, device: &str, scopes: &[&str]) -> DeviceRecord {
    let request = request(&format!("request of {device}"), device, scopes);
    let id = request.request_id.clone();
    store.request_pairing(request).await.unwrap();
    let device = store.approve_pairing(&id, "owner".to_owned(), NOW).await;
    device.unwrap().unwrap()
}

fn token(device: &str, text: &str, at_ms: u64) -> NewDeviceToken {
    NewDeviceToken {
        device_id: DeviceId::from(device),
        role: "operator".to_owned(),
        hash: hash(text),
        scopes: vec!["operator.read".to_owned()],
        at_ms,
    }
}

fn hash(text: &str) -> DeviceTokenHash {
    DeviceTokenHash::of(&DeviceToken::new(text))
}

fn surface(id: &str, commands: &[&str]) -> PendingSurface {
    PendingSurface {
        request_id: PairingRequestId::from(id),
        node_id: NodeId::from("d1"),
        caps: vec!["system".to_owned()],
        commands: commands.iter().map(ToString::to_string).collect(),
        permissions: Map::from_iter([("screen".to_owned(), json!(false))]),
        created_at_ms: NOW,
    }
}

#[tokio::test]
async fn a_device_has_one_request_that_a_different_one_replaces() {
    let (scratch, store) = fresh().await;

    let first = store
        .request_pairing(request("r1", "d1", &["read"]))
        .await
        .unwrap();
    let elsewhere = PendingPairing {
        remote_ip: None,
        created_at_ms: NOW + 1,
        ..request("r2", "d1", &["read"])
    };
    let same = store.request_pairing(elsewhere).await.unwrap();
    let more = store
        .request_pairing(request("r3", "d1", &["read", "write"]))
        .await
        .unwrap();
    store
        .request_pairing(request("r4", "d2", &[]))
        .await
        .unwrap();
    let store = reopened(&scratch, store).await;

    assert!(first.is_new && more.is_new && !same.is_new);
    assert_eq!(same.standing, first.standing);
    assert_eq!((first.replaced, same.replaced), (None, None));
    assert_eq!(more.replaced, Some(PairingRequestId::from("r1")));
    let pending = store.pending_pairings().await.unwrap();
    assert_eq!(pending, [more.standing, request("r4", "d2", &[])]);
}

#[tokio::test]
async fn an_approved_device_is_paired_and_no_longer_pending() {
    let (scratch, store) = fresh().await;

    let device = paired(&store, "d1", &["read"]).await;
    let store = reopened(&scratch, store).await;

    assert_eq!(store.pending_pairings().await.unwrap(), []);
    assert_eq!(
        store.devices().await.unwrap(),
        std::slice::from_ref(&device)
    );
    assert_eq!(device.approved_via, "owner");
    assert_eq!(
        (device.roles, device.scopes),
        (vec!["operator".to_owned()], vec!["read".to_owned()])
    );
    let again = store
        .approve_pairing(
            &PairingRequestId::from("request of d1"),
            "owner".to_owned(),
            NOW,
        )
        .await;
    assert_eq!(again.unwrap(), None);
}

#[tokio::test]
async fn a_second_approval_adds_to_the_first_and_keeps_name_age_and_tokens() {
    let (_scratch, store) = fresh().await;
    let device = paired(&store, "d1", &["read"]).await;
    let id = device.device_id.clone();
    store
        .put_device_token(token("d1", "secret", NOW))
        .await
        .unwrap();
    assert!(
        store
            .label_device(&id, Some("Kitchen".to_owned()))
            .await
            .unwrap()
    );
    assert!(store.saw_device(&id, NOW + 1).await.unwrap());
    let upgrade = PendingPairing {
        role: "node".to_owned(),
        ..request("r2", "d1", &["read", "write"])
    };
    store.request_pairing(upgrade).await.unwrap();

    let approved = store
        .approve_pairing(&PairingRequestId::from("r2"), "owner".to_owned(), NOW + 2)
        .await
        .unwrap()
        .unwrap();

    assert_eq!(approved.roles, ["operator", "node"]);
    assert_eq!(approved.scopes, ["read", "write"]);
    assert_eq!(
        (approved.created_at_ms, approved.approved_at_ms),
        (NOW, NOW + 2)
    );
    assert_eq!(approved.last_seen_at_ms, Some(NOW + 1));
    assert_eq!(approved.label.as_deref(), Some("Kitchen"));
    let owner = store.token_of(hash("secret")).await.unwrap().unwrap();
    assert_eq!(owner.scopes, ["operator.read"]);
}

#[tokio::test]
async fn requests_are_refused_and_expire() {
    let (_scratch, store) = fresh().await;
    let old = PendingPairing {
        created_at_ms: NOW - 10,
        ..request("r1", "d1", &[])
    };
    store.request_pairing(old.clone()).await.unwrap();
    store
        .request_pairing(request("r2", "d2", &[]))
        .await
        .unwrap();

    let expired = store.expire_pairings(NOW).await.unwrap();
    let refused = store
        .reject_pairing(&PairingRequestId::from("r2"))
        .await
        .unwrap();

    assert_eq!(expired, [old]);
    assert_eq!(refused, Some(request("r2", "d2", &[])));
    assert_eq!(store.pending_pairings().await.unwrap(), []);
    assert_eq!(store.devices().await.unwrap(), []);
    let unknown = store
        .reject_pairing(&PairingRequestId::from("r2"))
        .await
        .unwrap();
    assert_eq!(unknown, None);
}

#[tokio::test]
async fn a_device_let_in_directly_settles_its_request() {
    let (_scratch, store) = fresh().await;
    let device = paired(&store, "d1", &["read"]).await;
    store
        .request_pairing(request("r2", "d1", &["write"]))
        .await
        .unwrap();
    let silent = DeviceRecord {
        approved_via: "silent".to_owned(),
        ..device
    };

    store.put_device(silent.clone()).await.unwrap();

    assert_eq!(store.pending_pairings().await.unwrap(), []);
    assert_eq!(store.device(&silent.device_id).await.unwrap(), Some(silent));
}

#[tokio::test]
async fn a_rotated_token_stops_working_and_a_revoked_one_too() {
    let (_scratch, store) = fresh().await;
    paired(&store, "d1", &["read"]).await;
    let id = DeviceId::from("d1");
    store
        .put_device_token(token("d1", "first", NOW))
        .await
        .unwrap();

    store
        .put_device_token(token("d1", "second", NOW + 1))
        .await
        .unwrap();
    assert_eq!(store.token_of(hash("first")).await.unwrap(), None);
    let owner = store.token_of(hash("second")).await.unwrap().unwrap();
    assert_eq!(
        (owner.device_id.as_str(), owner.role.as_str()),
        ("d1", "operator")
    );

    let role = || "operator".to_owned();
    assert!(
        store
            .revoke_device_token(&id, role(), NOW + 2)
            .await
            .unwrap()
    );
    assert!(
        !store
            .revoke_device_token(&id, role(), NOW + 3)
            .await
            .unwrap()
    );
    assert_eq!(store.token_of(hash("second")).await.unwrap(), None);
    let record = store.device_tokens().await.unwrap().remove(0);
    assert_eq!(
        (
            record.created_at_ms,
            record.rotated_at_ms,
            record.revoked_at_ms
        ),
        (NOW, Some(NOW + 1), Some(NOW + 2))
    );
}

#[tokio::test]
async fn a_token_needs_a_known_device_and_is_nowhere_in_the_files() {
    let (scratch, store) = fresh().await;
    let unknown = store
        .put_device_token(token("d1", "canary-token", NOW))
        .await
        .unwrap_err();
    paired(&store, "d1", &[]).await;
    store
        .put_device_token(token("d1", "canary-token", NOW))
        .await
        .unwrap();

    assert!(
        matches!(unknown, StoreError::Missing { what: "device", .. }),
        "{unknown}"
    );
    for file in std::fs::read_dir(scratch.path().join("gateway")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(12).any(|part| part == b"canary-token"));
    }
    assert_eq!(
        format!("{:?}", hash("canary-token")),
        "DeviceTokenHash(***)"
    );
}

#[tokio::test]
async fn a_removed_device_leaves_no_token_request_or_ability() {
    let (_scratch, store) = fresh().await;
    let device = paired(&store, "d1", &["read"]).await;
    store
        .put_device_token(token("d1", "secret", NOW))
        .await
        .unwrap();
    store
        .request_pairing(request("r2", "d1", &["write"]))
        .await
        .unwrap();
    store
        .request_surface(surface("s1", &["system.run"]))
        .await
        .unwrap();
    store
        .approve_surface(&PairingRequestId::from("s1"), NOW)
        .await
        .unwrap();

    let removed = store.remove_device(&device.device_id).await.unwrap();

    assert_eq!(removed, Some(device.clone()));
    assert_eq!(store.token_of(hash("secret")).await.unwrap(), None);
    assert_eq!(store.pending_pairings().await.unwrap(), []);
    assert_eq!(store.node_surfaces().await.unwrap(), []);
    assert_eq!(store.remove_device(&device.device_id).await.unwrap(), None);
    assert!(!store.saw_device(&device.device_id, NOW).await.unwrap());
}

#[tokio::test]
async fn a_nodes_abilities_are_asked_for_replaced_approved_and_taken_away() {
    let (scratch, store) = fresh().await;
    let first = store
        .request_surface(surface("s1", &["camera.snap"]))
        .await
        .unwrap();
    let same = store
        .request_surface(surface("s2", &["camera.snap"]))
        .await
        .unwrap();
    let other = store
        .request_surface(surface("s3", &["system.run"]))
        .await
        .unwrap();
    assert_eq!(same.standing, first.standing);
    assert_eq!(other.replaced, Some(PairingRequestId::from("s1")));
    assert_eq!(
        store.pending_surfaces().await.unwrap(),
        [surface("s3", &["system.run"])]
    );

    let approved = store
        .approve_surface(&PairingRequestId::from("s3"), NOW + 1)
        .await
        .unwrap();
    let store = reopened(&scratch, store).await;

    let standing = store.node_surfaces().await.unwrap();
    assert_eq!(standing, [approved.unwrap()]);
    assert_eq!(
        (standing[0].commands[0].as_str(), standing[0].approved_at_ms),
        ("system.run", NOW + 1)
    );
    assert_eq!(store.pending_surfaces().await.unwrap(), []);
    store
        .request_surface(surface("s4", &["more"]))
        .await
        .unwrap();
    let refused = store
        .reject_surface(&PairingRequestId::from("s4"))
        .await
        .unwrap();
    assert_eq!(refused, Some(surface("s4", &["more"])));
    assert!(store.remove_surface(&NodeId::from("d1")).await.unwrap());
    assert!(!store.remove_surface(&NodeId::from("d1")).await.unwrap());
    assert_eq!(store.node_surfaces().await.unwrap(), []);
}
