//! A command line in words, split without a shell: blanks part words, quotes keep them together, and
//! nothing else has a meaning.

/// A quote that is not closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a quote is not closed")]
pub struct OpenQuote;

/// One word of a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word, without its quotes.
    pub text: String,
    /// What of it stood outside quotes: only there would a shell see operators.
    pub bare: String,
}

/// Splits a command line.
///
/// # Errors
///
/// Fails where a quote is not closed.
pub fn split(line: &str) -> Result<Vec<Word>, OpenQuote> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut quote = None;
    let empty = || Word {
        text: String::new(),
        bare: String::new(),
    };
    for letter in line.trim().chars() {
        match quote {
            Some(open) if letter == open => quote = None,
            Some(_) => word.get_or_insert_with(empty).text.push(letter),
            None if letter == '"' || letter == '\'' => {
                quote = Some(letter);
                word.get_or_insert_with(empty);
            }
            None if letter.is_whitespace() => words.extend(word.take()),
            None => {
                let word = word.get_or_insert_with(empty);
                word.text.push(letter);
                word.bare.push(letter);
            }
        }
    }
    words.extend(word);
    match quote {
        None => Ok(words),
        Some(_) => Err(OpenQuote),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str) -> Vec<String> {
        let words = split(line).unwrap();
        words.into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn quotes_keep_blanks_and_empty_words() {
        assert_eq!(texts("echo 'a  b' \"\" c'd'e"), ["echo", "a  b", "", "cde"]);
        assert_eq!(texts("  ls\t-l \n"), ["ls", "-l"]);
        assert_eq!(texts(""), Vec::<String>::new());
        assert_eq!(split("echo 'a"), Err(OpenQuote));
    }

    #[test]
    fn what_stood_in_quotes_is_told_from_what_did_not() {
        let words = split("echo a'|'b |").unwrap();

        assert_eq!(words[1].text, "a|b");
        assert_eq!(words[1].bare, "ab");
        assert_eq!(words[2].bare, "|");
    }
}
