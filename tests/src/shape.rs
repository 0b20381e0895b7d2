//! Whether two answers have the same members, and which differences are known and why.
//!
//! Members are compared recursively, lists by their first element. What a list does not hold on
//! either side, and null, cannot be compared.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::tools;

/// Objects whose members are names somebody chose, by the last name of their path.
const MAPS: [&str; 8] = [
    "byType",
    "bySurface",
    "channels",
    "channelAccounts",
    "channelDefaultAccountId",
    "channelLabels",
    "deliveryPreviews",
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
    patterns: Vec<String>,
}

impl Known {
    /// Reads the patterns of the table that are for differences found here.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or has a line without a reason.
    pub fn read() -> Result<Self> {
        let path = tools::checkout().join("tests/fixtures/official-cli-differences.txt");
        let text = fs::read_to_string(path)?;
        let mut patterns = Vec::new();
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (listed, reason) = line.split_once('|').context("a line without a reason")?;
            ensure!(reason.trim().len() > 10, "no reason: {line}");
            let ours = listed.split_whitespace().filter(|p| p.starts_with(MARK));
            patterns.extend(ours.map(str::to_owned));
        }
        Ok(Self { patterns })
    }

    /// Returns the differences nothing explains, and the patterns that explain nothing.
    pub fn unexplained<'a>(&'a self, found: &'a BTreeSet<String>) -> (Vec<&'a str>, Vec<&'a str>) {
        let fits = |pattern: &str| found.iter().any(|difference| fits(pattern, difference));
        let left = found
            .iter()
            .filter(|difference| !self.patterns.iter().any(|p| self::fits(p, difference)));
        let unused = self.patterns.iter().filter(|pattern| !fits(pattern));
        (
            left.map(String::as_str).collect(),
            unused.map(String::as_str).collect(),
        )
    }
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
    fn a_pattern_fits_names_and_not_parts_of_names() {
        assert!(fits("cli.status:/a", "cli.status:/a is missing"));
        assert!(fits("cli.status:/*/b", "cli.status:/a/b/c is new"));
        assert!(fits("*:/a", "cli.status:/a is missing"));
        assert!(!fits("cli.status:/a", "cli.status:/ab is missing"));
        assert!(!fits("cli.status:/a/b", "cli.status:/a is missing"));
    }
}
