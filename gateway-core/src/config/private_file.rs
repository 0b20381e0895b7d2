//! Files that belong to the user alone.
//!
//! Writing replaces the whole file at once: a temporary file beside it, flushed to disk, then
//! renamed over it, then the folder flushed. A cut at any point leaves the old file or the new one.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

/// Larger files are not settings or secrets, and reading them would only cost memory.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Why a private file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    /// A symbolic link stands where the file should be; replacing it would cut the link.
    #[error(
        "{path} is a symbolic link and is not replaced; edit the file it points to, or remove the link"
    )]
    SymbolicLink {
        /// The link.
        path: PathBuf,
    },
    /// Others on this computer can read the file.
    #[error("{path} can be read by others (mode {mode:03o}); run: chmod 600 {path}")]
    NotPrivate {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is larger than anything it could rightly hold.
    #[error("{path} is larger than {LARGEST} bytes")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file is not text.
    #[error("{path} is not UTF-8 text")]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("{path} could not be {doing}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Past participle: what was tried.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl PrivateFileError {
    fn io(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            path: path.to_owned(),
            doing,
            source,
        }
    }
}

/// Reads a text file; `None` when there is none.
///
/// # Errors
///
/// Fails when the file exists and cannot be read, is too large, or is not UTF-8.
pub fn read(path: &Path) -> Result<Option<String>, PrivateFileError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(PrivateFileError::io(path, "opened")(error)),
    };
    read_from(file, path).map(Some)
}

/// Reads a file that holds one secret: it must exist and be closed to everybody else. The text is
/// wiped when it is dropped.
///
/// # Errors
///
/// As [`read`]; also when the file is missing, or others may read or write it.
pub fn read_secret(path: &Path) -> Result<Zeroizing<String>, PrivateFileError> {
    let file = File::open(path).map_err(PrivateFileError::io(path, "opened"))?;
    // The open file is asked, not the path, so that it cannot be swapped in between.
    let metadata = file
        .metadata()
        .map_err(PrivateFileError::io(path, "examined"))?;
    match shared_mode(&metadata) {
        Some(mode) => Err(PrivateFileError::NotPrivate {
            path: path.to_owned(),
            mode,
        }),
        None => read_from(file, path).map(Zeroizing::new),
    }
}

fn read_from(file: File, path: &Path) -> Result<String, PrivateFileError> {
    let mut bytes = Vec::new();
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(PrivateFileError::io(path, "read"))?;
    if bytes.len() as u64 > LARGEST {
        return Err(PrivateFileError::TooLarge {
            path: path.to_owned(),
        });
    }
    String::from_utf8(bytes).map_err(|_| PrivateFileError::NotText {
        path: path.to_owned(),
    })
}

/// Replaces a file's content at once, for the owner alone (0600, its folder 0700 if made here).
///
/// # Errors
///
/// Fails when a symbolic link is in the way or the system refuses; the old file is then intact.
pub fn replace(path: &Path, content: impl AsRef<[u8]>) -> Result<(), PrivateFileError> {
    if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink()) {
        return Err(PrivateFileError::SymbolicLink {
            path: path.to_owned(),
        });
    }
    written_beside(path, content.as_ref())?
        .persist(path)
        .map_err(|failure| PrivateFileError::io(path, "replaced")(failure.error))?;
    sync_folder(folder_of(path))
}

/// Writes a file only if nothing of that name exists, for the owner alone.
///
/// Returns whether it was written.
///
/// # Errors
///
/// Fails when the system refuses for another reason than the name being taken.
pub fn create(path: &Path, content: impl AsRef<[u8]>) -> Result<bool, PrivateFileError> {
    match written_beside(path, content.as_ref())?.persist_noclobber(path) {
        Ok(_) => sync_folder(folder_of(path)).map(|()| true),
        Err(failure) if failure.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(failure) => Err(PrivateFileError::io(path, "created")(failure.error)),
    }
}

/// Writes a new file into the folder of another, whose place it is to take.
fn written_beside(path: &Path, content: &[u8]) -> Result<NamedTempFile, PrivateFileError> {
    let folder = folder_of(path);
    make_folder(folder)?;
    // A temporary file is 0600 from its first moment on Unix.
    let mut temporary = tempfile::Builder::new()
        .prefix(".openclaw-tray-")
        .tempfile_in(folder)
        .map_err(PrivateFileError::io(folder, "written to"))?;
    temporary
        .write_all(content)
        .and_then(|()| temporary.as_file().sync_all())
        .map_err(PrivateFileError::io(path, "written"))?;
    Ok(temporary)
}

/// Makes a folder, and its parents, for the owner alone; one that exists stays as it is.
///
/// # Errors
///
/// Fails when the system refuses.
pub fn make_folder(folder: &Path) -> Result<(), PrivateFileError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(PrivateFileError::io(folder, "made"))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    }
}

/// Windows cannot flush a folder; its rename is on disk when the call returns.
fn sync_folder(folder: &Path) -> Result<(), PrivateFileError> {
    if cfg!(unix) {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(PrivateFileError::io(folder, "flushed to disk"))?;
    }
    Ok(())
}

#[cfg(unix)]
fn shared_mode(metadata: &fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = metadata.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Windows guards a profile folder by its access list, which has no such bits.
#[cfg(not(unix))]
fn shared_mode(_: &fs::Metadata) -> Option<u32> {
    None
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_written_file_and_its_folder_are_the_owners_alone() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("made/here/settings.json5");

        replace(&path, "one").unwrap();
        replace(&path, "two").unwrap();

        assert_eq!(read(&path).unwrap().as_deref(), Some("two"));
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_symbolic_link_is_refused_and_its_target_untouched() {
        let scratch = tempfile::tempdir().unwrap();
        let target = scratch.path().join("target");
        fs::write(&target, "old").unwrap();
        let link = scratch.path().join("link");
        symlink(&target, &link).unwrap();

        let error = replace(&link, "new").unwrap_err();

        assert!(
            matches!(error, PrivateFileError::SymbolicLink { .. }),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&target).unwrap(), "old");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn a_folder_that_cannot_be_written_leaves_the_old_file_and_says_so() {
        let scratch = tempfile::tempdir().unwrap();
        let in_the_way = scratch.path().join("file");
        fs::write(&in_the_way, "").unwrap();

        let error = replace(&in_the_way.join("settings.json5"), "new").unwrap_err();

        assert!(matches!(error, PrivateFileError::Io { .. }), "{error}");
    }

    #[test]
    fn a_secret_others_could_read_is_refused_with_the_remedy() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("token");
        fs::write(&path, "canary").unwrap();
        for shared in [0o644, 0o640, 0o602] {
            fs::set_permissions(&path, fs::Permissions::from_mode(shared)).unwrap();
            let error = read_secret(&path).unwrap_err().to_string();
            assert!(
                error.contains("chmod 600") && !error.contains("canary"),
                "{error}"
            );
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert_eq!(read_secret(&path).unwrap().as_str(), "canary");
    }
}
