//! What the owner of the connection asks for, carried out.

use super::super::Command;
use super::super::problem::Problem;
use super::super::question::Answer;
use super::super::route::Route;
use super::super::state::{Input, State};
use super::super::timeline::{Happening, QuestionKind, Why};
use super::Supervisor;
use std::sync::Arc;

impl<R: Route> Supervisor<R> {
    pub(super) async fn obey(&mut self, command: Command<R>) {
        match command {
            Command::Connect => {
                let is_off = self.machine.state() == State::Off;
                let why = if is_off { Why::Start } else { Why::Asked };
                self.shortcut(Input::Connect, why);
            }
            Command::ReconnectNow => self.shortcut(Input::ReconnectNow, Why::Asked),
            Command::Disconnect => self.disconnect(),
            Command::Woke => {
                self.chronicle.note(Happening::Woke);
                self.nudged(Why::Woke);
            }
            Command::NetworkChanged => {
                self.chronicle.note(Happening::NetworkChanged);
                self.nudged(Why::NetworkChanged);
            }
            Command::SetWatched(watched) => {
                self.watched = watched;
                if let Some(held) = &mut self.held {
                    held.prober.set_watched(watched);
                }
            }
            Command::Reconfigure(route) => {
                self.route = Arc::new(*route);
                self.governor.start_over();
                self.shown.problem = None;
                // What was known is of the gateway before.
                self.shown.gateway = None;
                self.shown.gateway_here = None;
                self.shown.way = None;
                self.chronicle.note(Happening::SettingsChanged);
                self.input_because(Input::Reconfigured, Why::Settings);
            }
            Command::ForgetTimeline => self.chronicle.forget(),
            Command::Answer { id, answer, reply } => {
                let outcome = self.answer(id, answer).await;
                if reply.send(outcome).is_err() {
                    tracing::debug!("nobody waited for what became of an answer");
                }
            }
            Command::Cancel { id } => {
                let asked = self.shown.question.as_ref().filter(|asked| asked.id == id);
                if let Some(asked) = asked {
                    let question = QuestionKind::from(&asked.question);
                    self.chronicle
                        .no_longer_asked(Happening::QuestionClosed { question });
                    self.input(Input::Cancelled);
                }
            }
        }
    }

    fn disconnect(&mut self) {
        self.note_disconnecting();
        self.chronicle.because_of_nothing();
        self.input(Input::Disconnect);
    }

    pub(super) fn note_disconnecting(&mut self) {
        if self.machine.state() != State::Off {
            self.chronicle.given_up(self.machine.state().phase());
            let stood = self.stood();
            self.chronicle.write(Happening::Disconnected, stood);
        }
    }

    async fn answer(&mut self, id: u64, answer: Answer) -> Result<(), Problem> {
        let Some(asked) = self.shown.question.clone().filter(|asked| asked.id == id) else {
            return Err(Problem::without_action(
                "questionGone",
                "That question is no longer open; the connection has moved on.",
            ));
        };
        self.route.take_answer(&asked.question, answer).await?;
        let question = QuestionKind::from(&asked.question);
        self.chronicle
            .no_longer_asked(Happening::Answered { question });
        self.input_because(Input::Answered, Why::Answered);
        Ok(())
    }
}
