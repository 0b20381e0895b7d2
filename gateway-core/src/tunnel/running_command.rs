//! One command that runs for the account, as whoever started it follows it.

use super::channel::RawChannel;
use super::error::TunnelClosed;
use bytes::Bytes;
use russh::{ChannelMsg, Sig};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// How long a command's last words may take once it has ended. A program it left behind may hold its
/// output open for as long as it lives (RFC 4254, section 6.10 has no order for the two).
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How long a command that is told to stop may take. A server that does not pass signals on says nothing;
/// closing the channel is all there is then.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// Something that became known of a running command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CommandNews {
    /// It printed something, on either of its outputs.
    Printed(Bytes),
    /// It ended by itself.
    Exited(u32),
    /// A signal ended it; its name without `SIG`.
    Killed(String),
    /// The server closed the channel without a word about how it ended.
    Closed,
}

/// A command that runs on the server. Dropping it has the command stopped (SIGTERM, where the server
/// passes that on) and closes the channel; the connection stays until that is done.
pub(crate) struct RunningCommand {
    /// Gone once it is being stopped.
    channel: Option<RawChannel>,
    end: Option<CommandNews>,
}

impl RunningCommand {
    pub(super) fn new(channel: RawChannel) -> Self {
        Self {
            channel: Some(channel),
            end: None,
        }
    }

    pub(super) async fn takes_no_input(&self) -> Result<(), russh::Error> {
        match &self.channel {
            Some(channel) => channel.outgoing.eof().await,
            None => Ok(()),
        }
    }

    /// Returns what comes next; how it ended comes last.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(crate) async fn next(&mut self) -> Result<CommandNews, TunnelClosed> {
        let Some(channel) = &mut self.channel else {
            return Ok(CommandNews::Closed);
        };
        loop {
            let received = match &self.end {
                None => message(channel).await,
                Some(end) => {
                    let end = end.clone();
                    match timeout(LAST_WORDS, message(channel)).await {
                        Ok(message) => message,
                        Err(_) => return Ok(end),
                    }
                }
            };
            match received {
                Some(ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. }) => {
                    return Ok(CommandNews::Printed(data));
                }
                Some(ChannelMsg::ExitStatus { exit_status }) => {
                    self.end = Some(CommandNews::Exited(exit_status));
                }
                Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                    self.end = Some(CommandNews::Killed(name(&signal_name)));
                }
                Some(ChannelMsg::Close) => {
                    return Ok(self.end.get_or_insert(CommandNews::Closed).clone());
                }
                // The end of its output is told by the close; nothing else is of interest.
                Some(_) => {}
                None => return Err(channel.end.reason()),
            }
        }
    }
}

impl Drop for RunningCommand {
    fn drop(&mut self) {
        // What has ended by itself is not stopped: its number may be another's by now.
        if self.end.is_some() {
            return;
        }
        // Without a runtime there is no session either.
        let (Some(channel), Ok(runtime)) = (self.channel.take(), Handle::try_current()) else {
            return;
        };
        runtime.spawn(stop(channel));
    }
}

/// Has a command stopped, and waits until the server says that it has ended.
async fn stop(mut channel: RawChannel) {
    let stopping = async {
        channel.outgoing.signal(Sig::TERM).await.ok()?;
        // What it still prints is of no interest to anybody.
        while !matches!(message(&mut channel).await?, ChannelMsg::Close) {}
        Some(())
    };
    let stopped = timeout(STOP_LIMIT, stopping).await;
    tracing::debug!(?stopped, "a command was told to stop");
}

async fn message(channel: &mut RawChannel) -> Option<ChannelMsg> {
    tokio::select! {
        // What has arrived counts, even if the session ended right after it.
        biased;
        message = channel.incoming.wait() => message,
        _ = channel.end.ended() => None,
    }
}

/// Returns a signal's name; what another server made up is made fit to show.
fn name(signal: &Sig) -> String {
    match signal {
        Sig::ABRT => "ABRT",
        Sig::ALRM => "ALRM",
        Sig::FPE => "FPE",
        Sig::HUP => "HUP",
        Sig::ILL => "ILL",
        Sig::INT => "INT",
        Sig::KILL => "KILL",
        Sig::PIPE => "PIPE",
        Sig::QUIT => "QUIT",
        Sig::SEGV => "SEGV",
        Sig::TERM => "TERM",
        Sig::USR1 => "USR1",
        Sig::Custom(name) => name,
    }
    .chars()
    .filter(char::is_ascii_alphanumeric)
    .take(16)
    .collect()
}
