//! Our side of russh's callbacks: judge the host key, refuse every channel the server opens, and
//! tell everybody when the session ends.
//!
//! The callbacks run inside russh's session loop, so none of them waits for anything.

use super::error::{TunnelClosed, TunnelError};
use super::host_certificate;
use super::host_key::{HOST_KEY_ALGORITHMS, HostKeyFingerprint, PresentedKey};
use super::known_hosts::{KnownHosts, Verdict};
use super::server_text::printable;
use russh::client::{self, DisconnectReason};
use russh::keys::{Algorithm, Certificate, PublicKey, PublicKeyOrCertificate};
use russh::{Preferred, cipher, compression};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Ciphers in the order we want them: AES-GCM is the fastest where the processor has AES.
const CIPHERS: [cipher::Name; 6] = [
    cipher::AES_128_GCM,
    cipher::AES_256_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];

/// How many messages of a channel may wait inside russh before its session loop waits for us.
///
/// The channel's own task takes them out at once, so this only covers the time until it runs.
const CHANNEL_BUFFER: usize = 64;

/// Returns the configuration of a session; `host_keys` are the algorithms in the order to offer, and
/// `certificates` those of certificates, which russh offers first.
pub(super) fn config(
    host_keys: Vec<Algorithm>,
    certificates: Vec<Algorithm>,
    keepalive: Duration,
    keepalive_max: usize,
    window: u32,
) -> client::Config {
    debug_assert_eq!(host_keys.len(), HOST_KEY_ALGORITHMS.len());
    client::Config {
        preferred: Preferred {
            key: Cow::Owned(host_keys),
            host_key_certificates: Cow::Owned(certificates),
            cipher: Cow::Borrowed(&CIPHERS),
            // CVE-2026-46702 was a decompression bomb; there is little to gain from compression.
            compression: Cow::Borrowed(&[compression::NONE]),
            // Key exchange (with strict-kex) and MACs: russh's own lists, which hold no SHA-1.
            ..Preferred::DEFAULT
        },
        window_size: window,
        channel_buffer_size: CHANNEL_BUFFER,
        // russh's default is none at all; it gives up after interval × (max + 1).
        keepalive_interval: Some(keepalive),
        keepalive_max,
        inactivity_timeout: None,
        nodelay: true,
        ..client::Config::default()
    }
}

/// Whether and why a session has ended; shared by everything that uses it.
#[derive(Debug, Clone, Default)]
pub(super) struct SessionEnd {
    token: CancellationToken,
    reason: Arc<OnceLock<TunnelClosed>>,
}

impl SessionEnd {
    /// Completes when the session has ended.
    pub(super) async fn ended(&self) -> TunnelClosed {
        self.token.cancelled().await;
        self.reason()
    }

    pub(super) fn is_ended(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Returns why it ended; only meaningful once it has.
    pub(super) fn reason(&self) -> TunnelClosed {
        self.reason.get().cloned().unwrap_or(TunnelClosed::Broken {
            detail: "the session ended".to_owned(),
        })
    }

    /// States the reason, unless one is stated already.
    pub(super) fn because(&self, reason: TunnelClosed) {
        if self.reason.set(reason).is_err() {
            tracing::trace!("a session has only one end");
        }
    }
}

/// What the key exchange brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accepted {
    /// known_hosts trusts the key.
    Known,
    /// known_hosts has nothing for the host, and somebody accepted this key or any.
    Demanded,
}

/// What becomes of a host key that known_hosts does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownHostKey {
    /// A person is asked.
    #[default]
    Ask,
    /// It is trusted and stored.
    Accept,
    /// It is refused.
    Refuse,
}

/// What counts beside known_hosts.
#[derive(Debug, Clone)]
pub(super) struct Trust {
    /// The only key to accept.
    pub(super) demanded: Option<HostKeyFingerprint>,
    /// Unknown keys to store.
    pub(super) accepted: Vec<HostKeyFingerprint>,
    /// What becomes of every other unknown key.
    pub(super) unknown: UnknownHostKey,
}

/// The key that was accepted, as the handler leaves it for the dialling task.
pub(super) type AcceptedKey = Arc<Mutex<Option<(Accepted, PresentedKey)>>>;

/// Our handler. When russh drops it, however the session ended, everybody is told.
pub(super) struct SessionHandler {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) known_hosts: KnownHosts,
    pub(super) trust: Trust,
    pub(super) accepted: AcceptedKey,
    announced: mpsc::Sender<Vec<PublicKey>>,
    end: SessionEnd,
    _ends_with_the_session: DropGuard,
}

/// Why a callback ended the session.
#[derive(Debug)]
pub(super) enum HandlerError {
    /// The host key was refused.
    HostKey(Box<TunnelError>),
    /// russh's own error.
    Ssh(russh::Error),
}

impl From<russh::Error> for HandlerError {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

impl SessionHandler {
    pub(super) fn new(
        host: &str,
        port: u16,
        known_hosts: KnownHosts,
        trust: Trust,
        announced: mpsc::Sender<Vec<PublicKey>>,
        end: SessionEnd,
    ) -> Self {
        Self {
            host: host.to_owned(),
            port,
            known_hosts,
            trust,
            accepted: AcceptedKey::default(),
            announced,
            _ends_with_the_session: end.token.clone().drop_guard(),
            end,
        }
    }

    fn judge(
        &self,
        presented: PresentedKey,
        certificate: Option<&Certificate>,
    ) -> Result<(Accepted, PresentedKey), TunnelError> {
        let verdict = match certificate {
            Some(certificate) => {
                self.known_hosts
                    .verdict_on_certificate(&presented, certificate, SystemTime::now())
            }
            None => self.known_hosts.verdict(&presented),
        };
        tracing::debug!(host = %self.host, port = self.port, fingerprint = %presented.fingerprint(), ?verdict, "host key judged");
        let boxed = Box::new(presented.clone());
        match verdict {
            Verdict::Revoked { by } => Err(TunnelError::HostKeyRevoked {
                presented: boxed,
                by: Box::new(by),
            }),
            Verdict::Changed { known } => Err(TunnelError::HostKeyChanged {
                presented: boxed,
                known,
            }),
            Verdict::AuthorityOnly { authority, fault } => {
                Err(TunnelError::HostKeyNeedsAuthority {
                    presented: boxed,
                    authority: Box::new(authority),
                    fault,
                })
            }
            Verdict::Trusted | Verdict::Unknown => match self.trust.demanded {
                Some(demanded) if demanded != presented.fingerprint() => {
                    Err(TunnelError::HostKeyNotDemanded {
                        presented: boxed,
                        demanded,
                    })
                }
                Some(_) if verdict == Verdict::Unknown => Ok((Accepted::Demanded, presented)),
                None if verdict == Verdict::Unknown => self.judge_unknown(presented),
                Some(_) | None => Ok((Accepted::Known, presented)),
            },
        }
    }

    fn judge_unknown(
        &self,
        presented: PresentedKey,
    ) -> Result<(Accepted, PresentedKey), TunnelError> {
        if self.trust.accepted.contains(&presented.fingerprint()) {
            return Ok((Accepted::Demanded, presented));
        }
        match self.trust.unknown {
            UnknownHostKey::Ask => Err(TunnelError::HostKeyUnknown(Box::new(presented))),
            UnknownHostKey::Accept => Ok((Accepted::Demanded, presented)),
            UnknownHostKey::Refuse => Err(TunnelError::HostKeyNotListed(Box::new(presented))),
        }
    }
}

impl client::Handler for SessionHandler {
    type Error = HandlerError;

    async fn check_server_key(
        &mut self,
        key: &PublicKeyOrCertificate,
    ) -> Result<bool, HandlerError> {
        let (key, certificate) = match key {
            PublicKeyOrCertificate::PublicKey { key, .. } => (key.clone(), None),
            PublicKeyOrCertificate::Certificate(certificate) => (
                host_certificate::certified_key(certificate),
                Some(certificate),
            ),
        };
        let Some(presented) = PresentedKey::new(&self.host, self.port, &key) else {
            return Ok(false);
        };
        let accepted = self
            .judge(presented, certificate)
            .map_err(|error| HandlerError::HostKey(Box::new(error)))?;
        *self.accepted.lock().unwrap_or_else(PoisonError::into_inner) = Some(accepted);
        Ok(true)
    }

    /// Refuses what Terrapin (CVE-2023-48795) can attack: of the ciphers we offer, ChaCha20 without
    /// strict key exchange. AES-GCM is safe either way, and comes first where the server has it.
    async fn kex_done(
        &mut self,
        _shared_secret: Option<&[u8]>,
        names: &russh::Names,
        _session: &mut client::Session,
    ) -> Result<(), HandlerError> {
        if names.cipher == cipher::CHACHA20_POLY1305 && !names.strict_kex() {
            return Err(HandlerError::HostKey(Box::new(
                TunnelError::WeakEncryption {
                    host: self.host.clone(),
                    port: self.port,
                },
            )));
        }
        Ok(())
    }

    async fn openssh_ext_host_keys_announced(
        &mut self,
        keys: Vec<PublicKey>,
        _session: &mut client::Session,
    ) -> Result<(), HandlerError> {
        // One announcement is heard; a server that goes on announcing is not listened to.
        if self.announced.try_send(keys).is_err() {
            tracing::debug!(host = %self.host, "host keys announced again");
        }
        Ok(())
    }

    async fn disconnected(
        &mut self,
        reason: DisconnectReason<HandlerError>,
    ) -> Result<(), HandlerError> {
        let reason = match reason {
            DisconnectReason::ReceivedDisconnect(info) => TunnelClosed::ByServer {
                message: printable(&info.message),
            },
            DisconnectReason::Error(HandlerError::Ssh(error)) => closed_by(&error),
            DisconnectReason::Error(HandlerError::HostKey(error)) => TunnelClosed::Broken {
                detail: error.to_string(),
            },
        };
        tracing::info!(host = %self.host, %reason, "SSH session ended");
        self.end.because(reason);
        Ok(())
    }

    // A dropped `reply` refuses the channel: whatever a server opens towards us is unwanted, an
    // agent or X11 forward above all.

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        _channel: russh::Channel<client::Msg>,
        _connected_address: &str,
        _connected_port: u32,
        _originator_address: &str,
        _originator_port: u32,
        _reply: client::ChannelOpenHandle,
        _session: &mut client::Session,
    ) -> Result<(), HandlerError> {
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _channel: russh::Channel<client::Msg>,
        _socket_path: &str,
        _reply: client::ChannelOpenHandle,
        _session: &mut client::Session,
    ) -> Result<(), HandlerError> {
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _channel: russh::Channel<client::Msg>,
        _reply: client::ChannelOpenHandle,
        _session: &mut client::Session,
    ) -> Result<(), HandlerError> {
        Ok(())
    }

    async fn server_channel_open_session(
        &mut self,
        _channel: russh::Channel<client::Msg>,
        _reply: client::ChannelOpenHandle,
        _session: &mut client::Session,
    ) -> Result<(), HandlerError> {
        Ok(())
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _channel: russh::Channel<client::Msg>,
        _host_to_connect: &str,
        _port_to_connect: u32,
        _originator_address: &str,
        _originator_port: u32,
        _reply: client::ChannelOpenHandle,
        _session: &mut client::Session,
    ) -> Result<(), HandlerError> {
        Ok(())
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _channel: russh::Channel<client::Msg>,
        _socket_path: &str,
        _reply: client::ChannelOpenHandle,
        _session: &mut client::Session,
    ) -> Result<(), HandlerError> {
        Ok(())
    }

    async fn server_channel_open_x11(
        &mut self,
        _channel: russh::Channel<client::Msg>,
        _originator_address: &str,
        _originator_port: u32,
        _reply: client::ChannelOpenHandle,
        _session: &mut client::Session,
    ) -> Result<(), HandlerError> {
        Ok(())
    }
}

/// Says in our words why russh ended a session.
pub(super) fn closed_by(error: &russh::Error) -> TunnelClosed {
    let is_silence = matches!(
        error,
        russh::Error::KeepaliveTimeout | russh::Error::InactivityTimeout
    ) || matches!(error, russh::Error::IO(io) if io.kind() == std::io::ErrorKind::TimedOut);
    if is_silence {
        TunnelClosed::NotAnswering
    } else {
        TunnelClosed::Broken {
            detail: error.to_string(),
        }
    }
}
