//! Texts that servers and agents send, made fit to show.

/// The longest text of a server's that we repeat, in characters.
const MAX_SERVER_TEXT: usize = 300;

/// Makes a server's text fit to show: nothing unseen that controls a terminal or turns the reading
/// direction, no novel.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_unseen(*c))
        .take(MAX_SERVER_TEXT)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// Makes what a program printed fit to show: its lines stay, its colours and tricks do not.
pub(crate) fn printable_lines(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => match rest.next_if(|c| matches!(c, '[' | ']')) {
                // Colours and the like end with a letter (ECMA-48, section 5.4), titles with a bell or ESC \.
                Some('[') => drop(rest.find(|c| ('@'..='~').contains(c))),
                Some(_) => drop(rest.find(|c| matches!(c, '\u{7}' | '\\'))),
                None => {}
            },
            '\n' | '\t' => shown.push(c),
            c if c.is_control() || is_unseen(c) => {}
            c => shown.push(c),
        }
    }
    shown
}

/// Returns whether a character only directs how others are shown, which can make words say another thing.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_program_lose_their_colours_and_keep_their_words() {
        let table = [
            (
                "\u{1b}[1;31mred\u{1b}[0m\r\nnext\tcolumn\n",
                "red\nnext\tcolumn\n",
            ),
            ("\u{1b}]0;title\u{7}Code\u{202e}", "Code"),
            ("\u{1b}]8;;http://x\u{1b}\\link", "link"),
            ("cut off \u{1b}[", "cut off "),
            ("\u{1b}", ""),
            ("Søren ✓\0\u{9b}", "Søren ✓"),
        ];

        for (text, expected) in table {
            assert_eq!(printable_lines(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_left_out_and_the_rest_is_kept() {
        let table = [
            ("Password: ", "Password:"),
            ("\u{1b}]0;title\u{7}Code:\r\n", "]0;titleCode:"),
            ("\u{1b}[2J\u{9b}31mCode", "[2J31mCode"),
            ("safe\u{202e}evil\u{2066}\u{200b}", "safeevil"),
            ("Kode til Søren:", "Kode til Søren:"),
            ("two\nlines", "two lines"),
        ];

        for (text, expected) in table {
            assert_eq!(printable(text), expected, "{text:?}");
        }
        assert_eq!(printable(&"x".repeat(1_000_000)).len(), MAX_SERVER_TEXT);
    }
}
