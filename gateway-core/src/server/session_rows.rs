//! A conversation as lists, events and histories show it.

use super::State;
use super::clock::now_ms;
use super::session_keys::{agent_of, is_main, rest_of};
use crate::protocol::{RunId, SessionKey};
use crate::store::{SessionRecord, SessionStatus, StoredMessage};
use serde_json::{Value, json};

/// How much of the last message a list shows, in characters.
const PREVIEW_CHARS: usize = 120;

/// How much of the first message makes a title, in characters.
const TITLE_CHARS: usize = 60;

/// The model a conversation uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ModelInUse {
    /// The provider's id.
    pub(super) provider: String,
    /// The model's id at that provider.
    pub(super) model: String,
    /// How much it can look at, in tokens.
    pub(super) context_tokens: u64,
}

/// What a row shows besides the stored record.
#[derive(Debug, Clone, Default)]
pub(super) struct RowExtras<'a> {
    /// The runs that go on in it.
    pub(super) active: Vec<RunId>,
    /// What was said last.
    pub(super) last: Option<&'a StoredMessage>,
    /// What a person said first.
    pub(super) first: Option<&'a StoredMessage>,
}

/// Returns the row of a conversation, as in `sessions.list`.
pub(super) fn row(record: &SessionRecord, model: &ModelInUse, extras: &RowExtras<'_>) -> Value {
    let mut row = bare(&record.key);
    let mut put = |name: &str, value: Value| row[name] = value;
    put("sessionId", json!(record.session_id));
    put("createdAt", json!(record.created_at_ms));
    put("updatedAt", json!(record.updated_at_ms));
    if let Some(label) = &record.label {
        put("label", json!(label));
        put("displayName", json!(label));
        put("derivedTitle", json!(label));
    }
    put("archived", json!(record.archived));
    put("pinned", json!(record.pinned));
    put("unread", json!(record.unread));
    if let Some(level) = &record.thinking_level {
        put("thinkingLevel", json!(level));
    }
    put("inputTokens", json!(record.input_tokens));
    put("outputTokens", json!(record.output_tokens));
    put("totalTokens", json!(record.context_tokens));
    put("totalTokensFresh", json!(true));
    put("contextTokens", json!(model.context_tokens));
    put("modelProvider", json!(model.provider));
    put("model", json!(model.model));
    put("snapshotAt", json!(now_ms()));
    put(
        "modelOverrideSource",
        json!(record.model.is_some().then_some("user")),
    );
    if record.status != SessionStatus::Idle {
        put("status", json!(record.status.as_str()));
    }
    put(
        "abortedLastRun",
        json!(record.status == SessionStatus::Aborted),
    );
    if let Some(error) = &record.last_run_error {
        put("lastRunError", json!(error));
    }
    put("hasActiveRun", json!(!extras.active.is_empty()));
    put("activeRunIds", json!(extras.active));
    if let Some(last) = extras.last {
        let text = text_of(&last.message.content);
        put("lastMessagePreview", json!(cut(&text, PREVIEW_CHARS)));
    }
    if let Some(first) = extras.first
        && record.label.is_none()
    {
        let text = text_of(&first.message.content);
        put("derivedTitle", json!(cut(&text, TITLE_CHARS)));
    }
    row
}

/// Returns the row of a conversation nobody has written in.
pub(super) fn bare(key: &SessionKey) -> Value {
    let kind = if key.as_str() == "global" {
        "global"
    } else {
        "direct"
    };
    let classification = match rest_of(key).split(':').next().unwrap_or_default() {
        "main" => "main",
        "dashboard" => "dashboard",
        "global" => "global",
        _ => "custom",
    };
    json!({
        "key": key, "kind": kind, "classification": classification, "chatType": "direct",
        "agentId": agent_of(key), "isMain": is_main(key), "isBackground": false,
        "updatedAt": null, "archived": false, "pinned": false, "unread": false,
        "hasActiveRun": false, "activeRunIds": [],
        "thinkingLevels": [{"id": "off", "label": "off"}], "thinkingOptions": ["off"],
        "thinkingDefault": "off",
        "visibility": "shared", "permissionModePending": false, "createdVia": "operator",
        "effectiveFastMode": false, "effectiveFastModeSource": "default",
        "effectiveResponseUsage": "off", "effectiveQueueMode": "followup",
        "hasAutomation": false, "childSessions": [], "runtimeSelectionLocked": false,
        "modelOverrideSource": null, "agentRuntime": State::runtime(),
    })
}

/// Returns the entry that `sessions.create` and `sessions.patch` answer with.
pub(super) fn entry(record: &SessionRecord) -> Value {
    let mut entry = json!({
        "sessionId": record.session_id,
        "updatedAt": record.updated_at_ms,
        "createdAt": record.created_at_ms,
        "createdVia": "operator",
        "modelOverrideSource": if record.model.is_some() { "user" } else { "default" },
    });
    if let Some(label) = &record.label {
        entry["label"] = json!(label);
    }
    if let Some(level) = &record.thinking_level {
        entry["thinkingLevel"] = json!(level);
    }
    if let Some((provider, model)) = record.model.as_deref().and_then(|id| id.split_once('/')) {
        entry["providerOverride"] = json!(provider);
        entry["modelOverride"] = json!(model);
    }
    entry
}

/// Returns the text of a stored message's content.
pub(super) fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .filter(|part| part["type"] != "file")
            .filter_map(|part| part.get("text").and_then(Value::as_str))
            .collect::<Vec<_>>()
            .join("\n"),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}

/// Cuts a text to so many characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    let mut short: String = text.chars().take(most).collect();
    if short.len() < text.len() {
        short.pop();
        short.push('…');
    }
    short
}

/// Leaves out the texts of files, which are for the model: what came along stands in the notes.
pub(super) fn without_read_files(content: &Value) -> Value {
    match content {
        Value::Array(parts) => Value::Array(
            parts
                .iter()
                .filter(|part| part["type"] != "file")
                .cloned()
                .collect(),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            content.clone()
        }
    }
}

/// Returns a stored message as clients read it.
pub(super) fn wire_message(stored: &StoredMessage) -> Value {
    let message = &stored.message;
    let mut value = json!({
        "role": message.role.as_str(),
        "content": without_read_files(&message.content),
        "timestamp": message.timestamp_ms,
    });
    let mut notes = json!({"id": message.id, "seq": stored.seq});
    if let Some(key) = &message.idempotency_key {
        value["idempotencyKey"] = json!(key);
        notes["idempotencyKey"] = json!(key);
    }
    if let Some(run_id) = &message.run_id {
        notes["runId"] = json!(run_id);
    }
    for (name, extra) in &message.extra {
        // What is about the message, and not of it, stands in the notes.
        if name == "kind" || name == "media" {
            notes[name] = extra.clone();
        } else {
            value[name] = extra.clone();
        }
    }
    value["__openclaw"] = notes;
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::method::sessions::SessionRow;

    #[test]
    fn a_row_is_one_our_own_client_reads() {
        let row = bare(&"agent:main:dashboard:7".into());
        assert_eq!(row["classification"], "dashboard");
        let read: SessionRow = serde_json::from_value(row).unwrap();
        assert_eq!(read.updated_at, Some(None));
        assert_eq!(read.is_main, Some(false));
    }

    #[test]
    fn a_preview_is_cut_between_characters() {
        assert_eq!(cut("æøå", 3), "æøå");
        assert_eq!(cut("æøåæ", 3), "æø…");
    }

    #[test]
    fn the_text_of_a_message_is_a_string_or_parts() {
        assert_eq!(text_of(&json!("hej")), "hej");
        let parts = json!([{"type": "text", "text": "a"}, {"type": "toolCall"}, {"text": "b"}]);
        assert_eq!(text_of(&parts), "a\nb");
    }
}
