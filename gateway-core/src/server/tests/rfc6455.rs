//! Frames built by hand, right and wrong, and what RFC 6455 and protocol §1 say to them.
//!
//! Each case has a connection of its own. After a case that may live on, a request is sent: its
//! answer shows that the connection still works.

mod heads;
mod tables;

use super::raw::{FIN, Heard, Raw, TEXT, connect_request, frame, health_request};
use super::running;
use std::net::SocketAddr;

/// When the bytes are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Instead of the connect request.
    BeforeHello,
    /// Once hello was said.
    AfterHello,
}

/// What has to come of them.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// These requests are answered, these pongs come, and the connection lives.
    Lives {
        answers: Vec<String>,
        pongs: Vec<Vec<u8>>,
    },
    /// The gateway closes with this code and then ends the connection.
    Closed(Option<u16>),
    /// As above, and this is why.
    ClosedSaying(u16, String),
}

struct Case {
    name: String,
    stage: Stage,
    bytes: Vec<u8>,
    outcome: Outcome,
}

impl Case {
    fn new(name: impl Into<String>, bytes: Vec<u8>, outcome: Outcome) -> Self {
        Self {
            name: name.into(),
            stage: Stage::AfterHello,
            bytes,
            outcome,
        }
    }

    fn before_hello(mut self) -> Self {
        self.name = format!("before hello: {}", self.name);
        self.stage = Stage::BeforeHello;
        self
    }
}

fn lives() -> Outcome {
    answered(&[])
}

fn answered(answers: &[&str]) -> Outcome {
    Outcome::Lives {
        answers: answers.iter().map(|id| (*id).to_owned()).collect(),
        pongs: Vec::new(),
    }
}

fn echoed(pongs: &[&[u8]]) -> Outcome {
    Outcome::Lives {
        answers: Vec::new(),
        pongs: pongs.iter().map(|pong| pong.to_vec()).collect(),
    }
}

fn closed(code: u16) -> Outcome {
    Outcome::Closed(Some(code))
}

async fn outcome_of(address: SocketAddr, case: &Case) -> Outcome {
    let mut raw = match case.stage {
        Stage::BeforeHello => {
            let mut raw = Raw::open(address, "").await;
            raw.challenge().await;
            raw
        }
        Stage::AfterHello => Raw::greeted(address).await,
    };
    raw.send(&case.bytes).await;
    let last = match case.stage {
        Stage::BeforeHello => connect_request("last", "cli", "cli"),
        Stage::AfterHello => health_request("last"),
    };
    if matches!(case.outcome, Outcome::Lives { .. }) {
        raw.send(&frame(FIN | TEXT, last.to_string().as_bytes()))
            .await;
    }
    let (mut answers, mut pongs) = (Vec::new(), Vec::new());
    loop {
        match raw.hear_no_event().await {
            Heard::Text(frame) if frame["id"] == "last" => {
                // An answer may overtake another, but none that was asked for stays away.
                let expected = match &case.outcome {
                    Outcome::Lives { answers, .. } => answers.len(),
                    Outcome::Closed(_) | Outcome::ClosedSaying(..) => 0,
                };
                while answers.len() < expected {
                    answers.push(raw.answer().await["id"].as_str().unwrap().to_owned());
                }
                answers.sort();
                return Outcome::Lives { answers, pongs };
            }
            Heard::Text(frame) => answers.push(frame["id"].as_str().unwrap().to_owned()),
            Heard::Pong(payload) => pongs.push(payload),
            Heard::Close { code, reason } => {
                assert_eq!((&answers, &pongs), (&Vec::new(), &Vec::new()));
                raw.hang_up().await;
                assert_eq!(raw.hear().await, Heard::End, "after a close nothing comes");
                return match (code, &case.outcome) {
                    (Some(code), Outcome::ClosedSaying(..)) => Outcome::ClosedSaying(code, reason),
                    (
                        code,
                        Outcome::Closed(_) | Outcome::Lives { .. } | Outcome::ClosedSaying(..),
                    ) => Outcome::Closed(code),
                };
            }
            Heard::End => panic!("{}: ended without a close frame", case.name),
        }
    }
}

#[tokio::test]
async fn hand_built_frames_have_the_outcome_of_the_rfc() {
    let running = running().await;
    let address = running.gateway.addresses()[0];
    let cases = tables::all();
    let mut wrong = Vec::new();
    for case in &cases {
        let outcome = outcome_of(address, case).await;
        if outcome != case.outcome {
            wrong.push(format!(
                "{}: {outcome:?}, not {:?}",
                case.name, case.outcome
            ));
        }
    }
    println!("RFC 6455: {} cases of frames", cases.len());
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    let names: std::collections::BTreeSet<&str> =
        cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len(), "two cases have one name");
    assert!(cases.len() >= 250, "{}", cases.len());
    running.gateway.stop().await;
}
