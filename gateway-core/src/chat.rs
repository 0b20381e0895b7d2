//! Talking to an agent so that every message arrives exactly once, whatever the connection does.
//!
//! - [`agent_requests`]: what agents wait for a person to decide. Pure.
//! - [`outbox`]: what was sent, what is known about it, and what to do next. Pure.
//! - [`attachments`]: files that go along with a message. Pure.
//! - [`courier`]: the task that does it, over whichever session there is.
//! - [`kept`]: messages on their way, drafts and last transcripts on disk.
//! - [`progress`]: what a chat shows of the runs that are going on.
//! - [`content`]: thoughts, tools and pictures in messages and events. Pure.
//! - [`message`]: the stored messages of a conversation as a chat shows them.

pub mod agent_requests;
pub mod attachments;
pub mod content;
pub mod courier;
pub mod kept;
pub mod message;
pub mod outbox;
pub mod progress;

pub use agent_requests::{AgentRequests, Listed};
pub use attachments::{Attachment, AttachmentLimits, Attachments, NotAttachable};
pub use courier::{Courier, CourierNews};
pub use kept::KeptChats;
pub use message::{ChatMessage, Sender};
pub use outbox::{Delivery, DeliveryState, Outbox};
pub use progress::{ChatProgress, ProgressStep, Runs};
