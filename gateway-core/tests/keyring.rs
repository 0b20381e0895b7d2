//! Our store against a real Secret Service, in every state a session may find it in.
//!
//! Which bus the keychain is looked for on is decided once in a process and by its environment, so
//! each case runs in a process of its own: this same test binary, told what to do by a variable.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop where it stands"
)]

use gateway_core::config::ProfileId;
use gateway_core::credentials::{
    Account, CredentialStore as _, Keeping, KeyringStore, Kind, open_store,
};
use secrecy::{ExposeSecret as _, SecretString};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Tells the inner process what to do.
const TASK: &str = "KEYRING_TEST_TASK";

/// Long enough for a loaded machine to start a daemon.
const PATIENCE: Duration = Duration::from_secs(30);

/// A private session bus without activatable services, so that only what a test starts is there.
struct Bus {
    daemon: Running,
    address: String,
    home: TempDir,
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Bus {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join("bus.conf");
        std::fs::write(
            &config,
            format!(
                "<busconfig><type>session</type><listen>unix:dir={}</listen>\
                 <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\
                 <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy>\
                 </busconfig>",
                home.path().display()
            ),
        )
        .unwrap();
        let mut daemon = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--print-address=1"])
            .stdout(Stdio::piped())
            // Its remarks about limits would drown the test's own output.
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon must be installed");
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap())
            .read_line(&mut address)
            .unwrap();
        Self {
            daemon: Running(daemon),
            address: address.trim().to_owned(),
            home,
        }
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.home.path())
            .env("XDG_RUNTIME_DIR", self.home.path())
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        command
    }

    /// Starts the keyring daemon; with a password it is unlocked, without one it stays locked.
    fn start_keyring(&self, password: Option<&str>) -> Running {
        let mut command = self.command("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]);
        if password.is_some() {
            command.arg("--unlock");
        }
        let mut daemon = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("gnome-keyring-daemon must be installed");
        let mut stdin = daemon.stdin.take().unwrap();
        stdin
            .write_all(password.unwrap_or_default().as_bytes())
            .unwrap();
        drop(stdin);
        let daemon = Running(daemon);
        let asked = Instant::now();
        while !self.has_secret_service() {
            assert!(
                asked.elapsed() < PATIENCE,
                "the keyring daemon never took its name"
            );
            std::thread::yield_now();
        }
        daemon
    }

    fn has_secret_service(&self) -> bool {
        let answer = self
            .command("dbus-send")
            .arg(format!("--bus={}", self.address))
            .args(["--print-reply", "--dest=org.freedesktop.DBus", "/"])
            .args([
                "org.freedesktop.DBus.NameHasOwner",
                "string:org.freedesktop.secrets",
            ])
            .output()
            .expect("dbus-send must be installed");
        String::from_utf8_lossy(&answer.stdout).contains("boolean true")
    }

    /// Runs one task in a process of its own and returns what it said.
    fn run(&self, task: &str) -> String {
        run(self.command(std::env::current_exe().unwrap()), task)
    }
}

fn run(mut command: Command, task: &str) -> String {
    let output = command
        .args(["--exact", "inner_process", "--ignored", "--nocapture"])
        .env(TASK, task)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    said.lines()
        .find_map(|line| line.strip_prefix("said: "))
        .unwrap_or_else(|| panic!("{task} said nothing: {said} {output:?}"))
        .to_owned()
}

#[tokio::test]
#[ignore = "started by the other tests of this file, in a process with a bus of its own"]
async fn inner_process() {
    let task = std::env::var(TASK).expect("only the other tests of this file start this one");
    let account = Account::of(&ProfileId::parse("test").unwrap(), Kind::GatewayToken);
    let said = match task.split_once(' ').unwrap_or((&task, "")) {
        ("open", _) => match open_store().await.keeping() {
            Keeping::Keychain => "keychain".to_owned(),
            Keeping::SessionOnly { reason } => format!("session only: {reason}"),
        },
        ("set", value) => {
            let store = KeyringStore::open().await.unwrap();
            format!("{:?}", store.set(&account, SecretString::from(value)).await)
        }
        ("get", _) => {
            let store = KeyringStore::open().await.unwrap();
            let found = store.get(&account).await;
            format!(
                "{:?}",
                found.map(|found| found.map(|secret| secret.expose_secret().to_owned()))
            )
        }
        ("delete", _) => {
            let store = KeyringStore::open().await.unwrap();
            let twice = (store.delete(&account).await, store.delete(&account).await);
            format!(
                "{twice:?}, then {:?}",
                store.get(&account).await.map(|found| found.is_some())
            )
        }
        ("read-once", path) => {
            let store = KeyringStore::open().await.unwrap();
            let first = store.get(&account).await.unwrap().is_some();
            // The outer process removes the daemon now and says so by making the file.
            println!("ready");
            while !Path::new(path).exists() {
                tokio::task::yield_now().await;
            }
            format!("{first} {}", store.get(&account).await.unwrap().is_some())
        }
        (other, _) => panic!("unknown task {other}"),
    };
    println!("said: {said}");
}

#[test]
fn a_secret_outlives_the_process_that_stored_it() {
    let bus = Bus::start();
    let keyring = bus.start_keyring(Some("test"));

    assert_eq!(bus.run("open"), "keychain");
    assert_eq!(bus.run("get"), "Ok(None)");
    assert_eq!(bus.run("set a token"), "Ok(())");
    assert_eq!(bus.run("get"), "Ok(Some(\"a token\"))");
    assert_eq!(bus.run("set another"), "Ok(())");
    assert_eq!(bus.run("get"), "Ok(Some(\"another\"))");
    assert_eq!(bus.run("delete"), "(Ok(()), Ok(())), then Ok(false)");
    drop(keyring);
}

#[test]
fn an_entry_is_read_from_the_keychain_only_once() {
    let bus = Bus::start();
    let keyring = bus.start_keyring(Some("test"));
    assert_eq!(bus.run("set a token"), "Ok(())");
    let sign = bus.home.path().join("daemon-gone");
    let mut inner = bus
        .command(std::env::current_exe().unwrap())
        .args(["--exact", "inner_process", "--ignored", "--nocapture"])
        .env(TASK, format!("read-once {}", sign.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(inner.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let inner = Running(inner);
    assert!(lines.any(|line| line == "ready"));

    drop(keyring);
    std::fs::write(&sign, "").unwrap();

    assert!(lines.any(|line| line == "said: true true"));
    drop(inner);
}

#[test]
fn with_no_bus_secrets_last_until_the_program_ends() {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .env_clear()
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path());

    let said = run(command, "open");

    assert!(
        said.starts_with("session only: this session has no keychain: "),
        "{said}"
    );
}

#[test]
fn with_a_bus_but_no_service_secrets_last_until_the_program_ends() {
    let mut bus = Bus::start();

    let said = bus.run("open");

    assert!(
        said.starts_with("session only: this session has no keychain: "),
        "{said}"
    );
    assert!(
        bus.daemon.0.try_wait().unwrap().is_none(),
        "the bus was up throughout"
    );
}

#[test]
fn a_locked_keychain_is_there_and_says_that_it_is_locked() {
    let bus = Bus::start();
    let unlocked = bus.start_keyring(Some("test"));
    assert_eq!(bus.run("set a token"), "Ok(())");
    drop(unlocked);
    let asked = Instant::now();
    while bus.has_secret_service() {
        assert!(asked.elapsed() < PATIENCE, "the keyring daemon never left");
    }
    let _locked = bus.start_keyring(None);

    assert_eq!(bus.run("open"), "keychain");
    let set = bus.run("set another");
    assert!(set.starts_with("Err(Locked {"), "{set}");
    let get = bus.run("get");
    assert!(
        get.starts_with("Err(Locked {") && !get.contains("a token"),
        "{get}"
    );
}
