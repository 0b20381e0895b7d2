//! One download: it goes on where it was cut off, and only a file with the right checksum gets its name.
//!
//! Until then it is `<name>.part` beside it. To cancel, drop the future: the part stays for next time.

use sha1::{Digest as _, Sha1};
use std::fmt::Write as _;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::fs::{self, File, OpenOptions};
use tokio::io::AsyncWriteExt as _;
use tokio::time::{sleep, timeout};

/// A line that gives nothing for this long is taken for cut.
const STALLED: Duration = Duration::from_secs(30);
/// How often it goes on by itself after a cut, as long as each try brought something.
const TRIES: u32 = 5;
/// Between two tries.
const PAUSE: Duration = Duration::from_secs(1);
/// How much is told of at once.
const STEP: u64 = 256 * 1024;

/// Where a file comes from, and how it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its address.
    pub url: String,
    /// Its SHA-1, in lower-case hexadecimal.
    pub sha1: String,
    /// How large it may be, in bytes.
    pub at_most: u64,
}

/// How far a download is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is here.
    pub have: u64,
    /// What it will be; absent where the server does not say.
    pub total: Option<u64>,
}

/// Why a download came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The server could not be reached, or the line was cut; what came is kept.
    #[error("the download was cut off; it goes on from there next time")]
    Cut(#[source] Option<reqwest::Error>),
    /// The server does not give it.
    #[error("the server does not give the file (HTTP {0})")]
    Refused(u16),
    /// It is not what the publisher documents.
    #[error("what came has another checksum than the publisher documents; it was thrown away")]
    WrongHash,
    /// It is much larger than the publisher documents.
    #[error("what comes is larger than the publisher documents; it was thrown away")]
    TooLarge,
    /// There is no room; what came was removed.
    #[error("the disk is full; {} was removed again", .0.display())]
    DiskFull(PathBuf),
    /// The disk does not take it.
    #[error("{} cannot be written", .file.display())]
    Disk {
        /// Which file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What one try came to, where that is not the end.
enum Try {
    Complete,
    Cut(Option<reqwest::Error>),
    /// The server no longer has what was begun.
    Afresh,
}

/// Returns the name of what is not complete yet.
pub(super) fn part_of(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

/// Downloads a file to a place, or goes on with it.
///
/// # Errors
///
/// [`DownloadError`]; there is no file at the place then.
pub async fn fetch(
    client: &reqwest::Client,
    source: &Source,
    target: &Path,
    tell: impl Fn(Progress) + Send,
) -> Result<(), DownloadError> {
    let part = part_of(target);
    let disk = |error| disk_error(&part, error);
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).await.map_err(disk)?;
    }
    let mut tries = 0;
    let mut before = length(&part).await;
    loop {
        let outcome = attempt(client, source, &part, &tell).await;
        if matches!(
            outcome,
            Err(DownloadError::TooLarge | DownloadError::DiskFull(_))
        ) {
            remove(&part).await;
        }
        match outcome? {
            Try::Complete => break,
            Try::Afresh => {
                remove(&part).await;
                tries += 1;
                if tries > TRIES {
                    return Err(DownloadError::Cut(None));
                }
            }
            Try::Cut(why) => {
                let now = length(&part).await;
                tries = if now > before { 1 } else { tries + 1 };
                if now <= before || tries > TRIES {
                    return Err(DownloadError::Cut(why));
                }
                before = now;
                sleep(PAUSE).await;
            }
        }
    }
    let hashed = part.clone();
    let hash = tokio::task::spawn_blocking(move || sha1_of(&hashed))
        .await
        .map_err(|stopped| disk(io::Error::other(stopped)))?
        .map_err(disk)?;
    if hash != source.sha1 {
        remove(&part).await;
        return Err(DownloadError::WrongHash);
    }
    fs::rename(&part, target).await.map_err(disk)?;
    sync_folder(target).await.map_err(disk)
}

/// Asks for what is missing and appends it.
async fn attempt(
    client: &reqwest::Client,
    source: &Source,
    part: &Path,
    tell: &(impl Fn(Progress) + Send),
) -> Result<Try, DownloadError> {
    let disk = |error| disk_error(part, error);
    let mut have = length(part).await;
    let mut request = client.get(&source.url);
    if have > 0 {
        request = request.header("range", format!("bytes={have}-"));
    }
    let mut response = match timeout(STALLED, request.send()).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Ok(Try::Cut(Some(error))),
        Err(_) => return Ok(Try::Cut(None)),
    };
    let status = response.status().as_u16();
    let header = |name: &str| {
        let value = response.headers().get(name)?;
        Some(value.to_str().ok()?.to_owned())
    };
    let goes_on = match status {
        200 => false,
        206 => {
            // Only exactly what was asked for fits what is here.
            let range = header("content-range").unwrap_or_default();
            if !range.starts_with(&format!("bytes {have}-")) {
                return Ok(Try::Afresh);
            }
            true
        }
        // All of it is here, or it has become another file: the checksum tells.
        416 if have > 0 => {
            let total =
                header("content-range").and_then(|range| range.rsplit('/').next()?.parse().ok());
            return Ok(if total == Some(have) {
                Try::Complete
            } else {
                Try::Afresh
            });
        }
        _ => return Err(DownloadError::Refused(status)),
    };
    if !goes_on {
        have = 0;
    }
    let total = response.content_length().map(|rest| have + rest);
    if total.is_some_and(|total| total > source.at_most) {
        return Err(DownloadError::TooLarge);
    }
    let mut file: File = OpenOptions::new()
        .create(true)
        .write(true)
        .append(goes_on)
        .truncate(!goes_on)
        .open(part)
        .await
        .map_err(disk)?;
    let mut told = have;
    tell(Progress { have, total });
    let outcome = loop {
        let chunk = match timeout(STALLED, response.chunk()).await {
            Ok(Ok(Some(chunk))) => chunk,
            Ok(Ok(None)) if total.is_none_or(|total| have == total) => break Try::Complete,
            Ok(Ok(None)) | Err(_) => break Try::Cut(None),
            Ok(Err(error)) => break Try::Cut(Some(error)),
        };
        have += chunk.len() as u64;
        if have > source.at_most {
            return Err(DownloadError::TooLarge);
        }
        file.write_all(&chunk).await.map_err(disk)?;
        if have - told >= STEP {
            told = have;
            tell(Progress { have, total });
        }
    };
    // The file's own buffer first: what cannot be written shows only there.
    file.flush().await.map_err(disk)?;
    file.sync_all().await.map_err(disk)?;
    tell(Progress { have, total });
    Ok(outcome)
}

async fn length(file: &Path) -> u64 {
    fs::metadata(file).await.map_or(0, |file| file.len())
}

async fn remove(file: &Path) {
    if let Err(error) = fs::remove_file(file).await {
        tracing::debug!(%error, "what came of a download could not be removed");
    }
}

fn sha1_of(file: &Path) -> io::Result<String> {
    let mut file = std::fs::File::open(file)?;
    let mut hash = Sha1::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
    }
    let mut text = String::new();
    for byte in hash.finalize() {
        write!(text, "{byte:02x}").map_err(io::Error::other)?;
    }
    Ok(text)
}

/// Makes the new name last through a power cut, where the system has that.
async fn sync_folder(target: &Path) -> io::Result<()> {
    if cfg!(unix)
        && let Some(folder) = target.parent()
    {
        File::open(folder).await?.sync_all().await?;
    }
    Ok(())
}

fn disk_error(file: &Path, source: io::Error) -> DownloadError {
    let file = file.to_owned();
    let is_full = matches!(
        source.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    );
    match is_full {
        true => DownloadError::DiskFull(file),
        false => DownloadError::Disk { file, source },
    }
}
