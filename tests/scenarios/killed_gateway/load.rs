//! The programs that write to the gateway until it is killed: each on a connection of its own, and
//! each request noted before it is sent and again when it is acknowledged.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Result, bail, ensure};
use e2e::acknowledged::Ledger;
use e2e::gateway::witness::Witness;
use e2e::our_gateway::OurGateway;
use gateway_core::client::{
    self, ClientLimits, ConnectError, Credentials, Established, HelloRequest, StoredDeviceToken,
};
use gateway_core::credentials::secret::GatewayToken;
use gateway_core::device_identity::DeviceIdentity;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use uuid::Uuid;

/// A conversation is written to in so many lives, then another one: a history stays short enough to
/// be read after each kill.
const LIVES_OF_A_CONVERSATION: usize = 5;
/// How many conversations are made, renamed and deleted.
const LISTED: usize = 6;

/// A device that was let in and given a token.
#[derive(Debug, Clone)]
pub(crate) struct Paired {
    pub(crate) identity: Arc<DeviceIdentity>,
    pub(crate) token: StoredDeviceToken,
}

/// What is written, and where to.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    port: u16,
    token: String,
    run: String,
    life: usize,
    ids: Arc<AtomicUsize>,
    ledger: Arc<Mutex<Ledger>>,
    paired: Arc<Mutex<Vec<Paired>>>,
}

impl Load {
    pub(crate) fn new(gateway: &OurGateway) -> Self {
        let run = Uuid::new_v4().simple().to_string();
        Self {
            port: gateway.port(),
            token: gateway.token().to_owned(),
            run: run.chars().take(8).collect(),
            life: 0,
            ids: Arc::default(),
            ledger: Arc::default(),
            paired: Arc::default(),
        }
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn paired(&self) -> MutexGuard<'_, Vec<Paired>> {
        self.paired.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn next_life(&mut self) {
        self.life += 1;
    }

    /// What the conversations have in common that are written to now.
    pub(crate) fn era(&self) -> String {
        format!("-{}-{}", self.run, self.life / LIVES_OF_A_CONVERSATION)
    }

    fn conversation(&self, name: &str) -> String {
        format!("agent:main:{name}{}", self.era())
    }

    fn new_id(&self) -> String {
        let number = self.ids.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number:06}", self.run)
    }

    /// The text that is sent under an id; the same when it is sent again.
    pub(crate) fn text(id: &str) -> String {
        let kind = id.bytes().map(usize::from).sum::<usize>() % 8;
        match kind {
            0 => format!("LONG {id}"),
            1..=3 => format!("status {id}"),
            _ => format!("note {id}"),
        }
    }

    /// Starts every program.
    pub(crate) fn begin(&self, draw: &mut StdRng) -> JoinSet<Result<()>> {
        let mut programs = JoinSet::new();
        let mut own = || StdRng::seed_from_u64(draw.random());
        for (name, model) in [
            ("helper-a", Some("builtin/helper")),
            ("helper-b", Some("builtin/helper")),
            ("model-a", None),
            ("model-b", None),
        ] {
            programs.spawn(self.clone().chats(self.conversation(name), model, own()));
        }
        programs.spawn(self.clone().asks_the_agent(self.conversation("agent")));
        programs.spawn(self.clone().keeps_a_list(own()));
        programs.spawn(self.clone().writes_notes(self.conversation("notes"), own()));
        programs.spawn(self.clone().pairs_devices(own()));
        programs
    }

    /// Signs in; `None` when the gateway is gone.
    async fn line(&self) -> Result<Option<Line>> {
        match Witness::connect_to(self.port, &self.token).await {
            Ok(witness) => Ok(Some(Line(witness))),
            Err(problem) if problem.to_string().contains("was refused") => Err(problem),
            Err(_) => Ok(None),
        }
    }

    /// Sends a few messages at a time and hears the answers out.
    async fn chats(self, key: String, model: Option<&str>, mut draw: StdRng) -> Result<()> {
        let Some(mut line) = self.line().await? else {
            return Ok(());
        };
        if let Some(model) = model {
            let chosen = json!({"key": key, "model": model});
            if line.asks("sessions.patch", chosen).await?.is_none() {
                return Ok(());
            }
        }
        loop {
            let mut unanswered = HashMap::new();
            let mut going_on = HashSet::new();
            for _ in 0..draw.random_range(1..=3) {
                let id = self.new_id();
                self.ledger().sends("chat.send", &key, &id);
                let message = said(&key, &id);
                let Ok(request) = line.0.send("chat.send", message).await else {
                    return Ok(());
                };
                going_on.insert(id.clone());
                unanswered.insert(request, id);
            }
            while !unanswered.is_empty() || !going_on.is_empty() {
                let Ok(frame) = line.0.next(|_| true).await else {
                    return Ok(());
                };
                let answered = frame["id"].as_str().and_then(|id| unanswered.remove(id));
                if let Some(id) = answered {
                    ensure!(frame["ok"] == true, "chat.send was refused: {frame}");
                    self.ledger().has_sent(&id);
                } else if frame["event"] == "chat"
                    && !matches!(frame["payload"]["state"].as_str(), Some("delta" | "status"))
                    && let Some(run) = frame["payload"]["runId"].as_str()
                {
                    going_on.remove(run);
                }
            }
        }
    }

    /// Asks the agent and waits for the second answer.
    async fn asks_the_agent(self, key: String) -> Result<()> {
        let Some(mut line) = self.line().await? else {
            return Ok(());
        };
        loop {
            let id = self.new_id();
            self.ledger().sends("agent", &key, &id);
            let Ok(request) = line.0.send("agent", said(&key, &id)).await else {
                return Ok(());
            };
            for phase in 0..2 {
                let Ok(answer) = line.0.next(|frame| frame["id"] == request.as_str()).await else {
                    return Ok(());
                };
                ensure!(answer["ok"] == true, "agent was refused: {answer}");
                if phase == 0 {
                    ensure!(answer["payload"]["status"] == "accepted", "{answer}");
                    self.ledger().has_sent(&id);
                }
            }
        }
    }

    /// Makes, renames and deletes conversations.
    async fn keeps_a_list(self, mut draw: StdRng) -> Result<()> {
        let Some(mut line) = self.line().await? else {
            return Ok(());
        };
        loop {
            let number = draw.random_range(0..LISTED);
            let key = format!("agent:main:list-{}-{number}", self.run);
            let what = format!("session {key}");
            let label = self.new_id();
            let (method, value, params) = match draw.random_range(0..4) {
                0 => ("sessions.delete", Value::Null, json!({"key": key})),
                1 | 2 => (
                    "sessions.create",
                    json!(label),
                    json!({"key": key, "label": label}),
                ),
                _ => (
                    "sessions.patch",
                    json!(label),
                    json!({"key": key, "label": label}),
                ),
            };
            self.ledger().sets(&what, value);
            if line.asks(method, params).await?.is_none() {
                return Ok(());
            }
            self.ledger().has_set(&what);
        }
    }

    /// Writes notes, wake words and the configuration.
    async fn writes_notes(self, key: String, mut draw: StdRng) -> Result<()> {
        let Some(mut line) = self.line().await? else {
            return Ok(());
        };
        let made = line.asks("sessions.create", json!({"key": key})).await?;
        if made.is_none() {
            return Ok(());
        }
        loop {
            let id = self.new_id();
            let answered = match draw.random_range(0..3) {
                0 => {
                    self.ledger().sends("chat.inject", &key, &id);
                    let note = json!({"sessionKey": key, "message": id});
                    let answer = line.asks("chat.inject", note).await?;
                    answer.map(|_| self.ledger().has_sent(&id))
                }
                1 => {
                    self.ledger().sets("wake words", json!([id]));
                    let words = json!({"triggers": [id]});
                    let answer = line.asks("voicewake.set", words).await?;
                    answer.map(|_| self.ledger().has_set("wake words"))
                }
                _ => {
                    let Some(before) = line.asks("config.get", json!({})).await? else {
                        return Ok(());
                    };
                    self.ledger().sets("configuration", json!(id));
                    let raw = json!({"meta": {"note": id}}).to_string();
                    let change = json!({"raw": raw, "baseHash": before["hash"]});
                    let answer = line.asks("config.patch", change).await?;
                    answer.map(|_| self.ledger().has_set("configuration"))
                }
            };
            if answered.is_none() {
                return Ok(());
            }
        }
    }

    /// Lets devices in, renames and removes them, and has them come back with their tokens.
    async fn pairs_devices(self, mut draw: StdRng) -> Result<()> {
        let Some(mut line) = self.line().await? else {
            return Ok(());
        };
        loop {
            let known = self.still_paired();
            let chosen = known.get(draw.random_range(0..known.len().max(1)));
            let answered = match (draw.random_range(0..6), chosen) {
                (0, Some(device)) => {
                    let id = device.identity.device_id();
                    let what = format!("device {id}");
                    self.ledger().sets(&what, Value::Null);
                    let answer = line
                        .asks("device.pair.remove", json!({"deviceId": id}))
                        .await?;
                    answer.map(|_| self.ledger().has_set(&what))
                }
                (1 | 2, Some(device)) => {
                    let (id, label) = (device.identity.device_id(), self.new_id());
                    let what = format!("device {id}");
                    self.ledger().sets(&what, json!(label));
                    let renamed = json!({"deviceId": id, "label": label});
                    let answer = line.asks("device.pair.rename", renamed).await?;
                    answer.map(|_| self.ledger().has_set(&what))
                }
                (3, Some(device)) => self.comes_back(device).await?.map(drop),
                (..) => self.is_let_in(&mut draw).await?,
            };
            if answered.is_none() {
                return Ok(());
            }
        }
    }

    /// The devices that have a token and are certain to be paired.
    pub(crate) fn still_paired(&self) -> Vec<Paired> {
        let ledger = self.ledger();
        let mut paired = self.paired().clone();
        paired.retain(|device| {
            let id = device.identity.device_id();
            !ledger.settled(&format!("device {id}")).is_null()
        });
        paired
    }

    async fn is_let_in(&self, draw: &mut StdRng) -> Result<Option<()>> {
        let mut chance = StdRng::seed_from_u64(draw.random());
        let identity = Arc::new(DeviceIdentity::generate(&mut chance));
        let what = format!("device {}", identity.device_id());
        let shared = Credentials {
            token: Some(GatewayToken::new(&self.token)),
            ..Credentials::default()
        };
        let request = HelloRequest::operator(identity.clone(), shared);
        let name = request.client.display_name.clone().unwrap_or_default();
        self.ledger().sets(&what, json!(name));
        let Some(established) = self.connects(request).await? else {
            return Ok(None);
        };
        let Some(token) = established.issued else {
            bail!("a new device was given no token");
        };
        self.paired().push(Paired { identity, token });
        self.ledger().has_set(&what);
        Ok(Some(()))
    }

    /// Signs in with a device's token alone; `None` when the gateway is gone.
    pub(crate) async fn comes_back(&self, device: &Paired) -> Result<Option<Established>> {
        let own = Credentials {
            device_token: Some(device.token.clone()),
            ..Credentials::default()
        };
        let request = HelloRequest::operator(device.identity.clone(), own);
        self.connects(request).await
    }

    async fn connects(&self, request: HelloRequest) -> Result<Option<Established>> {
        let Ok(stream) = TcpStream::connect(("127.0.0.1", self.port)).await else {
            return Ok(None);
        };
        let host = format!("127.0.0.1:{}", self.port);
        match client::connect(stream, &host, request, ClientLimits::default()).await {
            Ok(established) => Ok(Some(established)),
            Err(problem @ ConnectError::Refused { .. }) => Err(problem.into()),
            Err(_) => Ok(None),
        }
    }
}

pub(crate) fn said(key: &str, id: &str) -> Value {
    json!({"sessionKey": key, "message": Load::text(id), "idempotencyKey": id})
}

/// A connection that may be cut at any moment.
struct Line(Witness);

impl Line {
    /// Asks, and returns `None` when the gateway was killed before it answered.
    async fn asks(&mut self, method: &str, params: Value) -> Result<Option<Value>> {
        match self.0.ask(method, params).await {
            Ok(mut answer) if answer["ok"] == true => Ok(Some(answer["payload"].take())),
            Ok(answer) => bail!("{method} was refused: {}", answer["error"]),
            Err(_) => Ok(None),
        }
    }
}
