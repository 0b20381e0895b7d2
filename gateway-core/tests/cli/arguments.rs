//! What is refused before anything is dialled, and how it is said.

use crate::support::{CountingPort, Home, set_mode};

#[test]
fn wrong_usage_is_64_and_help_is_an_answer() {
    let home = Home::new();
    for args in [
        &[][..],
        &["nonsense"],
        &["gateway"],
        &["gateway", "call"],
        &["health", "--timeout", "soon"],
        &["connect", "--local-port", "0"],
        &[
            "check",
            "--url",
            "ws://127.0.0.1:1",
            "--ssh-target",
            "me@box",
        ],
        &["health", "--token-file", "a", "--token-stdin"],
        &["connect"],
        &["connect", "--ssh-target", "-oProxyCommand=touch"],
        &[
            "check",
            "--ssh-target",
            "me@box",
            "--accept-host-key",
            "MD5:00",
        ],
        &["gateway", "call", "health", "--params", "[1]"],
    ] {
        let ran = home.run(args);
        assert_eq!(ran.exit, 64, "{args:?} {ran:?}");
        assert!(
            !ran.stderr.is_empty() && ran.stdout.is_empty(),
            "{args:?} {ran:?}"
        );
    }
    let help = home.run(["check", "--help"]);
    assert_eq!((help.exit, help.stderr.as_str()), (0, ""));
    assert!(help.stdout.contains("--accept-host-key"));
    assert_eq!(home.run(["--version"]).exit, 0);
}

#[test]
fn a_url_is_never_sent_what_is_stored_or_configured() {
    let home = Home::new();
    home.private_file(
        ".openclaw/openclaw.json",
        "{ gateway: { mode: 'local', auth: { token: 'canary' }, remote: { token: 'canary' } } }",
    );
    home.private_file(".openclaw/.env", "OPENCLAW_GATEWAY_TOKEN=canary\n");
    let port = CountingPort::open();
    let url = format!("ws://127.0.0.1:{}", port.port);
    for command in [
        &["gateway", "call", "health"][..],
        &["gateway", "health"],
        &["gateway", "probe"],
        &["gateway", "status"],
        &["health"],
        &["status"],
        &["check"],
        &["check", "--json"],
    ] {
        let output = home
            .openclaw(command)
            .args(["--url", &url])
            .env("OPENCLAW_GATEWAY_TOKEN", "canary")
            .env("OPENCLAW_GATEWAY_PASSWORD", "canary")
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{command:?}: {stderr}");
        assert!(
            stderr.contains("--token") && stderr.contains("--password"),
            "{stderr}"
        );
        assert!(output.stdout.is_empty(), "{command:?}");
    }
    assert_eq!(port.accepted(), 0, "no socket was opened");
}

#[test]
fn no_socket_is_opened_where_it_would_not_be_private() {
    let home = Home::new();
    let token = home.private_file("token", "canary\n");
    let port = CountingPort::open();
    let cases = [
        ("ws://127.evil.com:18789".to_owned(), "ws://"),
        ("ws://203.0.113.5:21020".to_owned(), "ws://"),
    ];
    for (url, word) in cases {
        for command in [
            &["health"][..],
            &["gateway", "call", "health"],
            &["gateway", "probe"],
        ] {
            let ran = home.run(command.iter().copied().chain([
                "--url",
                &url,
                "--token-file",
                token.to_str().unwrap(),
            ]));
            assert_eq!(ran.exit, 1, "{url} {ran:?}");
            assert!(
                ran.stderr.contains(word) && !ran.stderr.contains("canary"),
                "{ran:?}"
            );
        }
    }
    for url in [
        "http://127.0.0.1",
        "ws://user:canary@127.0.0.1",
        "ws://127.0.0.1/?token=canary",
    ] {
        let ran = home.run([
            "health",
            "--url",
            url,
            "--token-file",
            token.to_str().unwrap(),
        ]);
        assert_eq!(ran.exit, 64, "{url}");
        assert!(!ran.stderr.contains("canary"), "{ran:?}");
    }
    assert_eq!(port.accepted(), 0);
}

#[test]
fn a_secret_others_can_read_is_refused_and_one_on_the_command_line_warns() {
    let home = Home::new();
    let token = home.private_file("token", "canary");
    set_mode(&token, 0o644);
    let port = CountingPort::open();
    let url = format!("ws://127.0.0.1:{}", port.port);
    for flag in ["--token-file", "--password-file", "--device-key-file"] {
        let ran = home.run(["health", "--url", &url, flag, token.to_str().unwrap()]);
        assert_eq!(ran.exit, 78, "{ran:?}");
        assert!(
            ran.stderr.contains("chmod 600") && !ran.stderr.contains("canary"),
            "{ran:?}"
        );
    }
    assert_eq!(port.accepted(), 0);
    for flag in ["--token", "--password"] {
        let ran = home.run(["health", "--url", &url, flag, "canary"]);
        assert!(
            ran.stderr.contains("warning") && ran.stderr.contains(flag),
            "{ran:?}"
        );
        assert!(!ran.stderr.contains("canary"), "{ran:?}");
    }
    let empty = home.private_file("empty", "\n");
    let ran = home.run([
        "health",
        "--url",
        &url,
        "--token-file",
        empty.to_str().unwrap(),
    ]);
    assert_eq!(ran.exit, 64);
}

#[test]
fn without_any_credential_no_socket_is_opened_either() {
    let home = Home::new();
    let port = CountingPort::open();
    home.private_file(
        ".openclaw/openclaw.json",
        &format!("{{ gateway: {{ mode: 'local', port: {} }} }}", port.port),
    );

    let ran = home.run(["health"]);

    assert_eq!(ran.exit, 3, "{ran:?}");
    assert!(ran.stderr.contains("--token-file"), "{ran:?}");
    assert_eq!(port.accepted(), 0);
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_line_and_key() {
    let home = Home::new();
    let settings = home.private_file(
        ".config/openclaw-tray/settings.json5",
        "{\n  profiles: [ { id: 'a', localPort: 'x' } ]\n}",
    );
    let ran = home.run(["health"]);
    assert_eq!(ran.exit, 78, "{ran:?}");
    assert!(
        ran.stderr.contains("settings.json5:2:") && ran.stderr.contains("profiles[0].localPort"),
        "{ran:?}"
    );
    std::fs::remove_file(settings).unwrap();

    home.private_file(".openclaw/openclaw.json", "{ gateway: {\n\n port: 'x' } }");
    let ran = home.run(["health"]);
    assert_eq!(ran.exit, 78, "{ran:?}");
    assert!(
        ran.stderr.contains("openclaw.json:3:") && ran.stderr.contains("gateway.port"),
        "{ran:?}"
    );

    let output = home
        .openclaw(["connect", "--ssh-target", "me@box"])
        .env("OPENCLAW_GATEWAY_PORT", "x")
        .output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&output.stderr).contains("OPENCLAW_GATEWAY_PORT"));
}
