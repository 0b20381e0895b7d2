//! Work that takes a while: begun by the controller, done beside it, and brought back as an outcome.

use super::{
    Choices, Controller, GatewayAnswers, ListedSessions, Next, Reply, SessionChanged,
    chat::{message_view, page},
    ports::KeptHistory,
    problems::{call_error, not_connected, not_whole, ui_error},
    respond,
    sessions::SessionWork,
    settings::{Saved, TokenChange},
    sign_in_key::KeyNews,
};
use crate::view_model::{
    ChatHistoryView, ChatMessageView, ChatPageView, FetchedView, FieldError, ReportView,
    SavedReportView, UiError, UserAction,
};
use ::voice::engine::Unavailable;
use gateway_core::{
    chat::Listed,
    client::CallError,
    config::{Impact, ProfileId},
    connection::problem::Problem,
    credentials::{Account, Kind, StoreError, secret::GatewayToken, slots},
    diagnostics::Report,
    protocol::{
        PairingRequestId,
        id::{ApprovalId, QuestionSetId},
        method::chat::ChatHistoryPayload,
    },
};
use std::path::PathBuf;
use tokio::task::JoinError;

/// What a piece of work found or did.
pub(super) enum Outcome {
    /// It has told whoever asked by itself.
    Nothing,
    /// A panel that went away has had its time to come back.
    TrayGraceOver,
    /// Whether a gateway token is stored.
    TokenFound(bool),
    /// Settings are saved, and what they say about the token has been done or has failed.
    Saved {
        impact: Impact,
        gateway: ProfileId,
        token: Result<TokenNow, StoreError>,
        saving: Saving,
    },
    /// An invitation was accepted, and what it brought is kept or could not be.
    InvitationTaken {
        impact: Impact,
        gateway: ProfileId,
        result: Result<(), StoreError>,
        reply: Reply<(), UiError>,
    },
    /// Something that was kept was deleted, or could not be.
    StoredDeleted {
        result: Result<(), UiError>,
        reply: Reply<(), UiError>,
    },
    /// Everything of the app itself was put back.
    WasReset {
        result: Result<(), UiError>,
        reply: Reply<(), UiError>,
    },
    /// A host key or certificate was trusted, or could not be.
    Trusted {
        id: u64,
        result: Result<(), Problem>,
        certificate: Option<String>,
    },
    /// A certificate was trusted in place of another.
    CertificateTrusted(String),
    /// A conversation as the gateway has it.
    History {
        gateway: ProfileId,
        session_key: String,
        result: Result<Box<ChatHistoryPayload>, CallError>,
        reply: Reply<ChatHistoryView, UiError>,
    },
    /// A message was taken back, or was sent already.
    Withdrawn {
        key: String,
        withdrawn: bool,
        reply: Reply<(), UiError>,
    },
    /// A reply has ended in a conversation, which is to be kept.
    HistoryToKeep {
        gateway: ProfileId,
        session_key: String,
    },
    /// A conversation that is to be kept, as the gateway has it.
    HistoryRead {
        gateway: ProfileId,
        session_key: String,
        payload: Box<ChatHistoryPayload>,
    },
    /// A conversation as it was kept, if it was.
    KeptHistory {
        session_key: String,
        kept: Option<Box<KeptHistory>>,
        reply: Reply<ChatHistoryView, UiError>,
    },
    /// What agents wait for; `None` when the connection went away.
    AgentRequests { number: u64, listed: Option<Listed> },
    /// What the gateway says of itself.
    GatewayReport {
        number: u64,
        answered: Result<Box<GatewayAnswers>, CallError>,
    },
    /// The gateway's secret was fetched, or was not.
    SecretFetched {
        result: Result<FetchedView, UiError>,
        reply: Reply<FetchedView, UiError>,
    },
    /// What became of a key in place of the password.
    SignInKey(KeyNews),
    /// A report was put together, or could not be.
    ReportPrepared {
        result: Result<Report, UiError>,
        reply: Reply<ReportView, UiError>,
    },
    /// A report was saved, or was not.
    ReportSaved {
        result: Result<PathBuf, UiError>,
        reply: Reply<SavedReportView, UiError>,
    },
    /// The conversations of the gateway.
    SessionsListed {
        number: u64,
        listed: Result<ListedSessions, CallError>,
    },
    /// What can be chosen in a conversation.
    SessionChoices(Result<Box<Choices>, CallError>),
    /// What a gateway made of something that was asked about a conversation.
    SessionChanged {
        gateway: ProfileId,
        work: SessionWork,
        result: Result<SessionChanged, CallError>,
        reply: Reply<(), UiError>,
    },
    /// Whether the speech engine that is set could be started.
    EngineLookedFor {
        number: u64,
        result: Result<(), Unavailable>,
    },
    /// A speech model was removed, or could not be.
    ModelRemoved {
        removed: Result<(), UiError>,
        reply: Reply<(), UiError>,
    },
    /// A file was chosen as the speech model, or none.
    ModelChosen {
        file: Option<PathBuf>,
        reply: Reply<(), UiError>,
    },
    /// It is time to read again what agents wait for.
    ListAgentRequests { number: u64 },
    /// What the gateway said to a decision.
    Decided {
        decided: Decided,
        result: Result<(), CallError>,
        reply: Reply<(), UiError>,
    },
}

/// Which request a person decided about.
#[derive(Debug)]
pub(super) enum Decided {
    Approval(ApprovalId),
    Questions(QuestionSetId),
    Pairing(PairingRequestId),
}

/// What is known of the stored token after a save.
#[derive(Debug, Clone, Copy)]
pub(super) enum TokenNow {
    AsBefore,
    Stored,
    Gone,
}

/// Who saved.
pub(super) enum Saving {
    Form(Reply<(), Vec<FieldError>>),
    Found(Reply<(), UiError>),
}

impl Saving {
    fn answer(self, result: Result<(), String>) {
        match self {
            Self::Form(reply) => respond(
                reply,
                result.map_err(|message| {
                    vec![FieldError {
                        field: "gatewayToken".to_owned(),
                        message,
                    }]
                }),
            ),
            Self::Found(reply) => respond(
                reply,
                result.map_err(|message| UiError {
                    code: "tokenNotKept".to_owned(),
                    message,
                    action: Some(UserAction::EnterToken),
                }),
            ),
        }
    }
}

impl Controller {
    /// Finds out whether a gateway token is stored; a locked keychain may ask a person first.
    pub(super) fn look_for_token(&mut self) {
        let (store, profile) = (self.settings.store(), self.settings.gateway());
        self.work.spawn(async move {
            let account = Account::of(&profile, Kind::GatewayToken);
            match store.get(&account).await {
                Ok(token) => Outcome::TokenFound(token.is_some()),
                Err(error) => {
                    tracing::warn!(%error, "whether a gateway token is stored is not known");
                    Outcome::Nothing
                }
            }
        });
    }

    /// Does what saved settings say about the token, then lets them take effect.
    pub(super) fn keep_token(&mut self, saved: Saved, saving: Saving) {
        let Saved {
            impact,
            gateway,
            token,
        } = saved;
        let store = self.settings.store();
        self.work.spawn(async move {
            let token = match token {
                TokenChange::Keep => Ok(TokenNow::AsBefore),
                TokenChange::Forget => store
                    .delete(&Account::of(&gateway, Kind::GatewayToken))
                    .await
                    .map(|()| TokenNow::Gone),
                TokenChange::Store(token) => {
                    slots::write::<GatewayToken>(&*store, &gateway, &token)
                        .await
                        .map(|()| TokenNow::Stored)
                }
            };
            Outcome::Saved {
                impact,
                gateway,
                token,
                saving,
            }
        });
    }

    /// Asks the gateway for a conversation.
    pub(super) fn fetch_history(
        &mut self,
        session_key: String,
        reply: Reply<ChatHistoryView, UiError>,
    ) {
        let shown = self.gateway.clone();
        let Some(gateway) = self.session() else {
            let kept = self.kept_chats.history(&shown, &session_key);
            self.work.spawn(async move {
                Outcome::KeptHistory {
                    kept: kept.await.map(Box::new),
                    session_key,
                    reply,
                }
            });
            return;
        };
        self.work.spawn(async move {
            Outcome::History {
                gateway: shown,
                result: gateway.history(session_key.clone()).await.map(Box::new),
                session_key,
                reply,
            }
        });
    }

    /// Fetches the messages before those that are shown.
    pub(super) fn fetch_earlier(
        &mut self,
        session_key: String,
        offset: u32,
        reply: Reply<ChatPageView, UiError>,
    ) {
        let Some(gateway) = self.session() else {
            respond(reply, Err(not_connected()));
            return;
        };
        self.work.spawn(async move {
            let told = gateway.earlier(session_key, offset).await;
            respond(
                reply,
                told.map(|told| page(&told))
                    .map_err(|error| call_error(&error)),
            );
            Outcome::Nothing
        });
    }

    /// Fetches one message whole, where the history left a part of it out.
    pub(super) fn fetch_message(
        &mut self,
        session_key: String,
        id: String,
        reply: Reply<ChatMessageView, UiError>,
    ) {
        let Some(gateway) = self.session() else {
            respond(reply, Err(not_connected()));
            return;
        };
        self.work.spawn(async move {
            let told = gateway.message(session_key, id).await;
            let view = told.map_err(|error| call_error(&error)).and_then(|told| {
                told.message
                    .as_ref()
                    .map(message_view)
                    .ok_or_else(not_whole)
            });
            respond(reply, view);
            Outcome::Nothing
        });
    }

    /// Asks the gateway to stop a run, or every run of a conversation.
    pub(super) fn abort(
        &mut self,
        session_key: String,
        run_id: Option<String>,
        reply: Reply<(), UiError>,
    ) {
        let Some(gateway) = self.session() else {
            respond(reply, Err(not_connected()));
            return;
        };
        self.work.spawn(async move {
            let stopped = gateway.abort(session_key, run_id).await;
            respond(reply, stopped.map(drop).map_err(|error| call_error(&error)));
            Outcome::Nothing
        });
    }

    /// Takes the outcome of a piece of work.
    pub(super) fn finished(&mut self, done: Result<Outcome, JoinError>) -> Next {
        match done {
            Ok(Outcome::Nothing) => {}
            Ok(Outcome::TrayGraceOver) => {
                // An app without window and icon could not be found again.
                if !self.tray_host && !self.window {
                    self.show_window();
                }
            }
            Ok(Outcome::TokenFound(stored)) => {
                if self.settings.note_token(stored) {
                    self.send_settings();
                }
            }
            Ok(Outcome::Saved {
                mut impact,
                gateway,
                token,
                saving,
            }) => {
                match token {
                    _ if gateway != self.settings.gateway() => {}
                    // It may be of another computer now.
                    Ok(TokenNow::AsBefore) => self.look_for_token(),
                    Ok(TokenNow::Stored | TokenNow::Gone) => {
                        self.settings
                            .note_token(matches!(token, Ok(TokenNow::Stored)));
                        // Another token means another hello.
                        impact = impact.max(Impact::Reconnect);
                    }
                    Err(_) => {}
                }
                self.take_effect(impact);
                saving.answer(
                    token
                        .map(drop)
                        .map_err(|error| format!("The token was not kept: {error}.")),
                );
            }
            Ok(Outcome::InvitationTaken {
                impact,
                gateway,
                result,
                reply,
            }) => self.invitation_taken(impact, &gateway, result, reply),
            Ok(Outcome::StoredDeleted { result, reply }) => self.stored_deleted(result, reply),
            Ok(Outcome::WasReset { result, reply }) => self.was_reset(result, reply),
            Ok(Outcome::CertificateTrusted(fingerprint)) => self.keep_certificate(fingerprint),
            Ok(Outcome::Trusted {
                id,
                result,
                certificate,
            }) => {
                if let (Ok(()), Some(fingerprint)) = (&result, certificate) {
                    self.keep_certificate(fingerprint);
                }
                self.answer_problem = result.err().map(|problem| (id, ui_error(&problem)));
                if self.answer_problem.is_some() {
                    self.show_connection();
                }
            }
            Ok(Outcome::HistoryToKeep {
                gateway,
                session_key,
            }) => self.keep_history(gateway, session_key),
            Ok(Outcome::HistoryRead {
                gateway,
                session_key,
                payload,
            }) => self.keep_now(&gateway, &session_key, &payload),
            Ok(Outcome::Withdrawn {
                key,
                withdrawn,
                reply,
            }) => self.message_withdrawn(&key, withdrawn, reply),
            Ok(Outcome::KeptHistory {
                session_key,
                kept,
                reply,
            }) => {
                let view = kept.map(|kept| self.chat.kept_history(session_key, &kept));
                respond(reply, view.ok_or_else(not_connected));
            }
            Ok(Outcome::History {
                gateway,
                session_key,
                result,
                reply,
            }) => {
                let answer = match result {
                    Ok(payload) => {
                        self.keep_now(&gateway, &session_key, &payload);
                        Ok(self.chat.history(session_key, &payload))
                    }
                    Err(error) => Err(call_error(&error)),
                };
                respond(reply, answer);
            }
            Ok(Outcome::AgentRequests { number, listed }) => {
                self.agent_requests_listed(number, listed);
            }
            Ok(Outcome::GatewayReport { number, answered }) => {
                self.gateway_reported(number, answered);
            }
            Ok(Outcome::SessionsListed { number, listed }) => self.sessions_listed(number, listed),
            Ok(Outcome::SessionChoices(choices)) => self.session_choices(choices),
            Ok(Outcome::SessionChanged {
                gateway,
                work,
                result,
                reply,
            }) => self.session_changed(&gateway, &work, result, reply),
            Ok(Outcome::SecretFetched { result, reply }) => self.secret_fetched(result, reply),
            Ok(Outcome::SignInKey(news)) => self.sign_in_key_news(news),
            Ok(Outcome::ReportPrepared { result, reply }) => self.report_prepared(result, reply),
            Ok(Outcome::ReportSaved { result, reply }) => self.report_saved(result, reply),
            Ok(Outcome::EngineLookedFor { number, result }) => {
                self.engine_looked_for(number, result);
            }
            Ok(Outcome::ModelRemoved { removed, reply }) => self.model_removed(removed, reply),
            Ok(Outcome::ModelChosen { file, reply }) => self.model_chosen(file, reply),
            Ok(Outcome::ListAgentRequests { number }) => self.list_agent_requests_again(number),
            Ok(Outcome::Decided {
                decided,
                result,
                reply,
            }) => self.decision_made(&decided, result, reply),
            // A panic of ours must not be swallowed.
            Err(failed) => {
                if let Ok(panic) = failed.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
            }
        }
        Next::Continue
    }
}
