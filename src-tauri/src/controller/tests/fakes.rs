//! A desktop, a connection, a courier and checks that do what a test says.

mod administrator;
mod desktop;
mod gateway;
mod kept_chats;
mod sessions;
mod voice;

pub(super) use desktop::DesktopLog;
pub(super) use gateway::FakeGateway;
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
    config::{Environment, Places, Platform, Profile, settings::Theme, shortcut::Shortcuts},
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
