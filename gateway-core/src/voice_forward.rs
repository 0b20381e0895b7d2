//! What was said, as a message to the right conversation of a gateway, exactly once.
//!
//! The app's voice and `openclaw voice forward` call it with a live session. Skills on the gateway know
//! a spoken message by its first line, so [`message`] is exact to the byte. Where the answer goes is read
//! from the conversation ([`Route`]), as the official macOS app reads it. It knows no microphone, and
//! not for how long something may wait: only what one attempt came to.

use crate::chat::outbox::keys_in;
use crate::client::{CallError, Session};
use crate::protocol::connect::SessionDefaults;
use crate::protocol::method::agent::{Agent, AgentParams};
use crate::protocol::method::chat::{ChatHistory, ChatHistoryParams};
use crate::protocol::method::sessions::{SessionRow, SessionsList, SessionsListParams};
use crate::protocol::{RunId, SessionKey};
use serde_json::Value;
use std::time::Duration;

/// How long a gateway may take to answer one call; it accepts a run before it begins.
const ANSWER: Duration = Duration::from_secs(30);
/// How far back a history is searched for something that may have arrived.
const LOOK_BACK: u32 = 50;
/// The channel of the app's own conversations: nothing goes outside.
const WEBCHAT: &str = "webchat";
/// What stands for the computer where neither a display name nor a host name is known.
const SOME_COMPUTER: &str = "this computer";
/// The kinds of partner in a session key of a channel.
const KINDS: [&str; 3] = ["direct", "group", "channel"];

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    /// Names it; the same again is the same utterance, and runs once.
    pub key: RunId,
    /// The words.
    pub transcript: String,
    /// The computer's display name, else its host name.
    pub machine: Option<String>,
    /// The conversation the app shows; the gateway's main one where none is.
    pub session_key: Option<SessionKey>,
    /// The words that woke it.
    pub trigger: Option<String>,
    /// Whether an earlier attempt was cut off, so that the gateway may have it already.
    pub in_doubt: bool,
}

/// Where it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarded {
    /// The conversation.
    pub session_key: SessionKey,
    /// Where the answer goes; none where an earlier attempt turned out to have arrived.
    pub route: Option<Route>,
}

/// Why it was not forwarded.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// The session ended or did not answer; whether it arrived is not known.
    #[error("the gateway did not answer")]
    Interrupted(#[source] CallError),
    /// The gateway does not take it.
    #[error("the gateway refused what was said: {}", reason(.0))]
    Refused(#[source] CallError),
}

fn reason(error: &CallError) -> String {
    match error.refusal() {
        Some(refusal) => refusal.message.clone(),
        None => error.to_string(),
    }
}

/// Returns the message: one line for machines, an empty line, and the words.
pub fn message(transcript: &str, machine: Option<&str>) -> String {
    let machine = machine
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .unwrap_or(SOME_COMPUTER);
    format!(
        "User talked via voice recognition on {machine} - repeat prompt first + remember some words might be incorrectly transcribed.\n\n{transcript}"
    )
}

/// Returns the gateway's main conversation, which is `global` where all share one: by hello-ok, else by
/// the list of conversations, else by the name that every gateway understands.
pub fn main_session(defaults: Option<&SessionDefaults>, rows: &[SessionRow]) -> SessionKey {
    let is_global = defaults
        .and_then(|defaults| defaults.extra.get("scope"))
        .and_then(Value::as_str)
        == Some("global");
    match defaults.and_then(|defaults| defaults.main_session_key.clone()) {
        _ if is_global => SessionKey::from("global"),
        Some(key) => key,
        None => rows
            .iter()
            .find(|row| row.is_main == Some(true))
            .map_or_else(|| SessionKey::from("main"), |row| row.key.clone()),
    }
}

/// Where the answer goes besides the conversation itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Whether it goes outside at all.
    pub deliver: bool,
    /// Through which channel.
    pub channel: String,
    /// To whom there.
    pub to: Option<String>,
}

impl Route {
    /// Reads it from the conversation: where it was last delivered, else what was said last, else its
    /// key, else nowhere outside.
    pub fn of(key: &SessionKey, row: Option<&SessionRow>) -> Self {
        let told = row.and_then(|row| {
            let context = row.extra.get("deliveryContext");
            let context =
                context.and_then(|context| told(context.get("channel"), context.get("to")));
            context.or_else(|| told(row.extra.get("lastChannel"), row.extra.get("lastTo")))
        });
        let (channel, to) = told
            .or_else(|| named_by(&key.to_string()))
            .unwrap_or((WEBCHAT.to_owned(), None));
        Self {
            deliver: channel != WEBCHAT,
            channel,
            to,
        }
    }
}

fn told(channel: Option<&Value>, to: Option<&Value>) -> Option<(String, Option<String>)> {
    let text = |value: Option<&Value>| {
        let text = value?.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    Some((text(channel)?.to_lowercase(), text(to)))
}

/// Reads `agent:<id>:<channel>:<direct|group|channel>:<to>`.
fn named_by(key: &str) -> Option<(String, Option<String>)> {
    let mut parts = key.splitn(5, ':');
    let (agent, _, channel, kind, to) = (
        parts.next()?,
        parts.next()?,
        parts.next()?,
        parts.next()?,
        parts.next()?,
    );
    let fits = agent == "agent" && !channel.is_empty() && KINDS.contains(&kind) && !to.is_empty();
    fits.then(|| (channel.to_lowercase(), Some(to.to_owned())))
}

/// Finds a conversation by its key, whole or as short as the gateway's own pages write it.
fn row_of<'a>(rows: &'a [SessionRow], key: &SessionKey) -> Option<&'a SessionRow> {
    let short = format!(":{key}");
    rows.iter().find(|row| row.key == *key).or_else(|| {
        rows.iter().find(|row| {
            let full = row.key.to_string();
            full.matches(':').count() == 2 && full.ends_with(&short)
        })
    })
}

/// Returns the params of `agent` for what was said.
pub fn params(spoken: &Spoken, session_key: &SessionKey, route: &Route) -> AgentParams {
    let text = message(&spoken.transcript, spoken.machine.as_deref());
    AgentParams {
        session_key: Some(session_key.to_string()),
        deliver: Some(route.deliver),
        channel: Some(route.channel.clone()),
        to: route.to.clone(),
        voice_wake_trigger: spoken.trigger.clone(),
        // How much to think is the conversation's own choice and is not said here.
        ..AgentParams::new(text, spoken.key.clone())
    }
}

/// Sends it over a live session; `defaults` are those of its hello-ok, where they are at hand.
///
/// # Errors
///
/// [`ForwardError`]; after an interruption the same key may be tried again, with
/// [`Spoken::in_doubt`] set.
pub async fn forward(
    session: &Session,
    spoken: &Spoken,
    defaults: Option<&SessionDefaults>,
) -> Result<Forwarded, ForwardError> {
    let listed = session
        .call::<SessionsList>(SessionsListParams::default(), ANSWER)
        .await;
    let rows = match listed {
        Ok(listed) => listed.sessions,
        Err(error) if error.leaves_doubt() => return Err(ForwardError::Interrupted(error)),
        // Without the list the key alone says where it goes.
        Err(error) => {
            tracing::warn!(%error, "the conversations are not told");
            Vec::new()
        }
    };
    let session_key = match &spoken.session_key {
        Some(key) => key.clone(),
        None => main_session(defaults, &rows),
    };
    if spoken.in_doubt && has_arrived(session, spoken, &session_key).await? {
        return Ok(Forwarded {
            session_key,
            route: None,
        });
    }
    let route = Route::of(&session_key, row_of(&rows, &session_key));
    let mut params = params(spoken, &session_key, &route);
    let sent = session.call::<Agent>(params.clone(), ANSWER).await;
    let sent = match sent {
        // An older gateway refuses a member it does not know, before it does anything.
        Err(error) if params.voice_wake_trigger.is_some() && is_unknown_member(&error) => {
            params.voice_wake_trigger = None;
            session.call::<Agent>(params, ANSWER).await
        }
        sent => sent,
    };
    match sent {
        Ok(_) => Ok(Forwarded {
            session_key,
            route: Some(route),
        }),
        Err(error) if error.leaves_doubt() => Err(ForwardError::Interrupted(error)),
        Err(error) => Err(ForwardError::Refused(error)),
    }
}

fn is_unknown_member(error: &CallError) -> bool {
    error.refusal().is_some_and(|refusal| {
        refusal.message.contains("voiceWakeTrigger")
            || refusal.message.contains("unexpected property")
    })
}

/// Looks whether an earlier attempt has arrived: by its key, and by its text where keys are not told.
async fn has_arrived(
    session: &Session,
    spoken: &Spoken,
    session_key: &SessionKey,
) -> Result<bool, ForwardError> {
    let params = ChatHistoryParams {
        limit: Some(LOOK_BACK),
        ..ChatHistoryParams::new(session_key.clone())
    };
    match session.call::<ChatHistory>(params, ANSWER).await {
        Ok(history) => {
            let text = message(&spoken.transcript, spoken.machine.as_deref());
            let mut said = history.messages.iter().filter(|one| one.role == "user");
            // Where keys are not told (wire version 3) the last words are all there is to go by.
            let same = !said.clone().any(|one| one.idempotency_key.is_some())
                && said
                    .next_back()
                    .and_then(|one| one.content.as_ref())
                    .is_some_and(|content| content.text() == text);
            Ok(same || keys_in(&history).contains(&spoken.key))
        }
        Err(error) if error.leaves_doubt() => Err(ForwardError::Interrupted(error)),
        // A conversation that does not exist yet holds nothing.
        Err(_) => Ok(false),
    }
}

#[cfg(test)]
mod tests;
