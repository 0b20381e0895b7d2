//! A network or file systems of a test's own: where a port number is part of what is tested, no
//! other program may have it.

use std::env;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::process::Program;
use crate::tools;

/// Tells the test that it runs inside.
const INSIDE: &str = "E2E_APART";
/// How long the test inside may take.
const LIMIT: Duration = Duration::from_secs(400);

/// Loopback is there and down in a new network.
const LOOPBACK_UP: &str = "ip link set lo up";

/// Every file of the machine, but for those that tell a container: `/` and `/run` are made anew
/// from what is in them. Below `/mnt`, which every Debian has, so that nothing is left behind.
const NO_CONTAINER: &str = r#"
bind_all() {
  for entry in "$1"/*; do
    [ "$entry" != /mnt ] && [ "$entry" != /run ] || { mkdir "/mnt$entry"; continue; }
    if [ -h "$entry" ]; then cp -P "$entry" "/mnt$entry"
    elif [ -d "$entry" ]; then mkdir "/mnt$entry"; mount --rbind "$entry" "/mnt$entry"
    elif [ -e "$entry" ]; then : > "/mnt$entry"; mount --bind "$entry" "/mnt$entry"
    fi
  done
}
mount -t tmpfs -o mode=755 tmpfs /mnt
bind_all ""
bind_all /run
set -- chroot /mnt "$@"
"#;

/// Returns true in a network namespace of the test's own, with only loopback in it.
///
/// Outside it runs the test `name` again within such a namespace and returns false when that
/// passed, so a test begins `if !in_own_network(…).await? { return Ok(()) }`.
///
/// # Errors
///
/// When there can be no namespace, or the test failed inside it; the text carries its output.
pub async fn in_own_network(name: &str) -> Result<bool> {
    apart(name, &["--net"], LOOPBACK_UP).await
}

/// As [`in_own_network`], on a machine that is not a container, whatever this one is.
///
/// # Errors
///
/// As [`in_own_network`].
pub async fn in_own_network_of_no_container(name: &str) -> Result<bool> {
    let setup = format!("{LOOPBACK_UP}\n{NO_CONTAINER}");
    apart(name, &["--net", "--mount"], &setup).await
}

/// As [`in_own_network`], in the network of the machine: what the test mounts is its own.
///
/// # Errors
///
/// As [`in_own_network`].
pub async fn in_own_mounts(name: &str) -> Result<bool> {
    apart(name, &["--mount"], "").await
}

async fn apart(name: &str, namespaces: &[&str], setup: &str) -> Result<bool> {
    if env::var_os(INSIDE).is_some() {
        return Ok(true);
    }
    let mut inside = Program::new(tools::system("/usr/bin/unshare")?).args(namespaces);
    if !rustix::process::getuid().is_root() {
        inside = inside.arg("--map-root-user");
    }
    let done = inside
        .args([
            "--",
            "/bin/sh",
            "-ec",
            &format!("{setup}\nexec \"$@\""),
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
        "inside its namespaces:\n{}\n{}",
        done.stdout,
        done.stderr
    );
    ensure!(done.stdout.contains("1 passed"), "no test is named {name}");
    Ok(false)
}
