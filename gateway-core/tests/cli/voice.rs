//! `openclaw voice`: a recording through the whole pipeline, and a text as a spoken message.

use crate::fake_gateway::FakeGateway;
use crate::support::Home;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

/// Says something with a synthesiser, with quiet after each part.
fn recording(home: &Home, parts: &[&str]) -> PathBuf {
    let mut pieces = Vec::new();
    for (place, part) in parts.iter().enumerate() {
        let said = home.path().join(format!("said-{place}.wav"));
        let padded = home.path().join(format!("padded-{place}.wav"));
        let flite = Command::new("flite")
            .args(["-voice", "slt", "-t", part, "-o"])
            .arg(&said)
            .status();
        assert!(
            flite
                .expect("flite is installed by scripts/setup test")
                .success()
        );
        let sox = Command::new("sox")
            .args([&said, &padded])
            .args(["rate", "48000", "channels", "2", "pad", "0.4", "0.8"])
            .status();
        assert!(
            sox.expect("sox is installed by scripts/setup test")
                .success()
        );
        pieces.push(padded);
    }
    let whole = home.path().join("whole.wav");
    let joined = Command::new("sox").args(&pieces).arg(&whole).status();
    assert!(joined.unwrap().success());
    whole
}

#[test]
fn a_recording_is_heard_and_nothing_leaves_the_computer() {
    let home = Home::new();
    let wav = recording(&home, &["hey open claw", "what is the weather today"]);
    let wav = wav.to_str().unwrap();

    let ran = home.run([
        "voice",
        "test",
        "--wav",
        wav,
        "--trigger",
        "hey openclaw",
        "--trigger",
        "xyzzyq",
        "--json",
    ]);

    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let report = ran.json();
    let events = report["events"].as_array().unwrap();
    assert_eq!(events.len(), 2, "{report}");
    assert_eq!(events[0]["event"], "wake");
    assert_eq!(events[0]["trigger"], "hey openclaw");
    assert_eq!(events[1]["event"], "transcript");
    assert_eq!(events[1]["text"], "what is the weather today");
    assert!(events[0]["atMs"].as_u64() < events[1]["atMs"].as_u64());
    assert_eq!(report["unknownTriggers"], json!(["xyzzyq"]));
}

#[test]
fn a_recording_without_a_trigger_would_send_nothing() {
    let home = Home::new();
    let wav = recording(&home, &["please close the window"]);
    let ran = home.run([
        "voice",
        "test",
        "--wav",
        wav.to_str().unwrap(),
        "--trigger",
        "hey openclaw",
    ]);
    assert_eq!(
        (ran.exit, ran.stdout.as_str(), ran.stderr.as_str()),
        (1, "", ""),
        "{ran:?}"
    );
}

#[test]
fn what_is_no_recording_or_no_engine_is_said_in_one_line() {
    let home = Home::new();
    let ran = home.run(["voice", "test", "--wav", "/dev/null"]);
    assert_eq!(ran.exit, 1);
    assert!(ran.stderr.contains("/dev/null"), "{ran:?}");
    let wav = recording(&home, &["stop"]);
    let ran = home.run([
        "voice",
        "test",
        "--wav",
        wav.to_str().unwrap(),
        "--whisper-model",
        "/nowhere/model.bin",
    ]);
    assert_eq!(ran.exit, 1);
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
}

fn with_telegram(method: &str, _: &[String]) -> Result<Value, Value> {
    match method {
        "sessions.list" => Ok(json!({"sessions": [
            {"key": "agent:main:main", "deliveryContext": {"channel": "telegram", "to": "42"}},
        ]})),
        "agent" => Ok(json!({"runId": "told", "status": "accepted"})),
        "chat.history" => Ok(json!({"sessionKey": "agent:main:main", "messages": [
            {"role": "user", "content": "x", "idempotencyKey": "seen-before:user"},
        ]})),
        _ => {
            Err(json!({"code": "INVALID_REQUEST", "message": format!("unknown method: {method}")}))
        }
    }
}

/// Knows what a gateway of wire version 3 knows of `agent`.
fn of_version_3(method: &str, _: &[String]) -> Result<Value, Value> {
    match method {
        "sessions.list" => Ok(json!({"sessions": []})),
        "agent" => Ok(json!({"runId": "told", "status": "accepted"})),
        _ => {
            Err(json!({"code": "INVALID_REQUEST", "message": format!("unknown method: {method}")}))
        }
    }
}

fn forward(gateway: &FakeGateway, home: &Home, rest: &[&str]) -> crate::support::Ran {
    let token = home.private_file("token", "right\n");
    let url = gateway.url();
    let base = [
        "voice",
        "forward",
        "--json",
        "--url",
        &url,
        "--token-file",
        token.to_str().unwrap(),
    ];
    home.run(base.iter().chain(rest))
}

fn calls(gateway: &FakeGateway, method: &str) -> Vec<Value> {
    let frames = gateway.frames();
    let calls = frames.iter().filter(|frame| frame["method"] == method);
    calls.map(|frame| frame["params"].clone()).collect()
}

#[test]
fn a_text_goes_to_the_main_conversation_and_on_to_its_channel() {
    let (home, gateway) = (Home::new(), FakeGateway::start("right", with_telegram));

    let ran = forward(
        &gateway,
        &home,
        &[
            "--text",
            "what is on today",
            "--session",
            "agent:main:main",
            "--trigger",
            "computer",
        ],
    );

    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let sent = calls(&gateway, "agent");
    assert_eq!(sent.len(), 1);
    let message = sent[0]["message"].as_str().unwrap();
    let (line, text) = message.split_once("\n\n").unwrap();
    assert!(
        line.starts_with("User talked via voice recognition on "),
        "{line}"
    );
    assert!(
        line.ends_with(
            " - repeat prompt first + remember some words might be incorrectly transcribed."
        ),
        "{line}"
    );
    assert_eq!(text, "what is on today");
    assert_eq!(sent[0]["sessionKey"], "agent:main:main");
    assert_eq!(sent[0]["deliver"], true);
    assert_eq!(sent[0]["channel"], "telegram");
    assert_eq!(sent[0]["to"], "42");
    assert_eq!(sent[0]["voiceWakeTrigger"], "computer");
    assert_eq!(sent[0]["idempotencyKey"], ran.json()["key"]);
}

#[test]
fn a_key_that_the_gateway_has_is_not_sent_again() {
    let (home, gateway) = (Home::new(), FakeGateway::start("right", with_telegram));

    let ran = forward(&gateway, &home, &["--text", "stop", "--key", "seen-before"]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    assert_eq!(ran.json()["hadArrived"], true);
    assert_eq!(calls(&gateway, "agent").len(), 0);

    let ran = forward(&gateway, &home, &["--text", "stop", "--key", "never-seen"]);
    assert_eq!(ran.json()["hadArrived"], false, "{ran:?}");
    assert_eq!(calls(&gateway, "agent").len(), 1);
}

#[test]
fn a_gateway_without_channels_answers_in_the_conversation_only() {
    let (home, gateway) = (Home::new(), FakeGateway::start("right", of_version_3));
    let ran = forward(&gateway, &home, &["--text", "stop"]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    let sent = calls(&gateway, "agent");
    assert_eq!(sent[0]["deliver"], false);
    assert_eq!(sent[0]["channel"], "webchat");
    assert_eq!(sent[0].get("to"), None);
}

#[test]
fn nothing_is_not_sent() {
    let (home, gateway) = (Home::new(), FakeGateway::start("right", of_version_3));
    let ran = forward(&gateway, &home, &["--text", "  "]);
    assert_eq!(ran.exit, 64, "{ran:?}");
    assert_eq!(gateway.frames().len(), 0);
}

#[test]
fn the_models_are_listed_with_what_is_published_of_them() {
    let home = Home::new();
    let ran = home.run(["voice", "models", "--json"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let models = ran.json()["models"].as_array().unwrap().clone();
    assert_eq!(models.len(), 5);
    assert!(models.iter().all(|model| model["installed"] == false));
    assert_eq!(models[2]["id"], "base.en");
    assert_eq!(
        models[2]["sha1"],
        "137c40403d78fd54d454da0f9bd998f78703390c"
    );
    let ran = home.run(["voice", "models", "--get", "huge"]);
    assert_eq!(ran.exit, 64, "{ran:?}");
    assert!(ran.stderr.contains("base.en"), "{ran:?}");
}
