//! The desktop of a test: what it was told, in one queue for each sort of thing.

use super::*;

/// Makes both ends: [`FakeDesktop`] puts what it is told into the queue of that name, and a test takes it out of
/// [`DesktopLog`]'s.
macro_rules! queues {
    ($($name:ident: $told:ty,)*) => {
        pub(crate) struct DesktopLog {
            $($name: mpsc::UnboundedReceiver<$told>,)*
            ever_shown: Arc<AtomicBool>,
            left: Arc<AtomicBool>,
        }

        pub(super) struct FakeDesktop {
            $($name: mpsc::UnboundedSender<$told>,)*
            ever_shown: Arc<AtomicBool>,
            left: Arc<AtomicBool>,
        }

        impl DesktopLog {
            pub(super) fn new() -> (Self, FakeDesktop) {
                $(let $name = mpsc::unbounded_channel();)*
                let (ever_shown, left) = <(Arc<AtomicBool>, Arc<AtomicBool>)>::default();
                let desktop = FakeDesktop {
                    $($name: $name.0,)*
                    ever_shown: Arc::clone(&ever_shown),
                    left: Arc::clone(&left),
                };
                let log = Self {
                    $($name: $name.1,)*
                    ever_shown,
                    left,
                };
                (log, desktop)
            }
        }
    };
}

queues! {
    shown: (),
    closed: (),
    hidden: (),
    quick_chats: bool,
    spoken: bool,
    trays: Tray,
    ready: bool,
    exits: (),
    connections: ConnectionView,
    checks: CheckView,
    settings: SettingsView,
    chats: ChatUpdate,
    requests: AgentRequestsView,
    sign_in_keys: Option<SignInKeyView>,
    gateway_reports: Option<GatewayReportView>,
    repairs: Option<RepairView>,
    invitations: Option<InvitationView>,
    sessions: SessionsView,
    voices: VoiceView,
    levels: f64,
    pages: Page,
    notices: Notice,
    copied: String,
    themes: Theme,
    folders: PathBuf,
    links: String,
    keys: Shortcuts,
}

impl DesktopLog {
    pub(crate) async fn shows_window(&mut self) {
        next(&mut self.shown).await;
    }

    pub(crate) fn shows_window_again(&mut self) -> bool {
        self.shown.try_recv().is_ok()
    }

    pub(crate) fn has_shown_window(&self) -> bool {
        self.ever_shown.load(Ordering::Relaxed)
    }

    pub(crate) fn has_left(&self) -> bool {
        self.left.load(Ordering::Relaxed)
    }

    pub(crate) async fn closes_window(&mut self) {
        next(&mut self.closed).await;
    }

    pub(crate) async fn hides_window(&mut self) {
        next(&mut self.hidden).await;
    }

    /// Waits until the small window is shown or taken down; returns which.
    pub(crate) async fn quick_chat(&mut self) -> bool {
        next(&mut self.quick_chats).await
    }

    /// Waits until the window of what is being said is shown or taken down; returns which.
    pub(crate) async fn spoken(&mut self) -> bool {
        next(&mut self.spoken).await
    }

    /// Whether nothing became of it since it was asked for last.
    pub(crate) fn spoken_stays(&mut self) -> bool {
        self.spoken.try_recv().is_err()
    }

    /// Whether no window was turned to a page since the last one was asked for.
    pub(crate) fn no_page(&mut self) -> bool {
        self.pages.try_recv().is_err()
    }

    pub(crate) async fn tray(&mut self) -> Tray {
        next(&mut self.trays).await
    }

    pub(crate) async fn tray_where(&mut self, wanted: impl Fn(&Tray) -> bool) -> Tray {
        next_where(&mut self.trays, wanted).await
    }

    pub(crate) fn trays_waiting(&self) -> usize {
        self.trays.len()
    }

    pub(crate) async fn is_ready(&mut self, window: bool) {
        assert_eq!(next(&mut self.ready).await, window);
    }

    pub(crate) async fn exits(&mut self) {
        next(&mut self.exits).await;
    }

    pub(crate) async fn connection(&mut self) -> ConnectionView {
        next(&mut self.connections).await
    }

    pub(crate) async fn connection_where(
        &mut self,
        wanted: impl Fn(&ConnectionView) -> bool,
    ) -> ConnectionView {
        next_where(&mut self.connections, wanted).await
    }

    pub(crate) async fn check(&mut self) -> CheckView {
        next(&mut self.checks).await
    }

    pub(crate) async fn settings(&mut self) -> SettingsView {
        next(&mut self.settings).await
    }

    pub(crate) async fn settings_where(
        &mut self,
        wanted: impl Fn(&SettingsView) -> bool,
    ) -> SettingsView {
        next_where(&mut self.settings, wanted).await
    }

    pub(crate) async fn chat(&mut self) -> ChatUpdate {
        next(&mut self.chats).await
    }

    pub(crate) async fn agent_requests_where(
        &mut self,
        wanted: impl Fn(&AgentRequestsView) -> bool,
    ) -> AgentRequestsView {
        next_where(&mut self.requests, wanted).await
    }

    /// Returns what is shown of a repair, once it is as `wanted`.
    pub(crate) async fn repair_where(
        &mut self,
        wanted: impl Fn(&Option<RepairView>) -> bool,
    ) -> Option<RepairView> {
        next_where(&mut self.repairs, wanted).await
    }

    /// Returns what is shown of a setup code or link, once it is as `wanted`.
    pub(crate) async fn invitation_where(
        &mut self,
        wanted: impl Fn(&Option<InvitationView>) -> bool,
    ) -> Option<InvitationView> {
        next_where(&mut self.invitations, wanted).await
    }

    /// Returns what is shown of a key in place of the password, once it is as `wanted`.
    pub(crate) async fn sign_in_key_where(
        &mut self,
        wanted: impl Fn(&Option<SignInKeyView>) -> bool,
    ) -> Option<SignInKeyView> {
        next_where(&mut self.sign_in_keys, wanted).await
    }

    pub(crate) async fn gateway_report_where(
        &mut self,
        wanted: impl Fn(&Option<GatewayReportView>) -> bool,
    ) -> Option<GatewayReportView> {
        next_where(&mut self.gateway_reports, wanted).await
    }

    /// Returns what is shown of the conversations, once it is as `wanted`.
    pub(crate) async fn sessions_where(
        &mut self,
        wanted: impl Fn(&SessionsView) -> bool,
    ) -> SessionsView {
        next_where(&mut self.sessions, wanted).await
    }

    /// Returns what is shown of voice, once it is as `wanted`.
    pub(crate) async fn voice_where(&mut self, wanted: impl Fn(&VoiceView) -> bool) -> VoiceView {
        next_where(&mut self.voices, wanted).await
    }

    pub(crate) async fn level(&mut self) -> f64 {
        next(&mut self.levels).await
    }

    pub(crate) async fn copied(&mut self) -> String {
        next(&mut self.copied).await
    }

    pub(crate) async fn theme(&mut self) -> Theme {
        next(&mut self.themes).await
    }

    pub(crate) async fn notice(&mut self) -> Notice {
        next(&mut self.notices).await
    }

    pub(crate) fn notices_waiting(&self) -> usize {
        self.notices.len()
    }

    /// Returns the folder that is shown next.
    pub(crate) async fn link(&mut self) -> String {
        next(&mut self.links).await
    }

    pub(crate) async fn folder(&mut self) -> PathBuf {
        next(&mut self.folders).await
    }

    pub(crate) async fn page(&mut self) -> Page {
        next(&mut self.pages).await
    }

    /// Returns the keys that are to work everywhere.
    pub(crate) async fn keys(&mut self) -> Shortcuts {
        next(&mut self.keys).await
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

    fn show_small(&self, which: SmallWindow) {
        match which {
            SmallWindow::QuickChat => log(&self.quick_chats, true),
            SmallWindow::Spoken => log(&self.spoken, true),
        }
    }

    fn close_small(&self, which: SmallWindow) {
        match which {
            SmallWindow::QuickChat => log(&self.quick_chats, false),
            SmallWindow::Spoken => log(&self.spoken, false),
        }
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

    fn want_keys(&self, keys: Shortcuts) {
        log(&self.keys, keys);
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
