//! What must hold of any bytes as the beginning of what a local program sends.

use super::*;
use crate::web_address::Authority;

const PORT: u16 = 18_789;

pub(crate) fn run(data: &[u8]) {
    let whole = look(data);
    // However the bytes are cut in pieces, the verdict comes to the same.
    let cut = data.len() / 2;
    for end in [cut, cut / 2, data.len().saturating_sub(1)] {
        let part = look(&data[..end]);
        match part {
            Look::Head(_) => assert_eq!(part, whole),
            // A word too long for a method is given up on before its end is seen.
            Look::NotHttp => assert!(whole == part || end > MAX_METHOD, "{whole:?} at {end}"),
            Look::TooLarge => assert_eq!(whole, Look::TooLarge),
            Look::OneWord | Look::PartOfHead => {}
        }
    }
    let Look::Head(length) = whole else {
        assert!(data.len() <= MAX_HEAD || !matches!(whole, Look::PartOfHead | Look::OneWord));
        return;
    };
    assert!(length <= data.len() && length <= MAX_HEAD);
    let head = &data[..length];
    match screen(head, PORT) {
        Ok(passed) => is_ours(&passed),
        Err(refusal) => {
            let answer = refusal.response();
            assert!(answer.starts_with("HTTP/1.1 4") && answer.contains("Connection: close"));
        }
    }
}

/// Reads what is passed on with a reader of its own.
fn is_ours(passed: &[u8]) {
    assert_eq!(
        look(passed),
        Look::Head(passed.len()),
        "more than one head is passed on"
    );
    let Ok(text) = std::str::from_utf8(passed) else {
        panic!("passed on what is no text");
    };
    let fields = |name: &str| -> Vec<String> {
        let lines = text.trim_start().split('\n').skip(1);
        lines
            .map(|line| line.trim_end_matches('\r'))
            .filter_map(|line| line.split_once(':'))
            .filter(|(other, _)| other.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_ascii_lowercase())
            .collect()
    };
    let is_here = |place: &str| {
        Authority::parse(place)
            .is_some_and(|place| place.is_loopback() && place.port() == Some(PORT))
    };
    let hosts = fields("host");
    assert!(
        hosts.len() == 1 && hosts.iter().all(|host| is_here(host)),
        "{hosts:?}"
    );
    for origin in fields("origin") {
        assert!(
            origin.strip_prefix("http://").is_some_and(is_here),
            "{origin}"
        );
    }
    assert!(!text.contains('\0') && !text.replace("\r\n", "\n").contains('\r'));
    assert!(
        text.lines().all(|line| !line.starts_with([' ', '\t'])),
        "a folded line"
    );
    if fields("upgrade").is_empty() {
        assert_eq!(
            fields("connection"),
            ["close"],
            "a second request would go unseen"
        );
        assert_eq!(
            screen(passed, PORT).as_deref(),
            Ok(passed),
            "twice is not once"
        );
    }
}
