//! What happened to the connection, kept on disk: for a report that is made while no app runs.

use crate::bounded_file::{self, BoundedFile, Bounds};
use crate::connection::timeline::{self, Timeline};
use serde_json::Value;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use tokio::sync::watch;

/// One full file beside the open one is always more events than a report holds.
const BOUNDS: Bounds = Bounds {
    largest: 128 * 1024,
    older: 1,
};

/// An event is a line of some 100 bytes.
const READ: u64 = 128 * 1024;

/// Writes down every event of a connection until it ends.
///
/// # Errors
///
/// Fails when the file cannot be written; what happens later is not kept then.
pub async fn keep(mut timeline: watch::Receiver<Timeline>, path: PathBuf) -> io::Result<()> {
    let mut file = BoundedFile::open(path, BOUNDS)?;
    let mut written = 0;
    while timeline.changed().await.is_ok() {
        let mut lines = String::new();
        let forgotten;
        {
            let timeline = timeline.borrow_and_update();
            for event in timeline.after(written) {
                lines.push_str(&serde_json::to_string(event)?);
                lines.push('\n');
            }
            written = timeline.last_number();
            forgotten = timeline.is_forgotten();
        }
        if forgotten {
            file.forget()?;
            continue;
        }
        file.write_all(lines.as_bytes())?;
    }
    Ok(())
}

/// Reads the last events that were written down, oldest first; none where there is no file.
///
/// # Errors
///
/// Fails when the file is there and cannot be read.
pub fn read(path: &Path) -> io::Result<Vec<Value>> {
    let text = bounded_file::tail(path, BOUNDS, READ)?;
    // A line that a full disk cut short is no event.
    let mut events: Vec<Value> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    events.drain(..events.len().saturating_sub(timeline::KEPT));
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::timeline::Happening;

    #[tokio::test]
    async fn events_are_written_once_and_the_last_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("timeline.jsonl");
        assert_eq!(read(&path).unwrap(), Vec::<Value>::new());
        let (sender, receiver) = watch::channel(Timeline::default());
        let keeping = tokio::spawn(keep(receiver, path.clone()));

        for at in 1..=250 {
            sender.send_modify(|timeline| timeline.write(at, Happening::Woke, None));
            tokio::task::yield_now().await;
        }
        drop(sender);
        keeping.await.unwrap().unwrap();

        let numbers: Vec<u64> = read(&path)
            .unwrap()
            .iter()
            .map(|event| event["number"].as_u64().unwrap())
            .collect();
        assert_eq!(numbers, (51..=250).collect::<Vec<u64>>());
    }

    #[tokio::test]
    async fn what_is_forgotten_is_gone_from_the_disk_and_what_comes_after_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("timeline.jsonl");
        let (sender, receiver) = watch::channel(Timeline::default());
        let keeping = tokio::spawn(keep(receiver, path.clone()));
        sender.send_modify(|timeline| timeline.write(1, Happening::Woke, None));
        tokio::task::yield_now().await;
        assert_eq!(read(&path).unwrap().len(), 1);

        sender.send_modify(Timeline::forget);
        tokio::task::yield_now().await;

        assert!(!path.exists());
        sender.send_modify(|timeline| timeline.write(2, Happening::Woke, None));
        drop(sender);
        keeping.await.unwrap().unwrap();
        let kept = read(&path).unwrap();
        assert_eq!((kept.len(), kept[0]["number"].as_u64()), (1, Some(2)));
    }
}
