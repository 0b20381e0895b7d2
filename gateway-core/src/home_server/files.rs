//! The files of the account we are signed in to, over SFTP.
//!
//! Sizes and times are bounded, links are told and never followed by what writes, and a file is
//! replaced as a whole or not at all: the new one is written beside it first.

mod error;
mod replace;

pub use error::FilesError;
pub use replace::Replacement;

use crate::tunnel::Tunnel;
use error::Doing;
use russh_sftp::client::{Config, RawSftpSession};
use russh_sftp::extensions::{FSYNC, STATVFS};
use russh_sftp::protocol::{FileAttributes, OpenFlags, StatusCode};
use std::time::Duration;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// The name of the subsystem (draft-ietf-secsh-filexfer-02).
const SUBSYSTEM: &str = "sftp";

/// How long one question may take. Disks that have to wake up need some seconds.
const REQUEST_SECONDS: u64 = 15;

/// How long the file transfer may take to begin.
const BEGIN_LIMIT: Duration = Duration::from_secs(15);

/// The largest packet that is taken; the files we read are small.
const MAX_PACKET: u32 = 256 * 1024;

/// How much is read or written at once; every server takes that much (filexfer-02, section 3).
const PIECE: u32 = 32 * 1024;

/// OpenSSH's rename that replaces what is there, in one step.
const POSIX_RENAME: &str = "posix-rename@openssh.com";

/// What is at a path, without following a link there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: EntryKind,
    /// Its size in bytes.
    pub size: u64,
    /// Whose it is, where the server tells.
    pub owner: Option<u32>,
    /// Its permission bits.
    pub mode: u32,
    /// When it was last written, where the server tells.
    modified: Option<u32>,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A device, a socket, a pipe.
    Other,
}

impl Entry {
    fn of(attributes: &FileAttributes) -> Self {
        let bits = attributes.permissions.unwrap_or_default();
        Self {
            // The kind is in the mode, as stat(2) has it.
            kind: match bits & 0o170_000 {
                0o100_000 => EntryKind::File,
                0o040_000 => EntryKind::Folder,
                0o120_000 => EntryKind::Link,
                _ => EntryKind::Other,
            },
            size: attributes.size.unwrap_or_default(),
            owner: attributes.uid,
            mode: bits & 0o7777,
            modified: attributes.mtime,
        }
    }
}

/// An open file transfer. Dropping it ends it; the SSH connection stays.
pub struct ServerFiles {
    sftp: RawSftpSession,
    home: String,
    has_posix_rename: bool,
    has_fsync: bool,
    has_statvfs: bool,
}

impl std::fmt::Debug for ServerFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerFiles").finish_non_exhaustive()
    }
}

impl ServerFiles {
    /// Begins a file transfer in the account's home folder.
    ///
    /// # Errors
    /// [`FilesError::NoSftp`] where the server offers none, others when it does not begin.
    pub async fn open(tunnel: &Tunnel) -> Result<Self, FilesError> {
        let stream = tunnel.open_subsystem(SUBSYSTEM).await?;
        let config = Config {
            max_packet_len: MAX_PACKET,
            request_timeout_secs: REQUEST_SECONDS,
            ..Config::default()
        };
        let sftp = RawSftpSession::new_with_config(stream, config);
        let version = timeout(BEGIN_LIMIT, sftp.init())
            .await
            .map_err(|_| FilesError::Timeout)?
            .map_err(FilesError::not_begun)?;
        let has = |name: &str| version.extensions.contains_key(name);
        let (has_posix_rename, has_fsync, has_statvfs) =
            (has(POSIX_RENAME), has(FSYNC), has(STATVFS));
        let named = sftp.realpath(".").await;
        let named = named.map_err(|error| FilesError::of(error, Doing::Look, "~"))?;
        let home = named.files.first().map(|file| file.filename.clone());
        let home = home.filter(|home| home.starts_with('/'));
        Ok(Self {
            sftp,
            home: home.ok_or_else(|| FilesError::unusable("it names no home folder"))?,
            has_posix_rename,
            has_fsync,
            has_statvfs,
        })
    }

    /// Returns the path of something in the home folder.
    pub fn in_home(&self, path: &str) -> String {
        format!("{}/{path}", self.home.trim_end_matches('/'))
    }

    /// Returns what is at a path, `None` for nothing.
    ///
    /// # Errors
    /// When the server does not tell.
    pub async fn look(&self, path: &str) -> Result<Option<Entry>, FilesError> {
        match self.sftp.lstat(path).await {
            Ok(found) => Ok(Some(Entry::of(&found.attrs))),
            Err(error) => FilesError::of(error, Doing::Look, path).unless_missing(),
        }
    }

    /// Lists the names in a folder, so many at most; `None` where there is none.
    ///
    /// # Errors
    /// When the server does not list them.
    pub async fn names(&self, path: &str, most: usize) -> Result<Option<Vec<String>>, FilesError> {
        let fault = |error| FilesError::of(error, Doing::Look, path);
        let handle = match self.sftp.opendir(path).await {
            Ok(opened) => opened.handle,
            Err(error) => return fault(error).unless_missing(),
        };
        let mut names = Vec::new();
        let outcome = loop {
            match self.sftp.readdir(handle.as_str()).await {
                Ok(some) => names.extend(some.files.into_iter().map(|file| file.filename)),
                Err(error) if is_status(&error, StatusCode::Eof) => break Ok(()),
                Err(error) => break Err(fault(error)),
            }
            if names.len() >= most {
                names.truncate(most);
                break Ok(());
            }
        };
        self.close(handle).await;
        outcome.map(|()| Some(names))
    }

    /// Reads a file, following links as the programs of the account do; `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be read, or is larger than `limit`.
    pub async fn read(
        &self,
        path: &str,
        limit: usize,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, FilesError> {
        self.read_from(path, 0, limit).await
    }

    /// Reads a file from a byte on, as [`ServerFiles::read`] does.
    ///
    /// # Errors
    /// As [`ServerFiles::read`]; the limit is for what comes from there on.
    pub async fn read_from(
        &self,
        path: &str,
        start: u64,
        limit: usize,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, FilesError> {
        let fault = |error| FilesError::of(error, Doing::Read, path);
        let nothing = FileAttributes::empty();
        let handle = match self.sftp.open(path, OpenFlags::READ, nothing).await {
            Ok(opened) => opened.handle,
            Err(error) => return fault(error).unless_missing(),
        };
        // Room for all of it from the start, so that no copy of a secret is left where it grew.
        let mut content = Zeroizing::new(Vec::with_capacity(limit + PIECE as usize));
        let outcome = loop {
            let at = start + content.len() as u64;
            match self.sftp.read(handle.as_str(), at, PIECE).await {
                Ok(piece) if piece.data.is_empty() => break Ok(()),
                Ok(piece) => content.extend_from_slice(&Zeroizing::new(piece.data)),
                Err(error) if is_status(&error, StatusCode::Eof) => break Ok(()),
                Err(error) => break Err(fault(error)),
            }
            if content.len() > limit {
                break Err(FilesError::TooLarge {
                    path: path.to_owned(),
                    limit,
                });
            }
        };
        self.close(handle).await;
        outcome.map(|()| Some(content))
    }

    /// Makes a folder that only its owner may enter.
    ///
    /// # Errors
    /// When the server does not make it.
    pub async fn make_private_folder(&self, path: &str) -> Result<(), FilesError> {
        let attributes = FileAttributes {
            permissions: Some(0o700),
            ..FileAttributes::empty()
        };
        match self.sftp.mkdir(path, attributes).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.explained(error, Doing::Make, path, 0).await),
        }
    }

    /// Closes a handle. What matters has been answered before, so a failure is only noted.
    async fn close(&self, handle: String) {
        if let Err(error) = self.sftp.close(handle).await {
            tracing::debug!(%error, "a file on the server was not closed");
        }
    }

    /// Says why something was not written. The protocol has no word for a full disk, so the disk itself
    /// is asked about whether it has room for this many bytes.
    async fn explained(
        &self,
        error: russh_sftp::client::error::Error,
        doing: Doing,
        path: &str,
        wanted: u64,
    ) -> FilesError {
        let told = FilesError::of(error, doing, path);
        let folder = path.rsplit_once('/').map_or("/", |(folder, _)| folder);
        if !matches!(told, FilesError::Failed { .. }) || !self.has_statvfs {
            return told;
        }
        let Ok(disk) = self.sftp.statvfs(folder).await else {
            return told;
        };
        let path = path.to_owned();
        let room = disk.blocks_avail.saturating_mul(disk.fragment_size);
        // The only flag but one that sftp-server tells (PROTOCOL, section 4.4).
        if disk.flags & 1 == 1 {
            FilesError::ReadOnly { path }
        } else if room <= wanted || disk.inodes_avail == 0 && disk.inodes > 0 {
            FilesError::DiskFull { path }
        } else {
            told
        }
    }
}

fn is_status(error: &russh_sftp::client::error::Error, code: StatusCode) -> bool {
    matches!(error, russh_sftp::client::error::Error::Status(status) if status.status_code == code)
}
