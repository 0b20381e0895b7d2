use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::json;

fn redactor() -> Redactor {
    let mut redactor = Redactor::default();
    redactor.hide(Kind::Host, "home-server");
    redactor.hide(Kind::User, "me");
    redactor.hide_home(Path::new("/home/me"));
    redactor
}

fn redacted(text: &str) -> String {
    redactor().text(text)
}

#[test]
fn names_of_people_and_computers_become_the_same_placeholder_everywhere() {
    let cases = [
        (
            "signed in to home-server as me",
            "signed in to host-1 as user-1",
        ),
        (
            "HOME-SERVER answers; me, too",
            "host-1 answers; user-1, too",
        ),
        ("me@home-server:2222", "user-1@host-1:2222"),
        (
            "home-server-2 is another, some are not me_too",
            "home-server-2 is another, some are not me_too",
        ),
        (
            "/home/me/.ssh/id and /home/you/x",
            "~/.ssh/id and /home/user-2/x",
        ),
        (r"C:\Users\Mette\key", r"C:\Users\user-2\key"),
        ("mail other@example.org.", "mail user-2@host-2."),
        (
            "box → 10.0.0.5:2201, then 10.0.0.5",
            "box → host-2:2201, then host-2",
        ),
        (
            "dialled [2001:db8::7]:22 and 192.168.1.20",
            "dialled [host-2]:22 and host-3",
        ),
        (
            "nas.local and laptop.tail1234.ts.net:80",
            "host-2 and host-3:80",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(redacted(text), expected, "{text}");
    }
}

#[test]
fn what_is_nobodys_stays() {
    for text in [
        "listening on 127.0.0.1:18789 and [::1]:18789, ws://127.0.0.1:18789/ and localhost",
        "2026-11-24T02:30:00.123456Z  INFO gateway_core::connection::supervisor: up attempt=3",
        "~/.local/share/openclaw-tray/known_hosts in /usr/share/applications",
        "chacha20-poly1305@openssh.com with UnsupportedProtocolVersion",
        "has_token=true and passphrase: none, GatewayToken(***)",
        "token=GatewayToken(***) port=18789",
        "version 2026.9.6 (0x1f), 12 % of 3 MB",
        "host-1 and user-2@host-3, profile-1",
    ] {
        assert_eq!(redacted(text), text);
    }
}

#[test]
fn what_has_the_form_of_a_secret_goes() {
    let cases = [
        ("token=abc rest of it", "token=***"),
        (
            "{\"token\":\"a \\\" b\",\"port\":1}",
            "{\"token\":\"***\",\"port\":1}",
        ),
        (
            r#"said {\"gatewayToken\":\"hunter2\",\"b\":1}"#,
            r#"said {\"gatewayToken\":\"***"#,
        ),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("password = correct horse battery", "password = ***"),
        (
            "gateway.auth.password: 'x y', port: 1",
            "gateway.auth.password: '***', port: 1",
        ),
        ("OPENCLAW_GATEWAY_TOKEN=1", "OPENCLAW_GATEWAY_TOKEN=***"),
        (
            "wss://a:b@home-server:443/x?token=1#bootstrap=2 next",
            "wss://host-1:443/x?*** next",
        ),
        (
            "http://127.0.0.1:18789/#code",
            "http://127.0.0.1:18789/#***",
        ),
        ("3q2+7wAAAAAAAAAAAAAAAAAA/w==", "***"),
        ("id 0123456789abcdef0123456789abcdef.", "id ***."),
        ("%63%61%6e%61%72%79%20 is it", "*** is it"),
        ("not-the-token-of-this-gateway", "***"),
    ];
    for (text, expected) in cases {
        let shown = redacted(text);
        assert!(shown.starts_with(expected), "{text}: {shown}");
    }
}

#[test]
fn blocks_of_keys_go_whole_and_cut_off() {
    let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\nAAAA\n-----END OPENSSH PRIVATE KEY-----";
    let cases = [
        (format!("before\n{key}\nafter"), "before\n***\nafter"),
        (format!("{key}{key}"), "******"),
        (
            "x\n-----BEGIN KEY-----\nProc-Type: 4\nAAbb\nCC==\nnext line".into(),
            "x\n***\nnext line",
        ),
        (
            "a line\nAAbb\nCC==\n-----END KEY-----\nafter".into(),
            "a line\n***\nafter",
        ),
        ("AAbb\n-----END KEY-----".into(), "***"),
        (key.replace('\n', "\\n"), "***"),
        (
            "-----BEGIN A-----\nAA\n-----BEGIN B-----\nBB\n-----END B-----\nafter".into(),
            "***\n***\nafter",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(redacted(&text), expected, "{text}");
    }
}

#[test]
fn a_value_keeps_its_members_and_loses_what_they_hold() {
    let mut value = json!({
        "me": {"address": "me@home-server", "gatewayToken": "short", "hasToken": true},
        "list": ["/home/me/key", 7],
    });

    redactor().value(&mut value);

    let expected = json!({
        "me": {"address": "user-1@host-1", "gatewayToken": "***", "hasToken": true},
        "list": ["~/key", 7],
    });
    assert_eq!(value, expected);
}

#[test]
fn names_that_a_log_tells_are_found_before_they_stand_there() {
    let log = "box is slow\nsigned in host=\"box\" user=jo, method=key\n";
    let mut redactor = redactor();
    redactor.learn_from(log);

    assert_eq!(
        redactor.text(log),
        "host-2 is slow\nsigned in host=\"host-2\" user=user-2, method=key\n"
    );
}

/// Text of what reports are made of, put together without sense.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[ -~]{0,12}",
        "[a-zA-Z0-9+/=_-]{0,40}",
        "[\u{0}-\u{ffff}]{0,6}",
        Just("token=".to_owned()),
        Just("\"password\": \"".to_owned()),
        Just("-----BEGIN A KEY-----\n".to_owned()),
        Just("\n-----END A KEY-----".to_owned()),
        Just("wss://".to_owned()),
        Just("me@home-server".to_owned()),
        Just("/home/me".to_owned()),
        Just("host-1".to_owned()),
        Just("10.0.0.5:22".to_owned()),
        Just("fe80::1".to_owned()),
        Just("***".to_owned()),
        Just("\n".to_owned()),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn redacting_twice_is_redacting_once(text in hostile()) {
        let mut redactor = redactor();
        let once = redactor.text(&text);
        prop_assert_eq!(redactor.text(&once), once);
    }

    #[test]
    fn a_hidden_name_stands_nowhere_by_itself(before in hostile(), after in hostile()) {
        let shown = redacted(&format!("{before} home-server {after} me /home/me/x"));
        let words: Vec<&str> = shown
            .split(|letter: char| !(letter.is_alphanumeric() || letter == '-' || letter == '_'))
            .collect();
        prop_assert!(!words.contains(&"home-server"), "{}", shown);
        prop_assert!(!words.contains(&"me"), "{}", shown);
    }

    #[test]
    fn a_secret_in_any_form_is_gone(
        bytes in prop::collection::vec(any::<u8>(), 24..48),
        before in hostile(),
        after in "[ -~]{0,20}",
    ) {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        for secret in [STANDARD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes), hex] {
            let shown = redacted(&format!("{before} {secret} {after}"));
            prop_assert!(!shown.contains(&secret), "{}", shown);
        }
    }

    #[test]
    fn a_password_with_blanks_is_gone_from_where_it_is_named(
        words in prop::collection::vec("[a-z]{6,9}", 2..4),
        quoted in any::<bool>(),
    ) {
        let secret = words.join(" ");
        let text = match quoted {
            true => format!("it says {{\"password\": \"{secret}\", \"port\": 1}}"),
            false => format!("it says password={secret}"),
        };
        prop_assert!(!redacted(&text).contains(&secret));
    }
}
