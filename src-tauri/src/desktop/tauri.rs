//! The real desktop: Tauri's window, tray and events.
//!
//! Window and tray belong to the main thread; every call here is handed over to it and returns.

mod main_window;
pub(crate) mod small_window;
mod tray_icon;

use super::{Desktop, SmallWindow, clipboard::Copier, global_keys::GlobalKeys, notifier::Notifier};
use crate::{
    controller::{ControllerHandle, Request},
    events::{
        AgentRequestsChanged, ChatChanged, CheckChanged, ConnectionChanged, GatewayReportChanged,
        InvitationChanged, PageRequested, RepairChanged, SessionsChanged, SettingsChanged,
        SignInKeyChanged, VoiceChanged, VoiceLevelChanged, WindowEvent,
    },
    local_programs,
    notices::Notice,
    tray::Tray,
};
use gateway_core::config::{Environment, settings::Theme, shortcut::Shortcuts};
use main_window::MainWindow;
use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};
use tauri::AppHandle;
use tauri_plugin_dialog::DialogExt as _;
use tauri_specta::Event as _;
use tokio::sync::oneshot;
use tray_icon::ShownTray;

/// The label of the one window, as the capability file names it.
pub const MAIN_WINDOW: &str = "main";

/// What the toolkit may take to wind up before the process is ended under it.
const LAST_WORDS: Duration = Duration::from_millis(400);

/// The desktop the user sees.
pub struct TauriDesktop {
    app: AppHandle,
    controller: ControllerHandle,
    window: MainWindow,
    tray: Arc<Mutex<Option<ShownTray>>>,
    notifier: Notifier,
    copier: Copier,
    keys: GlobalKeys,
}

impl TauriDesktop {
    /// Returns the desktop of a running app; the web view keeps its data in `webview_data`, and
    /// where the window stood is kept in `window_file`.
    pub fn new(
        app: AppHandle,
        controller: ControllerHandle,
        webview_data: PathBuf,
        window_file: PathBuf,
        environment: &Environment,
    ) -> Self {
        Self {
            keys: GlobalKeys::new(&app, controller.clone(), environment),
            app,
            notifier: Notifier::start(controller.clone()),
            controller,
            window: MainWindow::new(webview_data, window_file),
            tray: Arc::default(),
            copier: Copier::default(),
        }
    }

    fn on_main_thread(&self, what: &'static str, work: impl FnOnce() + Send + 'static) {
        if let Err(problem) = self.app.run_on_main_thread(work) {
            tracing::warn!(%problem, what, "the main thread took no more work");
        }
    }
}

impl Desktop for TauriDesktop {
    fn show_window(&self) {
        let (app, window) = (self.app.clone(), self.window.clone());
        self.on_main_thread("show the window", move || {
            if let Err(problem) = window.show(&app) {
                tracing::error!(%problem, "the window could not be shown");
            }
        });
    }

    fn close_window(&self) {
        let (app, window) = (self.app.clone(), self.window.clone());
        self.on_main_thread("close the window", move || {
            if let Err(problem) = window.close(&app) {
                tracing::warn!(%problem, "the window could not be closed");
            }
        });
    }

    fn hide_window(&self) {
        let (app, window) = (self.app.clone(), self.window.clone());
        self.on_main_thread("hide the window", move || {
            if let Err(problem) = window.hide(&app) {
                tracing::warn!(%problem, "the window could not be hidden");
            }
        });
    }

    fn show_small(&self, which: SmallWindow) {
        let (app, data) = (self.app.clone(), self.window.webview_data().to_owned());
        self.on_main_thread("show a small window", move || {
            if let Err(problem) = small_window::show(&app, which, data) {
                tracing::error!(%problem, ?which, "a small window could not be shown");
            }
        });
    }

    fn close_small(&self, which: SmallWindow) {
        let app = self.app.clone();
        self.on_main_thread("close a small window", move || {
            if let Err(problem) = small_window::close(&app, which) {
                tracing::warn!(%problem, ?which, "a small window could not be closed");
            }
        });
    }

    fn show_tray(&self, tray: &Tray) {
        let (app, controller, tray) = (self.app.clone(), self.controller.clone(), tray.clone());
        let shown = Arc::clone(&self.tray);
        self.on_main_thread("draw the tray", move || {
            let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
            let drawn = match &mut *shown {
                Some(shown) => shown.change(&app, &tray),
                None => ShownTray::put_up(&app, controller.clone(), &tray)
                    .map(|put_up| *shown = Some(put_up)),
            };
            if let Err(problem) = drawn {
                tracing::warn!(%problem, "the tray icon could not be drawn");
                // An app without window and icon could not be found again.
                if shown.is_none() {
                    controller.tell(Request::TrayHost(false));
                }
            }
        });
    }

    fn send(&self, event: WindowEvent) {
        let sent = match event {
            WindowEvent::Connection(view) => ConnectionChanged(view).emit(&self.app),
            WindowEvent::Check(view) => CheckChanged(view).emit(&self.app),
            WindowEvent::Settings(view) => SettingsChanged(view).emit(&self.app),
            WindowEvent::Chat(update) => ChatChanged(update).emit(&self.app),
            WindowEvent::AgentRequests(view) => AgentRequestsChanged(view).emit(&self.app),
            WindowEvent::SignInKey(view) => SignInKeyChanged(view).emit(&self.app),
            WindowEvent::GatewayReport(view) => GatewayReportChanged(view).emit(&self.app),
            WindowEvent::Repair(view) => RepairChanged(view).emit(&self.app),
            WindowEvent::Invitation(view) => InvitationChanged(view).emit(&self.app),
            WindowEvent::Sessions(view) => SessionsChanged(view).emit(&self.app),
            WindowEvent::Voice(view) => VoiceChanged(view).emit(&self.app),
            WindowEvent::VoiceLevel(level) => VoiceLevelChanged(level).emit(&self.app),
            WindowEvent::Page(page) => PageRequested(page).emit(&self.app),
        };
        if let Err(problem) = sent {
            tracing::warn!(%problem, "the window was not told");
        }
    }

    fn notify(&self, notice: Notice) {
        self.notifier.show(notice);
    }

    fn want_keys(&self, keys: Shortcuts) {
        self.keys.want(keys);
    }

    fn set_theme(&self, theme: Theme) {
        let app = self.app.clone();
        self.on_main_thread("set the theme", move || {
            app.set_theme(match theme {
                Theme::System => None,
                Theme::Light => Some(tauri::Theme::Light),
                Theme::Dark => Some(tauri::Theme::Dark),
            });
        });
    }

    fn copy(&self, text: String) {
        self.copier.copy(text);
    }

    fn choose_file(&self, reply: oneshot::Sender<Option<PathBuf>>) {
        self.app.dialog().file().pick_file(move |chosen| {
            let path = chosen.and_then(|chosen| chosen.into_path().ok());
            // Whoever asked may have gone; then nobody wants the answer.
            drop(reply.send(path));
        });
    }

    fn open_folder(&self, folder: &Path) -> Result<(), String> {
        local_programs::open_folder(&self.app, folder).map_err(|problem| problem.to_string())
    }

    fn open_link(&self, address: &str) -> Result<(), String> {
        local_programs::open_link(&self.app, address).map_err(|problem| problem.to_string())
    }

    fn ready(&self, window: bool) {
        let (pid, shown) = (process::id(), if window { "shown" } else { "hidden" });
        // Whoever started the app may have closed the pipe; the app is ready all the same.
        drop(writeln!(
            io::stdout(),
            "OPENCLAW TRAY READY pid={pid} window={shown}"
        ));
    }

    fn leave(&self) {
        let app = self.app.clone();
        // The plugin talks to the session bus and waits for it, which a runtime's thread must not.
        thread::spawn(move || tauri_plugin_single_instance::destroy(&app));
    }

    fn exit(&self) {
        thread::spawn(|| {
            thread::sleep(LAST_WORDS);
            process::exit(0);
        });
        self.app.exit(0);
    }
}
