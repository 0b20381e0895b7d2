//! The seam of the tools: what a model may ask for, and who answers.

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A tool as a model is told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolSpec {
    /// Letters, digits, `_` and `-`.
    pub name: String,
    /// What it does and when to use it.
    pub description: String,
    /// The JSON Schema of its arguments; an object.
    pub parameters: Value,
}

/// A tool a model asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    /// Unique within the conversation; the result names it.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Its arguments: an object, or the raw text where the model wrote no JSON.
    pub arguments: Value,
}

impl ToolCall {
    /// Returns a text argument.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.arguments.get(key).and_then(Value::as_str)
    }
}

/// What a tool answered.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolResult {
    /// What the model is told.
    pub text: String,
    /// What else the user interface may show (`result.details` on the wire); the model is not
    /// shown it.
    pub details: Value,
    /// Whether the tool failed; the model may try something else.
    pub is_error: bool,
}

impl ToolResult {
    /// Makes the answer of a tool that did its work.
    pub fn ok(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            details: Value::Null,
            is_error: false,
        }
    }

    /// Makes the answer of a tool that failed; the text says why and what would help.
    pub fn failed(text: impl Into<String>) -> Self {
        Self {
            is_error: true,
            ..Self::ok(text)
        }
    }

    /// Writes it as `agent` events of the stream `tool` show it.
    pub fn to_json(&self) -> Value {
        let content = json!([{"type": "text", "text": self.text}]);
        if self.details.is_null() {
            json!({"content": content})
        } else {
            json!({"content": content, "details": self.details})
        }
    }
}

/// What a tool lets be known while it works.
#[derive(Debug, Clone, PartialEq)]
pub enum ToolNews {
    /// What it has so far.
    SoFar(ToolResult),
    /// It waits for a person to decide about this request for approval.
    Waits {
        /// The request.
        approval: String,
    },
    /// It does not wait for that any more.
    Decided {
        /// The request.
        approval: String,
    },
}

/// Lets a tool that takes long say how it is getting on.
#[derive(Debug, Clone)]
pub struct ToolProgress(mpsc::Sender<ToolNews>);

impl ToolProgress {
    /// Makes both ends. There is room for one report: one that comes before the last was shown is
    /// dropped, so a tool never waits for whoever watches it.
    pub fn channel() -> (Self, mpsc::Receiver<ToolNews>) {
        let (sender, receiver) = mpsc::channel(1);
        (Self(sender), receiver)
    }

    /// Shows what there is so far; dropped when the last one has not been shown yet.
    pub fn show(&self, so_far: ToolResult) {
        if self.0.try_send(ToolNews::SoFar(so_far)).is_err() {
            tracing::trace!("a tool reported faster than its reports are shown");
        }
    }

    /// Says that a person is waited for. Never dropped: it may be all that is heard for long.
    pub async fn waits(&self, approval: &str) {
        self.tell(ToolNews::Waits {
            approval: approval.to_owned(),
        })
        .await;
    }

    /// Says that a person is not waited for any more.
    pub async fn decided(&self, approval: &str) {
        self.tell(ToolNews::Decided {
            approval: approval.to_owned(),
        })
        .await;
    }

    async fn tell(&self, news: ToolNews) {
        if self.0.send(news).await.is_err() {
            tracing::trace!("nobody listens to a tool any more");
        }
    }
}

/// Some tools and whoever answers for them.
pub trait Toolbox: Send + Sync {
    /// Returns the tools that can be asked for now.
    fn specs(&self) -> Vec<ToolSpec>;

    /// Runs one call. A failure is a result with `is_error`, for the model to read. When `cancel`
    /// fires the future is dropped, so what it holds must be released by dropping.
    fn call(
        &self,
        call: ToolCall,
        progress: ToolProgress,
        cancel: CancellationToken,
    ) -> BoxFuture<'_, ToolResult>;
}

/// Several toolboxes as one; of two tools with one name, the first is used.
#[derive(Clone, Default)]
pub struct Toolboxes(Vec<Arc<dyn Toolbox>>);

impl Toolboxes {
    /// Combines toolboxes; earlier ones go first.
    pub fn new(boxes: impl IntoIterator<Item = Arc<dyn Toolbox>>) -> Self {
        Self(boxes.into_iter().collect())
    }
}

impl Toolbox for Toolboxes {
    fn specs(&self) -> Vec<ToolSpec> {
        let mut seen = BTreeSet::new();
        self.0
            .iter()
            .flat_map(|toolbox| toolbox.specs())
            .filter(|spec| seen.insert(spec.name.clone()))
            .collect()
    }

    fn call(
        &self,
        call: ToolCall,
        progress: ToolProgress,
        cancel: CancellationToken,
    ) -> BoxFuture<'_, ToolResult> {
        let owner = self
            .0
            .iter()
            .find(|toolbox| toolbox.specs().iter().any(|spec| spec.name == call.name));
        match owner {
            Some(toolbox) => toolbox.call(call, progress, cancel),
            None => Box::pin(async move {
                ToolResult::failed(format!("there is no tool named {:?}", call.name))
            }),
        }
    }
}
