//! The commands that dial a gateway.

use crate::fake_gateway::FakeGateway;
use crate::support::{Home, closed_port};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

fn well(method: &str, scopes: &[String]) -> Result<Value, Value> {
    let holds = |scope: &str| scopes.iter().any(|held| held == scope);
    match method {
        "health" => {
            Ok(json!({"ok": true, "ts": 1, "channels": {}, "agents": [{"agentId": "main"}]}))
        }
        "status" => Ok(json!({"runtimeVersion": "2026.9.6"})),
        "cron.add" if !holds("operator.admin") => Err(json!({
            "code": "FORBIDDEN", "message": "missing scope: operator.admin",
            "details": {"code": "MISSING_SCOPE", "missingScope": "operator.admin"},
        })),
        "cron.add" => Ok(json!({"added": true})),
        _ => {
            Err(json!({"code": "INVALID_REQUEST", "message": format!("unknown method: {method}")}))
        }
    }
}

fn degraded(method: &str, _: &[String]) -> Result<Value, Value> {
    match method {
        "health" => Ok(json!({"ok": false})),
        _ => Ok(json!({})),
    }
}

fn ask(gateway: &FakeGateway, home: &Home, args: &[&str]) -> crate::support::Ran {
    let token = home.private_file("token", "right\n");
    let url = gateway.url();
    let rest = ["--url", &url, "--token-file", token.to_str().unwrap()];
    home.run(args.iter().copied().chain(rest))
}

#[test]
fn a_payload_goes_to_standard_output_and_nothing_else_does() {
    let (home, gateway) = (Home::new(), FakeGateway::start("right", well));

    let people = ask(&gateway, &home, &["gateway", "call", "health"]);
    let scripts = ask(
        &gateway,
        &home,
        &[
            "gateway",
            "call",
            "health",
            "--json",
            "--params",
            "{\"probe\":true}",
        ],
    );

    assert_eq!((people.exit, people.stderr.as_str()), (0, ""), "{people:?}");
    assert!(
        people.stdout.lines().count() > 3,
        "indented for people: {people:?}"
    );
    let payload: Value = serde_json::from_str(&people.stdout).unwrap();
    assert_eq!(scripts.json(), payload);
    let frames = gateway.frames();
    assert_eq!(frames[0]["params"]["client"]["mode"], "backend");
    assert_eq!(frames[0]["params"]["scopes"], json!(["operator.read"]));
    assert_eq!(frames[3]["params"], json!({"probe": true}));
}

#[test]
fn a_scope_is_asked_for_only_once_it_is_missed() {
    let (home, gateway) = (Home::new(), FakeGateway::start("right", well));

    let ran = ask(&gateway, &home, &["gateway", "call", "cron.add", "--json"]);

    assert_eq!(ran.json(), json!({"added": true}));
    let scopes: Vec<_> = gateway
        .frames()
        .into_iter()
        .filter(|frame| frame["method"] == "connect")
        .map(|frame| frame["params"]["scopes"].clone())
        .collect();
    assert_eq!(
        scopes,
        [
            json!(["operator.read"]),
            json!(["operator.read", "operator.admin"])
        ]
    );
}

#[test]
fn exit_codes_tell_the_failures_apart() {
    let home = Home::new();
    let (fine, ill) = (
        FakeGateway::start("right", well),
        FakeGateway::start("right", degraded),
    );
    let picky = FakeGateway::start("another", well);
    for (gateway, args, exit) in [
        (&fine, &["health"][..], 0),
        (&fine, &["status"], 0),
        (&fine, &["gateway", "probe"], 0),
        (&fine, &["gateway", "status"], 0),
        (&fine, &["gateway", "call", "no.such"], 1),
        (&ill, &["health"], 1),
        (&ill, &["status"], 1),
        (&picky, &["health"], 3),
        (&picky, &["gateway", "probe"], 3),
    ] {
        let ran = ask(gateway, &home, args);
        assert_eq!(ran.exit, exit, "{args:?} {ran:?}");
    }
    let refused = ask(&picky, &home, &["health"]);
    assert!(
        refused.stderr.contains("token") && refused.stderr.contains("--token-file"),
        "{refused:?}"
    );
    assert!(!refused.stderr.contains("right"), "{refused:?}");

    let token = home.private_file("token", "right");
    let nowhere = format!("ws://127.0.0.1:{}", closed_port());
    let ran = home.run([
        "gateway",
        "probe",
        "--json",
        "--url",
        &nowhere,
        "--token-file",
        token.to_str().unwrap(),
    ]);
    assert_eq!(ran.exit, 2, "{ran:?}");
    assert_eq!(ran.json()["reachable"], false);
}

#[test]
fn a_token_may_come_from_standard_input() {
    let (home, gateway) = (Home::new(), FakeGateway::start("right", well));
    let mut child = home
        .openclaw(["health", "--json", "--token-stdin", "--url", &gateway.url()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"right\n").unwrap();

    let output = child.wait_with_output().unwrap();

    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_official_config_and_variables_are_used_when_no_url_is_given() {
    let (home, gateway) = (Home::new(), FakeGateway::start("right", well));
    let without = home
        .openclaw(["health"])
        .env("OPENCLAW_GATEWAY_URL", gateway.url())
        .output()
        .unwrap();
    assert_eq!(
        without.status.code(),
        Some(3),
        "an address alone is not enough"
    );
    let by_variables = home
        .openclaw(["health"])
        .env("OPENCLAW_GATEWAY_URL", gateway.url())
        .env("OPENCLAW_GATEWAY_TOKEN", "right")
        .output()
        .unwrap();
    assert_eq!(by_variables.status.code(), Some(0));

    home.private_file(
        ".openclaw/openclaw.json",
        &format!(
            "// mine\n{{ gateway: {{ mode: 'remote', remote: {{ url: '{}', token: 'right' }} }} }}",
            gateway.url()
        ),
    );
    let ran = home.run(["status", "--json"]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    let status = ran.json();
    assert_eq!(status["gateway"]["protocol"], 4);
    assert_eq!(status["status"]["runtimeVersion"], "2026.9.6");
}

#[test]
fn a_check_by_url_needs_no_ssh_steps() {
    let (home, gateway) = (Home::new(), FakeGateway::start("right", well));

    let ran = ask(&gateway, &home, &["check", "--json"]);

    let report = ran.json();
    assert_eq!(
        (ran.exit, report["ok"].as_bool()),
        (0, Some(true)),
        "{ran:?}"
    );
    let statuses: Vec<_> = report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["status"].as_str().unwrap())
        .collect();
    assert_eq!(
        statuses,
        [
            "ok",
            "ok",
            "notNeeded",
            "notNeeded",
            "notNeeded",
            "notNeeded",
            "ok",
            "ok",
            "ok"
        ]
    );
    assert!(report["steps"][8]["ms"].as_f64().unwrap() > 0.0);

    let ill = FakeGateway::start("right", degraded);
    let ran = ask(&ill, &home, &["check", "--json"]);
    assert_eq!(
        (ran.exit, ran.json()["steps"][8]["status"].as_str()),
        (1, Some("degraded"))
    );
    let picky = FakeGateway::start("another", well);
    let ran = ask(&picky, &home, &["check", "--json"]);
    assert_eq!(
        (ran.exit, ran.json()["steps"][7]["status"].as_str()),
        (3, Some("needsUser"))
    );
    assert_eq!(ran.json()["steps"][7]["action"], "enterToken");
}

#[test]
fn another_service_on_the_port_is_named_and_learns_no_secret() {
    let home = Home::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::<Mutex<Vec<u8>>>::default();
    let log = Arc::clone(&heard);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let count = stream.read(&mut request).unwrap();
            log.lock().unwrap().extend_from_slice(&request[..count]);
            let page = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
            stream.write_all(page).unwrap();
        }
    });
    let token = home.private_file("token", "canary-token");
    let url = format!("ws://127.0.0.1:{port}");
    let rest = [
        "--json",
        "--url",
        &url,
        "--token-file",
        token.to_str().unwrap(),
    ];

    let check = home.run(["check"].into_iter().chain(rest));
    let health = home.run(["health"].into_iter().chain(rest));

    assert_eq!(check.exit, 2, "{check:?}");
    let step = &check.json()["steps"][6];
    assert_eq!(
        (step["id"].as_str(), step["status"].as_str()),
        (Some("gateway"), Some("failed"))
    );
    assert!(
        step["summary"]
            .as_str()
            .unwrap()
            .contains("not an OpenClaw gateway"),
        "{step}"
    );
    assert_eq!(check.json()["steps"][7]["status"], "notReached");
    assert_eq!(health.exit, 2, "{health:?}");
    let heard = heard.lock().unwrap();
    assert!(!heard.is_empty());
    assert!(!heard.windows(12).any(|window| window == b"canary-token"));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let (home, gateway) = (Home::new(), FakeGateway::start("right", well));
    let token = home.private_file("token", "right");
    let mut child = home
        .openclaw([
            "health",
            "--json",
            "--url",
            &gateway.url(),
            "--token-file",
            token.to_str().unwrap(),
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());

    let output = child.wait_with_output().unwrap();

    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
