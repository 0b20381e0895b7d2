//! The desktop app around `gateway-core`: one window, one tray icon, one controller that decides.
//!
//! In reading order:
//!
//! - [`run`]: wires the parts.
//! - [`controller`]: owns what the app knows; the only place that decides.
//! - [`view_model`], [`events`], [`commands`], [`bindings`]: what crosses to the window, and how.
//! - [`tray`]: icon and menu as values computed from the state.
//! - [`notices`]: which notification is shown and when, as a value too; [`tongue`]: the language of both.
//! - [`desktop`]: the trait the controller shows things on, and Tauri behind it.
//! - [`local_gateway`], `page`: the gateway on this computer, and its page for browsers.
//! - [`gateway_link`], [`access`], [`administrator`], `day_recorder`: the real connection behind the controller's port.
//! - `voice_here`: what listens, behind the controller's port.
//! - [`kept_chats`]: what is kept of conversations, behind the controller's port.
//! - [`reports`]: the report for whoever helps.
//! - [`login_start`], [`window_place`]: what a desktop keeps for us between two runs.
//! - [`tray_host`], [`single_instance`], [`launch`], [`logging`], `login_session`,
//!   [`local_programs`]: the surroundings.
//!
//! The window never sees a token or a socket: it gets views and sends intents.

pub mod access;
pub mod administrator;
pub mod bindings;
pub mod checks;
pub mod commands;
pub mod controller;
mod courier;
mod day_recorder;
pub mod desktop;
pub mod events;
mod gateway_calls;
pub mod gateway_link;
pub mod home_server;
pub mod kept_chats;
pub mod launch;
pub mod local_gateway;
pub mod local_programs;
pub mod logging;
mod login_session;
pub mod login_start;
pub mod notices;
mod page;
pub mod reports;
mod session_calls;
pub mod shortcuts;
pub mod single_instance;
pub mod surroundings;
pub mod tongue;
pub mod tray;
pub mod tray_host;
pub mod view_model;
mod voice_here;
pub mod window_place;

#[cfg(target_os = "linux")]
mod webkit_guard;

use administrator::Administrator;
use anyhow::Context as _;
use controller::{Controller, ControllerHandle, KeptSettings, Parts, Request};
use desktop::{
    SmallWindow,
    tauri::{TauriDesktop, small_window},
};
use gateway_core::{
    chat::KeptChats,
    config::{
        Environment, Places, Platform, invitation::LONGEST as LONGEST_LINK, machine, private_file,
    },
    connection::timeline::Timeline,
    credentials::{self, CredentialStore, MemoryStore},
    diagnostics::timeline_file,
    server::logbook::Logbook,
};
use home_server::{CurrentServer, HomeServer};
use launch::Launch;
use logging::LogSwitch;
use reports::{Around, Reports};
use single_instance::InstanceLock;
use std::{
    env,
    error::Error as _,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::Arc,
    time::Duration,
};
use surroundings::Surroundings;
use tauri::{RunEvent, WindowEvent};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};
use view_model::SecretText;

/// Runs the app until it is quit; problems before the window are one line on standard error.
pub fn run() -> ExitCode {
    match start() {
        Ok(code) => code,
        Err(problem) => {
            say(&format!("OpenClaw Tray could not start: {problem:#}"));
            ExitCode::FAILURE
        }
    }
}

fn start() -> anyhow::Result<ExitCode> {
    let mut launch = match Launch::parse(env::args_os().skip(1)) {
        Ok(launch) => launch,
        Err(usage) => {
            say(&usage);
            return Ok(ExitCode::from(WRONG_USAGE));
        }
    };
    if let Some(problem) = launch::screen_problem(|name| env::var_os(name)) {
        say(problem);
        return Ok(ExitCode::FAILURE);
    }
    #[cfg(target_os = "linux")]
    webkit_guard::apply()?;

    let environment = Environment::new(env::vars_os(), env::home_dir(), Platform::current())
        .on_machine(machine::host_name(), machine::uid());
    let places = Places::find(&environment)?;
    private_file::make_folder(places.data_dir())
        .with_context(|| format!("{} cannot be made", places.data_dir().display()))?;
    let lock_file = places.instance_lock();
    let lock = InstanceLock::take(&lock_file)
        .with_context(|| format!("{} cannot be locked", lock_file.display()))?;
    let Some(_lock) = lock else {
        return start_later(&lock_file);
    };
    if let Some(link) = launch.link.as_ref().filter(|_| cfg!(unix)) {
        return start_with_hidden_link(link);
    }
    launch
        .read_link(io::stdin())
        .context("the link cannot be read")?;
    let logbook = Logbook::default();
    let (log, log_file) = logging::start(&places.app_log(), logbook.clone());
    if let Err(problem) = log_file {
        say(&format!("no log file can be written: {problem}"));
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "starting");

    // The keychain answers while the toolkit starts.
    let store = tauri::async_runtime::spawn(open_keychain(places.clone()));
    let (controller, requests) = ControllerHandle::channel();
    let app = build(&controller)?;
    let desktop = Arc::new(TauriDesktop::new(
        app.handle().clone(),
        controller.clone(),
        places.data_dir().join("webview"),
        places.data_dir().join("window.json"),
        &environment,
    ));
    let around = Around::of(app.handle());
    let handle = app.handle().clone();
    tauri::async_runtime::spawn(async move {
        let controlled = tauri::async_runtime::spawn(async move {
            let kept = kept_chats::open(&places).await;
            let surroundings = Surroundings {
                places,
                environment,
                store: store.await?,
                logbook,
                prints_link: launch.browser_link,
            };
            let controller = wire(surroundings, log, around, desktop, requests, launch, kept);
            controller.await.run().await;
            anyhow::Ok(())
        });
        // Without its controller the app could neither work nor be quit.
        if let Err(problem) = controlled.await.map_err(anyhow::Error::from).flatten() {
            tracing::error!(%problem, "the controller has failed");
            handle.exit(1);
        }
    });
    tauri::async_runtime::spawn(watch_tray_host(controller.clone()));
    tauri::async_runtime::spawn(watch_signals(controller.clone()));
    let code = app.run_return(move |_, event| on_event(&controller, &event));
    Ok(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Opens the keychain; one that does not answer, or refuses at once, is as good as none.
///
/// Whether it keeps anything shows only in use, so this device's key is read, or made on first use.
/// A locked keychain asks its owner, which takes as long as it takes: that is no refusal, and
/// whoever wants the key later waits for the same answer.
async fn open_keychain(places: Places) -> Arc<dyn CredentialStore> {
    let Ok(store) = timeout(KEYCHAIN, credentials::open_store()).await else {
        return Arc::new(MemoryStore::new("the keychain did not answer"));
    };
    let used = Arc::clone(&store);
    // A task of its own: it must come to its end even when nobody waits any longer.
    let key = tokio::spawn(async move { access::device_key(&*used, &places).await.map(drop) });
    match timeout(KEYCHAIN, key).await {
        Ok(Ok(Err(refusal))) => {
            tracing::warn!(%refusal, "secrets are kept in memory until the app quits");
            let reason = refusal
                .source()
                .map_or_else(|| refusal.to_string(), ToString::to_string);
            Arc::new(MemoryStore::new(reason))
        }
        Ok(Ok(Ok(())) | Err(_)) | Err(_) => store,
    }
}

/// Puts the controller together.
async fn wire(
    surroundings: Surroundings,
    log: LogSwitch,
    around: Around,
    desktop: Arc<TauriDesktop>,
    requests: mpsc::Receiver<Request>,
    launch: Launch,
    kept: Option<KeptChats>,
) -> Controller {
    let settings = KeptSettings::load(
        &surroundings.places,
        surroundings.environment.clone(),
        Arc::clone(&surroundings.store),
        log,
    );
    let places = surroundings.places.clone();
    let current = CurrentServer::default();
    let left_chats = kept_chats::left(kept.as_ref()).await;
    let (connection, courier, voice) = gateway_link::start(
        surroundings.clone(),
        &settings.profile(),
        current.clone(),
        kept.clone(),
    );
    let timeline = connection.timeline.clone();
    tauri::async_runtime::spawn(keep_timeline(timeline, surroundings.places.timeline()));
    Controller::new(Parts {
        desktop,
        connection,
        courier,
        voice,
        kept_chats: kept_chats::start(kept),
        left_chats,
        checks: Arc::new(checks::Checks::new(surroundings.clone(), current.clone())),
        administrator: Arc::new(Administrator::new(surroundings.clone(), current.clone())),
        home_server: Arc::new(HomeServer::new(surroundings.clone(), current)),
        reports: Arc::new(Reports::new(surroundings, around)),
        settings,
        places,
        requests,
        launch,
    })
}

/// Keeps what happens to the connection where a report finds it after the app has ended.
async fn keep_timeline(timeline: watch::Receiver<Timeline>, file: PathBuf) {
    if let Err(problem) = timeline_file::keep(timeline, file).await {
        tracing::warn!(%problem, "what happens to the connection is not kept");
    }
}

/// What opening the keychain may take; it answers in a tenth of a second where it answers at all.
const KEYCHAIN: Duration = Duration::from_secs(3);

/// What an instance that is quitting may take to close its connections and end.
const LEAVING: Duration = Duration::from_secs(5);

const NOT_AGAIN: &str = "the program could not start itself again";

/// `EX_USAGE` of sysexits(3).
const WRONG_USAGE: u8 = 64;

fn build(controller: &ControllerHandle) -> anyhow::Result<tauri::App> {
    let bindings = bindings::builder();
    let invoke = bindings.invoke_handler();
    let app = tauri::Builder::default()
        .plugin(single_instance_plugin(controller.clone()))
        .plugin(tauri_plugin_shell::init())
        .plugin(tauri_plugin_dialog::init())
        .manage(controller.clone())
        .invoke_handler(invoke);
    #[cfg(not(target_os = "linux"))]
    let app = app.plugin(tauri_plugin_global_shortcut::Builder::new().build());
    let app = app
        .build(tauri::generate_context!())
        .context("the desktop toolkit cannot be started")?;
    // Before anything can be told: the toolkit's own setup runs later, when its loop starts.
    bindings.mount_events(&app);
    Ok(app)
}

fn single_instance_plugin(controller: ControllerHandle) -> tauri::plugin::TauriPlugin<tauri::Wry> {
    tauri_plugin_single_instance::init(move |_, arguments, _| {
        controller.tell(match launch::link_among(arguments) {
            Some(link) => Request::LinkOpened(link),
            None => Request::LaunchedAgain,
        });
    })
}

/// A start while another instance holds the lock: that one shows its window, or this one takes its
/// place when it turns out to be leaving.
fn start_later(lock_file: &Path) -> anyhow::Result<ExitCode> {
    let told = tell_first();
    if InstanceLock::is_free_within(lock_file, LEAVING)? {
        // The toolkit has been started here in vain, and it starts once in a process.
        return start_anew();
    }
    told?;
    say("OpenClaw Tray is already running.");
    Ok(ExitCode::SUCCESS)
}

/// Asks the instance that holds the lock to show its window.
///
/// The plugin ends this process once the first has taken the message; it returns where there is no
/// session bus to tell it over, and where the first has left the bus because it is quitting.
fn tell_first() -> anyhow::Result<()> {
    let (unused, _inbox) = ControllerHandle::channel();
    tauri::Builder::default()
        .plugin(single_instance_plugin(unused))
        .build(tauri::generate_context!())
        .context("the running OpenClaw Tray cannot be reached")?;
    Ok(())
}

/// Replaces this process with a fresh start of the same program.
#[cfg(unix)]
fn start_anew() -> anyhow::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;

    let problem = this_program()?.exec();
    Err(problem).context(NOT_AGAIN)
}

/// Starts the same program afresh and ends this process.
#[cfg(not(unix))]
fn start_anew() -> anyhow::Result<ExitCode> {
    this_program()?.spawn().context(NOT_AGAIN)?;
    Ok(ExitCode::SUCCESS)
}

/// Starts the same program afresh with the link where no other program sees it: arguments can be read by
/// everybody on this computer for as long as the program runs.
#[cfg(unix)]
fn start_with_hidden_link(link: &SecretText) -> anyhow::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;

    let (reader, mut writer) = io::pipe().context(NOT_AGAIN)?;
    let link = link.expose().as_bytes();
    // It fits into the pipe, and what is longer is refused anyway.
    let longest = link.len().min(LONGEST_LINK + 1);
    writer.write_all(&link[..longest]).context(NOT_AGAIN)?;
    drop(writer);
    let program = env::current_exe().context("the program's own file is not known")?;
    let problem = Command::new(program)
        .args(
            env::args_os()
                .skip(1)
                .filter(|argument| !launch::is_link(argument)),
        )
        .arg(launch::LINK_ON_STDIN)
        .stdin(reader)
        .exec();
    Err(problem).context(NOT_AGAIN)
}

/// There, the arguments of a program are its user's alone to read.
#[cfg(not(unix))]
fn start_with_hidden_link(_: &SecretText) -> anyhow::Result<ExitCode> {
    anyhow::bail!(NOT_AGAIN)
}

fn this_program() -> anyhow::Result<Command> {
    let program = env::current_exe().context("the program's own file is not known")?;
    let mut command = Command::new(program);
    command.args(env::args_os().skip(1));
    Ok(command)
}

fn on_event(controller: &ControllerHandle, event: &RunEvent) {
    if let RunEvent::ExitRequested {
        api, code: None, ..
    } = event
    {
        // Without a window the app lives on in the tray; only an exit with a code is meant.
        api.prevent_exit();
    }
    #[cfg(target_os = "macos")]
    if let RunEvent::Opened { urls } = event {
        for url in urls {
            controller.tell(Request::LinkOpened(SecretText::new(url.as_str())));
        }
    }
    if let RunEvent::WindowEvent {
        event: WindowEvent::CloseRequested { api, .. },
        label,
        ..
    } = event
    {
        api.prevent_close();
        controller.tell(match small_window::named(label) {
            Some(which) => Request::SmallWindowClosed(which),
            None => Request::WindowClosed,
        });
    }
    if let RunEvent::WindowEvent {
        event: WindowEvent::Focused(focused),
        label,
        ..
    } = event
    {
        match small_window::named(label) {
            Some(SmallWindow::QuickChat) => controller.tell(Request::QuickChatFocused(*focused)),
            // Whoever is in it looks at what it shows; nothing follows from that.
            Some(SmallWindow::Spoken) => {}
            None => controller.tell(Request::WindowFocused(*focused)),
        }
    }
}

async fn watch_tray_host(controller: ControllerHandle) {
    tray_host::watch(|present| controller.tell(Request::TrayHost(present))).await;
}

/// Turns the system's wish that the app ends into quitting.
#[cfg(unix)]
async fn watch_signals(controller: ControllerHandle) {
    use tokio::signal::unix::{SignalKind, signal};

    let signals = signal(SignalKind::terminate()).and_then(|terminate| {
        Ok((
            terminate,
            signal(SignalKind::interrupt())?,
            signal(SignalKind::hangup())?,
        ))
    });
    match signals {
        Ok((mut terminate, mut interrupt, mut hangup)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = hangup.recv() => {}
            }
            controller.tell(Request::Quit);
        }
        Err(problem) => tracing::warn!(%problem, "signals cannot be received"),
    }
}

/// Turns the system's wish that the app ends into quitting.
#[cfg(not(unix))]
async fn watch_signals(controller: ControllerHandle) {
    match tokio::signal::ctrl_c().await {
        Ok(()) => controller.tell(Request::Quit),
        Err(problem) => tracing::warn!(%problem, "signals cannot be received"),
    }
}

/// Says one line to whoever started the app from a terminal.
fn say(line: &str) {
    // A closed terminal is no reason to fail.
    drop(writeln!(io::stderr(), "{line}"));
}
