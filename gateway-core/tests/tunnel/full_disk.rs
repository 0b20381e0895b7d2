//! A disk that is really full: a tiny file system in a mount namespace of its own.

use gateway_core::tunnel::known_hosts::KnownHostsError;
use gateway_core::tunnel::{KnownHosts, KnownHostsFiles, SignInMemory, TunnelError};
use std::path::PathBuf;
use std::process::Command;

/// Where the inner test finds its full disk.
const DISK: &str = "TUNNEL_TEST_FULL_DISK";

/// Names the server whose key the inner test wants to store.
const PORT: &str = "TUNNEL_TEST_PORT";

#[tokio::test]
async fn a_full_disk_is_reported_and_leaves_the_old_file_whole() {
    let server = crate::support::SshServer::start().await;
    let disk = tempfile::tempdir().unwrap();

    // Two pages hold the old file, but not the new one beside it.
    let output = Command::new("unshare")
        .args([
            "-m",
            "sh",
            "-c",
            "mount -t tmpfs -o size=8k tmpfs \"$0\" && exec \"$@\"",
        ])
        .arg(disk.path())
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "full_disk::on_the_full_disk",
            "--ignored",
            "--nocapture",
        ])
        .env(DISK, disk.path())
        .env(PORT, server.port.to_string())
        .output()
        .unwrap();

    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
    server.logs("Connection closed").await;
    assert!(!server.log().contains("user"), "{}", server.log());
}

#[tokio::test]
#[ignore = "runs inside the mount namespace that the test above makes"]
async fn on_the_full_disk() {
    let own = PathBuf::from(std::env::var(DISK).unwrap()).join("known_hosts");
    let port: u16 = std::env::var(PORT).unwrap().parse().unwrap();
    let old = "# my notes on old servers\n".repeat(160);
    std::fs::write(&own, &old).unwrap();
    let files = KnownHostsFiles {
        own: own.clone(),
        also_read: Vec::new(),
        hashes_names: false,
    };
    let mut config = gateway_core::tunnel::TunnelConfig::new(
        format!("127.0.0.1:{port}").parse().unwrap(),
        "nobody",
        files.clone(),
    );
    let error = crate::support::dial(&config, &mut SignInMemory::default())
        .await
        .unwrap_err();
    let TunnelError::HostKeyUnknown(key) = error else {
        panic!("{error:?}")
    };

    let stored = KnownHosts::read(&files).unwrap().add(&key);
    config.demanded_host_key = Some(key.fingerprint());
    let dialled = crate::support::dial(&config, &mut SignInMemory::default())
        .await
        .unwrap_err();

    let Err(KnownHostsError::NotWritten { source, .. }) = stored else {
        panic!("{stored:?}")
    };
    assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
    assert!(matches!(dialled, TunnelError::KnownHosts(_)), "{dialled:?}");
    assert_eq!(std::fs::read_to_string(&own).unwrap(), old);
    let names: Vec<_> = std::fs::read_dir(own.parent().unwrap())
        .unwrap()
        .flatten()
        .map(|f| f.file_name())
        .collect();
    assert_eq!(names, ["known_hosts"]);
}
