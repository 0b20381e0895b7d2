//! A pasted `ssh` command line, read for the parts of an address.
//!
//! Options that only ask for the forward we make anyway, or for talk on a terminal, are passed over.
//! Any other option is refused by name rather than ignored, because it may change whom we reach.

use super::{SshTarget, TargetError, destination, parse_port};
use std::path::PathBuf;

/// Flags that neither change whom we reach nor what the tunnel does for us.
const HARMLESS_FLAGS: &str = "AaCfgKkNnqTtvXxY";

/// Options with a value that ask for a local forward, which we open ourselves.
const HARMLESS_OPTIONS: &str = "L";

/// Other options of OpenSSH's client that take a value (ssh(1)); needed to name them whole.
const REFUSED_OPTIONS: &str = "BbcDEeFIJmOoPQRSWw";

/// Parses what follows the word `ssh`.
pub(super) fn parse(rest: &str) -> Result<SshTarget, TargetError> {
    let mut words = split_words(rest)?.into_iter();
    let mut found: Option<SshTarget> = None;
    let mut user: Option<String> = None;
    let mut port: Option<u16> = None;
    let mut identity_file: Option<PathBuf> = None;
    let mut only_names_follow = false;

    while let Some(word) = words.next() {
        if word == "--" && !only_names_follow {
            only_names_follow = true;
            continue;
        }
        if only_names_follow || !word.starts_with('-') || word == "-" {
            if found.is_some() {
                return Err(TargetError::RemoteCommand);
            }
            if word.contains(char::is_whitespace) {
                return Err(TargetError::Whitespace);
            }
            found = Some(destination(&word)?);
            continue;
        }
        let mut letters = word.get(1..).unwrap_or_default().chars();
        while let Some(letter) = letters.next() {
            if HARMLESS_FLAGS.contains(letter) {
                continue;
            }
            if !(HARMLESS_OPTIONS.contains(letter) || matches!(letter, 'p' | 'l' | 'i')) {
                return Err(TargetError::UnsupportedOption(name_of(
                    letter,
                    letters.as_str(),
                    words.next(),
                )));
            }
            let attached: String = letters.by_ref().collect();
            let value = if attached.is_empty() {
                words.next()
            } else {
                Some(attached)
            };
            let value = value.ok_or(TargetError::MissingOptionValue(letter))?;
            match letter {
                'p' => port = Some(parse_port(&value).map_err(|_| TargetError::PortOutOfRange)?),
                'l' => user = Some(value),
                'i' => identity_file = Some(PathBuf::from(value)),
                _ => {}
            }
        }
    }

    let mut target = found.ok_or(TargetError::EmptyHost)?;
    target.user = agree(target.user, user).ok_or(TargetError::UserTwice)?;
    target.port = agree(target.port, port).ok_or(TargetError::PortTwice)?;
    target.identity_file = identity_file;
    target.check()?;
    Ok(target)
}

/// Returns the one value of two places to say it, or `None` when they differ.
fn agree<T: PartialEq>(a: Option<T>, b: Option<T>) -> Option<Option<T>> {
    match (a, b) {
        (Some(a), Some(b)) if a != b => None,
        (a, b) => Some(a.or(b)),
    }
}

/// Names a refused option: `-J`, or `-o ProxyCommand` without the value that follows.
fn name_of(letter: char, attached: &str, next: Option<String>) -> String {
    if letter != 'o' {
        return if REFUSED_OPTIONS.contains(letter) || letter.is_ascii_alphanumeric() {
            format!("-{letter}")
        } else {
            "-?".to_owned()
        };
    }
    let setting = if attached.is_empty() {
        next.unwrap_or_default()
    } else {
        attached.to_owned()
    };
    let keyword: String = setting
        .trim_start()
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    format!("-o {keyword}").trim_end().to_owned()
}

/// Splits at blanks, minding quotation marks and backslashes as a POSIX shell does.
fn split_words(text: &str) -> Result<Vec<String>, TargetError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('"') | None, '\\') => {
                let escaped = chars.next().ok_or(TargetError::UnclosedQuote)?;
                word.get_or_insert_default().push(escaped);
            }
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (Some(_) | None, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err(TargetError::UnclosedQuote);
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<(String, Option<PathBuf>), TargetError> {
        text.parse::<SshTarget>()
            .map(|t| (t.to_string(), t.identity_file))
    }

    #[test]
    fn a_pasted_command_is_read_wherever_its_options_stand() {
        let key = || Some(PathBuf::from("key"));
        let table = [
            ("ssh box", "box", None),
            ("ssh -p 2222 me@box -i key", "me@box:2222", key()),
            ("ssh me@box -p2222 -ikey", "me@box:2222", key()),
            ("ssh -l me box", "me@box", None),
            ("ssh me@box -l me", "me@box", None),
            ("ssh -N -L 18789:127.0.0.1:18789 me@box", "me@box", None),
            ("ssh -fNTp 2222 me@box", "me@box:2222", None),
            (
                "ssh -i '/home/me/my keys/id' box",
                "box",
                Some(PathBuf::from("/home/me/my keys/id")),
            ),
            (r"ssh -i my\ key box", "box", Some(PathBuf::from("my key"))),
            ("ssh -- box", "box", None),
            ("ssh\tssh://me@box:2222", "me@box:2222", None),
            ("ssh -p 2222 ::1", "[::1]:2222", None),
        ];

        for (text, canonical, identity) in table {
            assert_eq!(
                parsed(text),
                Ok((canonical.to_owned(), identity)),
                "{text:?}"
            );
        }
    }

    #[test]
    fn an_option_that_could_change_whom_we_reach_is_refused_by_name() {
        let option = |name: &str| Err(TargetError::UnsupportedOption(name.to_owned()));
        let table = [
            ("ssh -J edge me@box", option("-J")),
            (
                "ssh -o ProxyCommand='nc %h %p' box",
                option("-o ProxyCommand"),
            ),
            ("ssh -oProxyJump=edge box", option("-o ProxyJump")),
            ("ssh -NF other.conf box", option("-F")),
            ("ssh box -D 1080", option("-D")),
            ("ssh -6 box", option("-6")),
            ("ssh --help", option("-?")),
            ("ssh -p", Err(TargetError::MissingOptionValue('p'))),
            ("ssh -p 0 box", Err(TargetError::PortOutOfRange)),
            ("ssh -N", Err(TargetError::EmptyHost)),
            ("ssh box uptime", Err(TargetError::RemoteCommand)),
            ("ssh -- -oProxyCommand=x", Err(TargetError::LeadingDash)),
            ("ssh -l -x box", Err(TargetError::LeadingDash)),
            ("ssh -l you me@box", Err(TargetError::UserTwice)),
            ("ssh -p 1 box:2", Err(TargetError::PortTwice)),
            ("ssh 'bo x'", Err(TargetError::Whitespace)),
            ("ssh 'box", Err(TargetError::UnclosedQuote)),
        ];

        for (text, expected) in table {
            assert_eq!(parsed(text), expected, "{text:?}");
        }
    }
}
