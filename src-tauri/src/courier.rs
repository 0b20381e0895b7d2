//! The real couriers behind the controller's port: they hear of every session and of every event.

use crate::{
    controller::{
        CourierPort,
        ports::{CourierNews, CourierOrder},
        problems::gateway_refused,
    },
    view_model::{ChatDraft, UiError},
};
use gateway_core::{
    chat::{
        Attachment, Attachments, Courier, Delivery, DeliveryState, KeptChats,
        courier::{self, SendError},
        outbox::OutboxFull,
    },
    client::Session,
    config::ProfileId,
    connection::{GatewayEvent, snapshot::Snapshot},
    protocol::{RunId, SessionKey, event::Event},
};
use std::collections::{HashMap, hash_map::Entry};
use tokio::sync::{
    broadcast::{self, error::RecvError},
    mpsc, watch,
};

/// Messages on their way to the courier; a person types one at a time.
const DRAFTS: usize = 64;

/// News the controller has not read yet; the courier waits for room.
const NEWS: usize = 64;

/// What the courier hears of the connection.
pub(crate) struct Heard {
    /// Every event, and when a session begins.
    pub(crate) events: broadcast::Receiver<GatewayEvent<Event>>,
    /// The live session.
    pub(crate) session: watch::Receiver<Option<Session>>,
    /// What hello-ok said.
    pub(crate) snapshots: watch::Receiver<Snapshot>,
}

/// Starts the couriers, one for each gateway that something was written for, and returns the controller's
/// end of them.
///
/// # Panics
///
/// Outside an async runtime.
pub(crate) fn start(heard: Heard, kept: Option<KeptChats>) -> CourierPort {
    let (drafts, inbox) = mpsc::channel(DRAFTS);
    let (outbox, news) = mpsc::channel(NEWS);
    // The task ends when the controller drops its end, and the couriers with it.
    drop(tokio::spawn(feed(
        Couriers::new(outbox, kept),
        heard,
        inbox,
    )));
    CourierPort { drafts, news }
}

/// A courier for each gateway, so that nothing that waits for one can reach another.
struct Couriers {
    started: HashMap<ProfileId, Courier>,
    /// The one whose gateway the session is with.
    current: Option<ProfileId>,
    /// Where what waits outlives the app, if anywhere.
    kept: Option<KeptChats>,
    news: mpsc::Sender<CourierNews>,
}

impl Couriers {
    fn new(news: mpsc::Sender<CourierNews>, kept: Option<KeptChats>) -> Self {
        Self {
            started: HashMap::new(),
            current: None,
            kept,
            news,
        }
    }

    /// Returns the courier of a gateway, with what an earlier run of the app left for it.
    async fn of(&mut self, gateway: ProfileId) -> &Courier {
        match self.started.entry(gateway) {
            Entry::Occupied(started) => started.into_mut(),
            Entry::Vacant(free) => {
                let (courier, deliveries) = begin(self.kept.as_ref(), free.key()).await;
                let news = self.news.clone();
                drop(tokio::spawn(report(free.key().clone(), deliveries, news)));
                free.insert(courier)
            }
        }
    }

    /// Hands the session that is up to the courier of its gateway.
    async fn introduce(&mut self, heard: &Heard) {
        let session = heard.session.borrow().clone();
        let protocol = heard
            .snapshots
            .borrow()
            .gateway
            .as_ref()
            .map(|gateway| gateway.protocol);
        let (Some(session), Some(protocol)) = (session, protocol) else {
            return;
        };
        // A session says which gateway it is with; where it does not, nothing is sent over it.
        self.current = session.label().and_then(ProfileId::parse);
        if let Some(gateway) = self.current.clone() {
            self.of(gateway).await.session_up(session, protocol).await;
        }
    }

    async fn observe(&self, event: &Event) {
        let current = self.current.as_ref();
        if let Some(courier) = current.and_then(|gateway| self.started.get(gateway)) {
            courier.observe(event).await;
        }
    }

    /// Carries out an order; returns whether there is anybody to hear of it.
    async fn obey(&mut self, order: CourierOrder) -> bool {
        match order {
            CourierOrder::Send(gateway, draft) => {
                let courier = self.of(gateway.clone()).await;
                let refused = send(courier, gateway, draft).await;
                match refused {
                    Some(refused) => self.news.send(refused).await.is_ok(),
                    None => true,
                }
            }
            CourierOrder::Withdraw {
                gateway,
                key,
                reply,
            } => {
                let key = RunId::from(key.as_str());
                let withdrawn = self.of(gateway).await.withdraw(key).await;
                // Whoever no longer waits sees it go.
                let _unheard = reply.send(withdrawn);
                true
            }
            CourierOrder::Forget(gateway) => {
                self.started.remove(&gateway);
                if let Some(kept) = &self.kept
                    && let Err(error) = kept.forget_gateway(gateway.as_str()).await
                {
                    tracing::warn!(%error, "what is kept of a gateway's conversations was not removed");
                }
                true
            }
        }
    }
}

async fn begin(kept: Option<&KeptChats>, gateway: &ProfileId) -> (Courier, courier::CourierNews) {
    let Some(kept) = kept else {
        return Courier::start();
    };
    let outbox = kept.outbox(gateway.as_str());
    match outbox.lanes().await {
        Ok(lanes) => Courier::resume(outbox, lanes),
        Err(error) => {
            tracing::warn!(%error, "messages that wait cannot be read from disk");
            Courier::start()
        }
    }
}

async fn feed(mut couriers: Couriers, mut heard: Heard, mut orders: mpsc::Receiver<CourierOrder>) {
    loop {
        tokio::select! {
            biased;
            event = heard.events.recv() => match event {
                Ok(GatewayEvent::SessionUp) => couriers.introduce(&heard).await,
                Ok(GatewayEvent::Event(event)) => couriers.observe(&event).await,
                // What was missed is confirmed by the next history.
                Ok(GatewayEvent::Missed | GatewayEvent::SessionDown) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
            order = orders.recv() => {
                let Some(order) = order else { return };
                if !couriers.obey(order).await {
                    return;
                }
            }
        }
    }
}

async fn send(courier: &Courier, gateway: ProfileId, draft: ChatDraft) -> Option<CourierNews> {
    let key = RunId::from(draft.key.as_str());
    let session_key = SessionKey::from(draft.session_key.as_str());
    let files = draft.attachments.into_iter().map(Attachment::from);
    let files: Attachments = files.collect();
    let sent = courier.send_with_files(key, session_key, draft.text, files);
    let problem = match sent.await {
        Ok(()) => return None,
        Err(SendError::Full(full @ OutboxFull::Bytes)) => UiError {
            code: "filesWait".to_owned(),
            message: format!("This message was not taken: {full}."),
            action: None,
        },
        Err(SendError::Full(full)) => UiError {
            code: "tooMuchWaits".to_owned(),
            message: format!("This message was not taken: {full}."),
            action: None,
        },
        Err(SendError::Stopped) => UiError {
            code: "quitting".to_owned(),
            message: "This message was not taken: the app is quitting.".to_owned(),
            action: None,
        },
    };
    Some(CourierNews::Refused {
        gateway,
        session_key: draft.session_key,
        key: draft.key,
        problem,
    })
}

async fn report(
    gateway: ProfileId,
    mut deliveries: courier::CourierNews,
    news: mpsc::Sender<CourierNews>,
) {
    while let Some(delivery) = deliveries.recv().await {
        if let Some(told) = news_of(gateway.clone(), delivery)
            && news.send(told).await.is_err()
        {
            return;
        }
    }
}

fn news_of(gateway: ProfileId, delivery: Delivery) -> Option<CourierNews> {
    let (session_key, key) = (delivery.session_key.to_string(), delivery.key.to_string());
    match delivery.state {
        // The window has shown it since it was handed in.
        DeliveryState::Waiting | DeliveryState::Sending => None,
        DeliveryState::Delivered => Some(CourierNews::Accepted {
            gateway,
            session_key,
            key,
        }),
        DeliveryState::Failed { message, .. } => Some(CourierNews::Refused {
            gateway,
            session_key,
            key,
            problem: gateway_refused(&message),
        }),
    }
}
