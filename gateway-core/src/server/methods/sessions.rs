//! `sessions.*`: the list of conversations.

use super::super::State;
use super::super::clock::now_ms;
use super::super::refusals::{Refusal, invalid, key_of, read, store_refusal};
use super::super::router::Call;
use super::super::runs::StoppedBy;
use super::super::session_keys::{self, DEFAULT_AGENT, agent_of, is_main};
use super::super::session_rows::{self, RowExtras, cut, entry, text_of};
use crate::protocol::SessionKey;
use crate::protocol::method::sessions::{
    SessionsCreateParams, SessionsDeleteParams, SessionsDescribeParams, SessionsListParams,
    SessionsMessagesSubscribeParams, SessionsPatchParams, SessionsPreviewParams,
    SessionsResetParams,
};
use crate::store::{
    MessageRole, SessionPatch, SessionQuery, SessionRecord, SessionSeed, StoredMessage, Transcript,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// How many conversations a list gives where nothing is said, and at most.
const USUAL_LIST: u32 = 100;
const MOST_LIST: u32 = 1000;
/// How many conversations a preview looks at, and how much of each.
const MOST_PREVIEWS: usize = 100;
const MOST_PREVIEW_ITEMS: u32 = 50;
const USUAL_PREVIEW_CHARS: u32 = 240;
/// The longest label, in characters.
const LONGEST_LABEL: usize = 512;

/// `sessions.list`.
pub(super) async fn list(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: SessionsListParams = read("sessions.list", params)?;
    let gateway = &call.gateway;
    let limit = params.limit.unwrap_or(USUAL_LIST).clamp(1, MOST_LIST);
    let offset = params.offset.unwrap_or(0);
    let page = gateway
        .store
        .sessions(SessionQuery {
            agent_id: params.agent_id.as_deref().map(Into::into),
            archived: wanted_archive(params.archived.as_ref())?,
            limit,
            offset,
        })
        .await
        .map_err(store_refusal)?;
    let ids: Vec<String> = page
        .sessions
        .iter()
        .map(|session| session.session_id.clone())
        .collect();
    let first = if params.include_derived_titles.unwrap_or(false) {
        let first = gateway.store.first_said(ids.clone()).await;
        first.map_err(store_refusal)?
    } else {
        Vec::new()
    };
    let last = if params.include_last_message.unwrap_or(false) {
        gateway
            .store
            .last_spoken(ids)
            .await
            .map_err(store_refusal)?
    } else {
        Vec::new()
    };
    let at = |said: &'_ [Option<StoredMessage>], index: usize| said.get(index).cloned().flatten();
    let rows: Vec<Value> = page
        .sessions
        .iter()
        .enumerate()
        .map(|(index, record)| {
            let (first, last) = (at(&first, index), at(&last, index));
            row(gateway, record, first.as_ref(), last.as_ref())
        })
        .collect();
    let given = u64::from(offset) + rows.len() as u64;
    let has_more = given < page.total;
    Ok(json!({
        "ts": now_ms(),
        "path": gateway.state_path(),
        "count": rows.len(),
        "totalCount": page.total,
        "limitApplied": limit,
        "nextOffset": has_more.then_some(given),
        "hasMore": has_more,
        "owners": [],
        "defaults": gateway.defaults(),
        "sessions": rows,
    }))
}

/// Returns which conversations are listed: those that were not put away, unless something else is asked for.
fn wanted_archive(asked: Option<&Value>) -> Result<Option<bool>, Refusal> {
    match asked {
        None => Ok(Some(false)),
        Some(Value::Bool(archived)) => Ok(Some(*archived)),
        Some(Value::String(word)) if word == "all" => Ok(None),
        Some(_) => Err(invalid("archived must be true, false or \"all\"")),
    }
}

fn row(
    gateway: &State,
    record: &SessionRecord,
    first: Option<&StoredMessage>,
    last: Option<&StoredMessage>,
) -> Value {
    let current = gateway.runs.current(&record.key);
    let extras = RowExtras {
        active: current.iter().map(|run| run.run_id.clone()).collect(),
        first,
        last,
    };
    session_rows::row(record, &gateway.model_of(Some(record)), &extras)
}

/// `sessions.subscribe`.
pub(super) fn subscribe(call: &Call, _params: Value) -> Result<Value, Refusal> {
    call.peer.watch_sessions();
    Ok(json!({"subscribed": true}))
}

/// `sessions.messages.subscribe`.
pub(super) fn watch_messages(call: &Call, params: Value) -> Result<Value, Refusal> {
    let params: SessionsMessagesSubscribeParams = read("sessions.messages.subscribe", params)?;
    let key = key_of(&params.key)?;
    call.peer.watch_messages(key.clone(), true);
    Ok(json!({"subscribed": true, "key": key}))
}

/// `sessions.messages.unsubscribe`.
pub(super) fn unwatch_messages(call: &Call, params: Value) -> Result<Value, Refusal> {
    let params: SessionsMessagesSubscribeParams = read("sessions.messages.unsubscribe", params)?;
    let key = key_of(&params.key)?;
    call.peer.watch_messages(key.clone(), false);
    Ok(json!({"subscribed": false, "key": key}))
}

/// `sessions.preview`.
pub(super) async fn preview(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: SessionsPreviewParams = read("sessions.preview", params)?;
    let store = &call.gateway.store;
    let limit = params.limit.unwrap_or(10).clamp(1, MOST_PREVIEW_ITEMS);
    let most = params.max_chars.unwrap_or(USUAL_PREVIEW_CHARS) as usize;
    let mut previews = Vec::new();
    for asked in params.keys.iter().take(MOST_PREVIEWS) {
        let key = key_of(asked)?;
        let record = store.session(&key).await.map_err(store_refusal)?;
        let mut items = Vec::new();
        if let Some(record) = &record {
            let page = store
                .transcript_page(&record.session_id, limit, 0)
                .await
                .map_err(store_refusal)?;
            let spoken = [MessageRole::User, MessageRole::Assistant];
            items = page
                .messages
                .iter()
                .filter(|stored| spoken.contains(&stored.message.role))
                .map(|stored| {
                    let text = cut(&text_of(&stored.message.content), most);
                    json!({"role": stored.message.role.as_str(), "text": text})
                })
                .collect();
        }
        let status = match (&record, items.is_empty()) {
            (None, _) => "missing",
            (Some(_), true) => "empty",
            (Some(_), false) => "ok",
        };
        previews.push(json!({"key": asked, "status": status, "items": items}));
    }
    Ok(json!({"ts": now_ms(), "previews": previews}))
}

/// `sessions.describe`.
pub(super) async fn describe(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: SessionsDescribeParams = read("sessions.describe", params)?;
    let gateway = &call.gateway;
    let key = key_of(&params.key)?;
    let Some(record) = gateway.store.session(&key).await.map_err(store_refusal)? else {
        return Ok(json!({"session": null}));
    };
    let last = gateway
        .store
        .last_spoken(vec![record.session_id.clone()])
        .await
        .map_err(store_refusal)?;
    let first = gateway.store.first_said(vec![record.session_id.clone()]);
    let first = first.await.map_err(store_refusal)?;
    let (first, last) = (first.first(), last.first());
    let (first, last) = (
        first.and_then(Option::as_ref),
        last.and_then(Option::as_ref),
    );
    Ok(json!({"session": row(gateway, &record, first, last)}))
}

fn seed(key: SessionKey) -> SessionSeed {
    SessionSeed {
        agent_id: agent_of(&key).into(),
        key,
        session_id: Uuid::new_v4().to_string(),
    }
}

/// `sessions.create`.
pub(super) async fn create(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: SessionsCreateParams = read("sessions.create", params)?;
    let gateway = &call.gateway;
    let key = match &params.key {
        Some(key) => key_of(key)?,
        None => session_keys::fresh(params.agent_id.as_deref().unwrap_or(DEFAULT_AGENT)),
    };
    let patch = SessionPatch {
        label: params.label.map(label).transpose()?.map(Some),
        model: params
            .model
            .map(|model| model_id(gateway, model))
            .transpose()?
            .map(Some),
        ..SessionPatch::default()
    };
    let patched = gateway
        .store
        .patch_session(seed(key), patch, now_ms())
        .await
        .map_err(store_refusal)?;
    let record = patched.session;
    gateway.session_changed(&record, if patched.created { "create" } else { "patch" });
    Ok(json!({
        "ok": true, "key": record.key, "sessionId": record.session_id, "entry": entry(&record),
        "runStarted": false, "resolved": resolved(gateway, &record),
    }))
}

/// `sessions.patch`.
pub(super) async fn patch(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: SessionsPatchParams = read("sessions.patch", params)?;
    let gateway = &call.gateway;
    let key = key_of(&params.key)?;
    let patch = SessionPatch {
        label: params
            .label
            .map(|text| text.map(label).transpose())
            .transpose()?,
        model: params
            .model
            .map(|model| model.map(|model| model_id(gateway, model)).transpose())
            .transpose()?,
        thinking_level: params
            .thinking_level
            .map(|level| level.map(thinking).transpose())
            .transpose()?,
        pinned: params.pinned,
        archived: params.archived,
        unread: params.unread,
    };
    let patched = gateway
        .store
        .patch_session(seed(key), patch, now_ms())
        .await
        .map_err(store_refusal)?;
    let record = patched.session;
    gateway.session_changed(&record, "patch");
    Ok(json!({
        "ok": true, "path": gateway.state_path(), "key": record.key, "entry": entry(&record),
        "resolved": resolved(gateway, &record),
    }))
}

fn label(text: String) -> Result<String, Refusal> {
    let text = text.trim().to_owned();
    if text.is_empty() || text.chars().count() > LONGEST_LABEL || text.chars().any(char::is_control)
    {
        return Err(invalid(&format!(
            "label must be 1 to {LONGEST_LABEL} characters without control characters"
        )));
    }
    Ok(text)
}

fn thinking(level: String) -> Result<String, Refusal> {
    match level.as_str() {
        "off" | "minimal" | "low" | "medium" | "high" => Ok(level),
        _ => Err(invalid(&format!("unknown thinking level {level:?}"))),
    }
}

fn model_id(gateway: &State, id: String) -> Result<String, Refusal> {
    gateway
        .agents
        .check(&id)
        .map(|()| id)
        .map_err(|why| invalid(&why))
}

fn resolved(gateway: &State, record: &SessionRecord) -> Value {
    let model = gateway.model_of(Some(record));
    let level = record.thinking_level.as_deref().unwrap_or("off");
    json!({
        "modelProvider": model.provider, "model": model.model, "thinkingLevel": level,
        "thinkingLevels": [{"id": "off", "label": "off"}],
    })
}

/// `sessions.reset`.
pub(super) async fn reset(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: SessionsResetParams = read("sessions.reset", params)?;
    let gateway = &call.gateway;
    let key = key_of(&params.key)?;
    gateway.runs.stop(&key, None, StoppedBy::Rpc);
    let (session_id, note) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
    let reset = gateway
        .store
        .reset_session(&key, session_id, note, now_ms())
        .await
        .map_err(store_refusal)?;
    let record = match reset {
        Some(reset) => {
            gateway.message_stored(&key, &reset.message);
            reset.session
        }
        // A conversation nobody has written in is as good as new.
        None => {
            gateway
                .store
                .patch_session(seed(key), SessionPatch::default(), now_ms())
                .await
                .map_err(store_refusal)?
                .session
        }
    };
    gateway.session_changed(&record, "reset");
    Ok(json!({
        "ok": true, "key": record.key, "entry": entry(&record),
        "resolved": resolved(gateway, &record),
    }))
}

/// `sessions.delete`.
pub(super) async fn delete(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: SessionsDeleteParams = read("sessions.delete", params)?;
    let gateway = &call.gateway;
    let key = key_of(&params.key)?;
    if is_main(&key) {
        return Err(invalid(&format!("Cannot delete the main session ({key}).")));
    }
    if params.archived_only == Some(true) {
        let known = gateway.store.session(&key).await.map_err(store_refusal)?;
        if known.is_some_and(|record| !record.archived) {
            return Err(invalid(&format!(
                "Session {key} is not archived. Archive it before deleting it."
            )));
        }
    }
    gateway.runs.stop(&key, None, StoppedBy::Rpc);
    let transcript = if params.delete_transcript == Some(false) {
        Transcript::Keep
    } else {
        Transcript::Delete
    };
    let deleted = gateway
        .store
        .delete_session(&key, transcript, now_ms())
        .await
        .map_err(store_refusal)?;
    if let Some(deleted) = &deleted {
        gateway.session_changed(&deleted.session, "delete");
    }
    let archived = deleted
        .as_ref()
        .map(|deleted| deleted.kept_transcripts.clone());
    Ok(json!({
        "ok": true, "key": key, "deleted": deleted.is_some(),
        "archived": archived.unwrap_or_default(),
    }))
}
