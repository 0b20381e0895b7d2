//! The paths an `Include` names: shell patterns, in the order of their names.

use super::files::ConfigFiles;
use std::path::{Component, Path, PathBuf};

/// How many files one `Include` may bring; more is a mistake.
const MAX_FILES: usize = 1000;

/// Returns the existing paths that a pattern names, sorted.
pub(super) fn expand(pattern: &Path, files: &dyn ConfigFiles) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for component in pattern.components() {
        let name = match component {
            Component::Normal(name) => name.to_string_lossy(),
            other @ (Component::Prefix(_)
            | Component::RootDir
            | Component::CurDir
            | Component::ParentDir) => {
                for path in &mut found {
                    path.push(other);
                }
                continue;
            }
        };
        if name.contains(['*', '?', '[', '\\']) {
            let pattern: Vec<char> = name.chars().collect();
            found = found
                .iter()
                .flat_map(|folder| {
                    let mut names = files.names(folder);
                    // As in a shell, a wildcard does not find hidden files.
                    names.retain(|candidate| {
                        (!candidate.starts_with('.') || name.starts_with('.'))
                            && shell_fits(&candidate.chars().collect::<Vec<_>>(), &pattern)
                    });
                    names.sort_unstable();
                    names.into_iter().map(|name| folder.join(name))
                })
                .take(MAX_FILES)
                .collect();
        } else {
            for path in &mut found {
                path.push(&*name);
            }
        }
    }
    found.retain(|path| files.exists(path));
    found
}

/// Returns whether a shell pattern of one path component fits: `*`, `?`, `[a-z]`, `[!a]`, `\*`.
fn shell_fits(text: &[char], pattern: &[char]) -> bool {
    let (mut at, mut next) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        let rest = pattern.get(next..).unwrap_or_default();
        if rest.first() == Some(&'*') {
            star = Some((next + 1, at));
            next += 1;
            continue;
        }
        let step = match (text.get(at), rest.is_empty()) {
            (None, true) => return true,
            (Some(c), false) => one(*c, rest),
            (None, false) | (Some(_), true) => None,
        };
        match (step, star) {
            (Some(length), _) => {
                at += 1;
                next += length;
            }
            (None, Some((after, from))) if from < text.len() => {
                star = Some((after, from + 1));
                next = after;
                at = from + 1;
            }
            (None, _) => return false,
        }
    }
}

/// Returns how long the part of the pattern is that fits this one character.
fn one(c: char, pattern: &[char]) -> Option<usize> {
    match pattern {
        ['?', ..] => Some(1),
        ['\\', escaped, ..] => (c == *escaped).then_some(2),
        ['[', rest @ ..] => match bracket(c, rest) {
            Some((fits, length)) => fits.then_some(length + 1),
            None => (c == '[').then_some(1),
        },
        [literal, ..] => (c == *literal).then_some(1),
        [] => None,
    }
}

/// Reads `a-z]` or `!a]`; `None` when it is never closed, and the bracket is one like any letter.
fn bracket(c: char, pattern: &[char]) -> Option<(bool, usize)> {
    let negated = matches!(pattern.first(), Some('!' | '^'));
    let first = usize::from(negated);
    let mut at = first;
    let mut fits = false;
    loop {
        match pattern.get(at..)? {
            [']', ..] if at > first => return Some((fits != negated, at + 1)),
            [low, '-', high, ..] if *high != ']' => {
                fits |= (*low..=*high).contains(&c);
                at += 3;
            }
            [one, ..] => {
                fits |= *one == c;
                at += 1;
            }
            [] => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_patterns_fit_as_in_a_shell() {
        let table = [
            ("10-work.conf", "*.conf", true),
            ("10-work.conf", "[0-9]*-work.conf", true),
            ("x-work.conf", "[!0-9]-work.conf", true),
            ("1-work.conf", "[!0-9]-work.conf", false),
            ("a]", "a[]]", true),
            ("a[b", "a[b", true),
            ("a*b", r"a\*b", true),
            ("axb", r"a\*b", false),
            ("abc", "a?c", true),
            ("abcd", "a*", true),
            ("", "*", true),
            ("a", "", false),
        ];
        for (text, pattern, expected) in table {
            let text: Vec<char> = text.chars().collect();
            let pattern: Vec<char> = pattern.chars().collect();
            assert_eq!(shell_fits(&text, &pattern), expected, "{pattern:?}");
        }
    }
}
