//! One command on the server: its words as a line of the account's shell, and its run from start to end.
//!
//! Only [`super::gateway_service`] makes commands, from a list; nothing that a person or a server wrote
//! becomes a word of one, except an id that was looked at first.

use crate::tunnel::{CommandNews, SessionChannelError, Tunnel, TunnelClosed, printable_lines};
use std::fmt;

/// How much of what a command prints is kept: the end of it.
pub const MOST_OUTPUT: usize = 64 * 1024;

/// A command, as words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerCommand(Vec<String>);

impl ServerCommand {
    pub(super) fn new<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        Self(words.into_iter().map(str::to_owned).collect())
    }
}

/// The line that runs, which is also what people are shown.
impl fmt::Display for ServerCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, word) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str(" ")?;
            }
            f.write_str(&quoted(word))?;
        }
        Ok(())
    }
}

/// Writes a word so that a POSIX shell reads exactly it (IEEE 1003.1, section 2.2.2). No word holds a NUL:
/// no program could be given it.
fn quoted(word: &str) -> String {
    // Without `=`, so that nothing is taken for an assignment, and without `~`.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./,:@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// What a command printed, on both outputs in the order it came: the end of it, where it was much.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    bytes: Vec<u8>,
    left_out: u64,
}

impl Output {
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
        let over = self.bytes.len().saturating_sub(MOST_OUTPUT);
        if over > 0 {
            self.bytes.drain(..over);
            self.left_out += over as u64;
        }
    }

    /// Returns it as lines that are fit to show.
    pub fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        let whole = match self.left_out {
            0 => &text,
            // Where it was cut is the middle of a line.
            _ => text.split_once('\n').map_or(&*text, |(_, rest)| rest),
        };
        printable_lines(whole)
    }

    /// Returns how many bytes before it were left out.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this exit code.
    Exited(u32),
    /// By this signal; its name without `SIG`.
    Killed(String),
    /// The server did not say.
    Unknown,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "ended with code {code}"),
            Self::Killed(signal) => write!(f, "was ended by the signal {signal}"),
            Self::Unknown => f.write_str("ended, and the server did not say how"),
        }
    }
}

/// Why it is not known what became of a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// It was not begun.
    #[error("the command was not begun")]
    NotBegun(#[from] SessionChannelError),
    /// The connection was lost while it ran.
    #[error("the connection to the server was lost while the command ran")]
    Lost(#[from] TunnelClosed),
}

/// Runs a command to its end; `told` hears of what it has printed so far each time that grows.
///
/// Dropping the future has the command stopped.
pub(super) async fn run(
    tunnel: &Tunnel,
    command: &ServerCommand,
    told: &mut (dyn FnMut(&Output) + Send),
) -> Result<(Ended, Output), CommandError> {
    let mut running = tunnel.run_line(&command.to_string()).await?;
    let mut output = Output::default();
    loop {
        let ended = match running.next().await? {
            CommandNews::Printed(piece) => {
                output.push(&piece);
                told(&output);
                continue;
            }
            CommandNews::Exited(code) => Ended::Exited(code),
            CommandNews::Killed(signal) => Ended::Killed(signal),
            CommandNews::Closed => Ended::Unknown,
        };
        return Ok((ended, output));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_stay_as_people_write_them() {
        let command = ServerCommand::new(["./.local/bin/openclaw", "gateway", "start"]);
        assert_eq!(command.to_string(), "./.local/bin/openclaw gateway start");
        let command = ServerCommand::new(["a b", "", "it's", "$HOME", "A=b", "~"]);
        assert_eq!(command.to_string(), r"'a b' '' 'it'\''s' '$HOME' 'A=b' '~'");
    }

    /// What a real `sh` makes of hostile words is exactly the words.
    #[cfg(unix)]
    #[test]
    fn a_real_shell_reads_every_word_as_it_is() {
        use rand::rngs::StdRng;
        use rand::{Rng as _, SeedableRng as _};
        use std::process::Command;

        const PIECES: [&str; 40] = [
            "'",
            "\"",
            "\\",
            "`",
            "$",
            "$(",
            ")",
            "${IFS}",
            ";",
            "&",
            "&&",
            "|",
            "<",
            ">",
            "(",
            "{",
            "}",
            "*",
            "?",
            "[",
            "]",
            "~",
            "#",
            "!",
            "\n",
            "\r",
            "\t",
            " ",
            "-",
            "--",
            "=",
            "%s",
            "x",
            "id",
            "$(touch x)",
            "æ",
            "\u{202e}",
            "\u{1b}[2J",
            "\u{7f}",
            "'\\''",
        ];
        let mut random = StdRng::seed_from_u64(47_110);
        let mut words: Vec<String> = vec![String::new()];
        while words.len() < 600 {
            let count = random.random_range(1..8);
            let piece = |_| PIECES[random.random_range(0..PIECES.len())];
            words.push((0..count).map(piece).collect());
        }

        for some in words.chunks(100) {
            let printed = ["printf", "%s\\0"].into_iter();
            let command = ServerCommand::new(printed.chain(some.iter().map(String::as_str)));
            let ran = Command::new("/bin/sh")
                .args(["-c", &command.to_string()])
                .output()
                .unwrap();
            assert!(ran.status.success(), "{ran:?}");
            let read = String::from_utf8(ran.stdout).unwrap();
            let read: Vec<&str> = read.split_terminator('\0').collect();
            assert_eq!(read, some);
        }
    }

    #[test]
    fn of_much_output_the_end_is_kept_from_a_whole_line_on() {
        let mut output = Output::default();
        let line = format!("{}\n", "x".repeat(99));
        for _ in 0..1_000 {
            output.push(line.as_bytes());
        }
        output.push("the end: \u{1b}[31mæ".as_bytes());

        let text = output.text();

        assert!(text.len() <= MOST_OUTPUT && text.len() > MOST_OUTPUT - 200);
        assert!(text.starts_with(&line) && text.ends_with("\nthe end: æ"));
        assert_eq!(output.left_out(), 100_000 + 16 - MOST_OUTPUT as u64);
    }
}
