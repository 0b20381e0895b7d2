//! What listens, played: a test says what is heard, and reads which orders came.

use super::soon;
use crate::{
    controller::{DownloadNews, VoicePort, VoiceToolsPort},
    view_model::UiError,
};
use ::voice::{
    engine::{Choice, Unavailable},
    lifecycle::Chime,
    station::{self, EngineStatus, MicrophoneStatus, Shown},
};
use futures_util::future::BoxFuture;
use gateway_core::{
    protocol::SessionKey,
    voice_link::{News, Order},
};
use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{Arc, Mutex},
};
use tokio::sync::{mpsc, watch};

pub(crate) struct FakeVoice {
    orders: mpsc::Receiver<Order>,
    news: mpsc::UnboundedSender<News>,
    pub(crate) conversation: watch::Receiver<Option<SessionKey>>,
    pub(crate) tools: Arc<FakeTools>,
}

/// What this computer has of engines and models.
#[derive(Default)]
pub(crate) struct FakeTools {
    hindrance: Mutex<Option<Unavailable>>,
    installed: Mutex<HashSet<String>>,
    downloads: Mutex<Vec<(String, mpsc::Sender<DownloadNews>)>>,
    played: Mutex<Vec<Chime>>,
}

impl FakeVoice {
    pub(super) fn new() -> (Self, VoicePort) {
        let (order_sender, orders) = mpsc::channel(64);
        let (news, reader) = mpsc::unbounded_channel();
        let (conversation, shown) = watch::channel(None);
        let tools = Arc::new(FakeTools::default());
        let port = VoicePort {
            orders: order_sender,
            news: reader,
            conversation,
            tools: tools.clone(),
        };
        let fake = Self {
            orders,
            news,
            conversation: shown,
            tools,
        };
        (fake, port)
    }

    pub(crate) fn tells(&self, news: News) {
        self.news.send(news).unwrap();
    }

    /// Tells what is to be seen: an engine that is ready, and what a test changes of that.
    pub(crate) fn shows(&self, change: impl FnOnce(&mut Shown)) {
        let mut shown = Shown {
            engine: EngineStatus::Ready,
            microphone: MicrophoneStatus::Open {
                name: "Desk".to_owned(),
                is_fallback: false,
            },
            listening: true,
            capturing: false,
            overlay: None,
            unknown: Vec::new(),
            testing: false,
        };
        change(&mut shown);
        self.tells(News::Shown(Box::new(shown)));
    }

    /// Passes over other orders until one of this kind comes.
    pub(crate) async fn order_where<T>(&mut self, wanted: impl Fn(Order) -> Option<T>) -> T {
        soon(async {
            loop {
                if let Some(found) = wanted(self.orders.recv().await.unwrap()) {
                    return found;
                }
            }
        })
        .await
    }

    /// Returns what the voice thread is told next, other than what is wanted of it.
    pub(crate) async fn station(&mut self) -> station::Order {
        self.order_where(|order| match order {
            Order::Station(order) => Some(order),
            Order::SetTriggers { .. } => None,
        })
        .await
    }

    /// Returns what is wanted of it next.
    pub(crate) async fn wanted(&mut self) -> station::Wanted {
        self.order_where(|order| match order {
            Order::Station(station::Order::Want(wanted)) => Some(wanted),
            Order::Station(_) | Order::SetTriggers { .. } => None,
        })
        .await
    }
}

impl FakeTools {
    /// From now on no engine can be started.
    pub(crate) fn has_no_engine(&self) {
        *self.hindrance.lock().unwrap() = Some(Unavailable::NoLibrary {
            library: "libpocketsphinx.so.3",
            package: "libpocketsphinx3",
        });
    }

    pub(crate) fn has_model(&self, id: &str) {
        self.installed.lock().unwrap().insert(id.to_owned());
    }

    /// Returns the downloads that were begun: of what, and where news of it go.
    pub(crate) fn downloads(&self) -> Vec<(String, mpsc::Sender<DownloadNews>)> {
        self.downloads.lock().unwrap().clone()
    }

    pub(crate) fn played(&self) -> Vec<Chime> {
        self.played.lock().unwrap().clone()
    }
}

impl VoiceToolsPort for FakeTools {
    fn look(&self, _: Choice) -> BoxFuture<'static, Result<(), Unavailable>> {
        let hindrance = self.hindrance.lock().unwrap().clone();
        Box::pin(async move { hindrance.map_or(Ok(()), Err) })
    }

    fn model(&self, id: &str) -> (PathBuf, bool, u64) {
        let is_here = self.installed.lock().unwrap().contains(id);
        (PathBuf::from(format!("/models/{id}.bin")), is_here, 0)
    }

    fn get(&self, id: &str) -> mpsc::Receiver<DownloadNews> {
        let (news, reader) = mpsc::channel(8);
        self.downloads.lock().unwrap().push((id.to_owned(), news));
        reader
    }

    fn remove(&self, id: &str) -> BoxFuture<'static, Result<(), UiError>> {
        self.installed.lock().unwrap().remove(id);
        Box::pin(async { Ok(()) })
    }

    fn play(&self, chime: Chime) {
        self.played.lock().unwrap().push(chime);
    }
}
