//! Which method does what, and who may call it.

use super::State;
use super::peers::{Facts, Peer};
use super::refusals::{Refusal, invalid, missing_scope};
use crate::protocol::RequestId;
use crate::protocol::connect::{Role, Scope};
use crate::protocol::method::Needs;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// The answer to a request, already in the words of the wire.
pub(super) type Answer = Result<Box<RawValue>, Refusal>;
type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;
type Handler = Box<dyn Fn(Call, Value) -> Answering + Send + Sync>;

/// One request of one peer.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// The gateway.
    pub(super) gateway: Arc<State>,
    /// Who asks.
    pub(super) peer: Arc<Peer>,
    /// Which request.
    pub(super) id: RequestId,
}

impl Call {
    /// Sends the first of two answers; the handler's result is the second (protocol §1).
    pub(super) fn answer_first(&self, payload: &impl Serialize) {
        self.peer
            .mailbox
            .send(answer_frame(&self.id, &wire(payload)));
    }
}

/// Who may call a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Everybody who said hello, nodes and operators without scopes included.
    Everybody,
    /// Operators with this scope.
    Operator(Needs),
    /// Nodes.
    Node,
    /// Nodes, and operators with this scope.
    NodeOr(Needs),
}

struct Route {
    access: Access,
    handler: Handler,
}

/// Every method the gateway serves.
#[derive(Default)]
pub(super) struct Router {
    routes: HashMap<&'static str, Route>,
    order: Vec<&'static str>,
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Router")
            .field("methods", &self.order)
            .finish()
    }
}

impl Router {
    /// Serves a method.
    pub(super) fn serve<H, F>(&mut self, name: &'static str, access: Access, handler: H)
    where
        H: Fn(Call, Value) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Value, Refusal>> + Send + 'static,
    {
        self.route(name, access, move |call, params| {
            let answering = handler(call, params);
            Box::pin(async move { answering.await.map(|payload| wire(&payload)) })
        });
    }

    /// As [`Self::serve`], for answers that are kept in the words of the wire.
    pub(super) fn serve_wire<H, F>(&mut self, name: &'static str, access: Access, handler: H)
    where
        H: Fn(Call, Value) -> F + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        self.route(name, access, move |call, params| {
            Box::pin(handler(call, params))
        });
    }

    /// As [`Self::serve`], for what can be answered at once.
    pub(super) fn serve_now(
        &mut self,
        name: &'static str,
        access: Access,
        handler: impl Fn(&Call, Value) -> Result<Value, Refusal> + Send + Sync + 'static,
    ) {
        self.route(name, access, move |call, params| {
            let answer = handler(&call, params).map(|payload| wire(&payload));
            Box::pin(std::future::ready(answer))
        });
    }

    /// Returns the names of the methods, in the order they were added.
    pub(super) fn names(&self) -> &[&'static str] {
        &self.order
    }

    /// Answers one request.
    pub(super) fn call(&self, call: Call, method: &str, params: Option<Value>) -> Answering {
        let refused = match self.routes.get(method) {
            _ if method == crate::protocol::connect::CONNECT => {
                Err(invalid("connect is only valid as the first request"))
            }
            Some(route) => allowed(&call.peer.facts, route.access).map(|()| route),
            None => Err(unknown(&call.peer.facts, method)),
        };
        match refused {
            Ok(route) => {
                let params = match params {
                    None | Some(Value::Null) => json!({}),
                    Some(params) => params,
                };
                (route.handler)(call, params)
            }
            Err(refusal) => Box::pin(async move { Err(refusal) }),
        }
    }

    fn route(
        &mut self,
        name: &'static str,
        access: Access,
        handler: impl Fn(Call, Value) -> Answering + Send + Sync + 'static,
    ) {
        let handler: Handler = Box::new(handler);
        if self
            .routes
            .insert(name, Route { access, handler })
            .is_none()
        {
            self.order.push(name);
        }
    }
}

fn allowed(facts: &Facts, access: Access) -> Result<(), Refusal> {
    let node = facts.role == Role::Node;
    match access {
        Access::Everybody => Ok(()),
        Access::Node | Access::NodeOr(_) if node => Ok(()),
        Access::Node => Err(invalid("unauthorized role: operator")),
        Access::Operator(_) if node => Err(invalid("unauthorized role: node")),
        Access::Operator(needs) | Access::NodeOr(needs) => {
            let scope = needs.scope();
            if facts.may(&scope) {
                Ok(())
            } else {
                Err(missing_scope(&scope))
            }
        }
    }
}

/// A method nobody serves counts as one for administrators, so that others do not learn which
/// there are (protocol §2).
fn unknown(facts: &Facts, method: &str) -> Refusal {
    if facts.role == Role::Node {
        invalid("unauthorized role: node")
    } else if facts.may(&Scope::Admin) {
        invalid(&format!("unknown method: {method}"))
    } else {
        missing_scope(&Scope::Admin)
    }
}

/// Returns the frame that answers a request with a payload.
pub(super) fn answer_frame(id: &RequestId, payload: &RawValue) -> String {
    let (id, payload) = (quoted(id), payload.get());
    format!(r#"{{"type":"res","id":{id},"ok":true,"payload":{payload}}}"#)
}

/// Returns the frame that refuses a request.
pub(super) fn refusal_frame(id: &RequestId, error: &Refusal) -> String {
    let (id, error) = (quoted(id), wire(error));
    format!(
        r#"{{"type":"res","id":{id},"ok":false,"error":{}}}"#,
        error.get()
    )
}

/// Serialises a payload. Payloads hold strings, numbers and JSON values; none can fail.
pub(super) fn wire(payload: &impl Serialize) -> Box<RawValue> {
    to_raw_value(payload).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

fn quoted(id: &RequestId) -> String {
    serde_json::to_string(id.as_str()).unwrap_or_default()
}
