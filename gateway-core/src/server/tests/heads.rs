//! Hostile Host and Origin fields, every route and every method, through real sockets.

use super::raw::{Heard, Raw, connect_request, http};
use super::running;
use std::net::SocketAddr;

/// Everything the HTTP side answers to, and a path it does not know.
const PROBES: [&str; 6] = [
    "/health",
    "/healthz",
    "/ready",
    "/readyz",
    "/startup",
    "/startupz",
];
const ROUTES: [&str; 8] = [
    "/health",
    "/healthz",
    "/ready",
    "/readyz",
    "/startup",
    "/startupz",
    "/",
    "/no/such/path",
];

/// Names of others, and other spellings of ours. `PORT` stands for the port.
const HOSTS: [&[u8]; 78] = [
    b"",
    b" ",
    b"127.0.0.1",
    b"localhost",
    b"[::1]",
    b"::1",
    b"::1:PORT",
    b":PORT",
    b"PORT",
    b"127.0.0.1:1",
    b"127.0.0.1:PORT0",
    b"127.0.0.1:0PORT",
    b"127.0.0.1:+PORT",
    b"127.0.0.1:-PORT",
    b"127.0.0.1:",
    b"127.0.0.1:80",
    b"127.0.0.1:443",
    b"127.0.0.1:PORT:PORT",
    b"127.0.0.1:PORT.evil.example",
    b"127.0.0.1:PORT/",
    b"127.0.0.1:PORT?",
    b"127.0.0.1:PORT#",
    b"127.0.0.1:PORT@evil.example",
    b"user@127.0.0.1:PORT",
    b"user:pass@127.0.0.1:PORT",
    b"127.1:PORT",
    b"127.0.1:PORT",
    b"127.0.0.2:PORT",
    b"127.000.000.001:PORT",
    b"0177.0.0.1:PORT",
    b"0x7f.0.0.1:PORT",
    b"0x7f000001:PORT",
    b"2130706433:PORT",
    b"0.0.0.0:PORT",
    b"0:PORT",
    b"[::]:PORT",
    b"[::ffff:127.0.0.1]:PORT",
    b"[::ffff:7f00:1]:PORT",
    b"[::127.0.0.1]:PORT",
    b"[0:0:0:0:0:0:0:1]:PORT",
    b"[0::1]:PORT",
    b"[::1%lo]:PORT",
    b"[::1]PORT",
    b"[::1",
    b"[]:PORT",
    b"localhost.:PORT",
    b"127.0.0.1.:PORT",
    b"localhost.localdomain:PORT",
    b"localhost.evil.example:PORT",
    b"evil-localhost:PORT",
    b"127.0.0.1.nip.io:PORT",
    b"evil.example:PORT",
    b"evil.example",
    b"evil.example:80",
    b"xn--lcalhost-56a:PORT",
    "lоcalhost:PORT".as_bytes(),
    "ｌｏｃａｌｈｏｓｔ:PORT".as_bytes(),
    "127。0。0。1:PORT".as_bytes(),
    b"localhost :PORT",
    b"localhost: PORT",
    b"localhost\t:PORT",
    b"localhost:PORT, evil.example",
    b"evil.example, localhost:PORT",
    b"169.254.169.254:PORT",
    b"192.168.0.1:PORT",
    b"host.docker.internal:PORT",
    b"gateway.local:PORT",
    b"*:PORT",
    b"*",
    b"null",
    b"-",
    b"%6cocalhost:PORT",
    b"localhost%00:PORT",
    b"http://localhost:PORT",
    b"//localhost:PORT",
    b"localhost\\@evil.example:PORT",
    b"ip6-localhost:PORT",
    b"localhost\xff:PORT",
];

/// Pages of others, and other spellings of ours.
const ORIGINS: [&[u8]; 62] = [
    b"",
    b"null",
    b"NULL",
    b"*",
    b"file://",
    b"file:///tmp/page.html",
    b"about:blank",
    b"data:",
    b"blob:http://localhost:PORT",
    b"http://",
    b"http:localhost:PORT",
    b"http:/localhost:PORT",
    b"localhost:PORT",
    b"//localhost:PORT",
    b"http://localhost",
    b"http://localhost:",
    b"http://localhost:80",
    b"http://localhost:1",
    b"http://localhost:3000",
    b"http://localhost:0PORT",
    b"http://localhost:PORT0",
    b"http://localhost:PORT/",
    b"http://localhost:PORT/page",
    b"http://localhost:PORT?",
    b"http://localhost:PORT#",
    b"https://localhost:PORT",
    b"https://127.0.0.1:PORT",
    b"HTTP://localhost:PORT",
    b"ws://localhost:PORT",
    b"wss://localhost:PORT",
    b"tauri://localhost",
    b"tauri://localhost:PORT",
    b"chrome-extension://abcdefghijklmnop",
    b"moz-extension://abcdef",
    b"vscode-webview://abcdef",
    b"http://localhost.:PORT",
    b"http://localhost.evil.example:PORT",
    b"http://localhost:PORT.evil.example",
    b"http://localhost:PORT@evil.example",
    b"http://user@localhost:PORT",
    b"http://user:pass@localhost:PORT",
    b"http://evil.example",
    b"http://evil.example:PORT",
    b"https://evil.example",
    b"http://127.0.0.1",
    b"http://127.0.0.1:1",
    b"http://127.0.0.1.:PORT",
    b"http://127.0.0.1.nip.io:PORT",
    b"http://127.0.0.2:PORT",
    b"http://127.1:PORT",
    b"http://0177.0.0.1:PORT",
    b"http://0x7f000001:PORT",
    b"http://2130706433:PORT",
    b"http://0.0.0.0:PORT",
    b"http://[::]:PORT",
    b"http://[::ffff:127.0.0.1]:PORT",
    b"http://localhost:PORT http://evil.example",
    b"http://localhost:PORT, http://evil.example",
    "http://lоcalhost:PORT".as_bytes(),
    b"http://local%68ost:PORT",
    b"http://localhost\\:PORT",
    b"http://localhost:PORT\xff",
];

fn with_port(text: &[u8], address: SocketAddr) -> Vec<u8> {
    let port = address.port().to_string();
    let at = text.windows(4).position(|four| four == b"PORT");
    match at {
        None => text.to_vec(),
        Some(at) => [
            &text[..at],
            port.as_bytes(),
            &with_port(&text[at + 4..], address),
        ]
        .concat(),
    }
}

fn request(method: &str, path: &str, fields: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n").into_bytes();
    for (name, value) in fields {
        bytes.extend(format!("{name}: ").into_bytes());
        bytes.extend(*value);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"\r\n");
    bytes
}

const UPGRADE: [(&str, &[u8]); 4] = [
    ("Upgrade", b"websocket"),
    ("Connection", b"Upgrade"),
    ("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", b"13"),
];

#[tokio::test]
async fn a_host_that_is_not_ours_gets_nothing_whatever_is_asked() {
    let running = running().await;
    let address = running.gateway.addresses()[0];
    let mut asked = 0;
    for host in HOSTS {
        let host = with_port(host, address);
        let shown = String::from_utf8_lossy(&host).into_owned();
        let plain = http(address, &request("GET", "/health", &[("Host", &host)])).await;
        assert!(
            [400, 421].contains(&plain.status),
            "{shown:?}: {}",
            plain.head
        );
        assert!(!plain.body.contains("live"), "{shown:?}");
        let mut fields = vec![("Host", host.as_slice())];
        fields.extend(UPGRADE);
        let mut raw = Raw::dial(address).await;
        raw.send(&request("GET", "/", &fields)).await;
        let upgrade = raw.head().await;
        assert!(
            [400, 421].contains(&upgrade.status),
            "{shown:?}: {}",
            upgrade.head
        );
        asked += 1;
    }
    for route in ROUTES {
        for method in ["GET", "HEAD", "POST", "OPTIONS", "DELETE"] {
            let reply = http(
                address,
                &request(method, route, &[("Host", b"evil.example")]),
            )
            .await;
            assert_eq!(reply.status, 421, "{method} {route}");
            assert!(
                !reply.body.contains("\"ok\""),
                "{method} {route}: {}",
                reply.body
            );
        }
    }
    println!("hostile Hosts: {asked}, on {} routes", ROUTES.len());
    assert!(asked >= 60);
    running.gateway.stop().await;
}

#[tokio::test]
async fn our_own_names_are_answered_in_every_spelling_we_accept() {
    let running = running().await;
    let address = running.gateway.addresses()[0];
    for host in [
        "127.0.0.1:PORT",
        "localhost:PORT",
        "LOCALHOST:PORT",
        "[::1]:PORT",
        "  localhost:PORT  ",
    ] {
        let host = with_port(host.as_bytes(), address);
        let origin = [b"http://".as_slice(), host.trim_ascii()].concat();
        let fields = [("Host", host.as_slice()), ("Origin", origin.as_slice())];
        for fields in [&fields[..1], &fields[..]] {
            let reply = http(address, &request("GET", "/health", fields)).await;
            assert_eq!(reply.status, 200, "{:?}", String::from_utf8_lossy(&host));
        }
    }
    running.gateway.stop().await;
}

#[tokio::test]
async fn pages_of_others_read_nothing_and_may_not_connect() {
    let running = running().await;
    let address = running.gateway.addresses()[0];
    let host = address.to_string();
    let connect = connect_request("c", "openclaw-control-ui", "ui");
    for origin in ORIGINS {
        let origin = with_port(origin, address);
        let shown = String::from_utf8_lossy(&origin).into_owned();
        let fields = [("Host", host.as_bytes()), ("Origin", origin.as_slice())];
        let plain = http(address, &request("GET", "/health", &fields)).await;
        assert_eq!(plain.status, 403, "{shown:?}");
        assert!(!plain.body.contains("live"), "{shown:?}");

        let mut raw = Raw::dial(address).await;
        raw.send(&request("GET", "/", &[&fields[..], &UPGRADE[..]].concat()))
            .await;
        assert_eq!(raw.head().await.status, 101, "{shown:?}");
        raw.challenge().await;
        raw.say(&connect).await;
        let refusal = raw.answer().await;
        assert_eq!(
            refusal["error"]["details"]["code"], "CONTROL_UI_ORIGIN_NOT_ALLOWED",
            "{shown:?}: {refusal}"
        );
        let close = raw.hear().await;
        assert!(
            matches!(
                close,
                Heard::Close {
                    code: Some(1008),
                    ..
                }
            ),
            "{shown:?}: {close:?}"
        );
    }
    println!("hostile Origins: {}", ORIGINS.len());
    running.gateway.stop().await;
}

#[tokio::test]
async fn no_route_lets_pages_of_others_in_by_cors() {
    let running = running().await;
    let address = running.gateway.addresses()[0];
    let host = address.to_string();
    let own = format!("http://{host}");
    for route in ROUTES {
        for origin in [
            None,
            Some(own.as_str()),
            Some("http://evil.example"),
            Some("null"),
        ] {
            for method in ["GET", "HEAD", "OPTIONS", "POST"] {
                let mut fields = vec![
                    ("Host", host.as_bytes()),
                    ("Access-Control-Request-Method", b"GET".as_slice()),
                    ("Access-Control-Request-Private-Network", b"true"),
                ];
                if let Some(origin) = origin {
                    fields.push(("Origin", origin.as_bytes()));
                }
                let reply = http(address, &request(method, route, &fields)).await;
                let head = reply.head.to_ascii_lowercase();
                assert!(
                    !head.contains("access-control-"),
                    "{method} {route}: {head}"
                );
                assert!(
                    head.contains("x-content-type-options: nosniff"),
                    "{route}: {head}"
                );
                assert!(head.contains("cache-control: no-store"), "{route}: {head}");
            }
        }
    }
    running.gateway.stop().await;
}

#[tokio::test]
async fn probes_are_only_read() {
    let running = running().await;
    let address = running.gateway.addresses()[0];
    let host = address.to_string();
    let fields = [
        ("Host", host.as_bytes()),
        ("Content-Length", b"0".as_slice()),
    ];
    for route in PROBES {
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            let reply = http(address, &request(method, route, &fields)).await;
            assert_eq!(reply.status, 405, "{method} {route}");
            assert_eq!(reply.field("Allow"), Some("GET, HEAD"), "{method} {route}");
        }
        let get = http(address, &request("GET", route, &fields[..1])).await;
        let head = http(address, &request("HEAD", route, &fields[..1])).await;
        assert_eq!((get.status, head.status), (200, 200), "{route}");
        assert!(!get.body.is_empty() && head.body.is_empty(), "{route}");
        assert_eq!(
            get.field("Content-Type"),
            head.field("Content-Type"),
            "{route}"
        );
    }
    running.gateway.stop().await;
}
