//! What listens on this computer, behind the controller's port: the voice thread, the system's microphones,
//! the engines and where their models are kept. It opens nothing until it is told what is wanted.

use crate::{
    controller::{DownloadNews, VoicePort, VoiceToolsPort, problems::sentence},
    view_model::UiError,
};
use futures_util::future::BoxFuture;
use gateway_core::{
    client::Session,
    config::machine,
    connection::GatewayEvent,
    model_client,
    protocol::Event,
    voice_link::{Heard, Order, VoiceLink},
};
use std::{path::PathBuf, sync::Arc};
use tokio::sync::{broadcast, mpsc, watch};
use voice::{
    chime,
    engine::{self, Choice, Unavailable},
    lifecycle::Chime,
    microphone::system::SystemMicrophones,
    models::{DownloadError, Model, fetch},
    station::Station,
    timing::Timing,
};

/// Orders that wait; a person gives few, the most of them while typing in the overlay.
const ORDERS: usize = 64;

/// News of a download that are not read yet; more of them are left out, for the next says the same.
const PROGRESS: usize = 8;

/// Starts it, and returns the controller's end; `models` is the folder of models.
///
/// # Panics
///
/// Outside an async runtime.
pub(crate) fn start(
    events: broadcast::Receiver<GatewayEvent<Event>>,
    session: watch::Receiver<Option<Session>>,
    models: PathBuf,
) -> VoicePort {
    let (conversation, shown) = watch::channel(None);
    let heard = Heard {
        events,
        session,
        conversation: shown,
    };
    let link = VoiceLink::start(heard, machine::display_name(), |teller| {
        Station::start(
            Box::new(SystemMicrophones),
            Box::new(engine::open),
            Timing::USUAL,
            move |event| teller.tell(event),
        )
    });
    let (orders, inbox) = mpsc::channel(ORDERS);
    let news = match link {
        Ok((link, news)) => {
            // It ends when the controller drops its end, and the voice thread with it.
            drop(tokio::spawn(pass_on(inbox, link)));
            news
        }
        Err(problem) => {
            tracing::warn!(%problem, "the voice thread could not be started");
            mpsc::unbounded_channel().1
        }
    };
    VoicePort {
        orders,
        news,
        conversation,
        tools: Arc::new(Tools { models }),
    }
}

async fn pass_on(mut orders: mpsc::Receiver<Order>, link: VoiceLink) {
    while let Some(order) = orders.recv().await {
        link.order(order).await;
    }
}

struct Tools {
    models: PathBuf,
}

impl VoiceToolsPort for Tools {
    fn look(&self, choice: Choice) -> BoxFuture<'static, Result<(), Unavailable>> {
        Box::pin(async move {
            // The library is opened to see what it has.
            let looked = tokio::task::spawn_blocking(move || engine::look(&choice)).await;
            looked.unwrap_or(Ok(()))
        })
    }

    fn model(&self, id: &str) -> (PathBuf, bool, u64) {
        Model::named(id).map_or_else(
            || (PathBuf::new(), false, 0),
            |model| {
                let is_here = model.is_installed(&self.models);
                (model.file(&self.models), is_here, model.begun(&self.models))
            },
        )
    }

    fn get(&self, id: &str) -> mpsc::Receiver<DownloadNews> {
        let (sender, news) = mpsc::channel(PROGRESS);
        if let Some(model) = Model::named(id) {
            // It ends with the download, or when nobody wants to hear of it any more.
            drop(tokio::spawn(download(model, self.models.clone(), sender)));
        }
        news
    }

    fn remove(&self, id: &str) -> BoxFuture<'static, Result<(), UiError>> {
        let (model, folder) = (Model::named(id), self.models.clone());
        Box::pin(async move {
            let Some(model) = model else {
                return Ok(());
            };
            let removed = tokio::task::spawn_blocking(move || model.remove(&folder)).await;
            let removed = removed.map_err(std::io::Error::other).flatten();
            removed.map_err(|problem| UiError {
                code: "modelNotRemoved".to_owned(),
                message: format!("The model was not removed: {problem}."),
                action: None,
            })
        })
    }

    fn play(&self, chime: Chime) {
        chime::play(chime);
    }
}

async fn download(model: &'static Model, folder: PathBuf, news: mpsc::Sender<DownloadNews>) {
    let tell = |progress| {
        // Where there is no room the next one says the same.
        drop(news.try_send(DownloadNews::Progress(progress)));
    };
    let fetched = async {
        let client = model_client::client().map_err(|problem| UiError {
            code: "downloadFailed".to_owned(),
            message: sentence(&problem),
            action: None,
        })?;
        let target = model.file(&folder);
        let fetched = fetch(&client, &model.source(), &target, tell).await;
        fetched.map_err(|problem| UiError {
            code: code(&problem).to_owned(),
            message: sentence(&problem),
            action: None,
        })
    };
    let ended = tokio::select! {
        ended = fetched => ended,
        () = news.closed() => return,
    };
    // Whoever stopped it meanwhile sees what is on disk.
    drop(news.send(DownloadNews::Ended(ended)).await);
}

fn code(problem: &DownloadError) -> &'static str {
    match problem {
        DownloadError::Cut(_) => "downloadCut",
        DownloadError::Refused(_) => "downloadRefused",
        DownloadError::WrongHash => "downloadWrong",
        DownloadError::TooLarge => "downloadTooLarge",
        DownloadError::DiskFull(_) => "downloadDiskFull",
        DownloadError::Disk { .. } => "downloadDisk",
    }
}
