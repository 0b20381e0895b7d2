//! `logs.tail`: the gateway's own records.

use super::super::logbook::{self, TailQuery};
use super::super::refusals::read;
use super::super::refusals::{Refusal, refusal};
use super::super::router::Call;
use crate::protocol::ErrorCode;
use serde::Deserialize;
use serde_json::Value;

/// How much is read where nothing is said, and at most (schema `LogsTailParams`).
const USUAL_LINES: usize = 500;
const MOST_LINES: usize = 5000;
const USUAL_BYTES: u64 = 250_000;
const MOST_BYTES: u64 = 1_000_000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TailParams {
    cursor: Option<u64>,
    limit: Option<usize>,
    max_bytes: Option<u64>,
}

/// `logs.tail`.
pub(super) async fn tail(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: TailParams = read("logs.tail", params)?;
    let query = TailQuery {
        cursor: params.cursor,
        limit: params.limit.unwrap_or(USUAL_LINES).clamp(1, MOST_LINES),
        max_bytes: params.max_bytes.unwrap_or(USUAL_BYTES).clamp(1, MOST_BYTES),
    };
    let state_dir = call.gateway.config.state_dir.clone();
    let tail = tokio::task::spawn_blocking(move || logbook::tail(&state_dir, query)).await;
    let problem = match tail {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(problem)) => problem.to_string(),
        Err(problem) => problem.to_string(),
    };
    Err(refusal(
        ErrorCode::Unavailable,
        &format!("log read failed: {problem}"),
    ))
}
