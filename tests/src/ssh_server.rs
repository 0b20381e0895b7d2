//! A real OpenSSH server for one test: own port, own host key, own list of allowed keys, and a log
//! that tells what a client did.

pub mod account;
pub mod agent;
pub mod config;
pub mod keys;
pub mod one_time_codes;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::ports;
use crate::process::{Program, Running, send};
use crate::tools;
use crate::wait::until;
use config::SshServerConfig;
use keys::KeyFile;

/// How long sshd may take to listen, on a loaded machine.
const START: Duration = Duration::from_secs(20);
/// Where a host key is kept that was replaced, beside the one in use.
const FORMER_HOST_KEY: &str = "former_host_key";

/// A running `sshd` whose only user is the one running the test.
#[derive(Debug)]
pub struct TestSshServer {
    process: Option<Running>,
    config: SshServerConfig,
    port: u16,
    user: String,
    /// What earlier processes on this port logged.
    earlier_log: String,
    client_key: KeyFile,
    host_key: KeyFile,
    dir: TempDir,
}

impl TestSshServer {
    /// Starts a server on a free port that lets a new key in.
    ///
    /// # Errors
    ///
    /// When sshd is missing or does not start.
    pub async fn start(config: SshServerConfig) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("e2e-sshd-").tempdir()?;
        let host_key = KeyFile::generate(&dir.path().join("host_key"), "ed25519", "").await?;
        let client_key = KeyFile::generate(
            &dir.path().join("client_key"),
            "ed25519",
            &config.key_passphrase,
        )
        .await?;
        if config.codes {
            one_time_codes::prepare(dir.path(), &user_name().await?)?;
        }
        if let Some(account) = &config.account {
            account::prepare(dir.path(), account).await?;
        }
        let allowed = if config.knows_client_key {
            client_key.public_line()?
        } else {
            String::new()
        };
        fs::write(dir.path().join("authorized_keys"), allowed)?;
        let user = match config.account {
            Some(_) => account::NAME.to_owned(),
            None => user_name().await?,
        };
        let (port, process) =
            ports::on_a_free_port(async |port| launch(dir.path(), &config, port).await).await?;
        Ok(Self {
            process: Some(process),
            config,
            port,
            user,
            earlier_log: String::new(),
            client_key,
            host_key,
            dir,
        })
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The account it lets in.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// What a person would type as the address.
    pub fn target(&self) -> String {
        format!("{}@{}:{}", self.user, self.config.address, self.port)
    }

    /// The account's home as the server sees it.
    ///
    /// # Errors
    ///
    /// When the server does not run.
    pub fn account_home(&self) -> Result<PathBuf> {
        let process = self.process.as_ref().context("the server does not run")?;
        let seen = format!("/proc/{}/root", process.pid());
        let home = account::home(self.dir.path());
        Ok(Path::new(&seen).join(home.strip_prefix("/")?))
    }

    /// The private key it lets in.
    pub fn identity(&self) -> &Path {
        self.client_key.path()
    }

    /// The host key's fingerprint in the words of `ssh-keygen -l`: `SHA256:…`.
    ///
    /// # Errors
    ///
    /// When ssh-keygen cannot tell.
    pub async fn host_fingerprint(&self) -> Result<String> {
        self.host_key.fingerprint().await
    }

    /// The host's public key as a line of a known-hosts file.
    ///
    /// # Errors
    ///
    /// When the key cannot be read.
    pub fn known_hosts_line(&self) -> Result<String> {
        let key = self.host_key.public_line()?;
        let mut words = key.split_whitespace();
        let (kind, blob) = (
            words.next().context("no type")?,
            words.next().context("no key")?,
        );
        Ok(format!(
            "[{}]:{} {kind} {blob}\n",
            self.config.address, self.port
        ))
    }

    /// Everything logged since the first start.
    pub fn log(&self) -> String {
        let now = self
            .process
            .as_ref()
            .map(Running::stderr)
            .unwrap_or_default();
        format!("{}{now}", self.earlier_log)
    }

    /// How many TCP connections reached it.
    pub fn connections(&self) -> usize {
        self.count("Connection from ")
    }

    /// How many times a client named a user and a way to sign in, `none` included.
    pub fn sign_in_attempts(&self) -> usize {
        self.count("userauth-request for user ")
    }

    /// How many sign-ins were let in.
    pub fn logins(&self) -> usize {
        // "Accepted key" comes for each key that would do, before the proof.
        let signed_in = |line: &&str| line.contains("Accepted ") && line.contains(" ssh2");
        self.log().lines().filter(signed_in).count()
    }

    /// How many channels towards a port of the server were asked for.
    pub fn channels(&self) -> usize {
        self.count("server_request_direct_tcpip: ")
    }

    fn count(&self, what: &str) -> usize {
        self.log()
            .lines()
            .filter(|line| line.contains(what))
            .count()
    }

    /// The processes that serve connections.
    pub fn session_pids(&self) -> Vec<u32> {
        self.process
            .as_ref()
            .map(Running::descendants)
            .unwrap_or_default()
    }

    /// Kills the processes that serve connections, as a crash would; the server stays. Returns how many.
    pub fn kill_sessions(&self) -> usize {
        let pids = self.session_pids();
        for pid in &pids {
            send(*pid, Signal::KILL);
        }
        pids.len()
    }

    /// Kills the server and its sessions.
    pub fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
            self.earlier_log.push_str(&process.stderr());
        }
    }

    /// Starts it again on the same port, with what is in its folder now.
    ///
    /// # Errors
    ///
    /// When it still runs, or does not start.
    pub async fn start_again(&mut self) -> Result<()> {
        if self.process.is_some() {
            bail!("the server still runs");
        }
        self.process = Some(launch(self.dir.path(), &self.config, self.port).await?);
        Ok(())
    }

    /// Has the server forget the client's key, as an administrator who removed it.
    ///
    /// # Errors
    ///
    /// When the list of allowed keys cannot be written.
    pub fn forget_client_key(&self) -> Result<()> {
        Ok(fs::write(self.dir.path().join("authorized_keys"), "")?)
    }

    /// Gives the server another host key, as a reinstallation would. It must be stopped.
    ///
    /// # Errors
    ///
    /// When no key can be made.
    pub async fn replace_host_key(&mut self) -> Result<()> {
        self.replace_host_key_by("ed25519").await
    }

    /// As [`TestSshServer::replace_host_key`], by a key of `kind` (`ed25519`, `rsa`, `ecdsa`).
    ///
    /// # Errors
    ///
    /// When no key can be made.
    pub async fn replace_host_key_by(&mut self, kind: &str) -> Result<()> {
        let path = self.host_key.path().to_path_buf();
        move_key(&path, &path.with_file_name(FORMER_HOST_KEY))?;
        self.host_key = KeyFile::generate(&path, kind, "").await?;
        Ok(())
    }

    /// Gives it back the host key it had before the last replacement. It must be stopped.
    ///
    /// # Errors
    ///
    /// When there was none.
    pub fn host_key_as_before(&self) -> Result<()> {
        let path = self.host_key.path();
        move_key(&path.with_file_name(FORMER_HOST_KEY), path)
    }
}

/// Renames both halves of a key.
fn move_key(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to)?;
    Ok(fs::rename(
        from.with_extension("pub"),
        to.with_extension("pub"),
    )?)
}

async fn launch(dir: &Path, config: &SshServerConfig, port: u16) -> Result<Running> {
    let file = dir.join("sshd_config");
    fs::write(&file, config.render(dir, port))?;
    let sshd = tools::system("/usr/sbin/sshd")?;
    let program = match &config.account {
        Some(account) => account::around(&sshd, dir, account)?,
        None if config.codes => one_time_codes::around(&sshd, dir)?,
        None => Program::in_network_of(config.network, sshd),
    };
    let process = program
        .args(["-D", "-e", "-f"])
        .arg(&file)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .start()?;
    let listening = format!("Server listening on {} port {port}", config.address);
    process
        .says("listening", START, |log| {
            log.contains(&listening).then_some(())
        })
        .await?;
    Ok(process)
}

/// The name of the user this runs as: the only one an unprivileged sshd can let in.
async fn user_name() -> Result<String> {
    let told = Program::new("/usr/bin/id")
        .arg("-un")
        .run(Duration::from_secs(10))
        .await?
        .ok()?;
    Ok(told.trim().to_owned())
}

/// Waits until a condition on the server's log holds.
///
/// # Errors
///
/// When it does not within `limit`; the text carries the log.
pub async fn log_shows(
    server: &TestSshServer,
    what: &str,
    limit: Duration,
    holds: impl Fn(&TestSshServer) -> bool,
) -> Result<()> {
    until(what, limit, async || Ok(holds(server).then_some(())))
        .await
        .with_context(|| server.log())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the system's own client against the server: the harness is judged by OpenSSH.
    async fn system_client(server: &TestSshServer, command: &str) -> Result<String> {
        Program::new(tools::system("/usr/bin/ssh")?)
            .args([
                "-F",
                "none",
                "-o",
                "BatchMode=yes",
                "-o",
                "StrictHostKeyChecking=no",
            ])
            .args([
                "-o",
                "UserKnownHostsFile=/dev/null",
                "-o",
                "IdentitiesOnly=yes",
                "-i",
            ])
            .arg(server.identity())
            .args(["-p", &server.port().to_string()])
            .arg(format!("{}@127.0.0.1", server.user()))
            .arg(command)
            .env("PATH", "/usr/bin:/bin")
            .run(Duration::from_secs(30))
            .await?
            .ok()
    }

    #[tokio::test]
    async fn the_system_client_signs_in_and_the_log_tells() {
        let server = TestSshServer::start(SshServerConfig::default())
            .await
            .unwrap();
        assert_eq!(
            system_client(&server, "echo hello").await.unwrap(),
            "hello\n"
        );
        assert_eq!((server.connections(), server.logins()), (1, 1));
        assert!(server.sign_in_attempts() >= 1);
    }

    #[tokio::test]
    async fn a_server_that_knows_nobody_lets_nobody_in() {
        let config = SshServerConfig {
            knows_client_key: false,
            ..SshServerConfig::default()
        };
        let server = TestSshServer::start(config).await.unwrap();
        system_client(&server, "true").await.unwrap_err();
        assert_eq!(server.logins(), 0);
        assert!(server.sign_in_attempts() >= 1);
    }

    #[tokio::test]
    async fn a_restart_keeps_the_port_and_may_change_the_host_key() {
        let mut server = TestSshServer::start(SshServerConfig::default())
            .await
            .unwrap();
        let (port, before) = (server.port(), server.host_fingerprint().await.unwrap());
        server.stop();
        server.replace_host_key().await.unwrap();
        server.start_again().await.unwrap();
        assert_eq!(server.port(), port);
        assert_ne!(server.host_fingerprint().await.unwrap(), before);
        assert_eq!(
            system_client(&server, "echo again").await.unwrap(),
            "again\n"
        );
    }

    #[tokio::test]
    async fn killing_the_sessions_leaves_the_server() {
        let server = TestSshServer::start(SshServerConfig::default())
            .await
            .unwrap();
        let session = system_client(&server, "sleep 600");
        let killer = async {
            log_shows(&server, "a login", Duration::from_secs(20), |s| {
                s.logins() == 1
            })
            .await?;
            anyhow::Ok(server.kill_sessions())
        };
        let (ended, killed) = tokio::join!(session, killer);
        ended.unwrap_err();
        assert!(killed.unwrap() >= 1);
        assert_eq!(
            system_client(&server, "echo alive").await.unwrap(),
            "alive\n"
        );
    }
}
