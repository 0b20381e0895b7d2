//! The notification service of the session bus (Desktop Notifications Specification 1.2).

use crate::{
    controller::{ControllerHandle, Request},
    notices::{Notice, Topic},
    view_model::Page,
};
use futures_util::StreamExt as _;
use std::collections::HashMap;
use tokio::sync::mpsc;
use zbus::{Connection, Proxy, proxy::SignalStream, zvariant::Value};

const SERVICE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// What our desktop entry is called where a package installed one, without its ending.
const DESKTOP_ENTRY: &str = "OpenClaw Tray";

/// The name that packages install our icon under.
const ICON_NAME: &str = "openclaw-tray";

/// The action of a click on the notification itself.
const CLICK: &str = "default";

/// Lets the service decide how long it is shown.
const USUAL_TIME: i32 = -1;

/// Shows what comes until nobody is left who could send anything.
pub(super) async fn run(mut notices: mpsc::Receiver<Notice>, controller: ControllerHandle) {
    let mut service: Option<Service> = None;
    loop {
        tokio::select! {
            notice = notices.recv() => {
                let Some(notice) = notice else { return };
                service = show(service.take(), &notice).await;
            }
            clicked = clicked(service.as_mut()) => match clicked {
                Some(Some(page)) => controller.tell(Request::NoticeClicked(page)),
                Some(None) => {}
                // The bus has gone; the next notification looks for it again.
                None => service = None,
            },
        }
    }
}

/// Shows a notification through a service that is known or looked for anew.
async fn show(known: Option<Service>, notice: &Notice) -> Option<Service> {
    let shown = async {
        let mut service = match known {
            Some(service) => service,
            None => Service::find().await?,
        };
        service.show(notice).await?;
        zbus::Result::Ok(service)
    };
    match shown.await {
        Ok(service) => Some(service),
        Err(problem) => {
            // The window and the tray say the same.
            tracing::info!(%problem, topic = ?notice.topic, "no notification could be shown");
            None
        }
    }
}

/// Waits for a click; answers `None` when none can come any more.
async fn clicked(service: Option<&mut Service>) -> Option<Option<Page>> {
    match service {
        Some(service) => service.clicked().await,
        None => std::future::pending().await,
    }
}

struct Service {
    proxy: Proxy<'static>,
    clicks: SignalStream<'static>,
    /// Whether a body is read as markup.
    has_markup: bool,
    /// The numbers under which notifications stand, with where a click leads.
    shown: HashMap<Topic, (u32, Page)>,
}

impl Service {
    async fn find() -> zbus::Result<Self> {
        let bus = Connection::session().await?;
        let proxy = Proxy::new_owned(bus, SERVICE, PATH, SERVICE).await?;
        let can: Vec<String> = proxy.call("GetCapabilities", &()).await?;
        Ok(Self {
            clicks: proxy.receive_signal("ActionInvoked").await?,
            proxy,
            has_markup: can.iter().any(|what| what == "body-markup"),
            shown: HashMap::new(),
        })
    }

    async fn show(&mut self, notice: &Notice) -> zbus::Result<()> {
        let replaces = self.shown.get(&notice.topic).map_or(0, |(id, _)| *id);
        let body = match self.has_markup {
            true => escaped(&notice.body),
            false => notice.body.clone(),
        };
        let hints = HashMap::from([
            ("desktop-entry", Value::from(DESKTOP_ENTRY)),
            ("category", Value::from(category(notice.topic))),
        ]);
        let actions = [CLICK, "OpenClaw Tray"];
        let id: u32 = self
            .proxy
            .call(
                "Notify",
                &(
                    "OpenClaw Tray",
                    replaces,
                    ICON_NAME,
                    notice.title.as_str(),
                    body,
                    actions.as_slice(),
                    hints,
                    USUAL_TIME,
                ),
            )
            .await?;
        self.shown.insert(notice.topic, (id, notice.page));
        Ok(())
    }

    async fn clicked(&mut self) -> Option<Option<Page>> {
        let signal = self.clicks.next().await?;
        let told: zbus::Result<(u32, String)> = signal.body().deserialize();
        Some(told.ok().and_then(|(id, action)| {
            let mut shown = self.shown.values();
            let (_, page) = shown.find(|(shown, _)| *shown == id && action == CLICK)?;
            Some(*page)
        }))
    }
}

/// The specification's word for what it is about.
fn category(topic: Topic) -> &'static str {
    match topic {
        Topic::NeedsYou => "network",
        Topic::Lost => "network.disconnected",
        Topic::Restored => "network.connected",
        Topic::Requests | Topic::Replies | Topic::Voice => "im.received",
    }
}

/// A server's name may hold anything; a service that reads markup is told which is text.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
