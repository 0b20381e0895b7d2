//! Writes down, minute by minute, how the connection is, and keeps the last 24 hours of it.
//!
//! Each server has a file of its own, so that one's day never becomes another's. A file that cannot
//! be written costs what this run has seen once the app quits, and nothing else.

use gateway_core::connection::{
    clock::epoch_ms,
    day::{Day, DayFile, Minute, Recorder},
    snapshot::Snapshot,
};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use tokio::{
    sync::watch,
    task::{JoinError, spawn_blocking},
    time::sleep,
};

/// After this long a file holds nothing of the last 24 hours.
const KEPT: Duration = Duration::from_secs(48 * 60 * 60);

/// Starts recording a connection; returns the day as it grows. It ends with the connection. All of it is
/// forgotten whenever `forget` changes.
///
/// # Panics
///
/// Outside an async runtime.
pub(crate) fn start(
    snapshots: watch::Receiver<Snapshot>,
    folder: PathBuf,
    forget: watch::Receiver<u32>,
) -> watch::Receiver<Day> {
    let (days, day) = watch::channel(Day::default());
    drop(tokio::spawn(async move {
        if let Err(failed) = record(snapshots, folder, days, forget).await {
            tracing::warn!(%failed, "the last 24 hours are no longer recorded");
        }
    }));
    day
}

async fn record(
    mut snapshots: watch::Receiver<Snapshot>,
    folder: PathBuf,
    days: watch::Sender<Day>,
    mut forget: watch::Receiver<u32>,
) -> Result<(), JoinError> {
    let mut server = None;
    let mut file = None;
    let mut recorder = Recorder::default();
    loop {
        let snapshot = snapshots.borrow_and_update().clone();
        if server.as_ref() != Some(&snapshot.target) {
            server = Some(snapshot.target.clone());
            recorder = Recorder::default();
            let (path, folder) = (DayFile::path_of(&folder, &snapshot.target), folder.clone());
            let (opened, day) = spawn_blocking(move || open(&folder, &path)).await?;
            file = opened;
            days.send_replace(day);
        }
        let over = recorder.look(epoch_ms(Duration::ZERO), &snapshot);
        if !over.is_empty() {
            let mut kept = Vec::new();
            days.send_modify(|day| kept.extend(over.into_iter().map(|minute| day.keep(minute))));
            file = spawn_blocking(move || write(file, &kept)).await?;
        }
        let again = recorder.look_again_in(epoch_ms(Duration::ZERO));
        tokio::select! {
            changed = snapshots.changed() => if changed.is_err() {
                return Ok(());
            },
            () = wait(again) => {}
            Ok(()) = forget.changed() => {
                file = None;
                let folder = folder.clone();
                spawn_blocking(move || forget_all(&folder)).await?;
                server = None;
            }
        }
    }
}

async fn wait(ms: Option<u64>) {
    match ms {
        Some(ms) => sleep(Duration::from_millis(ms)).await,
        None => std::future::pending().await,
    }
}

fn open(folder: &Path, path: &Path) -> (Option<DayFile>, Day) {
    forget_old(folder);
    match DayFile::open(path) {
        Ok((file, day)) => (Some(file), day),
        Err(problem) => {
            tracing::warn!(%problem, "the last 24 hours cannot be kept");
            (None, Day::default())
        }
    }
}

fn write(file: Option<DayFile>, minutes: &[Minute]) -> Option<DayFile> {
    let mut file = file?;
    let written = minutes.iter().try_for_each(|minute| file.write(minute));
    if let Err(problem) = written {
        // The disk may have room again a minute later.
        tracing::debug!(%problem, "a minute was not kept");
    }
    Some(file)
}

/// Removes every day there is.
fn forget_all(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_day = entry.path().extension().is_some_and(|it| it == "day");
        if is_day && let Err(problem) = fs::remove_file(entry.path()) {
            tracing::warn!(%problem, "a day was not removed");
        }
    }
}

/// Removes the days of servers that were not in use for so long that nothing in them counts.
fn forget_old(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let is_day = entry.path().extension().is_some_and(|it| it == "day");
        let changed = entry.metadata().and_then(|it| it.modified());
        let age = changed.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
        if is_day
            && age.is_ok_and(|age| age > KEPT)
            && let Err(problem) = fs::remove_file(entry.path())
        {
            tracing::debug!(%problem, "an old day was not removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_core::connection::phase::Phase;
    use std::fs::File;

    fn up(server: &str) -> Snapshot {
        Snapshot {
            phase: Phase::Up,
            ..Snapshot::off(server.to_owned())
        }
    }

    #[test]
    fn days_nobody_added_to_for_two_days_are_removed_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let old = SystemTime::now() - KEPT - Duration::from_secs(60);
        for name in ["old.day", "new.day", "old.txt"] {
            let file = File::create(folder.path().join(name)).unwrap();
            if name.starts_with("old") {
                file.set_modified(old).unwrap();
            }
        }

        forget_old(folder.path());

        let left = |name: &str| folder.path().join(name).exists();
        assert!(!left("old.day"));
        assert!(left("new.day") && left("old.txt"));
    }

    #[tokio::test]
    async fn each_server_has_its_own_day_and_finds_it_again() {
        let folder = tempfile::tempdir().unwrap();
        let minute = Minute {
            number: u32::try_from(epoch_ms(Duration::ZERO) / 60_000).unwrap() - 5,
            connected_s: 42,
            ..Minute::default()
        };
        let (file, _) = open(folder.path(), &DayFile::path_of(folder.path(), "home"));
        write(file, &[minute]);

        let (snapshots, reader) = watch::channel(up("home"));
        let (forget, asked) = watch::channel(0);
        let mut day = start(reader, folder.path().to_owned(), asked);
        let holds = |day: &Day| day.spans(minute.number, 1).last().unwrap().connected_s == 42;

        day.wait_for(holds).await.unwrap();
        snapshots.send_replace(up("elsewhere"));
        day.wait_for(|day| !holds(day)).await.unwrap();
        snapshots.send_replace(up("home"));
        day.wait_for(holds).await.unwrap();
        forget.send_replace(1);
        day.wait_for(|day| !holds(day)).await.unwrap();
    }
}
