//! Builds the window's pages when their sources are newer, and names the commands a window may call.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

/// Every command of `bindings.rs`. Naming them here turns each into a permission of its own.
const COMMANDS: &[&str] = &[
    "resend_all",
    "resend_quick_chat",
    "leave_quick_chat",
    "close_quick_chat",
    "resend_spoken",
    "close_spoken",
    "save_settings",
    "check_address",
    "connect",
    "disconnect",
    "reconnect_now",
    "trust_host_key",
    "answer_question",
    "cancel_question",
    "run_check",
    "cancel_check",
    "connection_history",
    "connection_day",
    "chat_history",
    "chat_earlier",
    "send_chat",
    "edit_gateways",
    "keep_draft",
    "note_unsaved",
    "unsent",
    "forget_message",
    "cancel_message",
    "forget_histories",
    "abort_chat",
    "choose_session",
    "create_session",
    "edit_session",
    "decide_approval",
    "answer_agent",
    "decide_pairing",
    "use_found_config",
    "finish_first_run",
    "choose_identity_file",
    "fetch_gateway_secret",
    "add_sign_in_key",
    "undo_sign_in_key",
    "close_sign_in_key",
    "privacy",
    "delete_stored",
    "forget_history",
    "open_own_folder",
    "reset_app",
    "read_invitation",
    "accept_invitation",
    "forget_invitation",
    "offer_repair",
    "run_repair",
    "stop_repair",
    "gateway_log",
    "set_shortcut",
    "set_voice",
    "set_voice_triggers",
    "voice_act",
    "look_at_voice",
    "edit_voice_models",
    "prepare_report",
    "save_report",
    "open_report_folder",
    "chat_message",
    "open_link",
    "show_openclaw_change",
    "write_openclaw_change",
];

/// What vite 8 needs: 20.19 or newer.
const OLDEST_NODE: (u32, u32) = (20, 19);

/// What the pages are made of, beside `src/` and `public/`.
const UI_FILES: &[&str] = &[
    "index.html",
    "browser.html",
    "package.json",
    "package-lock.json",
    "svelte.config.js",
    "tsconfig.json",
    "vite.config.ts",
];

fn main() {
    println!("cargo:rerun-if-env-changed=SKIP_UI_BUILD");
    if env::var_os("SKIP_UI_BUILD").is_none()
        && let Err(problem) = build_ui(Path::new("../ui"))
    {
        println!("cargo::error={problem}");
        std::process::exit(1);
    }
    let attributes = tauri_build::Attributes::new()
        .app_manifest(tauri_build::AppManifest::new().commands(COMMANDS));
    if let Err(problem) = tauri_build::try_build(attributes) {
        println!("cargo::error=the Tauri build step failed: {problem:#}");
        std::process::exit(1);
    }
}

/// Builds `ui/dist` when anything it is made of is newer than it.
fn build_ui(ui: &Path) -> Result<(), String> {
    let sources =
        sources(ui).map_err(|problem| format!("cannot list {}: {problem}", ui.display()))?;
    for source in &sources {
        println!("cargo:rerun-if-changed={}", source.display());
    }
    let has_both = ui.join("dist/browser.html").exists();
    let built = modified(&ui.join("dist/index.html")).filter(|_| has_both);
    if built.is_some_and(|built| {
        sources
            .iter()
            .filter_map(|path| modified(path))
            .all(|source| source <= built)
    }) {
        return Ok(());
    }
    require_node()?;
    let lock = modified(&ui.join("package-lock.json"));
    let installed = modified(&ui.join("node_modules/.package-lock.json"));
    if installed.is_none() || lock > installed {
        npm(ui, &["ci", "--no-audit", "--no-fund"])?;
    }
    npm(ui, &["run", "build"])
}

/// Lists the files and folders whose change means another build.
fn sources(ui: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = UI_FILES
        .iter()
        .map(|name| ui.join(name))
        .filter(|path| path.exists())
        .collect();
    let mut folders = vec![ui.join("src"), ui.join("public")];
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        // The folder itself counts: a deleted file changes nothing but its folder's time.
        found.push(folder.clone());
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    Ok(found)
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|data| data.modified()).ok()
}

/// Fails with what to install when there is no Node.js that can build the pages.
fn require_node() -> Result<(), String> {
    let needed = format!(
        "building the window's pages needs Node.js {}.{} or newer on PATH (or set SKIP_UI_BUILD=1 with a built ui/dist)",
        OLDEST_NODE.0, OLDEST_NODE.1
    );
    let output = Command::new("node")
        .arg("--version")
        .output()
        .map_err(|problem| format!("{needed}; node could not be started: {problem}"))?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let mut numbers = version
        .trim_start_matches('v')
        .split('.')
        .map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= OLDEST_NODE => Ok(()),
        _ => Err(format!("{needed}; found {version}")),
    }
}

fn npm(ui: &Path, arguments: &[&str]) -> Result<(), String> {
    let program = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let shown = format!("npm {} in {}", arguments.join(" "), ui.display());
    let output = Command::new(program)
        .args(arguments)
        .current_dir(ui)
        .output()
        .map_err(|problem| format!("{shown} could not be started: {problem}"))?;
    if output.status.success() {
        return Ok(());
    }
    // Cargo shows one line for each error, so every line of npm's becomes one.
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        println!("cargo::warning={line}");
    }
    Err(format!("{shown} failed with {}", output.status))
}
