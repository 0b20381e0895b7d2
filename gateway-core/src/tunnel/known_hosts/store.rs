//! Writing our own known_hosts file so that a reader sees the old one or the new one, never a part.

use super::KnownHostsError;
use std::io::{self, Write as _};
use std::path::Path;

/// Refuses a path that is a symbolic link: writing through it would change a file we do not own.
pub(super) fn refuse_symlink(path: &Path) -> Result<(), KnownHostsError> {
    let is_link = std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_symlink());
    if is_link {
        Err(KnownHostsError::Symlink {
            path: path.to_owned(),
        })
    } else {
        Ok(())
    }
}

/// Refuses a file that somebody has made read-only: renaming over it would go round that.
pub(super) fn refuse_read_only(path: &Path) -> Result<(), KnownHostsError> {
    if std::fs::metadata(path).is_ok_and(|meta| meta.permissions().readonly()) {
        return Err(KnownHostsError::NotWritten {
            path: path.to_owned(),
            source: io::Error::new(io::ErrorKind::PermissionDenied, "the file is read-only"),
        });
    }
    Ok(())
}

/// Puts `content` in place of the file: written beside it, flushed to disk, then renamed over it.
///
/// The file ends up readable by its owner alone, and so does a directory made for it.
pub(super) fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        Some(_) | None => Path::new("."),
    };
    create_private_dir(dir)?;
    // A named temporary file is created 0600 and removed again on every early return.
    let mut file = tempfile::Builder::new()
        .prefix(".known_hosts-")
        .tempfile_in(dir)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_dir(dir)
}

fn create_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Makes the rename itself outlast a power cut. Only Unix lets a directory be opened for that.
#[cfg(unix)]
fn sync_dir(dir: &Path) -> io::Result<()> {
    std::fs::File::open(dir)?.sync_all()
}

#[cfg(not(unix))]
fn sync_dir(_dir: &Path) -> io::Result<()> {
    Ok(())
}
