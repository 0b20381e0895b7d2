//! Changes to a JSON5 text that leave every other byte as the user wrote it.
//!
//! An [`Edit`] replaces one range of bytes. [`Document::set`] and [`Document::remove`] work out the
//! edits for one change, apply them and parse the result again.

use super::scanner::is_blank;
use super::{Content, Document, Fault, Node, Step, dotted};
use serde_json::Value;
use std::ops::Range;

/// What one level of nesting is indented by, where the file does not show a habit of its own.
const INDENT: &str = "  ";

/// One replaced range of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that go.
    pub range: Range<usize>,
    /// What comes in their place.
    pub replacement: String,
}

/// Why a change cannot be made in a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The path leads through a value that has no members, or past the end of a list.
    #[error("{key} has no place in this file, because a value above it is neither object nor list")]
    NoPlace {
        /// The dotted key.
        key: String,
    },
    /// The changed text no longer parses.
    #[error("the changed text would not be valid JSON5")]
    Unparsable(#[source] Fault),
}

impl Document {
    /// Sets the value at a path, adding it and its parents where they are missing.
    ///
    /// An index equal to a list's length appends to it.
    ///
    /// # Errors
    ///
    /// Fails when the path leads through a scalar or past the end of a list.
    pub fn set(&self, path: &[Step], value: &Value) -> Result<Self, EditError> {
        self.apply(self.edits_to_set(path, value)?)
    }

    /// Removes the member or element at a path with its comma; absent ones stay absent.
    ///
    /// # Errors
    ///
    /// Fails only if the changed text did not parse.
    pub fn remove(&self, path: &[Step]) -> Result<Self, EditError> {
        self.apply(self.edits_to_remove(path))
    }

    /// Works out the edits of [`Self::set`], in order and not overlapping.
    ///
    /// # Errors
    ///
    /// As [`Self::set`].
    pub fn edits_to_set(&self, path: &[Step], value: &Value) -> Result<Vec<Edit>, EditError> {
        if let Some(node) = self.node(path) {
            return Ok(vec![Edit {
                range: node.span.clone(),
                replacement: self.written(value, &self.indent_at(node.span.start)),
            }]);
        }
        let no_place = || EditError::NoPlace { key: dotted(path) };
        let (last, parents) = path.split_last().ok_or_else(no_place)?;
        let Some(parent) = self.node(parents) else {
            // The parent is missing as well: add it, holding just this one value.
            let holder = match last {
                Step::Key(key) => {
                    Value::Object(std::iter::once((key.clone(), value.clone())).collect())
                }
                Step::Index(0) => Value::Array(vec![value.clone()]),
                Step::Index(_) => return Err(no_place()),
            };
            return self.edits_to_set(parents, &holder);
        };
        let indent = self.child_indent(parent);
        match (&parent.content, last) {
            (Content::Object(members), Step::Key(key)) => {
                let entry = format!("{}: {}", written_key(key), self.written(value, &indent));
                Ok(self.insertion(parent, members.last().map(|member| &member.value), &entry))
            }
            (Content::Array(elements), Step::Index(index)) if *index == elements.len() => {
                Ok(self.insertion(parent, elements.last(), &self.written(value, &indent)))
            }
            (Content::Object(_) | Content::Array(_) | Content::Scalar(_), _) => Err(no_place()),
        }
    }

    fn edits_to_remove(&self, path: &[Step]) -> Vec<Edit> {
        let Some((last, parents)) = path.split_last() else {
            return Vec::new();
        };
        let spans: Vec<Range<usize>> = match self.node(parents).map(|parent| &parent.content) {
            Some(Content::Object(members)) => members
                .iter()
                .map(|member| member.key_span.start..member.value.span.end)
                .collect(),
            Some(Content::Array(elements)) => elements
                .iter()
                .map(|element| element.span.clone())
                .collect(),
            Some(Content::Scalar(_)) | None => return Vec::new(),
        };
        let wanted: Vec<usize> = match (self.node(parents).map(|parent| &parent.content), last) {
            // A key that stands twice must go twice, or the earlier one would come to light.
            (Some(Content::Object(members)), Step::Key(key)) => members
                .iter()
                .enumerate()
                .filter(|(_, member)| &member.key == key)
                .map(|(index, _)| index)
                .collect(),
            (Some(Content::Array(elements)), Step::Index(index)) if *index < elements.len() => {
                vec![*index]
            }
            _ => Vec::new(),
        };
        let mut edits = Vec::new();
        for index in wanted {
            let Some(span) = spans.get(index).cloned() else {
                continue;
            };
            edits.push(deletion(self.whole_line(span.clone())));
            let comma = self.comma_after(span.end).or_else(|| {
                let before = index.checked_sub(1).and_then(|index| spans.get(index))?;
                self.comma_after(before.end)
            });
            if let Some(comma) = comma {
                // Blanks before its comma are its own; a remark there is not.
                let between = self.text.get(span.end..comma);
                let own = between.is_some_and(|text| text.trim_matches([' ', '\t']).is_empty());
                edits.push(deletion(if own { span.end } else { comma }..comma + 1));
            }
        }
        merged(edits)
    }

    fn apply(&self, edits: Vec<Edit>) -> Result<Self, EditError> {
        let mut text = self.text.clone();
        for edit in edits.into_iter().rev() {
            text.replace_range(edit.range, &edit.replacement);
        }
        Self::parse(text).map_err(EditError::Unparsable)
    }

    /// Adds an entry as the last one of an object or list.
    fn insertion(&self, parent: &Node, last: Option<&Node>, entry: &str) -> Vec<Edit> {
        let close = parent.span.end.saturating_sub(1);
        let inside = self.text.get(parent.span.start + 1..close).unwrap_or("");
        let place = parent.span.start + 1 + inside.trim_end_matches(is_blank).len();
        let many_lines = inside.contains(['\n', '\r', '\u{2028}', '\u{2029}']);
        let newline = self.newline();
        let lead = if many_lines {
            format!("{newline}{}", self.child_indent(parent))
        } else if last.is_some() {
            " ".to_owned()
        } else {
            String::new()
        };
        let trailing = last.and_then(|last| self.comma_after(last.span.end));
        let mut edits = Vec::new();
        if let (Some(last), None) = (last, trailing) {
            edits.push(insertion(last.span.end, ",".to_owned()));
        }
        let tail = if trailing.is_some() { "," } else { "" };
        edits.push(insertion(place, format!("{lead}{entry}{tail}")));
        merged(edits)
    }

    /// Finds the comma that follows a value, past white space and comments.
    fn comma_after(&self, offset: usize) -> Option<usize> {
        let mut at = offset;
        loop {
            let rest = self.text.get(at..)?;
            let trimmed = rest.trim_start_matches(is_blank);
            at += rest.len() - trimmed.len();
            if let Some(comment) = trimmed.strip_prefix("//") {
                at += 2 + comment.find(['\n', '\r', '\u{2028}', '\u{2029}'])?;
            } else if let Some(comment) = trimmed.strip_prefix("/*") {
                at += 2 + comment.find("*/")? + 2;
            } else {
                return trimmed.starts_with(',').then_some(at);
            }
        }
    }

    /// Widens a span over the line break before it when nothing else stands on its lines.
    ///
    /// Something after it must keep that line break: a remark on the line before would swallow it.
    fn whole_line(&self, span: Range<usize>) -> Range<usize> {
        let after = self.text.get(span.end..).unwrap_or("");
        let after = after.trim_start_matches([' ', '\t']);
        let after = after.strip_prefix(',').unwrap_or(after);
        let alone_after = after
            .trim_start_matches([' ', '\t'])
            .starts_with(['\r', '\n']);
        let before = self.text.get(..span.start).unwrap_or("");
        match before.trim_end_matches([' ', '\t']).strip_suffix('\n') {
            Some(line) if alone_after => line.strip_suffix('\r').unwrap_or(line).len()..span.end,
            Some(_) | None => span,
        }
    }

    /// Writes a value with the line ends of this text.
    fn written(&self, value: &Value, indent: &str) -> String {
        // A line break inside of a text is written as an escape, so these are all between lines.
        written(value, indent).replace('\n', self.newline())
    }

    fn newline(&self) -> &'static str {
        if self.text.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        }
    }

    /// Returns the indentation of the line an offset is on.
    fn indent_at(&self, offset: usize) -> String {
        let before = self.text.get(..offset).unwrap_or("");
        let line = before
            .get(before.rfind('\n').map_or(0, |at| at + 1)..)
            .unwrap_or("");
        line.chars()
            .take_while(|character| matches!(character, ' ' | '\t'))
            .collect()
    }

    /// Returns the indentation of what stands inside an object or list.
    fn child_indent(&self, parent: &Node) -> String {
        let first = match &parent.content {
            Content::Object(members) => members.first().map(|member| member.key_span.start),
            Content::Array(elements) => elements.first().map(|element| element.span.start),
            Content::Scalar(_) => None,
        };
        let own = self.indent_at(parent.span.start);
        let same_line = |first: usize| {
            !self
                .text
                .get(parent.span.start..first)
                .is_some_and(|text| text.contains('\n'))
        };
        match first {
            Some(first) if !same_line(first) => self.indent_at(first),
            Some(_) | None => own + INDENT,
        }
    }
}

fn insertion(at: usize, replacement: String) -> Edit {
    Edit {
        range: at..at,
        replacement,
    }
}

fn deletion(range: Range<usize>) -> Edit {
    Edit {
        range,
        replacement: String::new(),
    }
}

/// Puts edits in order and joins those at the same place.
fn merged(mut edits: Vec<Edit>) -> Vec<Edit> {
    edits.sort_by_key(|edit| edit.range.start);
    let mut result: Vec<Edit> = Vec::new();
    for edit in edits {
        match result.last_mut() {
            Some(last) if edit.range.start < last.range.end || last.range == edit.range => {
                last.range.end = last.range.end.max(edit.range.end);
                last.replacement.push_str(&edit.replacement);
            }
            _ => result.push(edit),
        }
    }
    result
}

/// Writes a key bare where JSON5 and the eye agree that it can be.
fn written_key(key: &str) -> String {
    let plain = key
        .chars()
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && key
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '_');
    if plain {
        key.to_owned()
    } else {
        Value::from(key).to_string()
    }
}

/// Writes a value, its inner lines indented below `indent`.
fn written(value: &Value, indent: &str) -> String {
    match value {
        Value::Object(members) if !members.is_empty() => {
            let inner = format!("{indent}{INDENT}");
            let lines: Vec<String> = members
                .iter()
                .map(|(key, value)| {
                    format!("{inner}{}: {},", written_key(key), written(value, &inner))
                })
                .collect();
            format!("{{\n{}\n{indent}}}", lines.join("\n"))
        }
        Value::Array(elements) if !elements.is_empty() => {
            let inner = format!("{indent}{INDENT}");
            let lines: Vec<String> = elements
                .iter()
                .map(|value| format!("{inner}{},", written(value, &inner)))
                .collect();
            format!("[\n{}\n{indent}]", lines.join("\n"))
        }
        Value::Object(_) => "{}".to_owned(),
        Value::Array(_) => "[]".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::any_value;
    use super::*;
    use proptest::prelude::*;

    fn set(text: &str, path: &[Step], value: impl Into<Value>) -> String {
        let document = Document::parse(text).unwrap();
        document.set(path, &value.into()).unwrap().text().to_owned()
    }

    fn remove(text: &str, path: &[Step]) -> String {
        Document::parse(text)
            .unwrap()
            .remove(path)
            .unwrap()
            .text()
            .to_owned()
    }

    #[test]
    fn a_changed_value_leaves_comments_quotes_and_spacing_alone() {
        let text = "{\n  // the box under the stairs\n  address : 'me@box', // do not touch\n  port: 1,\n}\n";

        assert_eq!(
            set(text, &["port".into()], 18789),
            text.replace("port: 1", "port: 18789")
        );
    }

    #[test]
    fn a_new_key_goes_last_and_follows_the_habits_of_the_file() {
        let cases = [
            ("{}", "{x: 1}"),
            ("{ a: 0 }", "{ a: 0, x: 1 }"),
            ("{\n    a: 0\n}", "{\n    a: 0,\n    x: 1\n}"),
            ("{\n\ta: 0, // why\n}", "{\n\ta: 0, // why\n\tx: 1,\n}"),
            ("{\n  a: 0 // why\n}", "{\n  a: 0, // why\n  x: 1\n}"),
            ("{\r\n  a: 0,\r\n}", "{\r\n  a: 0,\r\n  x: 1,\r\n}"),
            ("{\n  // nothing yet\n}", "{\n  // nothing yet\n  x: 1\n}"),
        ];
        for (before, after) in cases {
            assert_eq!(set(before, &["x".into()], 1), after, "{before:?}");
        }
    }

    #[test]
    fn missing_parents_are_made_and_lists_are_appended_to() {
        assert_eq!(
            set("{\n}", &["a".into(), "b".into()], true),
            "{\n  a: {\n    b: true,\n  }\n}"
        );
        assert_eq!(
            set("{\r\n}", &["a".into(), "b".into()], true),
            "{\r\n  a: {\r\n    b: true,\r\n  }\r\n}"
        );
        assert_eq!(
            set("{ a: [1] }", &["a".into(), 1.into()], 2),
            "{ a: [1, 2] }"
        );
        let scalar = Document::parse("{ a: 1 }").unwrap();
        assert!(matches!(
            scalar.set(&["a".into(), "b".into()], &Value::Null),
            Err(EditError::NoPlace { key }) if key == "a.b"
        ));
    }

    #[test]
    fn a_removed_key_takes_its_comma_and_line_with_it_and_nothing_else() {
        let text = "{\n  a: 1, // one\n  b: 2,\n  c: 3\n}";

        assert_eq!(remove(text, &["b".into()]), "{\n  a: 1, // one\n  c: 3\n}");
        assert_eq!(remove(text, &["c".into()]), "{\n  a: 1, // one\n  b: 2\n}");
        assert_eq!(
            remove("{\n  a: 1,\n  b: 2 ,\n}", &["b".into()]),
            "{\n  a: 1,\n}"
        );
        assert_eq!(
            remove("{ a: 1, a: 2 }", &["a".into()]).replace(' ', ""),
            "{}"
        );
        assert_eq!(remove("[1, 2, 3]", &[1.into()]), "[1,  3]");
        assert_eq!(remove(text, &["nothing".into()]), text);
    }

    /// Returns what is left of a text when its edited ranges are cut out.
    fn untouched(text: &str, edits: &[Edit]) -> Vec<String> {
        let mut at = 0;
        let mut parts = Vec::new();
        for edit in edits {
            parts.push(text[at..edit.range.start].to_owned());
            at = edit.range.end;
        }
        parts.push(text[at..].to_owned());
        parts
    }

    /// Sprinkles comments and blanks where JSON5 allows them.
    fn decorated(text: &str, comments: &[u8]) -> String {
        let mut result = String::new();
        let mut choice = comments.iter().cycle();
        let mut quoted = false;
        let mut escaped = false;
        for character in text.chars() {
            result.push(character);
            quoted ^= character == '"' && !escaped;
            escaped = character == '\\' && !escaped;
            if !quoted && "{[,:".contains(character) {
                result.push_str(match choice.next().unwrap_or(&0) % 5 {
                    0 => "",
                    1 => " // a remark, with: {signs}\n",
                    2 => " /* and, another */ ",
                    3 => "\r\n\t",
                    _ => "\n",
                });
            }
        }
        result
    }

    proptest! {
        #[test]
        fn a_change_reads_back_as_intended_and_every_other_byte_stays(
            members in prop::collection::vec(("[a-d]", any_value()), 0..4),
            key in "[a-f]",
            value in any_value(),
            comments in prop::collection::vec(any::<u8>(), 1..8),
        ) {
            let before: Value = members.into_iter().collect::<serde_json::Map<_, _>>().into();
            let text = decorated(&serde_json::to_string(&before).unwrap(), &comments);
            let document = Document::parse(text.clone()).unwrap();
            let path = [Step::from(key.as_str())];

            let edits = document.edits_to_set(&path, &value).unwrap();
            let after = document.set(&path, &value).unwrap();

            let mut intended = before;
            intended[&key] = value;
            prop_assert_eq!(after.value(), intended);
            let mut rest = after.text();
            for (index, part) in untouched(&text, &edits).iter().enumerate() {
                prop_assert!(rest.starts_with(part.as_str()), "{} was changed", part);
                rest = &rest[part.len()..];
                if let Some(edit) = edits.get(index) {
                    prop_assert!(rest.starts_with(&edit.replacement));
                    rest = &rest[edit.replacement.len()..];
                }
            }
            prop_assert_eq!(rest, "");
        }

        #[test]
        fn a_removal_reads_back_as_intended(
            members in prop::collection::vec(("[a-d]", any_value()), 0..4),
            key in "[a-f]",
            comments in prop::collection::vec(any::<u8>(), 1..8),
        ) {
            let before: Value = members.into_iter().collect::<serde_json::Map<_, _>>().into();
            let text = decorated(&serde_json::to_string(&before).unwrap(), &comments);

            let after = Document::parse(text).unwrap().remove(&[Step::from(key.as_str())]).unwrap();

            let mut intended = before;
            intended.as_object_mut().unwrap().remove(&key);
            prop_assert_eq!(after.value(), intended);
        }
    }
}
