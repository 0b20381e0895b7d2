//! A key of our own in place of the account's password: offered once somebody has signed in with the
//! password, added when they say so, and taken back when they say that.

use super::{Controller, Outcome, SignInKeyRequest};
use crate::{
    events::WindowEvent,
    view_model::{SignInKeyStep, SignInKeyView, UiError},
};
use gateway_core::connection::{
    phase::Phase,
    timeline::{SignedInBy, Timeline},
};

/// What is known and shown of such a key.
#[derive(Debug, Default)]
pub(super) struct SignInKey {
    view: Option<SignInKeyView>,
    /// Whether it was offered to this server; nobody is offered the same twice.
    offered: bool,
    /// Grows with every server, so that news of an older one do nothing.
    generation: u64,
}

/// What a piece of work brought.
#[derive(Debug)]
pub(super) struct KeyNews {
    generation: u64,
    what: What,
}

#[derive(Debug)]
enum What {
    Prepared(Result<String, UiError>),
    Added(Result<(), UiError>),
    Removed(Result<(), UiError>),
}

impl Controller {
    /// Offers a key where a password has just let us in.
    pub(super) fn offer_key_instead_of_password(&mut self) {
        let is_up = self.connection.snapshots.borrow().phase == Phase::Up;
        if self.sign_in_key.offered || !is_up || !let_in_by_hand(&self.connection.timeline.borrow())
        {
            return;
        }
        self.sign_in_key.offered = true;
        let preparing = self.home_server.prepare_key();
        let generation = self.sign_in_key.generation;
        self.work.spawn(async move {
            let what = What::Prepared(preparing.await);
            Outcome::SignInKey(KeyNews { generation, what })
        });
    }

    pub(super) fn sign_in_key_asked(&mut self, request: SignInKeyRequest) {
        let Some(view) = &mut self.sign_in_key.view else {
            return;
        };
        let generation = self.sign_in_key.generation;
        match (request, view.step) {
            (SignInKeyRequest::Close, SignInKeyStep::Adding | SignInKeyStep::Removing) => {}
            (SignInKeyRequest::Close, _) => self.sign_in_key.view = None,
            (SignInKeyRequest::Add, SignInKeyStep::Offered) => {
                view.step = SignInKeyStep::Adding;
                view.problem = None;
                let adding = self.home_server.add_key();
                self.work.spawn(async move {
                    let what = What::Added(adding.await);
                    Outcome::SignInKey(KeyNews { generation, what })
                });
            }
            (SignInKeyRequest::Undo, SignInKeyStep::Added) => {
                view.step = SignInKeyStep::Removing;
                view.problem = None;
                let removing = self.home_server.remove_key();
                self.work.spawn(async move {
                    let what = What::Removed(removing.await);
                    Outcome::SignInKey(KeyNews { generation, what })
                });
            }
            // A click on what is no longer shown.
            (SignInKeyRequest::Add | SignInKeyRequest::Undo, _) => {}
        }
        self.send_sign_in_key();
    }

    pub(super) fn sign_in_key_news(&mut self, news: KeyNews) {
        if news.generation != self.sign_in_key.generation {
            return;
        }
        let server = self.settings.server_name();
        match (news.what, &mut self.sign_in_key.view) {
            (What::Prepared(Ok(line)), view) => {
                *view = Some(SignInKeyView {
                    step: SignInKeyStep::Offered,
                    server,
                    line,
                    problem: None,
                });
            }
            // Nobody asked for it, so nobody is told that it cannot be had.
            (What::Prepared(Err(problem)), _) => {
                tracing::info!(code = problem.code, "no key is offered");
            }
            (What::Added(outcome), Some(view)) => {
                view.step = match &outcome {
                    Ok(()) => SignInKeyStep::Added,
                    Err(_) => SignInKeyStep::Offered,
                };
                view.problem = outcome.err();
            }
            (What::Removed(outcome), Some(view)) => {
                view.step = match &outcome {
                    Ok(()) => SignInKeyStep::Removed,
                    Err(_) => SignInKeyStep::Added,
                };
                view.problem = outcome.err();
            }
            (What::Added(_) | What::Removed(_), None) => {}
        }
        self.send_sign_in_key();
    }

    /// Another server begins anew.
    pub(super) fn forget_sign_in_key(&mut self) {
        self.sign_in_key = SignInKey {
            generation: self.sign_in_key.generation + 1,
            ..SignInKey::default()
        };
        self.send_sign_in_key();
    }

    pub(super) fn send_sign_in_key(&self) {
        self.desktop
            .send(WindowEvent::SignInKey(self.sign_in_key.view.clone()));
    }
}

/// Whether the last sign-in to the server itself took what somebody had typed.
fn let_in_by_hand(timeline: &Timeline) -> bool {
    matches!(
        timeline.last_signed_in_by(),
        Some(SignedInBy::Password | SignedInBy::Answers)
    )
}
