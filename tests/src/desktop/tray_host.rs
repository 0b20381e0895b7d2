//! A place for tray icons: the watcher that icons register with, and a hand that reads and clicks
//! their menus over D-Bus. No panel is drawn.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use zbus::message::Header;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Structure, Value};
use zbus::{Connection, Proxy, connection, interface};

use crate::wait::until;

/// How long an icon may take to appear, and a menu to fill, on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A registered icon: the bus name that owns it and its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrayItem {
    /// The bus name.
    pub service: String,
    /// The object's path.
    pub path: String,
}

type Items = Arc<Mutex<Vec<TrayItem>>>;

/// A menu line on the wire: its id, its properties, the lines below it.
type Line = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

/// The watcher and the connection it is on.
#[derive(Debug)]
pub struct TrayHost {
    connection: Connection,
    items: Items,
}

/// A line of a menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MenuLine {
    /// Its id in the menu.
    pub id: i32,
    /// Its text, without mnemonic marks.
    pub label: String,
    /// Whether it can be clicked.
    pub enabled: bool,
}

impl TrayHost {
    /// Takes the watcher's name on the bus at `address`.
    ///
    /// # Errors
    ///
    /// When the bus does not give it.
    pub async fn start(address: &str) -> Result<Self> {
        let items = Items::default();
        let watcher = Watcher {
            items: Arc::clone(&items),
        };
        let connection = connection::Builder::address(address)?
            .serve_at("/StatusNotifierWatcher", watcher)?
            .name("org.kde.StatusNotifierWatcher")?
            .build()
            .await?;
        Ok(Self { connection, items })
    }

    /// The icons registered so far.
    pub fn items(&self) -> Vec<TrayItem> {
        self.items
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits for the first icon.
    ///
    /// # Errors
    ///
    /// When none comes.
    pub async fn item(&self) -> Result<TrayItem> {
        until("a tray icon", PATIENCE, async || {
            Ok(self.items().into_iter().next())
        })
        .await
    }

    /// The menu's lines of the first icon, top to bottom, those of submenus after their parent.
    ///
    /// # Errors
    ///
    /// When there is no icon or its menu cannot be read.
    pub async fn menu(&self) -> Result<Vec<MenuLine>> {
        let menu = self.menu_proxy().await?;
        let (_, layout): (u32, Line) = menu
            .call("GetLayout", &(0_i32, -1_i32, Vec::<&str>::new()))
            .await?;
        let mut lines = Vec::new();
        collect(&layout.2, &mut lines)?;
        Ok(lines)
    }

    /// Waits for a line whose label begins with `label` and clicks it.
    ///
    /// # Errors
    ///
    /// When it does not come or cannot be clicked.
    pub async fn click(&self, label: &str) -> Result<()> {
        let line = until(&format!("the menu line {label:?}"), PATIENCE, async || {
            Ok(self
                .menu()
                .await?
                .into_iter()
                .find(|line| line.label.starts_with(label)))
        })
        .await?;
        if !line.enabled {
            bail!("the menu line {label:?} cannot be clicked");
        }
        let menu = self.menu_proxy().await?;
        menu.call_method("Event", &(line.id, "clicked", Value::from(""), 0_u32))
            .await?;
        Ok(())
    }

    async fn menu_proxy(&self) -> Result<Proxy<'static>> {
        let item = self.item().await?;
        let icon = Proxy::new(
            &self.connection,
            item.service.clone(),
            item.path,
            "org.kde.StatusNotifierItem",
        )
        .await?;
        let path: OwnedObjectPath = icon.get_property("Menu").await?;
        Ok(Proxy::new(
            &self.connection,
            item.service,
            path,
            "com.canonical.dbusmenu",
        )
        .await?)
    }
}

/// Adds the lines of `children` and, after each, those below it.
fn collect(children: &[OwnedValue], lines: &mut Vec<MenuLine>) -> Result<()> {
    for child in children {
        let structure: Structure<'_> = child
            .downcast_ref()
            .context("a menu line of another shape")?;
        let (id, properties, below): Line = Value::Structure(structure)
            .try_into()
            .context("a menu line of another shape")?;
        let label = properties
            .get("label")
            .and_then(|label| String::try_from(label.clone()).ok())
            .unwrap_or_default();
        let enabled = properties
            .get("enabled")
            .and_then(|enabled| bool::try_from(enabled.clone()).ok())
            .unwrap_or(true);
        if !label.is_empty() {
            lines.push(MenuLine {
                id,
                label: label.replace('_', ""),
                enabled,
            });
        }
        collect(&below, lines)?;
    }
    Ok(())
}

struct Watcher {
    items: Items,
}

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    /// An icon names itself by its path, or by the bus name that serves `/StatusNotifierItem`.
    fn register_status_notifier_item(&self, service: &str, #[zbus(header)] header: Header<'_>) {
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        let item = if service.starts_with('/') {
            TrayItem {
                service: sender,
                path: service.to_owned(),
            }
        } else {
            TrayItem {
                service: service.to_owned(),
                path: "/StatusNotifierItem".to_owned(),
            }
        };
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        if !items.contains(&item) {
            items.push(item);
        }
    }

    /// There is always a host: this one.
    fn register_status_notifier_host(&self, _service: &str) {}

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        let items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        items
            .iter()
            .map(|item| format!("{}{}", item.service, item.path))
            .collect()
    }
}
