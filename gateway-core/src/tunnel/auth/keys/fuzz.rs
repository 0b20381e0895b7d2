//! What must hold of any text as a private key file. The corpus' keys are locked with `passphrase`.

use super::*;

/// A lock that is this cheap is opened here; the limits of the program are for people's patience.
const CHEAP: Cost = Cost {
    rounds: 16,
    kibibytes: 1024,
    passes: 4,
};

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let first = decode(text, None);
    let public = judge(&first, text);
    let cost = Cost::of(text);
    let is_locked = matches!(first, Decoded::Locked(_));
    let is_pkcs8 = text.contains("BEGIN ENCRYPTED");
    if is_locked && !is_pkcs8 && cost.is_within(&CHEAP) {
        let opened = decode(text, Some("passphrase"));
        let other = judge(&opened, text);
        if let (Some(public), Some(other)) = (public, other) {
            assert_eq!(
                public.key_data(),
                other.key_data(),
                "it is another key once it is open"
            );
        }
    }
    if !cost.is_within(&MOST_COSTLY) {
        let opened = decode(text, Some("passphrase"));
        assert!(
            !matches!(opened, Decoded::Key(_)),
            "opened a lock that takes forever"
        );
    }
}

/// Returns the public half, where there is one.
fn judge(decoded: &Decoded, text: &str) -> Option<PublicKey> {
    let public = match decoded {
        Decoded::Key(key) => {
            assert!(!key.is_encrypted() && key.algorithm() != Algorithm::Dsa);
            Some(key.public_key().clone())
        }
        Decoded::SecurityKey(public) => Some(public.clone()),
        Decoded::Locked(public) => public.clone(),
        Decoded::Bad(error) => {
            let told = error.to_string();
            assert!(told.len() < 400, "{told}");
            let secret = text.lines().find(|line| line.len() > 40);
            assert!(secret.is_none_or(|secret| !told.contains(secret)), "{told}");
            None
        }
    }?;
    if let Ok(line) = public.to_openssh() {
        let again = PublicKey::from_openssh(&line);
        let is_same = again.is_ok_and(|again| again.key_data() == public.key_data());
        assert!(is_same, "{line} is another key");
    }
    Some(public)
}
