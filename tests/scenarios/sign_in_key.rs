//! A key of the app's own in place of the account's password, on a server that has only the password.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use e2e::laptop::{Keychain, Laptop};
use e2e::ssh_server::TestSshServer;
use e2e::ssh_server::account::{Account, Disk, own};
use e2e::ssh_server::config::SshServerConfig;
use gateway_core::config::ProfileId;
use gateway_core::connection::access::own_key;
use gateway_core::connection::question::Question;
use gateway_core::credentials::{CredentialStore, MemoryStore};
use gateway_core::home_server::authorized_keys::{Added, Removed};
use gateway_core::home_server::files::FilesError;
use gateway_core::home_server::sign_in_key::{self, SignInKeyError};
use gateway_core::tunnel::{OwnKey, Tunnel};

const PASSWORD: &str = "canary of the account 7151";

fn config(account: Account) -> SshServerConfig {
    SshServerConfig {
        knows_client_key: false,
        account: Some(account),
        ..SshServerConfig::default()
    }
}

/// A server with a password account, and a computer that has signed in to it with the password.
struct SignedIn {
    ssh: TestSshServer,
    store: Arc<dyn CredentialStore>,
    profile: ProfileId,
    laptop: Laptop,
    key: OwnKey,
    _tunnel: Tunnel,
}

impl SignedIn {
    async fn to(account: Account) -> Result<Self> {
        Self::with(config(account)).await
    }

    async fn with(config: SshServerConfig) -> Result<Self> {
        let ssh = TestSshServer::start(config).await?;
        let store: Arc<dyn CredentialStore> = Arc::new(Keychain::default());
        let profile = ProfileId::generate();
        let laptop = Laptop::new(&ssh, Arc::clone(&store), &profile)?;
        let tunnel = laptop.signs_in_with(PASSWORD).await;
        let tunnel = tunnel.with_context(|| ssh.log())?;
        let key = sign_in_key::prepare(&*store, &profile, Some("laptop")).await?;
        Ok(Self {
            ssh,
            store,
            profile,
            laptop,
            key,
            _tunnel: tunnel,
        })
    }

    async fn usual() -> Result<Self> {
        Self::to(Account::with_password(PASSWORD)).await
    }

    async fn adds(&self) -> Result<Added, SignInKeyError> {
        sign_in_key::add(self.laptop.place(), &self.key).await
    }

    fn list(&self) -> Result<std::path::PathBuf> {
        Ok(self.ssh.account_home()?.join(".ssh/authorized_keys"))
    }

    /// Writes the list as its owner would.
    fn has_list(&self, content: &[u8], mode: u32) -> Result<()> {
        let list = self.list()?;
        let folder = list.parent().context("no folder")?;
        fs::create_dir(folder)?;
        own(folder, 0o700)?;
        fs::write(&list, content)?;
        own(&list, mode)
    }

    /// What is in the folder of the list, by name.
    fn beside(&self) -> Result<Vec<String>> {
        let list = self.list()?;
        let mut names: Vec<String> = fs::read_dir(list.parent().context("no folder")?)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<Result<_>>()?;
        names.sort();
        Ok(names)
    }

    /// Adding fails with its list of keys, nothing is kept, and the password goes on being used.
    async fn is_refused(&self) -> Result<FilesError> {
        let refused = match self.adds().await {
            Err(SignInKeyError::Files(refused)) => refused,
            other => bail!("{other:?}"),
        };
        ensure!(own_key(&*self.store, &self.profile).await.is_none());
        self.next_start_asks_for_the_password().await?;
        Ok(refused)
    }

    async fn next_start_asks_for_the_password(&self) -> Result<()> {
        let laptop = Laptop::new(&self.ssh, Arc::clone(&self.store), &self.profile)?;
        match laptop.connects().await? {
            Err(Question::Password { .. }) => Ok(()),
            other => bail!("{other:?}"),
        }
    }

    async fn next_start_asks_nothing(&self) -> Result<()> {
        let laptop = Laptop::new(&self.ssh, Arc::clone(&self.store), &self.profile)?;
        let connected = laptop.connects().await?;
        ensure!(connected.is_ok(), "{connected:?}\n{}", self.ssh.log());
        Ok(())
    }
}

fn mode(path: &Path) -> Result<u32> {
    Ok(fs::symlink_metadata(path)?.permissions().mode() & 0o7777)
}

#[tokio::test]
async fn in_an_empty_home_one_line_is_added_and_the_next_start_needs_no_password() -> Result<()> {
    let home = SignedIn::usual().await?;

    let added = home.adds().await.with_context(|| home.ssh.log())?;

    ensure!(added == Added::Now);
    let list = home.list()?;
    let line = home.key.line()?;
    ensure!(fs::read_to_string(&list)? == format!("{line}\n"));
    ensure!(line.ends_with(" openclaw-tray@laptop"), "{line}");
    ensure!((mode(&list)?, mode(list.parent().context("no folder")?)?) == (0o600, 0o700));
    ensure!(home.beside()? == ["authorized_keys"]);
    // It was proved on a connection of its own before the password was forgotten.
    let log = home.ssh.log();
    ensure!(log.matches("Accepted password").count() == 1, "{log}");
    ensure!(log.matches("Accepted publickey").count() == 1, "{log}");
    home.next_start_asks_nothing().await
}

#[tokio::test]
async fn what_was_in_the_list_stays_byte_for_byte_even_without_a_last_line_end() -> Result<()> {
    let home = SignedIn::usual().await?;
    let before = b"# mine \xff\r\nrestrict ssh-ed25519 AAAAnobody old laptop";
    home.has_list(before, 0o644)?;

    home.adds().await.with_context(|| home.ssh.log())?;

    let line = home.key.line()?;
    let expected = [before.as_slice(), b"\n", line.as_bytes(), b"\n"].concat();
    ensure!(fs::read(home.list()?)? == expected);
    ensure!(mode(&home.list()?)? == 0o644);
    ensure!(home.beside()? == ["authorized_keys"]);
    home.next_start_asks_nothing().await
}

#[tokio::test]
async fn a_key_that_is_in_the_list_already_is_not_added_twice() -> Result<()> {
    let home = SignedIn::usual().await?;
    home.adds().await.with_context(|| home.ssh.log())?;
    let before = fs::metadata(home.list()?)?;

    let again = home.adds().await.with_context(|| home.ssh.log())?;

    ensure!(again == Added::Before);
    let after = fs::metadata(home.list()?)?;
    ensure!((before.ino(), before.len()) == (after.ino(), after.len()));
    home.next_start_asks_nothing().await
}

#[tokio::test]
async fn undo_removes_exactly_the_line_and_the_key() -> Result<()> {
    let home = SignedIn::usual().await?;
    let before = "ssh-ed25519 AAAAnobody old laptop\n";
    home.has_list(before.as_bytes(), 0o600)?;
    home.adds().await.with_context(|| home.ssh.log())?;

    let removed = sign_in_key::remove(home.laptop.place()).await?;

    ensure!(removed == Removed::Now);
    ensure!(fs::read_to_string(home.list()?)? == before);
    ensure!(own_key(&*home.store, &home.profile).await.is_none());
    home.next_start_asks_for_the_password().await
}

#[tokio::test]
async fn links_are_refused_and_what_they_point_to_is_left_alone() -> Result<()> {
    let home = SignedIn::usual().await?;
    let elsewhere = home.ssh.account_home()?.join("elsewhere");
    fs::write(&elsewhere, "somebody's notes\n")?;
    own(&elsewhere, 0o600)?;
    let list = home.list()?;
    let folder = list.parent().context("no folder")?;
    fs::create_dir(folder)?;
    own(folder, 0o700)?;
    symlink("../elsewhere", &list)?;

    let refused = home.is_refused().await?;

    ensure!(matches!(refused, FilesError::Link { .. }), "{refused}");
    ensure!(refused.to_string().contains("authorized_keys"), "{refused}");
    ensure!(fs::read_to_string(&elsewhere)? == "somebody's notes\n");

    fs::remove_file(&list)?;
    fs::remove_dir(folder)?;
    let other_folder = home.ssh.account_home()?.join("other");
    fs::create_dir(&other_folder)?;
    own(&other_folder, 0o700)?;
    symlink("other", folder)?;
    let refused = home.is_refused().await?;
    ensure!(matches!(refused, FilesError::Link { .. }), "{refused}");
    ensure!(fs::read_dir(&other_folder)?.next().is_none());
    Ok(())
}

#[tokio::test]
async fn a_list_of_somebody_else_is_left_alone() -> Result<()> {
    let home = SignedIn::usual().await?;
    home.has_list(b"ssh-ed25519 AAAAnobody root\n", 0o644)?;
    std::os::unix::fs::chown(home.list()?, Some(0), Some(0))?;

    let refused = home.is_refused().await?;

    ensure!(matches!(refused, FilesError::NotOurs { .. }), "{refused}");
    ensure!(fs::read(home.list()?)? == b"ssh-ed25519 AAAAnobody root\n");
    ensure!(home.beside()? == ["authorized_keys"]);
    Ok(())
}

#[tokio::test]
async fn a_home_that_may_not_be_written_is_said() -> Result<()> {
    let home = SignedIn::usual().await?;
    std::os::unix::fs::chown(home.ssh.account_home()?, Some(0), Some(0))?;
    let refused = home.is_refused().await?;
    ensure!(matches!(refused, FilesError::Denied { .. }), "{refused}");
    drop(home);

    let read_only = Account {
        disk: Disk::ReadOnly,
        ..Account::with_password(PASSWORD)
    };
    let home = SignedIn::to(read_only).await?;
    let refused = home.is_refused().await?;
    ensure!(matches!(refused, FilesError::ReadOnly { .. }), "{refused}");
    ensure!(!home.list()?.exists());
    Ok(())
}

#[tokio::test]
async fn a_full_disk_leaves_the_list_as_it_is() -> Result<()> {
    let small = Account {
        disk: Disk::Small(16),
        ..Account::with_password(PASSWORD)
    };
    let home = SignedIn::to(small).await?;
    let before = "# an old key\n".repeat(200);
    home.has_list(before.as_bytes(), 0o600)?;
    // Whatever room there is left is taken.
    let filler = home.ssh.account_home()?.join("filler");
    let full = fs::write(&filler, vec![0; 64 * 1024]);
    ensure!(full.is_err(), "the disk has room");

    let refused = home.is_refused().await?;

    ensure!(matches!(refused, FilesError::DiskFull { .. }), "{refused}");
    ensure!(fs::read_to_string(home.list()?)? == before);
    ensure!(home.beside()? == ["authorized_keys"]);
    fs::remove_file(&filler)?;
    home.adds().await.with_context(|| home.ssh.log())?;
    home.next_start_asks_nothing().await
}

#[tokio::test]
async fn a_server_without_file_transfer_says_what_to_switch_on() -> Result<()> {
    let without = Account {
        files: false,
        ..Account::with_password(PASSWORD)
    };
    let home = SignedIn::to(without).await?;

    let refused = home.is_refused().await?;

    ensure!(refused == FilesError::NoSftp, "{refused}");
    ensure!(refused.to_string().contains("internal-sftp"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn a_key_that_does_not_sign_in_is_taken_back_and_the_password_stays() -> Result<()> {
    let config = SshServerConfig {
        more: vec!["PubkeyAuthentication no".to_owned()],
        ..config(Account::with_password(PASSWORD))
    };
    let home = SignedIn::with(config).await?;
    home.has_list(b"# mine\n", 0o600)?;

    let refused = home.adds().await;

    let Err(error @ SignInKeyError::NotProven { .. }) = refused else {
        bail!("{refused:?}");
    };
    ensure!(sign_in_key::problem(&error).code == "keyNotProven");
    ensure!(fs::read(home.list()?)? == b"# mine\n");
    ensure!(own_key(&*home.store, &home.profile).await.is_none());
    home.next_start_asks_for_the_password().await?;
    // What was typed is remembered as before.
    drop(home._tunnel);
    let connected = home.laptop.connects().await?;
    ensure!(connected.is_ok(), "{connected:?}");
    Ok(())
}

#[tokio::test]
async fn without_a_keychain_nothing_is_touched() -> Result<()> {
    let ssh = TestSshServer::start(config(Account::with_password(PASSWORD))).await?;
    let store: Arc<dyn CredentialStore> = Arc::new(MemoryStore::new("no keychain here"));
    let profile = ProfileId::generate();

    let refused = sign_in_key::prepare(&*store, &profile, None).await;

    let Err(error @ SignInKeyError::NoKeychain { .. }) = refused else {
        bail!("{refused:?}");
    };
    ensure!(error.to_string().contains("no keychain here"), "{error}");
    ensure!(!ssh.account_home()?.join(".ssh").exists());
    Ok(())
}
