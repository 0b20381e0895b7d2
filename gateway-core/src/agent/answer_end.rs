//! How an answer of a model ended, and what it consumed.

use super::catalogue::Prices;
use serde_json::{Value, json};

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// The model was done.
    Stop,
    /// The longest answer was reached.
    Length,
    /// It waits for tools.
    ToolUse,
    /// The user stopped it.
    Aborted,
    /// It failed.
    Error,
}

impl StopReason {
    /// Returns the word stored messages use (seen: `stop`, `toolUse`).
    pub fn wire_name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolUse => "toolUse",
            Self::Aborted => "aborted",
            Self::Error => "error",
        }
    }

    pub(super) fn named(name: &str) -> Self {
        [Self::Length, Self::ToolUse, Self::Aborted, Self::Error]
            .into_iter()
            .find(|reason| reason.wire_name() == name)
            .unwrap_or(Self::Stop)
    }
}

/// What an answer consumed, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Sent and not kept by the provider before.
    pub input: u64,
    /// Answered.
    pub output: u64,
    /// Sent, and kept by the provider from before.
    pub cache_read: u64,
    /// Sent for the provider to keep.
    pub cache_write: u64,
}

impl Usage {
    /// Adds what a further attempt or round consumed.
    pub fn add(&mut self, other: Self) {
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
        self.cache_read = self.cache_read.saturating_add(other.cache_read);
        self.cache_write = self.cache_write.saturating_add(other.cache_write);
    }

    /// Returns everything together.
    pub fn total(&self) -> u64 {
        self.input
            .saturating_add(self.output)
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write)
    }

    /// Writes the member `usage` of a stored message, with its cost.
    pub fn to_json(&self, prices: &Prices) -> Value {
        let cost = |tokens: u64, per_million: f64| {
            // No answer comes near the 4 billion tokens where this stops counting.
            let tokens = u32::try_from(tokens).map_or(f64::from(u32::MAX), f64::from);
            tokens * per_million / 1_000_000.0
        };
        let input = cost(self.input, prices.input);
        let output = cost(self.output, prices.output);
        let cache_read = cost(self.cache_read, prices.cache_read);
        let cache_write = cost(self.cache_write, prices.cache_write);
        json!({
            "input": self.input, "output": self.output, "totalTokens": self.total(),
            "cacheRead": self.cache_read, "cacheWrite": self.cache_write,
            "cost": {"input": input, "output": output, "cacheRead": cache_read,
                "cacheWrite": cache_write, "total": input + output + cache_read + cache_write},
        })
    }

    pub(super) fn from_json(value: &Value) -> Self {
        let count = |key: &str| value.get(key).and_then(Value::as_u64).unwrap_or(0);
        Self {
            input: count("input"),
            output: count("output"),
            cache_read: count("cacheRead"),
            cache_write: count("cacheWrite"),
        }
    }
}
