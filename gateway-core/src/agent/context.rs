//! Makes a conversation fit a model: estimates its length and leaves out what is oldest.
//!
//! Pure. A call of a tool is never parted from its result, and the user's last message stays.

use super::message::{AssistantMessage, Message};
use super::model::ModelRequest;
use super::toolbox::ToolSpec;
use std::collections::BTreeSet;

/// How many bytes of text make a token, roughly. True tokenizers give 3 to 5 for western text; a
/// provider that counts more says so, and the turn then trims again to half.
const BYTES_PER_TOKEN: usize = 4;

/// What wraps each message on the wire, in tokens.
const MESSAGE_OVERHEAD: usize = 4;

/// What a picture is taken for, in tokens; providers scale pictures down to about this.
const IMAGE_TOKENS: usize = 1_600;

/// Stands where the middle of a long tool result was left out.
const LEFT_OUT: &str = "\n[… left out to fit the model …]\n";

/// Estimates a text's length in tokens.
pub fn text_tokens(text: &str) -> usize {
    text.len().div_ceil(BYTES_PER_TOKEN)
}

/// Estimates a message's length in tokens.
pub fn message_tokens(message: &Message) -> usize {
    let content = match message {
        Message::User { text, images, .. } => text_tokens(text) + images.len() * IMAGE_TOKENS,
        Message::Assistant(message) => message
            .parts
            .iter()
            .map(|part| text_tokens(&part.to_json().to_string()))
            .sum(),
        Message::ToolResult { text, .. } => text_tokens(text),
    };
    content + MESSAGE_OVERHEAD
}

/// Returns how many tokens are left for the conversation in a window that must also hold the
/// system prompt, the tools and the answer.
pub fn budget(window: u32, answer: u32, system: &str, tools: &[ToolSpec]) -> usize {
    let tools: usize = tools
        .iter()
        .map(|tool| {
            text_tokens(&tool.description)
                + text_tokens(&tool.name)
                + text_tokens(&tool.parameters.to_string())
        })
        .sum();
    let window = usize::try_from(window).unwrap_or(usize::MAX);
    let answer = usize::try_from(answer).unwrap_or(usize::MAX);
    window.saturating_sub(answer + text_tokens(system) + tools)
}

/// Trims the conversation of a request to a budget in tokens.
pub fn fit(request: &mut ModelRequest, budget: usize) {
    let messages = std::mem::take(&mut request.messages);
    request.messages = trim(messages, budget);
}

/// Leaves out the oldest turns until the rest fits the budget, or only the last turn is left; then
/// the oldest tool rounds of that turn; then the middle of its tool results.
pub fn trim(messages: Vec<Message>, budget: usize) -> Vec<Message> {
    let mut turns = split(messages, |message| matches!(message, Message::User { .. }));
    let Some(mut last) = turns.pop() else {
        return Vec::new();
    };
    let mut left = budget.saturating_sub(tokens(&last));
    let mut kept = Vec::new();
    // Only a run of the newest turns is kept: a conversation with holes misleads a model.
    while let Some(turn) = turns.pop().filter(|turn| tokens(turn) <= left) {
        left -= tokens(&turn);
        kept.push(turn);
    }
    if tokens(&last) > budget {
        last = shorten_turn(last, budget);
    }
    kept.into_iter().rev().flatten().chain(last).collect()
}

/// Completes a stored conversation whose end was lost: a call without a result gets one that says
/// so, a result without its call and an empty answer are left out. Providers refuse all three.
pub fn repair(messages: Vec<Message>) -> Vec<Message> {
    let mut repaired = Vec::with_capacity(messages.len());
    let mut open: Vec<(String, String, u64)> = Vec::new();
    for message in messages {
        match &message {
            Message::ToolResult { call_id, .. } => {
                let Some(at) = open.iter().position(|(id, _, _)| id == call_id) else {
                    continue;
                };
                open.remove(at);
                repaired.push(message);
            }
            Message::User { .. } => {
                repaired.extend(open.drain(..).map(lost_result));
                repaired.push(message);
            }
            Message::Assistant(answer) => {
                repaired.extend(open.drain(..).map(lost_result));
                if is_empty(answer) {
                    continue;
                }
                let mut seen = BTreeSet::new();
                open = answer
                    .calls()
                    .filter(|call| seen.insert(call.id.clone()))
                    .map(|call| (call.id.clone(), call.name.clone(), answer.timestamp_ms))
                    .collect();
                repaired.push(message);
            }
        }
    }
    repaired.extend(open.into_iter().map(lost_result));
    repaired
}

fn is_empty(answer: &AssistantMessage) -> bool {
    answer.calls().next().is_none() && answer.text().trim().is_empty()
}

fn lost_result((call_id, name, timestamp_ms): (String, String, u64)) -> Message {
    Message::ToolResult {
        call_id,
        name,
        text: "the result was lost: the run ended before the tool answered".to_owned(),
        is_error: true,
        timestamp_ms,
    }
}

fn tokens(messages: &[Message]) -> usize {
    messages.iter().map(message_tokens).sum()
}

/// Splits before every message that starts a group.
fn split(messages: Vec<Message>, starts: impl Fn(&Message) -> bool) -> Vec<Vec<Message>> {
    let mut groups: Vec<Vec<Message>> = Vec::new();
    for message in messages {
        match groups.last_mut() {
            Some(group) if !starts(&message) => group.push(message),
            Some(_) | None => groups.push(vec![message]),
        }
    }
    groups
}

fn shorten_turn(turn: Vec<Message>, budget: usize) -> Vec<Message> {
    let mut rounds = split(turn, |message| matches!(message, Message::Assistant(_))).into_iter();
    let question = rounds.next().unwrap_or_default();
    let mut rounds: Vec<_> = rounds.collect();
    let left = budget.saturating_sub(tokens(&question));
    while rounds.len() > 1 && rounds.iter().map(|round| tokens(round)).sum::<usize>() > left {
        rounds.remove(0);
    }
    let mut rest = rounds.pop().unwrap_or_default();
    if rounds.is_empty() && tokens(&rest) > left {
        let results = rest
            .iter()
            .filter(|message| matches!(message, Message::ToolResult { .. }))
            .count();
        // Half of what is left for all results together, so that the calls have room beside them.
        let each = left * BYTES_PER_TOKEN / 2 / results.max(1);
        for message in &mut rest {
            if let Message::ToolResult { text, .. } = message {
                *text = without_middle(text, each);
            }
        }
    }
    question
        .into_iter()
        .chain(rounds.into_iter().flatten())
        .chain(rest)
        .collect()
}

/// Keeps the beginning and the end of a text, at most `limit` bytes beside the mark between them.
pub(super) fn without_middle(text: &str, limit: usize) -> String {
    if text.len() <= limit.saturating_add(LEFT_OUT.len()) {
        return text.to_owned();
    }
    let head = text.floor_char_boundary(limit / 2);
    let tail = text.ceil_char_boundary(text.len() - limit / 2);
    format!(
        "{}{LEFT_OUT}{}",
        text.get(..head).unwrap_or_default(),
        text.get(tail..).unwrap_or_default()
    )
}

#[cfg(test)]
mod tests;
