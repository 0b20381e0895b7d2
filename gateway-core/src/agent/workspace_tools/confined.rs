//! One folder and nothing outside it.
//!
//! Every path is resolved by `cap-std` relative to an open folder, component by component, so that
//! neither `..`, nor an absolute path, nor a symbolic link leads out, also when somebody swaps a
//! link in between. Files are replaced whole, readable by the user alone.

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Larger files are not text a model could use.
const LARGEST: u64 = 2 * 1024 * 1024;

/// Makes the names of temporary files differ within this process.
static NEXT_TEMPORARY: AtomicU64 = AtomicU64::new(0);

/// Why a file was not read or written. The texts are for a model to read and act on.
#[derive(Debug, thiserror::Error)]
pub(in crate::agent) enum FileRefusal {
    /// The path leads out of the folder.
    #[error("the path leads out of the workspace; give one inside it, without \"..\"")]
    Outside,
    /// There is no such file.
    #[error("there is no such file in the workspace")]
    Missing,
    /// A symbolic link, a folder or a device stands there.
    #[error("this is not a plain file")]
    NotAFile,
    /// Larger than anything we handle.
    #[error("the file is larger than {LARGEST} bytes")]
    TooLarge,
    /// Not UTF-8.
    #[error("the file is not UTF-8 text")]
    NotText,
    /// The passage to replace is not there exactly once.
    #[error(
        "oldText occurs {count} times; it must occur exactly once, so give more or exact context"
    )]
    Passage {
        /// How often it is there.
        count: usize,
    },
    /// An argument is missing or is no text.
    #[error("the argument \"{argument}\" is missing or is no text")]
    Argument {
        /// Which one.
        argument: &'static str,
    },
    /// Asked for a tool this toolbox does not have.
    #[error("there is no such file tool")]
    NoSuchTool,
    /// The system refused.
    #[error("the system refused: {0}")]
    System(io::Error),
}

impl FileRefusal {
    /// Sorts what the system says into what a model can act on.
    pub(in crate::agent) fn system(error: io::Error) -> Self {
        let kind = error.kind();
        // What cap-std answers when a component would lead out is not the system's own word.
        let refused_by_us =
            kind == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none();
        if kind == io::ErrorKind::NotFound {
            Self::Missing
        } else if refused_by_us {
            Self::Outside
        } else {
            Self::System(error)
        }
    }
}

/// An open folder.
#[derive(Debug)]
pub(in crate::agent) struct Confined {
    dir: Dir,
    place: PathBuf,
}

impl Confined {
    /// Opens the folder itself; a link to it is followed, because the user chose it.
    ///
    /// # Errors
    ///
    /// Fails when it is not there or cannot be opened.
    pub(in crate::agent) fn open(place: &Path) -> Result<Self, FileRefusal> {
        Ok(Self {
            dir: Dir::open_ambient_dir(place, ambient_authority()).map_err(FileRefusal::system)?,
            place: place.to_owned(),
        })
    }

    /// Reads a text file.
    ///
    /// # Errors
    ///
    /// Fails as [`FileRefusal`] says.
    pub(in crate::agent) fn read(&self, path: &str) -> Result<String, FileRefusal> {
        let path = self.inside(path)?;
        // Asked before opening, because opening a pipe would wait for somebody to write to it.
        let metadata = self.dir.metadata(&path).map_err(FileRefusal::system)?;
        if !metadata.is_file() {
            return Err(FileRefusal::NotAFile);
        }
        let file = self.dir.open(&path).map_err(FileRefusal::system)?;
        let mut bytes = Vec::new();
        file.take(LARGEST + 1)
            .read_to_end(&mut bytes)
            .map_err(FileRefusal::system)?;
        if bytes.len() as u64 > LARGEST {
            return Err(FileRefusal::TooLarge);
        }
        String::from_utf8(bytes).map_err(|_| FileRefusal::NotText)
    }

    /// Creates or replaces a text file at once; folders on the way are made.
    ///
    /// # Errors
    ///
    /// Fails as [`FileRefusal`] says; the old file then still stands.
    pub(in crate::agent) fn write(&self, path: &str, content: &str) -> Result<(), FileRefusal> {
        if content.len() as u64 > LARGEST {
            return Err(FileRefusal::TooLarge);
        }
        let path = self.inside(path)?;
        match self.dir.symlink_metadata(&path) {
            Ok(metadata) if !metadata.is_file() => return Err(FileRefusal::NotAFile),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(FileRefusal::system(error)),
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        if !folder.as_os_str().is_empty() {
            self.dir
                .create_dir_all(folder)
                .map_err(FileRefusal::system)?;
        }
        let temporary = folder.join(format!(
            ".openclaw-{}-{}.tmp",
            std::process::id(),
            NEXT_TEMPORARY.fetch_add(1, Ordering::Relaxed)
        ));
        let written = self
            .fill(&temporary, content)
            .and_then(|()| self.dir.rename(&temporary, &self.dir, &path));
        if written.is_err() && self.dir.remove_file(&temporary).is_err() {
            tracing::debug!("a temporary file of the workspace was left behind");
        }
        written.map_err(FileRefusal::system)
    }

    /// Replaces the one place where `old` stands.
    ///
    /// # Errors
    ///
    /// Fails as [`FileRefusal`] says, and when `old` is empty or stands there not exactly once.
    pub(in crate::agent) fn edit(
        &self,
        path: &str,
        old: &str,
        new: &str,
    ) -> Result<(), FileRefusal> {
        let text = self.read(path)?;
        let count = if old.is_empty() {
            0
        } else {
            text.matches(old).count()
        };
        if count != 1 {
            return Err(FileRefusal::Passage { count });
        }
        self.write(path, &text.replacen(old, new, 1))
    }

    fn fill(&self, temporary: &Path, content: &str) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use cap_std::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let mut file = self.dir.open_with(temporary, &options)?;
        file.write_all(content.as_bytes())?;
        file.sync_all()
    }

    /// Turns what a model wrote into a path below the folder.
    fn inside(&self, path: &str) -> Result<PathBuf, FileRefusal> {
        let path = Path::new(path.trim());
        let relative = if path.is_absolute() {
            // Models like to repeat the folder they were told of.
            path.strip_prefix(&self.place)
                .map_err(|_| FileRefusal::Outside)?
        } else {
            path
        };
        let mut inside = PathBuf::new();
        for component in relative.components() {
            match component {
                Component::Normal(name) => inside.push(name),
                Component::CurDir => {}
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                    return Err(FileRefusal::Outside);
                }
            }
        }
        if inside.as_os_str().is_empty() {
            return Err(FileRefusal::NotAFile);
        }
        Ok(inside)
    }
}
