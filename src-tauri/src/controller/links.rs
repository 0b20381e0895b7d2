//! Which links of a conversation may be opened outside. The window has shown a person where one
//! leads; what it sends is judged here all the same, for the window draws what strangers write.

use crate::{desktop::Desktop, view_model::UiError};
use url::Url;

/// Longer addresses are no links.
const LONGEST: usize = 4_096;
/// What a mail may be begun with. Some mail programs attach files where an address says so.
const MAIL_FIELDS: [&str; 3] = ["subject", "body", "cc"];

/// Opens an address outside.
pub(super) fn open(desktop: &dyn Desktop, written: &str) -> Result<(), UiError> {
    let address = judged(written).ok_or_else(|| UiError {
        code: "linkRefused".to_owned(),
        message: "This address cannot be opened from here.".to_owned(),
        action: None,
    })?;
    desktop.open_link(address.as_str()).map_err(|why| UiError {
        code: "linkNotOpened".to_owned(),
        message: format!("No program could be started that opens this address: {why}."),
        action: None,
    })
}

/// Returns an address in its normal form, or `None` for anything but a whole `http`, `https` or
/// `mailto` address.
fn judged(written: &str) -> Option<Url> {
    if written.len() > LONGEST {
        return None;
    }
    let address = Url::parse(written).ok()?;
    let leads_somewhere = match address.scheme() {
        "http" | "https" => address.has_host(),
        "mailto" => {
            !address.path().is_empty()
                && address
                    .query_pairs()
                    .all(|(field, _)| MAIL_FIELDS.contains(&&*field))
        }
        _ => false,
    };
    (leads_somewhere && address.as_str().len() <= LONGEST).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_and_mail_addresses_may_be_opened_and_nothing_else() {
        assert_eq!(
            judged("HTTPS://Example.org/a b").unwrap().as_str(),
            "https://example.org/a%20b"
        );
        assert!(judged("mailto:me@example.org?subject=x").is_some());
        for bad in [
            "javascript:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "vbscript:x",
            "tauri://localhost",
            "mailto:",
            "mailto:me@example.org?attach=/etc/passwd",
            "--help",
            "-x",
            "/etc/passwd",
            "//example.org",
            "",
        ] {
            assert_eq!(judged(bad), None, "{bad}");
        }
        assert_eq!(
            judged(&format!("https://example.org/{}", "x".repeat(LONGEST))),
            None
        );
    }
}
