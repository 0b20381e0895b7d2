//! Why no stream to a gateway's port came about.

use crate::config::TlsFingerprint;
use crate::config::gateway_url::PlainRefused;
use rustls::{CertificateError, Error as TlsError};
use std::fmt;
use std::io;
use std::time::Duration;

/// How far it had got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectStep {
    /// Judging the address.
    Address,
    /// Finding the name's addresses.
    Resolve,
    /// Reaching the port.
    Tcp,
    /// TLS, with the certificate.
    Tls,
}

impl fmt::Display for DirectStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "address",
            Self::Resolve => "name lookup",
            Self::Tcp => "TCP connection",
            Self::Tls => "TLS handshake",
        })
    }
}

/// A certificate, as far as people compare it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// The host that was dialled.
    pub host: String,
    /// The port that was dialled.
    pub port: u16,
    /// The certificate's fingerprint.
    pub fingerprint: TlsFingerprint,
}

/// What is wrong with a certificate that an authority did sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateFault {
    /// Its time is over.
    Expired,
    /// Its time has not begun.
    NotYetValid,
    /// It is for another name.
    OtherName,
    /// Its authority took it back.
    Revoked,
    /// It cannot be read, or is not meant for servers.
    Unusable,
}

/// Why no stream to a gateway's port came about. No byte of ours was sent in any of these cases.
#[derive(Debug, thiserror::Error)]
pub enum DirectError {
    /// The address may not be dialled without encryption.
    #[error(transparent)]
    Plain(#[from] PlainRefused),
    /// The name is one that may be dialled without encryption, but leads out into the internet.
    #[error(
        "{host} leads to no private address, and ws:// would carry the token there unprotected"
    )]
    PlainToPublic {
        /// The name.
        host: String,
    },
    /// The host's name cannot stand in a certificate.
    #[error("no certificate can be issued for this host name")]
    BadName,
    /// The name has no address.
    #[error("the name {host} cannot be resolved")]
    Resolve {
        /// The name.
        host: String,
        /// What the system said.
        source: io::Error,
    },
    /// No address accepted a connection.
    #[error("{authority} cannot be reached")]
    Tcp {
        /// Host and port.
        authority: String,
        /// Whether it is a port of this computer.
        is_here: bool,
        /// What the system said of the last address.
        source: io::Error,
    },
    /// A step took too long.
    #[error("no end of the {step} within {waited:?}")]
    Timeout {
        /// The step.
        step: DirectStep,
        /// Its limit.
        waited: Duration,
    },
    /// No authority this computer trusts has signed the certificate.
    #[error("nobody this computer trusts vouches for the certificate of {}", .0.host)]
    CertificateUnknown(Presented),
    /// Another certificate than the pinned one.
    #[error("{} shows another certificate than the pinned one", presented.host)]
    CertificateChanged {
        /// What was shown.
        presented: Presented,
        /// What is pinned.
        pinned: TlsFingerprint,
    },
    /// A certificate that cannot be accepted.
    #[error("the certificate of {} cannot be accepted: {fault:?}", presented.host)]
    Certificate {
        /// What was shown.
        presented: Presented,
        /// What is wrong with it.
        fault: CertificateFault,
    },
    /// What answers does not speak TLS.
    #[error("what answers at {authority} does not speak TLS")]
    NotTls {
        /// Host and port.
        authority: String,
    },
    /// The two sides found no way to speak TLS.
    #[error("the TLS handshake with {authority} failed")]
    Tls {
        /// Host and port.
        authority: String,
        /// What went wrong.
        source: TlsError,
    },
    /// The connection broke during the handshake.
    #[error("{authority} closed the connection during the TLS handshake")]
    Lost {
        /// Host and port.
        authority: String,
    },
    /// TLS could not be set up at all; a fault of ours.
    #[error("TLS could not be set up")]
    Setup(#[from] TlsError),
}

impl DirectError {
    /// Returns how far it had got.
    pub fn step(&self) -> DirectStep {
        match self {
            Self::Plain(_) | Self::BadName => DirectStep::Address,
            Self::PlainToPublic { .. } | Self::Resolve { .. } => DirectStep::Resolve,
            Self::Tcp { .. } => DirectStep::Tcp,
            Self::Timeout { step, .. } => *step,
            Self::CertificateUnknown(_)
            | Self::CertificateChanged { .. }
            | Self::Certificate { .. }
            | Self::NotTls { .. }
            | Self::Tls { .. }
            | Self::Lost { .. }
            | Self::Setup(_) => DirectStep::Tls,
        }
    }

    /// Says what a failed handshake means.
    pub(super) fn of_tls(
        error: io::Error,
        pinned: Option<TlsFingerprint>,
        presented: Option<Presented>,
        authority: String,
    ) -> Self {
        let Some(fault) = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<TlsError>())
            .cloned()
        else {
            return Self::Lost { authority };
        };
        match (fault, presented) {
            (TlsError::InvalidMessage(_) | TlsError::InappropriateMessage { .. }, None) => {
                Self::NotTls { authority }
            }
            (TlsError::InvalidCertificate(fault), Some(presented)) => match pinned {
                Some(pinned) if pinned != presented.fingerprint => {
                    Self::CertificateChanged { presented, pinned }
                }
                Some(_) | None => Self::of_certificate(&fault, presented),
            },
            (source, _) => Self::Tls { authority, source },
        }
    }

    fn of_certificate(fault: &CertificateError, presented: Presented) -> Self {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the enum is open, and whatever it may gain cannot be accepted either"
        )]
        let fault = match fault {
            CertificateError::UnknownIssuer => return Self::CertificateUnknown(presented),
            // A certificate that signed itself may say that it is an authority: `openssl req -x509`
            // makes such ones, and nobody vouches for them either.
            CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
                return Self::CertificateUnknown(presented);
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                CertificateFault::Expired
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                CertificateFault::NotYetValid
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                CertificateFault::OtherName
            }
            CertificateError::Revoked => CertificateFault::Revoked,
            _ => CertificateFault::Unusable,
        };
        Self::Certificate { presented, fault }
    }
}
