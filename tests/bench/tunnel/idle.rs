//! What a forward costs while nobody uses it, side by side over the same time.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::sleep;

use crate::side::{Way, Who};
use crate::usage;

/// After the start everything that only happens once is over.
const SETTLE: Duration = Duration::from_secs(15);

/// Lets both stand for as long, and prints what that cost each.
#[expect(
    clippy::print_stdout,
    reason = "a benchmark's result is what it prints"
)]
pub(crate) async fn idle(way: &Way<'_>, time: Duration) -> Result<()> {
    let mut sides = Vec::new();
    for who in [Who::Ours, Who::Ssh] {
        sides.push(way.open(who).await?.0);
    }
    sleep(SETTLE).await;
    let mut before = Vec::new();
    for side in &sides {
        let pid = side.pid().context("no program to look at")?;
        before.push((usage::cpu(pid)?, usage::wake_ups(pid)?));
    }
    // The time is what is measured.
    sleep(time).await;
    println!("{} s with nothing to do", time.as_secs());
    for (side, (cpu, woken)) in sides.iter().zip(before) {
        let pid = side.pid().context("no program to look at")?;
        println!(
            "    {:<18} PSS {:>8.0} KiB  computing {:>8.1} ms  woken {:>6.0} times",
            side.who.name(),
            usage::pss(pid)?,
            (usage::cpu(pid)? - cpu) * 1e3,
            usage::wake_ups(pid)? - woken,
        );
    }
    Ok(())
}
