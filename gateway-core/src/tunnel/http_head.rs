//! Screening of what a browser could send to our loopback listener.
//!
//! Every web page may connect to 127.0.0.1, and a gateway takes what comes through the tunnel for a
//! local program. So a request's head has to name our own listener as its host (which stops DNS
//! rebinding), and if it says which page it comes from, that has to be one served from here. Bytes
//! that no browser can send pass unseen. Pure: no I/O, no clock.

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;

use crate::web_address::{ForeignTarget, OwnNames, WebOrigin, target_authority};

/// The longest head that is read (Node's own limit).
pub(super) const MAX_HEAD: usize = 16 * 1024;

/// The longest first word that may still become an HTTP method.
const MAX_METHOD: usize = 1024;

/// What the first bytes of a connection look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// One word so far: it may become a request's method or anything else.
    OneWord,
    /// The beginning of a request's head.
    PartOfHead,
    /// A whole head of this many bytes, its empty line included.
    Head(usize),
    /// Nothing that a browser sends.
    NotHttp,
    /// A head larger than any browser sends.
    TooLarge,
}

/// Why a request is not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The head is not well-formed, so that two readers might differ about it.
    Malformed,
    /// It is meant for another host (RFC 9110 §15.5.20).
    Host,
    /// It comes from a page that was not served from here.
    Origin,
    /// The head is too large.
    TooLarge,
    /// The head took too long.
    TooSlow,
}

impl Refusal {
    /// Returns the whole answer. It says nothing that a foreign page could use.
    pub(super) fn response(self) -> String {
        let (status, text) = match self {
            Self::Malformed => ("400 Bad Request", "This request is not well-formed."),
            Self::Host => (
                "421 Misdirected Request",
                "This address does not belong to this host name.",
            ),
            Self::Origin => (
                "403 Forbidden",
                "Pages from elsewhere may not talk to the gateway.",
            ),
            Self::TooLarge => (
                "431 Request Header Fields Too Large",
                "This request's head is too large.",
            ),
            Self::TooSlow => ("408 Request Timeout", "This request took too long."),
        };
        format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\
             X-Content-Type-Options: nosniff\r\nContent-Length: {}\r\n\r\n{text}\n",
            text.len() + 1
        )
    }
}

/// Looks at the first bytes of a connection.
pub(super) fn look(bytes: &[u8]) -> Look {
    // Servers skip empty lines before a request (RFC 9112 §2.2).
    let skipped = bytes
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .count();
    let request = bytes.get(skipped..).unwrap_or_default();
    let word = request.iter().take_while(|byte| is_token(**byte)).count();
    match request.get(word) {
        None if bytes.len() > MAX_METHOD => Look::NotHttp,
        None => Look::OneWord,
        Some(b' ') if word > 0 => look_at_lines(bytes, request, skipped),
        Some(_) => Look::NotHttp,
    }
}

fn look_at_lines(bytes: &[u8], request: &[u8], skipped: usize) -> Look {
    let too_large = bytes.len() > MAX_HEAD;
    let Some(first_end) = request.iter().position(|byte| *byte == b'\n') else {
        return if too_large {
            Look::TooLarge
        } else {
            Look::PartOfHead
        };
    };
    let first = request
        .get(..first_end)
        .unwrap_or_default()
        .to_ascii_uppercase();
    if !first.windows(6).any(|window| window == b" HTTP/") {
        return Look::NotHttp;
    }
    let mut at = first_end + 1;
    while let Some(length) = request
        .get(at..)
        .and_then(|rest| rest.iter().position(|byte| *byte == b'\n'))
    {
        let line = request.get(at..at + length).unwrap_or_default();
        at += length + 1;
        if line.is_empty() || line == b"\r" {
            return if skipped + at > MAX_HEAD {
                Look::TooLarge
            } else {
                Look::Head(skipped + at)
            };
        }
    }
    if too_large {
        Look::TooLarge
    } else {
        Look::PartOfHead
    }
}

/// Judges a whole head for a listener on `port`, and returns it as it is to be passed on.
///
/// A request that does not switch protocols is passed on with `Connection: close`: what came later
/// on the same connection would not be seen here.
pub(super) fn screen(head: &[u8], port: u16) -> Result<Vec<u8>, Refusal> {
    let text = std::str::from_utf8(head).map_err(|_| Refusal::Malformed)?;
    // Nothing before the request is passed on.
    let text = text.trim_start_matches(['\r', '\n']);
    let mut lines = text
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line));
    let request_line = lines.next().ok_or(Refusal::Malformed)?;
    let fields: Vec<(&str, &str)> = lines
        .take_while(|line| !line.is_empty())
        .map(field)
        .collect::<Option<_>>()
        .ok_or(Refusal::Malformed)?;
    if request_line.contains(is_forbidden) {
        return Err(Refusal::Malformed);
    }

    let mut words = request_line.split(' ');
    let (Some(_method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Refusal::Malformed);
    };
    if !version.starts_with("HTTP/1.") {
        return Err(Refusal::Malformed);
    }
    let own = OwnNames::of_loopback(port);
    let authority = target_authority(target).map_err(|ForeignTarget| Refusal::Host)?;
    if authority.is_some_and(|authority| !own.is_host(authority)) {
        return Err(Refusal::Host);
    }
    let mut hosts = values(&fields, "host");
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if own.is_host(host) => {}
        (Some(_) | None, _) => return Err(Refusal::Host),
    }
    let mut origins = values(&fields, "origin");
    match (origins.next(), origins.next()) {
        (None, _) => {}
        (Some(origin), None)
            if WebOrigin::parse(origin).is_some_and(|origin| own.is_origin(&origin)) => {}
        (Some(_), _) => return Err(Refusal::Origin),
    }

    if values(&fields, "upgrade").next().is_some() {
        return Ok(text.as_bytes().to_vec());
    }
    let mut passed = format!("{request_line}\r\n");
    for (name, value) in &fields {
        if !["connection", "keep-alive", "proxy-connection"]
            .contains(&name.to_ascii_lowercase().as_str())
        {
            passed.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    passed.push_str("Connection: close\r\n\r\n");
    Ok(passed.into_bytes())
}

/// Splits a header field (RFC 9112 §5); `None` if it is folded, nameless or holds control characters.
fn field(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let is_sound = !name.is_empty() && name.bytes().all(is_token) && !value.contains(is_forbidden);
    is_sound.then(|| (name, value.trim_matches([' ', '\t'])))
}

fn values<'a>(fields: &'a [(&str, &'a str)], name: &'a str) -> impl Iterator<Item = &'a str> {
    fields
        .iter()
        .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
        .map(|(_, value)| *value)
}

fn is_forbidden(c: char) -> bool {
    c.is_control() && c != '\t'
}

/// The characters of methods and field names (RFC 9110 §5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests;
