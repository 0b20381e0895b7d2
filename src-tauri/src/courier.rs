//! The real courier behind the controller's port: it hears of every session and of every event.

use crate::{
    controller::{CourierPort, ports::CourierNews, problems::gateway_refused},
    view_model::{ChatDraft, UiError},
};
use gateway_core::{
    chat::{
        Courier, Delivery, DeliveryState,
        courier::{self, SendError},
    },
    client::Session,
    connection::{GatewayEvent, snapshot::Snapshot},
    protocol::{RunId, SessionKey, event::Event},
};
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

/// Starts the courier and returns the controller's end of it.
///
/// # Panics
///
/// Outside an async runtime.
pub(crate) fn start(heard: Heard) -> CourierPort {
    let (drafts, inbox) = mpsc::channel(DRAFTS);
    let (outbox, news) = mpsc::channel(NEWS);
    let (courier, deliveries) = Courier::start();
    // Both tasks end when the controller drops its end.
    drop(tokio::spawn(feed(courier, heard, inbox, outbox.clone())));
    drop(tokio::spawn(report(deliveries, outbox)));
    CourierPort { drafts, news }
}

async fn feed(
    courier: Courier,
    mut heard: Heard,
    mut drafts: mpsc::Receiver<ChatDraft>,
    news: mpsc::Sender<CourierNews>,
) {
    loop {
        tokio::select! {
            biased;
            event = heard.events.recv() => match event {
                Ok(GatewayEvent::SessionUp) => introduce(&courier, &heard).await,
                Ok(GatewayEvent::Event(event)) => courier.observe(&event).await,
                // What was missed is confirmed by the next history.
                Ok(GatewayEvent::Missed | GatewayEvent::SessionDown) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
            draft = drafts.recv() => {
                let Some(draft) = draft else { return };
                if let Some(refused) = send(&courier, draft).await
                    && news.send(refused).await.is_err()
                {
                    return;
                }
            }
        }
    }
}

async fn introduce(courier: &Courier, heard: &Heard) {
    let session = heard.session.borrow().clone();
    let protocol = heard
        .snapshots
        .borrow()
        .gateway
        .as_ref()
        .map(|gateway| gateway.protocol);
    if let (Some(session), Some(protocol)) = (session, protocol) {
        courier.session_up(session, protocol).await;
    }
}

async fn send(courier: &Courier, draft: ChatDraft) -> Option<CourierNews> {
    let key = RunId::from(draft.key.as_str());
    let session_key = SessionKey::from(draft.session_key.as_str());
    let problem = match courier.send(key, session_key, draft.text).await {
        Ok(()) => return None,
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
        session_key: draft.session_key,
        key: draft.key,
        problem,
    })
}

async fn report(mut deliveries: courier::CourierNews, news: mpsc::Sender<CourierNews>) {
    while let Some(delivery) = deliveries.recv().await {
        if let Some(told) = news_of(delivery)
            && news.send(told).await.is_err()
        {
            return;
        }
    }
}

fn news_of(delivery: Delivery) -> Option<CourierNews> {
    let (session_key, key) = (delivery.session_key.to_string(), delivery.key.to_string());
    match delivery.state {
        // The window has shown it since it was handed in.
        DeliveryState::Waiting | DeliveryState::Sending => None,
        DeliveryState::Delivered => Some(CourierNews::Accepted { session_key, key }),
        DeliveryState::Failed { message, .. } => Some(CourierNews::Refused {
            session_key,
            key,
            problem: gateway_refused(&message),
        }),
    }
}
