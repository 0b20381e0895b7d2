//! A node and several operators on a running gateway, played by our own client.

use super::*;
use crate::protocol::connect::{ClientInfo, Role};
use crate::protocol::{NodeId, WireError};

/// Everything there is to hold.
pub(super) const ADMIN: [Scope; 1] = [Scope::Admin];

/// Commands a Linux node asks for, some of which no gateway lets it offer unasked.
const COMMANDS: [&str; 4] = [
    "system.notify",
    "system.run",
    "canvas.present",
    "talk.ptt.start",
];

pub(super) fn device(seed: u64) -> Arc<DeviceIdentity> {
    Arc::new(DeviceIdentity::generate(&mut StdRng::seed_from_u64(seed)))
}

pub(super) fn node_id(seed: u64) -> NodeId {
    device(seed).device_id().as_str().into()
}

pub(super) fn token() -> Credentials {
    Credentials {
        token: Some(GatewayToken::new(TOKEN)),
        ..Credentials::default()
    }
}

/// What a node says at hello.
pub(super) fn node_hello(seed: u64) -> HelloRequest {
    let extra = [
        ("commands", json!(COMMANDS)),
        ("permissions", json!({"notifications": true})),
        ("pathEnv", json!("/usr/bin")),
    ];
    HelloRequest {
        client: ClientInfo {
            id: "node-host".to_owned(),
            platform: "linux".to_owned(),
            mode: "node".to_owned(),
            display_name: Some("Pi".to_owned()),
            ..ClientInfo::default()
        },
        role: Role::Node,
        scopes: Vec::new(),
        caps: vec!["system".to_owned()],
        extra: extra
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        ..HelloRequest::operator(device(seed), token())
    }
}

impl Running {
    pub(super) async fn hello(&self, hello: HelloRequest) -> Established {
        self.try_hello(hello).await.unwrap()
    }

    pub(super) async fn try_hello(
        &self,
        hello: HelloRequest,
    ) -> Result<Established, client::ConnectError> {
        let address = self.gateway.addresses()[0];
        let stream = TcpStream::connect(address).await.unwrap();
        client::connect(stream, &address.to_string(), hello, ClientLimits::default()).await
    }

    pub(super) async fn operator(&self, seed: u64, scopes: &[Scope]) -> Established {
        self.hello(HelloRequest {
            scopes: scopes.to_vec(),
            ..HelloRequest::operator(device(seed), token())
        })
        .await
    }

    /// A node that nobody approved yet.
    pub(super) async fn node(&self, seed: u64) -> Established {
        self.hello(node_hello(seed)).await
    }

    /// A node whose abilities an administrator has approved.
    pub(super) async fn approved_node(&self, seed: u64, admin: &Established) -> Established {
        let node = self.node(seed).await;
        let request = pending_of(admin, seed).await;
        let session = &admin.session;
        ask(session, "node.pair.approve", json!({"requestId": request})).await;
        node
    }
}

/// Returns what is to be approved of a node; it is put down right after hello.
pub(super) async fn pending_of(admin: &Established, seed: u64) -> String {
    loop {
        let listed = ask(&admin.session, "node.pair.list", json!({})).await;
        let found = listed["pending"]
            .as_array()
            .unwrap()
            .iter()
            .find(|pending| pending["nodeId"] == json!(node_id(seed)))
            .map(|pending| pending["requestId"].as_str().unwrap().to_owned());
        if let Some(found) = found {
            return found;
        }
    }
}

/// Waits for an event of this name and returns what it says.
pub(super) async fn event(established: &mut Established, name: &str) -> Value {
    loop {
        let event = next_event(established).await;
        if event.name() == name {
            return event.to_payload();
        }
    }
}

/// Waits for the next thing a node is asked, and returns its params as well.
pub(super) async fn request_to(node: &mut Established) -> (Value, Value) {
    let request = event(node, "node.invoke.request").await;
    let params = serde_json::from_str(request["paramsJSON"].as_str().unwrap()).unwrap();
    (request, params)
}

/// Answers what a node was asked.
pub(super) async fn answer_to(node: &Established, request: &Value, payload: Value) -> Value {
    let result = json!({
        "id": request["id"], "nodeId": request["nodeId"], "ok": true, "payload": payload,
    });
    ask(&node.session, "node.invoke.result", result).await
}

/// Calls a method that is refused.
pub(super) async fn refused(established: &Established, method: &str, params: Value) -> WireError {
    let limit = Duration::from_secs(20);
    match established.session.call_raw(method, params, limit).await {
        Err(client::CallError::Refused { error, .. }) => *error,
        other @ (Ok(_) | Err(_)) => panic!("{other:?}"),
    }
}

/// Calls a method that answers later, on a task of its own.
pub(super) fn start(
    established: &Established,
    method: &'static str,
    params: Value,
) -> tokio::task::JoinHandle<Value> {
    let session = established.session.clone();
    tokio::spawn(async move { ask(&session, method, params).await })
}
