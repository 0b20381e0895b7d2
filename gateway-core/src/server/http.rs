//! The HTTP side of the port: the probes, and the door every WebSocket comes through.

use super::State;
use super::door::Visit;
use super::handshake::Caller;
use super::page;
use super::peer_address::Arrival;
use super::screening::screen;
use super::session;
use super::socket::PeerSocket;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tracing::debug;

pub(super) type Reply = Response<Full<Bytes>>;

/// One TCP connection, as far as a request on it has to know.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// Who is at the other end.
    pub(super) remote: SocketAddr,
    /// Which listener took it.
    pub(super) arrival: Arrival,
    /// Its place among those that have not said who they are.
    pub(super) visit: Arc<Visit>,
}

/// Answers one HTTP request, or begins a WebSocket.
pub(super) fn answer(gateway: &Arc<State>, line: &Line, request: Request<Incoming>) -> Reply {
    let screened = match screen(gateway, line, request.headers(), request.uri()) {
        Ok(screened) => screened,
        Err(refusal) => return *refusal,
    };
    if wants_websocket(request.headers()) {
        return upgrade(gateway, line, screened.into_caller(), request);
    }
    if let Err(refusal) = screened.page() {
        return *refusal;
    }
    let probe = matches!(*request.method(), Method::GET | Method::HEAD);
    match request.uri().path() {
        "/health" | "/healthz" | "/ready" | "/readyz" | "/startup" | "/startupz" if !probe => {
            let mut reply = text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
            let allowed = HeaderValue::from_static("GET, HEAD");
            reply.headers_mut().insert(ALLOW, allowed);
            reply
        }
        "/health" | "/healthz" => {
            json_reply(StatusCode::OK, &json!({"ok": true, "status": "live"}))
        }
        "/ready" | "/readyz" => readiness(gateway),
        "/startup" | "/startupz" => startup(gateway),
        path if probe => page::answer(&gateway.config.page, path, request.headers()),
        _ => text(StatusCode::NOT_FOUND, "nothing is served here"),
    }
}

/// Ready means that requests are carried out: from the moment the port is open until the stop, and
/// not while nothing can be kept.
fn readiness(gateway: &State) -> Reply {
    let mut failing = Vec::new();
    if gateway.is_stopping() {
        failing.push("draining");
    }
    // What is asked to be kept would be refused.
    if gateway.store.unwritable().is_some() {
        failing.push("state");
    }
    let status = if failing.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    json_reply(
        status,
        &json!({
            "ready": failing.is_empty(), "failing": failing, "uptimeMs": gateway.uptime_ms(),
        }),
    )
}

fn startup(gateway: &State) -> Reply {
    let (status, word) = if gateway.is_stopping() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining")
    } else {
        (StatusCode::OK, "started")
    };
    json_reply(
        status,
        &json!({
            "ok": status == StatusCode::OK,
            "status": word,
            "version": gateway.version(),
            "uptimeMs": gateway.uptime_ms(),
        }),
    )
}

/// A JSON answer.
pub(super) fn json_reply(status: StatusCode, body: &Value) -> Reply {
    reply(status, "application/json; charset=utf-8", body.to_string())
}

/// A plain answer.
pub(super) fn text(status: StatusCode, body: &str) -> Reply {
    reply(status, "text/plain; charset=utf-8", format!("{body}\n"))
}

fn reply(status: StatusCode, content_type: &'static str, body: String) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(body)));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    reply
}

fn has_token(headers: &HeaderMap, name: hyper::header::HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}

pub(super) fn wants_websocket(headers: &HeaderMap) -> bool {
    has_token(headers, UPGRADE, "websocket")
}

/// RFC 6455 §4.2: any path will do (protocol §1). No extension and no subprotocol is accepted.
fn upgrade(
    gateway: &Arc<State>,
    line: &Line,
    caller: Caller,
    mut request: Request<Incoming>,
) -> Reply {
    let headers = request.headers();
    let mut versions = headers.get_all(SEC_WEBSOCKET_VERSION).iter();
    let version = (versions.next(), versions.next());
    if !matches!(version, (Some(version), None) if version.as_bytes() == b"13") {
        let mut reply = text(
            StatusCode::UPGRADE_REQUIRED,
            "WebSocket version 13 is spoken here",
        );
        let headers = reply.headers_mut();
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return reply;
    }
    let key = headers
        .get_all(SEC_WEBSOCKET_KEY)
        .iter()
        .collect::<Vec<_>>();
    let key = match key.as_slice() {
        [key] if is_key(key.as_bytes()) => derive_accept_key(key.as_bytes()),
        _ => {
            return text(
                StatusCode::BAD_REQUEST,
                "Sec-WebSocket-Key must be 16 bytes in base64",
            );
        }
    };
    if *request.method() != Method::GET
        || request.version() != Version::HTTP_11
        || !has_token(headers, CONNECTION, "upgrade")
    {
        return text(StatusCode::BAD_REQUEST, "not a WebSocket upgrade");
    }
    let Ok(accept) = HeaderValue::from_str(&key) else {
        return text(StatusCode::BAD_REQUEST, "bad Sec-WebSocket-Key");
    };
    let upgrading = hyper::upgrade::on(&mut request);
    let (gateway, line) = (gateway.clone(), line.clone());
    gateway.clone().tasks.spawn(async move {
        let Ok(upgraded) = upgrading.await else {
            return;
        };
        // Back to the socket itself, so that hyper's buffers are not held for the whole session.
        let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() else {
            return;
        };
        let socket = PeerSocket::new(parts.io.into_inner(), parts.read_buf).await;
        let visit = line.visit;
        tokio::select! {
            biased;
            () = visit.asked_to_leave() => debug!("an unproven connection made room"),
            () = session::serve(gateway, socket, caller, &visit) => {}
        }
    });
    let mut reply = Response::new(Full::new(Bytes::new()));
    *reply.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = reply.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    reply
}

/// 16 bytes in base64 are 24 characters, the last two of them padding.
fn is_key(key: &[u8]) -> bool {
    key.len() == 24
        && key.ends_with(b"==")
        && key
            .iter()
            .take(22)
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(byte))
}
