//! Channels to the account itself rather than to a port: a subsystem such as SFTP, or one command.

use super::Tunnel;
use super::channel::RawChannel;
use super::error::TunnelClosed;
use super::opening::{NotOpened, reason};
use super::running_command::RunningCommand;
use super::stream::TunnelStream;
use russh::ChannelMsg;
use std::time::Duration;
use tokio::time::timeout;

/// Why there is no such channel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionChannelError {
    /// The server opens no sessions for this account.
    #[error("the server lets this account open no session: {reason}")]
    Refused {
        /// The server's reason.
        reason: String,
    },
    /// The server does not do what was asked for in the session.
    #[error("the server does not offer {what} to this account")]
    NotOffered {
        /// What was asked for.
        what: &'static str,
    },
    /// The server did not answer in time; other channels are not affected.
    #[error("the server did not answer within {waited:?}")]
    Timeout {
        /// The limit.
        waited: Duration,
    },
    /// The connection is gone.
    #[error("the connection to the server ended")]
    Closed(#[from] TunnelClosed),
}

impl Tunnel {
    /// Starts a subsystem for the account that is signed in.
    ///
    /// # Errors
    /// A [`SessionChannelError`]; the tunnel and its other channels stay as they are.
    pub async fn open_subsystem(
        &self,
        name: &'static str,
    ) -> Result<TunnelStream, SessionChannelError> {
        let mut channel = self.open_session().await?;
        let asked = channel.outgoing.request_subsystem(true, name).await;
        asked.map_err(|_| self.gone())?;
        self.granted(&mut channel, name).await?;
        Ok(TunnelStream::new(channel))
    }

    /// Has the account's shell run one line: no terminal, nothing to read for it, and no more of the
    /// environment than the server gives.
    ///
    /// # Errors
    /// A [`SessionChannelError`]; the tunnel and its other channels stay as they are.
    pub(crate) async fn run_line(&self, line: &str) -> Result<RunningCommand, SessionChannelError> {
        let mut channel = self.open_session().await?;
        let asked = channel.outgoing.exec(true, line).await;
        asked.map_err(|_| self.gone())?;
        self.granted(&mut channel, "commands").await?;
        let running = RunningCommand::new(channel);
        let told = running.takes_no_input().await;
        told.map_err(|_| self.gone())?;
        Ok(running)
    }

    async fn open_session(&self) -> Result<RawChannel, SessionChannelError> {
        let opened = self.open_with(|session| async move { session.channel_open_session().await });
        opened.await.map_err(|error| match error {
            NotOpened::Refused(failure) => SessionChannelError::Refused {
                reason: reason(failure),
            },
            NotOpened::TooLate { waited } => SessionChannelError::Timeout { waited },
            NotOpened::Closed(closed) => closed.into(),
        })
    }

    /// Waits for the answer to what was asked for in a session. Nothing else comes before it.
    async fn granted(
        &self,
        channel: &mut RawChannel,
        what: &'static str,
    ) -> Result<(), SessionChannelError> {
        let waited = self.connection.forward_limit;
        let answer = async {
            loop {
                match channel.incoming.wait().await {
                    Some(ChannelMsg::Success) => return Ok(()),
                    Some(ChannelMsg::Failure | ChannelMsg::Close) => {
                        return Err(SessionChannelError::NotOffered { what });
                    }
                    Some(_) => {}
                    None => return Err(self.gone()),
                }
            }
        };
        timeout(waited, answer)
            .await
            .unwrap_or(Err(SessionChannelError::Timeout { waited }))
    }

    fn gone(&self) -> SessionChannelError {
        SessionChannelError::Closed(self.connection.end.reason())
    }
}
