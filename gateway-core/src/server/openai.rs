//! The conversation as programs written for OpenAI's API know it: `/v1/chat/completions` and
//! `/v1/models`, off unless `gateway.http.endpoints.chatCompletions.enabled` (protocol §12).
//!
//! A request is an input like any other: it is on disk before its run begins, goes through the same
//! runs and tools, and stays in the transcript. The key is the gateway's token or password.

mod follow;
mod reply;
mod request;

use super::State;
use super::agents::AgentNames;
use super::exposure::LocalAuth;
use super::held;
use super::http::{Line, Reply, json_reply, text};
use super::limiter::{Class, Subject};
use super::methods::chat::{Input, Taken, accept};
use super::origin;
use super::screening::screen;
use super::session_keys;
use super::shared_secret::Verdict;
use crate::protocol::{ErrorCode, RunId, SessionKey};
use bytes::Bytes;
use follow::Following;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{ALLOW, AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};
use request::{BadRequest, Completion};
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// An answer that may come piece by piece.
pub(super) type Streamed = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// The largest request, in bytes, and how long it may take to come.
const MOST_BYTES: usize = 8 * 1024 * 1024;
const BODY_WAIT: Duration = Duration::from_secs(30);

/// Returns whether a request is for us.
pub(super) fn serves(gateway: &State, path: &str) -> bool {
    let enabled = "/gateway/http/endpoints/chatCompletions/enabled";
    let ours =
        path == "/v1/chat/completions" || path == "/v1/models" || model_named(path).is_some();
    ours && gateway.config.openclaw_json.pointer(enabled) == Some(&Value::Bool(true))
}

/// Answers one request.
pub(super) async fn answer(
    gateway: &Arc<State>,
    line: &Line,
    request: Request<Incoming>,
) -> Streamed {
    match respond(gateway, line, request).await {
        Ok(streamed) => streamed,
        Err(reply) => whole(*reply),
    }
}

fn whole(reply: Reply) -> Streamed {
    reply.map(Full::boxed_unsync)
}

async fn respond(
    gateway: &Arc<State>,
    line: &Line,
    request: Request<Incoming>,
) -> Result<Streamed, Box<Reply>> {
    let screened = screen(gateway, line, request.headers(), request.uri())?;
    let page = screened.page()?.clone();
    let wanted = match request.uri().path() {
        "/v1/chat/completions" => Method::POST,
        _ => Method::GET,
    };
    if *request.method() != wanted {
        let mut reply = text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
        if let Ok(allowed) = HeaderValue::from_str(wanted.as_str()) {
            reply.headers_mut().insert(ALLOW, allowed);
        }
        return Err(Box::new(reply));
    }
    let origin = match &page {
        origin::Caller::Page(origin) => Some(origin.as_str()),
        origin::Caller::Native => None,
    };
    let subject = Subject::of(screened.into_caller().client, origin);
    authorize(gateway, &subject, request.headers())?;
    line.visit.prove();
    if wanted == Method::GET {
        return models(gateway, request.uri().path()).map(whole);
    }
    if gateway.is_stopping() {
        return Err(failed(
            StatusCode::SERVICE_UNAVAILABLE,
            "the gateway is stopping",
        ));
    }
    let (head, body) = request.into_parts();
    let body = read(body).await?;
    let names = gateway.agents.names();
    let completion =
        request::read(&body, |name| agent_of(&head.headers, &names, name)).map_err(bad_request)?;
    let key = session_key(&head.headers, &completion)?;
    begin(gateway, key, completion).await
}

/// Lets in whoever has the gateway's secret, as the Bearer of the request.
fn authorize(gateway: &State, subject: &Subject, headers: &HeaderMap) -> Result<(), Box<Reply>> {
    if matches!(gateway.config.exposure.auth, LocalAuth::None) {
        return Ok(());
    }
    let now = Instant::now();
    if let Err(locked) = held(&gateway.limiter).admit(subject, &[Class::Shared], now) {
        let error = json!({"message": locked.to_string(), "type": "rate_limited"});
        let mut reply = json_reply(StatusCode::TOO_MANY_REQUESTS, &json!({"error": error}));
        let seconds = locked.retry_after.as_secs().max(1);
        reply
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
        return Err(Box::new(reply));
    }
    // A gateway behind an identity-aware proxy has no secret that could be a key.
    let verdict = match &gateway.secret {
        Some(secret) => secret.judge_bearer(bearer(headers)),
        None => Verdict::Missing,
    };
    match verdict {
        Verdict::Match => {
            held(&gateway.limiter).succeeded(subject, Class::Shared, now);
            return Ok(());
        }
        Verdict::Mismatch => held(&gateway.limiter).failed(subject, Class::Shared, now),
        Verdict::Missing => {}
    }
    let error = json!({"message": "Unauthorized", "type": "unauthorized"});
    Err(Box::new(json_reply(
        StatusCode::UNAUTHORIZED,
        &json!({"error": error}),
    )))
}

/// Returns what stands after `Bearer`; a field that stands twice counts as wrong.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    let field = fields.next()?.to_str().ok()?;
    if fields.next().is_some() {
        return None;
    }
    let (scheme, key) = field.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
}

async fn read(body: Incoming) -> Result<Bytes, Box<Reply>> {
    match timeout(BODY_WAIT, Limited::new(body, MOST_BYTES).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the request is larger than 8 MiB",
        )),
        Ok(Err(_)) => Err(refused(StatusCode::BAD_REQUEST, "the request broke off")),
        Err(_) => Err(refused(
            StatusCode::REQUEST_TIMEOUT,
            "the request did not come in time",
        )),
    }
}

/// Returns the agent a request means: the field of its head goes before the model's name.
fn agent_of(
    headers: &HeaderMap,
    names: &AgentNames,
    model: Option<&str>,
) -> Result<String, BadRequest> {
    let field = headers
        .get("x-openclaw-agent-id")
        .and_then(|value| value.to_str().ok())
        .map(str::trim)
        .filter(|agent| !agent.is_empty());
    let agent = field.or(model).unwrap_or(&names.default);
    if agent == "default" {
        return Ok(names.default.clone());
    }
    if names.all.iter().any(|known| known == agent) {
        Ok(agent.to_owned())
    } else {
        Err(BadRequest::UnknownAgent(agent.to_owned()))
    }
}

/// Returns the conversation: the one that is named, the one of this user, or a new one.
fn session_key(headers: &HeaderMap, completion: &Completion) -> Result<SessionKey, Box<Reply>> {
    let agent = &completion.agent;
    let named = headers
        .get("x-openclaw-session-key")
        .and_then(|value| value.to_str().ok())
        .filter(|key| !key.trim().is_empty());
    let key = match (named, &completion.user) {
        (Some(key), _) => key.to_owned(),
        (None, Some(user)) => format!("agent:{agent}:openai-user:{user}"),
        (None, None) => format!("agent:{agent}:openai:{}", uuid::Uuid::new_v4()),
    };
    session_keys::canonical(&key.as_str().into())
        .map_err(|why| refused(StatusCode::BAD_REQUEST, &why.to_string()))
}

/// Puts the message down and answers with what its run says.
async fn begin(
    gateway: &Arc<State>,
    key: SessionKey,
    completion: Completion,
) -> Result<Streamed, Box<Reply>> {
    let id = reply::new_id();
    let run = RunId::from(id.as_str());
    // Before the input is accepted, so that an end that comes at once is not missed.
    let following = Following::new(gateway, key.clone(), run.clone());
    let history = gateway.store.session(&key).await.ok().flatten().is_some();
    let input = Input {
        key,
        run_id: run,
        content: completion.content(history),
        extra: Map::new(),
    };
    match accept(gateway, input).await {
        Ok(Taken::New(_) | Taken::Known(_)) => {}
        Err(refusal) if refusal.code == ErrorCode::InvalidRequest => {
            return Err(refused(StatusCode::BAD_REQUEST, &refusal.message));
        }
        Err(refusal) => {
            return Err(failed(StatusCode::SERVICE_UNAVAILABLE, &refusal.message));
        }
    }
    let shape = reply::Shape::new(id, completion.model);
    if completion.streams {
        return Ok(reply::stream(shape, following, completion.wants_usage));
    }
    match following.end().await {
        Ok(end) => Ok(whole(json_reply(StatusCode::OK, &shape.whole(&end)))),
        Err(why) => Err(failed(StatusCode::INTERNAL_SERVER_ERROR, &why)),
    }
}

/// `/v1/models` and `/v1/models/<name>`: each agent is a model.
fn models(gateway: &State, path: &str) -> Result<Reply, Box<Reply>> {
    let names = gateway.agents.names();
    let entry = |id: String| json!({"id": id, "object": "model", "created": 0, "owned_by": "openclaw", "permission": []});
    let ids = ["openclaw".to_owned(), "openclaw/default".to_owned()]
        .into_iter()
        .chain(names.all.iter().map(|agent| format!("openclaw/{agent}")));
    match model_named(path) {
        None => {
            let data: Vec<Value> = ids.map(entry).collect();
            let list = json!({"object": "list", "data": data});
            Ok(json_reply(StatusCode::OK, &list))
        }
        Some(wanted) => match ids.into_iter().find(|id| id == wanted) {
            Some(id) => Ok(json_reply(StatusCode::OK, &entry(id))),
            None => Err(refused(StatusCode::NOT_FOUND, "there is no such model")),
        },
    }
}

fn model_named(path: &str) -> Option<&str> {
    path.strip_prefix("/v1/models/")
        .filter(|name| !name.is_empty())
}

fn bad_request(why: BadRequest) -> Box<Reply> {
    refused(StatusCode::BAD_REQUEST, &why.to_string())
}

/// What the caller has to change, in OpenAI's shape.
fn refused(status: StatusCode, why: &str) -> Box<Reply> {
    Box::new(json_reply(
        status,
        &reply::error(why, "invalid_request_error"),
    ))
}

/// What went wrong here, in OpenAI's shape.
fn failed(status: StatusCode, why: &str) -> Box<Reply> {
    Box::new(json_reply(status, &reply::error(why, "api_error")))
}
