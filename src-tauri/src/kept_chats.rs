//! What is kept of conversations, behind the controller's port: one task writes what it is told, in order.
//!
//! The composer tells of every keystroke, so its text is written once nothing was typed for a moment. On a
//! disk that takes nothing the app works from memory, and says so in its log.

use crate::{
    controller::{KeptChatsPort, KeptHistory, LeftChats},
    view_model::{NotKept, UiError},
};
use futures_util::{FutureExt as _, future::BoxFuture};
use gateway_core::{
    chat::{
        KeptChats,
        kept::{KeptDraft, KeptTranscript, MOST_BYTES, MOST_TRANSCRIPT_BYTES},
    },
    config::{Places, ProfileId},
    protocol::method::chat::ChatHistoryPayload,
    store::{StoreError, Unwritable},
};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

/// How long nothing is typed before the composer's text is written.
const TYPING: Duration = Duration::from_millis(500);

/// What waits to be written; a person makes little of it.
const WAITING: usize = 256;

/// Opens what is kept; `None` where the disk does not let us, which is logged.
pub(crate) async fn open(places: &Places) -> Option<KeptChats> {
    match KeptChats::open(places.data_dir()).await {
        Ok(chats) => Some(chats),
        Err(error) => {
            tracing::warn!(%error, "conversations are not kept on this computer");
            None
        }
    }
}

/// Returns what an earlier run left.
pub(crate) async fn left(chats: Option<&KeptChats>) -> LeftChats {
    let Some(chats) = chats else {
        return LeftChats::default();
    };
    let read = async {
        Ok::<_, StoreError>(LeftChats {
            messages: chats.unsent().await?,
            drafts: chats.drafts().await?,
        })
    };
    read.await.unwrap_or_else(|error| {
        tracing::warn!(%error, "what was written before cannot be read");
        LeftChats::default()
    })
}

/// Starts the task that writes, and returns the controller's end of it.
///
/// # Panics
///
/// Outside an async runtime.
pub(crate) fn start(chats: Option<KeptChats>) -> Arc<dyn KeptChatsPort> {
    let (orders, inbox) = mpsc::channel(WAITING);
    if let Some(chats) = chats.clone() {
        // It ends when the controller drops its end.
        drop(tokio::spawn(write(chats, inbox)));
    }
    Arc::new(Writer { chats, orders })
}

/// What is to be written.
enum Order {
    Draft(KeptDraft),
    History {
        gateway: ProfileId,
        session_key: String,
        payload: Box<ChatHistoryPayload>,
    },
    ForgetRefused {
        gateway: ProfileId,
        key: String,
    },
    ForgetGateway(ProfileId),
    ForgetHistories(oneshot::Sender<Result<(), StoreError>>),
    Settle(oneshot::Sender<()>),
}

struct Writer {
    chats: Option<KeptChats>,
    orders: mpsc::Sender<Order>,
}

impl Writer {
    fn tell(&self, order: Order) {
        if self.chats.is_some() && self.orders.try_send(order).is_err() {
            tracing::warn!("the disk is too slow: something was not kept");
        }
    }
}

impl KeptChatsPort for Writer {
    fn keep_draft(&self, gateway: &ProfileId, session_key: &str, text: &str) {
        self.tell(Order::Draft(KeptDraft {
            gateway: gateway.to_string(),
            session_key: session_key.to_owned(),
            text: text.to_owned(),
        }));
    }

    fn keep_history(&self, gateway: &ProfileId, session_key: &str, history: &ChatHistoryPayload) {
        self.tell(Order::History {
            gateway: gateway.clone(),
            session_key: session_key.to_owned(),
            payload: Box::new(history.clone()),
        });
    }

    fn history(
        &self,
        gateway: &ProfileId,
        session_key: &str,
    ) -> BoxFuture<'static, Option<KeptHistory>> {
        let (chats, gateway) = (self.chats.clone(), gateway.clone());
        let session_key = session_key.to_owned();
        async move {
            let chats = chats?;
            let (short, full) = both_keys(&session_key);
            let of_short = read(&chats, &gateway, &short).await;
            let of_full = read(&chats, &gateway, &full).await;
            let kept = of_short.into_iter().chain(of_full);
            // The last of the newest: the full key is used from when it is known.
            let kept = kept.max_by_key(|kept| kept.as_of_ms)?;
            // A layout that is not understood any more is as good as none: the gateway has it all.
            Some(KeptHistory {
                payload: serde_json::from_str(&kept.history).ok()?,
                as_of_ms: kept.as_of_ms,
            })
        }
        .boxed()
    }

    fn forget_refused(&self, gateway: &ProfileId, key: &str) {
        self.tell(Order::ForgetRefused {
            gateway: gateway.clone(),
            key: key.to_owned(),
        });
    }

    fn forget_gateway(&self, gateway: &ProfileId) {
        self.tell(Order::ForgetGateway(gateway.clone()));
    }

    fn forget_histories(&self) -> BoxFuture<'static, Result<(), UiError>> {
        let (done, forgotten) = oneshot::channel();
        let orders = self.chats.is_some().then(|| self.orders.clone());
        async move {
            let Some(orders) = orders else { return Ok(()) };
            if orders.send(Order::ForgetHistories(done)).await.is_err() {
                return Ok(());
            }
            match forgotten.await {
                Ok(Err(error)) => Err(UiError {
                    code: "historiesNotForgotten".to_owned(),
                    message: format!("What is kept of conversations was not removed: {error}."),
                    action: None,
                }),
                Ok(Ok(())) | Err(_) => Ok(()),
            }
        }
        .boxed()
    }

    fn not_kept(&self) -> Option<NotKept> {
        let Some(chats) = &self.chats else {
            return Some(NotKept::NotOpened);
        };
        chats.unwritable().map(|why| match why {
            Unwritable::Full => NotKept::DiskFull,
            Unwritable::ReadOnly => NotKept::ReadOnly,
            Unwritable::Failing => NotKept::DiskFails,
        })
    }

    fn settle(&self) -> BoxFuture<'static, ()> {
        let (done, settled) = oneshot::channel();
        let orders = self.chats.is_some().then(|| self.orders.clone());
        async move {
            if let Some(orders) = orders
                && orders.send(Order::Settle(done)).await.is_ok()
            {
                // An error means that the task has ended, and it writes everything before that.
                drop(settled.await);
            }
        }
        .boxed()
    }
}

async fn read(chats: &KeptChats, gateway: &ProfileId, session_key: &str) -> Option<KeptTranscript> {
    let kept = chats.transcript(gateway.as_str(), session_key).await;
    kept.inspect_err(|error| tracing::warn!(%error, "a kept conversation cannot be read"))
        .ok()?
}

/// What a full key of the main agent begins with. Of other agents a short key might mean another conversation.
const MAIN_AGENT: &str = "agent:main:";

/// The key by which a conversation may have gone before its gateway told its full one.
fn short_key(session_key: &str) -> Option<&str> {
    session_key.strip_prefix(MAIN_AGENT)
}

/// Both keys of a conversation, the short one first.
fn both_keys(session_key: &str) -> (String, String) {
    match short_key(session_key) {
        Some(short) => (short.to_owned(), session_key.to_owned()),
        None => (session_key.to_owned(), format!("{MAIN_AGENT}{session_key}")),
    }
}

/// The composer's texts that are still being typed.
#[derive(Default)]
struct Typing {
    texts: HashMap<(String, String), KeptDraft>,
    /// When they are written.
    due: Option<Instant>,
}

impl Typing {
    fn typed(&mut self, draft: KeptDraft) {
        let conversation = (draft.gateway.clone(), draft.session_key.clone());
        self.texts.insert(conversation, draft);
        self.due = Some(Instant::now() + TYPING);
    }

    async fn write(&mut self, chats: &KeptChats) {
        self.due = None;
        let mut drafts: Vec<KeptDraft> = self.texts.drain().map(|(_, draft)| draft).collect();
        // What was typed before the full key was known is of the same conversation, and older.
        let older = drafts.iter().filter_map(|draft| {
            Some(KeptDraft {
                gateway: draft.gateway.clone(),
                session_key: short_key(&draft.session_key)?.to_owned(),
                text: String::new(),
            })
        });
        let older: Vec<KeptDraft> = older.collect();
        drafts.splice(0..0, older);
        if !drafts.is_empty() {
            warn_of(chats.keep_drafts(drafts).await);
        }
    }
}

async fn write(chats: KeptChats, mut orders: mpsc::Receiver<Order>) {
    let mut typing = Typing::default();
    loop {
        let due = typing.due;
        let pause = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            order = orders.recv() => match order {
                Some(order) => obey(&chats, &mut typing, order).await,
                None => break,
            },
            () = pause => typing.write(&chats).await,
        }
    }
    typing.write(&chats).await;
}

async fn obey(chats: &KeptChats, typing: &mut Typing, order: Order) {
    match order {
        Order::Draft(draft) => typing.typed(draft),
        Order::History {
            gateway,
            session_key,
            payload,
        } => keep_history(chats, &gateway, &session_key, &payload).await,
        Order::ForgetRefused { gateway, key } => {
            warn_of(chats.forget_refused(gateway.as_str(), &key).await);
        }
        Order::ForgetGateway(gateway) => {
            typing.texts.retain(|(of, _), _| *of != gateway.as_str());
            warn_of(chats.forget_gateway(gateway.as_str()).await);
        }
        Order::ForgetHistories(done) => drop(done.send(chats.forget_transcripts().await)),
        Order::Settle(done) => {
            typing.write(chats).await;
            let _unheard = done.send(());
        }
    }
}

async fn keep_history(
    chats: &KeptChats,
    gateway: &ProfileId,
    session_key: &str,
    payload: &ChatHistoryPayload,
) {
    let history = match serde_json::to_string(payload) {
        Ok(history) if history.len() <= MOST_TRANSCRIPT_BYTES => history,
        Ok(_) => return tracing::debug!("a conversation is too long to be kept"),
        Err(error) => return tracing::warn!(%error, "a conversation cannot be written down"),
    };
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let transcript = KeptTranscript {
        history,
        as_of_ms: u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX),
    };
    let kept = chats.keep_transcript(gateway.as_str(), session_key, transcript, MOST_BYTES);
    warn_of(kept.await);
}

fn warn_of(written: Result<(), StoreError>) {
    if let Err(error) = written {
        tracing::warn!(%error, "something of a conversation is not kept on this computer");
    }
}

#[cfg(test)]
mod tests;
