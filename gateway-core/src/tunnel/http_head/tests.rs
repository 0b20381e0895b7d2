use super::*;
use proptest::prelude::*;

fn request(fields: &str) -> String {
    format!("GET / HTTP/1.1\r\n{fields}\r\n")
}

fn verdict(head: &str) -> Result<(), Refusal> {
    screen(head.as_bytes(), 18789).map(|_| ())
}

fn of_host(host: &str) -> Result<(), Refusal> {
    verdict(&request(&format!("Host: {host}\r\n")))
}

fn of_origin(origin: &str) -> Result<(), Refusal> {
    verdict(&request(&format!(
        "Host: 127.0.0.1:18789\r\nOrigin: {origin}\r\n"
    )))
}

#[test]
fn only_our_own_listener_is_accepted_as_host() {
    let accepted = [
        "127.0.0.1:18789",
        "localhost:18789",
        "LOCALHOST:18789",
        "LocalHost:18789",
        "[::1]:18789",
        "  127.0.0.1:18789\t",
    ];
    let refused = [
        "",
        "127.0.0.1",
        "localhost",
        "[::1]",
        "::1",
        "::1:18789",
        "127.0.0.1:18788",
        "127.0.0.1:187890",
        "127.0.0.1:018789",
        "127.0.0.1:+18789",
        "127.0.0.1:",
        "127.0.0.1:80",
        "127.0.0.1:18789:18789",
        "127.0.0.1:18789.evil.example",
        "127.0.0.1:18789/",
        "127.0.0.1:18789@evil.example",
        "user@127.0.0.1:18789",
        "127.1:18789",
        "127.0.1:18789",
        "127.0.0.2:18789",
        "127.000.000.001:18789",
        "0177.0.0.1:18789",
        "0x7f.0.0.1:18789",
        "0x7f000001:18789",
        "2130706433:18789",
        "0.0.0.0:18789",
        "0:18789",
        "[::]:18789",
        "[::ffff:127.0.0.1]:18789",
        "[0:0:0:0:0:0:0:1]:18789",
        "[::1%lo]:18789",
        "[::1]18789",
        "localhost.:18789",
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
        "192.168.0.2:18789",
        "169.254.169.254:18789",
        "100.64.0.1:18789",
        "[fe80::1]:18789",
        "[fd00::1]:18789",
        "host.docker.internal:18789",
        "openclaw.local:18789",
        "*:18789",
        "null",
        "-",
        "%6cocalhost:18789",
        "localhost%00:18789",
        "http://localhost:18789",
        "localhost\\@evil.example:18789",
        "ip6-localhost:18789",
    ];
    assert!(accepted.len() + refused.len() >= 60);

    for host in accepted {
        assert_eq!(of_host(host), Ok(()), "{host:?}");
    }
    for host in refused {
        assert_eq!(of_host(host), Err(Refusal::Host), "{host:?}");
    }
}

#[test]
fn only_a_page_served_from_here_is_accepted_as_origin() {
    let accepted = [
        "http://127.0.0.1:18789",
        "http://localhost:18789",
        "http://[::1]:18789",
        "http://LOCALHOST:18789",
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
        "http://localhost:018789",
        "http://localhost:18789/",
        "http://localhost:18789/page",
        "http://localhost:18789?",
        "http://localhost:18789#",
        "HTTP://localhost:18789",
        "https://localhost:18789",
        "https://127.0.0.1:18789",
        "ws://localhost:18789",
        "wss://localhost:18789",
        "tauri://localhost",
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
        "http//localhost:18789",
        "//localhost:18789",
        "localhost:18789",
        "http://localhost:18789 http://evil.example",
        "http://evil.example http://localhost:18789",
        "http://localhost:18789,http://evil.example",
        "http://192.168.0.2:18789",
        "http://openclaw.local:18789",
    ];
    assert!(accepted.len() + refused.len() >= 60);

    for origin in accepted {
        assert_eq!(of_origin(origin), Ok(()), "{origin:?}");
    }
    for origin in refused {
        assert_eq!(of_origin(origin), Err(Refusal::Origin), "{origin:?}");
    }
}

#[test]
fn a_head_that_two_readers_could_read_differently_is_refused() {
    let ours = "Host: localhost:18789\r\n";
    let table = [
        (request(""), Refusal::Host),
        (request(&format!("{ours}{ours}")), Refusal::Host),
        (
            request(&format!("{ours}Host: evil.example\r\n")),
            Refusal::Host,
        ),
        (
            request(&format!("{ours}host: evil.example\r\n")),
            Refusal::Host,
        ),
        (
            request(&format!(
                "{ours}Origin: http://localhost:18789\r\nOrigin: null\r\n"
            )),
            Refusal::Origin,
        ),
        (
            request(&format!("{ours}ORIGIN: https://evil.example\r\n")),
            Refusal::Origin,
        ),
        (request("Host : localhost:18789\r\n"), Refusal::Malformed),
        (
            request("Host: localhost\r\n :18789\r\n"),
            Refusal::Malformed,
        ),
        (request(&format!("{ours}no colon\r\n")), Refusal::Malformed),
        (
            request(&format!("{ours}: nameless\r\n")),
            Refusal::Malformed,
        ),
        (
            request(&format!("{ours}X: a\rOrigin: b\r\n")),
            Refusal::Malformed,
        ),
        (request(&format!("{ours}X: a\0b\r\n")), Refusal::Malformed),
        (
            format!("GET /a b HTTP/1.1\r\n{ours}\r\n"),
            Refusal::Malformed,
        ),
        (format!("GET  / HTTP/1.1\r\n{ours}\r\n"), Refusal::Malformed),
        (format!("GET / http/1.1\r\n{ours}\r\n"), Refusal::Malformed),
        (format!("PRI * HTTP/2.0\r\n{ours}\r\n"), Refusal::Malformed),
        (
            format!("GET http://evil.example/ HTTP/1.1\r\n{ours}\r\n"),
            Refusal::Host,
        ),
        (
            format!("GET https://localhost:18789/ HTTP/1.1\r\n{ours}\r\n"),
            Refusal::Host,
        ),
        (
            format!("CONNECT evil.example:443 HTTP/1.1\r\n{ours}\r\n"),
            Refusal::Host,
        ),
    ];

    for (head, expected) in table {
        assert_eq!(verdict(&head), Err(expected), "{head:?}");
    }
    assert_eq!(
        verdict(&format!(
            "GET http://localhost:18789/a HTTP/1.1\r\n{ours}\r\n"
        )),
        Ok(())
    );
    assert_eq!(verdict("GET / HTTP/1.1\nHost: [::1]:18789\n\n"), Ok(()));
    assert_eq!(
        screen(request("Host: \u{e9}:18789\r\n").as_bytes(), 18789),
        Err(Refusal::Host)
    );
    assert_eq!(
        screen(b"GET / HTTP/1.1\r\nHost: \xff\r\n\r\n", 18789),
        Err(Refusal::Malformed)
    );
}

#[test]
fn the_default_port_of_http_may_be_left_out() {
    for head in [
        request("Host: localhost\r\nOrigin: http://localhost\r\n"),
        request("Host: localhost:80\r\n"),
    ] {
        assert!(screen(head.as_bytes(), 80).is_ok(), "{head:?}");
    }
}

#[test]
fn an_upgrade_passes_unchanged_and_anything_else_is_for_one_request() {
    let upgrade = request("Host: localhost:18789\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n");
    let plain = request("Host: localhost:18789\r\nConnection: keep-alive\r\nX-A:  b \r\n");

    assert_eq!(
        screen(upgrade.as_bytes(), 18789).unwrap(),
        upgrade.as_bytes()
    );
    assert_eq!(
        String::from_utf8(screen(plain.as_bytes(), 18789).unwrap()).unwrap(),
        "GET / HTTP/1.1\r\nHost: localhost:18789\r\nX-A: b\r\nConnection: close\r\n\r\n"
    );
}

#[test]
fn what_stands_before_a_request_is_not_passed_on() {
    let upgrade = request("Host: localhost:18789\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n");

    for before in ["\r\n", "\n\n", "\r"] {
        let head = format!("{before}{upgrade}");
        assert_eq!(
            screen(head.as_bytes(), 18789).unwrap(),
            upgrade.as_bytes(),
            "{before:?}"
        );
    }
}

#[test]
fn the_first_bytes_tell_a_request_from_anything_else() {
    let head = request("Host: localhost:18789\r\n");
    let table: [(&[u8], Look); 16] = [
        (b"", Look::OneWord),
        (b"GE", Look::OneWord),
        (b"hello", Look::OneWord),
        (b"GET ", Look::PartOfHead),
        (b"GET / HTTP/1.1\r\nHost", Look::PartOfHead),
        (b"GET / HTTP/1.1\r\n\r\n", Look::Head(18)),
        (b"\r\nGET / HTTP/1.1\n\nbody", Look::Head(18)),
        (b"made-up!method / HTTP/1.1\r\n", Look::PartOfHead),
        (head.as_bytes(), Look::Head(head.len())),
        (b"PRI * HTTP/2.0\r\n\r\n", Look::Head(18)),
        (b"GET /\r\n", Look::NotHttp),
        (b"EHLO box\r\n", Look::NotHttp),
        (b"SSH-2.0-x\r\n", Look::NotHttp),
        (b"\x16\x03\x01\x02\x00", Look::NotHttp),
        (b" GET / HTTP/1.1\r\n\r\n", Look::NotHttp),
        (b"\0", Look::NotHttp),
    ];

    for (bytes, expected) in table {
        assert_eq!(
            look(bytes),
            expected,
            "{:?}",
            String::from_utf8_lossy(bytes)
        );
    }
    assert_eq!(look(&[b'a'; MAX_METHOD + 1]), Look::NotHttp);
    let endless = format!("GET /{} HTTP/1.1\r\n", "a".repeat(MAX_HEAD));
    assert_eq!(look(endless.as_bytes()), Look::TooLarge);
    assert_eq!(look(format!("{endless}\r\n").as_bytes()), Look::TooLarge);
}

#[test]
fn an_answer_closes_the_connection_and_says_its_length() {
    for refusal in [
        Refusal::Malformed,
        Refusal::Host,
        Refusal::Origin,
        Refusal::TooLarge,
        Refusal::TooSlow,
    ] {
        let response = refusal.response();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("Content-Length: {}", body.len())),
            "{response}"
        );
        assert!(head.contains("Connection: close"), "{response}");
    }
}

proptest! {
    #[test]
    fn cutting_a_request_anywhere_never_lets_it_pass_for_something_else(
        cut in 0usize..80,
        path in "/[a-z]{0,8}",
    ) {
        let head = format!("GET {path} HTTP/1.1\r\nHost: evil.example\r\nOrigin: null\r\n\r\n");
        let cut = cut.min(head.len() - 1);

        let look = look(&head.as_bytes()[..cut]);

        prop_assert!(matches!(look, Look::OneWord | Look::PartOfHead), "{look:?} at {cut}");
    }

    #[test]
    fn what_passes_passes_again(
        fields in proptest::collection::vec(("[A-Za-z-]{1,12}", "[ -~]{0,20}"), 0..6),
        port in 1u16..,
    ) {
        let mut head = format!("GET / HTTP/1.1\r\nHost: localhost:{port}\r\n");
        for (name, value) in &fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");

        prop_assert_eq!(look(head.as_bytes()), Look::Head(head.len()));
        if let Ok(passed) = screen(head.as_bytes(), port) {
            prop_assert_eq!(look(&passed), Look::Head(passed.len()));
            prop_assert!(screen(&passed, port).is_ok_and(|again| again == passed));
        }
    }

    #[test]
    fn no_bytes_make_screening_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(!matches!(look(&bytes), Look::Head(length) if length > bytes.len()));
        prop_assert!(screen(&bytes, 18789).is_err());
    }
}
