//! A gateway that makes somebody its administrator when a test says so.

use super::{super::*, FakeGateway, Fakes};
use crate::controller::AdministratorPort;
use futures_util::future::BoxFuture;
use gateway_core::config::Profile;
use std::sync::{Mutex, Weak};

/// The session that is handed out next, and what is done in it.
#[derive(Clone, Default)]
pub(in crate::controller::tests) struct FakeAdministrator {
    next: Arc<Mutex<Option<Arc<FakeGateway>>>>,
    done: Arc<Mutex<Vec<String>>>,
}

impl AdministratorPort for FakeAdministrator {
    fn session(&self, _: Profile) -> BoxFuture<'static, Result<Arc<dyn GatewayPort>, UiError>> {
        let next = self.next.lock().unwrap().take();
        let session = next.map(|session| session as Arc<dyn GatewayPort>);
        Box::pin(async move {
            session.ok_or_else(|| UiError {
                code: "administratorRefused".to_owned(),
                message: "No.".to_owned(),
                action: None,
            })
        })
    }
}

impl Fakes {
    /// Lets the next one in; the session is gone once nobody holds it any more.
    pub(in crate::controller::tests) fn administrator_is_let_in(&self) -> Weak<FakeGateway> {
        let session = Arc::new(FakeGateway::deciding_with(&self.administrator.done));
        let weak = Arc::downgrade(&session);
        *self.administrator.next.lock().unwrap() = Some(session);
        weak
    }

    /// What was done with an administrator's rights.
    pub(in crate::controller::tests) fn done_as_administrator(&self) -> Vec<String> {
        self.administrator.done.lock().unwrap().clone()
    }
}
