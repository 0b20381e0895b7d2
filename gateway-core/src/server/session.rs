//! One peer from its challenge to its end.

use super::State;
use super::clock::now_ms;
use super::door::Visit;
use super::handshake::{self, Caller, Refused};
use super::mailbox::{Announcement, Goodbye, Mailbox};
use super::nodes;
use super::peers::Peer;
use super::refusals::{Refusal, invalid, refusal};
use super::router::{Call, answer_frame, refusal_frame, wire};
use super::socket::{Ended, PeerSocket, Received, Wire};
use crate::protocol::connect::CHALLENGE;
use crate::protocol::{ErrorCode, Request, RequestId, WireError};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tracing::debug;

/// How long a peer may take from the challenge to its connect request (protocol §1).
const CONNECT_WAIT: Duration = Duration::from_secs(15);
/// How often a silent peer is asked for a sign of life, and how long it may take to give one
/// (protocol §4).
const PING_EVERY: Duration = Duration::from_secs(25);
/// How many requests of one peer are worked on at a time. More than any client keeps open; waiting
/// for decisions counts.
const MOST_IN_FLIGHT: usize = 256;

/// Serves one peer until it goes or is told to.
pub(super) async fn serve<S: Wire>(
    gateway: Arc<State>,
    mut socket: PeerSocket<S>,
    caller: Caller,
    visit: &Visit,
) {
    #[cfg(test)]
    socket.is_watched_by(super::overheard::Line::to(gateway.said.clone()));
    #[cfg(all(debug_assertions, not(test)))]
    if let Some(listener) = super::overheard::listener() {
        socket.is_watched_by(super::overheard::Line::to(listener));
    }
    let Some(peer) = admit(&gateway, &mut socket, &caller).await else {
        return;
    };
    visit.prove();
    socket.lift_limit();
    let ended = converse(&gateway, &mut socket, &peer).await;
    gateway.left(&peer);
    if let Ended::Violation(goodbye) | Ended::Told(goodbye) = &ended {
        socket.close(goodbye).await;
    }
    debug!(conn = %peer.facts.conn_id, "a peer has left");
}

/// Brings a peer to hello, or tells it why not.
async fn admit<S: Wire>(
    gateway: &Arc<State>,
    socket: &mut PeerSocket<S>,
    caller: &Caller,
) -> Option<Arc<Peer>> {
    let outbox = Mailbox::default();
    outbox.tell(&Announcement::new(
        CHALLENGE,
        &json!({
            "nonce": caller.nonce,
            "ts": caller.challenged_at_ms,
            "capabilities": ["model-catalog-snapshot"],
        }),
    ));
    let first = match timeout(CONNECT_WAIT, first_message(socket, &outbox)).await {
        // Nothing is said to one that says nothing (protocol §1).
        Err(_) => return farewell(socket, &Goodbye::new(1000, "")).await,
        Ok(Err(Ended::Gone)) => return None,
        Ok(Err(Ended::Violation(goodbye) | Ended::Told(goodbye))) => {
            return farewell(socket, &goodbye).await;
        }
        Ok(Ok(Received::Text(text))) => text,
        Ok(Ok(Received::Undecodable | Received::Pong(_))) => {
            return farewell(socket, &Goodbye::new(1000, "")).await;
        }
    };
    let Ok(value) = serde_json::from_str::<Value>(&first) else {
        return farewell(socket, &Goodbye::new(1000, "")).await;
    };
    let Some(request) = request_of(value).ok() else {
        return farewell(socket, &Goodbye::new(1008, "invalid request frame")).await;
    };
    let id = request.id.clone();
    match handshake::connect(gateway, caller, request).await {
        Ok(admitted) => {
            let peer = Arc::new(Peer::new(admitted.facts));
            // Hello comes before any event, and no event after it is missed.
            peer.mailbox.send(answer_frame(&id, &wire(&admitted.hello)));
            gateway.joined(&peer);
            if let Some(declared) = admitted.declared {
                nodes::joined(gateway, &peer, declared).await;
            }
            Some(peer)
        }
        Err(Refused { error, close }) => {
            outbox.send(refusal_frame(&id, &error));
            outbox.close(close);
            if let Ok(Err(Ended::Told(goodbye))) =
                timeout(CONNECT_WAIT, first_message(socket, &outbox)).await
            {
                socket.close(&goodbye).await;
            }
            None
        }
    }
}

async fn first_message<S: Wire>(
    socket: &mut PeerSocket<S>,
    outbox: &Mailbox,
) -> Result<Received, Ended> {
    loop {
        match socket.next(outbox).await? {
            Received::Pong(_) => {}
            message @ (Received::Text(_) | Received::Undecodable) => return Ok(message),
        }
    }
}

async fn farewell<S: Wire>(socket: &mut PeerSocket<S>, goodbye: &Goodbye) -> Option<Arc<Peer>> {
    socket.close(goodbye).await;
    None
}

/// Answers requests and sends events until one side ends it.
async fn converse<S: Wire>(
    gateway: &Arc<State>,
    socket: &mut PeerSocket<S>,
    peer: &Arc<Peer>,
) -> Ended {
    let mut in_flight = FuturesUnordered::new();
    let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = true;
    loop {
        tokio::select! {
            biased;
            Some(frame) = in_flight.next() => {
                let frame: String = frame;
                peer.mailbox.send(frame);
            }
            received = socket.next(&peer.mailbox) => {
                heard = true;
                match received {
                    Ok(Received::Text(text)) => match read(gateway, peer, &text) {
                        Some((call, _)) if in_flight.len() >= MOST_IN_FLIGHT => {
                            peer.mailbox.send(refusal_frame(&call.id, &too_many()));
                        }
                        Some((call, request)) => in_flight.push(answer(call, request)),
                        None => {}
                    },
                    Ok(Received::Pong(number)) => {
                        if let Some(number) = number {
                            peer.mailbox.has_read(number);
                        }
                    }
                    // What cannot be read is ignored (protocol §1).
                    Ok(Received::Undecodable) => {}
                    Err(ended) => return ended,
                }
            }
            _ = pings.tick() => {
                if !heard {
                    return Ended::Gone;
                }
                heard = false;
                socket.ping();
            }
        }
    }
}

fn too_many() -> Refusal {
    Box::new(WireError {
        retryable: Some(true),
        retry_after_ms: Some(1000),
        ..*refusal(
            ErrorCode::Unavailable,
            "too many requests at a time on this connection",
        )
    })
}

fn read(gateway: &Arc<State>, peer: &Arc<Peer>, text: &str) -> Option<(Call, Request)> {
    // What is not JSON is ignored after hello (protocol §1).
    let value = serde_json::from_str::<Value>(text).ok()?;
    match request_of(value) {
        Ok(request) => {
            let call = Call {
                gateway: gateway.clone(),
                peer: peer.clone(),
                id: request.id.clone(),
            };
            Some((call, request))
        }
        Err((id, refusal)) => {
            peer.mailbox.send(refusal_frame(&id, &invalid(&refusal)));
            None
        }
    }
}

async fn answer(call: Call, request: Request) -> String {
    let id = call.id.clone();
    let gateway = call.gateway.clone();
    let started_ms = now_ms();
    let answer = gateway
        .router
        .call(call, &request.method, request.params)
        .await;
    debug!(
        method = %request.method,
        ok = answer.is_ok(),
        ms = now_ms().saturating_sub(started_ms),
        "answered"
    );
    match answer {
        Ok(payload) => answer_frame(&id, &payload),
        Err(error) => refusal_frame(&id, &error),
    }
}

/// What a request frame may hold (protocol §1).
const KNOWN: [&str; 6] = [
    "type",
    "id",
    "method",
    "params",
    "traceparent",
    "expectedProfileId",
];

/// Reads a request frame: a closed shape, so a member too many is an error (protocol §1).
fn request_of(value: Value) -> Result<Request, (RequestId, String)> {
    let id = match value.get("id") {
        Some(Value::String(id)) if !id.is_empty() => RequestId::from(id.as_str()),
        _ => RequestId::from("invalid"),
    };
    let refuse = |what: &str| Err((id.clone(), format!("invalid request frame: {what}")));
    let Value::Object(members) = &value else {
        return refuse("must be object");
    };
    // In the words and the order of the official gateway, which names the first of each kind.
    let mut wrong = Vec::new();
    let required = ["type", "id", "method"];
    if let Some(name) = required.iter().find(|name| !members.contains_key(**name)) {
        wrong.push(format!("must have required property '{name}'"));
    }
    if let Some(unknown) = members.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        wrong.push(format!("at root: unexpected property '{unknown}'"));
    }
    match members.get("type") {
        Some(kind) if kind != "req" => wrong.push("at /type: must be equal to constant".to_owned()),
        Some(_) | None => {}
    }
    for name in ["id", "method"] {
        match members.get(name) {
            Some(Value::String(text)) if !text.is_empty() => {}
            Some(_) => wrong.push(format!("at /{name}: must be a non-empty string")),
            None => {}
        }
    }
    if !wrong.is_empty() {
        return refuse(&wrong.join("; "));
    }
    serde_json::from_value(value).or_else(|_| refuse("must be a request"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_frame_is_a_closed_shape() {
        let refused = |value: Value| request_of(value).unwrap_err();

        let (id, why) = refused(json!({"type": "req", "id": "7", "method": "health", "x": 1}));
        assert_eq!(id.as_str(), "7");
        assert!(why.contains("unexpected property 'x'"), "{why}");
        assert_eq!(refused(json!([])).0.as_str(), "invalid");
        assert_eq!(
            refused(json!({"type": "req", "method": "health"}))
                .0
                .as_str(),
            "invalid"
        );
        assert!(
            refused(json!({"type": "req", "id": "7"}))
                .1
                .contains("'method'")
        );
        assert!(
            refused(json!({"type": "event", "id": "7", "method": "x"}))
                .1
                .contains("/type")
        );
        assert!(
            request_of(json!({"type": "req", "id": "7", "method": "x", "params": null})).is_ok()
        );
    }
}
