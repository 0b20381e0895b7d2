//! What agents do by the clock: `cron.list`, `cron.status`.

use super::NoParams;
use serde_json::Value;

methods! {
    /// The jobs.
    CronList("cron.list", Read): CronListParams => CronListPayload;
    /// Whether jobs run.
    CronStatus("cron.status", Read): NoParams => CronStatusPayload;
}

params! {
    /// Params of `cron.list`.
    CronListParams {}
    may have {
        /// Whether to list those that are switched off.
        include_disabled: bool,
        /// How many at most.
        limit: u32,
        /// How many to leave out from the start.
        offset: u32,
    }
}

shape! {
    /// The jobs.
    CronListPayload {
        /// The jobs.
        jobs: Vec<CronJob>,
    }
    may have {
        /// How many there are in all.
        total: u64,
        /// Whether there are more.
        has_more: bool,
    }
}

shape! {
    /// One job.
    CronJob {
        /// Which job.
        id: String,
    }
    may have {
        /// What it is called.
        name: String,
        /// What to call it where people read.
        display_name: String,
        /// What it is for.
        description: String,
        /// Whether it is switched on.
        enabled: bool,
        /// When it runs.
        schedule: Value,
        /// When it runs next, in milliseconds since 1970.
        next_run_at_ms: u64,
        /// When it ran last, in milliseconds since 1970.
        last_run_at_ms: u64,
        /// How that went.
        last_run_status: String,
    }
}

shape! {
    /// Whether jobs run.
    CronStatusPayload {
        /// Whether they do.
        enabled: bool,
    }
    may have {
        /// How many there are.
        jobs: u64,
    }
    may be null {
        /// When the next one runs, in milliseconds since 1970.
        next_wake_at_ms: u64,
    }
}
