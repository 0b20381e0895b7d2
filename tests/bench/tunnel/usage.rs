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
    let value = line.trim().trim_end_matches(" kB");
    Ok(value.parse()?)
}
