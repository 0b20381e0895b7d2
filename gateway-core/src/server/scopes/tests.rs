use super::Locality::{Local, Remote};
use super::*;
use proptest::prelude::*;

const ADMIN: &[Scope] = &[Scope::Read, Scope::Admin];
const READ: &[Scope] = &[Scope::Read];

fn input<'a>(id: &'a str, mode: &'a str, requested: &'a [Scope]) -> GrantInput<'a> {
    GrantInput {
        client_id: id,
        client_mode: mode,
        role: Role::Operator,
        requested,
        locality: Local,
        has_origin: false,
        signed_in: SignedIn::Shared,
        device: None,
        approves_local: true,
    }
}

fn unknown_device() -> Device {
    Device {
        approved: None,
        platform: "linux".into(),
        device_family: String::new(),
    }
}

fn paired(scopes: &[Scope]) -> Device {
    Device {
        approved: Some(Approved {
            roles: vec![Role::Operator],
            scopes: scopes.to_vec(),
            platform: "linux".into(),
            device_family: String::new(),
        }),
        ..unknown_device()
    }
}

fn token(scopes: &[Scope]) -> SignedIn {
    SignedIn::DeviceToken {
        scopes: scopes.to_vec(),
    }
}

fn required(reason: PairingReason) -> Result<Grant, GrantRefusal> {
    Err(GrantRefusal::PairingRequired(reason))
}

#[test]
fn without_a_device_the_table_of_the_protocol_holds() {
    use SignedIn::{Nothing, OpenGateway, Shared, SingleUseCode, Vouched};
    let kept = || Ok(ADMIN.to_vec());
    let emptied = || Ok(Vec::new());
    let refused = || Err(GrantRefusal::DeviceIdentityRequired);
    let page = || Err(GrantRefusal::ControlUiDeviceIdentityRequired);
    #[rustfmt::skip]
    let table = [
        ("cli", "cli", Local, false, Shared, kept()),
        ("gateway-client", "backend", Local, false, Shared, kept()),
        ("cli", "cli", Remote, false, Shared, emptied()),
        ("gateway-client", "backend", Remote, false, Shared, emptied()),
        ("cli", "cli", Local, true, Shared, emptied()),
        ("gateway-client", "backend", Local, true, Shared, emptied()),
        ("cli", "probe", Local, false, Shared, emptied()),
        ("openclaw-probe", "probe", Local, false, Shared, emptied()),
        ("cli", "backend", Local, false, Shared, emptied()),
        ("gateway-client", "cli", Local, false, Shared, emptied()),
        ("gateway-client", "ui", Local, false, Shared, emptied()),
        ("openclaw-linux", "ui", Local, false, Shared, emptied()),
        ("openclaw-linux", "ui", Remote, false, Shared, emptied()),
        ("webchat-ui", "webchat", Local, true, Shared, emptied()),
        ("gateway-client", "backend", Local, false, OpenGateway, kept()),
        ("gateway-client", "backend", Remote, false, OpenGateway, refused()),
        ("gateway-client", "backend", Local, true, OpenGateway, refused()),
        ("cli", "cli", Local, false, OpenGateway, refused()),
        ("openclaw-linux", "ui", Local, false, OpenGateway, refused()),
        ("cli", "cli", Local, false, Vouched, refused()),
        ("gateway-client", "backend", Remote, false, Vouched, refused()),
        ("cli", "cli", Local, false, Nothing, refused()),
        ("gateway-client", "backend", Local, false, Nothing, refused()),
        ("cli", "cli", Remote, false, Nothing, refused()),
        ("cli", "cli", Local, false, token(ADMIN), refused()),
        ("webchat-ui", "webchat", Local, true, SingleUseCode, refused()),
        ("cli", "cli", Local, false, SingleUseCode, refused()),
        ("openclaw-control-ui", "ui", Local, true, Shared, page()),
        ("openclaw-control-ui", "ui", Local, false, Shared, page()),
        ("openclaw-control-ui", "ui", Remote, true, Nothing, page()),
    ];
    for (id, mode, locality, has_origin, signed_in, expected) in table {
        let asked = GrantInput {
            locality,
            has_origin,
            signed_in,
            ..input(id, mode, ADMIN)
        };
        let expected = expected.map(|scopes| Grant {
            role: Role::Operator,
            scopes,
            pairing: Pairing::NoDevice,
        });
        assert_eq!(grant(&asked), expected, "{asked:?}");
    }
}

#[test]
fn with_a_device_the_record_decides() {
    use PairingReason::{NotPaired, ScopeUpgrade};
    use SignedIn::{Nothing, OpenGateway, Shared, Vouched};
    let unchanged = |scopes: &[Scope]| {
        Ok(Grant {
            role: Role::Operator,
            scopes: scopes.to_vec(),
            pairing: Pairing::Unchanged,
        })
    };
    let silently = |scopes: &[Scope], all: &[Scope]| {
        Ok(Grant {
            role: Role::Operator,
            scopes: scopes.to_vec(),
            pairing: Pairing::ApproveSilently {
                roles: vec![Role::Operator],
                scopes: all.to_vec(),
            },
        })
    };
    let new = unknown_device;
    #[rustfmt::skip]
    let table = [
        // The first time.
        (new(), Local, Shared, READ, silently(READ, READ)),
        (new(), Local, Shared, &[], silently(&[], &[])),
        (new(), Local, OpenGateway, ADMIN, silently(ADMIN, ADMIN)),
        (new(), Remote, Shared, READ, required(NotPaired)),
        (new(), Remote, OpenGateway, READ, required(NotPaired)),
        (new(), Local, Vouched, READ, required(NotPaired)),
        (new(), Remote, Vouched, READ, required(NotPaired)),
        (new(), Local, Nothing, READ, Err(GrantRefusal::CredentialMissing)),
        (new(), Local, token(READ), READ, Err(GrantRefusal::DeviceTokenMismatch)),
        // Asking for what was approved, or less.
        (paired(ADMIN), Local, Shared, ADMIN, unchanged(ADMIN)),
        (paired(ADMIN), Remote, Shared, READ, unchanged(READ)),
        (paired(ADMIN), Remote, Vouched, READ, unchanged(READ)),
        (paired(ADMIN), Remote, Shared, &[], unchanged(&[])),
        (paired(ADMIN), Remote, token(ADMIN), READ, unchanged(READ)),
        (paired(&[Scope::Write]), Remote, token(&[Scope::Write]), READ, unchanged(READ)),
        (paired(ADMIN), Local, Nothing, READ, Err(GrantRefusal::CredentialMissing)),
        // Asking for more.
        (paired(READ), Local, Shared, ADMIN, silently(ADMIN, ADMIN)),
        (paired(&[Scope::Talk]), Local, Shared, READ, silently(READ, &[Scope::Talk, Scope::Read])),
        (paired(READ), Remote, Shared, ADMIN, required(ScopeUpgrade)),
        (paired(READ), Local, Vouched, ADMIN, required(ScopeUpgrade)),
        (paired(READ), Local, token(READ), ADMIN, Err(GrantRefusal::ScopeMismatch)),
        (paired(ADMIN), Local, token(READ), ADMIN, Err(GrantRefusal::ScopeMismatch)),
        (paired(READ), Local, token(ADMIN), ADMIN, Err(GrantRefusal::ScopeMismatch)),
    ];
    for (device, locality, signed_in, requested, expected) in table {
        let asked = GrantInput {
            locality,
            signed_in,
            device: Some(device),
            ..input("openclaw-linux", "ui", requested)
        };
        assert_eq!(grant(&asked), expected, "{asked:?}");
    }
}

#[test]
fn a_node_gets_its_role_and_no_operator_scope() {
    let asked = GrantInput {
        role: Role::Node,
        device: Some(unknown_device()),
        ..input("node-host", "node", ADMIN)
    };

    let granted = grant(&asked).unwrap();

    assert_eq!((granted.role, granted.scopes), (Role::Node, Vec::new()));
    assert_eq!(
        granted.pairing,
        Pairing::ApproveSilently {
            roles: vec![Role::Node],
            scopes: Vec::new(),
        }
    );
    let without_device = GrantInput {
        device: None,
        ..asked
    };
    assert_eq!(
        grant(&without_device),
        Err(GrantRefusal::DeviceIdentityRequired)
    );
}

#[test]
fn a_single_use_code_approves_one_page_of_ours_on_this_computer_and_no_administration() {
    let page = |locality, id: &'static str, role, requested| GrantInput {
        role,
        locality,
        has_origin: true,
        signed_in: SignedIn::SingleUseCode,
        device: Some(unknown_device()),
        // Whoever made the code has approved its user.
        approves_local: false,
        ..input(id, "webchat", requested)
    };
    let operator = || Role::Operator;

    let granted = grant(&page(Local, "webchat-ui", operator(), &BY_CODE)).unwrap();
    assert_eq!(granted.scopes, BY_CODE);
    assert!(matches!(granted.pairing, Pairing::ApproveSilently { .. }));

    let waits = required(PairingReason::NotPaired);
    for (locality, id, role, requested) in [
        (Remote, "webchat-ui", operator(), READ),
        (Local, "openclaw-linux", operator(), READ),
        (Local, "webchat-ui", operator(), ADMIN),
        (Local, "webchat-ui", operator(), &[Scope::TalkSecrets][..]),
        (Local, "webchat-ui", Role::Node, &[]),
    ] {
        let asked = page(locality, id, role, requested);
        assert_eq!(grant(&asked), waits, "{asked:?}");
    }
}

/// The official node host and TUI call with one key: cli-node-run.jsonl, then cli-tui-1.jsonl.
#[test]
fn a_further_role_is_approved_silently_only_on_this_computer_with_the_secret() {
    let node = |locality, signed_in, device| GrantInput {
        role: Role::Node,
        locality,
        signed_in,
        device: Some(device),
        ..input("node-host", "node", &[])
    };
    let granted = grant(&node(Local, SignedIn::Shared, paired(READ))).unwrap();
    assert_eq!(
        granted.pairing,
        Pairing::ApproveSilently {
            roles: vec![Role::Operator, Role::Node],
            scopes: READ.to_vec(),
        }
    );
    assert_eq!(granted.scopes, []);

    let upgrade = required(PairingReason::RoleUpgrade);
    assert_eq!(
        grant(&node(Remote, SignedIn::Shared, paired(READ))),
        upgrade
    );
    assert_eq!(
        grant(&node(Local, SignedIn::Vouched, paired(READ))),
        upgrade
    );
    assert_eq!(
        grant(&node(Local, token(READ), paired(READ))),
        Err(GrantRefusal::DeviceTokenMismatch)
    );
}

#[test]
fn where_nothing_is_approved_silently_this_computer_waits_too() {
    for device in [unknown_device(), paired(READ)] {
        let asked = GrantInput {
            approves_local: false,
            device: Some(device),
            ..input("openclaw-linux", "ui", ADMIN)
        };
        assert!(
            matches!(grant(&asked), Err(GrantRefusal::PairingRequired(_))),
            "{asked:?}"
        );
    }
}

#[test]
fn another_machine_with_the_same_key_waits_for_approval_even_on_this_computer() {
    for (platform, family) in [("ios", ""), ("linux", "iPhone"), ("", "")] {
        for signed_in in [SignedIn::Shared, token(ADMIN)] {
            let moved = GrantInput {
                signed_in,
                device: Some(Device {
                    platform: platform.into(),
                    device_family: family.into(),
                    ..paired(ADMIN)
                }),
                ..input("openclaw-linux", "ui", READ)
            };
            assert_eq!(
                grant(&moved),
                required(PairingReason::MetadataUpgrade),
                "{moved:?}"
            );
        }
    }
    let respelled = GrantInput {
        device: Some(Device {
            platform: " Linux ".into(),
            ..paired(ADMIN)
        }),
        ..input("openclaw-linux", "ui", READ)
    };
    assert!(grant(&respelled).is_ok());
}

#[test]
fn a_page_is_approved_silently_only_as_one_of_ours() {
    for (id, is_approved) in [
        ("webchat-ui", true),
        ("openclaw-control-ui", true),
        ("webchat", true),
        ("cli", false),
        ("gateway-client", false),
        ("openclaw-linux", false),
    ] {
        let asked = GrantInput {
            has_origin: true,
            device: Some(unknown_device()),
            ..input(id, "webchat", READ)
        };
        let expected =
            (!is_approved).then_some(GrantRefusal::PairingRequired(PairingReason::NotPaired));
        assert_eq!(grant(&asked).err(), expected, "{id}");
    }
}

#[test]
fn an_unknown_role_is_refused() {
    for name in ["boss", "", "worker", "Operator"] {
        let asked = GrantInput {
            role: Role::from(name),
            ..input("cli", "cli", READ)
        };
        assert_eq!(grant(&asked), Err(GrantRefusal::InvalidRole), "{name:?}");
    }
}

#[test]
fn an_unknown_scope_is_granted_like_any_other_and_implies_nothing() {
    let asked = [Scope::Read, Scope::Other("operator.nonsense".into())];
    let granted = grant(&input("cli", "cli", &asked)).unwrap();

    assert_eq!(granted.scopes, asked);
    assert!(!covers(&asked[1..], READ));
}

/// GHSA-rqpp-rjj8-7wv8 and CVE-2026-53821: the scopes a client named were the scopes it had.
#[test]
fn inherited_a_claim_alone_grants_no_scope() {
    for signed_in in [SignedIn::Shared, SignedIn::OpenGateway, SignedIn::Nothing] {
        for id in ["openclaw-linux", "openclaw-probe", "webchat-ui", "cli"] {
            let claimed = GrantInput {
                locality: Remote,
                signed_in: signed_in.clone(),
                ..input(id, "cli", ADMIN)
            };
            if let Ok(granted) = grant(&claimed) {
                assert_eq!(granted.scopes, [], "{claimed:?}");
            }
        }
    }
}

/// GHSA-fqw4-mph7-2vr8: a paired device that reconnected asking for more had more.
#[test]
fn inherited_a_reconnect_widens_nothing() {
    let reconnects = [
        (Remote, false, SignedIn::Shared, "openclaw-linux"),
        (Remote, false, token(READ), "openclaw-linux"),
        (Local, false, token(READ), "openclaw-linux"),
        (Remote, true, SignedIn::Shared, "webchat-ui"),
        (Local, true, SignedIn::Shared, "openclaw-linux"),
        (Local, false, SignedIn::Vouched, "openclaw-linux"),
        (Remote, false, SignedIn::OpenGateway, "openclaw-linux"),
    ];
    for (locality, has_origin, signed_in, id) in reconnects {
        let asked = GrantInput {
            locality,
            has_origin,
            signed_in,
            device: Some(paired(READ)),
            ..input(id, "ui", ADMIN)
        };
        assert!(grant(&asked).is_err(), "{asked:?}");
    }
}

/// Issue 16059: an upgrade without an Origin was let in as it was.
#[test]
fn inherited_a_missing_origin_is_no_credential() {
    for device in [None, Some(unknown_device()), Some(paired(ADMIN))] {
        let asked = GrantInput {
            signed_in: SignedIn::Nothing,
            device,
            ..input("cli", "cli", ADMIN)
        };
        assert!(grant(&asked).is_err(), "{asked:?}");
    }
}

fn any_scopes() -> impl Strategy<Value = Vec<Scope>> {
    let one = prop::sample::select(vec![
        Scope::Read,
        Scope::Write,
        Scope::Admin,
        Scope::Pairing,
        Scope::Talk,
        Scope::Other("operator.x".into()),
    ]);
    prop::collection::vec(one, 0..4)
}

proptest! {
    #[test]
    fn a_remote_connection_never_holds_more_than_was_approved(
        requested in any_scopes(),
        approved in prop::option::of(any_scopes()),
        token_scopes in any_scopes(),
        way in 0u8..5,
        has_origin: bool,
        id in prop::sample::select(vec!["cli", "gateway-client", "webchat-ui", "node-host"]),
        mode in prop::sample::select(vec!["cli", "backend", "ui", "node"]),
    ) {
        let asked = GrantInput {
            locality: Remote,
            has_origin,
            signed_in: match way {
                0 => SignedIn::Shared,
                1 => token(&token_scopes),
                2 => SignedIn::OpenGateway,
                3 => SignedIn::SingleUseCode,
                _ => SignedIn::Vouched,
            },
            device: approved.as_deref().map(paired),
            ..input(id, mode, &requested)
        };
        if let Ok(granted) = grant(&asked) {
            prop_assert!(covers(&approved.unwrap_or_default(), &granted.scopes));
            prop_assert!(way != 1 || covers(&token_scopes, &granted.scopes));
            let is_silent = matches!(granted.pairing, Pairing::ApproveSilently { .. });
            prop_assert!(!is_silent);
        }
    }
}
