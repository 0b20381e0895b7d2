//! Disks that are really full or read-only: tiny file systems in a mount namespace of their own.

use super::*;

/// Where the inner test finds its disk.
const DISK: &str = "STORE_TEST_DISK";

/// Runs an ignored test of this file on a tmpfs of its own; `then` runs before it, in the shell.
#[cfg(target_os = "linux")]
fn on_a_disk_of_its_own(options: &str, then: &str, test: &str) {
    let disk = tempfile::tempdir().unwrap();
    let output = std::process::Command::new("unshare")
        .args(["-m", "sh", "-c"])
        .arg(format!(
            "mount -t tmpfs -o {options} tmpfs \"$0\" && {then} exec \"$@\""
        ))
        .arg(disk.path())
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            &format!("store::tests::disks::{test}"),
            "--ignored",
            "--nocapture",
        ])
        .env(DISK, disk.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_and_harms_nothing() {
    on_a_disk_of_its_own("size=1m", "", "on_a_small_disk");
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_full_from_the_start_is_said() {
    let fill = "dd if=/dev/zero of=\"$0/filler\" bs=4096 2>/dev/null;";
    on_a_disk_of_its_own("size=1m", fill, "on_a_full_disk");
}

#[cfg(target_os = "linux")]
#[test]
fn a_read_only_disk_is_said() {
    let remount = "mount -o remount,ro \"$0\" &&";
    on_a_disk_of_its_own("size=1m", remount, "on_a_read_only_disk");
}

fn disk() -> std::path::PathBuf {
    std::env::var_os(DISK).unwrap().into()
}

#[tokio::test]
#[ignore = "runs inside the mount namespace of the test above"]
async fn on_a_small_disk() {
    let folder = disk().join("gateway");
    let store = Store::open(&folder).await.unwrap();
    store
        .patch_session(seed("a"), SessionPatch::default(), NOW)
        .await
        .unwrap();
    let text = "x".repeat(40_000);

    let mut stored = 0;
    let error = loop {
        match store
            .append_message(&key("a"), spoken(&stored.to_string(), &text, NOW))
            .await
        {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 100, "the disk holds only 1 MiB");
    };

    assert!(matches!(error, StoreError::Full), "{error:?}");
    assert!(stored > 0);
    assert_eq!(texts(&store, "a-1").await.len(), stored);
    store.close().await;
    let store = Store::open(&folder).await.unwrap();
    assert_eq!(texts(&store, "a-1").await.len(), stored);
}

#[tokio::test]
#[ignore = "runs inside the mount namespace of the test above"]
async fn on_a_full_disk() {
    let error = Store::open(&disk().join("gateway")).await.unwrap_err();
    assert!(matches!(error, StoreError::Full), "{error:?}");
}

#[tokio::test]
#[ignore = "runs inside the mount namespace of the test above"]
async fn on_a_read_only_disk() {
    let error = Store::open(&disk().join("gateway")).await.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly), "{error:?}");
}

#[tokio::test]
async fn once_there_is_room_again_the_same_store_goes_on() {
    let (_scratch, store) = fresh().await;
    store
        .patch_session(seed("a"), SessionPatch::default(), NOW)
        .await
        .unwrap();
    store.set_pragma("max_page_count", 1).await;
    let large = || spoken("1", &"x".repeat(200_000), NOW);

    let error = store.append_message(&key("a"), large()).await.unwrap_err();
    store.set_pragma("max_page_count", 1_000_000).await;
    store.append_message(&key("a"), large()).await.unwrap();

    assert!(matches!(error, StoreError::Full), "{error:?}");
    assert_eq!(texts(&store, "a-1").await.len(), 1);
}

#[tokio::test]
async fn a_state_that_turns_read_only_is_said_and_can_still_be_read() {
    let (_scratch, store) = fresh().await;
    store.put_setting("n", json!(1)).await.unwrap();
    store.set_pragma("query_only", 1).await;

    let error = store.put_setting("n", json!(2)).await.unwrap_err();

    assert!(matches!(error, StoreError::ReadOnly), "{error:?}");
    assert_eq!(store.setting("n").await.unwrap(), Some(json!(1)));
    assert_eq!(store.unwritable(), Some(Unwritable::ReadOnly));
    store.set_pragma("query_only", 0).await;
    assert_eq!(store.try_writing(NOW).await, None);
}
