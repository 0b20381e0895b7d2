use super::*;
use std::path::{Path, PathBuf};

/// More would be noise in the repository; `scripts/fuzz` keeps what it finds elsewhere.
const MOST_FILES: usize = 200;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

fn inputs_of(name: &str) -> Vec<PathBuf> {
    let folder = corpus().join(name);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut inputs: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    inputs
}

/// Plays one target's corpus; a failure names the file.
fn play(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let inputs = inputs_of(name);
    assert!(!inputs.is_empty(), "{name} has no corpus");
    for path in inputs {
        let input = std::fs::read(&path).unwrap();
        let held = std::panic::catch_unwind(|| (target.run)(&input));
        assert!(held.is_ok(), "{} breaks a promise", path.display());
    }
}

macro_rules! plays {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                play(stringify!($name));
            }
        )*

        #[test]
        fn every_target_is_played() {
            let played = [$(stringify!($name)),*];
            assert_eq!(TARGETS.map(|target| target.name), played);
            let mut folders: Vec<String> = std::fs::read_dir(corpus())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            folders.sort();
            let mut expected = played.to_vec();
            expected.sort_unstable();
            assert_eq!(folders, expected, "a folder without its target");
            let files: usize = played.iter().map(|name| inputs_of(name).len()).sum();
            assert!(files <= MOST_FILES, "{files} files");
        }
    };
}

plays! {
    known_hosts
    ssh_config
    ssh_target
    gateway_url
    invitation
    state_machine
    connection
    http_head
    official_config
    key_file
    frame_from_client
    frame_from_gateway
}
