//! Administrator's rights for the moment somebody presses for them.
//!
//! The app's own session never has them. What needs them gets a session of its own, which ends with what
//! it was opened for, so that nothing is kept afterwards: no right of this device, no token.

use super::{
    Controller, GatewayPort,
    problems::{call_error, not_connected},
};
use crate::view_model::UiError;
use futures_util::{FutureExt as _, future::BoxFuture};
use gateway_core::client::CallError;

/// Why something was not done with an administrator's rights.
#[derive(Debug)]
pub(super) enum AdminError {
    /// They were not given.
    NotGranted(UiError),
    /// They were, and the gateway refused all the same.
    Call(CallError),
}

impl AdminError {
    /// Tells a person.
    pub(super) fn told(&self) -> UiError {
        match self {
            Self::NotGranted(problem) => problem.clone(),
            Self::Call(error) => call_error(error),
        }
    }
}

impl Controller {
    /// Does one thing with an administrator's rights at the gateway in use, and gives them up.
    pub(super) fn with_admin<T: Send + 'static>(
        &self,
        action: impl FnOnce(&dyn GatewayPort) -> BoxFuture<'static, Result<T, CallError>>
        + Send
        + 'static,
    ) -> BoxFuture<'static, Result<T, AdminError>> {
        // Where the app itself is not connected, a person sees nothing to decide about.
        if self.session().is_none() {
            return std::future::ready(Err(AdminError::NotGranted(not_connected()))).boxed();
        }
        let opening = self.administrator.session(self.settings.profile());
        async move {
            let session = opening.await.map_err(AdminError::NotGranted)?;
            // Its end is the session's end.
            action(&*session).await.map_err(AdminError::Call)
        }
        .boxed()
    }
}
