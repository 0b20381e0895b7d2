//! How much work a key file asks for before a passphrase can be tried.

use russh::keys::PrivateKey;
use russh::keys::ssh_key::Kdf;

/// The work that one try takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Cost {
    /// Rounds of bcrypt (OpenSSH), about 10 ms each.
    pub(super) rounds: u32,
    /// Memory of Argon2 (PuTTY).
    pub(super) kibibytes: u32,
    /// How often Argon2 goes through that memory.
    pub(super) passes: u32,
}

/// The most we do: twenty times what ssh-keygen and puttygen ask for is less than any of these.
pub(super) const MOST_COSTLY: Cost = Cost {
    rounds: 2_000,
    kibibytes: 256 * 1024,
    passes: 1_000,
};

impl Cost {
    /// Returns what a file asks for; nothing where it has no such lock.
    pub(super) fn of(text: &str) -> Self {
        if let Ok(key) = PrivateKey::from_openssh(text)
            && let Kdf::Bcrypt { rounds, .. } = key.kdf()
        {
            return Self {
                rounds: *rounds,
                ..Self::default()
            };
        }
        // A number too large to read is as good as the largest one.
        let number = |name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name));
            value.map_or(0, |value| value.trim().parse().unwrap_or(u32::MAX))
        };
        Self {
            rounds: 0,
            kibibytes: number("Argon2-Memory: "),
            passes: number("Argon2-Passes: "),
        }
    }

    /// Returns whether nothing here is more than the other has.
    pub(super) fn is_within(&self, most: &Self) -> bool {
        self.rounds <= most.rounds && self.kibibytes <= most.kibibytes && self.passes <= most.passes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_a_putty_file_asks_for_is_read_and_limited() {
        let file = |memory: &str| {
            format!(
                "PuTTY-User-Key-File-3: ssh-ed25519\nArgon2-Memory: {memory}\nArgon2-Passes: 13\n"
            )
        };
        let usual = Cost::of(&file("8192"));

        assert_eq!((usual.kibibytes, usual.passes), (8192, 13));
        assert!(usual.is_within(&MOST_COSTLY));
        for memory in ["4294967295", "99999999999999999999", "-1"] {
            assert!(!Cost::of(&file(memory)).is_within(&MOST_COSTLY), "{memory}");
        }
    }
}
