//! How the gateway is: `health`, `status`, `system-presence`, `logs.tail`, `last-heartbeat`.

use super::NoParams;
use crate::protocol::DeviceId;
use serde_json::{Map, Value};

methods! {
    /// Whether the gateway and its channels work; cached by the gateway.
    Health("health", Read): HealthParams => HealthPayload;
    /// What the gateway is running.
    Status("status", Read): StatusParams => StatusPayload;
    /// Who is connected.
    SystemPresence("system-presence", Read): NoParams => Vec<PresenceEntry>;
    /// The end of the gateway's log.
    LogsTail("logs.tail", Read): LogsTailParams => LogsTailPayload;
    /// The last heartbeat run, or null before the first.
    LastHeartbeat("last-heartbeat", Read): NoParams => Value;
}

params! {
    /// Params of `health`.
    HealthParams {}
    may have {
        /// Measures anew instead of answering from the cache, and tells everybody by an event.
        probe: bool,
    }
}

shape! {
    /// How the gateway is. Also the payload of the `health` event.
    HealthPayload {}
    may have {
        /// Whether it works.
        ok: bool,
        /// When this was measured, in milliseconds since 1970.
        ts: u64,
        /// How long measuring took, in milliseconds.
        duration_ms: u64,
        /// Each channel's state, by its id.
        channels: Map<String, Value>,
        /// The order to show channels in.
        channel_order: Vec<String>,
        /// What to call each channel.
        channel_labels: Map<String, Value>,
        /// How often agents wake by themselves, in seconds.
        heartbeat_seconds: u64,
        /// The agent that short session keys belong to.
        default_agent_id: String,
        /// Each agent's state.
        agents: Vec<AgentHealth>,
        /// How many conversations there are.
        sessions: SessionsHealth,
        /// Which plugins loaded.
        plugins: PluginsHealth,
        /// Whether the gateway keeps up.
        event_loop: EventLoop,
        /// Whether models can be run. Absent on wire version 3.
        model_runtime: ModelRuntime,
    }
}

shape! {
    /// One agent's state.
    AgentHealth {
        /// Which agent.
        agent_id: String,
    }
    may have {
        /// What to call it.
        name: String,
        /// Whether short session keys belong to it.
        is_default: bool,
        /// How it wakes by itself.
        heartbeat: Value,
        /// How many conversations it has.
        sessions: SessionsHealth,
    }
}

shape! {
    /// How many conversations there are.
    SessionsHealth {}
    may have {
        /// Where the gateway keeps them.
        path: String,
        /// How many.
        count: u64,
        /// The latest.
        recent: Vec<Value>,
    }
}

shape! {
    /// Which plugins loaded.
    PluginsHealth {}
    may have {
        /// The ids of those that did.
        loaded: Vec<String>,
        /// What went wrong with others.
        errors: Vec<Value>,
    }
}

shape! {
    /// Whether the gateway keeps up with its work.
    EventLoop {}
    may have {
        /// Whether it falls behind.
        degraded: bool,
        /// Why: `event_loop_delay`, `event_loop_utilization`, `cpu`.
        reasons: Vec<String>,
    }
}

shape! {
    /// Whether models can be run.
    ModelRuntime {}
    may have {
        /// Whether some agents' models are missing.
        degraded: bool,
    }
}

params! {
    /// Params of `status`.
    StatusParams {}
    may have {
        /// Whether to describe the channels.
        include_channel_summary: bool,
        /// Whether to measure anew.
        deep: bool,
    }
}

shape! {
    /// What the gateway is running.
    StatusPayload {}
    may have {
        /// The gateway's release.
        runtime_version: String,
        /// A line for each channel.
        channel_summary: Vec<String>,
        /// How many background tasks there are.
        tasks: TaskCounts,
        /// The conversations.
        sessions: StatusSessions,
        /// Whether the gateway keeps up.
        event_loop: EventLoop,
        /// How much memory it uses.
        process_memory: ProcessMemory,
        /// Its process id.
        pid: u32,
    }
}

shape! {
    /// How many background tasks there are.
    TaskCounts {}
    may have {
        /// All that are remembered.
        total: u64,
        /// Waiting or running.
        active: u64,
        /// Ended in failure.
        failures: u64,
    }
}

shape! {
    /// The conversations, as `status` counts them.
    StatusSessions {}
    may have {
        /// How many.
        count: u64,
        /// What new ones begin with.
        defaults: StatusDefaults,
    }
}

shape! {
    /// What new conversations begin with.
    StatusDefaults {}
    may be null {
        /// The model.
        model: String,
        /// How many tokens it can take.
        context_tokens: u64,
    }
}

shape! {
    /// How much memory the gateway uses.
    ProcessMemory {}
    may have {
        /// Resident memory in bytes.
        rss_bytes: u64,
    }
}

shape! {
    /// One connection, or the gateway itself, which comes first.
    PresenceEntry {
        /// When this was last true, in milliseconds since 1970.
        ts: u64,
    }
    may have {
        /// The machine's name.
        host: String,
        /// Its address.
        ip: String,
        /// The program's release.
        version: String,
        /// The machine's operating system.
        platform: String,
        /// How the program is used: `gateway`, `ui`, `node` …
        mode: String,
        /// Why the entry changed last: `self`, `connect`, `disconnect` …
        reason: String,
        /// One line for people.
        text: String,
        /// Which device.
        device_id: DeviceId,
        /// Tells apart two copies of one program.
        instance_id: String,
        /// What it is connected for.
        roles: Vec<String>,
        /// What it may do.
        scopes: Vec<String>,
    }
}

params! {
    /// Params of `logs.tail`.
    LogsTailParams {}
    may have {
        /// Where the last answer ended.
        cursor: u64,
        /// How many lines at most, up to 5000.
        limit: u32,
        /// How many bytes at most, up to 1 000 000.
        max_bytes: u32,
    }
}

shape! {
    /// The end of the gateway's log.
    LogsTailPayload {
        /// The log file on the gateway's machine.
        file: String,
        /// Where to go on from.
        cursor: u64,
        /// How large the file is, in bytes.
        size: u64,
        /// JSON log records, each as one text.
        lines: Vec<String>,
    }
    may have {
        /// Whether older lines were left out.
        truncated: bool,
        /// Whether the file began anew since the cursor.
        reset: bool,
    }
}
