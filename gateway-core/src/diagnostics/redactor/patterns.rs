//! What tells by its form alone that it must go: blocks of keys, parts of URLs, accounts, addresses,
//! tokens.

use super::GONE;
use super::names::{self, Kind, Names};
use std::net::IpAddr;

/// What begins and ends a block of a key or certificate.
const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// Lines within such a block that are no Base64.
const BLOCK_HEADS: [&str; 2] = ["Proc-Type:", "DEK-Info:"];

/// Folders whose entries are called like people.
const HOME_FOLDERS: [&str; 4] = ["/home/", "/Users/", "\\Users\\", "\\\\Users\\\\"];

/// Domains that are part of algorithms' names, as in `chacha20-poly1305@openssh.com`.
const ALGORITHMS: [&str; 2] = ["openssh.com", "libssh.org"];

/// What names in home networks and tailnets end in.
const NETWORKS: [&str; 9] = [
    ".local",
    ".lan",
    ".home",
    ".home.arpa",
    ".internal",
    ".intranet",
    ".localdomain",
    ".fritz.box",
    ".ts.net",
];

/// The shortest run of a token's letters that is taken for one.
const TOKEN: usize = 20;

/// Returns a text without blocks of keys, whole or cut off at either end.
pub(super) fn without_key_blocks(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let begin = rest.find(BEGIN).unwrap_or(rest.len());
        let end = rest.find(END).unwrap_or(rest.len());
        if begin == rest.len() && end == rest.len() {
            result.push_str(rest);
            return result;
        }
        if end < begin {
            // Its beginning was cut off: what is left of it stands before.
            let before = rest.get(..end).unwrap_or_default();
            result.push_str(without_last_base64(before));
        } else {
            result.push_str(rest.get(..begin).unwrap_or_default());
        }
        result.push_str(GONE);
        let block = rest.get(begin.min(end)..).unwrap_or_default();
        rest = after_block(block);
    }
}

/// Returns what follows a block that begins, or ends, at the start of a text.
fn after_block(block: &str) -> &str {
    let label = block.get(DASHES.len()..).unwrap_or_default();
    let line_end = |text: &str| text.find('\n').unwrap_or(text.len());
    let end = block.find(END).filter(|end| {
        // The end of another block is not this one's.
        !block
            .get(BEGIN.len()..*end)
            .is_some_and(|inside| inside.contains(BEGIN))
    });
    if let Some(end) = end {
        let after = block.get(end + END.len()..).unwrap_or_default();
        let closed = after
            .find(DASHES)
            .filter(|dashes| *dashes <= line_end(after));
        let length = closed.map_or(line_end(after), |dashes| dashes + DASHES.len());
        return after.get(length..).unwrap_or_default();
    }
    // Its end was cut off: the rest of this line goes, and what looks like the block's lines.
    let mut rest = label.get(line_end(label)..).unwrap_or_default();
    while let Some(after) = rest.strip_prefix('\n') {
        let line = after.get(..line_end(after)).unwrap_or_default();
        if !is_in_block(line) {
            break;
        }
        rest = after.get(line.len()..).unwrap_or_default();
    }
    rest
}

/// Returns a text without the lines of Base64 it ends in.
fn without_last_base64(text: &str) -> &str {
    let mut kept = text;
    while let Some((before, line)) = kept.trim_end_matches('\n').rsplit_once('\n') {
        if !is_in_block(line) {
            return kept;
        }
        kept = text.get(..=before.len()).unwrap_or_default();
    }
    match is_in_block(kept.trim_end_matches('\n')) {
        true => "",
        false => kept,
    }
}

fn is_in_block(line: &str) -> bool {
    let line = line.trim();
    BLOCK_HEADS.iter().any(|head| line.starts_with(head))
        || line
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
}

/// Returns a line whose URLs are address and path alone: who signs in, the query and the fragment go.
pub(super) fn plain_urls(names: &mut Names, line: &str) -> String {
    let mut result = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("://") {
        result.push_str(before);
        result.push_str("://");
        let length = after
            .find(|letter: char| letter.is_whitespace() || "\"'`<>{}|\\".contains(letter))
            .unwrap_or(after.len());
        let (url, following) = after.split_at(length);
        let authority_end = url.find(['/', '?', '#']).unwrap_or(url.len());
        let (authority, place) = url.split_at(authority_end);
        let address = authority.rsplit('@').next().unwrap_or(authority);
        result.push_str(&without_host(names, address));
        let path_end = place.find(['?', '#']).unwrap_or(place.len());
        let (path, extra) = place.split_at(path_end);
        result.push_str(path);
        if let Some(sign) = extra.chars().next() {
            result.push(sign);
            result.push_str(GONE);
        }
        rest = following;
    }
    result.push_str(rest);
    result
}

/// Returns `host:port` with a placeholder for the host; what is no such pair is left to other rules.
fn without_host(names: &mut Names, address: &str) -> String {
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, Some(port)),
        Some(_) | None => (address, None),
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_host = |letter: char| letter.is_alphanumeric() || "-._:%".contains(letter);
    if !bare.chars().all(is_host) {
        return address.to_owned();
    }
    let placeholder = names.placeholder(Kind::Host, bare);
    let host = if placeholder == bare {
        host
    } else {
        &placeholder
    };
    match port {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Returns a line with placeholders for both halves of `somebody@somewhere`.
pub(super) fn without_accounts(names: &mut Names, line: &str) -> String {
    let mut result = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('@') {
        let user = before
            .rfind(|letter: char| !is_account(letter))
            .map_or(before, |at| last_part(before, at));
        let length = after
            .find(|letter: char| !(letter.is_alphanumeric() || ".-_".contains(letter)))
            .unwrap_or(after.len());
        let host = after.get(..length).unwrap_or_default();
        let host = host.trim_end_matches(['.', '-', '_']);
        let is_account = host.contains(char::is_alphabetic) || host.parse::<IpAddr>().is_ok();
        if !is_account || user.is_empty() || ALGORITHMS.contains(&host) {
            result.push_str(before);
            result.push('@');
            rest = after;
            continue;
        }
        let others = before.len() - user.len();
        result.push_str(before.get(..others).unwrap_or_default());
        result.push_str(&names.placeholder(Kind::User, user));
        result.push('@');
        result.push_str(&names.placeholder(Kind::Host, host));
        rest = after.get(host.len()..).unwrap_or_default();
    }
    result.push_str(rest);
    result
}

fn is_account(letter: char) -> bool {
    letter.is_alphanumeric() || "._%+-".contains(letter)
}

/// Returns what follows the letter at a place.
fn last_part(text: &str, at: usize) -> &str {
    let letter = text.get(at..).and_then(|rest| rest.chars().next());
    text.get(at + letter.map_or(0, char::len_utf8)..)
        .unwrap_or_default()
}

/// Returns a line with placeholders for the people whose home folders are named in it.
pub(super) fn without_home_folders(names: &mut Names, line: &str) -> String {
    let mut line = line.to_owned();
    for folder in HOME_FOLDERS {
        let mut result = String::with_capacity(line.len());
        let mut rest = line.as_str();
        while let Some((before, after)) = rest.split_once(folder) {
            let length = after
                .find(|letter: char| !is_account(letter))
                .unwrap_or(after.len());
            let person = after.get(..length).unwrap_or_default();
            let person = person.trim_end_matches('.');
            let following = after.get(person.len()..).unwrap_or_default();
            result.push_str(before);
            result.push_str(folder);
            result.push_str(&names.placeholder(Kind::User, person));
            rest = following;
        }
        result.push_str(rest);
        line = result;
    }
    line
}

/// Returns a line with placeholders for IP addresses and for names of home networks.
pub(super) fn without_addresses(names: &mut Names, line: &str) -> String {
    let is_part = |letter: char| letter.is_alphanumeric() || "_-.:".contains(letter);
    replace_runs(line, is_part, |run| {
        let trimmed = run.trim_end_matches(['.', ':', '-']);
        let host = match (trimmed.parse::<IpAddr>(), trimmed.rsplit_once(':')) {
            (Ok(_), _) => trimmed,
            // An IPv4 address or a name, and its port.
            (Err(_), Some((host, port))) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            (Err(_), _) => trimmed,
        };
        if host.parse::<IpAddr>().is_err() && !is_of_home_network(host) {
            return None;
        }
        let placeholder = names.placeholder(Kind::Host, host);
        let rest = run.get(host.len()..).unwrap_or_default();
        Some(format!("{placeholder}{rest}"))
    })
}

fn is_of_home_network(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let label = NETWORKS
        .iter()
        .find_map(|network| name.strip_suffix(network));
    label.is_some_and(|label| {
        !label.is_empty() && !label.contains(':') && label.contains(char::is_alphanumeric)
    })
}

/// Returns a line without what looks like a token: a long run of Base64, hexadecimal or of a
/// percent-encoded text.
pub(super) fn without_tokens(line: &str) -> String {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "+/=_-%".contains(letter);
    replace_runs(line, is_part, |run| is_token(run).then(|| GONE.to_owned()))
}

fn is_token(run: &str) -> bool {
    if run.len() < TOKEN || !run.contains(|letter: char| letter.is_ascii_alphanumeric()) {
        return false;
    }
    let has = |test: fn(&u8) -> bool| run.bytes().any(|byte| test(&byte));
    if run.contains('/') {
        // A path, unless it mixes what paths seldom mix.
        let mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
        return mixed && (has(u8::is_ascii_digit) || run.contains(['+', '=']))
            || run.split('/').any(is_token);
    }
    let name = run.trim_end_matches('=');
    let all = |test: fn(&u8) -> bool| name.bytes().all(|byte| test(&byte) || byte == b'_');
    let is_name = all(u8::is_ascii_lowercase) || all(u8::is_ascii_uppercase);
    !is_name && !is_type_name(name)
}

/// Returns whether a run is words put together, as names of types are: each begins with one capital
/// and goes on for two small letters at least.
fn is_type_name(run: &str) -> bool {
    let mut small = 2;
    for byte in run.bytes() {
        if byte.is_ascii_lowercase() {
            small += 1;
        } else if byte.is_ascii_uppercase() && small >= 2 {
            small = 0;
        } else {
            return false;
        }
    }
    small >= 2
}

/// Replaces the longest runs of letters for which `change` has something else.
fn replace_runs(
    line: &str,
    is_part: impl Fn(char) -> bool,
    mut change: impl FnMut(&str) -> Option<String>,
) -> String {
    let mut result = String::with_capacity(line.len());
    let mut rest = line;
    while !rest.is_empty() {
        let begin = rest.find(&is_part).unwrap_or(rest.len());
        let (between, run) = rest.split_at(begin);
        result.push_str(between);
        let length = run.find(|letter| !is_part(letter)).unwrap_or(run.len());
        let (run, following) = run.split_at(length);
        match names::is_placeholder(run) {
            true => result.push_str(run),
            false => result.push_str(change(run).as_deref().unwrap_or(run)),
        }
        rest = following;
    }
    result
}
