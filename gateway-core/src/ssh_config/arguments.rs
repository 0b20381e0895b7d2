//! One line of a configuration file, taken apart into words.

/// The blanks between words.
const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// A line that says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Statement<'a> {
    /// The option's name as written.
    pub(super) keyword: &'a str,
    /// What follows it, without the `=` that may stand between.
    pub(super) rest: &'a str,
}

impl<'a> Statement<'a> {
    /// Reads a line; one that is empty or a comment says nothing.
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        // A form feed is only allowed at the end, where editors leave it.
        let line = line.trim_end_matches([' ', '\t', '\r', '\n', '\u{c}']);
        let line = line.trim_start_matches(BLANKS);
        let (keyword, rest) = next_word(line)?;
        if keyword.is_empty() || keyword.starts_with('#') {
            return None;
        }
        let rest = rest.trim_start_matches(BLANKS);
        Some(Self { keyword, rest })
    }
}

/// Cuts the first word off, and the one `=` that may follow it. `None` when nothing is left, or at a
/// quotation mark without its counterpart.
pub(super) fn next_word(text: &str) -> Option<(&str, &str)> {
    if text.is_empty() {
        return None;
    }
    if let Some(quoted) = text.strip_prefix('"') {
        let (word, rest) = quoted.split_once('"')?;
        return Some((word, rest.trim_start_matches(BLANKS)));
    }
    let ends_word = |c: char| BLANKS.contains(&c) || matches!(c, '"' | '=');
    let Some(end) = text.find(ends_word) else {
        return Some((text, ""));
    };
    let (word, rest) = text.split_at(end);
    if rest.starts_with('"') {
        return Some((word, rest));
    }
    let rest = rest.trim_start_matches(BLANKS);
    let rest = rest.strip_prefix('=').unwrap_or(rest);
    Some((word, rest.trim_start_matches(BLANKS)))
}

/// Splits the rest of a line at blanks, minding both quotation marks, backslashes and a comment.
/// `None` when a quotation mark is not closed.
pub(super) fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
        match chars.peek() {
            None | Some('#') => return Some(words),
            Some(_) => {}
        }
        let mut word = String::new();
        let mut quote = None;
        while let Some(c) = chars.next_if(|c| quote.is_some() || !matches!(c, ' ' | '\t')) {
            match (quote, c) {
                (open, '\\') => {
                    let escaped = chars.next_if(|next| {
                        matches!(next, '\'' | '"' | '\\') || (open.is_none() && *next == ' ')
                    });
                    word.push(escaped.unwrap_or('\\'));
                }
                (None, '"' | '\'') => quote = Some(c),
                (Some(open), c) if c == open => quote = None,
                (_, c) => word.push(c),
            }
        }
        if quote.is_some() {
            return None;
        }
        words.push(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(line: &str) -> Option<(&str, &str)> {
        Statement::parse(line).map(|statement| (statement.keyword, statement.rest))
    }

    #[test]
    fn a_line_is_a_keyword_and_the_rest() {
        let table = [
            ("Host box", Some(("Host", "box"))),
            ("  Port\t=\t22  ", Some(("Port", "22"))),
            ("Port=22", Some(("Port", "22"))),
            ("Port==22", Some(("Port", "=22"))),
            ("\"User\" me", Some(("User", "me"))),
            ("User \"a b\"\r", Some(("User", "\"a b\""))),
            ("User", Some(("User", ""))),
            ("User me\u{c}", Some(("User", "me"))),
            ("# Host box", None),
            ("#Host", None),
            ("   ", None),
            ("", None),
            ("\"User me", None),
        ];
        for (line, expected) in table {
            assert_eq!(statement(line), expected, "{line:?}");
        }
    }

    #[test]
    fn words_mind_quotes_backslashes_and_comments() {
        let table: [(&str, Option<&[&str]>); 11] = [
            ("a b\tc", Some(&["a", "b", "c"])),
            ("\"a b\" 'c d'", Some(&["a b", "c d"])),
            ("a\"b c\"d", Some(&["ab cd"])),
            ("'it\"s' \"it's\"", Some(&["it\"s", "it's"])),
            (r"a\ b", Some(&["a b"])),
            (r#""a\ b\"c""#, Some(&[r#"a\ b"c"#])),
            (r"c:\dir \\", Some(&[r"c:\dir", r"\"])),
            ("a # b", Some(&["a"])),
            ("a#b", Some(&["a#b"])),
            ("\"\"", Some(&[""])),
            ("\"a", None),
        ];
        for (text, expected) in table {
            let expected =
                expected.map(|words| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>());
            assert_eq!(words(text), expected, "{text:?}");
        }
    }
}
