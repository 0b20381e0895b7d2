//! The real library with the real model, on recordings of a speech synthesiser.

use super::*;
use crate::engine::Heard;
use crate::rehearsal::{Happened, Report, Start, rehearse};
use crate::speech::RATE;
use crate::timing::Timing;
use std::process::Command;

/// Says something with flite, 16 kHz, with quiet before, between and after the parts.
fn spoken(voice: &str, parts: &[&str]) -> Vec<i16> {
    let folder = tempfile::tempdir().unwrap();
    let mut samples = vec![0; RATE / 2];
    for part in parts {
        let file = folder.path().join("part.wav");
        let said = Command::new("flite")
            .args(["-voice", voice, "-t", part, "-o"])
            .arg(&file)
            .status()
            .expect("flite is installed by scripts/setup test");
        assert!(said.success());
        samples.extend(crate::recording::read(&file).unwrap());
        samples.extend(vec![0; RATE]);
    }
    samples
}

fn engine() -> Box<PocketSphinx> {
    Box::new(PocketSphinx::open(None).expect("the packages of scripts/setup test"))
}

fn heard(samples: &[i16], triggers: &[&str], start: Start) -> Report {
    let triggers = Triggers::new(triggers);
    rehearse(samples, engine(), &triggers, Timing::USUAL, start).unwrap()
}

fn outcome(report: &Report) -> Vec<String> {
    let one = |happened: &Happened| match happened {
        Happened::Wake { trigger, .. } => format!("woken by {trigger}"),
        Happened::Transcript { text, .. } => text.clone(),
        Happened::Nothing { .. } => "nothing".to_owned(),
    };
    report.happened.iter().map(one).collect()
}

#[test]
fn a_name_it_does_not_know_is_spelled_in_two_words_or_told() {
    let mut engine = engine();
    let triggers = Triggers::new(&["openclaw", "Hey Computer!", "xyzzyq", "claude"]);
    assert_eq!(engine.learn(&triggers).unwrap(), [2]);
    let phrases: Vec<_> = engine.phrases.iter().map(Option::as_deref).collect();
    assert_eq!(
        phrases,
        [
            Some("open claw"),
            Some("hey computer"),
            None,
            Some("claude")
        ]
    );
}

#[test]
fn a_trigger_and_a_command_are_understood() {
    let samples = spoken("slt", &["hey open claw", "what is the weather today"]);
    let report = heard(&samples, &["hey openclaw"], Start::Trigger);
    assert_eq!(
        outcome(&report),
        ["woken by hey openclaw", "what is the weather today"]
    );
    assert_eq!(report.unknown, Vec::<String>::new());
}

#[test]
fn other_speech_wakes_nothing() {
    let samples = spoken(
        "rms",
        &["the open door was cold", "please close the window now"],
    );
    assert_eq!(
        outcome(&heard(&samples, &["hey openclaw"], Start::Trigger)),
        [""; 0]
    );
}

#[test]
fn without_triggers_it_can_spell_it_stays_quiet() {
    let samples = spoken("slt", &["hey open claw", "what is the weather today"]);
    let report = heard(&samples, &["xyzzyq"], Start::Trigger);
    assert_eq!(outcome(&report), [""; 0]);
    assert_eq!(report.unknown, ["xyzzyq"]);
}

#[test]
fn push_to_talk_needs_no_trigger() {
    let samples = spoken("slt", &["what is the weather today"]);
    let report = heard(&samples, &["computer"], Start::Held);
    assert_eq!(outcome(&report), ["what is the weather today"]);
}

#[test]
fn triggers_are_changed_while_it_runs() {
    let mut engine = engine();
    let samples = spoken("slt", &["hey open claw"]);
    for (trigger, wanted) in [
        ("hey computer", None),
        ("hey openclaw", Some(Heard::Trigger(0))),
    ] {
        engine.learn(&Triggers::new(&[trigger])).unwrap();
        engine.begin(Task::Trigger).unwrap();
        let found = samples
            .chunks(640)
            .find_map(|piece| engine.feed(piece).unwrap());
        assert_eq!(found, wanted);
        engine.finish().unwrap();
    }
}

#[test]
fn a_model_that_is_not_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().to_owned();
    assert_eq!(
        PocketSphinx::open(Some(&missing)).err(),
        Some(Unavailable::NoModel(missing.clone()))
    );
    std::fs::create_dir(missing.join("en-us")).unwrap();
    for name in ["en-us.lm.bin", "cmudict-en-us.dict"] {
        std::fs::write(missing.join(name), "not a model").unwrap();
    }
    assert_eq!(
        PocketSphinx::open(Some(&missing)).err(),
        Some(Unavailable::BadModel(missing.clone()))
    );
}
