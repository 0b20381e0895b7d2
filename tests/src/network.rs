//! A network or file systems of a test's own: where a port number is part of what is tested, no
//! other program may have it.

mod far;
mod line;

use std::env;
use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::long_runs::from_env;
use crate::process::Program;
use crate::tools;

pub use far::FarNetwork;
pub use line::{Counts, Line, Quality};

/// Tells the test that it runs inside.
const INSIDE: &str = "E2E_APART";
/// How long the test inside may take, unless `E2E_APART_SECONDS` says otherwise.
const LIMIT_SECONDS: u64 = 400;
/// One order to the firewall or to `ip`.
const ORDER: Duration = Duration::from_secs(20);

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

/// As [`in_own_network`], and what the test mounts is its own too.
///
/// # Errors
///
/// As [`in_own_network`].
pub async fn in_own_network_and_mounts(name: &str) -> Result<bool> {
    apart(name, &["--net", "--mount"], LOOPBACK_UP).await
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
        .run(Duration::from_secs(from_env(
            "E2E_APART_SECONDS",
            LIMIT_SECONDS,
        )?))
        .await?;
    ensure!(
        done.status.success(),
        "inside its namespaces:\n{}\n{}",
        done.stdout,
        done.stderr
    );
    ensure!(done.stdout.contains("1 passed"), "no test is named {name}");
    tell_figures(&done.stdout);
    Ok(false)
}

/// Gives an order to `ip` in the test's own network.
///
/// # Errors
///
/// When it does not obey.
pub async fn ip(args: &[&str]) -> Result<()> {
    let program = Program::new(tools::system("/usr/sbin/ip")?);
    program.args(args).run(ORDER).await?.ok().map(drop)
}

/// Says what the firewall of the test's own network does from now on, packet by packet as they come in;
/// nothing else stays.
///
/// # Errors
///
/// When there is no firewall to be had, or it does not understand a rule.
pub async fn firewall(rules: &[&str]) -> Result<()> {
    let chain = format!(
        "table inet faults {{\nchain in {{\ntype filter hook input priority 0;\n{}\n}}\n}}\n",
        rules.join("\n")
    );
    let chain = if rules.is_empty() { "" } else { &chain };
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("rules");
    fs::write(&file, format!("flush ruleset\n{chain}"))?;
    let nft = Program::new(tools::system("/usr/sbin/nft")?)
        .arg("-f")
        .arg(&file);
    nft.run(ORDER).await?.ok().map(drop)
}

/// Passes on what a test inside told of its figures.
#[expect(
    clippy::print_stdout,
    reason = "figures are for whoever reads the test's output"
)]
fn tell_figures(stdout: &str) {
    for line in stdout.lines().filter(|line| line.starts_with("row ")) {
        println!("{line}");
    }
}
