//! A desktop, a connection, a courier and checks that do what a test says.

mod administrator;
mod kept_chats;
mod sessions;
mod voice;

pub(super) use kept_chats::{FakeKeptChats, KEPT_AT_MS};
pub(super) use sessions::FakeSessions;
pub(super) use voice::FakeVoice;

use super::*;
use crate::{
    controller::{
        ports::{CourierOrder, Known, LeftChats, RepairNews},
        request::WhenEnding,
    },
    logging::LogSwitch,
    notices::Notice,
    view_model::{
        AgentRequestsView, ChatUpdate, FetchedView, GatewayReportView, InvitationView, LogView,
        PairingKind, RepairView, SessionsView, SettingsView, SignInKeyView, VoiceView,
    },
};
use administrator::FakeAdministrator;
use futures_util::future::BoxFuture;
use gateway_core::{
    chat::Listed,
    client::CallError,
    config::{Environment, Places, Platform, Profile, settings::Theme},
    connection::timeline::{Happening, Timeline},
    credentials::{Account, CredentialStore as _, Kind, MemoryStore, secret::GatewayToken, slots},
    diagnostics::Report,
    home_server::gateway_service::Repair,
    protocol::{
        PairingRequestId,
        id::{ApprovalId, QuestionSetId},
        method::{
            approvals::{ApprovalRequest, Decision},
            chat::{ChatAbortPayload, ChatHistoryPayload, ChatMessageGetPayload},
            devices::PendingDevice,
            nodes::PendingNode,
            questions::{Answers, QuestionSet},
        },
    },
};
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use tempfile::TempDir;
use tokio::sync::{broadcast, watch};

/// The profile that there is at a first start.
pub(super) const HOME: &str = "home";

/// The settings of a first start, but for the name of their profile.
pub(super) const FIRST_START: &str = "{ version: 1, profiles: [ { id: 'home' } ] }";

/// Long enough for anything a controller does while the clock stands still.
const SOON: Duration = Duration::from_secs(30);

pub(super) struct Fakes {
    pub(super) desktop: DesktopLog,
    handle: ControllerHandle,
    snapshots: watch::Sender<Snapshot>,
    events: broadcast::Sender<GatewayEvent<Event>>,
    session: watch::Sender<Option<Arc<dyn GatewayPort>>>,
    orders: mpsc::Receiver<Order>,
    drafts: mpsc::Receiver<CourierOrder>,
    courier: mpsc::Sender<CourierNews>,
    checks: mpsc::Receiver<mpsc::Sender<CheckNews>>,
    timeline: watch::Sender<Timeline>,
    home_server: mpsc::Receiver<Asked>,
    reports: mpsc::Receiver<AskedOfReports>,
    pub(super) kept: Arc<FakeKeptChats>,
    administrator: FakeAdministrator,
    pub(super) voice: FakeVoice,
    store: Arc<MemoryStore>,
    places: Places,
    profile: Profile,
    folder: TempDir,
}

impl Fakes {
    pub(super) fn start() -> Self {
        Self::with_settings(FIRST_START)
    }

    pub(super) fn hidden() -> Self {
        let launch = Launch {
            hidden: true,
            ..Launch::default()
        };
        Self::build(FIRST_START, launch, LeftChats::default())
    }

    pub(super) fn with_settings(text: &str) -> Self {
        Self::build(text, Launch::default(), LeftChats::default())
    }

    /// A start after a run that left something of conversations.
    pub(super) fn with_left(chats: LeftChats) -> Self {
        Self::build(FIRST_START, Launch::default(), chats)
    }

    fn build(settings: &str, launch: Launch, left_chats: LeftChats) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let variable = |name: &str, below: &str| {
            (
                OsString::from(name),
                folder.path().join(below).into_os_string(),
            )
        };
        let environment = Environment::new(
            [
                variable("OPENCLAW_TRAY_CONFIG_DIR", "config"),
                variable("OPENCLAW_TRAY_DATA_DIR", "data"),
            ],
            Some(folder.path().to_owned()),
            Platform::Xdg,
        );
        let places = Places::find(&environment).unwrap();
        fs::create_dir_all(places.config_dir()).unwrap();
        fs::write(places.settings_file(), settings).unwrap();
        let store = Arc::new(MemoryStore::new("a test"));
        let settings = KeptSettings::load(&places, environment, store.clone(), LogSwitch::fixed());
        let profile = settings.profile();
        let (log, desktop) = DesktopLog::new();
        let (handle, requests) = ControllerHandle::channel();
        let (snapshots, snapshot_reader) = watch::channel(Snapshot::off(String::new()));
        let (events, event_reader) = broadcast::channel(64);
        let (timeline, timeline_reader) = watch::channel(Timeline::default());
        let (session, session_reader) = watch::channel(None);
        let (order_sender, orders) = mpsc::channel(64);
        let (draft_sender, drafts) = mpsc::channel(8);
        let (courier, news) = mpsc::channel(8);
        let (check_sender, checks) = mpsc::channel(8);
        let (home_server_sender, home_server) = mpsc::channel(8);
        let (reports_sender, reports) = mpsc::channel(8);
        let kept = Arc::new(FakeKeptChats::default());
        let administrator = FakeAdministrator::default();
        let (voice, voice_port) = FakeVoice::new();
        let controller = Controller::new(Parts {
            voice: voice_port,
            kept_chats: kept.clone(),
            left_chats,
            desktop: Arc::new(desktop),
            connection: ConnectionPort {
                snapshots: snapshot_reader,
                timeline: timeline_reader,
                day: watch::Sender::default().subscribe(),
                events: event_reader,
                session: Box::new(move |_| session_reader.borrow().clone()),
                orders: order_sender,
            },
            courier: CourierPort {
                drafts: draft_sender,
                news,
            },
            checks: Arc::new(FakeChecks(check_sender)),
            home_server: Arc::new(FakeHomeServer(home_server_sender)),
            administrator: Arc::new(administrator.clone()),
            reports: Arc::new(FakeReports(reports_sender)),
            settings,
            places: places.clone(),
            requests,
            launch,
        });
        tokio::spawn(controller.run());
        Self {
            desktop: log,
            handle,
            snapshots,
            events,
            session,
            orders,
            drafts,
            courier,
            checks,
            timeline,
            home_server,
            reports,
            kept,
            administrator,
            voice,
            store,
            places,
            profile,
            folder,
        }
    }

    /// Something happened to the connection.
    pub(super) fn happened(&self, what: Happening) {
        self.timeline
            .send_modify(|timeline| timeline.write(0, what, None));
    }

    /// Returns what is asked of the home server next, and where the answer goes.
    pub(super) async fn asked_of_home_server(&mut self) -> Asked {
        soon(self.home_server.recv())
            .await
            .expect("nothing is asked")
    }

    /// Returns what is asked about reports next, and where the answer goes.
    pub(super) async fn asked_of_reports(&mut self) -> AskedOfReports {
        soon(self.reports.recv()).await.expect("nothing is asked")
    }

    /// Whether nothing is asked of the home server.
    pub(super) fn home_server_is_left_alone(&mut self) -> bool {
        self.home_server.try_recv().is_err()
    }

    /// The profile that was in use at the start.
    pub(super) fn profile(&self) -> &Profile {
        &self.profile
    }

    pub(super) fn tell(&self, request: Request) {
        self.handle.tell(request);
    }

    pub(super) async fn ask<T, E: WhenEnding>(
        &mut self,
        request: impl FnOnce(Reply<T, E>) -> Request,
    ) -> Result<T, E> {
        soon(self.handle.ask(request)).await
    }

    pub(super) fn connection_is(&self, snapshot: Snapshot) {
        self.snapshots.send_replace(snapshot);
    }

    pub(super) fn gateway_tells(&self, event: GatewayEvent<Event>) {
        self.events.send(event).unwrap();
    }

    pub(super) fn session_is_up(&self) -> Arc<FakeGateway> {
        let gateway = Arc::new(FakeGateway::default());
        self.session.send_replace(Some(gateway.clone()));
        gateway
    }

    pub(super) fn session_is_down(&self) {
        self.session.send_replace(None);
    }

    /// A handle of one's own, for what is asked while something else has to happen.
    pub(super) fn handle(&self) -> ControllerHandle {
        self.handle.clone()
    }

    pub(super) fn courier_says(&self, news: CourierNews) {
        self.courier.try_send(news).unwrap();
    }

    pub(super) async fn next_draft(&mut self) -> ChatDraft {
        match self.next_courier_order().await {
            CourierOrder::Send(gateway, draft) => {
                assert_eq!(gateway.as_str(), draft.gateway);
                draft
            }
            order @ (CourierOrder::Forget(_) | CourierOrder::Withdraw { .. }) => {
                panic!("{order:?} is no message")
            }
        }
    }

    pub(super) async fn next_courier_order(&mut self) -> CourierOrder {
        soon(self.drafts.recv()).await.unwrap()
    }

    pub(super) async fn next_check(&mut self) -> mpsc::Sender<CheckNews> {
        soon(self.checks.recv()).await.unwrap()
    }

    /// Passes over other orders until that one comes.
    pub(super) async fn next_order(&mut self, wanted: &str) {
        soon(async { while format!("{:?}", self.orders.recv().await.unwrap()) != wanted {} }).await;
    }

    pub(super) async fn next_reconfigured(&mut self) -> Profile {
        soon(async {
            loop {
                if let Order::Reconfigure(profile) = self.orders.recv().await.unwrap() {
                    return *profile;
                }
            }
        })
        .await
    }

    pub(super) async fn next_answer(
        &mut self,
        wanted: u64,
    ) -> oneshot::Sender<Result<(), Problem>> {
        soon(async {
            loop {
                if let Order::Answer { id, reply, .. } = self.orders.recv().await.unwrap() {
                    assert_eq!(id, wanted);
                    return reply;
                }
            }
        })
        .await
    }

    pub(super) async fn shuts_down(&mut self) {
        soon(async {
            loop {
                if let Order::ShutDown { done } = self.orders.recv().await.unwrap() {
                    done.send(()).unwrap();
                    return;
                }
            }
        })
        .await;
    }

    pub(super) fn orders_so_far(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.orders.try_recv().ok())
            .map(|order| format!("{order:?}"))
            .collect()
    }

    pub(super) fn home(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn file(&self) -> String {
        fs::read_to_string(self.places.settings_file()).unwrap_or_default()
    }

    /// Keeps a secret of a gateway.
    pub(super) async fn keep(&self, gateway: &ProfileId, secret: &impl slots::Stored) {
        slots::write(&*self.store, gateway, secret).await.unwrap();
    }

    /// Puts a file among our data, and returns where.
    pub(super) fn data_file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.places.data_dir().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Whether anything of this kind is kept for a gateway.
    pub(super) async fn keeps(&self, gateway: &ProfileId, kind: Kind) -> bool {
        let account = Account::of(gateway, kind);
        self.store.get(&account).await.unwrap().is_some()
    }

    pub(super) async fn stored_token(&self) -> Option<String> {
        self.token_of(&self.profile.id).await
    }

    pub(super) async fn token_of(&self, gateway: &ProfileId) -> Option<String> {
        slots::read::<GatewayToken>(&*self.store, gateway)
            .await
            .unwrap()
            .map(|token| token.expose().to_owned())
    }
}

async fn soon<T>(work: impl Future<Output = T>) -> T {
    timeout(SOON, work).await.expect("nothing came")
}

/// What the desktop was told, one queue for each sort of thing.
pub(super) struct DesktopLog {
    shown: mpsc::UnboundedReceiver<()>,
    closed: mpsc::UnboundedReceiver<()>,
    hidden: mpsc::UnboundedReceiver<()>,
    quick_chats: mpsc::UnboundedReceiver<bool>,
    trays: mpsc::UnboundedReceiver<Tray>,
    ready: mpsc::UnboundedReceiver<bool>,
    exits: mpsc::UnboundedReceiver<()>,
    connections: mpsc::UnboundedReceiver<ConnectionView>,
    checks: mpsc::UnboundedReceiver<CheckView>,
    settings: mpsc::UnboundedReceiver<SettingsView>,
    chats: mpsc::UnboundedReceiver<ChatUpdate>,
    requests: mpsc::UnboundedReceiver<AgentRequestsView>,
    sign_in_keys: mpsc::UnboundedReceiver<Option<SignInKeyView>>,
    gateway_reports: mpsc::UnboundedReceiver<Option<GatewayReportView>>,
    repairs: mpsc::UnboundedReceiver<Option<RepairView>>,
    invitations: mpsc::UnboundedReceiver<Option<InvitationView>>,
    sessions: mpsc::UnboundedReceiver<SessionsView>,
    voices: mpsc::UnboundedReceiver<VoiceView>,
    levels: mpsc::UnboundedReceiver<f64>,
    pages: mpsc::UnboundedReceiver<Page>,
    notices: mpsc::UnboundedReceiver<Notice>,
    copied: mpsc::UnboundedReceiver<String>,
    themes: mpsc::UnboundedReceiver<Theme>,
    folders: mpsc::UnboundedReceiver<PathBuf>,
    links: mpsc::UnboundedReceiver<String>,
    ever_shown: Arc<AtomicBool>,
    left: Arc<AtomicBool>,
}

struct FakeDesktop {
    shown: mpsc::UnboundedSender<()>,
    closed: mpsc::UnboundedSender<()>,
    hidden: mpsc::UnboundedSender<()>,
    quick_chats: mpsc::UnboundedSender<bool>,
    trays: mpsc::UnboundedSender<Tray>,
    ready: mpsc::UnboundedSender<bool>,
    exits: mpsc::UnboundedSender<()>,
    connections: mpsc::UnboundedSender<ConnectionView>,
    checks: mpsc::UnboundedSender<CheckView>,
    settings: mpsc::UnboundedSender<SettingsView>,
    chats: mpsc::UnboundedSender<ChatUpdate>,
    requests: mpsc::UnboundedSender<AgentRequestsView>,
    sign_in_keys: mpsc::UnboundedSender<Option<SignInKeyView>>,
    gateway_reports: mpsc::UnboundedSender<Option<GatewayReportView>>,
    repairs: mpsc::UnboundedSender<Option<RepairView>>,
    invitations: mpsc::UnboundedSender<Option<InvitationView>>,
    sessions: mpsc::UnboundedSender<SessionsView>,
    voices: mpsc::UnboundedSender<VoiceView>,
    levels: mpsc::UnboundedSender<f64>,
    pages: mpsc::UnboundedSender<Page>,
    notices: mpsc::UnboundedSender<Notice>,
    copied: mpsc::UnboundedSender<String>,
    themes: mpsc::UnboundedSender<Theme>,
    folders: mpsc::UnboundedSender<PathBuf>,
    links: mpsc::UnboundedSender<String>,
    ever_shown: Arc<AtomicBool>,
    left: Arc<AtomicBool>,
}

impl DesktopLog {
    fn new() -> (Self, FakeDesktop) {
        let shown = mpsc::unbounded_channel();
        let closed = mpsc::unbounded_channel();
        let hidden = mpsc::unbounded_channel();
        let quick_chats = mpsc::unbounded_channel();
        let trays = mpsc::unbounded_channel();
        let ready = mpsc::unbounded_channel();
        let exits = mpsc::unbounded_channel();
        let connections = mpsc::unbounded_channel();
        let checks = mpsc::unbounded_channel();
        let settings = mpsc::unbounded_channel();
        let chats = mpsc::unbounded_channel();
        let requests = mpsc::unbounded_channel();
        let sign_in_keys = mpsc::unbounded_channel();
        let gateway_reports = mpsc::unbounded_channel();
        let repairs = mpsc::unbounded_channel();
        let invitations = mpsc::unbounded_channel();
        let sessions = mpsc::unbounded_channel();
        let voices = mpsc::unbounded_channel();
        let levels = mpsc::unbounded_channel();
        let pages = mpsc::unbounded_channel();
        let notices = mpsc::unbounded_channel();
        let copied = mpsc::unbounded_channel();
        let themes = mpsc::unbounded_channel();
        let folders = mpsc::unbounded_channel();
        let links = mpsc::unbounded_channel();
        let ever_shown = Arc::new(AtomicBool::new(false));
        let left = Arc::new(AtomicBool::new(false));
        let log = Self {
            shown: shown.1,
            closed: closed.1,
            hidden: hidden.1,
            quick_chats: quick_chats.1,
            trays: trays.1,
            ready: ready.1,
            exits: exits.1,
            connections: connections.1,
            checks: checks.1,
            settings: settings.1,
            chats: chats.1,
            requests: requests.1,
            sign_in_keys: sign_in_keys.1,
            gateway_reports: gateway_reports.1,
            repairs: repairs.1,
            invitations: invitations.1,
            sessions: sessions.1,
            voices: voices.1,
            levels: levels.1,
            pages: pages.1,
            notices: notices.1,
            copied: copied.1,
            themes: themes.1,
            folders: folders.1,
            links: links.1,
            ever_shown: Arc::clone(&ever_shown),
            left: Arc::clone(&left),
        };
        let desktop = FakeDesktop {
            shown: shown.0,
            closed: closed.0,
            hidden: hidden.0,
            quick_chats: quick_chats.0,
            trays: trays.0,
            ready: ready.0,
            exits: exits.0,
            connections: connections.0,
            checks: checks.0,
            settings: settings.0,
            chats: chats.0,
            requests: requests.0,
            sign_in_keys: sign_in_keys.0,
            gateway_reports: gateway_reports.0,
            repairs: repairs.0,
            invitations: invitations.0,
            sessions: sessions.0,
            voices: voices.0,
            levels: levels.0,
            pages: pages.0,
            notices: notices.0,
            copied: copied.0,
            themes: themes.0,
            folders: folders.0,
            links: links.0,
            ever_shown,
            left,
        };
        (log, desktop)
    }

    pub(super) async fn shows_window(&mut self) {
        next(&mut self.shown).await;
    }

    pub(super) fn shows_window_again(&mut self) -> bool {
        self.shown.try_recv().is_ok()
    }

    pub(super) fn has_shown_window(&self) -> bool {
        self.ever_shown.load(Ordering::Relaxed)
    }

    pub(super) fn has_left(&self) -> bool {
        self.left.load(Ordering::Relaxed)
    }

    pub(super) async fn closes_window(&mut self) {
        next(&mut self.closed).await;
    }

    pub(super) async fn hides_window(&mut self) {
        next(&mut self.hidden).await;
    }

    /// Waits until the small window is shown or taken down; returns which.
    pub(super) async fn quick_chat(&mut self) -> bool {
        next(&mut self.quick_chats).await
    }

    pub(super) async fn tray(&mut self) -> Tray {
        next(&mut self.trays).await
    }

    pub(super) async fn tray_where(&mut self, wanted: impl Fn(&Tray) -> bool) -> Tray {
        next_where(&mut self.trays, wanted).await
    }

    pub(super) fn trays_waiting(&self) -> usize {
        self.trays.len()
    }

    pub(super) async fn is_ready(&mut self, window: bool) {
        assert_eq!(next(&mut self.ready).await, window);
    }

    pub(super) async fn exits(&mut self) {
        next(&mut self.exits).await;
    }

    pub(super) async fn connection(&mut self) -> ConnectionView {
        next(&mut self.connections).await
    }

    pub(super) async fn connection_where(
        &mut self,
        wanted: impl Fn(&ConnectionView) -> bool,
    ) -> ConnectionView {
        next_where(&mut self.connections, wanted).await
    }

    pub(super) async fn check(&mut self) -> CheckView {
        next(&mut self.checks).await
    }

    pub(super) async fn settings(&mut self) -> SettingsView {
        next(&mut self.settings).await
    }

    pub(super) async fn settings_where(
        &mut self,
        wanted: impl Fn(&SettingsView) -> bool,
    ) -> SettingsView {
        next_where(&mut self.settings, wanted).await
    }

    pub(super) async fn chat(&mut self) -> ChatUpdate {
        next(&mut self.chats).await
    }

    pub(super) async fn agent_requests_where(
        &mut self,
        wanted: impl Fn(&AgentRequestsView) -> bool,
    ) -> AgentRequestsView {
        next_where(&mut self.requests, wanted).await
    }

    /// Returns what is shown of a repair, once it is as `wanted`.
    pub(super) async fn repair_where(
        &mut self,
        wanted: impl Fn(&Option<RepairView>) -> bool,
    ) -> Option<RepairView> {
        next_where(&mut self.repairs, wanted).await
    }

    /// Returns what is shown of a setup code or link, once it is as `wanted`.
    pub(super) async fn invitation_where(
        &mut self,
        wanted: impl Fn(&Option<InvitationView>) -> bool,
    ) -> Option<InvitationView> {
        next_where(&mut self.invitations, wanted).await
    }

    /// Returns what is shown of a key in place of the password, once it is as `wanted`.
    pub(super) async fn sign_in_key_where(
        &mut self,
        wanted: impl Fn(&Option<SignInKeyView>) -> bool,
    ) -> Option<SignInKeyView> {
        next_where(&mut self.sign_in_keys, wanted).await
    }

    pub(super) async fn gateway_report_where(
        &mut self,
        wanted: impl Fn(&Option<GatewayReportView>) -> bool,
    ) -> Option<GatewayReportView> {
        next_where(&mut self.gateway_reports, wanted).await
    }

    /// Returns what is shown of the conversations, once it is as `wanted`.
    pub(super) async fn sessions_where(
        &mut self,
        wanted: impl Fn(&SessionsView) -> bool,
    ) -> SessionsView {
        next_where(&mut self.sessions, wanted).await
    }

    /// Returns what is shown of voice, once it is as `wanted`.
    pub(super) async fn voice_where(&mut self, wanted: impl Fn(&VoiceView) -> bool) -> VoiceView {
        next_where(&mut self.voices, wanted).await
    }

    pub(super) async fn level(&mut self) -> f64 {
        next(&mut self.levels).await
    }

    pub(super) async fn copied(&mut self) -> String {
        next(&mut self.copied).await
    }

    pub(super) async fn theme(&mut self) -> Theme {
        next(&mut self.themes).await
    }

    pub(super) async fn notice(&mut self) -> Notice {
        next(&mut self.notices).await
    }

    pub(super) fn notices_waiting(&self) -> usize {
        self.notices.len()
    }

    /// Returns the folder that is shown next.
    pub(super) async fn link(&mut self) -> String {
        next(&mut self.links).await
    }

    pub(super) async fn folder(&mut self) -> PathBuf {
        next(&mut self.folders).await
    }

    pub(super) async fn page(&mut self) -> Page {
        next(&mut self.pages).await
    }
}

async fn next<T>(queue: &mut mpsc::UnboundedReceiver<T>) -> T {
    soon(queue.recv()).await.expect("the controller has gone")
}

async fn next_where<T>(queue: &mut mpsc::UnboundedReceiver<T>, wanted: impl Fn(&T) -> bool) -> T {
    soon(async {
        loop {
            let told = queue.recv().await.expect("the controller has gone");
            if wanted(&told) {
                return told;
            }
        }
    })
    .await
}

/// A test that has ended listens no more.
fn log<T>(queue: &mpsc::UnboundedSender<T>, told: T) {
    drop(queue.send(told));
}

impl Desktop for FakeDesktop {
    fn show_window(&self) {
        self.ever_shown.store(true, Ordering::Relaxed);
        log(&self.shown, ());
    }

    fn close_window(&self) {
        log(&self.closed, ());
    }

    fn hide_window(&self) {
        log(&self.hidden, ());
    }

    fn show_quick_chat(&self) {
        log(&self.quick_chats, true);
    }

    fn close_quick_chat(&self) {
        log(&self.quick_chats, false);
    }

    fn show_tray(&self, tray: &Tray) {
        log(&self.trays, tray.clone());
    }

    fn send(&self, event: WindowEvent) {
        match event {
            WindowEvent::Connection(view) => log(&self.connections, view),
            WindowEvent::Check(view) => log(&self.checks, view),
            WindowEvent::Settings(view) => log(&self.settings, view),
            WindowEvent::Chat(update) => log(&self.chats, update),
            WindowEvent::AgentRequests(view) => log(&self.requests, view),
            WindowEvent::SignInKey(view) => log(&self.sign_in_keys, view),
            WindowEvent::GatewayReport(view) => log(&self.gateway_reports, view),
            WindowEvent::Repair(view) => log(&self.repairs, view),
            WindowEvent::Invitation(view) => log(&self.invitations, view),
            WindowEvent::Sessions(view) => log(&self.sessions, view),
            WindowEvent::Voice(view) => log(&self.voices, view),
            WindowEvent::VoiceLevel(level) => log(&self.levels, level),
            WindowEvent::Page(page) => log(&self.pages, page),
        }
    }

    fn notify(&self, notice: Notice) {
        log(&self.notices, notice);
    }

    fn set_theme(&self, theme: Theme) {
        log(&self.themes, theme);
    }

    fn copy(&self, text: String) {
        log(&self.copied, text);
    }

    fn choose_file(&self, reply: oneshot::Sender<Option<PathBuf>>) {
        drop(reply.send(Some(PathBuf::from("/keys/id"))));
    }

    fn open_folder(&self, folder: &Path) -> Result<(), String> {
        log(&self.folders, folder.to_owned());
        Ok(())
    }

    fn open_link(&self, address: &str) -> Result<(), String> {
        log(&self.links, address.to_owned());
        Ok(())
    }

    fn ready(&self, window: bool) {
        log(&self.ready, window);
    }

    fn leave(&self) {
        self.left.store(true, Ordering::Relaxed);
    }

    fn exit(&self) {
        log(&self.exits, ());
    }
}

#[derive(Default)]
pub(super) struct FakeGateway {
    history: Mutex<Option<ChatHistoryPayload>>,
    waiting: Mutex<Listed>,
    /// What was decided, in words, and what is said to the next decision.
    decided: Arc<Mutex<Vec<String>>>,
    /// What it says of its health, and how often it was asked.
    health: Mutex<(serde_json::Value, usize)>,
    refusal: Mutex<Option<CallError>>,
    /// Its conversations.
    pub(super) sessions: FakeSessions,
}

impl FakeGateway {
    pub(super) fn answers_history(&self, payload: serde_json::Value) {
        *self.history.lock().unwrap() = Some(serde_json::from_value(payload).unwrap());
    }

    pub(super) fn lists(&self, approvals: serde_json::Value, questions: serde_json::Value) {
        let mut waiting = self.waiting.lock().unwrap();
        waiting.approvals = serde_json::from_value(approvals).unwrap();
        waiting.questions = serde_json::from_value(questions).unwrap();
    }

    pub(super) fn lists_who_wants_in(&self, devices: serde_json::Value, nodes: serde_json::Value) {
        let mut waiting = self.waiting.lock().unwrap();
        waiting.devices = serde_json::from_value(devices).unwrap();
        waiting.nodes = serde_json::from_value(nodes).unwrap();
    }

    pub(super) fn says_of_its_health(&self, told: serde_json::Value) {
        self.health.lock().unwrap().0 = told;
    }

    pub(super) fn times_asked_for_report(&self) -> usize {
        self.health.lock().unwrap().1
    }

    pub(super) fn refuses_the_next_decision(&self, why: CallError) {
        *self.refusal.lock().unwrap() = Some(why);
    }

    pub(super) fn decided(&self) -> Vec<String> {
        self.decided.lock().unwrap().clone()
    }

    fn takes(&self, decision: String) -> BoxFuture<'static, Result<(), CallError>> {
        self.decided.lock().unwrap().push(decision);
        let answer = self.refusal.lock().unwrap().take().map_or(Ok(()), Err);
        Box::pin(async move { answer })
    }
}

impl GatewayPort for FakeGateway {
    fn log(&self) -> BoxFuture<'static, Result<LogView, CallError>> {
        Box::pin(async move { Ok(gateway_log()) })
    }

    fn history(&self, _: String) -> BoxFuture<'static, Result<ChatHistoryPayload, CallError>> {
        let told = self.history.lock().unwrap().clone();
        let empty = || serde_json::from_value(json!({"sessionKey": "", "messages": []})).unwrap();
        let answer = told.unwrap_or_else(empty);
        Box::pin(async move { Ok(answer) })
    }

    fn earlier(
        &self,
        _: String,
        offset: u32,
    ) -> BoxFuture<'static, Result<ChatHistoryPayload, CallError>> {
        let page = json!({"sessionKey": "", "hasMore": true, "nextOffset": offset + 1, "messages": [
            {"role": "user", "content": format!("message {offset}")}]});
        Box::pin(async move { Ok(serde_json::from_value(page).unwrap()) })
    }

    fn message(
        &self,
        _: String,
        id: String,
    ) -> BoxFuture<'static, Result<ChatMessageGetPayload, CallError>> {
        let answer = match id.as_str() {
            "gone" => json!({"ok": false, "unavailableReason": "not_found"}),
            _ => json!({"ok": true, "message": {"role": "assistant", "content": "all of it"}}),
        };
        let answer = serde_json::from_value(answer).unwrap();
        Box::pin(async move { Ok(answer) })
    }

    fn abort(
        &self,
        _: String,
        _: Option<String>,
    ) -> BoxFuture<'static, Result<ChatAbortPayload, CallError>> {
        let answer = serde_json::from_value(json!({"aborted": true})).unwrap();
        Box::pin(async move { Ok(answer) })
    }

    fn report(&self) -> BoxFuture<'static, Result<GatewayAnswers, CallError>> {
        let mut health = self.health.lock().unwrap();
        health.1 += 1;
        let told = Some(health.0.clone()).filter(|told| !told.is_null());
        let told = told.unwrap_or_else(|| json!({}));
        let answers = GatewayAnswers::of_health(serde_json::from_value(told).unwrap());
        Box::pin(async move { Ok(answers) })
    }

    fn approvals(&self) -> BoxFuture<'static, Result<Vec<ApprovalRequest>, CallError>> {
        let listed = self.waiting.lock().unwrap().approvals.clone();
        Box::pin(async move { Ok(listed) })
    }

    fn questions(&self) -> BoxFuture<'static, Result<Vec<QuestionSet>, CallError>> {
        let listed = self.waiting.lock().unwrap().questions.clone();
        Box::pin(async move { Ok(listed) })
    }

    fn pending_devices(&self) -> BoxFuture<'static, Result<Vec<PendingDevice>, CallError>> {
        let listed = self.waiting.lock().unwrap().devices.clone();
        Box::pin(async move { Ok(listed) })
    }

    fn pending_nodes(&self) -> BoxFuture<'static, Result<Vec<PendingNode>, CallError>> {
        let listed = self.waiting.lock().unwrap().nodes.clone();
        Box::pin(async move { Ok(listed) })
    }

    fn decide_pairing(
        &self,
        id: PairingRequestId,
        kind: PairingKind,
        approve: bool,
    ) -> BoxFuture<'static, Result<(), CallError>> {
        self.takes(format!("{id}: {kind:?} {approve}"))
    }

    fn decide(
        &self,
        id: ApprovalId,
        decision: Decision,
    ) -> BoxFuture<'static, Result<(), CallError>> {
        self.takes(format!("{id}: {decision}"))
    }

    fn answer_questions(
        &self,
        id: QuestionSetId,
        answers: Option<Answers>,
    ) -> BoxFuture<'static, Result<(), CallError>> {
        let answers = answers.map(|answers| serde_json::to_string(&answers).unwrap());
        self.takes(format!(
            "{id}: {}",
            answers.unwrap_or("dismissed".to_owned())
        ))
    }
}

/// What the gateway tells of its log.
pub(super) fn gateway_log() -> LogView {
    LogView {
        file: "/tmp/openclaw/openclaw-2026-11-24.log".to_owned(),
        text: "INFO  ready".to_owned(),
    }
}

struct FakeChecks(mpsc::Sender<mpsc::Sender<CheckNews>>);

impl CheckPort for FakeChecks {
    fn run(&self, _: Profile) -> mpsc::Receiver<CheckNews> {
        let (news, reader) = mpsc::channel(16);
        self.0.try_send(news).unwrap();
        reader
    }
}

/// What is asked of the home server.
#[derive(Debug)]
pub(super) enum Asked {
    FetchSecret(oneshot::Sender<Result<FetchedView, UiError>>),
    PrepareKey(oneshot::Sender<Result<String, UiError>>),
    AddKey(oneshot::Sender<Result<(), UiError>>),
    RemoveKey(oneshot::Sender<Result<(), UiError>>),
    Repair(Repair, watch::Sender<RepairNews>),
    Log(oneshot::Sender<Result<LogView, UiError>>),
}

struct FakeHomeServer(mpsc::Sender<Asked>);

impl FakeHomeServer {
    fn ask<T: Send + 'static>(
        &self,
        what: impl FnOnce(oneshot::Sender<Result<T, UiError>>) -> Asked,
    ) -> BoxFuture<'static, Result<T, UiError>> {
        let (reply, answer) = oneshot::channel();
        self.0.try_send(what(reply)).unwrap();
        Box::pin(async move { answer.await.unwrap() })
    }
}

impl HomeServerPort for FakeHomeServer {
    fn fetch_secret(&self) -> BoxFuture<'static, Result<FetchedView, UiError>> {
        self.ask(Asked::FetchSecret)
    }

    fn prepare_key(&self) -> BoxFuture<'static, Result<String, UiError>> {
        self.ask(Asked::PrepareKey)
    }

    fn add_key(&self) -> BoxFuture<'static, Result<(), UiError>> {
        self.ask(Asked::AddKey)
    }

    fn remove_key(&self) -> BoxFuture<'static, Result<(), UiError>> {
        self.ask(Asked::RemoveKey)
    }

    fn repair(&self, repair: Repair) -> watch::Receiver<RepairNews> {
        let (news, reader) = watch::channel(RepairNews::default());
        self.0.try_send(Asked::Repair(repair, news)).unwrap();
        reader
    }

    fn log(&self) -> BoxFuture<'static, Result<LogView, UiError>> {
        self.ask(Asked::Log)
    }
}

/// What is asked about reports.
pub(super) enum AskedOfReports {
    Prepare(Box<Known>, oneshot::Sender<Result<Report, UiError>>),
    Save(Arc<Report>, oneshot::Sender<Result<PathBuf, UiError>>),
}

struct FakeReports(mpsc::Sender<AskedOfReports>);

impl ReportPort for FakeReports {
    fn prepare(&self, known: Known) -> BoxFuture<'static, Result<Report, UiError>> {
        let (reply, answer) = oneshot::channel();
        let asked = AskedOfReports::Prepare(Box::new(known), reply);
        assert!(self.0.try_send(asked).is_ok());
        Box::pin(async move { answer.await.unwrap() })
    }

    fn save(&self, report: Arc<Report>) -> BoxFuture<'static, Result<PathBuf, UiError>> {
        let (reply, answer) = oneshot::channel();
        let asked = AskedOfReports::Save(report, reply);
        assert!(self.0.try_send(asked).is_ok());
        Box::pin(async move { answer.await.unwrap() })
    }
}
