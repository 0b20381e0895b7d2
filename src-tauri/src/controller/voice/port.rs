//! The seam to what listens: where orders go, what comes back, and where models are kept.

use crate::view_model::UiError;
use futures_util::future::BoxFuture;
use gateway_core::{
    protocol::SessionKey,
    voice_link::{News, Order},
};
use std::{path::PathBuf, sync::Arc};
use tokio::sync::{mpsc, watch};
use voice::{
    engine::{Choice, Unavailable},
    lifecycle::Chime,
    models::Progress,
};

/// What listens on this computer, and what it hears.
pub struct VoicePort {
    /// Where orders go; few, and each is carried out.
    pub orders: mpsc::Sender<Order>,
    /// What it tells.
    pub news: mpsc::UnboundedReceiver<News>,
    /// The conversation that what is said goes to; the gateway's main one where none is.
    pub conversation: watch::Sender<Option<SessionKey>>,
    /// Engines, models and sounds.
    pub tools: Arc<dyn VoiceToolsPort>,
}

/// What voice needs of this computer beside the microphone.
pub trait VoiceToolsPort: Send + Sync + 'static {
    /// Looks whether an engine could be started.
    fn look(&self, choice: Choice) -> BoxFuture<'static, Result<(), Unavailable>>;

    /// Returns where a listed model is kept, whether it is there, and how much of it is, in bytes.
    fn model(&self, id: &str) -> (PathBuf, bool, u64);

    /// Downloads a listed model; dropping the receiver stops it, and what came stays.
    fn get(&self, id: &str) -> mpsc::Receiver<DownloadNews>;

    /// Removes a listed model.
    fn remove(&self, id: &str) -> BoxFuture<'static, Result<(), UiError>>;

    /// Plays a sound.
    fn play(&self, chime: Chime);
}

/// What a download tells.
#[derive(Debug)]
pub enum DownloadNews {
    /// How far it is.
    Progress(Progress),
    /// How it ended.
    Ended(Result<(), UiError>),
}
