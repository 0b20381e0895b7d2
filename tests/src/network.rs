//! A network of a test's own: where a port number is part of what is tested, it must be free.

use std::env;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::process::Program;
use crate::tools;

/// Tells the test that it runs inside.
const INSIDE: &str = "E2E_OWN_NETWORK";
/// How long the test inside may take.
const LIMIT: Duration = Duration::from_secs(400);

/// Returns true in a network namespace of the test's own, with only loopback in it.
///
/// Outside it runs the test `name` again within such a namespace and returns false when that
/// passed, so a test begins `if !in_own_network(…).await? { return Ok(()) }`.
///
/// # Errors
///
/// When there can be no namespace, or the test failed inside it; the text carries its output.
pub async fn in_own_network(name: &str) -> Result<bool> {
    if env::var_os(INSIDE).is_some() {
        return Ok(true);
    }
    let mut inside = Program::new(tools::system("/usr/bin/unshare")?).arg("--net");
    if !rustix::process::getuid().is_root() {
        inside = inside.arg("--map-root-user");
    }
    let done = inside
        .args([
            "--",
            "/bin/sh",
            "-c",
            "ip link set lo up && exec \"$@\"",
            "sh",
        ])
        .arg(env::current_exe()?)
        .args(["--exact", name, "--nocapture"])
        .envs(env::vars_os())
        .env(INSIDE, "1")
        .run(LIMIT)
        .await?;
    ensure!(
        done.status.success(),
        "inside its network:\n{}\n{}",
        done.stdout,
        done.stderr
    );
    ensure!(done.stdout.contains("1 passed"), "no test is named {name}");
    Ok(false)
}
