//! Running an agent and waiting for the end: `agent`, `agent.wait`.

use crate::protocol::RunId;
use serde_json::Value;

methods! {
    /// Runs an agent. Two-phase: accepted first, the outcome later under the same request id.
    Agent("agent", Dynamic): AgentParams => AgentPayload;
    /// Waits for the end of a run.
    AgentWait("agent.wait", Write): AgentWaitParams => AgentWaitPayload;
}

params! {
    /// Params of `agent`.
    AgentParams {
        /// What to say to it.
        message: String,
        /// Becomes the run's id; the same key again does not run twice while the run lives.
        idempotency_key: RunId,
    }
    may have {
        /// Which agent; the default one where absent.
        agent_id: String,
        /// In which conversation.
        session_key: String,
        /// Whether the answer also goes to the conversation's channel.
        deliver: bool,
        /// The channel the answer also goes to, such as `telegram`; `webchat` means none outside.
        channel: String,
        /// Who it goes to in that channel.
        to: String,
        /// The words that woke the assistant. Unknown to wire version 3.
        voice_wake_trigger: String,
        /// How much to think before answering.
        thinking: String,
        /// How long the run may take, in seconds.
        timeout: u64,
    }
}

shape! {
    /// How a run stands: `accepted` in the first answer, the outcome in the second.
    AgentPayload {
        /// Which run.
        run_id: RunId,
        /// `accepted`, then `ok`, `error` or `timeout`.
        status: String,
    }
    may have {
        /// The outcome in a word or two.
        summary: String,
        /// The answer.
        result: AgentResult,
    }
}

shape! {
    /// What a run produced.
    AgentResult {}
    may have {
        /// The messages of the answer.
        payloads: Vec<AgentMessage>,
        /// How the run went.
        meta: Value,
    }
}

shape! {
    /// One message of an answer.
    AgentMessage {}
    may be null {
        /// What it says.
        text: String,
        /// A picture or recording that goes with it.
        media_url: String,
    }
}

params! {
    /// Params of `agent.wait`.
    AgentWaitParams {
        /// Which run.
        run_id: RunId,
    }
    may have {
        /// How long to wait, in milliseconds.
        timeout_ms: u64,
    }
}

shape! {
    /// How the run ended, or that it has not.
    AgentWaitPayload {
        /// Which run.
        run_id: RunId,
        /// `ok`, `error` or `timeout`.
        status: String,
    }
    may have {
        /// When it started, in milliseconds since 1970.
        started_at: u64,
        /// When it ended, in milliseconds since 1970.
        ended_at: u64,
    }
}
