//! Before a request is looked at: for whom it is meant, which page sent it, from where it comes.

use super::State;
use super::clock::now_ms;
use super::handshake::Caller;
use super::http::{Line, Reply, json_reply, text};
use super::origin::{self, HeadRefusal};
use super::peer_address::{Unattributed, client_of};
use super::request_head::RequestHead;
use super::vouching;
use hyper::header::HeaderMap;
use hyper::{StatusCode, Uri};
use serde_json::json;
use uuid::Uuid;

/// What a request's head says about who sent it.
#[derive(Debug)]
pub(super) struct Screened {
    caller: Caller,
    refusal: Option<HeadRefusal>,
}

/// Screens one request.
///
/// # Errors
///
/// The reply for one that is not meant for us, or whose sender is hidden by a proxy we do not know.
pub(super) fn screen(
    gateway: &State,
    line: &Line,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<Screened, Box<Reply>> {
    let target = uri.to_string();
    let head = RequestHead::new(
        &target,
        headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes())),
    );
    let (page, refusal) = match gateway.screen.judge(&head) {
        Ok(page) => (Ok(page), None),
        Err(HeadRefusal::Origin) => (Err(()), Some(HeadRefusal::Origin)),
        Err(HeadRefusal::Host) => return Err(refused(HeadRefusal::Host)),
    };
    let proxies = &gateway.config.exposure.trusted_proxies;
    let client = client_of(line.remote, &head, line.arrival, proxies).map_err(|why| {
        let status = StatusCode::from_u16(Unattributed::STATUS).unwrap_or(StatusCode::FORBIDDEN);
        let error = json!({"type": Unattributed::ERROR_TYPE, "message": why.to_string()});
        Box::new(json_reply(status, &json!({"error": error})))
    })?;
    Ok(Screened {
        caller: Caller {
            client,
            page,
            vouched: vouching::look(gateway, line.remote, line.arrival, &head),
            nonce: Uuid::new_v4().to_string(),
            challenged_at_ms: now_ms(),
        },
        refusal,
    })
}

impl Screened {
    /// Returns who may open a WebSocket. A page that may not talk to us is let in as far as the
    /// connect request, which says so in words that clients know (protocol §13).
    pub(super) fn into_caller(self) -> Caller {
        self.caller
    }

    /// Returns who sent a plain request.
    ///
    /// # Errors
    ///
    /// The reply for a page that may not talk to us.
    pub(super) fn page(&self) -> Result<&origin::Caller, Box<Reply>> {
        match (&self.caller.page, self.refusal) {
            (Ok(page), None) => Ok(page),
            (Ok(_) | Err(()), refusal) => Err(refused(refusal.unwrap_or(HeadRefusal::Origin))),
        }
    }
}

fn refused(why: HeadRefusal) -> Box<Reply> {
    let status = StatusCode::from_u16(why.status()).unwrap_or(StatusCode::FORBIDDEN);
    Box::new(text(status, &why.to_string()))
}
