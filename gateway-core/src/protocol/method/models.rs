//! What can answer: `models.list`, `agents.list`, `agent.identity.get`.

use super::NoParams;
use serde_json::Value;

methods! {
    /// The models a conversation can use.
    ModelsList("models.list", Read): ModelsListParams => ModelsListPayload;
    /// The agents of this gateway.
    AgentsList("agents.list", Read): NoParams => AgentsListPayload;
    /// What an agent calls itself.
    AgentIdentityGet("agent.identity.get", Read): AgentIdentityParams => AgentIdentityPayload;
}

params! {
    /// Params of `models.list`.
    ModelsListParams {}
    may have {
        /// `default`, `configured`, `provider-config` or `all`.
        view: String,
    }
}

shape! {
    /// The models a conversation can use.
    ModelsListPayload {
        /// The models.
        models: Vec<ModelChoice>,
    }
}

shape! {
    /// One model.
    ModelChoice {
        /// Its id with its provider.
        id: String,
        /// What to call it.
        name: String,
        /// Who runs it.
        provider: String,
    }
    may have {
        /// How many tokens it can take.
        context_window: u64,
        /// Whether it can think before answering.
        reasoning: bool,
        /// Whether it can be used now.
        available: bool,
    }
}

shape! {
    /// The agents of this gateway.
    AgentsListPayload {
        /// The agent that short session keys belong to.
        default_id: String,
        /// The short key of an agent's main conversation.
        main_key: String,
        /// `per-sender` or `global`.
        scope: String,
        /// The agents.
        agents: Vec<AgentSummary>,
    }
}

shape! {
    /// One agent.
    AgentSummary {
        /// Which agent.
        id: String,
    }
    may have {
        /// What to call it.
        name: String,
        /// How it presents itself.
        identity: Value,
        /// Where it works on the gateway's machine.
        workspace: String,
        /// Which model it uses.
        model: Value,
    }
}

params! {
    /// Params of `agent.identity.get`.
    AgentIdentityParams {}
    may have {
        /// Which agent; the default one where absent.
        agent_id: String,
        /// The agent of this conversation.
        session_key: String,
    }
}

shape! {
    /// What an agent calls itself.
    AgentIdentityPayload {
        /// Which agent.
        agent_id: String,
    }
    may have {
        /// Its name.
        name: String,
        /// Its picture: a letter, an emoji or an address.
        avatar: String,
        /// Its emoji.
        emoji: String,
    }
}
