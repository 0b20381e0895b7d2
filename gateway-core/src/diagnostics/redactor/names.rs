//! Names of people and computers, and the placeholder of each.

use std::collections::HashMap;
use std::net::IpAddr;

/// What a name is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A computer, by name or address.
    Host,
    /// A person, or an account.
    User,
    /// A profile in the settings.
    Profile,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Host, Self::User, Self::Profile];

    fn word(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::User => "user",
            Self::Profile => "profile",
        }
    }
}

/// So many names are looked for wherever they stand. A log may hold thousands of addresses that tell by
/// their form what they are; looking for each of them in each line would take minutes.
const LOOKED_FOR: usize = 250;

/// The names that are known.
#[derive(Debug, Default)]
pub(super) struct Names {
    placeholders: HashMap<(Kind, String), String>,
    counts: HashMap<Kind, u32>,
    /// The longest first: one may be a part of another.
    looked_for: Vec<Name>,
}

#[derive(Debug)]
struct Name {
    /// As it is compared: of computers, in small letters.
    text: String,
    any_case: bool,
    placeholder: String,
}

impl Names {
    /// Gives a name its placeholder, if it is somebody's and has none yet.
    pub(super) fn learn(&mut self, kind: Kind, name: &str) {
        self.placeholder(kind, name);
    }

    /// Returns what stands for a name: its placeholder, or itself where it is nobody's.
    pub(super) fn placeholder(&mut self, kind: Kind, name: &str) -> String {
        let name = name.trim();
        if is_nobodys(name) {
            return name.to_owned();
        }
        let any_case = kind == Kind::Host;
        let text = match any_case {
            true => name.to_ascii_lowercase(),
            false => name.to_owned(),
        };
        let key = (kind, text.clone());
        if let Some(placeholder) = self.placeholders.get(&key) {
            return placeholder.clone();
        }
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let placeholder = format!("{}-{count}", kind.word());
        self.placeholders.insert(key, placeholder.clone());
        if self.looked_for.len() < LOOKED_FOR {
            let longer = |known: &Name| known.text.len() >= text.len();
            let place = self.looked_for.partition_point(longer);
            let name = Name {
                text,
                any_case,
                placeholder: placeholder.clone(),
            };
            self.looked_for.insert(place, name);
        }
        placeholder
    }

    /// Returns how many names are looked for.
    pub(super) fn count(&self) -> usize {
        self.looked_for.len()
    }

    /// Returns a line with a placeholder for every name that is looked for.
    pub(super) fn replaced(&self, line: &str) -> String {
        let mut lower = line.to_ascii_lowercase();
        let mut line = line.to_owned();
        for name in &self.looked_for {
            let searched = if name.any_case { &lower } else { &line };
            if searched.contains(&name.text) {
                line = replace_words(&line, &name.text, &name.placeholder, name.any_case);
                lower = line.to_ascii_lowercase();
            }
        }
        line
    }
}

/// Returns whether a name says nothing about anybody: it is empty, a placeholder, this computer's
/// address for itself, or what is left of something that was taken out.
fn is_nobodys(name: &str) -> bool {
    let is_here = name
        .parse::<IpAddr>()
        .is_ok_and(|address| address.is_loopback() || address.is_unspecified());
    is_here
        || name.eq_ignore_ascii_case("localhost")
        || is_placeholder(name)
        || !name.contains(|letter: char| letter.is_alphanumeric())
}

/// Returns whether a word is a placeholder already.
pub(super) fn is_placeholder(word: &str) -> bool {
    Kind::ALL.iter().any(|kind| {
        word.strip_prefix(kind.word())
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|number| {
                !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
            })
    })
}

/// Returns whether a letter is part of a name, so that a shorter name does not stand there.
fn is_inner(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '-')
}

/// Replaces a word wherever it stands for itself and is no part of a placeholder.
pub(super) fn replace_words(line: &str, word: &str, with: &str, any_case: bool) -> String {
    let mut result = String::with_capacity(line.len());
    let mut rest = line;
    let mut before = None;
    while let Some(first) = rest.chars().next() {
        let starts = !before.is_some_and(is_inner);
        if starts && let Some(after) = after_word(rest, word, any_case) {
            result.push_str(with);
            before = word.chars().next_back();
            rest = after;
            continue;
        }
        result.push(first);
        before = Some(first);
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
    }
    result
}

/// Returns what follows a word at the start of a text.
fn after_word<'a>(text: &'a str, word: &str, any_case: bool) -> Option<&'a str> {
    let start = text.get(..word.len())?;
    let is_it = match any_case {
        true => start.eq_ignore_ascii_case(word),
        false => start == word,
    };
    let after = text.get(word.len()..)?;
    let ends = !after.chars().next().is_some_and(is_inner);
    (is_it && ends && !word.is_empty()).then_some(after)
}
