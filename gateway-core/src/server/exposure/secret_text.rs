//! Texts that stand where a secret should, and are none.

use std::fmt;

/// The shortest secret of a gateway that other computers can reach, in characters. Guessing is held
/// to ten tries in five minutes for each address, not for each attacker.
pub const MIN_EXPOSED: usize = 12;

/// Whole texts people and programs leave behind. Compared without case.
const PLACEHOLDERS: [&str; 40] = [
    "[object object]",
    "__openclaw_redacted__",
    "admin",
    "change-me",
    "change_me",
    "changeme",
    "default",
    "dummy",
    "enter-token-here",
    "example",
    "fixme",
    "gateway-password",
    "gateway-token",
    "insert-token-here",
    "my-password",
    "my-secret",
    "my-token",
    "mypassword",
    "mytoken",
    "nan",
    "nil",
    "none",
    "null",
    "openclaw",
    "passwd",
    "password",
    "placeholder",
    "redacted",
    "replace-me",
    "replace_me",
    "replaceme",
    "secret",
    "tbd",
    "test",
    "todo",
    "token",
    "true",
    "false",
    "undefined",
    "unset",
];

/// What is wrong with a text as a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It is empty or blank.
    Blank,
    /// It has blanks or control characters that a client would not send.
    Unsendable,
    /// It is an example or what a program prints for "nothing".
    Placeholder,
    /// It is too short for a gateway that others can reach.
    TooShort,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => f.write_str("is blank"),
            Self::Unsendable => f.write_str("has blanks around it or a control character in it"),
            Self::Placeholder => f.write_str("is a placeholder"),
            Self::TooShort => write!(
                f,
                "is shorter than {MIN_EXPOSED} characters, too short beyond loopback"
            ),
        }
    }
}

/// Finds what is wrong with a text as a secret; `is_exposed` where other computers can try it.
///
/// # Errors
///
/// Says what is wrong, and nothing of the text.
pub fn judge(text: &str, is_exposed: bool) -> Result<(), Flaw> {
    if text.trim().is_empty() {
        Err(Flaw::Blank)
    } else if is_placeholder(text.trim()) {
        Err(Flaw::Placeholder)
    } else if text.trim() != text || text.chars().any(char::is_control) {
        Err(Flaw::Unsendable)
    } else if is_exposed && text.chars().count() < MIN_EXPOSED {
        Err(Flaw::TooShort)
    } else {
        Ok(())
    }
}

fn is_placeholder(text: &str) -> bool {
    let text = text.to_lowercase();
    let mut letters = text.chars();
    let first = letters.next();
    let is_one_letter = letters.all(|letter| Some(letter) == first);
    let is_template = [
        ("<", ">"),
        ("${", "}"),
        ("{{", "}}"),
        ("%", "%"),
        ("$(", ")"),
    ]
    .iter()
    .any(|(open, close)| text.starts_with(open) && text.ends_with(close));
    let is_request = [
        "your-",
        "your_",
        "your ",
        "<your",
        "replace-with",
        "replace_with",
        "xxx",
    ]
    .iter()
    .any(|start| text.starts_with(start));
    is_one_letter || is_template || is_request || PLACEHOLDERS.contains(&text.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_secret_is_told_apart_from_one() {
        for text in [
            "changeme",
            "CHANGEME",
            "ChangeMe",
            "your-token-here",
            "YOUR_TOKEN_HERE",
            "your-gateway-password",
            "<token>",
            "<your token>",
            "xxx",
            "xxxxxxxxxxxxxxxx",
            "xxx-xxx-xxx",
            "undefined",
            "null",
            "None",
            "NaN",
            "[object Object]",
            "password",
            "secret",
            "token",
            "${OPENCLAW_GATEWAY_TOKEN}",
            "{{ token }}",
            "$(cat token)",
            "%TOKEN%",
            "********",
            "0000000000000000",
            "a",
            " changeme ",
            "replace-with-a-token",
            "__OPENCLAW_REDACTED__",
            "todo",
            "true",
        ] {
            assert_eq!(judge(text, false), Err(Flaw::Placeholder), "{text:?}");
        }
        for text in ["", " ", "\t\n", "\u{a0}"] {
            assert_eq!(judge(text, false), Err(Flaw::Blank), "{text:?}");
        }
        for text in [
            "secret-of-mine\n",
            " secret-of-mine",
            "secret\0of-mine",
            "a\nb",
        ] {
            assert_eq!(judge(text, false), Err(Flaw::Unsendable), "{text:?}");
        }
        for text in [
            "ab",
            "testtoken123",
            "correct horse battery",
            "nullify-this",
            "påskeæg",
        ] {
            assert_eq!(judge(text, false), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn others_must_not_be_able_to_guess_it_by_length() {
        assert_eq!(judge("elevenchars", false), Ok(()));
        assert_eq!(judge("elevenchars", true), Err(Flaw::TooShort));
        assert_eq!(judge("twelve-chars", true), Ok(()));
        assert_eq!(judge("tolvtegnøåæ!", true), Ok(()));
    }
}
