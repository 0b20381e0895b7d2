//! An account on a server that is signed in to with a key, and the programs that its shell finds there.
//!
//! None of the machine's own is called: the search path begins with a folder of the test's, which holds what
//! the test puts there. Each program notes the words it was given.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::pipe;
use tokio::time::timeout;

use crate::gateway::{Release, TestGateway, official_argv};
use crate::process::Program;
use crate::ssh_server::TestSshServer;
use crate::ssh_server::account::{self, Account, own};
use crate::ssh_server::config::SshServerConfig;
use crate::tools;

/// How long the service manager waits to be asked.
const ASKED: Duration = Duration::from_secs(120);

/// What each program does first: it notes its name and its words, and which process it is.
const NOTES: &str = "#!/bin/sh\n\
    echo \"$$ $(basename \"$0\") $*\" >> \"@FOLDER@/record\"\n";

/// The account.
#[derive(Debug)]
pub struct ServerAccount {
    /// The way in.
    pub ssh: TestSshServer,
    folder: TempDir,
}

impl ServerAccount {
    /// Starts a server with an account whose shell finds nothing but the system's own programs.
    ///
    /// # Errors
    ///
    /// When the server does not start.
    pub async fn start() -> Result<Self> {
        Self::with(&[]).await
    }

    /// As [`ServerAccount::start`], with further lines for the server's configuration.
    ///
    /// # Errors
    ///
    /// As [`ServerAccount::start`].
    pub async fn with(more: &[&str]) -> Result<Self> {
        let folder = folder()?;
        let account = Some(Account::with_password("of nobody who signs in here"));
        let server = Self::of(account, more, folder).await?;
        let key = fs::read_to_string(server.ssh.identity().with_extension("pub"))?;
        account::write(&server.ssh.account_home()?, ".ssh/authorized_keys", &key)?;
        Ok(server)
    }

    /// Starts a server whose account is the one that runs the test, and with it that of its gateways; the
    /// official program of one is in the search path, as npm would put it there.
    ///
    /// # Errors
    ///
    /// When the server does not start, or the program is not installed.
    pub async fn of_gateway(release: Release, gateway: &TestGateway) -> Result<Self> {
        let server = Self::of(None, &[], folder()?).await?;
        let [node, program] = official_argv(release)?;
        let mut script = String::new();
        for (name, value) in gateway.official_env()? {
            script.push_str(&format!("export {name}='{}'\n", value.display()));
        }
        script.push_str(&format!(
            "exec '{}' '{}' \"$@\"",
            node.display(),
            program.display()
        ));
        server.has_program("openclaw", &script)?;
        Ok(server)
    }

    async fn of(account: Option<Account>, more: &[&str], folder: TempDir) -> Result<Self> {
        let path = format!("SetEnv PATH={}:/usr/bin:/bin", folder.path().display());
        let more = more.iter().map(|line| (*line).to_owned());
        let ssh = TestSshServer::start(SshServerConfig {
            account,
            more: std::iter::once(path).chain(more).collect(),
            ..SshServerConfig::default()
        })
        .await?;
        Ok(Self { ssh, folder })
    }

    /// Puts a program into the search path: a shell script behind the note it takes.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn has_program(&self, name: &str, script: &str) -> Result<()> {
        self.put(&self.folder.path().join(name), script)
    }

    /// Puts a program into the account's home.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn has_program_at_home(&self, path: &str, script: &str) -> Result<()> {
        let file = account::write(&self.ssh.account_home()?, path, "")?;
        self.put(&file, script)
    }

    fn put(&self, file: &Path, script: &str) -> Result<()> {
        let notes = NOTES.replace("@FOLDER@", &self.folder.path().display().to_string());
        fs::write(file, format!("{notes}{script}\n"))?;
        own(file, 0o755)
    }

    /// Leaves the gateway's own configuration in the account's home, as that of a gateway there.
    ///
    /// # Errors
    ///
    /// When it cannot be copied.
    pub fn configures(&self, gateway: &TestGateway) -> Result<()> {
        let config = fs::read_to_string(gateway.config_file())?;
        let home = self.ssh.account_home()?;
        account::write(&home, ".openclaw/openclaw.json", &config).map(drop)
    }

    /// Puts a stand-in for `systemctl` into the search path, which asks this service manager.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub async fn has_service_manager(&self) -> Result<StandInServiceManager> {
        let manager = StandInServiceManager {
            asked: self.fifo("asked").await?,
            answered: self.fifo("answered").await?,
        };
        let script = format!(
            "echo \"$*\" > '{}'; read -r code < '{}'; exit \"$code\"",
            manager.asked.display(),
            manager.answered.display()
        );
        self.has_program("systemctl", &script)?;
        Ok(manager)
    }

    async fn fifo(&self, name: &str) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        let mkfifo = Program::new(tools::system("/usr/bin/mkfifo")?).arg(&path);
        mkfifo.run(Duration::from_secs(20)).await?.ok()?;
        own(&path, 0o600)?;
        Ok(path)
    }

    /// What was run, in order: each program's name and words.
    ///
    /// # Errors
    ///
    /// When the record cannot be read.
    pub fn ran(&self) -> Result<Vec<String>> {
        let ran = self.noted()?;
        Ok(ran.into_iter().map(|(_, words)| words).collect())
    }

    /// The process that ran these words.
    ///
    /// # Errors
    ///
    /// When the record cannot be read.
    pub fn pid_of(&self, words: &str) -> Result<Option<u32>> {
        let ran = self.noted()?;
        let found = ran.into_iter().find(|(_, noted)| noted == words);
        Ok(found.map(|(pid, _)| pid))
    }

    fn noted(&self) -> Result<Vec<(u32, String)>> {
        let record = fs::read_to_string(self.folder.path().join("record"))?;
        record
            .lines()
            .map(|line| {
                let (pid, words) = line.split_once(' ').context("no note")?;
                Ok((pid.parse()?, words.trim_end().to_owned()))
            })
            .collect()
    }
}

/// A folder for programs, which the account may look into, with the record that they write.
fn folder() -> Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("e2e-bin-").tempdir()?;
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
    let record = folder.path().join("record");
    fs::write(&record, "")?;
    own(&record, 0o600)?;
    Ok(folder)
}

/// Stands in for systemd's manager of the account's services: `systemctl` asks it, and it starts the real
/// gateway, as a process of the test's.
#[derive(Debug)]
pub struct StandInServiceManager {
    asked: PathBuf,
    answered: PathBuf,
}

impl StandInServiceManager {
    /// Waits to be asked for the official unit's start, says that it was begun, and starts the gateway.
    ///
    /// # Errors
    ///
    /// When it is asked for something else or not at all, or the gateway does not start.
    pub async fn starts(&self, gateway: &mut TestGateway) -> Result<()> {
        // Opened for both, so that it opens although nobody writes yet (Linux).
        let asked = pipe::OpenOptions::new()
            .read_write(true)
            .open_receiver(&self.asked)?;
        let mut asked = BufReader::new(asked).lines();
        let words = timeout(ASKED, asked.next_line()).await;
        let words = words.context("systemctl was not called")??;
        ensure!(
            words.as_deref() == Some("--user start openclaw-gateway.service"),
            "{words:?}"
        );
        let mut answered = pipe::OpenOptions::new()
            .read_write(true)
            .open_sender(&self.answered)?;
        answered.write_all(b"0\n").await?;
        gateway.start_again().await
    }
}
