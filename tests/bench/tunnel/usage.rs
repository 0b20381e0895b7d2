//! What a process uses, as the kernel counts it.

use std::fs;

use anyhow::{Context, Result};

/// The computing time of a process so far, in seconds, to the nanosecond.
pub(crate) fn cpu(pid: u32) -> Result<f64> {
    let mut nanoseconds = 0.0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end while the others are read.
        let Ok(line) = fs::read_to_string(task?.path().join("schedstat")) else {
            continue;
        };
        let first = line.split(' ').next().context("an empty schedstat")?;
        nanoseconds += first.parse::<f64>()?;
    }
    Ok(nanoseconds / 1e9)
}

/// What it has in memory, in KiB.
pub(crate) fn rss(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("no VmRSS")?;
    let value = line.trim().trim_end_matches(" kB").trim();
    Ok(value.parse()?)
}

/// Its share of the memory, in KiB: what others map too is divided among them.
pub(crate) fn pss(pid: u32) -> Result<f64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = rollup
        .lines()
        .find_map(|line| line.strip_prefix("Pss:"))
        .context("no Pss")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}

/// How often its threads were woken so far.
pub(crate) fn wake_ups(pid: u32) -> Result<f64> {
    let mut count = 0.0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let Ok(status) = fs::read_to_string(task?.path().join("status")) else {
            continue;
        };
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))
            .context("no voluntary_ctxt_switches")?;
        count += line.trim().parse::<f64>()?;
    }
    Ok(count)
}
