//! The list of conversations: `sessions.*`.

use super::NoParams;
use crate::protocol::SessionKey;
use serde_json::Value;

methods! {
    /// Asks to be told when any conversation changes.
    SessionsSubscribe("sessions.subscribe", Read): NoParams => Subscribed;
    /// Asks for the stored messages of one conversation as they come.
    SessionsMessagesSubscribe("sessions.messages.subscribe", Read): SessionsMessagesSubscribeParams => Subscribed;
    /// The conversations.
    SessionsList("sessions.list", Read): SessionsListParams => SessionsListPayload;
    /// The last lines of some conversations.
    SessionsPreview("sessions.preview", Read): SessionsPreviewParams => SessionsPreviewPayload;
    /// One conversation.
    SessionsDescribe("sessions.describe", Read): SessionsDescribeParams => SessionsDescribePayload;
    /// Begins a conversation.
    SessionsCreate("sessions.create", Dynamic): SessionsCreateParams => SessionsCreatePayload;
    /// Changes a conversation's settings; null puts one back to its default.
    SessionsPatch("sessions.patch", Dynamic): SessionsPatchParams => SessionsChangedPayload;
    /// Removes a conversation; the main one cannot be removed.
    SessionsDelete("sessions.delete", Dynamic): SessionsDeleteParams => SessionsDeletePayload;
    /// Begins a conversation anew under the same key.
    SessionsReset("sessions.reset", Admin): SessionsResetParams => SessionsChangedPayload;
    /// Makes room: what was said so far is replaced by a summary.
    SessionsCompact("sessions.compact", Admin): SessionsCompactParams => SessionsCompactPayload;
}

shape! {
    /// The answer to asking to be told.
    Subscribed {
        /// Always true.
        subscribed: bool,
    }
    may have {
        /// The conversation, where it was one.
        key: SessionKey,
    }
}

params! {
    /// Params of `sessions.messages.subscribe`.
    SessionsMessagesSubscribeParams {
        /// Which conversation.
        key: SessionKey,
    }
}

params! {
    /// Params of `sessions.list`.
    SessionsListParams {}
    may have {
        /// How many at most.
        limit: u32,
        /// How many to leave out from the start.
        offset: u32,
        /// Whether to make up titles for those without one.
        include_derived_titles: bool,
        /// Whether to show each one's last message.
        include_last_message: bool,
        /// Only those of this agent.
        agent_id: String,
        /// True for those put away, `all` for both; the others where absent. Wire version 4 only.
        archived: Value,
    }
}

shape! {
    /// The conversations.
    SessionsListPayload {
        /// The conversations, latest first.
        sessions: Vec<SessionRow>,
    }
    may have {
        /// When this was read, in milliseconds since 1970.
        ts: u64,
        /// How many are in this answer.
        count: u64,
        /// How many there are in all. Absent on wire version 3.
        total_count: u64,
        /// Whether there are more. Absent on wire version 3.
        has_more: bool,
        /// What conversations without settings of their own use.
        defaults: Value,
    }
}

shape! {
    /// One conversation.
    SessionRow {
        /// Its full key.
        key: SessionKey,
    }
    may have {
        /// `direct`, `group`, `global` …
        kind: String,
        /// Changes when it is reset.
        session_id: String,
        /// The name its owner gave it.
        label: String,
        /// The name to show.
        display_name: String,
        /// A name made up from its content.
        derived_title: String,
        /// The beginning of its last message.
        last_message_preview: String,
        /// Which agent answers in it.
        agent_id: String,
        /// Whether it is the main one.
        is_main: bool,
        /// Whether it was put away.
        archived: bool,
        /// Whether it is kept on top.
        pinned: bool,
        /// Whether there is something new in it.
        unread: bool,
        /// How its last run stands: `running`, `done`, `failed` …
        status: String,
        /// Whether a run is going on; absent means unknown.
        has_active_run: bool,
        /// Those runs; absent means unknown.
        active_run_ids: Vec<String>,
        /// Who runs the model.
        model_provider: String,
        /// The model.
        model: String,
        /// How much it thinks before answering.
        thinking_level: String,
        /// How much it can think, in the gateway's words.
        thinking_options: Vec<String>,
        /// How much it thinks where nothing is chosen.
        thinking_default: String,
        /// Whether it belongs to a job or a helper of an agent and not to a person.
        is_background: bool,
        /// Tokens used in all.
        total_tokens: u64,
        /// Whether that number is known.
        total_tokens_fresh: bool,
        /// How many tokens the model can take.
        context_tokens: u64,
    }
    may be null {
        /// When it changed last, in milliseconds since 1970.
        updated_at: u64,
        /// Why its last run failed: a text, or an object with one.
        last_run_error: Value,
        /// Who chose its model, such as `user`; null for the default one.
        model_override_source: String,
    }
}

params! {
    /// Params of `sessions.preview`.
    SessionsPreviewParams {
        /// Which conversations.
        keys: Vec<SessionKey>,
    }
    may have {
        /// How many messages of each at most.
        limit: u32,
        /// How much of each message at most, in characters.
        max_chars: u32,
    }
}

shape! {
    /// The last lines of some conversations.
    SessionsPreviewPayload {
        /// One for each key.
        previews: Vec<SessionPreview>,
    }
    may have {
        /// When this was read, in milliseconds since 1970.
        ts: u64,
    }
}

shape! {
    /// The last lines of one conversation.
    SessionPreview {
        /// Which conversation.
        key: SessionKey,
        /// `ok`, `empty` or why there is nothing.
        status: String,
        /// The lines, oldest first.
        items: Vec<PreviewItem>,
    }
}

shape! {
    /// One line of a conversation.
    PreviewItem {
        /// Who wrote it.
        role: String,
        /// What it says.
        text: String,
    }
}

params! {
    /// Params of `sessions.describe`.
    SessionsDescribeParams {
        /// Which conversation.
        key: SessionKey,
    }
}

shape! {
    /// One conversation, or null for an unknown one.
    SessionsDescribePayload {}
    may be null {
        /// The conversation.
        session: SessionRow,
    }
}

params! {
    /// Params of `sessions.create`.
    SessionsCreateParams {}
    may have {
        /// The key to use; the gateway makes one up where absent.
        key: SessionKey,
        /// What to call it.
        label: String,
        /// Which agent answers in it.
        agent_id: String,
        /// The model to use.
        model: String,
        /// The conversation it comes from.
        parent_session_key: SessionKey,
        /// Whether it begins with what was said in that one. Wire version 4 only.
        fork: bool,
        /// `last-completed` leaves out an answer that is being given.
        fork_from: String,
    }
}

shape! {
    /// The new conversation.
    SessionsCreatePayload {
        /// Its full key.
        key: SessionKey,
    }
    may have {
        /// Always true.
        ok: bool,
        /// Changes when it is reset.
        session_id: String,
        /// What the gateway stored.
        entry: Value,
    }
}

params! {
    /// Params of `sessions.patch`: absent leaves a setting, null clears it.
    SessionsPatchParams {
        /// Which conversation.
        key: SessionKey,
    }
    may have {
        /// Whether it is kept on top.
        pinned: bool,
        /// Whether it is put away.
        archived: bool,
        /// Whether it counts as unread.
        unread: bool,
        /// Only if this is still its id. Gateways demand it before they put one away.
        expected_session_id: String,
    }
    may be null {
        /// What to call it.
        label: String,
        /// The model to use; an unknown one is an error.
        model: String,
        /// How much to think before answering.
        thinking_level: String,
    }
}

shape! {
    /// The conversation after a change.
    SessionsChangedPayload {
        /// Its full key.
        key: SessionKey,
    }
    may have {
        /// Always true.
        ok: bool,
        /// What the gateway stored.
        entry: Value,
    }
}

params! {
    /// Params of `sessions.delete`.
    SessionsDeleteParams {
        /// Which conversation.
        key: SessionKey,
    }
    may have {
        /// Whether its messages go as well.
        delete_transcript: bool,
        /// Only if it was put away before; asked so, fewer rights are enough. Wire version 4 only.
        archived_only: bool,
        /// Only if this is still its id.
        expected_session_id: String,
    }
}

shape! {
    /// What was removed; a missing conversation is no error.
    SessionsDeletePayload {
        /// Its full key.
        key: SessionKey,
        /// Whether there was one.
        deleted: bool,
    }
    may have {
        /// Always true.
        ok: bool,
        /// Where its messages were put away.
        archived: Vec<String>,
    }
}

params! {
    /// Params of `sessions.reset`.
    SessionsResetParams {
        /// Which conversation.
        key: SessionKey,
    }
    may have {
        /// `new` or `reset`.
        reason: String,
    }
}

params! {
    /// Params of `sessions.compact`.
    SessionsCompactParams {
        /// Which conversation.
        key: SessionKey,
    }
}

shape! {
    /// What became of making room.
    SessionsCompactPayload {}
    may have {
        /// Its full key.
        key: SessionKey,
        /// Whether anything was replaced.
        compacted: bool,
        /// Why not.
        reason: String,
    }
}
