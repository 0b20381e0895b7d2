//! The official programs' `.env`: one `NAME=value` a line.

use super::super::environment::Environment;
use std::collections::BTreeMap;

/// Reads `.env` in the state folder; an absent or unreadable one holds nothing.
pub(super) fn read(environment: &Environment) -> BTreeMap<String, String> {
    super::state_dir(environment)
        .and_then(|folder| {
            super::private_file::read(&folder.join(".env"))
                .ok()
                .flatten()
        })
        .map(|text| parse(&text))
        .unwrap_or_default()
}

/// Understands comments, `export`, and single or double quotes around a whole value.
pub(super) fn parse(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.strip_prefix("export ").unwrap_or(line).split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), unquoted(value.trim())))
        .filter(|(name, _)| !name.is_empty())
        .collect()
}

fn unquoted(value: &str) -> String {
    for quote in ['"', '\''] {
        let inner = value
            .strip_prefix(quote)
            .and_then(|rest| rest.find(quote).and_then(|end| rest.get(..end)));
        if let Some(inner) = inner {
            return inner.to_owned();
        }
    }
    // Outside quotes a remark may follow.
    value
        .split(" #")
        .next()
        .unwrap_or(value)
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_ways_of_writing_a_line_are_understood() {
        let read = parse(
            "# a remark\nA=1\nexport B = two words # remark\nC=\"x # y\"\nD='q'\nE=\nno line\n=x\nF=a=b\n",
        );

        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "x # y"),
            ("D", "q"),
            ("E", ""),
            ("F", "a=b"),
        ];
        let expected: BTreeMap<_, _> = expected
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        assert_eq!(read, expected);
    }
}
