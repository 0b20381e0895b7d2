//! Linux: `org.kde.StatusNotifierWatcher` on the session bus, with a host registered at it.
//!
//! The names are those of the freedesktop StatusNotifierItem specification.

use std::time::Duration;
use tokio::time::timeout;
use zbus::{Connection, fdo, names::BusName, zvariant::Value};

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const WATCHER_PATH: &str = "/StatusNotifierWatcher";

/// What one answer from the bus may take before it counts as "no host".
const ANSWER: Duration = Duration::from_secs(3);

/// Reports whether there is a tray host: once at the start, then at every change.
///
/// Ends when there is no session bus or the bus goes away; without a bus there is no host.
pub async fn watch(mut changed: impl FnMut(bool) + Send) {
    if let Err(problem) = follow(&mut changed).await {
        tracing::info!(%problem, "no tray host can be found");
    }
    changed(false);
}

async fn follow(changed: &mut (impl FnMut(bool) + Send)) -> zbus::Result<()> {
    use futures_util::StreamExt as _;

    let bus = Connection::session().await?;
    let daemon = fdo::DBusProxy::new(&bus).await?;
    let mut owners = daemon
        .receive_name_owner_changed_with_args(&[(0, WATCHER)])
        .await?;
    let mut hosts = host_signals(&bus).await?;
    let mut last = has_host(&bus, &daemon).await;
    changed(last);
    loop {
        tokio::select! {
            signal = owners.next() => if signal.is_none() { return Ok(()) },
            signal = hosts.next() => if signal.is_none() { return Ok(()) },
        }
        let now = has_host(&bus, &daemon).await;
        if now != last {
            last = now;
            changed(now);
        }
    }
}

/// Subscribes to the watcher's signals about hosts, whichever program owns the name.
async fn host_signals(bus: &Connection) -> zbus::Result<zbus::MessageStream> {
    let rule = zbus::MatchRule::builder()
        .msg_type(zbus::message::Type::Signal)
        .interface(WATCHER)?
        .path(WATCHER_PATH)?
        .build();
    zbus::MessageStream::for_match_rule(rule, bus, None).await
}

async fn has_host(bus: &Connection, daemon: &fdo::DBusProxy<'_>) -> bool {
    let asked = async {
        if !daemon.name_has_owner(BusName::try_from(WATCHER)?).await? {
            return Ok(false);
        }
        let reply = bus
            .call_method(
                Some(WATCHER),
                WATCHER_PATH,
                Some("org.freedesktop.DBus.Properties"),
                "Get",
                &(WATCHER, "IsStatusNotifierHostRegistered"),
            )
            .await?;
        let body = reply.body();
        let value: Value<'_> = body.deserialize()?;
        zbus::Result::Ok(matches!(value, Value::Bool(true)))
    };
    match timeout(ANSWER, asked).await {
        Ok(Ok(registered)) => registered,
        Ok(Err(problem)) => {
            tracing::debug!(%problem, "the tray's watcher did not answer");
            false
        }
        Err(_) => false,
    }
}
