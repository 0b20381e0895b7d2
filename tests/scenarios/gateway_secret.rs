//! The gateway's token or password, read from the server's own files over SSH: no command is run there,
//! and what is kept elsewhere is explained.

use std::fs;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use e2e::gateway::{Release, TestGateway};
use e2e::laptop::{Keychain, Laptop};
use e2e::ssh_server::TestSshServer;
use e2e::ssh_server::account::{Account, write};
use e2e::ssh_server::config::SshServerConfig;
use gateway_core::config::ProfileId;
use gateway_core::credentials::secret::{GatewayPassword, GatewayToken};
use gateway_core::credentials::{CredentialStore, slots};
use gateway_core::home_server::gateway_secret::{self, FetchError, Fetched};
use gateway_core::tunnel::Tunnel;

const PASSWORD: &str = "canary of the account 7151";

/// A server with files in its account's home, and a computer that is signed in there.
struct Server {
    ssh: TestSshServer,
    laptop: Laptop,
    store: Arc<dyn CredentialStore>,
    profile: ProfileId,
    _tunnel: Tunnel,
}

impl Server {
    async fn with(files: &[(&str, &str)]) -> Result<Self> {
        let ssh = TestSshServer::start(SshServerConfig {
            knows_client_key: false,
            account: Some(Account::with_password(PASSWORD)),
            ..SshServerConfig::default()
        })
        .await?;
        for (path, content) in files {
            write(&ssh.account_home()?, path, content)?;
        }
        let store: Arc<dyn CredentialStore> = Arc::new(Keychain::default());
        let profile = ProfileId::generate();
        let laptop = Laptop::new(&ssh, Arc::clone(&store), &profile)?;
        let tunnel = laptop.signs_in_with(PASSWORD).await;
        let tunnel = tunnel.with_context(|| ssh.log())?;
        Ok(Self {
            ssh,
            laptop,
            store,
            profile,
            _tunnel: tunnel,
        })
    }

    async fn fetch(&self) -> Result<Fetched, FetchError> {
        let (server, access) = (self.laptop.server(), self.laptop.access());
        gateway_secret::fetch(server, access, &*self.store, &self.profile).await
    }

    async fn token(&self) -> Result<Option<String>> {
        let token: Option<GatewayToken> = slots::read(&*self.store, &self.profile).await?;
        Ok(token.map(|token| token.expose().to_owned()))
    }

    async fn password(&self) -> Result<Option<String>> {
        let password: Option<GatewayPassword> = slots::read(&*self.store, &self.profile).await?;
        Ok(password.map(|password| password.expose().to_owned()))
    }

    /// Nothing but file transfer was asked of the server.
    fn ran_nothing(&self) -> Result<()> {
        let log = self.ssh.log();
        let sessions = log.matches("Starting session: ").count();
        let transfers = log.matches("Starting session: subsystem 'sftp'").count();
        ensure!(transfers >= 1 && sessions == transfers, "{log}");
        Ok(())
    }
}

#[tokio::test]
async fn token_and_port_are_read_from_a_real_gateways_own_file() -> Result<()> {
    let gateway = TestGateway::shared(Release::V4).await?;
    let config = fs::read_to_string(gateway.config_file())?;
    let server = Server::with(&[(".openclaw/openclaw.json", &config)]).await?;
    slots::write(
        &*server.store,
        &server.profile,
        &GatewayPassword::new("old"),
    )
    .await?;

    let fetched = server.fetch().await?;

    let found = fetched.found.context("nothing found")?;
    ensure!(!found.is_password, "{found:?}");
    ensure!(fetched.port == gateway.port(), "{}", fetched.port);
    ensure!(server.token().await?.as_deref() == Some(gateway.token()));
    ensure!(server.password().await?.is_none(), "two would be sent");
    server.ran_nothing()
}

#[tokio::test]
async fn the_service_says_where_the_state_is_and_dotenv_holds_the_password() -> Result<()> {
    let server = Server::with(&[
        (
            ".config/systemd/user/openclaw-gateway.service",
            "[Service]\nEnvironment=\"OPENCLAW_STATE_DIR=~/claw\" OPENCLAW_GATEWAY_PORT=18855\n",
        ),
        (
            "claw/openclaw.json",
            "// by hand\n{ gateway: { auth: { mode: 'password' } } }",
        ),
        ("claw/.env", "OPENCLAW_GATEWAY_PASSWORD='of the gateway'\n"),
        (
            ".openclaw/openclaw.json",
            "{ gateway: { auth: { token: 'of another time' } } }",
        ),
    ])
    .await?;

    let fetched = server.fetch().await?;

    let found = fetched.found.context("nothing found")?;
    ensure!(found.is_password, "{found:?}");
    ensure!(found.at.contains("OPENCLAW_GATEWAY_PASSWORD"), "{found:?}");
    ensure!(fetched.port == 18_855, "{}", fetched.port);
    ensure!(server.password().await?.as_deref() == Some("of the gateway"));
    ensure!(server.token().await?.is_none());
    server.ran_nothing()
}

#[tokio::test]
async fn a_secret_that_comes_from_a_program_is_explained_and_the_program_never_run() -> Result<()> {
    let config = "{ gateway: { auth: { token: { source: 'exec', provider: 'vault', id: 'x' } } },
        secrets: { providers: { vault: { source: 'exec', command: '/usr/bin/touch' } } } }";
    let server = Server::with(&[(".openclaw/openclaw.json", config)]).await?;
    slots::write(
        &*server.store,
        &server.profile,
        &GatewayToken::new("before"),
    )
    .await?;

    let refused = server.fetch().await;

    let Err(error @ FetchError::NotTold(_)) = refused else {
        bail!("{refused:?}");
    };
    let problem = gateway_secret::problem(&error);
    ensure!(problem.code == "secretNotFound");
    ensure!(problem.message.contains("program"), "{}", problem.message);
    ensure!(
        problem.message.contains("gateway.auth.token"),
        "{}",
        problem.message
    );
    ensure!(server.token().await?.as_deref() == Some("before"));
    server.ran_nothing()
}

#[tokio::test]
async fn a_server_without_a_config_says_where_was_looked() -> Result<()> {
    let server = Server::with(&[]).await?;

    let refused = server.fetch().await;

    let Err(error @ FetchError::NotTold(_)) = refused else {
        bail!("{refused:?}");
    };
    let message = gateway_secret::problem(&error).message;
    ensure!(
        message.contains("/home/.openclaw/openclaw.json"),
        "{message}"
    );
    server.ran_nothing()
}
