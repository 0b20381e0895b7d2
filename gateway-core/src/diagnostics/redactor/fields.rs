//! `name=value` and `name: value`, as logs, settings and JSON write them.

use super::GONE;
use super::names::{Kind, Names};

/// A name with one of these in it is a secret's.
const SECRET: [&str; 11] = [
    "token",
    "password",
    "passwd",
    "passphrase",
    "secret",
    "authorization",
    "cookie",
    "apikey",
    "api_key",
    "api-key",
    "privatekey",
];

/// Names of computers in our logs.
const HOSTS: [&str; 3] = ["host", "server", "peer"];

/// Names of accounts in our logs.
const USERS: [&str; 2] = ["user", "account"];

/// What may stand under a secret's name: it tells whether there is one, not which.
const TELLING: [&str; 6] = ["true", "false", "null", "none", "some", GONE];

/// Returns whether what stands under this name is a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET.iter().any(|part| name.contains(part))
}

/// A value in a line, and the name before it.
struct Field<'a> {
    name: &'a str,
    value: &'a str,
    /// Where the value begins, in bytes.
    at: usize,
    /// The quotation mark around it.
    quote: Option<char>,
    /// The sign between the two.
    sign: char,
}

/// Notes the names that stand under `host=` or `user=`.
pub(super) fn learn(names: &mut Names, line: &str) {
    let mut from = 0;
    while let Some(field) = next(line, from) {
        let value = || {
            let value = field.value;
            match field.quote {
                Some(_) => value,
                None => value
                    .split([' ', ',', '}', ')', ']'])
                    .next()
                    .unwrap_or(value),
            }
        };
        if field.sign == '=' && HOSTS.contains(&field.name) {
            names.learn(Kind::Host, value());
        }
        if field.sign == '=' && USERS.contains(&field.name) {
            names.learn(Kind::User, value());
        }
        from = field.at;
    }
}

/// Returns a line without the values of secrets: a quoted one up to its closing mark, any other to the
/// end of the line, for it may hold blanks.
pub(super) fn without_secrets(line: &str) -> String {
    let mut result = String::with_capacity(line.len());
    let (mut from, mut copied) = (0, 0);
    while let Some(field) = next(line, from) {
        from = field.at;
        if !is_secret(field.name) || tells_only(&field) {
            continue;
        }
        result.push_str(line.get(copied..field.at).unwrap_or_default());
        result.push_str(GONE);
        from = field.at + field.value.len();
        copied = from;
    }
    result.push_str(line.get(copied..).unwrap_or_default());
    result
}

/// Returns whether a value says no more than that there is a secret.
fn tells_only(field: &Field<'_>) -> bool {
    let value = field.value.trim();
    let word: &str = match field.quote {
        Some(_) => value,
        None => value
            .split([' ', ',', ';', '}', ')', ']'])
            .next()
            .unwrap_or(value),
    };
    let kept = |word: &str| TELLING.iter().any(|known| word.eq_ignore_ascii_case(known));
    if kept(word) {
        // Only the bare word is kept at the end of a line; what follows it is looked at by itself.
        return true;
    }
    // `GatewayToken(***)`, as secrets write themselves.
    word.strip_suffix("***").is_some_and(|kind| {
        kind.strip_suffix('(')
            .is_some_and(|kind| kind.chars().all(char::is_alphanumeric))
    }) || value.is_empty()
}

/// Finds the next field whose name ends after `from`.
fn next(line: &str, from: usize) -> Option<Field<'_>> {
    let mut search = from;
    loop {
        let rest = line.get(search..)?;
        let found = rest.find(['=', ':'])?;
        let sign_at = search + found;
        search = sign_at + 1;
        let sign = rest.get(found..)?.chars().next()?;
        let after = line.get(search..)?;
        // `::` and `://` are no signs between a name and its value.
        if after.starts_with(':') || after.starts_with("//") {
            continue;
        }
        let before = line.get(..sign_at)?;
        let name = name_before(before);
        if name.is_empty() {
            continue;
        }
        let blanks = after.len() - after.trim_start_matches([' ', '\t']).len();
        let opened = after.get(blanks..)?;
        let escaped = usize::from(opened.starts_with('\\'));
        let quote = opened
            .get(escaped..)?
            .chars()
            .next()
            .filter(|mark| matches!(mark, '"' | '\'' | '`'));
        let at = search + blanks + quote.map_or(0, |_| escaped + 1);
        let value = line.get(at..)?;
        let value = match quote {
            Some(mark) => value
                .get(..closing(value, mark, escaped == 1))
                .unwrap_or(value),
            None => value.trim_end_matches(['\n', '\r']),
        };
        return Some(Field {
            name,
            value,
            at,
            quote,
            sign,
        });
    }
}

/// Returns where a quoted text ends; without a closing mark it goes on to the end.
fn closing(text: &str, mark: char, escaped: bool) -> usize {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices() {
        if letter == mark && (escaped || !is_escaped) {
            return at;
        }
        is_escaped = letter == '\\' && !is_escaped;
    }
    text.trim_end_matches(['\n', '\r']).len()
}

/// Returns the name at the end of a text, without its quotation marks.
fn name_before(text: &str) -> &str {
    let text = text.trim_end_matches([' ', '\t']);
    let text = text.trim_end_matches(['"', '\'', '`', '\\']);
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    let start = text
        .char_indices()
        .rev()
        .take_while(|(_, letter)| is_name(*letter))
        .last()
        .map_or(text.len(), |(at, _)| at);
    text.get(start..).unwrap_or_default()
}
