//! Finds where the keys and values of a JSON5 text stand.
//!
//! Grammar: <https://spec.json5.org>. The meaning of scalars and keys is left to the `json5`
//! crate; this file only knows where a token ends.

use super::{Content, Fault, Member, Node, Step};
use serde_json::Value;

/// Deeper texts are refused, so that a hostile file cannot exhaust the stack.
const DEEPEST: usize = 96;

/// Reads a whole text.
pub(super) fn scan(text: &str) -> Result<Node, Fault> {
    let mut scanner = Scanner {
        text,
        at: 0,
        path: Vec::new(),
        depth: 0,
    };
    scanner.skip_blank()?;
    let root = scanner.value()?;
    scanner.skip_blank()?;
    match scanner.peek() {
        None => Ok(root),
        Some(_) => Err(scanner.fault("nothing may follow the end of the document")),
    }
}

/// Returns whether JSON5 counts a character as white space.
pub(super) fn is_blank(character: char) -> bool {
    // U+0085 is white space to Unicode but not to JSON5.
    character == '\u{FEFF}' || (character.is_whitespace() && character != '\u{85}')
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    path: Vec<Step>,
    depth: usize,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn fault(&self, message: &str) -> Fault {
        Fault::at(self.text, self.at, &self.path, message)
    }

    /// Skips white space and comments.
    fn skip_blank(&mut self) -> Result<(), Fault> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches(is_blank);
            self.at += rest.len() - trimmed.len();
            if let Some(comment) = trimmed.strip_prefix("//") {
                let end = comment.find(['\n', '\r', '\u{2028}', '\u{2029}']);
                self.at += 2 + end.unwrap_or(comment.len());
            } else if let Some(comment) = trimmed.strip_prefix("/*") {
                let Some(end) = comment.find("*/") else {
                    return Err(self.fault("this comment is never closed"));
                };
                self.at += 2 + end + 2;
            } else {
                return Ok(());
            }
        }
    }

    fn value(&mut self) -> Result<Node, Fault> {
        let start = self.at;
        let content = match self.peek() {
            None => return Err(self.fault("the text ends where a value is expected")),
            Some('{') => self.nested(Self::object)?,
            Some('[') => self.nested(Self::array)?,
            Some('"' | '\'') => {
                self.string()?;
                Content::Scalar(self.decode(start)?)
            }
            Some(_) => {
                self.at += self.word_len();
                if self.at == start {
                    return Err(self.fault("a value is expected here"));
                }
                Content::Scalar(self.decode(start)?)
            }
        };
        Ok(Node {
            span: start..self.at,
            content,
        })
    }

    fn nested(&mut self, inner: fn(&mut Self) -> Result<Content, Fault>) -> Result<Content, Fault> {
        if self.depth == DEEPEST {
            return Err(self.fault("values are nested too deeply here"));
        }
        self.depth += 1;
        self.at += 1;
        let content = inner(self);
        self.depth -= 1;
        content
    }

    fn object(&mut self) -> Result<Content, Fault> {
        let mut members = Vec::new();
        loop {
            self.skip_blank()?;
            if self.eat('}') {
                return Ok(Content::Object(members));
            }
            let key_start = self.at;
            let key = self.key()?;
            let key_span = key_start..self.at;
            self.path.push(Step::Key(key.clone()));
            self.skip_blank()?;
            if !self.eat(':') {
                return Err(self.fault("a colon is expected after the key"));
            }
            self.skip_blank()?;
            let value = self.value()?;
            self.path.pop();
            members.push(Member {
                key,
                key_span,
                value,
            });
            self.skip_blank()?;
            if !self.eat(',') && self.peek() != Some('}') {
                return Err(self.fault("a comma or a closing brace is expected here"));
            }
        }
    }

    fn array(&mut self) -> Result<Content, Fault> {
        let mut elements = Vec::new();
        loop {
            self.skip_blank()?;
            if self.eat(']') {
                return Ok(Content::Array(elements));
            }
            if self.peek().is_none() {
                return Err(self.fault("the text ends inside a list"));
            }
            self.path.push(Step::Index(elements.len()));
            elements.push(self.value()?);
            self.path.pop();
            self.skip_blank()?;
            if !self.eat(',') && self.peek() != Some(']') {
                return Err(self.fault("a comma or a closing bracket is expected here"));
            }
        }
    }

    fn key(&mut self) -> Result<String, Fault> {
        let start = self.at;
        match self.peek() {
            None => return Err(self.fault("the text ends inside an object")),
            Some('"' | '\'') => self.string()?,
            Some(_) => self.at += self.word_len(),
        }
        let written = self.text.get(start..self.at).unwrap_or("");
        // An identifier may hold escapes; the crate reads them when it stands as a key.
        json5::from_str::<serde_json::Map<String, Value>>(&format!("{{{written}:0}}"))
            .ok()
            .and_then(|object| object.into_iter().next())
            .map(|(key, _)| key)
            .ok_or_else(|| {
                self.at = start;
                self.fault("a key is expected here")
            })
    }

    /// Moves past a quoted string.
    fn string(&mut self) -> Result<(), Fault> {
        let rest = self.rest();
        let mut characters = rest.char_indices();
        let quote = characters.next().map(|(_, quote)| quote);
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => {
                    // A line may be continued, and Windows writes its end in two characters.
                    if let Some((next, '\r')) = characters.next()
                        && rest
                            .get(next + 1..)
                            .is_some_and(|rest| rest.starts_with('\n'))
                    {
                        characters.next();
                    }
                }
                '\n' | '\r' => break,
                _ if Some(character) == quote => {
                    self.at += at + character.len_utf8();
                    return Ok(());
                }
                _ => {}
            }
        }
        Err(self.fault("this text is never closed with a quote"))
    }

    /// Returns how many bytes a bare word or number takes.
    fn word_len(&self) -> usize {
        let rest = self.rest();
        rest.find(|character: char| is_blank(character) || "{}[],:\"'/".contains(character))
            .unwrap_or(rest.len())
    }

    fn decode(&self, start: usize) -> Result<Value, Fault> {
        let written = self.text.get(start..self.at).unwrap_or("");
        json5::from_str(written)
            .map_err(|_| Fault::at(self.text, start, &self.path, "this is not a JSON5 value"))
    }
}
