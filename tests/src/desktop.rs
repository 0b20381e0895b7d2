//! A desktop session for one test: a virtual screen, a session bus of its own, and, as the test
//! wishes, a keychain and a place for tray icons.

pub mod notifications;
pub mod tray_host;

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use zbus::fdo::DBusProxy;
use zbus::names::BusName;
use zbus::zvariant::OwnedObjectPath;
use zbus::{Connection, Proxy};

use crate::keyboard::Keyboard;
use crate::process::{Program, Running};
use crate::temp_home::TempHome;
use crate::tools;
use crate::wait::until;
use notifications::Notifications;
pub use tray_host::TrayHost;

/// Whether the bus says that there is no such object any more.
fn is_gone(error: &zbus::fdo::Error) -> bool {
    matches!(
        error,
        zbus::fdo::Error::UnknownMethod(_) | zbus::fdo::Error::UnknownObject(_)
    )
}

/// How long each part may take to start, on a loaded machine.
const START: Duration = Duration::from_secs(30);
/// Who keeps secrets on the bus.
const SECRETS: &str = "org.freedesktop.secrets";
/// What the keychain of the session is unlocked with.
const KEYCHAIN_PASSWORD: &str = "unlock";

/// What a session has beside its screen and its bus.
#[derive(Debug, Clone, Copy)]
pub struct DesktopParts {
    /// Whether there is a Secret Service, unlocked.
    pub keychain: bool,
    /// Whether there is a place for tray icons.
    pub tray_host: bool,
}

impl Default for DesktopParts {
    fn default() -> Self {
        Self {
            keychain: true,
            tray_host: true,
        }
    }
}

/// The name of `logind` on the system bus.
const LOGIN: &str = "org.freedesktop.login1";

/// What says on the bus that the computer sleeps and wakes, as `logind` does.
#[derive(Debug)]
pub struct LoginSession(Connection);

impl LoginSession {
    /// Says that the computer goes to sleep, and that it is back.
    ///
    /// # Errors
    ///
    /// When the bus is gone.
    pub async fn sleeps_and_wakes(&self) -> Result<()> {
        for goes_to_sleep in [true, false] {
            let (path, interface) = ("/org/freedesktop/login1", "org.freedesktop.login1.Manager");
            let nobody = None::<BusName<'_>>;
            self.0
                .emit_signal(nobody, path, interface, "PrepareForSleep", &goes_to_sleep)
                .await?;
        }
        Ok(())
    }
}

/// The running session. Its parts end with it.
#[derive(Debug)]
pub struct DesktopSession {
    display: String,
    bus_address: String,
    tray_host: Option<TrayHost>,
    keychain: Option<Running>,
    _bus: Running,
    _screen: Running,
}

impl DesktopSession {
    /// Starts a session for the user who lives in `home`.
    ///
    /// # Errors
    ///
    /// When a part is missing or does not start.
    pub async fn start(home: &TempHome, parts: DesktopParts) -> Result<Self> {
        let screen = Program::new(tools::system("/usr/bin/Xvfb")?)
            .args([
                "-displayfd",
                "1",
                "-nolisten",
                "tcp",
                "-screen",
                "0",
                "1280x960x24",
            ])
            .envs(home.env())
            .env("PATH", "/usr/bin:/bin")
            .start()?;
        let bus = start_bus(home)?;
        let number = screen
            .says("the display's number", START, first_line)
            .await?;
        let bus_address = bus.says("the bus address", START, first_line).await?;
        let mut session = Self {
            display: format!(":{number}"),
            bus_address,
            tray_host: None,
            keychain: None,
            _bus: bus,
            _screen: screen,
        };
        if parts.keychain {
            session.keychain = Some(session.start_keychain(home).await?);
        }
        if parts.tray_host {
            session.tray_host = Some(TrayHost::start(&session.bus_address).await?);
        }
        Ok(session)
    }

    /// The environment of a program of this session, beside its home's.
    pub fn env(&self) -> Vec<(&'static str, OsString)> {
        vec![
            ("DISPLAY", self.display.clone().into()),
            ("DBUS_SESSION_BUS_ADDRESS", self.bus_address.clone().into()),
            // Nor does a test hear of the machine's own sleep.
            ("DBUS_SYSTEM_BUS_ADDRESS", self.bus_address.clone().into()),
            // Neither an accessibility bus nor a graphics card is here; asking for them costs seconds.
            ("NO_AT_BRIDGE", "1".into()),
            ("GDK_BACKEND", "x11".into()),
            ("LIBGL_ALWAYS_SOFTWARE", "1".into()),
            // Pictures are taken through this renderer; said here, the program has nothing to decide.
            ("WEBKIT_DISABLE_DMABUF_RENDERER", "0".into()),
        ]
    }

    /// Starts what tells programs of the computer's sleep.
    ///
    /// # Errors
    ///
    /// When it finds no place on the bus.
    pub async fn login_session(&self) -> Result<LoginSession> {
        let bus = zbus::connection::Builder::address(self.bus_address.as_str())?
            .name(LOGIN)?
            .build()
            .await?;
        Ok(LoginSession(bus))
    }

    /// Starts what shows notifications.
    ///
    /// # Errors
    ///
    /// When it finds no place on the bus.
    pub async fn notifications(&self) -> Result<Notifications> {
        Notifications::start(&self.bus_address).await
    }

    /// Gives the session a place for tray icons, as a panel that starts later does. It goes away
    /// when it is dropped.
    ///
    /// # Errors
    ///
    /// When there is one already.
    pub async fn late_tray(&self) -> Result<TrayHost> {
        TrayHost::start(&self.bus_address).await
    }

    /// The keyboard of the session's screen.
    ///
    /// # Errors
    ///
    /// When the screen cannot be reached.
    pub fn keyboard(&self) -> Result<Keyboard> {
        Keyboard::at(&self.display)
    }

    /// What was copied last, as another program of the session pastes it.
    ///
    /// # Errors
    ///
    /// When nothing can be pasted.
    pub async fn pasted(&self) -> Result<String> {
        Program::new(tools::system("/usr/bin/xclip")?)
            .args(["-o", "-selection", "clipboard"])
            .env("DISPLAY", &self.display)
            .run(START)
            .await?
            .ok()
    }

    /// The tray, where the session has one.
    ///
    /// # Errors
    ///
    /// When it was started without.
    pub fn tray(&self) -> Result<&TrayHost> {
        self.tray_host
            .as_ref()
            .context("the session has no place for tray icons")
    }

    /// What the keychain's secrets are kept under: every attribute of every one. The secrets stay there.
    ///
    /// # Errors
    ///
    /// When the session has no keychain.
    pub async fn keychain_names(&self) -> Result<Vec<String>> {
        let bus = connect(&self.bus_address).await?;
        let service = Proxy::new(
            &bus,
            SECRETS,
            "/org/freedesktop/secrets",
            "org.freedesktop.Secret.Service",
        )
        .await?;
        let everything: HashMap<&str, &str> = HashMap::new();
        let (open, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
            service.call("SearchItems", &(everything)).await?;
        let mut names = Vec::new();
        for path in open.into_iter().chain(locked) {
            let item = Proxy::new(&bus, SECRETS, path, "org.freedesktop.Secret.Item").await?;
            let attributes: zbus::Result<HashMap<String, String>> =
                item.get_property("Attributes").await;
            match attributes {
                Ok(attributes) => names.extend(attributes.into_values()),
                // It was deleted since it was listed.
                Err(zbus::Error::FDO(error)) if is_gone(&error) => {}
                Err(zbus::Error::MethodError(name, ..)) if name.ends_with(".UnknownMethod") => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(names)
    }

    /// The keychain's process, where the session has one.
    pub fn keychain_pid(&self) -> Option<u32> {
        self.keychain.as_ref().map(Running::pid)
    }

    async fn start_keychain(&self, home: &TempHome) -> Result<Running> {
        let password = home.write_private("keychain-password", KEYCHAIN_PASSWORD)?;
        let keychain = Program::new(tools::system("/usr/bin/gnome-keyring-daemon")?)
            .args(["--foreground", "--unlock", "--components=secrets"])
            .envs(home.env())
            .envs(self.env())
            .stdin(File::open(password)?)
            .start()?;
        let bus = connect(&self.bus_address).await?;
        let proxy = DBusProxy::new(&bus).await?;
        until("the keychain on the bus", START, async || {
            let name = BusName::try_from(SECRETS)?;
            Ok(proxy.name_has_owner(name).await?.then_some(()))
        })
        .await
        .with_context(|| keychain.stderr())?;
        Ok(keychain)
    }
}

/// Connects to the session bus at `address`.
///
/// # Errors
///
/// When nothing answers there.
pub async fn connect(address: &str) -> Result<Connection> {
    Ok(zbus::connection::Builder::address(address)?.build().await?)
}

/// A bus that starts nothing by itself: what a test did not start is not there.
fn start_bus(home: &TempHome) -> Result<Running> {
    let config = bus_config(home)?;
    Program::new(tools::system("/usr/bin/dbus-daemon")?)
        .arg(format!("--config-file={}", config.display()))
        .args(["--nofork", "--nopidfile", "--print-address=1"])
        .envs(home.env())
        .start()
}

fn bus_config(home: &TempHome) -> Result<PathBuf> {
    let path = home.root().join("bus.conf");
    let socket = home.runtime_dir().join("bus");
    fs::write(
        &path,
        format!(
            "<!DOCTYPE busconfig PUBLIC '-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN'\n\
             'http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd'>\n\
             <busconfig><type>session</type><listen>unix:path={}</listen>\n\
             <policy context='default'><allow send_destination='*'/><allow receive_sender='*'/>\
             <allow own='*'/></policy></busconfig>\n",
            socket.display()
        ),
    )?;
    Ok(path)
}

/// The first whole line, once it is there.
fn first_line(told: &str) -> Option<String> {
    let (line, _) = told.split_once('\n')?;
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_session_has_a_screen_a_keychain_and_a_tray() {
        let home = TempHome::new().unwrap();
        let session = DesktopSession::start(&home, DesktopParts::default())
            .await
            .unwrap();
        assert!(session.keychain_pid().is_some());
        assert!(session.tray().unwrap().items().is_empty());
        let names = DBusProxy::new(&connect(&session.bus_address).await.unwrap())
            .await
            .unwrap()
            .list_names()
            .await
            .unwrap();
        assert!(
            names
                .iter()
                .any(|name| name.as_str() == "org.kde.StatusNotifierWatcher")
        );
    }
}
