//! Replaces a file as a whole: whatever goes wrong before the last step leaves the old one as it is.

use super::error::{Doing, FilesError};
use super::{Entry, PIECE, POSIX_RENAME, ServerFiles};
use rand::RngCore as _;
use russh_sftp::extensions::HardlinkExtension;
use russh_sftp::protocol::{FileAttributes, OpenFlags, Packet, StatusCode};

/// What a file is to become.
#[derive(Debug)]
pub struct Replacement<'a> {
    /// Its path.
    pub path: &'a str,
    /// The folder it is in, and what that was when it was looked at.
    pub folder: (&'a str, &'a Entry),
    /// What was there when it was looked at.
    pub before: Option<&'a Entry>,
    /// All of its content.
    pub content: &'a [u8],
    /// Its permission bits.
    pub mode: u32,
}

impl ServerFiles {
    /// Writes a file anew, in place of what was there.
    ///
    /// # Errors
    /// The old file is as it was whenever this fails, and nothing is left beside it as far as the
    /// server still answers: [`FilesError::NotOurs`], [`FilesError::Changed`], [`FilesError::DiskFull`]
    /// and the others.
    pub async fn replace(&self, file: &Replacement<'_>) -> Result<(), FilesError> {
        if file.before.is_some() && !self.has_posix_rename {
            return Err(FilesError::TooOld {
                path: file.path.to_owned(),
            });
        }
        let beside = format!("{}.{:016x}", file.path, rand::rng().next_u64());
        let written = self.write_beside(&beside, file).await;
        let outcome = match written {
            Ok(()) => self.put_in_place(&beside, file).await,
            Err(error) => Err(error),
        };
        if outcome.is_err()
            && let Err(error) = self.sftp.remove(beside.as_str()).await
        {
            tracing::debug!(%error, "nothing was beside the file any more");
        }
        outcome
    }

    async fn write_beside(&self, beside: &str, file: &Replacement<'_>) -> Result<(), FilesError> {
        let attributes = FileAttributes {
            permissions: Some(file.mode),
            ..FileAttributes::empty()
        };
        let wanted = file.content.len() as u64;
        let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUDE;
        let handle = match self.sftp.open(beside, flags, attributes.clone()).await {
            Ok(opened) => opened.handle,
            Err(error) => {
                return Err(self.explained(error, Doing::Write, file.path, wanted).await);
            }
        };
        let outcome = self.fill(&handle, file, attributes).await;
        self.close(handle).await;
        outcome
    }

    async fn fill(
        &self,
        handle: &str,
        file: &Replacement<'_>,
        attributes: FileAttributes,
    ) -> Result<(), FilesError> {
        let fault = |error| FilesError::of(error, Doing::Write, file.path);
        let ours = self.sftp.fstat(handle).await.map_err(fault)?;
        // What we just made is ours: the protocol tells in no other way who we are.
        let owner = Entry::of(&ours.attrs).owner;
        let (folder_path, folder) = file.folder;
        for (path, entry) in [(folder_path, Some(folder)), (file.path, file.before)] {
            if entry.is_some_and(|entry| entry.owner != owner) {
                let path = path.to_owned();
                return Err(FilesError::NotOurs { path });
            }
        }
        // The account's umask had its say in the mode.
        self.sftp
            .fsetstat(handle, attributes)
            .await
            .map_err(fault)?;
        let mut at = 0;
        for piece in file.content.chunks(PIECE as usize) {
            if let Err(error) = self.sftp.write(handle, at, piece.to_vec()).await {
                let left = file.content.len() as u64 - at;
                return Err(self.explained(error, Doing::Write, file.path, left).await);
            }
            at += piece.len() as u64;
        }
        if self.has_fsync
            && let Err(error) = self.sftp.fsync(handle).await
        {
            return Err(self.explained(error, Doing::Write, file.path, 0).await);
        }
        Ok(())
    }

    async fn put_in_place(&self, beside: &str, file: &Replacement<'_>) -> Result<(), FilesError> {
        if self.look(file.path).await?.as_ref() != file.before {
            return Err(FilesError::Changed {
                path: file.path.to_owned(),
            });
        }
        let fault = |error| FilesError::of(error, Doing::Write, file.path);
        if file.before.is_none() {
            // It fails where somebody made the file in this very moment, which is what we want.
            let renamed = self.sftp.rename(beside, file.path).await;
            return renamed.map(drop).map_err(fault);
        }
        let names = HardlinkExtension {
            oldpath: beside.to_owned(),
            newpath: file.path.to_owned(),
        };
        let names: Vec<u8> = names
            .try_into()
            .map_err(|_| FilesError::unusable("the names cannot be sent"))?;
        match self.sftp.extended(POSIX_RENAME, names).await {
            Ok(Packet::Status(status)) if status.status_code == StatusCode::Ok => Ok(()),
            Ok(Packet::Status(status)) => Err(fault(status.into())),
            Ok(_) => Err(FilesError::unusable("it answered something else")),
            Err(error) => Err(fault(error)),
        }
    }
}
