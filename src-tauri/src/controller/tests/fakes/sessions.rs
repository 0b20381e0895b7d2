//! A gateway's conversations that are what a test says, and what was asked of them.

use super::FakeGateway;
use crate::controller::{Choices, ListedSessions, SessionChanged, SessionOrder, SessionsPort};
use futures_util::future::BoxFuture;
use gateway_core::{
    chat::AttachmentLimits,
    client::{CallError, Offers},
    protocol::connect::Scope,
};
use std::sync::Mutex;
use tokio::sync::{mpsc, oneshot};

/// An order, and where its answer goes.
pub(in crate::controller::tests) type Ordered = (
    SessionOrder,
    oneshot::Sender<Result<SessionChanged, CallError>>,
);

pub(in crate::controller::tests) struct FakeSessions {
    offers: Mutex<Offers>,
    listed: Mutex<(ListedSessions, usize)>,
    orders: mpsc::UnboundedSender<Ordered>,
    inbox: tokio::sync::Mutex<mpsc::UnboundedReceiver<Ordered>>,
}

impl Default for FakeSessions {
    fn default() -> Self {
        let (orders, inbox) = mpsc::unbounded_channel();
        let methods = ["create", "patch", "delete", "fork", "compact", "reset"];
        Self {
            offers: Mutex::new(Offers {
                protocol: 4,
                methods: methods.map(|name| format!("sessions.{name}")).into(),
                scopes: vec![Scope::Read, Scope::Write],
                main_session: Some("agent:main:main".into()),
                attachments: AttachmentLimits::default(),
            }),
            listed: Mutex::default(),
            orders,
            inbox: tokio::sync::Mutex::new(inbox),
        }
    }
}

impl FakeSessions {
    pub(in crate::controller::tests) fn are(&self, rows: serde_json::Value) {
        self.listed.lock().unwrap().0.rows = serde_json::from_value(rows).unwrap();
    }

    pub(in crate::controller::tests) fn times_listed(&self) -> usize {
        self.listed.lock().unwrap().1
    }

    pub(in crate::controller::tests) fn offer(&self, change: impl FnOnce(&mut Offers)) {
        change(&mut self.offers.lock().unwrap());
    }

    /// Returns what is asked next.
    pub(in crate::controller::tests) async fn ordered(&self) -> Ordered {
        self.inbox.lock().await.recv().await.unwrap()
    }

    pub(in crate::controller::tests) async fn nothing_is_ordered(&self) -> bool {
        self.inbox.lock().await.try_recv().is_err()
    }
}

impl SessionsPort for FakeGateway {
    fn offers(&self) -> Offers {
        self.sessions.offers.lock().unwrap().clone()
    }

    fn watch_sessions(&self) -> BoxFuture<'static, Result<(), CallError>> {
        Box::pin(async { Ok(()) })
    }

    fn sessions(&self) -> BoxFuture<'static, Result<ListedSessions, CallError>> {
        let mut listed = self.sessions.listed.lock().unwrap();
        listed.1 += 1;
        let answer = listed.0.clone();
        Box::pin(async move { Ok(answer) })
    }

    fn choices(&self) -> BoxFuture<'static, Result<Choices, CallError>> {
        Box::pin(async { Ok(Choices::default()) })
    }

    fn change_session(
        &self,
        order: SessionOrder,
    ) -> BoxFuture<'static, Result<SessionChanged, CallError>> {
        let (reply, answer) = oneshot::channel();
        assert!(self.sessions.orders.send((order, reply)).is_ok());
        Box::pin(async move { answer.await.unwrap() })
    }
}
