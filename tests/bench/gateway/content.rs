//! Whether both gateways answer with the same class of content: a stub that says nothing is fast.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::side::Side;
use crate::wire::Caller;

/// What is asked after the turns.
const ASKED: [&str; 5] = [
    "health",
    "status",
    "sessions.list",
    "models.list",
    "agents.list",
];
/// How far a report may be behind, in milliseconds: both keep theirs for a while.
const REPORT_AGE_MS: u64 = 90_000;

/// Members of an official answer that ours goes without, with the reason.
const THEIRS_ALONE: [(&str, &str); 0] = [];

/// The answers, in the order of [`ASKED`].
#[derive(Debug)]
pub(crate) struct Answers(Vec<Value>);

impl Answers {
    /// The answer to `health`.
    pub(crate) fn health(&self) -> Option<&Value> {
        self.0.first()
    }

    /// How many bytes the answer to `health` has.
    pub(crate) fn health_bytes(&self) -> usize {
        self.health().map_or(0, |health| health.to_string().len())
    }
}

/// Asks, and looks whether what is said is true: these conversations were held a moment ago.
pub(crate) fn ask(side: &Side, conversations: &[String]) -> Result<Answers> {
    let mut client = Caller::connect(side.port, &side.token)?;
    let answers = ASKED
        .iter()
        .map(|method| client.call(method, &json!({})))
        .collect::<Result<Vec<Value>>>()?;
    let [health, status, sessions, models, agents] = answers.as_slice() else {
        anyhow::bail!("an answer is missing");
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let age = u64::try_from(now)?.abs_diff(health["ts"].as_u64().context("no time")?);
    ensure!(health["ok"] == true, "not well: {health}");
    ensure!(age < REPORT_AGE_MS, "a report that is {age} ms old");
    for (name, report) in [("health", health), ("status", status)] {
        let count = report["sessions"]["count"].as_u64().context("no count")?;
        ensure!(
            usize::try_from(count)? >= conversations.len(),
            "{name} knows of {count} conversations only"
        );
    }
    ensure!(
        status["runtimeVersion"].is_string(),
        "no version in {status}"
    );
    for (list, member, wanted) in [
        (&sessions["sessions"], "key", conversations),
        (&models["models"], "id", &["echo-1".to_owned()]),
        (&agents["agents"], "id", &["main".to_owned()]),
    ] {
        let listed = list.as_array().with_context(|| format!("no {member}s"))?;
        for one in wanted {
            ensure!(
                listed.iter().any(|item| item[member] == one.as_str()),
                "{one} is not listed"
            );
        }
    }
    Ok(Answers(answers))
}

/// Every member the official answers have is there in ours and of the same type, and ours are not
/// much smaller.
pub(crate) fn same_class(official: &Answers, ours: &Answers) -> Result<()> {
    let mut missing = Vec::new();
    for (method, (theirs, own)) in ASKED.iter().zip(official.0.iter().zip(&ours.0)) {
        missing.extend(less_than(method, theirs, own));
    }
    missing.retain(|member| THEIRS_ALONE.iter().all(|(known, _)| known != member));
    ensure!(
        missing.is_empty(),
        "ours answers less than the official gateway: {missing:?}"
    );
    ensure!(
        ours.health_bytes() * 2 >= official.health_bytes(),
        "health has {} bytes in ours and {} in the official gateway",
        ours.health_bytes(),
        official.health_bytes()
    );
    Ok(())
}

fn less_than(method: &str, theirs: &Value, own: &Value) -> Vec<String> {
    let members = theirs.as_object().into_iter().flatten();
    members
        .filter(|(name, value)| {
            own.get(name.as_str())
                .is_none_or(|own| kind(own) != kind(value))
        })
        .map(|(name, _)| format!("{method}.{name}"))
        .collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
