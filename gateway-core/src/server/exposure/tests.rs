use super::secret_text::Flaw;
use super::*;

mod table;

const LONG: &str = "a-long-enough-secret";

fn token(text: &str) -> GatewayToken {
    GatewayToken::new(text)
}

fn password(text: &str) -> GatewayPassword {
    GatewayPassword::new(text)
}

fn said(text: &str) -> Layered {
    Layered {
        config: Some(text.into()),
        ..Layered::default()
    }
}

/// A computer with one LAN address, a tailnet and IPv6.
fn computer() -> ExposureInput {
    ExposureInput {
        interfaces: [
            "127.0.0.1",
            "::1",
            "192.168.0.2",
            "100.64.0.7",
            "fd7a:115c:a1e0::7",
            "2001:db8::2",
        ]
        .map(|text| text.parse().unwrap())
        .to_vec(),
        ..ExposureInput::default()
    }
}

fn with_bind(column: &str) -> ExposureInput {
    let (bind, in_container) = match column {
        "unset" => (Layered::default(), false),
        "unset-in-container" => (Layered::default(), true),
        "auto-in-container" => (said("auto"), true),
        "custom-lan" | "custom-loopback" => (said("custom"), false),
        word => (said(word), false),
    };
    let custom_host = match column {
        "custom-lan" => Some("192.168.0.2".to_owned()),
        "custom-loopback" => Some("127.0.0.1".to_owned()),
        _ => None,
    };
    ExposureInput {
        bind,
        in_container,
        custom_host,
        ..computer()
    }
}

fn add_secret(input: &mut ExposureInput, row: &str) {
    let config = |text| ConfigSecret::Text(token(text));
    match row {
        "nothing" => {}
        "remote-only" => input.has_remote_secret = true,
        "flag-token" => input.token.flag = Some(token(LONG)),
        "env-token" => input.token.environment = Some(token(LONG)),
        "config-token" => input.token.config = config(LONG),
        "kept-token" => input.token.keychain = Some(token(LONG)),
        "env-password" => input.password.environment = Some(password(LONG)),
        "config-password" => input.password.config = ConfigSecret::Text(password(LONG)),
        "config-placeholder" => input.token.config = config("changeme"),
        "env-blank" => input.token.environment = Some(token(" ")),
        "config-unresolved" => input.token.config = ConfigSecret::Unresolved,
        "env-short" => input.token.environment = Some(token("testtoken12")),
        "config-both" => {
            input.token.config = config(LONG);
            input.password.config = ConfigSecret::Text(password(LONG));
        }
        "flag+placeholder" => {
            input.token.flag = Some(token(LONG));
            input.token.config = config("changeme");
        }
        "placeholder+env" => {
            input.token.config = config("changeme");
            input.token.environment = Some(token(LONG));
        }
        other => panic!("no such row: {other}"),
    }
}

fn cell(auth: &str, secret: &str, bind: &str) -> ExposureInput {
    let mut input = with_bind(bind);
    if auth != "unset" {
        input.auth = said(auth);
    }
    if auth == "trusted-proxy" {
        input.proxy = ProxyInput {
            trusted_proxies: vec!["10.0.0.1".into()],
            user_header: Some("X-User".into()),
            ..ProxyInput::default()
        };
    }
    add_secret(&mut input, secret);
    input
}

#[test]
fn a_refusal_names_the_place_that_is_to_blame() {
    let table = [
        (
            cell("unset", "nothing", "lan"),
            "refusing to bind the gateway to lan (set by gateway.bind in openclaw.json) without auth; \
             set gateway.auth.token or OPENCLAW_GATEWAY_TOKEN, or bind to loopback",
        ),
        (
            cell("unset", "remote-only", "unset-in-container"),
            "refusing to bind the gateway to auto (set by the default) without auth; \
             set gateway.auth.token or OPENCLAW_GATEWAY_TOKEN, or bind to loopback \
             (gateway.remote.* is for another gateway and does not count)",
        ),
        (
            cell("unset", "env-blank", "loopback"),
            "the token set by OPENCLAW_GATEWAY_TOKEN is blank; set a random one",
        ),
        (
            cell("unset", "config-placeholder", "loopback"),
            "the token set by gateway.auth.token in openclaw.json is a placeholder; set a random one",
        ),
        (
            cell("unset", "env-short", "custom-lan"),
            "the token set by OPENCLAW_GATEWAY_TOKEN is shorter than 12 characters, too short beyond \
             loopback; set a random one",
        ),
        (
            cell("none", "nothing", "lan"),
            "auth none (set by gateway.auth.mode in openclaw.json) is only for loopback, and bind is \
             lan (set by gateway.bind in openclaw.json); use auth token or bind to loopback",
        ),
    ];
    for (input, expected) in table {
        assert_eq!(Exposure::settle(&input).unwrap_err().to_string(), expected);
    }
}

#[test]
fn each_bind_opens_exactly_its_sockets() {
    let table: [(&str, &[&str]); 9] = [
        ("loopback", &["127.0.0.1:18789", "[::1]:18789"]),
        ("unset", &["127.0.0.1:18789", "[::1]:18789"]),
        ("auto", &["127.0.0.1:18789", "[::1]:18789"]),
        ("custom-loopback", &["127.0.0.1:18789", "[::1]:18789"]),
        ("lan", &["0.0.0.0:18789", "[::1]:18789"]),
        ("auto-in-container", &["0.0.0.0:18789", "[::1]:18789"]),
        ("unset-in-container", &["0.0.0.0:18789", "[::1]:18789"]),
        (
            "tailnet",
            &[
                "127.0.0.1:18789",
                "100.64.0.7:18789",
                "[fd7a:115c:a1e0::7]:18789",
                "[::1]:18789",
            ],
        ),
        (
            "custom-lan",
            &["127.0.0.1:18789", "192.168.0.2:18789", "[::1]:18789"],
        ),
    ];
    for (bind, expected) in table {
        let settled = Exposure::settle(&cell("unset", "flag-token", bind)).unwrap();
        let listen: Vec<String> = settled.listen.iter().map(ToString::to_string).collect();
        assert_eq!(listen, expected, "{bind}");
    }
    let mut without_v6 = computer();
    without_v6.interfaces.retain(IpAddr::is_ipv4);
    let settled = Exposure::settle(&without_v6).unwrap();
    assert_eq!(settled.listen, [SocketAddr::from(([127, 0, 0, 1], 18789))]);
}

#[test]
fn an_address_is_a_bind_only_if_it_is_one_of_ours() {
    let outcome = |bind: &str| {
        let mut input = computer();
        input.bind = said(bind);
        input.token.flag = Some(token(LONG));
        Exposure::settle(&input).map(|settled| settled.bind)
    };
    let custom = |text: &str| Ok(Bind::Custom(text.parse().unwrap()));

    assert_eq!(outcome("192.168.0.2"), custom("192.168.0.2"));
    assert_eq!(outcome("::ffff:192.168.0.2"), custom("192.168.0.2"));
    assert_eq!(outcome("2001:db8::2"), custom("2001:db8::2"));
    assert_eq!(outcome("127.0.0.1"), custom("127.0.0.1"));
    assert_eq!(outcome("0.0.0.0"), custom("0.0.0.0"));
    assert!(matches!(outcome("::"), Err(Refusal::CustomHost { .. })));
    for stranger in ["192.168.0.3", "203.0.113.1", "224.0.0.1", "2001:db8::3"] {
        assert!(
            matches!(outcome(stranger), Err(Refusal::NotOurAddress { .. })),
            "{stranger}"
        );
    }
    for garbage in [
        "LAN",
        "all",
        "public",
        "127.1",
        "localhost",
        "0",
        "*",
        "lan,loopback",
    ] {
        assert!(
            matches!(outcome(garbage), Err(Refusal::BindUnknown { .. })),
            "{garbage}"
        );
    }
    assert!(matches!(outcome("custom"), Err(Refusal::CustomHost { .. })));
}

#[test]
fn every_address_without_a_secret_is_refused_too() {
    for bind in ["0.0.0.0", "::ffff:0.0.0.0", "192.168.0.2", "2001:db8::2"] {
        let mut input = computer();
        input.bind = said(bind);
        assert!(
            matches!(
                Exposure::settle(&input),
                Err(Refusal::ExposedWithoutAuth { .. })
            ),
            "{bind}"
        );
    }
}

#[test]
fn tailnet_without_a_tailnet_does_not_fall_back() {
    let mut input = cell("unset", "flag-token", "tailnet");
    input.interfaces = ["127.0.0.1", "192.168.0.2", "100.128.0.1", "100.63.0.1"]
        .map(|text| text.parse().unwrap())
        .to_vec();

    assert!(matches!(
        Exposure::settle(&input),
        Err(Refusal::NoTailnet { .. })
    ));
}

#[test]
fn the_flag_wins_over_the_variable_and_that_over_the_config() {
    let all = |flag: &str, variable: &str, config: &str| Layered {
        flag: Some(flag.into()),
        environment: Some(variable.into()),
        config: Some(config.into()),
    };
    let bound = |bind: Layered, port: Layered| {
        let mut input = computer();
        input.bind = bind;
        input.port = port;
        input.token.flag = Some(token(LONG));
        Exposure::settle(&input).map(|settled| (settled.bind, settled.listen[0].port()))
    };

    assert_eq!(
        bound(all("loopback", "lan", "tailnet"), all("1", "2", "3")),
        Ok((Bind::Loopback, 1))
    );
    assert_eq!(
        bound(all(" ", "lan", "tailnet"), all("", "2", "3")),
        Ok((Bind::Lan, 2))
    );
    assert_eq!(
        bound(all("", "", "tailnet"), all("", "", "3")),
        Ok((Bind::Tailnet, 3))
    );
    assert_eq!(
        bound(all("", "", ""), all("", "", "")),
        Ok((Bind::Loopback, DEFAULT_PORT))
    );
    assert_eq!(
        bound(all("", "nonsense", "lan"), Layered::default()),
        Err(Refusal::BindUnknown {
            set_by: SetBy::Variable("OPENCLAW_GATEWAY_BIND")
        })
    );
}

#[test]
fn the_secret_counts_in_the_order_the_official_clients_look() {
    let mut input = computer();
    input.token.keychain = Some(token("kept-token"));
    input.token.environment = Some(token("env-token"));
    let of = |input: &ExposureInput| {
        let auth = Exposure::settle(input).unwrap().auth;
        let LocalAuth::Token(token) = auth else {
            panic!("{auth:?}");
        };
        token.expose().to_owned()
    };

    assert_eq!(of(&input), "env-token");
    input.token.config = ConfigSecret::Text(token("config-token"));
    assert_eq!(of(&input), "config-token");
    input.token.flag = Some(token("flag-token"));
    assert_eq!(of(&input), "flag-token");
}

#[test]
fn a_port_is_a_number_and_zero_only_by_flag() {
    for text in ["0", "65536", "-1", "+x", "18789x", "0x10"] {
        let mut input = computer();
        input.port.environment = Some(text.into());
        assert_eq!(
            Exposure::settle(&input).unwrap_err(),
            Refusal::Port {
                set_by: SetBy::Variable("OPENCLAW_GATEWAY_PORT")
            },
            "{text}"
        );
    }
    let mut input = computer();
    input.port.flag = Some("0".into());
    assert_eq!(Exposure::settle(&input).unwrap().listen[0].port(), 0);
}

#[test]
fn a_config_that_does_not_want_a_gateway_here_blocks_the_start() {
    let table = [
        (GatewayMode::NoConfig, None),
        (GatewayMode::Local, None),
        (GatewayMode::Unset, Some(Refusal::ModeUnset)),
        (GatewayMode::Remote, Some(Refusal::ModeRemote)),
        (GatewayMode::Unknown, Some(Refusal::ModeUnknown)),
    ];
    for (mode, refusal) in table {
        let input = ExposureInput { mode, ..computer() };
        assert_eq!(Exposure::settle(&input).err(), refusal, "{mode:?}");
    }
}

#[test]
fn tailscale_carries_only_a_guarded_loopback() {
    use TailscaleMode::{Funnel, Serve};
    let refusal = |auth, secret, bind, tailscale| {
        let input = ExposureInput {
            tailscale,
            ..cell(auth, secret, bind)
        };
        Exposure::settle(&input).err()
    };

    assert_eq!(refusal("unset", "flag-token", "loopback", Serve), None);
    assert_eq!(refusal("unset", "env-password", "loopback", Funnel), None);
    assert_eq!(
        refusal("unset", "nothing", "loopback", Serve),
        Some(Refusal::TailscaleWithoutAuth)
    );
    assert_eq!(
        refusal("unset", "flag-token", "loopback", Funnel),
        Some(Refusal::FunnelWithoutPassword)
    );
    assert!(matches!(
        refusal("none", "nothing", "loopback", Serve),
        Some(Refusal::NoneBehindProxy { .. })
    ));
    assert!(matches!(
        refusal("unset", "env-short", "loopback", Serve),
        Some(Refusal::Secret { .. })
    ));
    assert!(matches!(
        refusal("unset", "flag-token", "lan", Serve),
        Some(Refusal::TailscaleBeyondLoopback { .. })
    ));
    assert!(matches!(
        refusal("trusted-proxy", "nothing", "loopback", Serve),
        Some(Refusal::ProxyAuth { .. })
    ));
}

#[test]
fn tailscales_word_is_asked_for_only_where_it_serves() {
    let allows = |tailscale, allow_tailscale| {
        let input = ExposureInput {
            tailscale,
            allow_tailscale,
            ..cell("unset", "env-password", "loopback")
        };
        Exposure::settle(&input).unwrap().allow_tailscale
    };

    assert!(allows(TailscaleMode::Serve, None));
    assert!(!allows(TailscaleMode::Serve, Some(false)));
    assert!(!allows(TailscaleMode::Funnel, None));
    assert!(!allows(TailscaleMode::Off, Some(true)));
}

#[test]
fn a_proxy_is_believed_only_by_its_own_address() {
    let settle = |change: fn(&mut ExposureInput)| {
        let mut input = cell("trusted-proxy", "nothing", "lan");
        change(&mut input);
        Exposure::settle(&input)
    };

    assert!(settle(|_| {}).is_ok());
    assert_eq!(
        settle(|input| input.proxy.trusted_proxies.push("proxy.example".into())).unwrap_err(),
        Refusal::ProxyUnreadable { index: 1 }
    );
    for all in ["0.0.0.0/0", "::/0"] {
        let mut input = cell("trusted-proxy", "nothing", "lan");
        input.proxy.trusted_proxies.push(all.into());
        assert_eq!(
            Exposure::settle(&input).unwrap_err(),
            Refusal::ProxyTrustsAll { index: 1 }
        );
    }
    let refused: [fn(&mut ExposureInput); 5] = [
        |input| input.proxy.trusted_proxies.clear(),
        |input| input.proxy.user_header = None,
        |input| input.proxy.user_header = Some(" ".into()),
        |input| input.proxy.required_headers.push("bad name".into()),
        |input| input.proxy.trusted_proxies.push("127.0.0.1".into()),
    ];
    for change in refused {
        assert!(matches!(settle(change), Err(Refusal::ProxyAuth { .. })));
    }
    assert!(
        settle(|input| {
            input.proxy.trusted_proxies.push("127.0.0.1".into());
            input.proxy.allow_loopback = true;
        })
        .is_ok()
    );
    let mut open = cell("none", "nothing", "loopback");
    open.proxy.trusted_proxies.push("127.0.0.1".into());
    assert!(matches!(
        Exposure::settle(&open),
        Err(Refusal::NoneBehindProxy { .. })
    ));
}

#[test]
fn what_is_open_or_does_nothing_is_said() {
    let notes = |auth, secret, bind| Exposure::settle(&cell(auth, secret, bind)).unwrap().notes;

    assert_eq!(notes("unset", "kept-token", "loopback"), []);
    assert_eq!(
        notes("none", "kept-token", "loopback"),
        [Note::OpenOnLoopback]
    );
    assert_eq!(
        notes("token", "config-both", "lan"),
        [
            Note::UnusedSecret {
                set_by: SetBy::Config("gateway.auth.password")
            },
            Note::PlainHttpBeyondLoopback,
        ]
    );
}

#[test]
fn an_unknown_auth_mode_is_refused() {
    for text in ["Token", "off", "disabled", "basic"] {
        let mut input = computer();
        input.auth = said(text);
        assert!(
            matches!(Exposure::settle(&input), Err(Refusal::AuthUnknown { .. })),
            "{text}"
        );
    }
}
