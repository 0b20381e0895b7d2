//! The public words for where a connection stands.
//!
//! The same words appear in the machine's snapshot, in `openclaw connect --json`, in the UI's view
//! model and in the tray icon. There is no second table.

use serde::{Deserialize, Serialize};

/// Where the connection stands, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub enum Phase {
    /// Never started, or the user disconnected.
    Off,
    /// The host name is being resolved.
    Resolving,
    /// TCP and key exchange with the server.
    Connecting,
    /// A person must say whether an unknown host key or certificate is right; nothing is open meanwhile.
    HostKey,
    /// Signing in to the server.
    Authenticating,
    /// A person must give a passphrase, password or code; nothing is open meanwhile.
    AuthPrompt,
    /// Opening the channel to the gateway's port.
    Forwarding,
    /// Waiting for the gateway's hello-ok.
    GatewayCheck,
    /// hello-ok received and the path alive.
    Up,
    /// A probe is overdue; nothing torn down yet.
    Suspect,
    /// SSH is up, but nothing or something else answers on the gateway's port.
    UpGatewayDown,
    /// Waiting for the next attempt; `nextAttemptAt`, `attempt` and `cause` say more.
    RetryWait,
    /// Waiting cannot heal this; `cause` says what can.
    Paused,
    /// A fault of ours or an impossible configuration.
    Stopped,
}

impl Phase {
    /// Every phase, in the order of the table.
    pub const ALL: [Self; 14] = [
        Self::Off,
        Self::Resolving,
        Self::Connecting,
        Self::HostKey,
        Self::Authenticating,
        Self::AuthPrompt,
        Self::Forwarding,
        Self::GatewayCheck,
        Self::Up,
        Self::Suspect,
        Self::UpGatewayDown,
        Self::RetryWait,
        Self::Paused,
        Self::Stopped,
    ];

    /// Returns whether an attempt is running.
    pub fn is_attempting(self) -> bool {
        matches!(
            self,
            Self::Resolving
                | Self::Connecting
                | Self::Authenticating
                | Self::Forwarding
                | Self::GatewayCheck
        )
    }

    /// Returns whether only a person can move the connection on.
    pub fn needs_user(self) -> bool {
        matches!(self, Self::HostKey | Self::AuthPrompt | Self::Paused)
    }
}

/// Why a connection waits, is paused or went down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub enum Cause {
    /// The server's host key is not in known_hosts.
    HostKeyUnknown,
    /// The server shows another host key than the one we know.
    HostKeyChanged,
    /// The server shows a host key that known_hosts marks revoked.
    HostKeyRevoked,
    /// The server refused every way of signing in that we have.
    AuthRefused,
    /// The user closed the question.
    PromptCancelled,
    /// The address cannot be used as it stands.
    BadTarget,
    /// An SSH option that changes whom we reach, and that we do not support.
    UnsupportedOption,
    /// The server lets us sign in but forbids port forwarding.
    ForwardProhibited,
    /// The certificate does not match the pinned fingerprint, or cannot be trusted without one.
    TlsPin,
    /// The gateway refused the token or password, or needs one.
    Token,
    /// The gateway wants this device approved first.
    Pairing,
    /// The gateway speaks another protocol version.
    Protocol,
    /// The network, the name or the server cannot be reached.
    Network,
    /// A step took longer than its limit.
    Timeout,
    /// The other side closed the connection.
    Closed,
    /// No local port could be bound.
    PortTaken,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_and_causes_are_spelled_as_the_table_says() {
        let phase = serde_json::to_string(&Phase::UpGatewayDown).unwrap();
        let cause = serde_json::to_string(&Cause::HostKeyChanged).unwrap();

        assert_eq!(phase, r#""up_gateway_down""#);
        assert_eq!(cause, r#""hostKeyChanged""#);
    }

    #[test]
    fn no_phase_both_attempts_and_waits_for_a_person() {
        for phase in Phase::ALL {
            assert!(!(phase.is_attempting() && phase.needs_user()), "{phase:?}");
        }
    }
}
