//! Which host keys we trust: our own reading of known_hosts files (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").
//!
//! Several files are read, one is written. The verdict is stricter than OpenSSH's in three places: a
//! server known only under keys of other types counts as changed, and so does one whose line we
//! cannot decode, because an impostor picks the key type and would otherwise get the softer
//! question; and one known only through an authority is never asked about with another proof.
//! Knows nothing of connections.

mod authority;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
mod line;
mod store;

use super::host_certificate::CertificateFault;
use super::host_key::{HOST_KEY_ALGORITHMS, KnownKey, PresentedKey, key_type_of};
use line::{Line, Marker};
use russh::keys::Algorithm;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The port that known_hosts leaves out of a host's name.
const DEFAULT_PORT: u16 = 22;

/// Which files say what we trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownHostsFiles {
    /// Ours: read, and the only one ever written. It need not exist yet.
    pub own: PathBuf,
    /// Others, such as `~/.ssh/known_hosts`: read only. They need not exist.
    pub also_read: Vec<PathBuf>,
    /// Whether a line we write hides its host's name in a hash (`HashKnownHosts`).
    pub hashes_names: bool,
}

/// Why known_hosts could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum KnownHostsError {
    /// The file is there but cannot be read, so nobody can say what is trusted.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The key could not be stored; the old file is untouched.
    #[error("{} cannot be written", path.display())]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// What the system said: a full disk, a directory that cannot be made, …
        source: io::Error,
    },
    /// The path is a symbolic link, which somebody else may have planted.
    #[error("{} is a symbolic link, so it is not written", path.display())]
    Symlink {
        /// The link.
        path: PathBuf,
    },
}

/// What known_hosts says of a key that a server presents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The key stands there for this host.
    Trusted,
    /// Nothing stands there for this host.
    Unknown,
    /// Only other keys stand there for this host.
    Changed {
        /// Every one of them.
        known: Vec<KnownKey>,
    },
    /// The key is marked `@revoked`.
    Revoked {
        /// The line that says so.
        by: KnownKey,
    },
    /// The host is known only through a certificate authority, so that it has to show a certificate.
    AuthorityOnly {
        /// The `@cert-authority` line.
        authority: KnownKey,
        /// What was wrong with what it showed.
        fault: CertificateFault,
    },
}

/// The lines of all files, as they were when read.
#[derive(Debug, Clone)]
pub struct KnownHosts {
    files: KnownHostsFiles,
    lines: Vec<Placed>,
}

#[derive(Debug, Clone)]
struct Placed {
    file: Arc<Path>,
    number: usize,
    line: Line,
}

impl KnownHosts {
    /// Reads every file; one that does not exist counts as empty.
    ///
    /// # Errors
    /// [`KnownHostsError::Unreadable`] when a file exists and cannot be read.
    pub fn read(files: &KnownHostsFiles) -> Result<Self, KnownHostsError> {
        let mut known = Self {
            files: files.clone(),
            lines: Vec::new(),
        };
        for path in std::iter::once(&files.own).chain(&files.also_read) {
            known.lines.extend(read_file(path)?);
        }
        Ok(known)
    }

    /// Says whether to trust `key` for the server reached as `key.host()` and `key.port()`.
    pub fn verdict(&self, key: &PresentedKey) -> Verdict {
        let name = lookup_name(key.host(), key.port());
        let matching = self.matching(&name);

        // A revocation anywhere wins over trust anywhere.
        if let Some(placed) = matching
            .iter()
            .find(|placed| placed.is(Marker::Revoked, key))
        {
            return Verdict::Revoked {
                by: placed.describe(),
            };
        }
        if matching.iter().any(|placed| placed.is(Marker::Plain, key)) {
            return Verdict::Trusted;
        }
        let known: Vec<KnownKey> = matching
            .iter()
            .filter(|placed| placed.line.marker == Marker::Plain)
            .map(|placed| placed.describe())
            .collect();
        if !known.is_empty() {
            return Verdict::Changed { known };
        }
        if let Some(placed) = matching
            .iter()
            .find(|placed| placed.line.marker == Marker::Authority)
        {
            return Verdict::AuthorityOnly {
                authority: placed.describe(),
                fault: CertificateFault::Missing,
            };
        }
        // The same key under the host's plain name is the same machine on another port (as ssh
        // does); another key there may well be another machine, and proves nothing.
        if key.port() != DEFAULT_PORT {
            let plain = self.matching(&lookup_name(key.host(), DEFAULT_PORT));
            if let Some(placed) = plain.iter().find(|placed| placed.is(Marker::Revoked, key)) {
                return Verdict::Revoked {
                    by: placed.describe(),
                };
            }
            if plain.iter().any(|placed| placed.is(Marker::Plain, key)) {
                return Verdict::Trusted;
            }
            // An authority is offered for that name too, so an impostor must not get the softer question.
            if let Some(placed) = plain
                .iter()
                .find(|placed| placed.line.marker == Marker::Authority)
            {
                return Verdict::AuthorityOnly {
                    authority: placed.describe(),
                    fault: CertificateFault::Missing,
                };
            }
        }
        Verdict::Unknown
    }

    /// Returns whether a line says of exactly this host that `key` is its own.
    pub(super) fn is_listed_by_name(&self, key: &PresentedKey) -> bool {
        let name = lookup_name(key.host(), key.port());
        self.lines
            .iter()
            .any(|placed| placed.is(Marker::Plain, key) && placed.line.hosts.names_only(&name))
    }

    /// Takes over the keys that a trusted server has announced as all of its own.
    ///
    /// Those in `proven` are added. Of those in our own file for exactly this host, the ones that were
    /// not announced are dropped, so that a key the server gave up opens no door any more.
    pub(super) fn rotate(
        &mut self,
        host: &str,
        port: u16,
        announced: &[PresentedKey],
        proven: &[PresentedKey],
    ) -> Result<(), KnownHostsError> {
        let name = lookup_name(host, port);
        let is_given_up = |line: &Line| {
            line.marker == Marker::Plain
                && line.hosts.names_only(&name)
                && HOST_KEY_ALGORITHMS
                    .iter()
                    .any(|algorithm| key_type_of(algorithm) == line.key_type)
                && !announced
                    .iter()
                    .any(|key| line.blob.as_deref() == Some(key.blob()))
        };
        self.write(proven, |line| !is_given_up(line))
    }

    /// Returns the algorithms to offer, those of key types known for this host first.
    pub fn algorithms_known_for(&self, host: &str, port: u16) -> Vec<Algorithm> {
        let mut matching = self.matching(&lookup_name(host, port));
        if matching.is_empty() && port != DEFAULT_PORT {
            matching = self.matching(&lookup_name(host, DEFAULT_PORT));
        }
        let is_known = |algorithm: &Algorithm| {
            matching.iter().any(|placed| {
                placed.line.marker == Marker::Plain
                    && placed.line.key_type == key_type_of(algorithm)
            })
        };
        let (mut first, rest): (Vec<_>, Vec<_>) = HOST_KEY_ALGORITHMS
            .into_iter()
            .partition(|algorithm| is_known(algorithm));
        first.extend(rest);
        first
    }

    /// Stores `key` in our own file; a key that is trusted already is not written again.
    ///
    /// # Errors
    /// [`KnownHostsError::NotWritten`] or [`KnownHostsError::Symlink`]; the file is then as before.
    pub fn add(&mut self, key: &PresentedKey) -> Result<(), KnownHostsError> {
        if self.verdict(key) == Verdict::Trusted {
            return Ok(());
        }
        self.write(std::slice::from_ref(key), |_| true)
    }

    /// Stores `key` in our own file in place of the other keys held there for exactly this host.
    ///
    /// For a person who has confirmed that the server was reinstalled. Lines of other files, lines
    /// with wildcards and `@revoked` lines stay.
    ///
    /// # Errors
    /// As [`KnownHosts::add`].
    pub fn replace(&mut self, key: &PresentedKey) -> Result<(), KnownHostsError> {
        let name = lookup_name(key.host(), key.port());
        self.write(std::slice::from_ref(key), |line| {
            !(line.marker == Marker::Plain && line.hosts.names_only(&name))
        })
    }

    fn write(
        &mut self,
        keys: &[PresentedKey],
        keep: impl Fn(&Line) -> bool,
    ) -> Result<(), KnownHostsError> {
        let own = self.files.own.clone();
        // Read again: another program of ours may have added a key since.
        let old = read_bytes(&own)?;
        let entries: Vec<String> = keys
            .iter()
            .map(|key| {
                entry(key, self.files.hashes_names).ok_or_else(|| KnownHostsError::NotWritten {
                    path: own.clone(),
                    source: io::Error::new(
                        io::ErrorKind::InvalidInput,
                        "the server's name could be taken for a pattern",
                    ),
                })
            })
            .collect::<Result<_, _>>()?;
        let new = rewritten(&old, &entries, keep);
        if new == old {
            return Ok(());
        }
        store::refuse_symlink(&own)?;
        store::refuse_read_only(&own)?;
        store::write_atomically(&own, &new).map_err(|source| KnownHostsError::NotWritten {
            path: own.clone(),
            source,
        })?;
        let fresh = Self::read(&self.files)?;
        self.lines = fresh.lines;
        for key in keys {
            tracing::info!(file = %own.display(), host = key.host(), fingerprint = %key.fingerprint(), "host key stored");
        }
        Ok(())
    }

    fn matching(&self, name: &str) -> Vec<&Placed> {
        self.lines
            .iter()
            .filter(|placed| placed.line.hosts.matches(name))
            .collect()
    }
}

impl Placed {
    fn is(&self, marker: Marker, key: &PresentedKey) -> bool {
        self.line.marker == marker && self.line.blob.as_deref() == Some(key.blob())
    }

    fn describe(&self) -> KnownKey {
        KnownKey {
            file: self.file.to_path_buf(),
            line: self.number,
            key_type: self.line.key_type.clone(),
            fingerprint: self.line.fingerprint(),
        }
    }
}

/// Spells a server as known_hosts does: lower case, and `[host]:port` unless the port is 22.
fn lookup_name(host: &str, port: u16) -> String {
    let host = host.to_lowercase();
    if port == DEFAULT_PORT {
        host
    } else {
        format!("[{host}]:{port}")
    }
}

/// Returns the line that says of exactly this host that the key is its own; `None` for a name that
/// would say it of others too.
fn entry(key: &PresentedKey, is_hashed: bool) -> Option<String> {
    let name = lookup_name(key.host(), key.port());
    if !line::is_plain_name(&name) {
        return None;
    }
    let name = if is_hashed {
        line::hashed(&name)?
    } else {
        name
    };
    Some(format!("{name} {}\n", key.as_fields()))
}

/// Returns a file's new content: the lines to keep with every byte of theirs, then the new ones.
fn rewritten(old: &[u8], entries: &[String], keep: impl Fn(&Line) -> bool) -> Vec<u8> {
    let mut new = Vec::with_capacity(old.len() + 256);
    for text in old.split_inclusive(|&byte| byte == b'\n') {
        let is_kept = Line::parse(&String::from_utf8_lossy(text)).is_none_or(|line| keep(&line));
        if is_kept {
            new.extend_from_slice(text);
        }
    }
    if new.last().is_some_and(|&byte| byte != b'\n') {
        new.push(b'\n');
    }
    for entry in entries {
        new.extend_from_slice(entry.as_bytes());
    }
    new
}

fn read_file(path: &Path) -> Result<Vec<Placed>, KnownHostsError> {
    Ok(placed_lines(path, &read_bytes(path)?))
}

fn placed_lines(path: &Path, bytes: &[u8]) -> Vec<Placed> {
    let file: Arc<Path> = path.into();
    String::from_utf8_lossy(bytes)
        .lines()
        .enumerate()
        .filter_map(|(index, text)| {
            Some(Placed {
                file: Arc::clone(&file),
                number: index + 1,
                line: Line::parse(text)?,
            })
        })
        .collect()
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, KnownHostsError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(KnownHostsError::Unreadable {
            path: path.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests;
