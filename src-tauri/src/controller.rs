//! The loop that owns what the app knows; the only place that decides.
//!
//! Everything arrives here: requests from window, tray and system, snapshots and events of the
//! connection, steps of a check, and outcomes of work that was begun here. It leaves as views for
//! the window, a tray for the panel and orders for the connection. It knows no Tauri and no
//! network: the screen is a [`Desktop`], the rest are the seams of [`ports`].

mod administrator;
mod agent_requests;
mod answers;
mod chat;
mod check_run;
mod check_view;
mod connection_view;
mod dispatch;
mod fetching;
mod gateway_report;
mod gateways;
mod invitation;
mod keeping;
mod links;
mod notices;
mod openclaw_change;
pub mod ports;
mod privacy;
pub(crate) mod problems;
mod quick_chat;
mod repairing;
mod report;
mod request;
mod sending;
pub(crate) mod sessions;
mod settings;
mod shortcuts;
mod sign_in_key;
#[cfg(test)]
mod tests;
mod tray;
mod unsent;
pub mod voice;
mod window;
mod work;

pub use self::voice::{DownloadNews, VoicePort, VoiceRequest, VoiceToolsPort};
pub use gateway_report::GatewayAnswers;
pub use ports::{
    AdministratorPort, CheckPort, ConnectionPort, CourierPort, GatewayPort, HomeServerPort,
    KeptChatsPort, KeptHistory, Known, LeftChats, Order, ReportPort,
};
pub use request::{ControllerHandle, RepairRequest, Reply, Request, SignInKeyRequest, WhenEnding};
pub use sessions::{Choices, ListedSessions, SessionChanged, SessionOrder, SessionsPort};
pub use settings::KeptSettings;

use self::voice::Voice;
use crate::{
    desktop::Desktop,
    events::WindowEvent,
    launch::Launch,
    notices::Notices,
    tray::Tray,
    view_model::{CheckView, ConnectionView, NotKept, Page, UiError},
};
use chat::Conversations;
use check_run::next_news;
use connection_view::connection_view;
use gateway_core::{
    chat::AgentRequests,
    config::{Impact, Places, ProfileId},
    connection::{GatewayEvent, phase::Phase},
    protocol::event::Event,
};
use gateway_report::GatewayReport;
use invitation::Invited;
use openclaw_change::ShownChange;
use ports::{CheckNews, CourierNews};
use repairing::Repairing;
use report::ShownReport;
use sessions::Sessions;
use shortcuts::Keys;
use sign_in_key::SignInKey;
use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    sync::{broadcast::error::RecvError, mpsc, oneshot},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use unsent::Unsent;
use work::Outcome;

/// How often the tray is drawn again while it moves (the turning ring, the countdown).
const TRAY_STEP: Duration = Duration::from_millis(500);

/// How often the tray is drawn again because what it says grows old.
const TRAY_AGES: Duration = Duration::from_secs(60);

/// What closing the connection may take when quitting; the whole of quitting has 2 s.
const CLOSING: Duration = Duration::from_millis(1500);

/// Everything the controller works with.
pub struct Controller {
    desktop: Arc<dyn Desktop>,
    connection: ConnectionPort,
    courier: CourierPort,
    kept_chats: Arc<dyn KeptChatsPort>,
    /// The conversations that are to be kept as they are in a moment.
    to_keep: HashSet<String>,
    /// Why nothing of them is kept, as last told.
    not_kept: Option<NotKept>,
    checks: Arc<dyn CheckPort>,
    home_server: Arc<dyn HomeServerPort>,
    administrator: Arc<dyn AdministratorPort>,
    reports: Arc<dyn ReportPort>,
    report: ShownReport,
    openclaw_change: ShownChange,
    sign_in_key: SignInKey,
    repairing: Repairing,
    invited: Invited,
    settings: KeptSettings,
    places: Places,
    requests: mpsc::Receiver<Request>,
    work: JoinSet<Outcome>,
    chat: Conversations,
    agent_requests: AgentRequests,
    /// How often what agents wait for was asked for; an older list does not count.
    listings: u64,
    gateway_report: GatewayReport,
    unsent: Unsent,
    sessions: Sessions,
    voice: Voice,
    keys: Keys,
    /// The gateway whose conversations are shown.
    gateway: ProfileId,
    /// Whether enough was said of it to connect.
    is_described: bool,
    /// Whether what comes is of the one before, until a session with the one in use begins.
    is_stale: bool,
    check: CheckView,
    check_run: Option<mpsc::Receiver<CheckNews>>,
    page: Page,
    window: bool,
    /// Whether the small window is there.
    quick_chat: bool,
    /// Whether the small window has the keyboard.
    quick_chat_focused: bool,
    /// When it lost the keyboard last.
    quick_chat_left: Option<Instant>,
    /// When the window that is being built was asked for.
    opening: Option<Instant>,
    /// Whether the window holds edits of the settings that would be lost with it.
    unsaved_settings: bool,
    watched: bool,
    tray_host: bool,
    tray: Option<Tray>,
    turn: u32,
    launch: Launch,
    ready: bool,
    notices: Notices,
    /// Whether the window has the keyboard: then its user sees what it shows.
    focused: bool,
    /// Why the answer to a question that is still open did not help, by the question's number.
    answer_problem: Option<(u64, UiError)>,
}

/// What the controller is built from.
pub struct Parts {
    /// The screen.
    pub desktop: Arc<dyn Desktop>,
    /// The supervised connection.
    pub connection: ConnectionPort,
    /// Sends messages exactly once.
    pub courier: CourierPort,
    /// Listens on this computer.
    pub voice: VoicePort,
    /// Keeps conversations on this computer.
    pub kept_chats: Arc<dyn KeptChatsPort>,
    /// What an earlier run left of them.
    pub left_chats: LeftChats,
    /// Runs "Check my server".
    pub checks: Arc<dyn CheckPort>,
    /// What is done on the home server.
    pub home_server: Arc<dyn HomeServerPort>,
    /// Gives an administrator's rights for one thing.
    pub administrator: Arc<dyn AdministratorPort>,
    /// Puts reports together and saves them.
    pub reports: Arc<dyn ReportPort>,
    /// The settings in force.
    pub settings: KeptSettings,
    /// Where our files are.
    pub places: Places,
    /// Where requests come from.
    pub requests: mpsc::Receiver<Request>,
    /// What the command line asks for.
    pub launch: Launch,
}

/// Whether the loop goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Continue,
    End,
}

impl Controller {
    /// Returns a controller that has decided nothing yet.
    pub fn new(parts: Parts) -> Self {
        Self {
            desktop: parts.desktop,
            connection: parts.connection,
            courier: parts.courier,
            checks: parts.checks,
            home_server: parts.home_server,
            administrator: parts.administrator,
            reports: parts.reports,
            report: ShownReport::default(),
            openclaw_change: ShownChange::default(),
            sign_in_key: SignInKey::default(),
            repairing: Repairing::default(),
            invited: Invited::default(),
            sessions: Sessions::new(&parts.places),
            voice: Voice::new(parts.voice),
            keys: Keys::default(),
            places: parts.places,
            requests: parts.requests,
            work: JoinSet::new(),
            chat: Conversations::default(),
            agent_requests: AgentRequests::default(),
            listings: 0,
            gateway_report: GatewayReport::default(),
            unsent: Unsent::left(parts.left_chats),
            kept_chats: parts.kept_chats,
            to_keep: HashSet::new(),
            not_kept: None,
            gateway: parts.settings.gateway(),
            is_described: parts.settings.is_configured(),
            settings: parts.settings,
            is_stale: false,
            check: CheckView::not_run(),
            check_run: None,
            page: Page::Chat,
            window: false,
            quick_chat: false,
            quick_chat_focused: false,
            quick_chat_left: None,
            opening: None,
            unsaved_settings: false,
            watched: false,
            tray_host: false,
            tray: None,
            turn: 0,
            launch: parts.launch,
            ready: false,
            notices: Notices::default(),
            focused: false,
            answer_problem: None,
        }
    }

    /// Runs until the app is to end, then closes what is open and ends the process.
    pub async fn run(mut self) {
        self.start();
        let mut steps = interval(TRAY_STEP);
        steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut minutes = interval(TRAY_AGES);
        minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let moving = self.tray_moves();
            let next = tokio::select! {
                biased;
                request = self.requests.recv() => match request {
                    Some(request) => self.answer(request),
                    None => Next::End, // Every handle is gone; nobody can ask for anything again.
                },
                changed = self.connection.snapshots.changed() => match changed {
                    Ok(()) => self.connection_changed(),
                    Err(_) => Next::End,
                },
                // Events before outcomes: a history includes what was told before it came.
                event = self.connection.events.recv() => self.gateway_event(event),
                Some(news) = self.courier.news.recv() => self.courier_news(news),
                news = next_news(self.check_run.as_mut()) => self.check_news(news),
                news = self.voice.next() => {
                    self.voice_news(news);
                    Next::Continue
                }
                news = self.repairing.next() => self.repair_news(news),
                Some(done) = self.work.join_next() => self.finished(done),
                () = notices::due(self.notices.due()) => Next::Continue,
                () = notices::due(self.gateway_report.due()) => {
                    self.ask_gateway_report();
                    Next::Continue
                }
                () = notices::due(self.sessions.due()) => {
                    self.ask_sessions();
                    Next::Continue
                }
                _ = minutes.tick(), if self.tray_host => {
                    self.draw_tray();
                    Next::Continue
                }
                _ = steps.tick(), if moving => {
                    self.turn = self.turn.wrapping_add(1);
                    self.draw_tray();
                    Next::Continue
                }
            };
            self.watch_as_needed();
            self.voice_as_needed();
            self.keys_as_needed();
            self.note_what_is_kept();
            self.notify_as_needed();
            if next == Next::End {
                break;
            }
        }
        self.end().await;
    }

    fn start(&mut self) {
        if self.launch.this_computer
            && let Err(problem) = self.settings.choose_this_computer()
        {
            tracing::warn!(code = problem.code, "the choice could not be saved");
        }
        self.desktop.set_theme(self.settings.theme());
        if !self.launch.hidden {
            self.show_window();
        }
        if let Some(link) = self.launch.link.take() {
            self.link_opened(&link);
        }
        self.look_for_token();
        let profile = self.settings.profile();
        if self.settings.is_configured() {
            self.order(Order::Reconfigure(Box::new(profile.clone())));
            if profile.connect_on_launch {
                self.order(Order::Connect);
            }
        }
    }

    // The connection.

    fn view(&self) -> ConnectionView {
        let snapshot = self.connection.snapshots.borrow();
        let mut view = connection_view(
            &snapshot,
            &self.settings.gateway(),
            self.settings.server_name(),
        );
        if let (Some((id, problem)), Some(asked)) = (&self.answer_problem, &snapshot.question)
            && *id == asked.id
        {
            view.problem = Some(problem.clone());
        }
        if !self.settings.is_configured() {
            view.target = None;
        }
        if view.problem.is_none() && view.phase == Phase::Off {
            view.problem = self.settings.address_problem();
        }
        view
    }

    fn connection_changed(&mut self) -> Next {
        self.connection.snapshots.borrow_and_update();
        self.note_pairing_request();
        self.show_connection();
        self.offer_key_instead_of_password();
        Next::Continue
    }

    fn show_connection(&mut self) {
        self.desktop.send(WindowEvent::Connection(self.view()));
        self.draw_tray();
    }

    fn order(&self, order: Order) {
        if let Err(refused) = self.connection.orders.try_send(order) {
            tracing::warn!(%refused, "an order to the connection was dropped");
        }
    }

    /// Somebody waits for the connection while they see it or while a run goes on; that the gateway
    /// owes an answer is counted by its session.
    fn watch_as_needed(&mut self) {
        let watched = self.window || self.quick_chat || self.chat.has_run();
        if self.watched != watched {
            self.watched = watched;
            self.order(Order::SetWatched(watched));
        }
    }

    /// Returns the live session with the gateway in use.
    fn session(&self) -> Option<Arc<dyn GatewayPort>> {
        (self.connection.session)(&self.settings.gateway())
    }

    fn gateway_event(&mut self, event: Result<GatewayEvent<Event>, RecvError>) -> Next {
        if matches!(event, Ok(GatewayEvent::SessionUp)) {
            self.is_stale &= self.session().is_none();
        }
        let updates = match event {
            // What the one in use is like is asked when its session begins.
            Ok(_) | Err(RecvError::Lagged(_)) if self.is_stale => Vec::new(),
            Ok(GatewayEvent::Event(Event::Chat(event))) => {
                self.chat.event(&event).into_iter().collect()
            }
            Ok(GatewayEvent::Event(Event::Agent(event))) => {
                self.chat.detail(&event, now_ms()).into_iter().collect()
            }
            Ok(GatewayEvent::Event(event)) => {
                self.agent_request_event(&event);
                self.gateway_report_event(&event);
                self.sessions_event(&event);
                Vec::new()
            }
            Ok(GatewayEvent::SessionUp) => {
                self.list_agent_requests();
                self.gateway_report_of_session();
                self.sessions_of_session();
                self.chat.reconnected()
            }
            Ok(GatewayEvent::Missed) | Err(RecvError::Lagged(_)) => {
                self.list_agent_requests();
                self.sessions_were_missed();
                self.chat.missed()
            }
            Ok(GatewayEvent::SessionDown) => Vec::new(),
            Err(RecvError::Closed) => return Next::End,
        };
        for update in updates {
            self.reply_may_have_ended(&update);
            self.keep_when_ended(&update);
            self.desktop.send(WindowEvent::Chat(update));
        }
        Next::Continue
    }

    // Settings.

    fn send_settings(&self) {
        let waiting = |gateway: &_| self.unsent.count(gateway);
        let view = self
            .settings
            .view(waiting, self.shortcuts_view(), self.not_kept);
        self.desktop.send(WindowEvent::Settings(view));
    }

    /// Does what saved settings make necessary.
    fn take_effect(&mut self, impact: Impact) {
        let gateway = self.settings.gateway();
        if self.gateway != gateway {
            self.gateway = gateway;
            self.is_stale = true;
            self.chat.start_over();
            self.sessions_of_gateway();
            self.voice_of_gateway();
        }
        self.desktop.set_theme(self.settings.theme());
        self.send_settings();
        if impact >= Impact::Reconnect {
            self.forget_agent_requests();
            self.forget_gateway_report();
            self.forget_sign_in_key();
            self.forget_repair();
        }
        let is_described = self.settings.is_configured();
        if impact >= Impact::Reconnect && is_described {
            self.order(Order::Reconfigure(Box::new(self.settings.profile())));
        } else if !is_described {
            self.order(Order::Disconnect);
        }
        // First run connects by its check; whoever describes a gateway later wants it as well.
        let was_described = std::mem::replace(&mut self.is_described, is_described);
        if is_described && !was_described && self.settings.all().first_run_done {
            self.order(Order::Connect);
        }
        self.show_connection();
    }

    async fn end(self) {
        self.desktop.leave();
        self.desktop.close_window();
        let (done, closed) = oneshot::channel();
        self.order(Order::ShutDown { done });
        if timeout(CLOSING, closed).await.is_err() {
            tracing::warn!("the connection did not close in time");
        }
        if timeout(CLOSING, self.kept_chats.settle()).await.is_err() {
            tracing::warn!("what was written last was not kept in time");
        }
        self.desktop.exit();
    }
}

/// Answers; whoever asked may have gone, and then nobody wants to know.
fn respond<T, E>(reply: Reply<T, E>, answer: Result<T, E>) {
    drop(reply.send(answer));
}

fn now_ms() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
        * 1000.0
}
