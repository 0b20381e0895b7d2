//! Row 7: the wall clock jumps by a day, and the clock that only counts does not.

use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::cli::{CommandLine, phase};
use e2e::home_server::{ssh_flags, trust};
use e2e::wait::throughout;

use super::site::{Site, UP, row};

/// Longer than a probe and its deadline.
const CALM: Duration = Duration::from_secs(6);

#[tokio::test]
async fn a_wall_clock_that_jumps_by_a_day_disconnects_nobody_and_locks_nobody_out() -> Result<()> {
    let site = Site::start().await?;
    let user = CommandLine::new()?.with_a_clock_of_its_own()?;
    trust(&site.ssh, user.known_hosts())?;
    let token = user.home().write_private("token", site.gateway.token())?;
    let mut flags = ssh_flags(&site.ssh, site.gateway.port())?;
    flags.extend(["--token-file".to_owned(), token.display().to_string()]);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let mut connecting = user.connect(&flags)?;
    connecting.reaches("up", UP).await?;

    let mut came_back = 0;
    for days in [1, -1, 0] {
        user.set_clock(days)?;
        let off = user.seconds_ahead().await?;
        ensure!(
            (off - days * 86_400).abs() < 60,
            "the clock is {off} s ahead"
        );
        let (logins, states) = (site.ssh.logins(), connecting.states()?.len());
        throughout("it stays up", CALM, async || {
            Ok(phase(&connecting.last()?) == "up" && site.ssh.logins() == logins)
        })
        .await?;
        ensure!(
            connecting.states()?.len() == states,
            "{:?}",
            connecting.phases()?
        );

        // What it signs for the gateway goes by the gateway's clock, and its waits by no clock at all.
        ensure!(site.ssh.kill_sessions() > 0);
        connecting.reaches("up", UP).await?;
        came_back += 1;
    }
    let written = fs::read_to_string(user.known_hosts())?;
    ensure!(written == site.ssh.known_hosts_line()?, "{written}");
    row(
        "7",
        &format!(
            "clock 1 day ahead, 1 day behind and right again: 0 disconnects, signed in {came_back} times after cuts"
        ),
    );
    Ok(())
}
