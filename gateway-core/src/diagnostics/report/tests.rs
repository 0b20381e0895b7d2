use super::super::archive::archive;
use super::*;
use crate::config::{Platform, ProfileId};
use crate::connection::question::Asked;
use std::path::PathBuf;

fn environment() -> Environment {
    let home = Some(PathBuf::from("/home/canary-home"));
    Environment::new([("USER", "canary-login")], home, Platform::Xdg)
        .on_machine(Some("canary-laptop".to_owned()), None)
}

fn facts() -> Facts {
    let mut settings = Settings::new(ProfileId::parse("canary-profile").unwrap());
    settings.voice.microphone = "alsa:canary-headset".to_owned();
    settings.voice.microphone_name = "The headset of canary".to_owned();
    settings.voice.model = "/home/canary-home/model.bin".to_owned();
    let profile = settings.active_mut().unwrap();
    profile.address = "canary-user@canary-box:2222".to_owned();
    profile.identity_file = PathBuf::from("/home/canary-home/.ssh/id");
    profile.url = "wss://canary-gateway.example/x".to_owned();
    let mut connection = Snapshot::off("canary-user@canary-box:2222".to_owned());
    connection.way =
        Some("canary-box → canary-inner through canary-jump:7, canary-edge".to_owned());
    connection.question = Some(Asked {
        id: 1,
        question: Question::Prompts {
            title: "canary-title".to_owned(),
            instruction: String::new(),
            prompts: Vec::new(),
            was_wrong: false,
        },
    });
    Facts {
        made_at: Timestamp::UNIX_EPOCH,
        program: "openclaw-tray 0.1.0".to_owned(),
        system: "a system".to_owned(),
        webview: Some("2.44".to_owned()),
        keeping: Keeping::Keychain,
        settings,
        settings_problem: None,
        connection: Some(connection),
        timeline: (1..=250)
            .map(|number| json!({"number": number, "kind": "woke"}))
            .collect(),
        check: Some(json!({"steps": [{"summary": "canary-box lets canary-user in"}]})),
        log: "INFO signed in host=\"canary-logged\" user=canary-other on canary-laptop\n"
            .to_owned(),
        gateway_log: "{\"message\":\"canary-logged and /home/canary-home\"}\n".to_owned(),
    }
}

fn text<'a>(report: &'a Report, name: &str) -> &'a str {
    let file = report.files().iter().find(|file| file.name == name);
    &file.unwrap().text
}

#[test]
fn nobody_is_named_and_everything_else_is_there() {
    let report = Report::of(&facts(), &environment());

    for file in report.files() {
        assert!(
            !file.text.contains("canary"),
            "{}: {}",
            file.name,
            file.text
        );
    }
    assert!(text(&report, "about.json").contains("openclaw-tray 0.1.0"));
    let settings: Value = serde_json::from_str(text(&report, "settings.json")).unwrap();
    assert_eq!(settings["activeProfile"], "profile-1");
    assert_eq!(settings["voiceMicrophoneName"], "(left out)");
    assert_eq!(settings["voiceModel"], "~/model.bin");
    assert_eq!(settings["profiles"][0]["id"], "profile-1");
    assert_eq!(settings["profiles"][0]["identityFile"], "~/.ssh/id");
    let connection: Value = serde_json::from_str(text(&report, "connection.json")).unwrap();
    assert_eq!(connection["target"], settings["profiles"][0]["address"]);
    assert_eq!(connection["question"], "prompts");
    assert_eq!(connection["phase"], "off");
    let timeline = text(&report, "timeline.jsonl");
    assert_eq!(timeline.lines().count(), timeline::KEPT);
    assert!(timeline.starts_with("{\"number\":51,"), "{timeline}");
    assert!(text(&report, "log.txt").starts_with("INFO signed in host=\"host-"));
}

#[test]
fn what_is_not_known_is_said() {
    let facts = Facts {
        connection: None,
        timeline: Vec::new(),
        check: None,
        log: String::new(),
        ..facts()
    };

    let report = Report::of(&facts, &environment());

    assert!(text(&report, "connection.json").contains("is not known"));
    assert_eq!(text(&report, "timeline.jsonl"), "no event is known\n");
    assert_eq!(text(&report, "check.json"), "no result is known\n");
    assert_eq!(text(&report, "log.txt"), "there is no log\n");
}

#[test]
fn an_address_that_cannot_be_read_may_be_a_password() {
    let mut facts = facts();
    let profile = facts.settings.active_mut().unwrap();
    profile.address = "hunter2 with blanks".to_owned();
    profile.url = "hunter2".to_owned();

    let report = Report::of(&facts, &environment());

    assert!(!text(&report, "settings.json").contains("hunter2"));
}

#[test]
fn however_much_there_is_a_report_stays_below_a_megabyte() {
    const ALPHABET: &[u8; 30] = b"!#$&(),;<>?[]^{|}~abcdefghijkl";
    let mut facts = facts();
    let noise = |count: u64| -> String {
        // Lines that cannot be packed well, and are no tokens.
        (0..count)
            .map(|number| {
                let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
                let words = mixed
                    .to_le_bytes()
                    .map(|byte| ALPHABET[usize::from(byte % 30)]);
                words
                    .map(char::from)
                    .into_iter()
                    .chain(['\n'])
                    .collect::<String>()
            })
            .collect()
    };
    facts.log = noise(70_000);
    facts.gateway_log = noise(25_000);
    facts.settings.profiles = vec![facts.settings.profiles[0].clone(); 2_000];

    let report = Report::of(&facts, &environment());

    assert!(report.size() < 1_000_000, "{}", report.size());
    assert!(archive(&report).unwrap().len() < 1_000_000);
    let last = text(&report, "log.txt").lines().next_back().unwrap();
    assert!(facts.log.ends_with(&format!("{last}\n")), "{last}");
    assert!(text(&report, "settings.json").ends_with(CUT));
}
