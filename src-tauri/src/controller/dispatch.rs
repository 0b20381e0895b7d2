//! Which part of the controller answers a request. Nothing is decided here that a part could decide.

use super::{
    Controller, Next, Order, Request, answers,
    connection_view::{day_view, history_view},
    links, now_ms, respond, settings,
    work::{self, Outcome},
};
use crate::desktop::SmallWindow;

impl Controller {
    /// Answers a request, and says whether the app goes on.
    pub(super) fn answer(&mut self, request: Request) -> Next {
        match request {
            Request::ResendAll => self.send_everything(),
            Request::Connect => self.order(Order::Connect),
            Request::Disconnect => self.order(Order::Disconnect),
            Request::ReconnectNow => self.order(Order::ReconnectNow),
            Request::TrustHostKey { id } => self.trust(&id),
            Request::AnswerQuestion { answer, reply } => {
                let asked = self.connection.snapshots.borrow().question.clone();
                match answers::answer(answer, asked.as_ref()) {
                    Ok((id, answer)) => self.answer_question(id, answer, reply),
                    Err(problem) => respond(reply, Err(problem)),
                }
            }
            Request::CancelQuestion { id } => {
                if let Ok(id) = id.parse() {
                    self.order(Order::Cancel { id });
                }
            }
            Request::MenuClicked(action) => return self.menu_clicked(action),
            Request::GatewayChosen(id) => self.use_gateway(&id),
            Request::WindowClosed => {
                if !self.tray_host {
                    return Next::End;
                }
                self.window = false;
                self.focused = false;
                self.show_spoken_as_needed();
                self.report.forget();
                self.forget_invitation();
                self.voice_is_not_looked_at(self.unsaved_settings);
                self.put_window_away();
            }
            Request::Unsaved(unsaved) => self.unsaved_settings = unsaved,
            Request::ResendQuickChat => self.send_to_quick_chat(),
            Request::LeaveQuickChat => self.leave_quick_chat(),
            Request::ResendSpoken => self.send_to_spoken(),
            Request::SmallWindowClosed(SmallWindow::QuickChat) => self.close_quick_chat(),
            Request::SmallWindowClosed(SmallWindow::Spoken) => self.dismiss_spoken(),
            Request::WindowFocused(focused) => {
                self.focused = focused;
                self.show_spoken_as_needed();
            }
            Request::QuickChatFocused(focused) => self.note_quick_chat_focus(focused),
            Request::NoticeClicked(page) => self.open(page),
            Request::LaunchedAgain => self.show_window(),
            Request::Voice(request) => self.voice_asked(request),
            Request::SetShortcut { kind, keys, reply } => self.set_shortcut(kind, &keys, reply),
            Request::KeysGranted(granted) => self.keys_granted(granted),
            Request::KeysPressed { what, down } => self.keys_pressed(what, down),
            Request::Privacy { reply } => self.list_privacy(reply),
            Request::DeleteStored { owner, kind, reply } => self.delete_stored(owner, kind, reply),
            Request::ForgetHistory { reply } => {
                self.forget_history();
                respond(reply, Ok(()));
            }
            Request::OpenOwnFolder { folder, reply } => self.open_own_folder(folder, reply),
            Request::ResetApp { reply } => self.reset_app(reply),
            Request::LinkOpened(text) => self.link_opened(&text),
            Request::ReadInvitation { text, reply } => self.read_invitation(&text, reply),
            Request::AcceptInvitation { id, reply } => self.accept_invitation(id, reply),
            Request::ForgetInvitation => self.forget_invitation(),
            Request::TrayHost(present) => self.tray_host_changed(present),
            Request::Quit => return Next::End,
            Request::RunCheck => self.run_check(),
            Request::CancelCheck => self.cancel_check(),
            Request::ConnectionHistory { reply } => {
                let history = history_view(&self.connection.timeline.borrow());
                respond(reply, Ok(history));
            }
            Request::ConnectionDay { reply } => {
                respond(reply, Ok(day_view(&self.connection.day.borrow(), now_ms())));
            }
            Request::FinishFirstRun => {
                if let Err(problem) = self.settings.finish_first_run() {
                    tracing::warn!(code = problem.code, "first run was not marked as done");
                }
                self.send_settings();
            }
            Request::SaveSettings { form, reply } => match self.settings.save(form) {
                Ok(saved) => self.keep_token(saved, work::Saving::Form(reply)),
                Err(faults) => {
                    self.send_settings();
                    respond(reply, Err(faults));
                }
            },
            Request::UseFoundConfig { reply } => match self.settings.use_found_config() {
                Ok(saved) => self.keep_token(saved, work::Saving::Found(reply)),
                Err(problem) => respond(reply, Err(problem)),
            },
            Request::EditGateways { edit, reply } => self.edit_gateways(edit, reply),
            Request::CheckAddress { text, reply } => {
                respond(reply, settings::check_address(&text));
            }
            Request::ChatHistory { session_key, reply } => self.fetch_history(session_key, reply),
            Request::ChatEarlier {
                session_key,
                offset,
                reply,
            } => self.fetch_earlier(session_key, offset, reply),
            Request::ChatMessage {
                session_key,
                id,
                reply,
            } => self.fetch_message(session_key, id, reply),
            Request::OpenLink { address, reply } => {
                respond(reply, links::open(&*self.desktop, &address));
            }
            Request::SendChat { draft, reply } => {
                respond(reply, self.send_chat(draft));
            }
            Request::KeepDraft {
                gateway,
                session_key,
                text,
            } => {
                self.keep_draft(&gateway, &session_key, text);
            }
            Request::Unsent { session_key, reply } => {
                let gateway = self.settings.gateway();
                respond(reply, Ok(self.unsent.view(&gateway, &session_key)));
            }
            Request::ForgetMessage { key } => self.forget_message(&key),
            Request::CancelMessage { key, reply } => self.cancel_message(key, reply),
            Request::ForgetHistories { reply } => {
                let forgotten = self.kept_chats.forget_histories();
                self.work.spawn(async move {
                    respond(reply, forgotten.await);
                    Outcome::Nothing
                });
            }
            Request::ChooseSession { key } => self.choose_session(key),
            Request::CreateSession { agent, reply } => self.create_session(agent, reply),
            Request::EditSession {
                gateway,
                key,
                edit,
                reply,
            } => self.edit_session(&gateway, key, edit, reply),
            Request::AbortChat {
                session_key,
                run_id,
                reply,
            } => self.abort(session_key, run_id, reply),
            Request::DecideApproval {
                id,
                decision,
                reply,
            } => self.decide_approval(id, decision, reply),
            Request::DecidePairing {
                id,
                kind,
                approve,
                as_admin,
                reply,
            } => self.decide_pairing(id, kind, approve, as_admin, reply),
            Request::AnswerAgent { id, answers, reply } => self.answer_agent(id, answers, reply),
            Request::ChooseIdentityFile { reply } => self.choose_identity_file(reply),
            Request::FetchGatewaySecret { reply } => self.fetch_secret(reply),
            Request::SignInKey(request) => self.sign_in_key_asked(request),
            Request::Repair(request) => self.repair_asked(request),
            Request::GatewayLog { reply } => self.read_log(reply),
            Request::PrepareReport { reply } => self.prepare_report(reply),
            Request::SaveReport { number, reply } => self.save_report(number, reply),
            Request::OpenReportFolder { reply } => self.open_report_folder(reply),
            Request::ShowOpenclawChange { reply } => self.show_openclaw_change(reply),
            Request::WriteOpenclawChange { number, reply } => {
                self.write_openclaw_change(number, reply);
            }
        }
        Next::Continue
    }
}
