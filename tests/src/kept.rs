//! What several tests use and none of them ends, such as a gateway they share: it is put away when the
//! test runner ends, however that ends.
//!
//! The runner has no last moment of its own: a value in a static is never dropped, and a killed
//! runner does nothing at all. So a shell of its own waits for the end of a pipe whose other end only the runner
//! holds.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};

/// `$1` is a process group, what follows are folders. Programs that may write into them end first.
const PUT_AWAY: &str = r#"read -r _; kill -s KILL -- "-$1"; shift; exec rm -rf -- "$@""#;

/// Has the process group `group` killed and then `folders` removed when this process has ended.
///
/// # Errors
///
/// When no shell can be started.
pub fn until_the_end(group: u32, folders: &[&Path]) -> Result<()> {
    /// Dropping one would close its pipe.
    static WAITING: Mutex<Vec<Child>> = Mutex::new(Vec::new());
    let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
    waiting.push(put_away(group, folders)?);
    Ok(())
}

fn put_away(group: u32, folders: &[&Path]) -> Result<Child> {
    Command::new("/bin/sh")
        .args(["-c", PUT_AWAY, "put-away", &group.to_string()])
        .args(folders)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        // A Ctrl-C at the terminal ends the runner; this has to outlive it.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("no shell to put away what is shared")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::process::{Program, is_running};
    use crate::wait::until;

    #[tokio::test]
    async fn when_nobody_holds_it_any_more_its_programs_end_and_its_folders_go() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("left"), "behind").unwrap();
        let program = Program::new("/bin/sh")
            .args(["-c", "sleep 600 & wait"])
            .env("PATH", "/usr/bin:/bin")
            .start()
            .unwrap();
        let child = until("its child", Duration::from_secs(10), async || {
            Ok(program.descendants().first().copied())
        })
        .await
        .unwrap();

        let mut waiting = put_away(program.pid(), &[folder.path()]).unwrap();
        assert!(waiting.try_wait().unwrap().is_none(), "it did not wait");
        assert!(is_running(child));
        drop(waiting.stdin.take());

        assert!(waiting.wait().unwrap().success());
        assert!(!folder.path().exists());
        until("the child's end", Duration::from_secs(10), async || {
            Ok((!is_running(child)).then_some(()))
        })
        .await
        .unwrap();
    }
}
