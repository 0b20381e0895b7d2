//! What is offered to be run on the server, and by which commands: the closed list of them.
//!
//! The account's shell is no login shell there, so its search path is the server's own; `openclaw` is also
//! looked for where its installers put it. One that a version manager (nvm, fnm) keeps is found by no fixed
//! path, and one whose Node.js is only there does not start; then the service's own unit is what is left.

use super::command::{Ended, Output, ServerCommand};
use crate::protocol::PairingRequestId;
use std::fmt;
use std::time::Duration;

/// Where `openclaw` is looked for, in this order. A command begins in the account's home.
const PROGRAMS: [&str; 5] = [
    "openclaw",
    "./.local/bin/openclaw",
    "./.npm-global/bin/openclaw",
    "./.openclaw/bin/openclaw",
    "/usr/local/bin/openclaw",
];

/// The official unit of the account's service manager.
const UNIT: &str = "openclaw-gateway.service";

/// What a shell ends with where there is no such program (IEEE 1003.1, section 2.8.2).
const NO_SUCH_PROGRAM: u32 = 127;

/// What `systemctl` ends with where there is no such unit (LSB, as systemctl(1) has it).
const NO_SUCH_UNIT: u32 = 5;

/// How programs called `openclaw` say that they have no such command, ours and older ones included.
const NO_SUCH_COMMAND: [&str; 5] = [
    "has no command",
    "does not know the command",
    "nknown command",
    "unrecognized subcommand",
    "too many arguments for",
];

/// Something that is offered to be done on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// Start the gateway's service.
    StartGateway,
    /// Start it anew, whether it runs or not.
    RestartGateway,
    /// Let this device in.
    ApproveDevice(ApprovableRequest),
}

/// A request to pair that may stand in a command: a UUID in lower case, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovableRequest(String);

impl ApprovableRequest {
    /// Returns the request, if it is of the shape that gateways give theirs.
    pub fn new(id: &PairingRequestId) -> Option<Self> {
        let id = id.as_str();
        let fits = |(at, byte): (usize, u8)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        };
        let fits = id.len() == 36 && id.bytes().enumerate().all(fits);
        fits.then(|| Self(id.to_owned()))
    }
}

impl fmt::Display for ApprovableRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Repair {
    /// Returns the commands: the first is run, and each of the others only where those before it are not
    /// there.
    pub fn commands(&self) -> Vec<ServerCommand> {
        let (words, unit) = match self {
            Self::StartGateway => (["gateway", "start", ""], Some("start")),
            Self::RestartGateway => (["gateway", "restart", ""], Some("restart")),
            Self::ApproveDevice(request) => (["devices", "approve", &*request.0], None),
        };
        let words = words.into_iter().filter(|word| !word.is_empty());
        let by_program = PROGRAMS
            .map(|program| ServerCommand::new(std::iter::once(program).chain(words.clone())));
        let by_unit = unit.map(|verb| ServerCommand::new(["systemctl", "--user", verb, UNIT]));
        by_program.into_iter().chain(by_unit).collect()
    }

    /// Returns how long all of its commands may take together. A program of Node.js needs ten seconds on
    /// a small server, and a restart lets what is being done end first.
    pub fn limit(&self) -> Duration {
        match self {
            Self::StartGateway => Duration::from_secs(120),
            Self::RestartGateway => Duration::from_secs(360),
            Self::ApproveDevice(_) => Duration::from_secs(90),
        }
    }

    /// Whether a gateway is to be there afterwards that was not before.
    pub fn starts_a_gateway(&self) -> bool {
        match self {
            Self::StartGateway | Self::RestartGateway => true,
            Self::ApproveDevice(_) => false,
        }
    }
}

/// What the end of one command means for the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It did what it is for.
    Done,
    /// There is no such program, command or unit: the next may be.
    NotThere,
    /// It was there, and failed.
    Failed,
}

pub(super) fn meaning(ended: &Ended, output: &Output) -> Meaning {
    match ended {
        Ended::Exited(0) => Meaning::Done,
        Ended::Exited(NO_SUCH_PROGRAM | NO_SUCH_UNIT) => Meaning::NotThere,
        Ended::Exited(_) => {
            let text = output.text();
            let says = |words: &str| text.contains(words);
            // Shells that are no POSIX shells have codes of their own.
            match says("ommand not found") || NO_SUCH_COMMAND.into_iter().any(says) {
                true => Meaning::NotThere,
                false => Meaning::Failed,
            }
        }
        Ended::Killed(_) | Ended::Unknown => Meaning::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = "cf7f2adb-5db9-4a62-996c-de43c3430a77";

    fn lines(repair: &Repair) -> Vec<String> {
        let commands = repair.commands();
        commands.iter().map(ServerCommand::to_string).collect()
    }

    #[test]
    fn each_repair_has_its_commands_and_no_others() {
        assert_eq!(
            lines(&Repair::StartGateway),
            [
                "openclaw gateway start",
                "./.local/bin/openclaw gateway start",
                "./.npm-global/bin/openclaw gateway start",
                "./.openclaw/bin/openclaw gateway start",
                "/usr/local/bin/openclaw gateway start",
                "systemctl --user start openclaw-gateway.service",
            ]
        );
        let restart = lines(&Repair::RestartGateway);
        assert_eq!(restart[0], "openclaw gateway restart");
        assert_eq!(
            restart[5],
            "systemctl --user restart openclaw-gateway.service"
        );
        let request = ApprovableRequest::new(&PairingRequestId::from(REQUEST)).unwrap();
        let approve = lines(&Repair::ApproveDevice(request));
        assert_eq!(approve[0], format!("openclaw devices approve {REQUEST}"));
        assert_eq!(approve.len(), 5, "no unit approves anything");
    }

    #[test]
    fn only_an_id_of_the_usual_shape_gets_into_a_command() {
        let refused = [
            "",
            "latest",
            "--latest",
            "$(reboot)",
            "cf7f2adb-5db9-4a62-996c-de43c3430a77 --all",
            "CF7F2ADB-5DB9-4A62-996C-DE43C3430A77",
            "cf7f2adb-5db9-4a62-996c-de43c3430a7",
            "cf7f2adb-5db9-4a62-996c-de43c3430a777",
            "cf7f2adb65db9-4a62-996c-de43c3430a77",
            "cf7f2adb-5db9-4a62-996c-de43c3430a7\n",
            "cf7f2adb-5db9-4a62-996c-de43c3430aæ",
            "-f7f2adb-5db9-4a62-996c-de43c3430a77",
        ];
        for id in refused {
            let id = PairingRequestId::from(id);
            assert_eq!(ApprovableRequest::new(&id), None, "{id:?}");
        }
    }

    #[test]
    fn what_is_missing_is_told_from_what_failed() {
        let said = |text: &str| {
            let mut output = Output::default();
            output.push(text.as_bytes());
            output
        };
        let table = [
            (Ended::Exited(0), "", Meaning::Done),
            (
                Ended::Exited(127),
                "sh: 1: openclaw: not found",
                Meaning::NotThere,
            ),
            (
                Ended::Exited(1),
                "openclaw: Command not found.",
                Meaning::NotThere,
            ),
            (
                Ended::Exited(5),
                "Unit openclaw-gateway.service not found.",
                Meaning::NotThere,
            ),
            (
                Ended::Exited(1),
                "OpenClaw gateway has no command \"start\".",
                Meaning::NotThere,
            ),
            (
                Ended::Exited(1),
                "error: too many arguments for 'gateway'. Expected 0 arguments but got 1.",
                Meaning::NotThere,
            ),
            (
                Ended::Exited(2),
                "error: unrecognized subcommand 'start'",
                Meaning::NotThere,
            ),
            (
                Ended::Exited(1),
                "Gateway service disabled.",
                Meaning::Failed,
            ),
            (
                Ended::Killed("TERM".to_owned()),
                "not found",
                Meaning::Failed,
            ),
            (Ended::Unknown, "", Meaning::Failed),
        ];
        for (ended, text, expected) in table {
            assert_eq!(meaning(&ended, &said(text)), expected, "{ended:?} {text}");
        }
    }
}
