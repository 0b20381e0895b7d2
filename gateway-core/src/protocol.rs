//! The frames of the gateway's WebSocket protocol, wire versions 3 and 4, as types.
//!
//! Every frame is one JSON object in one text message: a [`Request`], a [`Response`] or an
//! [`EventFrame`]. Gateways of different ages send members we have never seen, so nothing here is
//! strict on reading: unknown members are kept in `extra`, unknown events in [`Event::Unknown`],
//! unknown words in an `Other` variant, and all of them are written back as they came.
//!
//! - [`connect`]: challenge, connect and hello-ok.
//! - [`method`]: one type per method, with its params and payload side by side.
//! - [`event`]: the events we understand.
//! - [`wire_error`]: what a refused request says.
//! - [`id`]: the identifiers, one type each.

#[macro_use]
mod shape;

pub mod connect;
pub mod event;
pub mod id;
pub mod method;
pub mod wire_error;

#[cfg(test)]
pub(crate) mod conformance;
#[cfg(test)]
pub(crate) mod recordings;

pub use event::Event;
pub use id::{ConnId, DeviceId, NodeId, PairingRequestId, RequestId, RunId, SessionKey};
pub use method::Method;
pub use wire_error::{DetailCode, ErrorCode, WireError};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The oldest wire version we speak.
pub const OLDEST_PROTOCOL: u32 = 3;
/// The newest wire version we speak.
pub const NEWEST_PROTOCOL: u32 = 4;

/// Members of an object that this version has no name for, in the order they came.
pub type Extra = Map<String, Value>;

/// One frame, in either direction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Frame {
    /// A client asks.
    #[serde(rename = "req")]
    Request(Request),
    /// The gateway answers.
    #[serde(rename = "res")]
    Response(Response),
    /// The gateway tells.
    #[serde(rename = "event")]
    Event(EventFrame),
}

impl Frame {
    /// Reads a frame from the text of one WebSocket message.
    ///
    /// # Errors
    ///
    /// [`FrameError`] when the text is not JSON or not one of the three shapes. The error never
    /// repeats the text, which may hold a secret or a conversation.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        serde_json::from_str(text).map_err(|error| FrameError {
            category: error.classify(),
            column: error.column(),
        })
    }

    /// Writes the frame as the text of one WebSocket message.
    pub fn to_text(&self) -> String {
        // A frame holds strings, numbers and JSON values only; none of them can fail to serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A client asks for `method`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the client; the answer repeats it.
    pub id: RequestId,
    /// The name of the method.
    pub method: String,
    /// The parameters, in the shape the method defines.
    #[serde(
        default,
        deserialize_with = "shape::kept",
        skip_serializing_if = "Option::is_none"
    )]
    pub params: Option<Value>,
    /// Members this version does not know. A gateway refuses any it does not know either.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The gateway answers the request with the same id; a two-phase method does so twice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// The id of the request, or `invalid` when the request had none.
    pub id: RequestId,
    /// Whether `payload` or `error` holds the answer.
    pub ok: bool,
    /// The result, in the shape the method defines.
    #[serde(
        default,
        deserialize_with = "shape::kept",
        skip_serializing_if = "Option::is_none"
    )]
    pub payload: Option<Value>,
    /// Why there is no result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<WireError>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The gateway tells something nobody asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventFrame {
    /// The name of the event.
    pub event: String,
    /// What it says, in the shape the event defines.
    #[serde(
        default,
        deserialize_with = "shape::kept",
        skip_serializing_if = "Option::is_none"
    )]
    pub payload: Option<Value>,
    /// The number of this broadcast on this connection: 1 after hello, then one more each time.
    /// Absent on events addressed to one client, which do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Which presence and health the event belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_version: Option<connect::StateVersion>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Why a text is not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a frame of the gateway protocol ({category:?} error at column {column})")]
pub struct FrameError {
    /// Whether the text is not JSON, ends early, or has another shape.
    pub category: serde_json::error::Category,
    /// Where reading stopped, counted from 1.
    pub column: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_frame_keeps_the_members_it_does_not_know() {
        let text = r#"{"type":"event","event":"tick","payload":{"ts":1},"seq":7,"recipientProfileId":"p1"}"#;

        let frame = Frame::parse(text).unwrap();

        assert_eq!(
            serde_json::to_value(&frame).unwrap(),
            serde_json::from_str::<Value>(text).unwrap()
        );
    }

    #[test]
    fn an_absent_payload_and_a_null_one_are_told_apart() {
        for text in [
            r#"{"type":"res","id":"1","ok":true}"#,
            r#"{"type":"res","id":"1","ok":true,"payload":null}"#,
        ] {
            let frame = Frame::parse(text).unwrap();
            assert_eq!(
                serde_json::to_value(&frame).unwrap(),
                serde_json::from_str::<Value>(text).unwrap()
            );
        }
    }

    #[test]
    fn what_is_not_a_frame_is_an_error_that_does_not_repeat_the_text() {
        for text in [
            "",
            "canary",
            "[]",
            r#"{"type":"canary"}"#,
            r#"{"id":"canary"}"#,
        ] {
            let error = Frame::parse(text).unwrap_err();
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_a_crash() {
        let text = format!(
            r#"{{"type":"event","event":"x","payload":{}1{}}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );

        assert!(Frame::parse(&text).is_err());
    }

    #[test]
    fn a_request_without_params_sends_none() {
        let frame = Frame::Request(Request {
            id: RequestId::from("1"),
            method: "health".into(),
            params: None,
            extra: Extra::new(),
        });

        assert_eq!(
            serde_json::to_value(&frame).unwrap(),
            json!({"type": "req", "id": "1", "method": "health"})
        );
    }
}
