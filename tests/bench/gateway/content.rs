//! Whether both gateways answer with the same class of content: a stub that says nothing is fast.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::crowd::Load;
use crate::side::Side;

/// Answers that are compared.
#[derive(Debug)]
pub(crate) struct Answers {
    /// What the reference client got under load.
    pub(crate) health: Value,
    others: Vec<(&'static str, Value)>,
}

/// What is asked beside health, after the turns.
const ASKED: [&str; 4] = ["status", "sessions.list", "models.list", "agents.list"];

/// Members of an answer that only the official gateway has a use for, with the reason.
const THEIRS_ALONE: [(&str, &str); 0] = [];

pub(crate) async fn ask(side: &Side, loads: &[Load]) -> Result<Answers> {
    let mut client = side.witness().await?;
    let mut others = Vec::new();
    for method in ASKED {
        others.push((method, client.call(method, json!({})).await?));
    }
    let health = loads.first().context("no load")?.health.clone();
    Ok(Answers { health, others })
}

/// Every member the official answer has is there in ours, and of the same type.
pub(crate) fn same_class(official: &Answers, ours: &Answers) -> Result<()> {
    let mut missing = less_than("health", &official.health, &ours.health);
    for ((method, theirs), (_, own)) in official.others.iter().zip(&ours.others) {
        missing.extend(less_than(method, theirs, own));
    }
    missing.retain(|member| THEIRS_ALONE.iter().all(|(known, _)| known != member));
    ensure!(
        missing.is_empty(),
        "ours answers less than the official gateway: {missing:?}"
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
