//! Why a tunnel could not be opened, why it ended, and what to do about it.

use super::auth::keys::KeyFileError;
use super::credential::Tried;
use super::host_certificate::CertificateFault;
use super::host_key::{HostKeyFingerprint, KnownKey, PresentedKey};
use super::known_hosts::KnownHostsError;
use super::question::Question;
use super::target::TargetError;
use crate::connection::phase::Cause;
use crate::ssh_config::SshConfigError;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// The step of opening a tunnel that something happened in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Reading the address.
    Address,
    /// Looking the name up.
    Resolve,
    /// Reaching the SSH port.
    Tcp,
    /// Agreeing on keys, and judging the server's own.
    HostKey,
    /// Signing in.
    Login,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "reading the address",
            Self::Resolve => "looking up the name",
            Self::Tcp => "reaching the SSH port",
            Self::HostKey => "the key exchange",
            Self::Login => "signing in",
        })
    }
}

/// What helps after a failure. `Display` gives it as a sentence for the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NextStep {
    /// Nothing to do: trying again may succeed by itself.
    Retry,
    /// The address has to be corrected.
    CorrectAddress,
    /// The SSH configuration has to be corrected.
    CorrectSshConfig,
    /// The server on the way has to allow more.
    AllowForwarding,
    /// A person compares the fingerprint and trusts it, or not.
    TrustHostKey,
    /// A person finds out why the server's key is another one.
    ReviewHostKey,
    /// The server must not be used with this key.
    ReplaceRevokedKey,
    /// The server needs a good certificate, or its own key has to be listed.
    RenewHostCertificate,
    /// The server's key has to be listed by hand.
    ListHostKey,
    /// known_hosts has to be made readable or writable.
    RepairKnownHosts,
    /// A person answers the question.
    Answer,
    /// A sign-in that the server accepts has to be set up.
    ChangeSignIn,
    /// The key file has to be replaced or another one chosen.
    ChooseKeyFile,
    /// The server's SSH has to be updated or replaced.
    UpdateServer,
}

impl fmt::Display for NextStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Retry => "Check that the server is on and reachable; trying again may succeed.",
            Self::CorrectAddress => "Correct the address, for example me@server or me@server:2222.",
            Self::CorrectSshConfig => {
                "Change it there, or type an address that the SSH configuration says nothing about."
            }
            Self::AllowForwarding => {
                "Ask the owner of the server on the way to allow port forwarding (AllowTcpForwarding)."
            }
            Self::TrustHostKey => "Compare the fingerprint with the server's own, then trust it.",
            Self::ReviewHostKey => {
                "Ask the server's owner whether it was reinstalled. If not, do not connect."
            }
            Self::ReplaceRevokedKey => "This key is marked as revoked. Do not connect; ask the server's owner.",
            Self::RenewHostCertificate => {
                "Ask the server's owner for a good certificate, or add its own host key to known_hosts."
            }
            Self::ListHostKey => "Add the server's host key to known_hosts, or let new ones be asked about.",
            Self::RepairKnownHosts => "Make the known_hosts file readable and writable for you.",
            Self::Answer => "Answer the question to go on.",
            Self::ChangeSignIn => {
                "Choose another way to sign in, or add your public key to the server's authorized_keys."
            }
            Self::ChooseKeyFile => "Choose a private key file that can be read.",
            Self::UpdateServer => "Check that this is an SSH server and update it.",
        })
    }
}

/// Why a tunnel was not opened.
#[derive(Debug, thiserror::Error)]
pub enum TunnelError {
    /// The address cannot be used.
    #[error("the address cannot be used")]
    BadTarget(#[from] TargetError),
    /// The user's SSH configuration cannot be followed.
    #[error("the SSH configuration cannot be followed")]
    SshConfig(#[from] SshConfigError),
    /// A server on the way stopped us.
    #[error("the way leads through {name}")]
    Hop {
        /// Its place in the way, counted from 0.
        index: usize,
        /// What people call it.
        name: String,
        /// What was wrong there.
        source: Box<TunnelError>,
    },
    /// The server before did not open the way to this one.
    #[error("the server before did not open the way to {host} port {port}")]
    NotForwarded {
        /// The server.
        host: String,
        /// Its port.
        port: u16,
        /// What the server before said.
        source: ForwardError,
    },
    /// The name has no address.
    #[error("the name {host} cannot be resolved")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// No address of the server accepted a connection.
    #[error("{host} cannot be reached on port {port}")]
    Tcp {
        /// The server.
        host: String,
        /// The port dialled.
        port: u16,
        /// What the last address tried said.
        source: io::Error,
    },
    /// Something answered, but no SSH key exchange came of it.
    #[error("{host} port {port} did not complete an SSH key exchange")]
    KeyExchange {
        /// The server.
        host: String,
        /// The port dialled.
        port: u16,
        /// What went wrong.
        source: russh::Error,
    },
    /// known_hosts could not be read, or the newly trusted key could not be stored.
    #[error("the known host keys cannot be used")]
    KnownHosts(#[from] KnownHostsError),
    /// Nobody has said yet whether this key is right. Nothing about the user was sent.
    #[error("the host key of {} is not known", .0.host())]
    HostKeyUnknown(Box<PresentedKey>),
    /// Nobody has said yet whether this key is right, and nobody is to be asked. Nothing about the
    /// user was sent.
    #[error(
        "the host key of {} is not known, and StrictHostKeyChecking yes allows no new ones",
        .0.host()
    )]
    HostKeyNotListed(Box<PresentedKey>),
    /// The server is known under other keys only. Nothing about the user was sent.
    #[error("the host key of {} has changed", presented.host())]
    HostKeyChanged {
        /// What it showed now.
        presented: Box<PresentedKey>,
        /// What is known of it.
        known: Vec<KnownKey>,
    },
    /// The key is marked `@revoked`. Nothing about the user was sent.
    #[error("the host key of {} is revoked", presented.host())]
    HostKeyRevoked {
        /// What it showed.
        presented: Box<PresentedKey>,
        /// The line that revokes it.
        by: Box<KnownKey>,
    },
    /// The host is known only through a certificate authority. Nothing about the user was sent.
    #[error("{} is trusted by its certificate only, and {fault}", presented.host())]
    HostKeyNeedsAuthority {
        /// The key it showed.
        presented: Box<PresentedKey>,
        /// The `@cert-authority` line.
        authority: Box<KnownKey>,
        /// What is wrong with its certificate.
        fault: CertificateFault,
    },
    /// What was agreed on can be tampered with unnoticed (CVE-2023-48795). Nothing about the user was sent.
    #[error(
        "{host} port {port} encrypts with ChaCha20 and without strict key exchange, which lets others drop messages (Terrapin)"
    )]
    WeakEncryption {
        /// The server.
        host: String,
        /// The port dialled.
        port: u16,
    },
    /// The key is not the one that was demanded. Nothing about the user was sent.
    #[error("{} showed another host key than the one trusted", presented.host())]
    HostKeyNotDemanded {
        /// What it showed.
        presented: Box<PresentedKey>,
        /// What was demanded.
        demanded: HostKeyFingerprint,
    },
    /// Only a person can move on; the connection is closed meanwhile.
    #[error("signing in needs an answer")]
    NeedsAnswer(Question),
    /// The chosen key file cannot be used.
    #[error("the key file {} cannot be used", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: KeyFileError,
    },
    /// The server accepted nothing we have.
    #[error("{host} refused to sign in {user}{}", Attempts(tried, offered))]
    AuthRefused {
        /// The account.
        user: String,
        /// The server.
        host: String,
        /// What was tried, in order, and what came of it.
        tried: Vec<Tried>,
        /// The methods the server still offers, as it names them.
        offered: Vec<String>,
    },
    /// A step took longer than its limit.
    #[error("{step} took longer than {waited:?}")]
    Timeout {
        /// Which step.
        step: Step,
        /// Its limit.
        waited: Duration,
    },
    /// The connection ended during a step.
    #[error("the connection ended during {step}")]
    Closed {
        /// Which step.
        step: Step,
        /// Why.
        source: TunnelClosed,
    },
}

impl TunnelError {
    /// Returns the error without the way it happened on, and which server of the way it was.
    pub fn at_hop(&self) -> (Option<usize>, &TunnelError) {
        if let Self::Hop { index, source, .. } = self {
            (Some(*index), source)
        } else {
            (None, self)
        }
    }

    /// Returns the step that failed.
    pub fn step(&self) -> Step {
        match self {
            Self::BadTarget(_) | Self::SshConfig(_) => Step::Address,
            Self::NotForwarded { .. } => Step::Tcp,
            // Whatever happens on the way, the server itself was not reached.
            Self::Hop { source, .. } => match source.step() {
                step @ (Step::Address | Step::Resolve) => step,
                Step::Tcp | Step::HostKey | Step::Login => Step::Tcp,
            },
            Self::Resolve { .. } => Step::Resolve,
            Self::Tcp { .. } => Step::Tcp,
            Self::KeyExchange { .. }
            | Self::WeakEncryption { .. }
            | Self::KnownHosts(_)
            | Self::HostKeyUnknown(_)
            | Self::HostKeyNotListed(_)
            | Self::HostKeyChanged { .. }
            | Self::HostKeyRevoked { .. }
            | Self::HostKeyNeedsAuthority { .. }
            | Self::HostKeyNotDemanded { .. } => Step::HostKey,
            Self::NeedsAnswer(_) | Self::KeyFile { .. } | Self::AuthRefused { .. } => Step::Login,
            Self::Timeout { step, .. } | Self::Closed { step, .. } => *step,
        }
    }

    /// Returns the public word for this failure.
    pub fn cause(&self) -> Cause {
        match self {
            Self::BadTarget(TargetError::UnsupportedOption(_)) => Cause::UnsupportedOption,
            Self::SshConfig(SshConfigError::Unsupported { .. }) => Cause::UnsupportedOption,
            Self::BadTarget(_) | Self::SshConfig(_) => Cause::BadTarget,
            Self::Hop { source, .. } => source.cause(),
            Self::NotForwarded { source, .. } => source.cause(),
            Self::Resolve { .. } | Self::Tcp { .. } | Self::KeyExchange { .. } => Cause::Network,
            Self::WeakEncryption { .. } => Cause::Protocol,
            // Without known_hosts, or the proof it asks for, nobody can say whether the key is right.
            Self::KnownHosts(_)
            | Self::HostKeyUnknown(_)
            | Self::HostKeyNotListed(_)
            | Self::HostKeyNeedsAuthority { .. } => Cause::HostKeyUnknown,
            Self::HostKeyChanged { .. } | Self::HostKeyNotDemanded { .. } => Cause::HostKeyChanged,
            Self::HostKeyRevoked { .. } => Cause::HostKeyRevoked,
            Self::NeedsAnswer(_) | Self::KeyFile { .. } | Self::AuthRefused { .. } => {
                Cause::AuthRefused
            }
            Self::Timeout { .. } => Cause::Timeout,
            Self::Closed { .. } => Cause::Closed,
        }
    }

    /// Returns what helps.
    pub fn next_step(&self) -> NextStep {
        match self {
            Self::BadTarget(_) => NextStep::CorrectAddress,
            Self::SshConfig(_) => NextStep::CorrectSshConfig,
            Self::Hop { source, .. } => source.next_step(),
            Self::NotForwarded {
                source: ForwardError::Prohibited,
                ..
            } => NextStep::AllowForwarding,
            Self::NotForwarded { .. } => NextStep::Retry,
            Self::HostKeyNotListed(_) => NextStep::ListHostKey,
            Self::Resolve { .. }
            | Self::Tcp { .. }
            | Self::Timeout { .. }
            | Self::Closed { .. } => NextStep::Retry,
            Self::KeyExchange { source, .. } if is_broken_transport(source) => NextStep::Retry,
            Self::KeyExchange { .. } => NextStep::UpdateServer,
            Self::KnownHosts(_) => NextStep::RepairKnownHosts,
            Self::HostKeyUnknown(_) => NextStep::TrustHostKey,
            Self::HostKeyChanged { .. } | Self::HostKeyNotDemanded { .. } => {
                NextStep::ReviewHostKey
            }
            Self::HostKeyRevoked { .. } => NextStep::ReplaceRevokedKey,
            Self::HostKeyNeedsAuthority { .. } => NextStep::RenewHostCertificate,
            Self::WeakEncryption { .. } => NextStep::UpdateServer,
            Self::NeedsAnswer(_) => NextStep::Answer,
            Self::KeyFile { .. } => NextStep::ChooseKeyFile,
            Self::AuthRefused { .. } => NextStep::ChangeSignIn,
        }
    }

    /// Returns whether waiting cannot heal it, so that no automatic attempt may follow.
    pub fn stops_retrying(&self) -> bool {
        match self {
            Self::Resolve { .. } | Self::Tcp { .. } | Self::KeyExchange { .. } => false,
            Self::Hop { source, .. } => source.stops_retrying(),
            Self::NotForwarded { source, .. } => *source == ForwardError::Prohibited,
            Self::Timeout { .. } | Self::Closed { .. } => false,
            Self::BadTarget(_)
            | Self::SshConfig(_)
            | Self::KnownHosts(_)
            | Self::WeakEncryption { .. }
            | Self::HostKeyUnknown(_)
            | Self::HostKeyNotListed(_)
            | Self::HostKeyChanged { .. }
            | Self::HostKeyRevoked { .. }
            | Self::HostKeyNeedsAuthority { .. }
            | Self::HostKeyNotDemanded { .. }
            | Self::NeedsAnswer(_)
            | Self::KeyFile { .. }
            | Self::AuthRefused { .. } => true,
        }
    }
}

/// Why an open tunnel ended. Every holder of the tunnel gets the same one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TunnelClosed {
    /// The server said goodbye.
    #[error("the server closed the connection: {message}")]
    ByServer {
        /// Its words, without control characters.
        message: String,
    },
    /// The server left keepalives unanswered, or stopped reading.
    #[error("the server stopped answering")]
    NotAnswering,
    /// The connection broke.
    #[error("the connection broke: {detail}")]
    Broken {
        /// What the system or the protocol said.
        detail: String,
    },
    /// We closed it.
    #[error("the connection was closed here")]
    ByUs,
}

/// Why a channel to the gateway's port was not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForwardError {
    /// The server forbids port forwarding (`AllowTcpForwarding`, `PermitOpen`).
    #[error("the server allows signing in but forbids port forwarding")]
    Prohibited,
    /// The server found nothing listening there.
    #[error("nothing on the server answers on that port")]
    ConnectFailed,
    /// The server did not answer in time; other channels are not affected.
    #[error("the server did not open the channel within {waited:?}")]
    Timeout {
        /// The limit.
        waited: Duration,
    },
    /// The tunnel is gone.
    #[error("the tunnel is closed")]
    Closed(#[from] TunnelClosed),
    /// Another refusal.
    #[error("the server refused the channel: {reason}")]
    Other {
        /// The server's reason.
        reason: String,
    },
}

impl ForwardError {
    /// Returns the public word for this failure.
    pub fn cause(&self) -> Cause {
        match self {
            Self::Prohibited => Cause::ForwardProhibited,
            Self::ConnectFailed | Self::Other { .. } => Cause::Network,
            Self::Timeout { .. } => Cause::Timeout,
            Self::Closed(_) => Cause::Closed,
        }
    }
}

/// Returns whether a key exchange failed because the path did, not because of what was said.
fn is_broken_transport(error: &russh::Error) -> bool {
    matches!(
        error,
        russh::Error::IO(_) | russh::Error::HUP | russh::Error::Disconnect
    )
}

/// The tail of the sentence about a refused sign-in.
struct Attempts<'a>(&'a [Tried], &'a [String]);

impl fmt::Display for Attempts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            f.write_str("; there was nothing to try")?;
        }
        for (index, tried) in self.0.iter().enumerate() {
            write!(f, "{} {tried}", if index == 0 { "; tried" } else { "," })?;
        }
        if !self.1.is_empty() {
            write!(f, "; the server offers {}", self.1.join(", "))?;
        }
        Ok(())
    }
}
