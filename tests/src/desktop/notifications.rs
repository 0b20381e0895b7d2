//! What shows notifications, as a desktop would: it keeps them, and clicks on them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use zbus::names::BusName;
use zbus::zvariant::OwnedValue;
use zbus::{Connection, connection, interface};

use crate::wait::until;

const PATH: &str = "/org/freedesktop/Notifications";
const INTERFACE: &str = "org.freedesktop.Notifications";

/// A notification as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its number.
    pub id: u32,
    /// The number of the one whose place it takes; 0 for none.
    pub replaces: u32,
    /// The one line.
    pub title: String,
    /// The sentence, as markup.
    pub body: String,
    /// What a click can do.
    pub actions: Vec<String>,
}

type Kept = Arc<Mutex<Vec<Shown>>>;

/// The service and the connection it is on.
#[derive(Debug)]
pub struct Notifications {
    connection: Connection,
    kept: Kept,
}

impl Notifications {
    /// Takes the service's name on the bus at `address`.
    ///
    /// # Errors
    ///
    /// When the bus does not give it.
    pub async fn start(address: &str) -> Result<Self> {
        let kept = Kept::default();
        let service = Service {
            kept: Arc::clone(&kept),
        };
        let connection = connection::Builder::address(address)?
            .serve_at(PATH, service)?
            .name("org.freedesktop.Notifications")?
            .build()
            .await?;
        Ok(Self { connection, kept })
    }

    /// Everything that was shown so far, oldest first.
    pub fn shown(&self) -> Vec<Shown> {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits for a notification whose title begins with `title`.
    ///
    /// # Errors
    ///
    /// When none comes within `limit`, naming those that did.
    pub async fn titled(&self, title: &str, limit: Duration) -> Result<Shown> {
        until(&format!("a notification {title:?}"), limit, async || {
            let shown = self.shown();
            Ok(shown
                .into_iter()
                .find(|shown| shown.title.starts_with(title)))
        })
        .await
        .with_context(|| format!("{:#?}", self.shown()))
    }

    /// Clicks on a notification.
    ///
    /// # Errors
    ///
    /// When the bus is gone.
    pub async fn click(&self, id: u32) -> Result<()> {
        let nobody = None::<BusName<'_>>;
        let clicked = (id, "default");
        self.connection
            .emit_signal(nobody, PATH, INTERFACE, "ActionInvoked", &clicked)
            .await?;
        Ok(())
    }
}

struct Service {
    kept: Kept,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Service {
    fn get_capabilities(&self) -> Vec<String> {
        ["actions", "body", "body-markup"]
            .map(str::to_owned)
            .to_vec()
    }

    #[expect(clippy::too_many_arguments, reason = "the specification's own list")]
    fn notify(
        &self,
        _app_name: &str,
        replaces: u32,
        _app_icon: &str,
        title: String,
        body: String,
        actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _expires: i32,
    ) -> u32 {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let id = match replaces {
            0 => u32::try_from(kept.len()).unwrap_or(u32::MAX - 1) + 1,
            replaces => replaces,
        };
        kept.push(Shown {
            id,
            replaces,
            title,
            body,
            actions,
        });
        id
    }
}
