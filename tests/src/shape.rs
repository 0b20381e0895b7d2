//! Whether two answers have the same members, and which differences are known and why.
//!
//! Members are compared recursively, lists by their first element. What a list does not hold on
//! either side, and null, cannot be compared. The code of an error is compared as it is.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::tools;

/// Objects whose members are names somebody chose, or depend on what has happened or could be measured
/// at that moment, by the last name of their path.
const MAPS: [&str; 10] = [
    "byType",
    "bySurface",
    "channels",
    "channelAccounts",
    "channelDefaultAccountId",
    "channelLabels",
    "cpuBreakdown",
    "deliveryPreviews",
    "summary",
    "workerPools",
];
/// How the beginnings of differences found here are marked in the table, which others read too.
const MARK: &str = "cli.";

/// Returns where `is` differs from `was`, each difference beginning with `name` and the place.
pub fn differences(name: &str, was: &Value, is: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    compare(&format!("{MARK}{name}:"), was, is, &mut found);
    found
}

fn compare(path: &str, was: &Value, is: &Value, found: &mut BTreeSet<String>) {
    match (was, is) {
        (Value::Object(was), Value::Object(is)) => {
            if MAPS.iter().any(|map| path.ends_with(&format!("/{map}"))) {
                return;
            }
            for (name, value) in was {
                let path = format!("{path}/{name}");
                match is.get(name) {
                    Some(is) if name == "code" && value != is => {
                        found.insert(format!("{path} is {is} instead of {value}"));
                    }
                    Some(is) => compare(&path, value, is, found),
                    None => {
                        found.insert(format!("{path} is missing"));
                    }
                }
            }
            for name in is.keys().filter(|name| !was.contains_key(*name)) {
                found.insert(format!("{path}/{name} is new"));
            }
        }
        (Value::Array(was), Value::Array(is)) => {
            if let (Some(was), Some(is)) = (was.first(), is.first()) {
                compare(&format!("{path}/0"), was, is, found);
            }
        }
        (Value::Null, _) | (_, Value::Null) => {}
        (
            Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_),
            _,
        ) => {
            if std::mem::discriminant(was) != std::mem::discriminant(is) {
                found.insert(format!("{path} is of another kind"));
            }
        }
    }
}

/// The committed table of known differences: `pattern [pattern …] | reason` on each line.
#[derive(Debug)]
pub struct Known {
    rows: Vec<Vec<String>>,
}

/// What the table makes of some differences.
#[derive(Debug)]
pub struct Judged<'a> {
    /// Differences nothing explains.
    pub left: Vec<&'a str>,
    /// Patterns for programs that explain nothing.
    pub unused: Vec<&'a str>,
    /// How many rows explain something.
    pub rows: usize,
}

impl Known {
    /// Reads the table.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or has a line without a reason.
    pub fn read() -> Result<Self> {
        let path = tools::checkout().join("tests/fixtures/official-cli-differences.txt");
        let text = fs::read_to_string(path)?;
        let mut rows = Vec::new();
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (listed, reason) = line.split_once('|').context("a line without a reason")?;
            ensure!(reason.trim().len() > 10, "no reason: {line}");
            rows.push(listed.split_whitespace().map(str::to_owned).collect());
        }
        Ok(Self { rows })
    }

    /// Judges what was found.
    ///
    /// A pattern for the wire explains the same member in what a command prints; whether it is used
    /// at all is looked at where the wire is compared.
    pub fn judge<'a>(&'a self, found: &'a BTreeSet<String>) -> Judged<'a> {
        let explains = |pattern: &str| found.iter().any(|difference| explains(pattern, difference));
        let patterns = || self.rows.iter().flatten().map(String::as_str);
        let left = found.iter().map(String::as_str);
        let is_known = |found: &str| patterns().any(|pattern| self::explains(pattern, found));
        Judged {
            left: left.filter(|found| !is_known(found)).collect(),
            unused: patterns()
                .filter(|pattern| pattern.starts_with(MARK) && !explains(pattern))
                .collect(),
            rows: self
                .rows
                .iter()
                .filter(|row| row.iter().any(|pattern| explains(pattern)))
                .count(),
        }
    }
}

fn explains(pattern: &str, difference: &str) -> bool {
    let on_the_wire = difference.strip_prefix(MARK);
    fits(pattern, difference) || on_the_wire.is_some_and(|wire| fits(pattern, wire))
}

/// Whether a difference begins with the names of a pattern; `*` stands for any one name.
fn fits(pattern: &str, difference: &str) -> bool {
    let subject = difference.split(' ').next().unwrap_or_default();
    let mut names = subject.split(['/', ':']);
    pattern.split(['/', ':']).all(|wanted| {
        names
            .next()
            .is_some_and(|name| wanted == "*" || wanted == name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_member_that_is_missing_new_or_of_another_kind_is_found() {
        let was = json!({"a": [{"b": 1, "c": {"d": null}}], "e": "x", "byType": {"x": 1}});
        let found = |is: Value| differences("planted", &was, &is).into_iter().collect();

        let alike = json!({"a": [{"b": 7, "c": {"d": [1]}}], "e": "", "byType": {"y": 1}});
        let none: Vec<String> = found(alike);
        assert_eq!(none, [""; 0]);
        let some: Vec<String> = found(json!({"a": [{"b": "7", "c": {}}], "f": 1, "byType": {}}));
        assert_eq!(
            some,
            [
                "cli.planted:/a/0/b is of another kind",
                "cli.planted:/a/0/c/d is missing",
                "cli.planted:/e is missing",
                "cli.planted:/f is new",
            ]
        );
    }

    #[test]
    fn another_code_of_an_error_is_found() {
        let refused = |code: &str| json!({"error": {"code": code}});
        let found = differences("planted", &refused("NOT_PAIRED"), &refused("FORBIDDEN"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(differences("planted", &refused("FORBIDDEN"), &refused("FORBIDDEN")).is_empty());
    }

    #[test]
    fn what_is_not_in_the_table_is_left_and_what_explains_nothing_is_unused() {
        let rows = [vec!["status:/a"], vec!["cli.x:/b", "cli.x:/c"]];
        let rows = rows.map(|row| row.into_iter().map(str::to_owned).collect());
        let known = Known { rows: rows.into() };
        let found = [
            "cli.status:/a is missing",
            "cli.x:/c is new",
            "cli.x:/d is new",
        ];
        let found = BTreeSet::from(found.map(str::to_owned));

        let judged = known.judge(&found);

        assert_eq!(judged.left, ["cli.x:/d is new"]);
        assert_eq!(judged.unused, ["cli.x:/b"]);
        assert_eq!(judged.rows, 2);
    }

    #[test]
    fn a_pattern_fits_names_and_not_parts_of_names() {
        assert!(fits("cli.status:/a", "cli.status:/a is missing"));
        assert!(fits("cli.status:/*/b", "cli.status:/a/b/c is new"));
        assert!(fits("*:/a", "cli.status:/a is missing"));
        assert!(!fits("cli.status:/a", "cli.status:/ab is missing"));
        assert!(!fits("cli.status:/a/b", "cli.status:/a is missing"));
        assert!(explains("status:/a", "cli.status:/a is missing"));
        assert!(!explains("cli.status:/a", "status:/a is missing"));
    }
}
