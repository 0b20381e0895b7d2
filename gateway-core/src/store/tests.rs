//! Tests of the state, by subject; what they share is here.

mod conversations;
mod devices;
mod disks;
mod files;
mod kills;
mod queue;
mod runs;
mod small_tables;

use super::*;
use crate::protocol::id::AgentId;
use crate::protocol::{RunId, SessionKey};
use serde_json::{Map, json};
use tempfile::TempDir;

const NOW: u64 = 1_800_000_000_000;

async fn fresh() -> (TempDir, Store) {
    let scratch = tempfile::tempdir().unwrap();
    let store = Store::open(&scratch.path().join("gateway")).await.unwrap();
    (scratch, store)
}

/// Closes the store and opens it again, as a restart would.
async fn reopened(scratch: &TempDir, store: Store) -> Store {
    store.close().await;
    Store::open(&scratch.path().join("gateway")).await.unwrap()
}

fn key(name: &str) -> SessionKey {
    SessionKey::from(format!("agent:main:{name}"))
}

fn seed(name: &str) -> SessionSeed {
    SessionSeed {
        key: key(name),
        agent_id: AgentId::from("main"),
        session_id: format!("{name}-1"),
    }
}

fn input(name: &str, run: &str, at_ms: u64) -> NewInput {
    NewInput {
        session: seed(name),
        run_id: RunId::from(run),
        message_id: format!("{run}-message"),
        content: json!(format!("text of {run}")),
        extra: Map::new(),
        at_ms,
    }
}

fn spoken(id: &str, text: &str, at_ms: u64) -> NewMessage {
    NewMessage {
        id: id.to_owned(),
        role: MessageRole::Assistant,
        content: json!([{"type": "text", "text": text}]),
        timestamp_ms: at_ms,
        run_id: None,
        idempotency_key: None,
        extra: Map::from_iter([("stopReason".to_owned(), json!("stop"))]),
    }
}

fn end(run: &str, how: RunOutcome, at_ms: u64) -> RunEnd {
    RunEnd {
        run_id: RunId::from(run),
        how,
        at_ms,
        outcome: json!({"runId": run, "status": "ok"}),
        error: (how == RunOutcome::Error).then(|| "the provider is away".to_owned()),
        messages: vec![spoken(&format!("{run}-answer"), "an answer", at_ms)],
        usage: TokenUsage {
            input: 10,
            output: 5,
            context: Some(100),
        },
    }
}

async fn accept(store: &Store, input: NewInput) -> Accepted {
    match store.accept_input(input).await.unwrap() {
        Acceptance::Accepted(accepted) => *accepted,
        Acceptance::Duplicate(run) => panic!("a duplicate: {run:?}"),
    }
}

/// The texts of a transcript in order, with their numbers checked.
async fn texts(store: &Store, session_id: &str) -> Vec<String> {
    let page = store.transcript_page(session_id, 1000, 0).await.unwrap();
    assert_eq!(page.total, page.messages.len() as u64);
    page.messages
        .iter()
        .zip(1..)
        .map(|(stored, seq)| {
            assert_eq!(stored.seq, seq);
            let content = &stored.message.content;
            let text = content.as_str().or_else(|| content[0]["text"].as_str());
            text.unwrap().to_owned()
        })
        .collect()
}
