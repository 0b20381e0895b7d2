//! What the controller drives: the seams between deciding and doing.

use crate::view_model::ConnectionView;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

/// The one supervised connection.
pub trait ConnectionPort: Send + Sync + 'static {
    /// Returns the connection as it is, and every change of it.
    fn view(&self) -> watch::Receiver<ConnectionView>;

    /// Hands an order to the supervisor; its effect shows in the view.
    fn order(&self, order: Order);

    /// Closes the session and the tunnel for good.
    fn close(&self) -> BoxFuture<'static, ()>;
}

/// What the supervisor can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Connect and stay connected.
    Connect,
    /// Disconnect and stay so.
    Disconnect,
    /// Make the next attempt now.
    ReconnectNow,
    /// Trust the key of that question and dial again, demanding it.
    TrustHostKey {
        /// The question.
        id: String,
    },
    /// Close the question.
    CancelQuestion {
        /// The question.
        id: String,
    },
}

/// The connection before there is anything to connect to.
#[derive(Debug)]
pub struct NoConnection(watch::Sender<ConnectionView>);

impl Default for NoConnection {
    fn default() -> Self {
        Self(watch::Sender::new(ConnectionView::off()))
    }
}

impl ConnectionPort for NoConnection {
    fn view(&self) -> watch::Receiver<ConnectionView> {
        self.0.subscribe()
    }

    fn order(&self, order: Order) {
        tracing::debug!(?order, "nothing to connect to");
    }

    fn close(&self) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}
