//! Opens channels of a standing connection, and closes those that come when nobody waits any more.

use super::Tunnel;
use super::channel::RawChannel;
use super::error::{ForwardError, TunnelClosed};
use super::session::{self, SessionHandler};
use super::stream::TunnelStream;
use russh::client::{Handle, Msg};
use russh::{Channel, ChannelOpenFailure};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long we go on waiting for a channel nobody wants any more, to close it when it comes.
const LATE_CHANNEL_LIMIT: Duration = Duration::from_secs(60);

/// Why there is no channel, before anybody says what it was to be for.
pub(super) enum NotOpened {
    Refused(ChannelOpenFailure),
    TooLate { waited: Duration },
    Closed(TunnelClosed),
}

impl Tunnel {
    /// Opens a connection from the server to `host` and `port`, as the server sees them.
    ///
    /// # Errors
    /// A [`ForwardError`]; a refused channel leaves the tunnel and its other channels as they are.
    pub async fn open_channel(&self, host: &str, port: u16) -> Result<TunnelStream, ForwardError> {
        self.open_raw(host, port).await.map(TunnelStream::new)
    }

    /// Opens the way to the next server. It is all this connection is there for, so its reader may
    /// hold the whole session back.
    pub(super) async fn open_carrier(
        &self,
        host: &str,
        port: u16,
    ) -> Result<TunnelStream, ForwardError> {
        self.open_raw(host, port).await.map(TunnelStream::carrier)
    }

    /// Opens a connection whose data the caller takes out himself.
    pub(super) async fn open_raw(&self, host: &str, port: u16) -> Result<RawChannel, ForwardError> {
        let host = host.to_owned();
        let opened = self.open_with(move |session| async move {
            // The originator is for the server's log; nobody listens here (RFC 4254 §7.2).
            session
                .channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 0)
                .await
        });
        opened.await.map_err(|error| match error {
            NotOpened::Refused(failure) => match failure {
                ChannelOpenFailure::AdministrativelyProhibited => ForwardError::Prohibited,
                ChannelOpenFailure::ConnectFailed => ForwardError::ConnectFailed,
                other @ (ChannelOpenFailure::UnknownChannelType
                | ChannelOpenFailure::ResourceShortage
                | ChannelOpenFailure::Other { .. }) => ForwardError::Other {
                    reason: reason(other),
                },
            },
            NotOpened::TooLate { waited } => ForwardError::Timeout { waited },
            NotOpened::Closed(closed) => ForwardError::Closed(closed),
        })
    }

    /// Asks for a channel and waits for it as long as any step may take.
    pub(super) async fn open_with<F>(
        &self,
        ask: impl FnOnce(Arc<Handle<SessionHandler>>) -> F,
    ) -> Result<RawChannel, NotOpened>
    where
        F: Future<Output = Result<Channel<Msg>, russh::Error>> + Send + 'static,
    {
        let end = &self.connection.end;
        if end.is_ended() {
            return Err(NotOpened::Closed(end.reason()));
        }
        let (answer, answered) = oneshot::channel();
        let asking = ask(Arc::clone(&self.connection.session));
        let session_end = end.clone();
        // A task of its own, because a channel that comes too late must still be closed.
        tokio::spawn(async move {
            let opened = tokio::select! {
                opened = timeout(LATE_CHANNEL_LIMIT, asking) => opened,
                _ = session_end.ended() => return,
            };
            let Ok(opened) = opened else { return };
            if let Err(Ok(unwanted)) = answer.send(opened) {
                let closed = unwanted.close().await;
                tracing::debug!(?closed, "a channel came too late and was closed");
            }
        });

        let limit = self.connection.forward_limit;
        let opened = tokio::select! {
            opened = timeout(limit, answered) => match opened {
                Ok(Ok(opened)) => opened,
                Ok(Err(_)) => return Err(NotOpened::Closed(end.reason())),
                Err(_) => return Err(NotOpened::TooLate { waited: limit }),
            },
            reason = end.ended() => return Err(NotOpened::Closed(reason)),
        };
        match opened {
            Ok(channel) => Ok(RawChannel::new(channel, Arc::clone(&self.connection))),
            Err(russh::Error::ChannelOpenFailure(failure)) => Err(NotOpened::Refused(failure)),
            Err(error) => Err(NotOpened::Closed(match end.is_ended() {
                true => end.reason(),
                false => session::closed_by(&error),
            })),
        }
    }
}

/// Names a refusal.
pub(super) fn reason(failure: ChannelOpenFailure) -> String {
    match failure {
        ChannelOpenFailure::AdministrativelyProhibited => "it is forbidden".to_owned(),
        ChannelOpenFailure::ConnectFailed => "it could not be connected".to_owned(),
        ChannelOpenFailure::UnknownChannelType => "unknown channel type".to_owned(),
        ChannelOpenFailure::ResourceShortage => "resource shortage".to_owned(),
        ChannelOpenFailure::Other { code, .. } => format!("code {code}"),
    }
}
