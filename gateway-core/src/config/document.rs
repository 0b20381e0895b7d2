//! A JSON5 text with the position of every key and value.
//!
//! The positions serve two purposes: an error can name line, column and dotted key, and a change
//! can replace just the bytes it is about ([`edit`]). The `json5` crate decides what a scalar or a
//! key means and has the last word on whether a text is JSON5 at all; this module finds out where
//! things stand, which that crate does not tell.

pub mod edit;
mod scanner;

use super::problem::FileProblem;
use serde_json::Value;
use std::fmt;
use std::ops::Range;
use std::path::Path;

/// A text that parsed, with its tree.
#[derive(Debug, Clone)]
pub struct Document {
    text: String,
    root: Node,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    span: Range<usize>,
    content: Content,
}

#[derive(Debug, Clone, PartialEq)]
enum Content {
    Object(Vec<Member>),
    Array(Vec<Node>),
    Scalar(Value),
}

/// One `key: value` of an object.
#[derive(Debug, Clone, PartialEq)]
struct Member {
    key: String,
    key_span: Range<usize>,
    value: Node,
}

/// One step of a path into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A member of an object.
    Key(String),
    /// An element of an array, counted from 0.
    Index(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// Writes a path the way people write it: `profiles[0].localPort`.
pub fn dotted(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(key);
            }
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

/// Why a text is not JSON5, or a value not what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where, in bytes from the start.
    pub offset: usize,
    /// Counted from 1.
    pub line: u32,
    /// In characters, counted from 1.
    pub column: u32,
    /// The innermost key around it.
    pub key: Option<String>,
    /// What is wrong.
    pub message: String,
}

impl Fault {
    fn at(text: &str, offset: usize, path: &[Step], message: impl Into<String>) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let count = |count: usize| u32::try_from(count + 1).unwrap_or(u32::MAX);
        Self {
            offset,
            line: count(before.matches('\n').count()),
            column: count(before.get(line_start..).unwrap_or("").chars().count()),
            key: (!path.is_empty()).then(|| dotted(path)),
            message: message.into(),
        }
    }

    /// Adds the file the text came from.
    pub fn in_file(self, path: &Path) -> FileProblem {
        FileProblem {
            path: path.to_owned(),
            line: Some(self.line),
            column: Some(self.column),
            key: self.key,
            message: self.message,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for Fault {}

impl Document {
    /// Parses a JSON5 text.
    ///
    /// # Errors
    ///
    /// Names the first place that is not JSON5, and the key it belongs to.
    pub fn parse(text: impl Into<String>) -> Result<Self, Fault> {
        let text = text.into();
        let root = scanner::scan(&text)?;
        // The scanner only finds out where things stand; what JSON5 is, the crate decides.
        match json5::from_str::<Value>(&text) {
            Ok(_) => Ok(Self { text, root }),
            Err(error) => {
                let offset = error.position().map_or(0, |position| {
                    offset_of(&text, position.line, position.column)
                });
                let path = root.path_at(offset);
                Err(Fault::at(&text, offset, &path, "this is not valid JSON5"))
            }
        }
    }

    /// Returns the text as it was parsed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the whole document as a plain value.
    pub fn value(&self) -> Value {
        self.root.value()
    }

    /// Returns the value at a path, where there is one.
    ///
    /// Of a key that stands twice, the last counts, as in every JSON reader.
    pub fn get(&self, path: &[Step]) -> Option<Value> {
        self.node(path).map(Node::value)
    }

    /// Returns how many elements the array at a path has; `None` when it is no array.
    pub fn array_len(&self, path: &[Step]) -> Option<usize> {
        match &self.node(path)?.content {
            Content::Array(elements) => Some(elements.len()),
            Content::Object(_) | Content::Scalar(_) => None,
        }
    }

    /// Describes what is wrong with the value at a path, or with its nearest ancestor that exists.
    pub fn fault(&self, path: &[Step], message: impl Into<String>) -> Fault {
        let mut offset = self.root.span.start;
        for length in 1..=path.len() {
            match path.get(..length).and_then(|path| self.node(path)) {
                Some(node) => offset = node.span.start,
                None => break,
            }
        }
        Fault::at(&self.text, offset, path, message)
    }

    fn node(&self, path: &[Step]) -> Option<&Node> {
        path.iter()
            .try_fold(&self.root, |node, step| match (&node.content, step) {
                (Content::Object(members), Step::Key(key)) => members
                    .iter()
                    .rfind(|member| &member.key == key)
                    .map(|member| &member.value),
                (Content::Array(elements), Step::Index(index)) => elements.get(*index),
                (Content::Object(_) | Content::Array(_) | Content::Scalar(_), _) => None,
            })
    }
}

impl Node {
    fn value(&self) -> Value {
        match &self.content {
            Content::Object(members) => members
                .iter()
                .map(|member| (member.key.clone(), member.value.value()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            Content::Array(elements) => elements.iter().map(Self::value).collect(),
            Content::Scalar(value) => value.clone(),
        }
    }

    /// Returns the path of the innermost value or member around an offset.
    fn path_at(&self, offset: usize) -> Vec<Step> {
        let inner = match &self.content {
            Content::Object(members) => members.iter().find_map(|member| {
                (member.key_span.start..=member.value.span.end)
                    .contains(&offset)
                    .then(|| (Step::Key(member.key.clone()), &member.value))
            }),
            Content::Array(elements) => elements.iter().enumerate().find_map(|(index, element)| {
                (element.span.start..=element.span.end)
                    .contains(&offset)
                    .then_some((Step::Index(index), element))
            }),
            Content::Scalar(_) => None,
        };
        inner.map_or_else(Vec::new, |(step, node)| {
            let mut path = vec![step];
            path.extend(node.path_at(offset));
            path
        })
    }
}

/// The crate counts lines and columns from 0; columns in characters.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let line_start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(line_start..).unwrap_or("");
    let within = rest
        .char_indices()
        .nth(column)
        .map_or(rest.len(), |(at, _)| at);
    line_start + within
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(text: &str) -> Vec<Step> {
        text.split('.')
            .map(|step| {
                step.parse::<usize>()
                    .map_or_else(|_| Step::from(step), Step::from)
            })
            .collect()
    }

    #[test]
    fn values_are_found_by_path_through_comments_and_trailing_commas() {
        let document = Document::parse(
            "// a home server\n{ gateway: { 'remote': { \"sshTarget\": 'me@box', }, port: 0x10, }, list: [1, {b: .5}], }",
        )
        .unwrap();

        assert_eq!(
            document.get(&path("gateway.remote.sshTarget")),
            Some("me@box".into())
        );
        assert_eq!(document.get(&path("gateway.port")), Some(16.into()));
        assert_eq!(document.get(&path("list.1.b")), Some(0.5.into()));
        assert_eq!(document.get(&path("gateway.nothing")), None);
        assert_eq!(document.array_len(&path("list")), Some(2));
    }

    #[test]
    fn a_broken_text_names_line_column_and_key() {
        let cases = [
            (
                "{\n  gateway: {\n    port: ,\n  }\n}",
                3,
                11,
                Some("gateway.port"),
            ),
            ("{ a: [1, 2", 1, 11, Some("a")),
            ("{\n  theme: \"dark\n}", 2, 10, Some("theme")),
            ("", 1, 1, None),
            ("{} {}", 1, 4, None),
            ("{ a: 1 b: 2 }", 1, 8, None),
            ("{ a 1 }", 1, 5, Some("a")),
            ("{ a: 01 }", 1, 6, Some("a")),
            ("{ æ: { ø: tru } }", 1, 11, Some("æ.ø")),
            ("/* never closed", 1, 1, None),
        ];
        for (text, line, column, key) in cases {
            let fault = Document::parse(text).unwrap_err();
            assert_eq!(
                (fault.line, fault.column, fault.key.as_deref()),
                (line, column, key),
                "{text:?}: {fault}"
            );
        }
    }

    #[test]
    fn a_hostile_nesting_is_refused_rather_than_overflowing_the_stack() {
        let fault = Document::parse("[".repeat(100_000)).unwrap_err();

        assert!(fault.message.contains("nested"), "{fault}");
    }

    #[test]
    fn of_a_key_that_stands_twice_the_last_counts() {
        let document = Document::parse("{ a: 1, a: 2 }").unwrap();

        assert_eq!(document.get(&path("a")), Some(2.into()));
    }

    /// Any JSON value, written with JSON5's liberties chosen by `style`.
    pub(super) fn any_value() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[ -~æ\u{2028}😀\\n\\t\"']{0,8}".prop_map(Value::from),
        ];
        scalar.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec(("[a-zA-Z $_\"']{1,6}", inner), 0..5).prop_map(|members| {
                    members
                        .into_iter()
                        .collect::<serde_json::Map<_, _>>()
                        .into()
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_text_is_read_as_the_crate_reads_it_or_refused(text in "[{}\\[\\]:,'\"a-c0-2.+xe/* \n\\\\-]{0,40}") {
            let ours = Document::parse(text.clone()).map(|document| document.value()).ok();
            let theirs = json5::from_str::<Value>(&text).ok();
            prop_assert_eq!(ours, theirs);
        }

        #[test]
        fn any_value_written_as_json_or_json5_is_read_back(value in any_value()) {
            let json = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(&Document::parse(json).unwrap().value(), &value);
            let json5 = json5::to_string(&value).unwrap();
            prop_assert_eq!(&Document::parse(json5).unwrap().value(), &value);
        }
    }
}
