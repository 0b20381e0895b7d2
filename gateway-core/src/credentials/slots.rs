//! Reads and writes each kind of secret in the type of its kind.

use super::secret::{
    DeviceKey, GatewayPassword, GatewayToken, KeyPassphrase, SingleUseCode, SshPrivateKey,
};
use super::store::{Account, CredentialStore, Kind, StoreError};
use crate::config::private_file::{self, PrivateFileError};
use crate::config::{Places, ProfileId};
use secrecy::{ExposeSecret as _, SecretString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// A secret type with an entry of its own.
pub trait Stored: Sized {
    /// What sort of secret it is.
    const KIND: Kind;

    /// Takes the entry's text.
    fn from_text(text: &str) -> Self;

    /// Shows the text to the store.
    fn text(&self) -> &str;
}

macro_rules! stored {
    ($($name:ident),*) => {$(
        impl Stored for $name {
            const KIND: Kind = Kind::$name;

            fn from_text(text: &str) -> Self {
                Self::new(text)
            }

            fn text(&self) -> &str {
                self.expose()
            }
        }
    )*};
}

stored!(
    GatewayToken,
    GatewayPassword,
    KeyPassphrase,
    SshPrivateKey,
    SingleUseCode
);

/// Reads a profile's secret.
///
/// # Errors
///
/// As the store's.
pub async fn read<S: Stored>(
    store: &dyn CredentialStore,
    profile: &ProfileId,
) -> Result<Option<S>, StoreError> {
    let entry = store.get(&Account::of(profile, S::KIND)).await?;
    Ok(entry.map(|text| S::from_text(text.expose_secret())))
}

/// Writes a profile's secret.
///
/// # Errors
///
/// As the store's.
pub async fn write<S: Stored>(
    store: &dyn CredentialStore,
    profile: &ProfileId,
    secret: &S,
) -> Result<(), StoreError> {
    store
        .set(
            &Account::of(profile, S::KIND),
            SecretString::from(secret.text()),
        )
        .await
}

/// Removes everything a profile has stored.
///
/// # Errors
///
/// As the store's; what was removed before the error stays removed.
pub async fn forget(store: &dyn CredentialStore, profile: &ProfileId) -> Result<(), StoreError> {
    for kind in Kind::ALL {
        store.delete(&Account::of(profile, kind)).await?;
    }
    Ok(())
}

/// Why there is no device key.
#[derive(Debug, thiserror::Error)]
pub enum DeviceKeyError {
    /// The keychain failed.
    #[error("the device key could not be read or kept")]
    Store(#[from] StoreError),
    /// A file failed.
    #[error("the device key's file cannot be used")]
    File(#[from] PrivateFileError),
    /// The lock that keeps two programs from each making a key could not be taken.
    #[error("{path} could not be locked")]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Returns this installation's device key, making it on first use.
///
/// It is one key for good: a gateway that sees a new one silently retires the old one's tokens.
/// A lock file keeps two programs that start at once from making two.
///
/// # Errors
///
/// Fails when the keychain or the lock fails; then no key was made.
pub async fn device_key(
    store: &dyn CredentialStore,
    places: &Places,
    make: impl FnOnce() -> DeviceKey,
) -> Result<DeviceKey, DeviceKeyError> {
    let account = Account::device_key();
    if let Some(key) = store.get(&account).await? {
        return Ok(DeviceKey::new(key.expose_secret()));
    }
    let lock = lock(places.device_key_lock()).await?;
    let key = match store.get(&account).await? {
        Some(key) => DeviceKey::new(key.expose_secret()),
        None => {
            let key = make();
            store
                .set(&account, SecretString::from(key.expose()))
                .await?;
            key
        }
    };
    drop(lock);
    Ok(key)
}

/// Returns the device key in a file, making the file (0600) on first use.
///
/// # Errors
///
/// Fails when others can read the file, or it cannot be read or made.
pub fn device_key_in_file(
    path: &Path,
    make: impl FnOnce() -> DeviceKey,
) -> Result<DeviceKey, DeviceKeyError> {
    if private_file::read(path)?.is_none() {
        // Whoever comes second reads what the first one wrote.
        private_file::create(path, format!("{}\n", make().expose()))?;
    }
    let text = private_file::read_secret(path)?;
    Ok(DeviceKey::new(text.trim()))
}

/// Takes an exclusive lock, waiting for whoever holds it; dropping the file releases it.
async fn lock(path: PathBuf) -> Result<File, DeviceKeyError> {
    let named = path.clone();
    let waiting = tokio::task::spawn_blocking(move || {
        if let Some(folder) = path.parent() {
            private_file::make_folder(folder)?;
        }
        let fault = |source| DeviceKeyError::Lock {
            path: path.clone(),
            source,
        };
        let file = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(fault)?;
        file.lock().map_err(fault)?;
        Ok(file)
    });
    match waiting.await {
        Ok(result) => result,
        Err(failure) => Err(DeviceKeyError::Lock {
            path: named,
            source: io::Error::other(failure),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::MemoryStore;
    use super::*;
    use crate::config::{Environment, Platform};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn profile(id: &str) -> ProfileId {
        ProfileId::parse(id).unwrap()
    }

    fn places(folder: &Path) -> Places {
        Places::find(&Environment::new(
            [("", ""); 0],
            Some(folder.to_owned()),
            Platform::Xdg,
        ))
        .unwrap()
    }

    #[tokio::test]
    async fn each_profile_and_kind_has_an_entry_of_its_own() {
        let store = MemoryStore::new("a test");
        let (one, two) = (profile("one"), profile("two"));
        write(&store, &one, &GatewayToken::new("t1")).await.unwrap();
        write(&store, &two, &GatewayToken::new("t2")).await.unwrap();
        write(&store, &one, &GatewayPassword::new("p1"))
            .await
            .unwrap();

        forget(&store, &two).await.unwrap();

        let token: Option<GatewayToken> = read(&store, &one).await.unwrap();
        assert_eq!(token.unwrap().expose(), "t1");
        let password: Option<GatewayPassword> = read(&store, &one).await.unwrap();
        assert_eq!(password.unwrap().expose(), "p1");
        assert!(read::<GatewayToken>(&store, &two).await.unwrap().is_none());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn programs_that_start_at_once_agree_on_one_device_key() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(MemoryStore::new("a test"));
        let made = Arc::new(AtomicUsize::new(0));
        let mut starts = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let (store, made) = (Arc::clone(&store), Arc::clone(&made));
            let places = places(folder.path());
            starts.spawn(async move {
                let make =
                    || DeviceKey::new(format!("key {}", made.fetch_add(1, Ordering::SeqCst)));
                device_key(store.as_ref(), &places, make)
                    .await
                    .unwrap()
                    .expose()
                    .to_owned()
            });
        }

        let keys = starts.join_all().await;

        assert_eq!(made.load(Ordering::SeqCst), 1);
        assert!(keys.iter().all(|key| key == "key 0"), "{keys:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_device_key_file_is_made_private_and_refused_when_shared() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("device.key");

        let made = device_key_in_file(&path, || DeviceKey::new("canary")).unwrap();
        let again = device_key_in_file(&path, || DeviceKey::new("another")).unwrap();

        assert_eq!((made.expose(), again.expose()), ("canary", "canary"));
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(
            device_key_in_file(&path, || DeviceKey::new("another")),
            Err(DeviceKeyError::File(PrivateFileError::NotPrivate {
                mode: 0o644,
                ..
            }))
        ));
    }
}
