//! Texts that servers and agents send, made fit to show.

/// The longest text of a server's that we repeat, in characters.
const MAX_SERVER_TEXT: usize = 300;

/// Makes a server's text fit to show: no control characters, no novel.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control())
        .take(MAX_SERVER_TEXT)
        .collect::<String>()
        .trim()
        .to_owned()
}
