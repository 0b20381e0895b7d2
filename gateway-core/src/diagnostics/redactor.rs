//! Takes out of a text what must not leave this computer.
//!
//! Secrets never come here on purpose. Should one, it goes by its form: a block of a key, a value under
//! a name such as `token`, what a URL carries beside its address, a long run of what tokens are made of.
//! Names and addresses of people and computers become placeholders, the same one wherever the same name
//! stands, so that a report still tells which is which. What was redacted once stays as it is.

mod fields;
mod names;
mod patterns;
#[cfg(test)]
mod tests;

pub use names::Kind;

use names::Names;
use serde_json::Value;
use std::path::Path;

/// Returns a line without the values that stand under names of secrets, and otherwise as it is.
pub(crate) fn without_secrets(line: &str) -> String {
    fields::without_secrets(line)
}

/// Stands where something was taken out. It has no letters, so that nothing takes it for a name.
pub(super) const GONE: &str = "***";

/// So often a line is gone over: what one rule leaves may be another's.
const ROUNDS: usize = 16;

/// Takes out of texts what must not leave this computer, and remembers under which placeholder.
#[derive(Debug, Default)]
pub struct Redactor {
    names: Names,
    homes: Vec<String>,
}

impl Redactor {
    /// Names a computer or a person that may be named nowhere; loopback and empty names are nobody's.
    pub fn hide(&mut self, kind: Kind, name: &str) {
        self.names.learn(kind, name);
    }

    /// Names a folder that is somebody's: it becomes `~`, and its last part a person's name.
    pub fn hide_home(&mut self, home: &Path) {
        if let Some(name) = home.file_name() {
            self.hide(Kind::User, &name.to_string_lossy());
            self.homes.push(home.to_string_lossy().into_owned());
        }
    }

    /// Looks through a text for names that stand under `host=` or `user=`, so that they are found
    /// wherever they stand.
    pub fn learn_from(&mut self, text: &str) {
        for line in text.lines() {
            fields::learn(&mut self.names, line);
        }
    }

    /// Returns a text without what must not leave this computer.
    pub fn text(&mut self, text: &str) -> String {
        let mut text = patterns::without_key_blocks(text);
        loop {
            let known = self.names.count();
            text = text
                .split_inclusive('\n')
                .map(|line| self.line(line))
                .collect();
            // A name that was found further down may stand further up.
            if self.names.count() == known {
                return text;
            }
        }
    }

    /// Redacts every text in a value; the names of its members stay.
    pub fn value(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(elements) => {
                for element in elements {
                    self.value(element);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    if member.is_string() && fields::is_secret(name) {
                        *member = GONE.into();
                    } else {
                        self.value(member);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn line(&mut self, line: &str) -> String {
        let mut line = line.to_owned();
        for _ in 0..ROUNDS {
            let next = self.once(&line);
            if next == line {
                break;
            }
            line = next;
        }
        line
    }

    fn once(&mut self, line: &str) -> String {
        let line = self.without_homes(line);
        let line = patterns::plain_urls(&mut self.names, &line);
        let line = fields::without_secrets(&line);
        let line = patterns::without_accounts(&mut self.names, &line);
        let line = self.names.replaced(&line);
        let line = patterns::without_addresses(&mut self.names, &line);
        patterns::without_tokens(&line)
    }

    fn without_homes(&mut self, line: &str) -> String {
        let mut line = line.to_owned();
        for home in &self.homes {
            line = names::replace_words(&line, home, "~", false);
        }
        patterns::without_home_folders(&mut self.names, &line)
    }
}
