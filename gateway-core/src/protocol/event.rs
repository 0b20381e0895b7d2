//! The events we understand, and [`Event::Unknown`], which keeps the others as they came.

pub mod chat;

use super::connect::Challenge;
use super::id::{ApprovalId, QuestionSetId};
use super::method::approvals::{ApprovalCommand, ApprovalRequest, Decision};
use super::method::chat::HistoryMessage;
use super::method::devices::PendingDevice;
use super::method::health::{HealthPayload, PresenceEntry};
use super::method::nodes::PendingNode;
use super::method::questions::{Answers, QuestionSet};
use super::method::sessions::SessionRow;
use super::method::voice::{TalkModePayload, Triggers};
use super::{DeviceId, EventFrame, NodeId, PairingRequestId, RunId, SessionKey};
use chat::ChatEvent;
use serde_json::Value;

macro_rules! events {
    ($($(#[$meta:meta])* $variant:ident($payload:ty) = $name:literal,)+) => {
        /// Something the gateway told us.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Event {
            $($(#[$meta])* $variant(Box<$payload>),)+
            /// An event this version does not know, or one in a shape it does not know.
            Unknown(UnknownEvent),
        }

        impl Event {
            /// Reads the event of a frame; one that does not fit is [`Event::Unknown`].
            pub fn of(frame: &EventFrame) -> Self {
                let payload = frame.payload.clone().unwrap_or(Value::Null);
                let known = match frame.event.as_str() {
                    $($name => serde_json::from_value(payload).map(|payload| Self::$variant(Box::new(payload))).ok(),)+
                    _ => None,
                };
                known.unwrap_or_else(|| Self::Unknown(UnknownEvent {
                    event: frame.event.clone(),
                    payload: frame.payload.clone(),
                }))
            }

            /// Returns the name of the event on the wire.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant(_) => $name,)+
                    Self::Unknown(unknown) => &unknown.event,
                }
            }

            /// Writes the payload back; null where there was none.
            pub fn to_payload(&self) -> Value {
                match self {
                    // These shapes hold strings, numbers and JSON values; none can fail to serialise.
                    $(Self::$variant(payload) => serde_json::to_value(payload).unwrap_or_default(),)+
                    Self::Unknown(unknown) => unknown.payload.clone().unwrap_or_default(),
                }
            }

            /// The names of the events that have types.
            pub const NAMES: &[&str] = &[$($name),+];
        }
    };
}

events! {
    /// The first thing a gateway says.
    Challenge(Challenge) = "connect.challenge",
    /// The gateway is alive.
    Tick(Tick) = "tick",
    /// Who is connected changed.
    Presence(Presence) = "presence",
    /// How the gateway is was measured anew.
    Health(HealthPayload) = "health",
    /// The gateway stops or restarts.
    Shutdown(Shutdown) = "shutdown",
    /// A run moved on, as a chat shows it.
    Chat(ChatEvent) = "chat",
    /// A run moved on, in detail.
    Agent(AgentEvent) = "agent",
    /// A message was stored.
    SessionMessage(SessionMessage) = "session.message",
    /// The list of conversations changed.
    SessionsChanged(SessionsChanged) = "sessions.changed",
    /// The wake words changed.
    VoicewakeChanged(Triggers) = "voicewake.changed",
    /// Somebody began or ended talking.
    TalkMode(TalkModePayload) = "talk.mode",
    /// A device asks to connect.
    DevicePairRequested(PendingDevice) = "device.pair.requested",
    /// Somebody decided about a device.
    DevicePairResolved(DevicePairResolved) = "device.pair.resolved",
    /// A node asks for abilities.
    NodePairRequested(PendingNode) = "node.pair.requested",
    /// Somebody decided about a node.
    NodePairResolved(NodePairResolved) = "node.pair.resolved",
    /// A command waits for a person.
    ExecApprovalRequested(ApprovalRequest) = "exec.approval.requested",
    /// Somebody decided about a command.
    ExecApprovalResolved(ExecApprovalResolved) = "exec.approval.resolved",
    /// An agent asks something.
    QuestionRequested(QuestionSet) = "question.requested",
    /// Somebody answered.
    QuestionResolved(QuestionResolved) = "question.resolved",
    /// A job ran or changed.
    Cron(CronEvent) = "cron",
}

/// An event this version does not know, kept as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct UnknownEvent {
    /// Its name.
    pub event: String,
    /// What it says.
    pub payload: Option<Value>,
}

shape! {
    /// The gateway is alive.
    Tick {
        /// Its clock, in milliseconds since 1970.
        ts: u64,
    }
}

shape! {
    /// Everybody who is connected.
    Presence {
        /// One entry each, the gateway first.
        presence: Vec<PresenceEntry>,
    }
}

shape! {
    /// The gateway stops or restarts; the connection closes within a second.
    Shutdown {
        /// Why, for people.
        reason: String,
    }
    may have {
        /// When it expects to be back, in milliseconds. Absent when it stops.
        restart_expected_ms: u64,
    }
}

shape! {
    /// A run moved on, in detail.
    AgentEvent {
        /// Which run.
        run_id: RunId,
        /// What kind of detail: `lifecycle`, `assistant`, `run_status`, `tool`, `usage` …
        stream: String,
        /// The detail, in a shape that depends on the stream.
        data: Value,
    }
    may have {
        /// The number of the detail within the run; grows, with holes.
        seq: u64,
        /// When it happened, in milliseconds since 1970.
        ts: u64,
        /// Which conversation.
        session_key: SessionKey,
        /// Whether the agent woke by itself.
        is_heartbeat: bool,
    }
}

shape! {
    /// A message was stored.
    SessionMessage {
        /// Which conversation.
        session_key: SessionKey,
        /// The message.
        message: HistoryMessage,
    }
    may have {
        /// Its id.
        message_id: String,
        /// Its place in the conversation, from 1.
        message_seq: u64,
    }
}

shape! {
    /// A conversation began, changed or went.
    SessionsChanged {}
    may have {
        /// Which conversation.
        session_key: SessionKey,
        /// What happened: `create`, `patch`, `delete` …
        reason: String,
        /// How its run stands: `start`, `model`, `end`.
        phase: String,
        /// When, in milliseconds since 1970.
        ts: u64,
        /// Its row after that.
        session: SessionRow,
    }
}

shape! {
    /// Somebody decided about a device.
    DevicePairResolved {
        /// The request.
        request_id: PairingRequestId,
        /// Which device.
        device_id: DeviceId,
        /// `approved` or `rejected`.
        decision: String,
    }
    may have {
        /// When, in milliseconds since 1970.
        ts: u64,
    }
}

shape! {
    /// Somebody decided about a node.
    NodePairResolved {
        /// The request.
        request_id: PairingRequestId,
        /// Which node.
        node_id: NodeId,
        /// `approved` or `rejected`.
        decision: String,
    }
    may have {
        /// When, in milliseconds since 1970.
        ts: u64,
    }
}

shape! {
    /// Somebody decided about a command.
    ExecApprovalResolved {
        /// Which request.
        id: ApprovalId,
        /// What was decided.
        decision: Decision,
    }
    may have {
        /// Who decided.
        resolved_by: String,
        /// When, in milliseconds since 1970.
        ts: u64,
        /// What was to run.
        request: ApprovalCommand,
    }
}

shape! {
    /// Somebody answered, dismissed or missed an agent's questions.
    QuestionResolved {
        /// Which set.
        id: QuestionSetId,
        /// `answered`, `cancelled` or `expired`.
        status: String,
    }
    may have {
        /// The chosen labels.
        answers: Answers,
    }
}

shape! {
    /// A job ran or changed.
    CronEvent {
        /// Which job.
        job_id: String,
        /// What happened: `added`, `started`, `finished` …
        action: String,
    }
    may have {
        /// How the run ended.
        status: String,
        /// What went wrong.
        error: String,
        /// When it runs next, in milliseconds since 1970.
        next_run_at_ms: u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Frame;

    fn event(text: &str) -> Event {
        match Frame::parse(text).unwrap() {
            Frame::Event(frame) => Event::of(&frame),
            frame @ (Frame::Request(_) | Frame::Response(_)) => panic!("{frame:?}"),
        }
    }

    #[test]
    fn an_unknown_event_is_kept_as_it_came() {
        let event = event(r#"{"type":"event","event":"novel","payload":{"a":[1,null]},"seq":3}"#);

        assert_eq!(event.name(), "novel");
        assert_eq!(event.to_payload(), serde_json::json!({"a": [1, null]}));
    }

    #[test]
    fn a_known_event_in_an_unknown_shape_is_kept_as_it_came() {
        let event = event(r#"{"type":"event","event":"tick","payload":{"ts":"soon"}}"#);

        assert!(matches!(event, Event::Unknown(_)), "{event:?}");
        assert_eq!(event.to_payload(), serde_json::json!({"ts": "soon"}));
    }
}
