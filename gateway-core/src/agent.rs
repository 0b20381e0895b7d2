//! The agent of the embedded gateway: one turn of a conversation with a language model.
//!
//! It knows no server and no store: it is handed what was said before, sends events while it
//! works, and returns what is to be stored.
//!
//! In reading order: [`catalogue`] is which models `openclaw.json` names; [`message`] is what a
//! conversation consists of; [`model`] is the seam every model stands behind, [`provider`] the
//! models reached over HTTP and [`builtin`] the helper that answers without one; [`toolbox`] is
//! the seam of the tools, [`workspace_tools`] those that touch files, [`exec`] with [`words`] the
//! programs they may start; [`workspace`] writes the system prompt, [`context`] makes a conversation fit a model; [`retry`] says when to try again;
//! [`turn`] brings it all together; [`ollama`] looks for an Ollama on this computer.

mod answer_end;
pub mod builtin;
pub mod catalogue;
pub mod context;
pub mod exec;
pub mod message;
pub mod model;
pub mod ollama;
pub mod provider;
pub mod retry;
pub mod toolbox;
pub mod turn;
pub mod words;
pub mod workspace;
pub mod workspace_tools;

pub use builtin::BuiltinHelper;
pub use catalogue::{ModelCatalogue, ModelId};
pub use message::{AssistantPart, Message};
pub use model::{Model, ModelError, StopReason, Usage};
pub use provider::HttpModel;
pub use toolbox::{ToolCall, ToolResult, ToolSpec, Toolbox};
pub use turn::{Ending, Turn, TurnEvent, TurnOutcome, run_turn};
