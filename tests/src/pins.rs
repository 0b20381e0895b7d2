//! Versions below which a dependency has a published fault that would concern us, judged against
//! the committed lock file.

/// A crate and the first version without the fault.
type Floor = (&'static str, [u64; 3]);

/// `russh`: prefix truncation and unbounded allocation; `tauri`: origin confusion of the web view;
/// `tungstenite`: unbounded handshake headers; `rustls`: endless loop on a clean close;
/// `ed25519-dalek`: signing with a public key that is not the key's own.
const FLOORS: [Floor; 5] = [
    ("russh", [0, 61, 1]),
    ("tauri", [2, 11, 1]),
    ("tungstenite", [0, 20, 1]),
    ("rustls", [0, 23, 18]),
    ("ed25519-dalek", [2, 0, 0]),
];

/// Returns each package of `lock` (the text of a `Cargo.lock`) that is below its floor.
pub fn below_floor(lock: &str) -> Vec<String> {
    packages(lock)
        .filter(|(name, version)| {
            FLOORS
                .iter()
                .any(|(floored, floor)| floored == name && numbers(version) < *floor)
        })
        .map(|(name, version)| format!("{name} {version}"))
        .collect()
}

/// Each package's name and version, in the file's order.
fn packages(lock: &str) -> impl Iterator<Item = (&str, &str)> {
    lock.split("[[package]]")
        .skip(1)
        .filter_map(|package| Some((quoted(package, "name = ")?, quoted(package, "version = ")?)))
}

fn quoted<'a>(package: &'a str, key: &str) -> Option<&'a str> {
    let value = package.lines().find_map(|line| line.strip_prefix(key))?;
    Some(value.trim_matches('"'))
}

/// The three numbers of a version; a pre-release counts as the release before it is out.
fn numbers(version: &str) -> [u64; 3] {
    let plain = version.split(['-', '+']).next().unwrap_or_default();
    let mut parts = plain.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    [next(), next(), next()]
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::tools::checkout;

    #[test]
    fn no_locked_crate_is_below_its_floor() {
        let lock = fs::read_to_string(checkout().join("Cargo.lock")).unwrap();
        assert_eq!(below_floor(&lock), Vec::<String>::new());
        // A renamed crate must not pass unseen.
        assert!(packages(&lock).any(|(name, _)| name == "russh"));
    }

    #[test]
    fn the_fuzz_crate_is_locked_to_the_versions_of_the_program() {
        let read = |path: &str| fs::read_to_string(checkout().join(path)).unwrap();
        let (program, fuzz) = (read("Cargo.lock"), read("gateway-core/fuzz/Cargo.lock"));
        let ours: Vec<_> = packages(&program).collect();

        let others: Vec<_> = packages(&fuzz)
            .filter(|package| !ours.contains(package))
            .map(|(name, _)| name)
            .collect();

        // What only the engine needs. Anything else: copy Cargo.lock over the other one, and let
        // `cargo metadata --manifest-path gateway-core/fuzz/Cargo.toml` take out what is not used.
        assert_eq!(
            others,
            [
                "arbitrary",
                "gateway-core-fuzz",
                "jobserver",
                "libfuzzer-sys"
            ]
        );
    }

    #[test]
    fn a_crate_below_its_floor_is_named() {
        let lock = "[[package]]\nname = \"russh\"\nversion = \"0.61.0\"\n\n\
                    [[package]]\nname = \"rustls\"\nversion = \"0.23.18\"\n";
        assert_eq!(below_floor(lock), ["russh 0.61.0"]);
    }
}
