//! The gateway's token or password, fetched from the server when somebody asks for it.

use super::{Controller, Order, Outcome, Reply, respond};
use crate::view_model::{FetchedKind, FetchedView, UiError};

impl Controller {
    pub(super) fn fetch_secret(&mut self, reply: Reply<FetchedView, UiError>) {
        let fetching = self.home_server.fetch_secret();
        self.work.spawn(async move {
            let result = fetching.await;
            Outcome::SecretFetched { result, reply }
        });
    }

    /// Connects with what was fetched.
    pub(super) fn secret_fetched(
        &mut self,
        result: Result<FetchedView, UiError>,
        reply: Reply<FetchedView, UiError>,
    ) {
        if let Ok(fetched) = &result {
            self.settings.note_token(fetched.kind == FetchedKind::Token);
            match self.settings.keep_gateway_port(fetched.port) {
                Ok(Some(impact)) => self.take_effect(impact),
                // The way to the server is the same, and with it what it was signed in to with.
                Ok(None) => self.send_settings(),
                Err(problem) => {
                    tracing::warn!(code = problem.code, "the gateway's port was not saved");
                }
            }
            self.order(Order::Connect);
            // Whoever fetched it because the check had stopped there wants to see whether it helped.
            if self.check.ok == Some(false) {
                self.run_check();
            }
        }
        respond(reply, result);
    }
}
