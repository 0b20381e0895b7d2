//! The commands that go over SSH, as far as no server is needed.

use crate::support::{Home, closed_port};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

fn first_fault(home: &Home, args: &[&str]) -> (i32, Value) {
    let ran = home.run(["check", "--json"].iter().chain(args));
    let report = ran.json();
    let fault = report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["status"] != "ok")
        .cloned()
        .unwrap();
    (ran.exit, fault)
}

#[test]
fn the_first_failing_step_is_the_right_one() {
    let home = Home::new();
    let closed = format!("me@127.0.0.1:{}", closed_port());
    for (target, step, exit) in [
        ("me@box:", "address", 64),
        ("me@no-such-host.invalid", "resolve", 2),
        (closed.as_str(), "tcp", 2),
    ] {
        let (code, fault) = first_fault(&home, &["--ssh-target", target]);
        assert_eq!(
            (code, fault["id"].as_str()),
            (exit, Some(step)),
            "{target}: {fault}"
        );
        assert_eq!(fault["status"], "failed");
        assert!(!fault["summary"].as_str().unwrap().is_empty());
        assert!(fault["ms"].is_number());
    }
}

#[test]
fn the_address_may_come_from_the_settings() {
    let home = Home::new();
    home.private_file(
        ".config/openclaw-tray/settings.json5",
        &format!(
            "{{ profiles: [ {{ id: 'a', runs: 'anotherComputer', address: 'me@127.0.0.1:{}' }} ] }}",
            closed_port()
        ),
    );

    let (exit, fault) = first_fault(&home, &[]);

    assert_eq!((exit, fault["id"].as_str()), (2, Some("tcp")));
}

#[test]
fn a_connection_tells_every_change_and_ends_well_when_asked() {
    for signal in [Signal::TERM, Signal::INT] {
        let home = Home::new();
        let target = format!("me@127.0.0.1:{}", closed_port());
        let mut child = home
            .openclaw([
                "connect",
                "--json",
                "--ssh-target",
                &target,
                "--local-port",
                &closed_port().to_string(),
            ])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
        let waiting = lines.find(|line| line["phase"] == "retry_wait").unwrap();
        assert_eq!(waiting["cause"], "network");
        assert_eq!(waiting["target"], target);
        assert!(waiting["nextAttemptAt"].is_number() && waiting["attempt"].is_number());

        let asked = Instant::now();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let last = lines.last().unwrap();
        let status = child.wait().unwrap();

        assert_eq!(status.code(), Some(0));
        assert_eq!(last["phase"], "off");
        assert!(
            asked.elapsed() < Duration::from_secs(2),
            "{:?}",
            asked.elapsed()
        );
    }
}
