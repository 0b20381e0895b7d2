//! Another computer, this computer, another computer: switched faster than either comes up.

use std::fs::{self, File, TryLockError};
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, ensure};
use e2e::app::{AppUser, shows_phase};
use e2e::desktop::DesktopParts;
use e2e::gateway::Release;
use e2e::home_server::HomeServer;
use e2e::ports;
use e2e::process::{is_running, send};
use e2e::ssh_server::config::SshServerConfig;
use e2e::wait::until;
use e2e::webdriver::Window;
use rustix::process::Signal;

const SWITCHES: usize = 10;
/// From the last choice to a connection of that kind.
const SETTLED: Duration = Duration::from_secs(30);
/// How long quitting may take.
const QUIT: Duration = Duration::from_secs(2);

const ELSEWHERE: &str = "runs-another-computer";
const HERE: &str = "runs-this-computer";

async fn choose(window: &Window, runs: &str) -> Result<()> {
    window.click("nav-settings").await?;
    window.click(runs).await?;
    // While the choice before it is still being taken, the button takes no click.
    until("the choice can be saved", SETTLED, async || {
        let save = window.element("save").await?;
        Ok(save.is_enabled().await?.then_some(()))
    })
    .await?;
    window.click("save").await
}

/// Whether a gateway of this computer lives: it holds the lock of its state.
fn lives_here(user: &AppUser) -> Result<bool> {
    let state = user.home().data_home().join("openclaw-tray/gateway");
    let lock = File::open(state.join("gateway.lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

#[tokio::test]
async fn the_last_choice_counts_and_nothing_of_the_others_is_left() -> Result<()> {
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_met(&home.ssh, &home.gateway)?;
    let official = user.home().home().join(".openclaw/openclaw.json");
    let written = || Ok::<_, Error>((fs::read(&official)?, fs::metadata(&official)?.modified()?));
    let before = written()?;
    let port = user.local_port()?;
    let window = user.open("quick-switching").await?;
    shows_phase(&window, "up", SETTLED).await?;

    for turn in 0..SWITCHES {
        choose(&window, if turn % 2 == 0 { HERE } else { ELSEWHERE }).await?;
        ensure!(written()? == before, "openclaw.json was written");
    }

    // Another computer's gateway, through one tunnel, which has the port that a gateway here left.
    window.click("nav-server").await?;
    window
        .shows("gateway-version", SETTLED, |text| text.starts_with("20"))
        .await?;
    shows_phase(&window, "up", SETTLED).await?;
    let address = window.text("local-address").await?;
    ensure!(
        address.trim_end_matches('/').ends_with(&format!(":{port}")),
        "the tunnel is at {address}, not at {port}"
    );
    let alive = home.ssh.session_pids().len();
    // One connection is served by at most two processes of sshd.
    ensure!((1..=2).contains(&alive), "{alive} processes of sshd");
    until("no gateway lives here", SETTLED, async || {
        Ok((!lives_here(&user)?).then_some(()))
    })
    .await?;

    choose(&window, HERE).await?;
    window.click("nav-server").await?;
    window
        .shows("gateway-version", SETTLED, |text| text.starts_with("0."))
        .await?;
    until("no tunnel is left", SETTLED, async || {
        Ok(home.ssh.session_pids().is_empty().then_some(()))
    })
    .await?;
    ensure!(lives_here(&user)?, "no gateway lives here");

    // As from the tray, or when the session ends: the automation's own steps are not counted.
    let pid = window.pid()?;
    let closing = Instant::now();
    send(pid, Signal::TERM);
    until("the end of everything", QUIT, async || {
        let is_over = !is_running(pid) && ports::is_free(port) && !lives_here(&user)?;
        Ok(is_over.then_some(()))
    })
    .await
    .with_context(|| format!("{:?}", closing.elapsed()))?;
    ensure!(written()? == before, "openclaw.json was written");
    Ok(())
}
