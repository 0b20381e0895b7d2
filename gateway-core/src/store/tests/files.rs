use super::*;
use std::fs;

#[cfg(unix)]
#[tokio::test]
async fn the_folder_and_every_file_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("gateway");
    // A folder and a database somebody left open to others.
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.join("gateway.sqlite"), "").unwrap();
    fs::set_permissions(
        folder.join("gateway.sqlite"),
        fs::Permissions::from_mode(0o644),
    )
    .unwrap();

    let store = Store::open(&folder).await.unwrap();
    store.put_setting("n", json!(1)).await.unwrap();

    assert_eq!(mode(&folder), 0o700);
    let files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_symbolic_link_anywhere_is_refused_and_what_it_points_to_untouched() {
    use std::os::unix::fs::symlink;
    for name in [
        "gateway.sqlite",
        "gateway.lock",
        "gateway.sqlite-wal",
        "gateway.sqlite-shm",
    ] {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("gateway");
        fs::create_dir(&folder).unwrap();
        let target = scratch.path().join("target");
        fs::write(&target, "mine").unwrap();
        symlink(&target, folder.join(name)).unwrap();

        let error = Store::open(&folder).await.unwrap_err();

        assert!(
            matches!(error, StoreError::SymbolicLink { .. }),
            "{name}: {error}"
        );
        assert_eq!(fs::read_to_string(&target).unwrap(), "mine");
    }
    let scratch = tempfile::tempdir().unwrap();
    symlink(scratch.path(), scratch.path().join("gateway")).unwrap();
    let error = Store::open(&scratch.path().join("gateway"))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::SymbolicLink { .. }), "{error}");
}

#[tokio::test]
async fn a_second_gateway_on_the_same_folder_is_refused() {
    let (scratch, store) = fresh().await;
    let folder = scratch.path().join("gateway");

    // The lock belongs to the open file, so a second opening here is as good as another process.
    let error = Store::open(&folder).await.unwrap_err();

    assert!(matches!(error, StoreError::Locked), "{error}");
    store.put_setting("n", json!(1)).await.unwrap();
    store.close().await;
    Store::open(&folder).await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_database_is_called_damaged_and_kept() {
    let scratch = tempfile::tempdir().unwrap();
    let text = "not a database, and long enough to hold a header".repeat(100);
    fs::write(scratch.path().join("gateway.sqlite"), &text).unwrap();

    let error = Store::open(scratch.path()).await.unwrap_err();

    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert_eq!(
        fs::read_to_string(scratch.path().join("gateway.sqlite")).unwrap(),
        text
    );
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let scratch = tempfile::tempdir().unwrap();
    fs::write(scratch.path().join("file"), "").unwrap();

    let error = Store::open(&scratch.path().join("file/gateway"))
        .await
        .unwrap_err();

    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    assert!(error.to_string().contains("file/gateway"), "{error}");
}
