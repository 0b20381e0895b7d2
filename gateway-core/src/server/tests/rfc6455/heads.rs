//! Heads of upgrades, right and wrong (RFC 6455 §4), and how bytes may arrive.

use super::super::raw::{
    FIN, Heard, KEY, Raw, TEXT, connect_request, frame, health_request, upgrade_head,
};
use super::super::running;
use std::net::SocketAddr;

/// Changes the head of a good upgrade: replaces the first text by the second.
fn changed(address: SocketAddr, from: &str, to: &str) -> String {
    let good = upgrade_head(address, "");
    assert!(good.contains(from), "{from}");
    good.replacen(from, to, 1)
}

/// Returns names, heads and the status each has to get.
fn table(address: SocketAddr) -> Vec<(String, String, u16)> {
    let key = format!("Sec-WebSocket-Key: {KEY}\r\n");
    let host = format!("Host: {address}\r\n");
    let absolute = format!("GET http://{address}/ HTTP/1.1");
    let other = "GET http://evil.example/ HTTP/1.1";
    let (version, upgrade, connection) = (
        "Sec-WebSocket-Version: 13\r\n",
        "Upgrade: websocket\r\n",
        "Connection: Upgrade\r\n",
    );
    let line = "GET / HTTP/1.1";
    let long = format!("X-Long: {}\r\n\r\n", "x".repeat(16 * 1024));
    let many = format!("{}\r\n", "X-Many: x\r\n".repeat(300));
    let keys = |text: &str| format!("Sec-WebSocket-Key: {text}\r\n");
    let rows: Vec<(&str, &str, String, u16)> = vec![
        ("as it should be", line, line.to_owned(), 101),
        (
            "another path",
            line,
            "GET /some/path HTTP/1.1".to_owned(),
            101,
        ),
        ("a query", line, "GET /?token=x HTTP/1.1".to_owned(), 101),
        (
            "a path of a probe",
            line,
            "GET /health HTTP/1.1".to_owned(),
            101,
        ),
        ("an absolute target", line, absolute, 101),
        ("an absolute target elsewhere", line, other.to_owned(), 421),
        (
            "fields in lower case",
            "Sec-WebSocket-Version",
            "sec-websocket-version".to_owned(),
            101,
        ),
        (
            "fields in upper case",
            "Upgrade: web",
            "UPGRADE: web".to_owned(),
            101,
        ),
        (
            "WebSocket in mixed case",
            upgrade,
            "Upgrade: WebSocket\r\n".to_owned(),
            101,
        ),
        (
            "upgrade in upper case",
            connection,
            "Connection: UPGRADE\r\n".to_owned(),
            101,
        ),
        (
            "keep-alive as well",
            connection,
            "Connection: keep-alive, Upgrade\r\n".to_owned(),
            101,
        ),
        (
            "two Connection fields",
            connection,
            format!("Connection: keep-alive\r\n{connection}"),
            101,
        ),
        (
            "a list of upgrades",
            upgrade,
            "Upgrade: h2c, websocket\r\n".to_owned(),
            101,
        ),
        (
            "blanks around a value",
            version,
            "Sec-WebSocket-Version:   13  \r\n".to_owned(),
            101,
        ),
        (
            "no blank before a value",
            version,
            "Sec-WebSocket-Version:13\r\n".to_owned(),
            101,
        ),
        (
            "compression offered",
            version,
            format!(
                "{version}Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
            ),
            101,
        ),
        (
            "an unreadable extension",
            version,
            format!("{version}Sec-WebSocket-Extensions: ,;=\"\r\n"),
            101,
        ),
        (
            "subprotocols offered",
            version,
            format!("{version}Sec-WebSocket-Protocol: chat, superchat\r\n"),
            101,
        ),
        (
            "an unknown field",
            version,
            format!("{version}X-Unknown: x\r\n"),
            101,
        ),
        (
            "a cookie",
            version,
            format!("{version}Cookie: session=1\r\n"),
            101,
        ),
        ("no version", version, String::new(), 426),
        (
            "an empty version",
            version,
            "Sec-WebSocket-Version:\r\n".to_owned(),
            426,
        ),
        (
            "version 8",
            version,
            "Sec-WebSocket-Version: 8\r\n".to_owned(),
            426,
        ),
        (
            "version 12",
            version,
            "Sec-WebSocket-Version: 12\r\n".to_owned(),
            426,
        ),
        (
            "version 14",
            version,
            "Sec-WebSocket-Version: 14\r\n".to_owned(),
            426,
        ),
        (
            "version 013",
            version,
            "Sec-WebSocket-Version: 013\r\n".to_owned(),
            426,
        ),
        (
            "two versions in a list",
            version,
            "Sec-WebSocket-Version: 13, 8\r\n".to_owned(),
            426,
        ),
        (
            "two versions",
            version,
            format!("{version}Sec-WebSocket-Version: 8\r\n"),
            426,
        ),
        (
            "the version twice",
            version,
            format!("{version}{version}"),
            426,
        ),
        ("no key", &key, String::new(), 400),
        ("an empty key", &key, keys(""), 400),
        ("a key of 15 bytes", &key, keys("AAECAwQFBgcICQoLDA0O"), 400),
        (
            "a key of 17 bytes",
            &key,
            keys("AAECAwQFBgcICQoLDA0ODxA="),
            400,
        ),
        (
            "a key of 18 bytes",
            &key,
            keys("AAECAwQFBgcICQoLDA0ODxAR"),
            400,
        ),
        (
            "a key without padding",
            &key,
            keys("dGhlIHNhbXBsZSBub25jZQ"),
            400,
        ),
        (
            "a key in base64url",
            &key,
            keys("dGhlIHNhbXBsZSBub25j-_=="),
            400,
        ),
        (
            "a key that is no base64",
            &key,
            keys("not base64 in the least!"),
            400,
        ),
        (
            "a key in quotes",
            &key,
            keys("\"dGhlIHNhbXBsZSBub25jZQ==\""),
            400,
        ),
        ("two keys", &key, format!("{key}{key}"), 400),
        ("no Connection", connection, String::new(), 400),
        (
            "Connection: close",
            connection,
            "Connection: close\r\n".to_owned(),
            400,
        ),
        (
            "Connection: keep-alive",
            connection,
            "Connection: keep-alive\r\n".to_owned(),
            400,
        ),
        (
            "Connection: not-upgrade",
            connection,
            "Connection: not-upgrade\r\n".to_owned(),
            400,
        ),
        ("HTTP/1.0", line, "GET / HTTP/1.0".to_owned(), 400),
        ("POST", line, "POST / HTTP/1.1".to_owned(), 400),
        ("HEAD", line, "HEAD / HTTP/1.1".to_owned(), 400),
        ("OPTIONS", line, "OPTIONS / HTTP/1.1".to_owned(), 400),
        ("get in lower case", line, "get / HTTP/1.1".to_owned(), 400),
        ("CONNECT", line, format!("CONNECT {address} HTTP/1.1"), 421),
        ("no Upgrade", upgrade, String::new(), 200),
        ("Upgrade: h2c", upgrade, "Upgrade: h2c\r\n".to_owned(), 200),
        (
            "Upgrade: websockets",
            upgrade,
            "Upgrade: websockets\r\n".to_owned(),
            200,
        ),
        ("no Host", &host, String::new(), 421),
        ("an empty Host", &host, "Host:\r\n".to_owned(), 421),
        ("two Hosts", &host, format!("{host}{host}"), 421),
        (
            "another Host",
            &host,
            "Host: evil.example\r\n".to_owned(),
            421,
        ),
        ("HTTP/1.2", line, "GET / HTTP/1.2".to_owned(), 400),
        ("HTTP/3.0", line, "GET / HTTP/3.0".to_owned(), 400),
        ("no version of HTTP", line, "GET /".to_owned(), 400),
        ("no target", line, "GET HTTP/1.1".to_owned(), 400),
        (
            "a target with a blank",
            line,
            "GET /a b HTTP/1.1".to_owned(),
            400,
        ),
        ("no method", line, " / HTTP/1.1".to_owned(), 400),
        (
            "a blank before a colon",
            upgrade,
            "Upgrade : websocket\r\n".to_owned(),
            400,
        ),
        (
            "a field without a colon",
            upgrade,
            "Upgrade websocket\r\n".to_owned(),
            400,
        ),
        (
            "a NUL in a value",
            upgrade,
            "Upgrade: web\0socket\r\n".to_owned(),
            400,
        ),
        (
            "a folded value",
            upgrade,
            "Upgrade:\r\n websocket\r\n".to_owned(),
            400,
        ),
        (
            "a field that is too long",
            "\r\n\r\n",
            format!("\r\n{long}"),
            431,
        ),
        ("too many fields", "\r\n\r\n", format!("\r\n{many}"), 431),
    ];
    rows.into_iter()
        .map(|(name, from, to, status)| (name.to_owned(), changed(address, from, &to), status))
        .collect()
}

#[tokio::test]
async fn heads_of_upgrades_are_taken_or_refused_as_the_rfc_says() {
    let running = running().await;
    let address = running.gateway.addresses()[0];
    let table = table(address);
    let mut wrong = Vec::new();
    for (name, head, status) in &table {
        let mut raw = Raw::dial(address).await;
        raw.send(head.as_bytes()).await;
        let reply = raw.head().await;
        if reply.status != *status {
            wrong.push(format!("{name}: {}, not {status}", reply.status));
            continue;
        }
        assert_eq!(reply.field("Sec-WebSocket-Extensions"), None, "{name}");
        assert_eq!(reply.field("Sec-WebSocket-Protocol"), None, "{name}");
        match status {
            101 => drop(raw.challenge().await),
            426 => assert_eq!(reply.field("Sec-WebSocket-Version"), Some("13"), "{name}"),
            _ => {}
        }
    }
    println!("RFC 6455: {} heads of upgrades", table.len());
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    running.gateway.stop().await;
}

#[tokio::test]
async fn bytes_may_come_one_by_one_or_all_at_once() {
    let running = running().await;
    let address = running.gateway.addresses()[0];
    let connect = connect_request("hello", "cli", "cli").to_string();
    let health = health_request("health").to_string();
    let frames = [
        frame(FIN | TEXT, connect.as_bytes()),
        frame(FIN | TEXT, health.as_bytes()),
    ]
    .concat();
    let all = [upgrade_head(address, "").into_bytes(), frames].concat();

    let mut at_once = Raw::dial(address).await;
    at_once.send(&all).await;
    let mut one_by_one = Raw::dial(address).await;
    for byte in &all {
        one_by_one.send(&[*byte]).await;
    }

    for raw in [&mut at_once, &mut one_by_one] {
        assert_eq!(raw.head().await.status, 101);
        raw.challenge().await;
        assert_eq!(raw.answer().await["payload"]["type"], "hello-ok");
        assert_eq!(raw.answer().await["id"], "health");
    }
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_peer_that_ends_amid_a_frame_leaves_nothing_behind() {
    let running = running().await;
    let address = running.gateway.addresses()[0];
    let whole = frame(FIN | TEXT, health_request("m").to_string().as_bytes());
    for length in [0, 1, 2, 5, 6, 20, whole.len() - 1] {
        let mut raw = Raw::greeted(address).await;
        raw.send(&whole[..length]).await;
        raw.hang_up().await;
        assert_eq!(
            raw.hear_no_event().await,
            Heard::End,
            "after {length} bytes"
        );
    }
    let mut half_a_head = Raw::dial(address).await;
    half_a_head.send(b"GET /health HTTP/1.1\r\nHost: ").await;
    half_a_head.hang_up().await;
    assert_eq!(half_a_head.head().await.status, 0, "it gets no answer");
    assert!(!running.gateway.state.peers.any(|_| true));
    running.gateway.stop().await;
}
