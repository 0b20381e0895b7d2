//! What a gateway has after it was killed and started again, held against what it was asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::acknowledged::Message;
use e2e::gateway::witness::Witness;
use e2e::our_gateway::OurGateway;
use e2e::wait::until;
use serde_json::{Value, json};

use super::load::{Load, said};

/// How long the runs that waited may take together, on a loaded machine.
const IDLE: Duration = Duration::from_secs(60);
/// How many messages a history is asked for at a time: its most.
const PAGE: usize = 1000;
/// How many devices come back with their tokens after each kill, the newest first.
const RECENT_DEVICES: usize = 4;
/// How many acknowledged messages are sent again after each kill, the newest first.
const RECENT_MESSAGES: usize = 4;

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// What has been written to lately.
    Recent,
    /// All there is, once every run has ended.
    Everything,
}

/// Looks at what the gateway has. What is wrong is noted in the ledger.
pub(crate) async fn judge(gateway: &OurGateway, load: &Load, depth: Depth) -> Result<()> {
    let mut witness = gateway.witness().await?;
    let sent: Vec<Message> = load.ledger().messages().to_vec();
    let mut conversations: BTreeMap<&str, Vec<&Message>> = BTreeMap::new();
    for message in &sent {
        let is_recent = message.conversation.ends_with(&load.era());
        if is_recent || depth == Depth::Everything {
            let key = message.conversation.as_str();
            conversations.entry(key).or_default().push(message);
        }
    }
    for (key, sent) in &conversations {
        if depth == Depth::Everything {
            is_idle(&mut witness, key).await?;
        }
        let history = History::read(&mut witness, key).await?;
        history.judge(load, sent);
    }
    send_again(&mut witness, load, &sent).await?;
    if depth == Depth::Everything {
        for (key, sent) in &conversations {
            is_idle(&mut witness, key).await?;
            let history = History::read(&mut witness, key).await?;
            history.judge(load, sent);
            every_run_has_ended(&mut witness, load, &history, sent).await?;
        }
    }
    values(&mut witness, load).await?;
    devices(&mut witness, load, depth).await
}

/// Waits until nothing goes on or waits in a conversation.
async fn is_idle(witness: &mut Witness, key: &str) -> Result<()> {
    until(
        &format!("the end of what waits in {key}"),
        IDLE,
        async || {
            let asked = json!({"sessionKey": key, "limit": 1});
            let told = witness.call("chat.history", asked).await?;
            let waiting = told["pendingInputs"]["total"].as_u64();
            Ok((told.get("inFlightRun").is_none() && waiting == Some(0)).then_some(()))
        },
    )
    .await
}

/// Sends again what was not acknowledged, and some of what was: neither may become a second one.
async fn send_again(witness: &mut Witness, load: &Load, sent: &[Message]) -> Result<()> {
    let has_key = |message: &&Message| message.method != "chat.inject";
    let doubtful = sent.iter().filter(has_key);
    for message in doubtful.filter(|message| !message.is_certain) {
        witness
            .call(message.method, said(&message.conversation, &message.id))
            .await?;
        load.ledger().has_sent_again(&message.id);
    }
    let certain = sent.iter().rev().filter(has_key);
    let certain = certain.filter(|message| message.is_certain && message.method == "chat.send");
    for message in certain.take(RECENT_MESSAGES) {
        let again = said(&message.conversation, &message.id);
        let told = witness.call("chat.send", again).await?;
        if told["status"] == "started" {
            let id = &message.id;
            load.ledger()
                .is_wrong(format!("{id} was sent again and started anew"));
        }
    }
    Ok(())
}

/// What one conversation holds.
struct History {
    key: String,
    messages: Vec<Value>,
    waiting: Vec<String>,
}

impl History {
    async fn read(witness: &mut Witness, key: &str) -> Result<Self> {
        let mut by_number = BTreeMap::new();
        let mut waiting = Vec::new();
        let mut offset = 0;
        loop {
            let asked = json!({"sessionKey": key, "limit": PAGE, "offset": offset});
            let told = witness.call("chat.history", asked).await?;
            let page = told["messages"].as_array().context("no messages")?;
            for message in page {
                let number = message["__openclaw"]["seq"].as_u64();
                by_number.insert(number.context("no number")?, message.clone());
            }
            if offset == 0 {
                let items = told["pendingInputs"]["items"].as_array();
                let runs = items.into_iter().flatten();
                waiting = runs
                    .filter_map(|item| item["runId"].as_str().map(str::to_owned))
                    .collect();
            }
            offset += page.len();
            if told["hasMore"] != true {
                break;
            }
        }
        // A page may begin before what came after the one before it.
        let numbers: Vec<u64> = by_number.keys().copied().collect();
        let count = u64::try_from(numbers.len())?;
        ensure!(
            numbers.first().is_none_or(|first| *first == 1)
                && numbers.last().is_none_or(|last| *last == count),
            "{key}: messages are missing: {numbers:?}"
        );
        Ok(Self {
            key: key.to_owned(),
            messages: by_number.into_values().collect(),
            waiting,
        })
    }

    fn judge(&self, load: &Load, sent: &[&Message]) {
        let mut ledger = load.ledger();
        let ids: BTreeSet<&str> = self
            .messages
            .iter()
            .filter_map(|message| message["__openclaw"]["id"].as_str())
            .collect();
        if ids.len() != self.messages.len() {
            ledger.is_wrong(format!("{}: messages share an id", self.key));
        }
        for message in &self.messages {
            if let Some(problem) = half(message) {
                ledger.is_wrong(format!("{}: {problem}: {message}", self.key));
            }
        }
        for (run, said) in self.runs() {
            if let Some(problem) = half_a_run(&said) {
                ledger.is_wrong(format!("{}: run {run}: {problem}: {said:?}", self.key));
            }
        }
        let mut times: BTreeMap<String, usize> =
            self.waiting.iter().map(|run| (run.clone(), 1)).collect();
        for message in &self.messages {
            if let Some(id) = our_id(message) {
                *times.entry(id).or_default() += 1;
            }
        }
        for message in sent {
            let found = times.remove(&message.id).unwrap_or_default();
            ledger.found_message(&message.id, found);
        }
        // What is left was not sent before this look began, or never.
        for (id, found) in times {
            ledger.found_message(&id, found);
        }
    }

    /// What each run said.
    fn runs(&self) -> BTreeMap<String, Vec<&Value>> {
        let mut runs: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
        for message in &self.messages {
            if let Some(run) = message["__openclaw"]["runId"].as_str()
                && message["role"] != "user"
            {
                runs.entry(run.to_owned()).or_default().push(message);
            }
        }
        runs
    }
}

/// The id we gave a message: its key, or the text of a note.
fn our_id(message: &Value) -> Option<String> {
    if message["role"] == "user" {
        let key = message["idempotencyKey"].as_str()?;
        return Some(key.strip_suffix(":user").unwrap_or(key).to_owned());
    }
    let is_note = message["__openclaw"].get("runId").is_none();
    let text = message["content"][0]["text"].as_str()?;
    is_note.then(|| text.to_owned())
}

/// Says what an entry lacks, if anything.
fn half(message: &Value) -> Option<&'static str> {
    let has_content = match &message["content"] {
        Value::String(text) => !text.is_empty(),
        Value::Array(parts) => !parts.is_empty(),
        _ => false,
    };
    let is_known = matches!(
        message["role"].as_str(),
        Some("user" | "assistant" | "toolResult")
    );
    if !has_content {
        Some("no content")
    } else if !is_known {
        Some("no role")
    } else if !message["timestamp"].is_u64() {
        Some("no time")
    } else {
        None
    }
}

/// Says what the record of a run that said anything lacks, if anything.
fn half_a_run(said: &[&Value]) -> Option<&'static str> {
    let parts = |role: &str| {
        let of_role: Vec<&&Value> = said.iter().filter(|one| one["role"] == role).collect();
        of_role
    };
    let calls = parts("assistant")
        .iter()
        .filter_map(|one| one["content"].as_array())
        .flatten()
        .filter(|part| part["type"] == "toolCall")
        .count();
    if calls != parts("toolResult").len() {
        Some("a call of a tool and its result are not both there")
    } else if said.last().is_none_or(|last| last["role"] != "assistant") {
        Some("the answer is missing")
    } else {
        None
    }
}

/// No run is left over: each has ended, and one that ended well has its answer.
async fn every_run_has_ended(
    witness: &mut Witness,
    load: &Load,
    history: &History,
    sent: &[&Message],
) -> Result<()> {
    let runs = history.runs();
    for message in sent.iter().filter(|sent| sent.method != "chat.inject") {
        let id = &message.id;
        let asked = json!({"runId": id, "timeoutMs": 0});
        let told = witness.call("agent.wait", asked).await?;
        let answers = runs.get(id).map_or(0, Vec::len);
        match told["status"].as_str() {
            Some("ok") if answers > 0 => {}
            Some("error") if answers == 0 => {}
            _ => load
                .ledger()
                .is_wrong(format!("run {id}: {told} with {answers} messages")),
        }
    }
    Ok(())
}

/// Conversations' names, wake words and the configuration.
async fn values(witness: &mut Witness, load: &Load) -> Result<()> {
    let sessions = load.ledger().values("session ");
    for what in sessions {
        let key = what.trim_start_matches("session ");
        let told = witness
            .call("sessions.describe", json!({"key": key}))
            .await?;
        load.ledger().found_value(&what, &told["session"]["label"]);
    }
    if !load.ledger().values("wake words").is_empty() {
        let told = witness.call("voicewake.get", json!({})).await?;
        let usual = load.ledger().settled("wake words").is_null()
            && told["triggers"] == json!(["openclaw", "claude", "computer"]);
        let found = if usual {
            &Value::Null
        } else {
            &told["triggers"]
        };
        load.ledger().found_value("wake words", found);
    }
    let told = witness.call("config.get", json!({})).await?;
    ensure!(told["valid"] == true, "the configuration is broken: {told}");
    load.ledger()
        .found_value("configuration", &told["config"]["meta"]["note"]);
    Ok(())
}

/// Who is paired, and that tokens still open the door.
async fn devices(witness: &mut Witness, load: &Load, depth: Depth) -> Result<()> {
    let told = witness.call("device.pair.list", json!({})).await?;
    let listed = told["paired"].as_array().context("no list of devices")?;
    let devices = load.ledger().values("device ");
    for what in devices {
        let id = what.trim_start_matches("device ");
        let found: Vec<&Value> = listed.iter().filter(|one| one["deviceId"] == id).collect();
        ensure!(found.len() < 2, "{what} is there twice");
        let name = found.first().map_or(Value::Null, |one| {
            json!(one["displayName"].as_str().unwrap_or_default())
        });
        load.ledger().found_value(&what, &name);
    }
    let most = match depth {
        Depth::Recent => RECENT_DEVICES,
        Depth::Everything => usize::MAX,
    };
    for device in load.still_paired().iter().rev().take(most) {
        let id = device.identity.device_id();
        let let_in = load
            .comes_back(device)
            .await
            .with_context(|| format!("the token of {id}"))?;
        let_in.with_context(|| format!("{id} was cut off"))?;
    }
    Ok(())
}
