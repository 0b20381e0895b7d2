//! What the bench prints and writes, and which ratios it insists on.

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use e2e::tools;
use serde_json::{Value, json};

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    Less,
    More,
}

/// One figure of both gateways.
#[derive(Debug)]
pub(crate) struct Row {
    name: String,
    unit: &'static str,
    official: f64,
    ours: f64,
    better: Better,
    /// What ours divided by the official one is meant to be.
    goal: Option<f64>,
    /// What it must be for the bench to pass: what we hold, with room for a loaded machine.
    limit: Option<f64>,
    /// What ours alone is meant to be. Told, and never a reason to fail: machines differ.
    absolute: Option<f64>,
}

impl Row {
    pub(crate) fn less(name: &str, unit: &'static str, official: f64, ours: f64) -> Self {
        Self {
            name: name.to_owned(),
            unit,
            official,
            ours,
            better: Better::Less,
            goal: None,
            limit: None,
            absolute: None,
        }
    }

    pub(crate) fn more(name: &str, unit: &'static str, official: f64, ours: f64) -> Self {
        Self {
            better: Better::More,
            ..Self::less(name, unit, official, ours)
        }
    }

    /// The ratio meant, and the ratio insisted on.
    pub(crate) fn ratio(mut self, goal: f64, limit: f64) -> Self {
        self.goal = Some(goal);
        self.limit = Some(limit);
        self
    }

    /// What ours alone is meant to be.
    pub(crate) fn absolute(mut self, goal: f64) -> Self {
        self.absolute = Some(goal);
        self
    }

    fn value(&self) -> f64 {
        self.ours / self.official
    }

    fn meets(&self, value: f64, wanted: f64) -> bool {
        match self.better {
            Better::Less => value <= wanted,
            Better::More => value >= wanted,
        }
    }

    fn sign(&self) -> &'static str {
        match self.better {
            Better::Less => "<=",
            Better::More => ">=",
        }
    }

    fn line(&self) -> String {
        let mut told = Vec::new();
        for (wanted, value, unit) in [
            (self.goal, self.value(), "x"),
            (self.absolute, self.ours, self.unit),
        ] {
            if let Some(wanted) = wanted {
                let met = if self.meets(value, wanted) {
                    "met"
                } else {
                    "NOT MET"
                };
                told.push(format!("{} {wanted} {unit}: {met}", self.sign()));
            }
        }
        format!(
            "{:<44} {:>11} {:>11} {:<5} {:>9}x   {}",
            self.name,
            short(self.official),
            short(self.ours),
            self.unit,
            short(self.value()),
            told.join("; ")
        )
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name, "unit": self.unit, "official": self.official, "ours": self.ours,
            "ratio": self.value(), "goal": self.goal, "limit": self.limit,
            "absoluteGoal": self.absolute,
        })
    }
}

/// Three digits are all that a loaded machine can say.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

/// Prints the table, writes it to `target/bench/gateway.json`, and fails when a ratio is beyond its
/// limit.
#[expect(
    clippy::print_stdout,
    reason = "a benchmark's result is what it prints"
)]
pub(crate) fn tell(rows: &[Row], notes: &[String]) -> Result<()> {
    println!(
        "{:<44} {:>11} {:>11} {:<5} {:>10}   goals",
        "gateway, each alone, same machine and run", "official", "ours", "", "ratio"
    );
    for row in rows {
        println!("{}", row.line());
    }
    for note in notes {
        println!("{note}");
    }
    let load = fs::read_to_string("/proc/loadavg")?.trim().to_owned();
    println!("load average at the end: {load}");

    let target = env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| tools::checkout().join("target"), PathBuf::from);
    let folder = target.join("bench");
    fs::create_dir_all(&folder)?;
    let rows_json: Vec<Value> = rows.iter().map(Row::json).collect();
    let written = json!({"rows": rows_json, "notes": notes, "loadAverage": load});
    let file = folder.join("gateway.json");
    fs::write(&file, serde_json::to_vec_pretty(&written)?)
        .with_context(|| file.display().to_string())?;

    let broken: Vec<&str> = rows
        .iter()
        .filter(|row| {
            row.limit
                .is_some_and(|limit| !row.meets(row.value(), limit))
        })
        .map(|row| row.name.as_str())
        .collect();
    ensure!(broken.is_empty(), "ratios beyond their limits: {broken:?}");
    Ok(())
}
