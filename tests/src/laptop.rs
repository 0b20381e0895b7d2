//! A computer that signs in to a server with the core alone: its keychain, and no window.

use std::fs;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use futures_util::future::BoxFuture;
use gateway_core::config::ProfileId;
use gateway_core::connection::access::StoredAccess;
use gateway_core::connection::listener_slot::ListenerSlot;
use gateway_core::connection::question::{Answer, Question};
use gateway_core::connection::ssh_server::SshServer;
use gateway_core::credentials::secret::AccountPassword;
use gateway_core::credentials::{
    Account, Candidates, CredentialStore, Keeping, MemoryStore, StoreError,
};
use gateway_core::device_identity::DeviceIdentity;
use gateway_core::home_server::sign_in_key::KeyPlace;
use gateway_core::tunnel::{KnownHostsFiles, SignIn, Tunnel, TunnelConfig};
use secrecy::SecretString;

use crate::ssh_server::TestSshServer;
use crate::temp_home::TempHome;

/// A keychain that is there, in the memory of the test.
#[derive(Debug)]
pub struct Keychain(MemoryStore);

impl Default for Keychain {
    fn default() -> Self {
        Self(MemoryStore::new("a test's"))
    }
}

impl CredentialStore for Keychain {
    fn keeping(&self) -> Keeping {
        Keeping::Keychain
    }

    fn get<'a>(
        &'a self,
        account: &'a Account,
    ) -> BoxFuture<'a, Result<Option<SecretString>, StoreError>> {
        self.0.get(account)
    }

    fn set<'a>(
        &'a self,
        account: &'a Account,
        secret: SecretString,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.0.set(account, secret)
    }

    fn delete<'a>(&'a self, account: &'a Account) -> BoxFuture<'a, Result<(), StoreError>> {
        self.0.delete(account)
    }
}

/// The computer, and what it knows of one server.
#[derive(Debug)]
pub struct Laptop {
    server: SshServer,
    access: StoredAccess,
    store: Arc<dyn CredentialStore>,
    profile: ProfileId,
    _home: TempHome,
}

impl Laptop {
    /// A computer that trusts the server's host key and has these secrets.
    ///
    /// # Errors
    ///
    /// When it has no home.
    pub fn new(
        ssh: &TestSshServer,
        store: Arc<dyn CredentialStore>,
        profile: &ProfileId,
    ) -> Result<Self> {
        let nothing = SignIn::Automatic {
            identity_files: Vec::new(),
        };
        Self::signing_in_by(nothing, ssh, 18_789, store, profile)
    }

    /// A computer that signs in with the server's key for it, and has no secrets.
    ///
    /// # Errors
    ///
    /// When it has no home.
    pub fn with_key(ssh: &TestSshServer, gateway_port: u16) -> Result<Self> {
        let key = SignIn::KeyFile(ssh.identity().to_owned());
        let store = Arc::new(Keychain::default());
        Self::signing_in_by(key, ssh, gateway_port, store, &ProfileId::generate())
    }

    fn signing_in_by(
        sign_in: SignIn,
        ssh: &TestSshServer,
        gateway_port: u16,
        store: Arc<dyn CredentialStore>,
        profile: &ProfileId,
    ) -> Result<Self> {
        let home = TempHome::new()?;
        let own = home.root().join("known_hosts");
        fs::write(&own, ssh.known_hosts_line()?)?;
        let known_hosts = KnownHostsFiles {
            own,
            also_read: Vec::new(),
            hashes_names: false,
        };
        let mut config = TunnelConfig::new(ssh.target().parse()?, ssh.user(), known_hosts);
        config.sign_in = sign_in;
        let identity = Arc::new(DeviceIdentity::generate(&mut rand::rng()));
        let given = Candidates::default();
        Ok(Self {
            server: SshServer::new(config, gateway_port, ListenerSlot::disabled()),
            access: StoredAccess::new(identity, Arc::clone(&store), profile.clone(), given),
            store,
            profile: profile.clone(),
            _home: home,
        })
    }

    /// The server as the core has it.
    pub fn server(&self) -> &SshServer {
        &self.server
    }

    /// What the server is signed in to with.
    pub fn access(&self) -> &StoredAccess {
        &self.access
    }

    /// Where a key for this server belongs.
    pub fn place(&self) -> KeyPlace<'_> {
        KeyPlace {
            server: &self.server,
            access: &self.access,
            store: &*self.store,
            profile: &self.profile,
        }
    }

    /// Connects; what the server asks comes back in place of the connection.
    ///
    /// # Errors
    ///
    /// When it fails without a question.
    pub async fn connects(&self) -> Result<std::result::Result<Tunnel, Question>> {
        match self.server.reach(&self.access).await {
            Ok(tunnel) => Ok(Ok(tunnel)),
            Err(failure) => match failure.question {
                Some(question) => Ok(Err(question)),
                None => bail!("{:?}", failure.problem),
            },
        }
    }

    /// Connects with the account's password, typed when it is asked for.
    ///
    /// # Errors
    ///
    /// When it is not asked for, or not taken.
    pub async fn signs_in_with(&self, password: &str) -> Result<Tunnel> {
        let asked = match self.connects().await? {
            Err(asked @ Question::Password { .. }) => asked,
            Err(other) => bail!("another question: {other:?}"),
            Ok(_) => bail!("no password was asked for"),
        };
        let answer = Answer::Password(AccountPassword::new(password));
        let taken = self.server.take_answer(&asked, answer).await;
        taken.map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
        let connected = self.connects().await?;
        connected.ok().context("it asked again")
    }
}
