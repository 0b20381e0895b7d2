//! The seam every model stands behind: a request in, a stream of chunks out.
//!
//! A model does one attempt. Trying again, falling back and running tools are for [`super::turn`].

pub use super::answer_end::{StopReason, Usage};
use super::catalogue::ModelEntry;
use super::message::Message;
use super::toolbox::{ToolCall, ToolSpec};
use futures_util::stream::BoxStream;
use std::time::Duration;

/// Something that answers.
pub trait Model: Send + Sync {
    /// Returns what is known of it: its name, sizes and prices.
    fn entry(&self) -> &ModelEntry;

    /// Starts one attempt. Nothing happens until the stream is polled, and dropping the stream
    /// ends the attempt. A stream that ends without [`ModelChunk::Stop`] was cut.
    fn stream(&self, request: ModelRequest) -> ModelStream;
}

/// The answer as it comes; after an error nothing more comes.
pub type ModelStream = BoxStream<'static, Result<ModelChunk, ModelError>>;

/// What a model is asked.
#[derive(Debug, Clone)]
pub struct ModelRequest {
    /// Who it is to be and what it should know.
    pub system: String,
    /// The conversation; the last message is a user's or a tool's.
    pub messages: Vec<Message>,
    /// What it may ask for.
    pub tools: Vec<ToolSpec>,
    /// In tokens: the longest answer.
    pub max_tokens: u32,
    /// How long it is to think before it answers.
    pub thinking: Thinking,
}

/// How long a model is to think before it answers; those that cannot, ignore it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Thinking {
    /// Not at all.
    #[default]
    Off,
    /// A little.
    Low,
    /// For ordinary work.
    Medium,
    /// For hard questions.
    High,
}

/// One piece of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelChunk {
    /// Words to append.
    Text(String),
    /// Thoughts to append.
    Reasoning(String),
    /// More of the proof that belongs to the thoughts just sent.
    Signature(String),
    /// A tool it asks for, complete.
    ToolCall(ToolCall),
    /// What the attempt consumed.
    Usage(Usage),
    /// The end, and why; always last.
    Stop(StopReason),
}

/// What sort of failure an attempt ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelErrorKind {
    /// The provider does not accept the key.
    Auth,
    /// Too many requests for now.
    RateLimit,
    /// The provider has too much to do.
    Overloaded,
    /// The provider failed inside.
    Server,
    /// It did not answer in time.
    Timeout,
    /// It could not be reached.
    Network,
    /// It could not show that it is who the address says.
    Certificate,
    /// It does not understand what was asked.
    BadRequest,
    /// The conversation is longer than the model can hold.
    ContextTooLong,
    /// It refuses to answer this.
    Refused,
    /// The answer broke off.
    CutStream,
}

impl ModelErrorKind {
    /// Returns the word for events and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::RateLimit => "rateLimit",
            Self::Overloaded => "overloaded",
            Self::Server => "serverError",
            Self::Timeout => "timeout",
            Self::Network => "network",
            Self::Certificate => "certificate",
            Self::BadRequest => "badRequest",
            Self::ContextTooLong => "contextTooLong",
            Self::Refused => "refused",
            Self::CutStream => "cutStream",
        }
    }

    /// Says whether the same request may succeed a little later.
    pub fn is_retryable(self) -> bool {
        match self {
            Self::RateLimit
            | Self::Overloaded
            | Self::Server
            | Self::Timeout
            | Self::Network
            | Self::CutStream => true,
            Self::Auth
            | Self::Certificate
            | Self::BadRequest
            | Self::ContextTooLong
            | Self::Refused => false,
        }
    }

    /// Says what the user can do about it.
    pub fn next_step(self) -> &'static str {
        match self {
            Self::Auth => "check the provider's apiKey in openclaw.json",
            Self::RateLimit | Self::Overloaded | Self::Server | Self::CutStream => {
                "this is usually temporary; try again shortly"
            }
            Self::Timeout => "try again, or choose a faster model",
            Self::Network => "check the provider's baseUrl and that it runs",
            Self::Certificate => {
                "check the provider's baseUrl and this computer's clock; a certificate of your own \
                 has to be trusted by this computer first"
            }
            Self::BadRequest => "check the provider's api and the model's id in openclaw.json",
            Self::ContextTooLong => "start a new session, or set the model's contextWindow",
            Self::Refused => "ask in other words",
        }
    }
}

/// Why an attempt failed. Its text is for people and holds no key and no address with one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{model}: {message}; {}", kind.next_step())]
pub struct ModelError {
    /// What sort of failure.
    pub kind: ModelErrorKind,
    /// The model's full name.
    pub model: String,
    /// What happened.
    pub message: String,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// How long the provider asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl ModelError {
    /// Says whether the same request may succeed a little later.
    pub fn is_retryable(&self) -> bool {
        self.kind.is_retryable()
    }
}
