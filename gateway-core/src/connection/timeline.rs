//! What happened to a connection: its last events, each typed, numbered and timed.
//!
//! The supervisor alone writes here; `openclaw connect --json` and the window read. No event holds a
//! name, an address or any other text of a person or a server, so that a history can be shown to
//! anybody.

use super::phase::Phase;
use super::question::Question;
use super::state::Verdict;
use crate::tunnel::Credential;
use serde::Serialize;
use std::collections::VecDeque;
use std::time::Duration;

/// So many events are kept; a bad night is in there, and it is a few kilobytes.
pub const KEPT: usize = 200;

/// The last events of a connection, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    events: VecDeque<Event>,
    /// How many there ever were.
    written: u64,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Counts from 1, without gaps: a reader sees by it what it has missed. What is forgotten has counted.
    pub number: u64,
    /// When, in milliseconds since the Unix epoch.
    pub at: u64,
    /// How long it took, in milliseconds by a clock that nobody sets; absent where nothing took time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<f64>,
    /// What it was.
    #[serde(flatten)]
    pub what: Happening,
}

/// What can happen to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub enum Happening {
    /// An attempt began.
    AttemptBegan {
        /// Its number since the connection last stood, from 1.
        attempt: u32,
        /// What it was begun for.
        why: Why,
        /// Whether the way to the server still stood and only the gateway was asked again.
        keeps_path: bool,
    },
    /// A stage of an attempt was passed; it took the time since the one before.
    StagePassed {
        /// Which.
        stage: Stage,
        /// 0 for the server itself, else the jump host's place on the way.
        hop: u16,
    },
    /// A server let us in.
    SignedIn {
        /// 0 for the server itself, else the jump host's place on the way.
        hop: u16,
        /// What with.
        by: SignedInBy,
    },
    /// The attempt failed; it took the time since it began.
    AttemptFailed {
        /// Its number.
        attempt: u32,
        /// How far it had come.
        during: Phase,
        /// What follows.
        then: Then,
        /// The problem's code.
        code: &'static str,
        /// In how many milliseconds the next attempt begins by itself; `null` for never.
        next_in_ms: Option<u32>,
    },
    /// The attempt was given up for something else that was wanted.
    AttemptGivenUp {
        /// Its number.
        attempt: u32,
        /// How far it had come.
        during: Phase,
    },
    /// The gateway said hello; it took the time since the attempt began.
    Connected {
        /// The attempt's number.
        attempt: u32,
    },
    /// The way to the server ended under a connection that had stood for this time.
    PathLost {
        /// The problem's code.
        code: &'static str,
    },
    /// The session with the gateway ended after this time; the way to the server may still stand.
    SessionLost {
        /// The problem's code.
        code: &'static str,
    },
    /// A person took the connection down; it had stood for this time.
    Disconnected,
    /// The server was asked whether it lives, because something happened to this computer.
    ProbeSent,
    /// An answer of the server is overdue.
    ProbeOverdue,
    /// The server answered what it was asked for a reason, or what was overdue.
    ProbeAnswered,
    /// This computer had slept, or this program had stood still.
    Woke,
    /// An address, a route or a link of this computer came or went.
    NetworkChanged,
    /// The settings of the connection changed.
    SettingsChanged,
    /// A person was asked something.
    Asked {
        /// What about.
        question: QuestionKind,
    },
    /// A person answered, this long after the question was put.
    Answered {
        /// What about.
        question: QuestionKind,
    },
    /// A person closed the question without an answer.
    QuestionClosed {
        /// What about.
        question: QuestionKind,
    },
    /// An unknown host key was accepted and stored.
    HostKeyLearned {
        /// 0 for the server itself, else the jump host's place on the way.
        hop: u16,
    },
    /// The server proved new host keys of its own, and they were stored.
    HostKeysRenewed {
        /// How many were new.
        count: u32,
    },
    /// The local port was opened.
    ListenerOpened {
        /// Which.
        port: u16,
        /// The port that was wanted and is taken; `null` where it could be had.
        instead_of: Option<u16>,
    },
    /// The local port was given back.
    ListenerClosed {
        /// Which.
        port: u16,
    },
    /// Requests to the local port were refused for their host or origin.
    RequestsRefused {
        /// How many since the last time.
        count: u32,
    },
    /// Local programs got an SSH connection of their own.
    LocalTunnelOpened {
        /// Whether it is in the place of one that ended.
        again: bool,
    },
    /// The SSH connection of local programs fell silent and was ended.
    LocalTunnelSilent,
    /// Local programs share the app's SSH connection, as one of their own could not be had.
    LocalTunnelShared,
}

impl Happening {
    /// Returns whether it is part of a change of state, which is told anyway; what is not stands for
    /// itself.
    pub fn goes_with_a_state(self) -> bool {
        match self {
            Self::AttemptBegan { .. }
            | Self::StagePassed { .. }
            | Self::SignedIn { .. }
            | Self::AttemptFailed { .. }
            | Self::AttemptGivenUp { .. }
            | Self::Connected { .. }
            | Self::PathLost { .. }
            | Self::SessionLost { .. }
            | Self::Disconnected
            | Self::ProbeOverdue
            | Self::ProbeAnswered
            | Self::Asked { .. }
            | Self::Answered { .. }
            | Self::QuestionClosed { .. }
            | Self::HostKeyLearned { .. }
            | Self::ListenerOpened { .. }
            | Self::ListenerClosed { .. }
            | Self::SettingsChanged => true,
            Self::ProbeSent
            | Self::Woke
            | Self::NetworkChanged
            | Self::HostKeysRenewed { .. }
            | Self::RequestsRefused { .. }
            | Self::LocalTunnelOpened { .. }
            | Self::LocalTunnelSilent
            | Self::LocalTunnelShared => false,
        }
    }
}

/// What an attempt was begun for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub enum Why {
    /// A connection was wanted where there was none.
    Start,
    /// The one before failed, or what stood was lost.
    Retry,
    /// This computer's network changed while the next attempt was waited for.
    NetworkChanged,
    /// This computer woke up while the next attempt was waited for.
    Woke,
    /// A person did not want to wait.
    Asked,
    /// A person answered a question.
    Answered,
    /// The settings changed.
    Settings,
}

/// A stage of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub enum Stage {
    /// The name was found.
    Name,
    /// The server's port, or the way to it through the server before, was reached.
    Reached,
    /// The server proved that it is the right one: SSH's key exchange.
    HostKey,
    /// The gateway proved that it is the right one: TLS.
    Certificate,
    /// The way to the gateway's port was opened.
    GatewayPort,
    /// The gateway said hello.
    Hello,
}

/// What a server let us in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub enum SignedInBy {
    /// The key this app made for itself.
    OwnKey,
    /// A key that the agent holds.
    AgentKey,
    /// A key in a file.
    KeyFile,
    /// A certificate.
    Certificate,
    /// Answers to the server's own questions.
    Answers,
    /// The account's password.
    Password,
    /// Nothing: the server asks for no proof.
    Nothing,
}

impl From<&Credential> for SignedInBy {
    fn from(credential: &Credential) -> Self {
        match credential {
            Credential::OwnKey => Self::OwnKey,
            Credential::AgentKey { .. } => Self::AgentKey,
            Credential::KeyFile { .. } => Self::KeyFile,
            Credential::Certificate { .. } => Self::Certificate,
            Credential::KeyboardInteractive => Self::Answers,
            Credential::Password => Self::Password,
            Credential::Nothing => Self::Nothing,
        }
    }
}

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub enum Then {
    /// Another attempt.
    Retry,
    /// The gateway is asked again over the way that stands.
    AskGatewayAgain,
    /// A person is asked.
    AskPerson,
    /// Nothing, until a person has mended it.
    Pause,
    /// Nothing.
    Stop,
}

impl From<Verdict> for Then {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Retry(_) => Self::Retry,
            Verdict::GatewayDown(_) => Self::AskGatewayAgain,
            Verdict::Ask(_) => Self::AskPerson,
            Verdict::Pause(_) => Self::Pause,
            Verdict::Stop(_) => Self::Stop,
        }
    }
}

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub enum QuestionKind {
    /// An unknown host key.
    HostKeyUnknown,
    /// Another host key than the one we trust.
    HostKeyChanged,
    /// A certificate that nobody vouches for.
    CertificateUnknown,
    /// Another certificate than the pinned one.
    CertificateChanged,
    /// A key file's passphrase.
    Passphrase,
    /// The account's password.
    Password,
    /// What the server asks in its own words.
    Prompts,
}

impl From<&Question> for QuestionKind {
    fn from(question: &Question) -> Self {
        match question {
            Question::HostKeyUnknown { .. } => Self::HostKeyUnknown,
            Question::HostKeyChanged { .. } => Self::HostKeyChanged,
            Question::CertificateUnknown { .. } => Self::CertificateUnknown,
            Question::CertificateChanged { .. } => Self::CertificateChanged,
            Question::Passphrase { .. } => Self::Passphrase,
            Question::Password { .. } => Self::Password,
            Question::Prompts { .. } => Self::Prompts,
        }
    }
}

impl Timeline {
    /// Writes down what happened at `at`, the oldest event giving way.
    pub fn write(&mut self, at: u64, what: Happening, took: Option<Duration>) {
        if self.events.len() == KEPT {
            self.events.pop_front();
        }
        self.written += 1;
        self.events.push_back(Event {
            number: self.written,
            at,
            took_ms: took.map(in_ms),
            what,
        });
    }

    /// Forgets every event. The next one goes on counting.
    pub fn forget(&mut self) {
        self.events.clear();
    }

    /// Returns whether everything that was written down was forgotten since.
    pub fn is_forgotten(&self) -> bool {
        self.events.is_empty() && self.written > 0
    }

    /// Returns every event that is kept, oldest first.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.events.iter()
    }

    /// Returns those after event `number`, oldest first; after 0 they are all that are kept.
    pub fn after(&self, number: u64) -> impl Iterator<Item = &Event> {
        self.events
            .iter()
            .filter(move |event| event.number > number)
    }

    /// Returns what the last sign-in to the server itself took, as far back as this goes.
    pub fn last_signed_in_by(&self) -> Option<SignedInBy> {
        self.events().rev().find_map(|event| {
            if let Happening::SignedIn { hop: 0, by } = event.what {
                Some(by)
            } else {
                None
            }
        })
    }

    /// Returns the number of the last event; 0 where there was none.
    pub fn last_number(&self) -> u64 {
        self.written
    }
}

/// Returns milliseconds with one decimal: more is noise.
pub(super) fn in_ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_events_give_way_and_the_numbers_go_on() {
        let mut timeline = Timeline::default();
        for at in 1..=250 {
            timeline.write(at, Happening::Woke, None);
        }

        let numbers: Vec<u64> = timeline.events().map(|event| event.number).collect();

        assert_eq!(numbers, (51..=250).collect::<Vec<u64>>());
        assert_eq!(timeline.last_number(), 250);
        assert_eq!(timeline.after(248).count(), 2);
        assert_eq!(timeline.after(0).count(), KEPT);
    }

    #[test]
    fn an_event_is_one_flat_object_with_the_documented_names() {
        let mut timeline = Timeline::default();
        let failed = Happening::AttemptFailed {
            attempt: 2,
            during: Phase::Authenticating,
            then: Then::Retry,
            code: "unreachable",
            next_in_ms: Some(1_500),
        };
        timeline.write(1_000, failed, Some(Duration::from_micros(12_345)));
        timeline.write(1_001, Happening::Woke, None);

        let json = serde_json::to_value(timeline.events().collect::<Vec<_>>()).unwrap();

        let expected = serde_json::json!([
            {
                "number": 1, "at": 1000, "tookMs": 12.3, "kind": "attemptFailed", "attempt": 2,
                "during": "authenticating", "then": "retry", "code": "unreachable", "nextInMs": 1500,
            },
            { "number": 2, "at": 1001, "kind": "woke" },
        ]);
        assert_eq!(json, expected);
    }

    #[test]
    fn how_somebody_signed_in_is_told_without_names_or_paths() {
        let key = Credential::AgentKey {
            fingerprint: "SHA256:canary".into(),
            comment: "canary".into(),
        };
        let what = Happening::SignedIn {
            hop: 1,
            by: SignedInBy::from(&key),
        };

        let json = serde_json::to_string(&what).unwrap();

        assert_eq!(json, r#"{"kind":"signedIn","hop":1,"by":"agentKey"}"#);
    }
}
