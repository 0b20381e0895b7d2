//! Which states a connection has and how one leads to the next. No I/O, no clock.
//!
//! The machine is total: an input with no meaning in a state changes nothing, because news of an
//! abandoned attempt is normal. Work in the background reports with the [`Generation`] it was started
//! under; what an older generation reports can do nothing.

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;

use super::phase::{Cause, Phase};

/// Numbers the pieces of work a connection starts, so that late results are recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Generation(u64);

/// How far an attempt has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The name is being resolved.
    Resolving,
    /// TCP, key exchange and host key.
    Connecting,
    /// Signing in.
    Authenticating,
    /// Opening the channel to the gateway's port.
    Forwarding,
    /// Waiting for hello-ok.
    GatewayCheck,
}

/// What a person is being asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Whether an unknown host key is right.
    HostKey,
    /// Whether a certificate that nobody vouches for is right.
    Certificate,
    /// A passphrase, password or code.
    SignIn,
}

/// What a failure means for the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Trying again may help.
    Retry(Cause),
    /// The path to the server is fine; the gateway behind it is not there (yet).
    GatewayDown(Cause),
    /// A person must answer first.
    Ask(About),
    /// Waiting cannot heal it.
    Pause(Cause),
    /// A fault of ours or an impossible configuration.
    Stop(Cause),
}

/// What the machine is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The user, or the app's start, wants a connection.
    Connect,
    /// The user does not want to wait for the next attempt.
    ReconnectNow,
    /// The user wants no connection.
    Disconnect,
    /// The settings changed in a way that needs a new path.
    Reconfigured,
    /// The computer woke up or the network came back: a wait may be cut short.
    Nudged,
    /// A person answered what was asked.
    Answered,
    /// A person closed the question.
    Cancelled,
    /// Work in the background reports.
    News(Generation, News),
}

/// What work in the background reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// The attempt came as far as this.
    Reached(Step),
    /// The path to the server stands.
    PathOpened,
    /// hello-ok was received.
    SessionOpened,
    /// The attempt failed.
    Failed(Verdict),
    /// The session ended while the path may still stand. `Retry` opens another at once;
    /// `GatewayDown` (a session that had hardly begun) waits first.
    SessionLost(Verdict),
    /// The path is gone.
    PathLost(Cause),
    /// A probe was not answered in time.
    ProbeOverdue,
    /// A probe was answered after all.
    ProbeAnswered,
    /// The wait is over.
    WaitOver,
    /// What was being closed is closed.
    Closed,
}

/// The one thing to do about a change of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing; what runs goes on.
    Nothing,
    /// Open a path to the server.
    OpenPath,
    /// Open a session over the path that stands.
    OpenSession,
    /// Drop whatever is held or running, then wait before attempt `attempt`.
    WaitToRetry {
        /// The number of the attempt to come.
        attempt: u32,
    },
    /// Keep the path and wait before asking the gateway again.
    WaitForGateway,
    /// Close what is held, politely, and report [`News::Closed`].
    Close,
    /// Drop whatever runs; nothing is to follow by itself.
    Rest,
}

/// Where to go once everything is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Stay off.
    Off,
    /// Start afresh.
    Reopen,
    /// Wait before another attempt.
    Wait(u32, Cause),
    /// Ask a person.
    Ask(About),
    /// Pause.
    Pause(Cause),
    /// Stop.
    Stop(Cause),
}

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing held, nothing wanted.
    Off,
    /// An attempt to reach the server; nothing held yet.
    OpeningPath {
        /// From 1.
        attempt: u32,
        /// How far it has come.
        step: Step,
    },
    /// The path is held; waiting for hello-ok.
    OpeningSession {
        /// From 1.
        attempt: u32,
        /// How far it has come.
        step: Step,
        /// Why the gateway did not answer the time before, when it did not.
        down: Option<Cause>,
    },
    /// Path and session are held.
    Up {
        /// Whether a probe is overdue.
        suspect: bool,
    },
    /// The path is held; the gateway does not answer; a timer runs.
    GatewayDown {
        /// From 1.
        attempt: u32,
        /// Why.
        cause: Cause,
    },
    /// Nothing held; a person is being asked; no timer runs.
    Asking {
        /// The attempt that asked.
        attempt: u32,
        /// About what.
        about: About,
    },
    /// Nothing held; a timer runs.
    Waiting {
        /// The attempt to come.
        attempt: u32,
        /// Why the last one failed.
        cause: Cause,
    },
    /// Nothing held; only the user can move on.
    Paused(Cause),
    /// Nothing held; a fault of ours or an impossible configuration.
    Stopped(Cause),
    /// What was held is being closed.
    Closing(After),
}

impl State {
    /// Returns the public word for this state.
    pub fn phase(self) -> Phase {
        match self {
            Self::Off => Phase::Off,
            Self::OpeningPath { step, .. } => step.phase(),
            // A gateway known to be down is asked again every few seconds; the word stays put.
            Self::OpeningSession { down: Some(_), .. } | Self::GatewayDown { .. } => {
                Phase::UpGatewayDown
            }
            Self::OpeningSession { step, .. } => step.phase(),
            Self::Up { suspect: false } => Phase::Up,
            Self::Up { suspect: true } => Phase::Suspect,
            Self::Asking { about, .. } | Self::Closing(After::Ask(about)) => about.phase(),
            Self::Waiting { .. } | Self::Closing(After::Wait(..)) => Phase::RetryWait,
            Self::Paused(_) | Self::Closing(After::Pause(_)) => Phase::Paused,
            Self::Stopped(_) | Self::Closing(After::Stop(_)) => Phase::Stopped,
            Self::Closing(After::Off) => Phase::Off,
            Self::Closing(After::Reopen) => Phase::Resolving,
        }
    }

    /// Returns why it waits, is paused or went down.
    pub fn cause(self) -> Option<Cause> {
        match self {
            Self::OpeningSession { down, .. } => down,
            Self::GatewayDown { cause, .. }
            | Self::Waiting { cause, .. }
            | Self::Paused(cause)
            | Self::Stopped(cause)
            | Self::Closing(After::Wait(_, cause) | After::Pause(cause) | After::Stop(cause)) => {
                Some(cause)
            }
            Self::Asking {
                about: About::HostKey,
                ..
            }
            | Self::Closing(After::Ask(About::HostKey)) => Some(Cause::HostKeyUnknown),
            Self::Asking {
                about: About::Certificate,
                ..
            }
            | Self::Closing(After::Ask(About::Certificate)) => Some(Cause::TlsPin),
            Self::Off
            | Self::OpeningPath { .. }
            | Self::Up { .. }
            | Self::Asking {
                about: About::SignIn,
                ..
            }
            | Self::Closing(After::Off | After::Reopen | After::Ask(About::SignIn)) => None,
        }
    }

    /// Returns the number of the attempt that runs or comes next; 0 when there is none.
    pub fn attempt(self) -> u32 {
        match self {
            Self::OpeningPath { attempt, .. }
            | Self::OpeningSession { attempt, .. }
            | Self::GatewayDown { attempt, .. }
            | Self::Asking { attempt, .. }
            | Self::Waiting { attempt, .. }
            | Self::Closing(After::Wait(attempt, _)) => attempt,
            Self::Closing(After::Reopen) => 1,
            Self::Off | Self::Up { .. } | Self::Paused(_) | Self::Stopped(_) | Self::Closing(_) => {
                0
            }
        }
    }

    /// Returns whether a path to the server is held in this state.
    pub fn holds_path(self) -> bool {
        matches!(
            self,
            Self::OpeningSession { .. } | Self::Up { .. } | Self::GatewayDown { .. }
        )
    }

    fn on(self, input: PlainInput) -> (Self, Action) {
        use PlainInput as I;
        match (self, input) {
            // What the user wants.
            (Self::Off | Self::Paused(_) | Self::Stopped(_), I::Connect | I::ReconnectNow) => {
                open_path(1)
            }
            (Self::Waiting { attempt, .. }, I::Connect | I::ReconnectNow | I::Nudged) => {
                open_path(attempt)
            }
            (Self::Asking { attempt, .. }, I::Connect | I::ReconnectNow | I::Answered) => {
                open_path(attempt)
            }
            (Self::Paused(_) | Self::Stopped(_), I::Answered) => open_path(1),
            (Self::GatewayDown { attempt, cause }, I::Connect | I::ReconnectNow | I::Nudged) => {
                open_session(attempt, Some(cause))
            }
            (
                Self::Asking {
                    about: About::HostKey,
                    ..
                },
                I::Cancelled,
            ) => (Self::Paused(Cause::HostKeyUnknown), Action::Rest),
            (
                Self::Asking {
                    about: About::Certificate,
                    ..
                },
                I::Cancelled,
            ) => (Self::Paused(Cause::TlsPin), Action::Rest),
            (
                Self::Asking {
                    about: About::SignIn,
                    ..
                },
                I::Cancelled,
            ) => (Self::Paused(Cause::PromptCancelled), Action::Rest),
            (Self::Closing(_), I::Disconnect) => (Self::Closing(After::Off), Action::Nothing),
            (Self::Closing(_), I::Connect | I::ReconnectNow | I::Reconfigured) => {
                (Self::Closing(After::Reopen), Action::Nothing)
            }
            (Self::Off, I::Disconnect) => (self, Action::Nothing),
            (state, I::Disconnect) if state.holds_path() => {
                (Self::Closing(After::Off), Action::Close)
            }
            (_, I::Disconnect) => (Self::Off, Action::Rest),
            (Self::Off, I::Reconfigured) => (self, Action::Nothing),
            (state, I::Reconfigured) if state.holds_path() => {
                (Self::Closing(After::Reopen), Action::Close)
            }
            (_, I::Reconfigured) => open_path(1),

            // How the attempt goes.
            (Self::OpeningPath { attempt, .. }, I::News(News::Reached(step))) => {
                (Self::OpeningPath { attempt, step }, Action::Nothing)
            }
            (Self::OpeningPath { attempt, .. }, I::News(News::PathOpened)) => {
                open_session(attempt, None)
            }
            (Self::OpeningPath { attempt, .. }, I::News(News::Failed(verdict))) => {
                let state = match verdict {
                    Verdict::Retry(cause) | Verdict::GatewayDown(cause) => {
                        return wait(attempt + 1, cause);
                    }
                    Verdict::Ask(about) => Self::Asking { attempt, about },
                    Verdict::Pause(cause) => Self::Paused(cause),
                    Verdict::Stop(cause) => Self::Stopped(cause),
                };
                (state, Action::Rest)
            }
            (Self::OpeningSession { attempt, down, .. }, I::News(News::Reached(step))) => (
                Self::OpeningSession {
                    attempt,
                    step,
                    down,
                },
                Action::Nothing,
            ),
            (Self::OpeningSession { .. }, I::News(News::SessionOpened)) => {
                (Self::Up { suspect: false }, Action::Nothing)
            }
            (Self::OpeningSession { attempt, .. }, I::News(News::Failed(verdict))) => match verdict
            {
                Verdict::GatewayDown(cause) => (
                    Self::GatewayDown {
                        attempt: attempt + 1,
                        cause,
                    },
                    Action::WaitForGateway,
                ),
                Verdict::Retry(_) | Verdict::Ask(_) | Verdict::Pause(_) | Verdict::Stop(_) => {
                    close_for(verdict, attempt)
                }
            },
            (Self::GatewayDown { attempt, cause }, I::News(News::WaitOver)) => {
                open_session(attempt, Some(cause))
            }
            (Self::Waiting { attempt, .. }, I::News(News::WaitOver)) => open_path(attempt),

            // How a standing connection ends.
            (Self::Up { .. }, I::News(News::ProbeOverdue)) => {
                (Self::Up { suspect: true }, Action::Nothing)
            }
            (Self::Up { .. }, I::News(News::ProbeAnswered)) => {
                (Self::Up { suspect: false }, Action::Nothing)
            }
            (Self::Up { .. }, I::News(News::SessionLost(verdict))) => match verdict {
                // The path may well stand: a restarting gateway needs no new sign-in.
                Verdict::Retry(_) => open_session(1, None),
                Verdict::GatewayDown(cause) => (
                    Self::GatewayDown { attempt: 1, cause },
                    Action::WaitForGateway,
                ),
                Verdict::Ask(_) | Verdict::Pause(_) | Verdict::Stop(_) => close_for(verdict, 0),
            },
            (state, I::News(News::PathLost(cause))) if state.holds_path() => {
                let attempt = if matches!(state, Self::Up { .. }) {
                    1
                } else {
                    state.attempt() + 1
                };
                wait(attempt, cause)
            }
            (Self::Closing(after), I::News(News::Closed)) => match after {
                After::Off => (Self::Off, Action::Rest),
                After::Reopen => open_path(1),
                After::Wait(attempt, cause) => wait(attempt, cause),
                After::Ask(about) => (Self::Asking { attempt: 1, about }, Action::Rest),
                After::Pause(cause) => (Self::Paused(cause), Action::Rest),
                After::Stop(cause) => (Self::Stopped(cause), Action::Rest),
            },
            (state, _) => (state, Action::Nothing),
        }
    }
}

/// The machine: a state, and the generation of what runs for it.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    state: State,
    generation: Generation,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            state: State::Off,
            generation: Generation::default(),
        }
    }
}

impl Machine {
    /// Returns the state.
    pub fn state(&self) -> State {
        self.state
    }

    /// Returns the generation that work started now must report under.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Moves to the state `input` leads to, and returns the one thing to do about it.
    pub fn on(&mut self, input: Input) -> Action {
        let plain = match input {
            Input::Connect => PlainInput::Connect,
            Input::ReconnectNow => PlainInput::ReconnectNow,
            Input::Disconnect => PlainInput::Disconnect,
            Input::Reconfigured => PlainInput::Reconfigured,
            Input::Nudged => PlainInput::Nudged,
            Input::Answered => PlainInput::Answered,
            Input::Cancelled => PlainInput::Cancelled,
            Input::News(generation, news) => {
                if generation != self.generation {
                    return Action::Nothing;
                }
                PlainInput::News(news)
            }
        };
        let (state, action) = self.state.on(plain);
        self.state = state;
        if action != Action::Nothing {
            self.generation = Generation(self.generation.0 + 1);
        }
        action
    }
}

/// An [`Input`] whose generation has been looked at.
#[derive(Debug, Clone, Copy)]
enum PlainInput {
    Connect,
    ReconnectNow,
    Disconnect,
    Reconfigured,
    Nudged,
    Answered,
    Cancelled,
    News(News),
}

impl Step {
    fn phase(self) -> Phase {
        match self {
            Self::Resolving => Phase::Resolving,
            Self::Connecting => Phase::Connecting,
            Self::Authenticating => Phase::Authenticating,
            Self::Forwarding => Phase::Forwarding,
            Self::GatewayCheck => Phase::GatewayCheck,
        }
    }
}

impl About {
    fn phase(self) -> Phase {
        match self {
            Self::HostKey | Self::Certificate => Phase::HostKey,
            Self::SignIn => Phase::AuthPrompt,
        }
    }
}

fn open_path(attempt: u32) -> (State, Action) {
    let step = Step::Resolving;
    (State::OpeningPath { attempt, step }, Action::OpenPath)
}

fn open_session(attempt: u32, down: Option<Cause>) -> (State, Action) {
    let step = Step::Forwarding;
    (
        State::OpeningSession {
            attempt,
            step,
            down,
        },
        Action::OpenSession,
    )
}

fn wait(attempt: u32, cause: Cause) -> (State, Action) {
    (
        State::Waiting { attempt, cause },
        Action::WaitToRetry { attempt },
    )
}

fn close_for(verdict: Verdict, attempt: u32) -> (State, Action) {
    let after = match verdict {
        Verdict::Retry(cause) | Verdict::GatewayDown(cause) => After::Wait(attempt + 1, cause),
        Verdict::Ask(about) => After::Ask(about),
        Verdict::Pause(cause) => After::Pause(cause),
        Verdict::Stop(cause) => After::Stop(cause),
    };
    (State::Closing(after), Action::Close)
}

#[cfg(test)]
#[path = "state/tests.rs"]
mod tests;
