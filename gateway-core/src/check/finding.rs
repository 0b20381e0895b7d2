//! What a step of the check found, as data: a word for each sort of finding, and what it is about.
//!
//! The command line says it in English by `Display`; the window words it in its own language.

use crate::client::AcceptedCredential;
use crate::connection::problem::Facts;
use crate::tunnel::Credential;
use serde::Serialize;
use std::fmt;

/// A clock that differs by less is no news: messages are on the way for a while, too.
const CLOCK_DIFFERS: i64 = 60;

/// What a step found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(
    tag = "code",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub enum Finding {
    /// The address can be used.
    AddressRead {
        /// As it is dialled.
        address: String,
    },
    /// The user's SSH configuration leads elsewhere than the address says.
    WayLed {
        /// Where, through which servers.
        way: String,
    },
    /// The name has addresses.
    NameResolved {
        /// The first of them.
        address: String,
        /// How many there are.
        count: u32,
    },
    /// The SSH port accepts a connection.
    PortAnswers {
        /// The port.
        port: u16,
    },
    /// The server showed the key that is trusted.
    HostKeyTrusted {
        /// Its fingerprint.
        fingerprint: String,
    },
    /// The certificate is the pinned one.
    CertificatePinned,
    /// An authority vouches for the certificate.
    CertificateVouched,
    /// The server let us in.
    SignedIn {
        /// With what sort of proof.
        method: SignInMethod,
        /// Which one, where there are several of its sort.
        which: String,
    },
    /// The server would forward, had anything answered.
    ForwardingAllowed,
    /// The server forwards.
    ForwardOpen {
        /// To this port of its own.
        port: u16,
    },
    /// A gateway answers.
    GatewayAnswers {
        /// On this port.
        port: u16,
    },
    /// The gateway let us in.
    LetIn {
        /// The gateway's release.
        version: String,
        /// With what.
        by: LetInBy,
        /// By how many seconds the gateway's clock is ahead of this computer's, where that is a minute or
        /// more; behind where it is negative.
        clock_ahead_s: Option<i32>,
    },
    /// The gateway is well.
    GatewayWell {
        /// The channels that are set up.
        channels: u32,
    },
    /// The step ended here.
    Problem {
        /// The problem's stable word.
        problem: String,
        /// What it is about.
        facts: Facts,
    },
}

/// What sort of proof a server accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub enum SignInMethod {
    /// The key this app made for the server.
    OwnKey,
    /// A key of the agent.
    AgentKey,
    /// A key file.
    KeyFile,
    /// A certificate.
    Certificate,
    /// Answers to the server's questions.
    Answers,
    /// The account's password.
    Password,
    /// None.
    Nothing,
}

/// What a gateway accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub enum LetInBy {
    /// The token it issued to this device.
    DeviceToken,
    /// Its shared token.
    GatewayToken,
    /// Its shared password.
    GatewayPassword,
    /// Nothing.
    Nothing,
}

impl Finding {
    pub(super) fn signed_in(credential: &Credential) -> Self {
        let (method, which) = match credential {
            Credential::OwnKey => (SignInMethod::OwnKey, String::new()),
            Credential::AgentKey {
                fingerprint,
                comment,
            } if comment.is_empty() => (SignInMethod::AgentKey, fingerprint.to_string()),
            Credential::AgentKey { comment, .. } => (SignInMethod::AgentKey, comment.clone()),
            Credential::KeyFile { path } => (SignInMethod::KeyFile, path.display().to_string()),
            Credential::Certificate { path } => {
                (SignInMethod::Certificate, path.display().to_string())
            }
            Credential::KeyboardInteractive => (SignInMethod::Answers, String::new()),
            Credential::Password => (SignInMethod::Password, String::new()),
            Credential::Nothing => (SignInMethod::Nothing, String::new()),
        };
        Self::SignedIn { method, which }
    }

    pub(super) fn let_in(
        version: &str,
        accepted: AcceptedCredential,
        clock_ahead_s: Option<i64>,
    ) -> Self {
        Self::LetIn {
            version: version.to_owned(),
            by: match accepted {
                AcceptedCredential::DeviceToken => LetInBy::DeviceToken,
                AcceptedCredential::GatewayToken => LetInBy::GatewayToken,
                AcceptedCredential::GatewayPassword => LetInBy::GatewayPassword,
                AcceptedCredential::None => LetInBy::Nothing,
            },
            clock_ahead_s: clock_ahead_s
                .filter(|seconds| seconds.abs() >= CLOCK_DIFFERS)
                .map(|seconds| i32::try_from(seconds).unwrap_or(i32::MAX)),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddressRead { address } => write!(f, "The address is {address}."),
            Self::WayLed { way } => write!(f, "The SSH configuration leads {way}."),
            Self::NameResolved { address, count: 1 } => {
                write!(f, "The name has the address {address}.")
            }
            Self::NameResolved { address, count } => {
                write!(f, "The name has {count} addresses, first {address}.")
            }
            Self::PortAnswers { port } => write!(f, "Port {port} answers."),
            Self::HostKeyTrusted { fingerprint } => {
                write!(f, "The server's key is the trusted one, {fingerprint}.")
            }
            Self::CertificatePinned => f.write_str("The certificate is the pinned one."),
            Self::CertificateVouched => {
                f.write_str("An authority that this computer trusts vouches for the certificate.")
            }
            Self::SignedIn { method, which } => {
                let method = match method {
                    SignInMethod::OwnKey => "this app's own key",
                    SignInMethod::AgentKey => "agent key",
                    SignInMethod::KeyFile => "key file",
                    SignInMethod::Certificate => "certificate",
                    SignInMethod::Answers => "answers to the server's questions",
                    SignInMethod::Password => "password",
                    SignInMethod::Nothing => "no proof",
                };
                let gap = if which.is_empty() { "" } else { " " };
                write!(f, "The server let us in with: {method}{gap}{which}.")
            }
            Self::ForwardingAllowed => f.write_str("The server allows port forwarding."),
            Self::ForwardOpen { port } => write!(f, "The server forwards to its port {port}."),
            Self::GatewayAnswers { port } => {
                write!(f, "An OpenClaw gateway answers on port {port}.")
            }
            Self::LetIn {
                version,
                by,
                clock_ahead_s,
            } => {
                let by = match by {
                    LetInBy::DeviceToken => "this device's own token",
                    LetInBy::GatewayToken => "the gateway token",
                    LetInBy::GatewayPassword => "the gateway password",
                    LetInBy::Nothing => "no credential at all",
                };
                write!(f, "Gateway {version} let us in with: {by}.")?;
                let Some(seconds) = clock_ahead_s else {
                    return Ok(());
                };
                let minutes = seconds.unsigned_abs().div_ceil(60);
                let unit = if minutes == 1 { "minute" } else { "minutes" };
                let side = if *seconds > 0 { "ahead of" } else { "behind" };
                write!(
                    f,
                    " Its clock is {minutes} {unit} {side} this computer's: set the one that is wrong."
                )
            }
            Self::GatewayWell { channels: 0 } => {
                f.write_str("The gateway is well; no channels are set up.")
            }
            Self::GatewayWell { channels: 1 } => {
                f.write_str("The gateway is well, with 1 channel.")
            }
            Self::GatewayWell { channels } => {
                write!(f, "The gateway is well, with {channels} channels.")
            }
            // Its sentence came with it.
            Self::Problem { problem, .. } => f.write_str(problem),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_named_only_where_it_differs_by_a_minute() {
        let said = |ahead| {
            Finding::let_in("2026.9.6", AcceptedCredential::GatewayToken, ahead).to_string()
        };

        let well = "Gateway 2026.9.6 let us in with: the gateway token.";
        assert_eq!(said(None), well);
        assert_eq!(said(Some(59)), well);
        assert_eq!(
            said(Some(600)),
            format!(
                "{well} Its clock is 10 minutes ahead of this computer's: set the one that is wrong."
            )
        );
        assert!(said(Some(-60)).contains("1 minute behind this computer's"));
    }
}
