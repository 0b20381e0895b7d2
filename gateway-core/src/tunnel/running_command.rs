//! One command that runs for the account, as whoever started it follows it.

use super::channel::RawChannel;
use super::error::TunnelClosed;
use bytes::Bytes;
use russh::{ChannelMsg, Sig};
use std::time::Duration;
use tokio::time::timeout;

/// How long a command's last words may take once it has ended. A program it left behind may hold its
/// output open for as long as it lives (RFC 4254, section 6.10 has no order for the two).
const LAST_WORDS: Duration = Duration::from_secs(1);

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
/// passes that on) and closes the channel.
pub(crate) struct RunningCommand {
    channel: RawChannel,
    end: Option<CommandNews>,
}

impl RunningCommand {
    pub(super) fn new(channel: RawChannel) -> Self {
        Self { channel, end: None }
    }

    /// Returns what comes next; how it ended comes last.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(crate) async fn next(&mut self) -> Result<CommandNews, TunnelClosed> {
        loop {
            let message = match &self.end {
                None => self.message().await,
                Some(end) => {
                    let end = end.clone();
                    match timeout(LAST_WORDS, self.message()).await {
                        Ok(message) => message,
                        Err(_) => return Ok(end),
                    }
                }
            };
            match message {
                Some(ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. }) => {
                    return Ok(CommandNews::Printed(data));
                }
                Some(ChannelMsg::ExitStatus { exit_status }) => {
                    self.ended(CommandNews::Exited(exit_status));
                }
                Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                    self.ended(CommandNews::Killed(name(&signal_name)));
                }
                Some(ChannelMsg::Close) => {
                    self.channel.outgoing.stop_with(None);
                    return Ok(self.end.clone().unwrap_or(CommandNews::Closed));
                }
                // The end of its output is told by the close; nothing else is of interest.
                Some(_) => {}
                None => return Err(self.channel.end.reason()),
            }
        }
    }

    fn ended(&mut self, how: CommandNews) {
        // Whoever has its number next must not be stopped in its place.
        self.channel.outgoing.stop_with(None);
        self.end = Some(how);
    }

    async fn message(&mut self) -> Option<ChannelMsg> {
        tokio::select! {
            // What has arrived counts, even if the session ended right after it.
            biased;
            message = self.channel.incoming.wait() => message,
            _ = self.channel.end.ended() => None,
        }
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
