//! What must hold of any text as the address of an SSH server.

use super::*;

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match text.parse::<SshTarget>() {
        Ok(target) => {
            means_one_place(&target);
            assert_eq!(text.parse(), Ok(target), "another answer the second time");
        }
        // People paste passwords into address fields: only an option of a command is ever repeated.
        Err(error) => {
            let repeats = matches!(error, TargetError::UnsupportedOption(_));
            assert!(!repeats || text.trim_start().starts_with("ssh"), "{error}");
        }
    }
}

fn means_one_place(target: &SshTarget) {
    assert_eq!(target.check(), Ok(()), "{target:?}");
    for word in [target.user.as_deref(), Some(&target.host)]
        .into_iter()
        .flatten()
    {
        let is_one_word = !word.is_empty()
            && !word.starts_with('-')
            && !word.contains(|c: char| c.is_whitespace() || c.is_control());
        assert!(is_one_word, "{target:?}");
    }
    assert!(
        !target.host.contains(['@', '/', '[', ']', ',', '*', '?']),
        "{target:?}"
    );
    assert_ne!(target.port, Some(0));

    let spelled = target.to_string();
    let plain = SshTarget {
        identity_file: None,
        ..target.clone()
    };
    assert_eq!(spelled.parse().as_ref(), Ok(&plain), "{spelled}");
    // Another program that splits at the last @ must come to the same host and account.
    let host = spelled
        .rsplit_once('@')
        .map_or(spelled.as_str(), |(_, place)| place);
    assert!(
        host.trim_start_matches('[').starts_with(&target.host),
        "{spelled}"
    );
}
