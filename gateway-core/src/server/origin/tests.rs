use super::*;

/// A gateway on loopback and one LAN address, behind a proxy as gateway.example.
fn screen() -> Screen {
    Screen::new(
        OwnNames::of_loopback(18789).and_addresses([[192, 168, 0, 2].into()]),
        &["gateway.example".into(), "Box.local:8443".into()],
        &[
            "https://gateway.example".into(),
            "http://dash.example:8080".into(),
            "tauri://localhost".into(),
        ],
    )
}

fn judge(target: &str, fields: &[(&str, &str)]) -> Result<Caller, HeadRefusal> {
    let fields = fields.iter().map(|(name, value)| (*name, value.as_bytes()));
    screen().judge(&RequestHead::new(target, fields))
}

fn of_host(host: &str) -> Result<Caller, HeadRefusal> {
    judge("/", &[("Host", host)])
}

fn of_origin(origin: &str) -> Result<Caller, HeadRefusal> {
    judge("/", &[("Host", "127.0.0.1:18789"), ("Origin", origin)])
}

#[test]
fn only_names_of_ours_are_accepted_as_host() {
    let accepted = [
        "127.0.0.1:18789",
        "localhost:18789",
        "LOCALHOST:18789",
        "LocalHost:18789",
        "[::1]:18789",
        " 127.0.0.1:18789 ",
        "192.168.0.2:18789",
        "gateway.example",
        "GATEWAY.example",
        "gateway.example:443",
        "gateway.example:80",
        "box.local:8443",
    ];
    let refused = [
        "",
        "127.0.0.1",
        "localhost",
        "[::1]",
        "::1",
        "::1:18789",
        "127.0.0.1:18788",
        "127.0.0.1:18790",
        "127.0.0.1:187890",
        "127.0.0.1:018789",
        "127.0.0.1:+18789",
        "127.0.0.1:",
        "127.0.0.1:80",
        "127.0.0.1:443",
        "127.0.0.1:18789:18789",
        "127.0.0.1:18789.evil.example",
        "127.0.0.1:18789/",
        "127.0.0.1:18789@evil.example",
        "user@127.0.0.1:18789",
        "user:pass@127.0.0.1:18789",
        "127.1:18789",
        "127.0.1:18789",
        "127.0.0.2:18789",
        "127.000.000.001:18789",
        "0177.0.0.1:18789",
        "0x7f.0.0.1:18789",
        "0x7f000001:18789",
        "0X7F000001:18789",
        "2130706433:18789",
        "0.0.0.0:18789",
        "0:18789",
        "[::]:18789",
        "[::ffff:127.0.0.1]:18789",
        "[::ffff:7f00:1]:18789",
        "[::127.0.0.1]:18789",
        "[0:0:0:0:0:0:0:1]:18789",
        "[0::1]:18789",
        "[::1%lo]:18789",
        "[::1]18789",
        "[::1",
        "localhost.:18789",
        "127.0.0.1.:18789",
        "localhost.localdomain:18789",
        "localhost.evil.example:18789",
        "127.evil.com:18789",
        "127.0.0.1.nip.io:18789",
        "evil.example:18789",
        "evil.example",
        "xn--lcalhost-56a:18789",
        "lоcalhost:18789",
        "ｌｏｃａｌｈｏｓｔ:18789",
        "127。0。0。1:18789",
        "localhost :18789",
        "localhost:18789, evil.example",
        "evil.example, localhost:18789",
        "192.168.0.3:18789",
        "192.168.0.2",
        "169.254.169.254:18789",
        "host.docker.internal:18789",
        "gateway.example:18789",
        "gateway.example.",
        "sub.gateway.example",
        "gateway.example.evil.example",
        "box.local",
        "box.local:18789",
        "*:18789",
        "null",
        "-",
        "%6cocalhost:18789",
        "localhost%00:18789",
        "http://localhost:18789",
        "localhost\\@evil.example:18789",
        "local\thost:18789",
        "ip6-localhost:18789",
    ];
    assert!(refused.len() >= 60);

    for host in accepted {
        assert_eq!(of_host(host), Ok(Caller::Native), "{host:?}");
    }
    for host in refused {
        assert_eq!(of_host(host), Err(HeadRefusal::Host), "{host:?}");
    }
}

#[test]
fn only_pages_of_ours_and_listed_ones_are_accepted_as_origin() {
    let accepted = [
        "http://127.0.0.1:18789",
        "http://localhost:18789",
        "http://LOCALHOST:18789",
        "http://[::1]:18789",
        "http://192.168.0.2:18789",
        "https://gateway.example",
        "https://Gateway.Example",
        "https://gateway.example:443",
        "http://dash.example:8080",
        "tauri://localhost",
    ];
    let refused = [
        "",
        "null",
        "NULL",
        "*",
        "file://",
        "file:///tmp/page.html",
        "about:blank",
        "data:",
        "blob:http://localhost:18789",
        "http://",
        "http://localhost",
        "http://localhost:80",
        "http://localhost:18788",
        "http://localhost:18790",
        "http://localhost:3000",
        "http://localhost:018789",
        "http://localhost:18789/",
        "http://localhost:18789/page",
        "http://localhost:18789?",
        "http://localhost:18789#",
        "https://localhost:18789",
        "https://127.0.0.1:18789",
        "HTTP://localhost:18789",
        "ws://localhost:18789",
        "wss://localhost:18789",
        "tauri://LOCALHOST",
        "tauri://localhost:18789",
        "tauri://evil",
        "chrome-extension://abcdefghijklmnop",
        "moz-extension://abcdef",
        "vscode-webview://abcdef",
        "http://localhost.:18789",
        "http://localhost.evil.example:18789",
        "http://localhost:18789.evil.example",
        "http://localhost:18789@evil.example",
        "http://user@localhost:18789",
        "http://user:pass@localhost:18789",
        "http://evil.example",
        "http://evil.example:18789",
        "https://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:18788",
        "http://127.0.0.1.:18789",
        "http://127.0.0.1.nip.io:18789",
        "http://127.evil.com:18789",
        "http://127.0.0.2:18789",
        "http://127.1:18789",
        "http://127.0.1:18789",
        "http://0177.0.0.1:18789",
        "http://0x7f000001:18789",
        "http://2130706433:18789",
        "http://0.0.0.0:18789",
        "http://[::]:18789",
        "http://[::1]",
        "http://[::1]:18788",
        "http://[::1%25lo]:18789",
        "http://[0:0:0:0:0:0:0:1]:18789",
        "http://[::ffff:127.0.0.1]:18789",
        "http://[::ffff:7f00:1]:18789",
        "http://::1:18789",
        "http://xn--lcalhost-56a:18789",
        "http://lоcalhost:18789",
        "http://localhost%2f:18789",
        "http:/localhost:18789",
        "//localhost:18789",
        "localhost:18789",
        "http://localhost:18789 http://evil.example",
        "http://evil.example http://localhost:18789",
        "http://localhost:18789,http://evil.example",
        "http://192.168.0.3:18789",
        "http://gateway.example",
        "https://gateway.example:8443",
        "https://gateway.example.",
        "https://sub.gateway.example",
        "https://gateway.example.evil.example",
        "https://dash.example:8080",
        "http://dash.example",
        "http://dash.example:80",
    ];
    assert!(refused.len() >= 60);

    for origin in accepted {
        assert_eq!(
            of_origin(origin),
            Ok(Caller::Page(origin.to_ascii_lowercase())),
            "{origin:?}"
        );
    }
    for origin in refused {
        assert_eq!(of_origin(origin), Err(HeadRefusal::Origin), "{origin:?}");
    }
}

type Row<'a> = (
    &'a str,
    &'a [(&'a str, &'a str)],
    Result<Caller, HeadRefusal>,
);

#[test]
fn a_head_that_names_two_hosts_or_none_is_refused() {
    let ours = ("Host", "localhost:18789");
    let page = ("Origin", "http://localhost:18789");
    let table: [Row<'_>; 10] = [
        ("/", &[], Err(HeadRefusal::Host)),
        ("/", &[ours, ours], Err(HeadRefusal::Host)),
        (
            "/",
            &[ours, ("host", "evil.example")],
            Err(HeadRefusal::Host),
        ),
        ("/", &[ours, page, page], Err(HeadRefusal::Origin)),
        (
            "/",
            &[ours, page, ("ORIGIN", "null")],
            Err(HeadRefusal::Origin),
        ),
        ("http://localhost:18789/a", &[ours], Ok(Caller::Native)),
        ("http://evil.example/", &[ours], Err(HeadRefusal::Host)),
        ("https://localhost:18789/", &[ours], Err(HeadRefusal::Host)),
        ("localhost:18789", &[ours], Err(HeadRefusal::Host)),
        ("*", &[ours], Ok(Caller::Native)),
    ];
    for (target, fields, expected) in table {
        assert_eq!(judge(target, fields), expected, "{target} {fields:?}");
    }
}

#[test]
fn an_entry_that_would_allow_everybody_allows_nobody_and_is_told() {
    let entries = ["*", "null", "file://", "https://*", "http://a/", "a", ""];
    let screen = Screen::new(
        OwnNames::of_loopback(18789),
        &["*".into(), "0.0.0.0".into()],
        &entries.map(str::to_owned),
    );

    assert_eq!(screen.ignored().len(), entries.len() + 2);
    for origin in entries {
        let head = RequestHead::new(
            "/",
            [
                ("Host", b"localhost:18789".as_slice()),
                ("Origin", origin.as_bytes()),
            ],
        );
        assert_eq!(screen.judge(&head), Err(HeadRefusal::Origin), "{origin:?}");
    }
}

/// PR 16485: any loopback page was accepted by any loopback listener.
#[test]
fn inherited_a_page_of_another_loopback_port_is_foreign() {
    for port in (1..=u16::MAX).filter(|port| *port != 18789) {
        let origin = format!("http://127.0.0.1:{port}");
        assert_eq!(of_origin(&origin), Err(HeadRefusal::Origin));
    }
}

/// PR 5278: a name that was pointed at this computer got in, because no Host was compared.
#[test]
fn inherited_a_rebound_name_is_refused_without_and_with_its_origin() {
    let rebound = ("Host", "evil.example:18789");

    assert_eq!(judge("/", &[rebound]), Err(HeadRefusal::Host));
    assert_eq!(
        judge("/", &[rebound, ("Origin", "http://evil.example:18789")]),
        Err(HeadRefusal::Host)
    );
}

/// Review on PR 42507: loopback was told by the beginning of the text.
#[test]
fn inherited_a_name_that_begins_like_loopback_is_foreign() {
    assert_eq!(of_host("127.evil.com:18789"), Err(HeadRefusal::Host));
    assert_eq!(
        of_origin("http://127.evil.com:18789"),
        Err(HeadRefusal::Origin)
    );
}
