//! Why a session ended.

use crate::connection::phase::Cause;
use std::fmt;
use std::io;
use std::time::Duration;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// The longest text of a close frame, as WebSocket allows it, that we keep.
const REASON_BYTES: usize = 123;

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloseReason {
    /// We closed it, or nobody held a [`super::Session`] any more.
    Ours,
    /// No frame came for twice the gateway's tick interval; we closed with 4000.
    Silent {
        /// For how long nothing came.
        silent_for: Duration,
    },
    /// The gateway stops or restarts (1012).
    Restart {
        /// When it expects to be back, where it said so.
        expected_in: Option<Duration>,
    },
    /// The gateway is starting and wants us to come again (1013).
    Starting,
    /// This device was removed, or its token replaced (4001).
    DeviceRemoved,
    /// The gateway refused us (1008); the text is for people and may be cut.
    Refused {
        /// What the gateway said.
        text: String,
    },
    /// No wire version in common (1002).
    ProtocolMismatch,
    /// The gateway found a frame of ours too large (1009).
    OursTooLarge,
    /// A frame was larger than we take; we closed with 1009.
    FrameTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// More came before hello than a gateway says there.
    TooMuchBeforeHello,
    /// What came was not WebSocket, or no frame of the protocol.
    Violation,
    /// The gateway closed without a complaint (1000, 1005).
    Normal,
    /// Some other code.
    Other {
        /// The code.
        code: u16,
        /// What the gateway said.
        text: String,
    },
    /// The connection broke without a word.
    Lost {
        /// What the stream reported, if anything.
        kind: Option<io::ErrorKind>,
    },
}

impl CloseReason {
    pub(super) fn lost(kind: Option<io::ErrorKind>) -> Self {
        Self::Lost { kind }
    }

    /// Understands what the gateway said on closing.
    pub(super) fn said(frame: Option<&CloseFrame>) -> Self {
        let Some(frame) = frame else {
            return Self::Normal;
        };
        let mut text: String = frame.reason.as_str().to_owned();
        text.truncate(text.floor_char_boundary(REASON_BYTES));
        match u16::from(frame.code) {
            1000 | 1005 => Self::Normal,
            1002 => Self::ProtocolMismatch,
            1008 => Self::Refused { text },
            1009 => Self::OursTooLarge,
            1012 => Self::Restart { expected_in: None },
            1013 => Self::Starting,
            4001 => Self::DeviceRemoved,
            code => Self::Other { code, text },
        }
    }

    /// Returns whether the other side sent what the protocol does not allow.
    pub(super) fn is_violation(&self) -> bool {
        matches!(
            self,
            Self::Violation | Self::FrameTooLarge { .. } | Self::TooMuchBeforeHello
        )
    }

    /// Returns the word for it in a snapshot.
    pub fn cause(&self) -> Cause {
        match self {
            Self::Silent { .. } => Cause::Timeout,
            Self::Lost { .. } => Cause::Network,
            Self::DeviceRemoved => Cause::Pairing,
            Self::ProtocolMismatch
            | Self::Violation
            | Self::OursTooLarge
            | Self::FrameTooLarge { .. }
            | Self::TooMuchBeforeHello => Cause::Protocol,
            Self::Ours
            | Self::Restart { .. }
            | Self::Starting
            | Self::Refused { .. }
            | Self::Normal
            | Self::Other { .. } => Cause::Closed,
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ours => f.write_str("closed by us"),
            Self::Silent { silent_for } => {
                write!(f, "gateway silent for {} s", silent_for.as_secs())
            }
            Self::Restart {
                expected_in: Some(wait),
            } => {
                write!(f, "gateway restarting, back in {:.1} s", wait.as_secs_f32())
            }
            Self::Restart { expected_in: None } => f.write_str("gateway stopping or restarting"),
            Self::Starting => f.write_str("gateway still starting"),
            Self::DeviceRemoved => f.write_str("this device was removed or its token replaced"),
            Self::Refused { text } => write!(f, "gateway refused the connection: {text}"),
            Self::ProtocolMismatch => f.write_str("no protocol version in common"),
            Self::OursTooLarge => f.write_str("gateway found a frame of ours too large"),
            Self::FrameTooLarge { limit } => {
                write!(f, "gateway sent more than {limit} bytes in one frame")
            }
            Self::TooMuchBeforeHello => f.write_str("more bytes than a gateway sends before hello"),
            Self::Violation => f.write_str("gateway sent something outside the protocol"),
            Self::Normal => f.write_str("closed by the gateway"),
            Self::Other { code, text } => write!(f, "closed by the gateway with {code} {text}"),
            Self::Lost { kind: Some(kind) } => write!(f, "connection broke: {kind}"),
            Self::Lost { kind: None } => f.write_str("connection broke"),
        }
    }
}
