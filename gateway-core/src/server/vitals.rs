//! What the operating system says of this process and its machine, as far as it says anything
//! without asking with other rights. Where it says nothing the numbers are 0, as clients expect a
//! number.

use serde_json::{Value, json};
use std::time::Duration;

/// Linux counts processor time in hundredths of a second towards programs, whatever it does inside.
const TICKS_PER_SECOND: f64 = 100.0;
/// How large a page of memory is on the machines Linux releases of this program are for.
const PAGE_BYTES: u64 = 4096;

/// The processor time of this process and of its machine.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Load {
    /// How many processors this process kept busy since it started, on average.
    own: f64,
    /// Which part of all processors was busy since the machine started, from 0 to 1.
    host: f64,
}

/// Returns how much memory the process holds, in bytes.
pub(super) fn resident_bytes() -> u64 {
    read("/proc/self/statm")
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok())
        .map_or(0, |pages| pages.saturating_mul(PAGE_BYTES))
}

/// Returns how much memory the process held at its largest, in bytes (`VmHWM`, in kilobytes).
pub(super) fn most_resident_bytes() -> u64 {
    read("/proc/self/status")
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_ascii_whitespace().next()?.parse::<u64>().ok())
        .map_or(0, |kilobytes| kilobytes.saturating_mul(1024))
}

/// Returns the memory report: all of it is resident memory, for there is no managed heap.
pub(super) fn process_memory() -> Value {
    json!({
        "rssBytes": resident_bytes(), "heapUsedBytes": 0, "heapTotalBytes": 0,
        "externalBytes": 0, "arrayBuffersBytes": 0,
    })
}

/// Returns the report clients know as that of the event loop. There is no loop that could stall:
/// delays are 0 and the load is that of the process since its start.
pub(super) fn event_loop(uptime: Duration) -> Value {
    let Load { own, host } = load(uptime);
    json!({
        "degraded": false, "degradedSinceMs": null, "reasons": [], "intervalMs": 1000,
        "delayP99Ms": 0, "delayMaxMs": 0, "utilization": 0, "cpuCoreRatio": rounded(own),
        "cpuBreakdown": {
            "mainThreadCoreRatio": 0, "workerCoreRatio": 0, "otherThreadsCoreRatio": rounded(own),
            "hostUtilization": rounded(host), "hostCpuCount": processors(),
        },
    })
}

/// Returns what kind of system this is, in the words of the official gateway.
pub(super) fn device_family() -> &'static str {
    match std::env::consts::OS {
        "linux" => "Linux",
        "macos" => "Mac",
        "windows" => "Windows",
        other => other,
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn load(uptime: Duration) -> Load {
    Load {
        own: own_seconds(&read("/proc/self/stat")) / uptime.as_secs_f64().max(0.001),
        host: busy_part(&read("/proc/stat")),
    }
}

/// Reads the processor time of a process from its `stat`: fields 14 and 15, counted after the
/// program's name, which may hold spaces (proc(5)).
fn own_seconds(stat: &str) -> f64 {
    let Some((_, after_name)) = stat.rsplit_once(") ") else {
        return 0.0;
    };
    let ticks: f64 = after_name
        .split(' ')
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    ticks / TICKS_PER_SECOND
}

/// Reads the busy part from the first line of `/proc/stat`: user, nice, system, idle, iowait, …
fn busy_part(stat: &str) -> f64 {
    let fields: Vec<f64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_ascii_whitespace()
        .skip(1)
        .take(8)
        .filter_map(|field| field.parse().ok())
        .collect();
    let all: f64 = fields.iter().sum();
    let idle: f64 = fields.iter().skip(3).take(2).sum();
    if all > 0.0 { (all - idle) / all } else { 0.0 }
}

/// To three digits, as the official gateway has it.
fn rounded(ratio: f64) -> f64 {
    (ratio * 1000.0).round() / 1000.0
}

/// Other systems have no such files; there is nothing to say then.
fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_process_is_read_past_a_name_with_spaces_and_brackets() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 150 50 9 9 20 0 4 0";
        assert!((own_seconds(stat) - 2.0).abs() < 1e-9);
        assert!(own_seconds("").abs() < 1e-9);
    }

    #[test]
    fn idle_and_waiting_time_is_not_busy() {
        let stat = "cpu  20 0 30 40 10 0 0 0 0 0\ncpu0 1 1 1 1\n";
        assert!((busy_part(stat) - 0.5).abs() < 1e-9);
        assert!(busy_part("").abs() < 1e-9);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_says_how_large_a_process_is() {
        assert!(resident_bytes() > 100_000);
        assert!(most_resident_bytes() > 100_000);
    }
}
