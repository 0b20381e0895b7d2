//! Which addresses are read, and where a plain one may go.

use super::*;

fn parse(text: &str) -> Result<GatewayUrl, GatewayUrlError> {
    text.parse()
}

/// Where a plain `ws://` may go, as hosts; each is tried with and without a port.
const ALLOWED: [&str; 62] = [
    // This computer.
    "127.0.0.1",
    "127.0.0.2",
    "127.9.9.9",
    "127.255.255.255",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    // Private networks (RFC 1918) and their edges.
    "10.0.0.0",
    "10.0.0.1",
    "10.1.2.3",
    "10.255.255.255",
    "172.16.0.0",
    "172.16.0.1",
    "172.20.1.1",
    "172.31.255.255",
    "192.168.0.0",
    "192.168.0.10",
    "192.168.1.1",
    "192.168.255.255",
    "[::ffff:10.0.0.1]",
    "[::ffff:192.168.1.1]",
    "[::ffff:172.16.5.4]",
    // Link-local.
    "169.254.0.1",
    "169.254.1.1",
    "169.254.255.255",
    "[fe80::1]",
    "[fe80::dead:beef]",
    "[febf::1]",
    "[::ffff:169.254.1.1]",
    // Carrier-grade NAT, where Tailscale's addresses are.
    "100.64.0.0",
    "100.64.0.1",
    "100.100.100.100",
    "100.101.102.103",
    "100.127.255.255",
    "[::ffff:100.64.0.1]",
    // Unique local addresses, Tailscale's among them.
    "[fc00::1]",
    "[fd00::1]",
    "[fd7a:115c:a1e0::1]",
    "[fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]",
    "[FD00::ABCD]",
    // Names.
    "box.local",
    "BOX.LOCAL",
    "box.local.",
    "a.b.c.local",
    "my-box.local",
    "my_box.local",
    "xn--bcher-kva.local",
    "box.ts.net",
    "box.tail1234.ts.net",
    "BOX.Tail1234.TS.NET",
    "box.tail1234.ts.net.",
    "home-server.tailabc.ts.net",
    "a.ts.net",
    "1box.local",
    "box1.local",
    "localhost.local",
    "127.evil.local",
    "evil.com.ts.net",
];

/// Where it may not: public places, and names that only look like something else.
const REFUSED: [&str; 62] = [
    "127.evil.com",
    "127.0.0.1.evil.com",
    "127-0-0-1.evil.com",
    "localhost.evil.com",
    "localhost.com",
    "evil-localhost",
    "xlocalhost",
    "localhostx",
    "sub.localhost",
    "localdomain",
    "192.168.0.1.nip.io",
    "10.0.0.1.sslip.io",
    "192-168-0-1.nip.io",
    "evil.local.com",
    "local.evil.com",
    "evillocal",
    "evil-local",
    "local",
    "ts.net",
    "ts.net.evil.com",
    "evilts.net",
    "box.ts.net.evil.com",
    "box-ts.net",
    "box.ts.network",
    "box.tailscale.net",
    "box.locals",
    "box.xlocal",
    "box.local.net",
    "box.lan",
    "box.home",
    "box.internal",
    "box.home.arpa",
    "box",
    "home-server",
    "example.com",
    "gateway.example.org",
    "xn--bcher-kva.example",
    "8.8.8.8",
    "1.1.1.1",
    "0.0.0.0",
    "9.255.255.255",
    "11.0.0.0",
    "172.15.0.1",
    "172.15.255.255",
    "172.32.0.0",
    "172.32.0.1",
    "192.167.255.255",
    "192.169.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "100.128.0.1",
    "203.0.113.5",
    "255.255.255.255",
    "[::]",
    "[2001:db8::1]",
    "[2606:4700::1111]",
    "[::ffff:8.8.8.8]",
    "[::ffff:172.32.0.1]",
    "[fec0::1]",
    "[::127.0.0.1]",
];

#[test]
fn plain_is_allowed_only_where_nobody_else_listens() {
    let all = ALLOWED.map(|host| (host, Ok(()))).into_iter();
    for (host, expected) in all.chain(REFUSED.map(|host| (host, Err(PlainRefused)))) {
        for rest in ["", ":18789", "/", ":1/path"] {
            let plain = parse(&format!("ws://{host}{rest}")).unwrap();
            assert_eq!(plain.check_plain(), expected, "{host}{rest}");
            let encrypted = parse(&format!("wss://{host}{rest}")).unwrap();
            assert_eq!(encrypted.check_plain(), Ok(()), "{host}{rest}");
        }
    }
}

/// What a name leads to is judged like an address that was written.
#[test]
fn a_name_that_leads_out_into_the_internet_is_not_dialled_in_the_open() {
    let (plain, encrypted) = (
        parse("ws://box.local").unwrap(),
        parse("wss://box.local").unwrap(),
    );
    for address in [
        "127.0.0.1",
        "10.0.0.1",
        "100.64.0.1",
        "fe80::1",
        "fd00::1",
        "::ffff:10.0.0.1",
    ] {
        assert!(plain.may_dial(address.parse().unwrap()), "{address}");
    }
    for address in [
        "203.0.113.5",
        "2001:db8::1",
        "::ffff:8.8.8.8",
        "0.0.0.0",
        "172.32.0.1",
    ] {
        assert!(!plain.may_dial(address.parse().unwrap()), "{address}");
        assert!(encrypted.may_dial(address.parse().unwrap()), "{address}");
    }
}

#[test]
fn what_is_copied_out_of_a_browser_is_understood() {
    for (text, expected) in [
        ("https://box.example", "wss://box.example:443"),
        ("HTTPS://box.example/claw/", "wss://box.example:443/claw/"),
        ("http://10.0.0.1:18789/", "ws://10.0.0.1:18789"),
        (" wss://box.example:8443 ", "wss://box.example:8443"),
        ("ws://localhost", "ws://localhost:80"),
    ] {
        assert!(GatewayUrl::looks_like_one(text), "{text}");
        assert_eq!(
            GatewayUrl::pasted(text).unwrap().to_string(),
            expected,
            "{text}"
        );
    }
    // A page's link carries a secret in its fragment; it belongs into another field.
    for text in [
        "https://box.example/#token=canary",
        "https://box.example/?token=canary",
    ] {
        assert_eq!(GatewayUrl::pasted(text), Err(GatewayUrlError::Extras));
    }
    for text in ["me@box", "ssh://me@box", "box:22", "ssh -p 22 me@box", ""] {
        assert!(!GatewayUrl::looks_like_one(text), "{text}");
        assert_eq!(
            GatewayUrl::pasted(text),
            Err(GatewayUrlError::Scheme),
            "{text}"
        );
    }
}

#[test]
fn only_a_clean_address_is_taken_and_never_repeated() {
    let cases = [
        ("http://127.0.0.1", GatewayUrlError::Scheme),
        ("127.0.0.1:1", GatewayUrlError::Scheme),
        ("", GatewayUrlError::Scheme),
        ("ws://user:canary@127.0.0.1", GatewayUrlError::Extras),
        ("ws://127.0.0.1/?token=canary", GatewayUrlError::Extras),
        ("ws://127.0.0.1#canary", GatewayUrlError::Extras),
        ("ws://evil.com\\@127.0.0.1", GatewayUrlError::Extras),
        ("ws://", GatewayUrlError::Host),
        ("ws:///path", GatewayUrlError::Host),
        ("ws://127.1", GatewayUrlError::Host),
        ("ws://2130706433", GatewayUrlError::Host),
        ("ws://0x7f000001", GatewayUrlError::Host),
        ("ws://a..b", GatewayUrlError::Host),
        ("ws://a b", GatewayUrlError::Host),
        ("ws://[::1", GatewayUrlError::Host),
        ("ws://[::1]x", GatewayUrlError::Host),
        ("ws://[fe80::1%25eth0]", GatewayUrlError::Host),
        ("ws://127.0.0.1:0", GatewayUrlError::Port),
        ("ws://127.0.0.1:65536", GatewayUrlError::Port),
        ("ws://127.0.0.1:", GatewayUrlError::Port),
        ("ws://127.0.0.1:+1", GatewayUrlError::Port),
        ("ws://box.local/a b", GatewayUrlError::Path),
        ("ws://box.local/a\r\nHost: evil", GatewayUrlError::Path),
        ("ws://box.local/ø", GatewayUrlError::Path),
    ];
    for (text, expected) in cases {
        let error = parse(text).unwrap_err();
        assert_eq!(error, expected, "{text}");
        assert!(!error.to_string().contains("canary"));
    }
}

#[test]
fn the_canonical_spelling_parses_back() {
    for (text, canonical) in [
        ("WS://Box.Local:5/some/path", "ws://box.local:5/some/path"),
        ("ws://box.local:5/", "ws://box.local:5"),
        ("wss://example.com/claw/", "wss://example.com:443/claw/"),
        ("ws://[::1]", "ws://[::1]:80"),
        ("wss://example.com", "wss://example.com:443"),
        (" ws://127.0.0.1:18789 ", "ws://127.0.0.1:18789"),
    ] {
        let url = parse(text).unwrap();
        assert_eq!(url.to_string(), canonical);
        assert_eq!(parse(canonical).unwrap(), url);
    }
    assert!(parse("ws://[::ffff:127.0.0.1]").unwrap().is_loopback());
    assert!(!parse("ws://10.0.0.1").unwrap().is_loopback());
}
