//! Answers in OpenAI's shape, whole and piece by piece.

use super::follow::{End, Following, Next};
use super::{Streamed, json};
use crate::server::clock::now_ms;
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::Response;
use hyper::body::Frame;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use serde_json::Value;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::timeout;

/// How often a stream on which nothing comes says that it lives, so that no proxy gives it up. A
/// comment: programs pass over it.
const QUIET: Duration = Duration::from_secs(15);

/// Returns an id for an answer; its run has the same.
pub(super) fn new_id() -> String {
    format!("chatcmpl_{}", uuid::Uuid::new_v4())
}

/// An error.
pub(super) fn error(message: &str, kind: &str) -> Value {
    json!({"error": {"message": message, "type": kind}})
}

/// What every piece of one answer says of itself.
pub(super) struct Shape {
    id: String,
    model: String,
    created: u64,
}

impl Shape {
    pub(super) fn new(id: String, model: String) -> Self {
        Self {
            id,
            model,
            created: now_ms() / 1000,
        }
    }

    /// The whole answer at once.
    pub(super) fn whole(&self, end: &End) -> Value {
        json!({
            "id": self.id, "object": "chat.completion", "created": self.created,
            "model": self.model,
            "choices": [{
                "index": 0, "message": {"role": "assistant", "content": end.text},
                "finish_reason": finish(end),
            }],
            "usage": usage(end),
        })
    }

    fn piece(&self, delta: &Value, finish: Option<&str>) -> Value {
        json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created,
            "model": self.model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        })
    }

    fn used(&self, end: &End) -> Value {
        json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created,
            "model": self.model, "choices": [], "usage": usage(end),
        })
    }
}

fn finish(end: &End) -> &'static str {
    if end.is_cut { "length" } else { "stop" }
}

fn usage(end: &End) -> Value {
    let [asked, answered] = end.usage;
    json!({
        "prompt_tokens": asked, "completion_tokens": answered,
        "total_tokens": asked.saturating_add(answered),
    })
}

/// Answers with what a run says, as it says it.
pub(super) fn stream(shape: Shape, following: Following, wants_usage: bool) -> Streamed {
    let pieces = Pieces {
        waiting: VecDeque::from([data(&shape.piece(&json!({"role": "assistant"}), None))]),
        shape,
        following: Some(following),
        wants_usage,
        sent: String::new(),
    };
    let body = stream::unfold(pieces, |mut pieces| async move {
        let bytes = pieces.next().await?;
        Some((Ok(Frame::data(bytes)), pieces))
    });
    let mut reply = Response::new(StreamBody::new(body).boxed_unsync());
    let headers = reply.headers_mut();
    let kind = HeaderValue::from_static("text/event-stream; charset=utf-8");
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    reply
}

struct Pieces {
    shape: Shape,
    waiting: VecDeque<Bytes>,
    /// `None` once everything has been put into `waiting`.
    following: Option<Following>,
    wants_usage: bool,
    /// What of the answer has been sent.
    sent: String,
}

impl Pieces {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.waiting.pop_front() {
                return Some(bytes);
            }
            let following = self.following.as_mut()?;
            match timeout(QUIET, following.next()).await {
                Err(_) => return Some(Bytes::from_static(b": still at work\n\n")),
                Ok(Next::Text(text)) => self.grow(&text),
                Ok(Next::End(end)) => {
                    self.following = None;
                    self.end(end);
                }
            }
        }
    }

    /// Sends what is new of the answer. What a retry took back cannot be; what follows it begins anew.
    fn grow(&mut self, text: &str) {
        let new = match text.strip_prefix(self.sent.as_str()) {
            Some(new) => new.to_owned(),
            None if text.is_empty() || self.sent.starts_with(text) => return,
            None => format!("\n\n{text}"),
        };
        if new.is_empty() {
            return;
        }
        text.clone_into(&mut self.sent);
        let piece = self.shape.piece(&json!({"content": new}), None);
        self.waiting.push_back(data(&piece));
    }

    fn end(&mut self, end: Result<End, String>) {
        match end {
            Ok(end) => {
                self.grow(&end.text);
                let last = self.shape.piece(&json!({}), Some(finish(&end)));
                self.waiting.push_back(data(&last));
                if self.wants_usage {
                    self.waiting.push_back(data(&self.shape.used(&end)));
                }
            }
            Err(why) => self.waiting.push_back(data(&error(&why, "api_error"))),
        }
        self.waiting
            .push_back(Bytes::from_static(b"data: [DONE]\n\n"));
    }
}

fn data(value: &Value) -> Bytes {
    Bytes::from(format!("data: {value}\n\n"))
}
