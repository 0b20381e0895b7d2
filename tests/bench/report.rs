//! What a bench that compares ours with the official one prints and writes, and which ratios it insists
//! on. Part of the benches `gateway` and `chat`; knows neither of them.

use std::env;
use std::fmt::Debug;
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

/// One figure of both sides.
#[derive(Debug)]
pub(crate) struct Row {
    name: String,
    unit: &'static str,
    official: f64,
    ours: f64,
    better: Better,
    /// What ours divided by the official one is meant to be.
    goal: Option<f64>,
    /// What it must be for the bench to pass: the goal, or what we hold while we miss the goal.
    limit: Option<f64>,
    /// What ours alone is meant to be. Told, and never a reason to fail: machines differ.
    absolute: Option<f64>,
}

impl Row {
    /// A figure of which less is better. Each side brings what it had in each round.
    pub(crate) fn less(name: &str, unit: &'static str, official: &[f64], ours: &[f64]) -> Self {
        Self::new(name, unit, Better::Less, official, ours)
    }

    /// A figure of which more is better.
    pub(crate) fn more(name: &str, unit: &'static str, official: &[f64], ours: &[f64]) -> Self {
        Self::new(name, unit, Better::More, official, ours)
    }

    /// Other work on the machine only makes a figure worse, so each side's best round counts.
    fn new(name: &str, unit: &'static str, better: Better, official: &[f64], ours: &[f64]) -> Self {
        let best = |values: &[f64]| {
            let values = values.iter().copied();
            match better {
                Better::Less => values.fold(f64::INFINITY, f64::min),
                Better::More => values.fold(0.0, f64::max),
            }
        };
        Self {
            name: name.to_owned(),
            unit,
            official: best(official),
            ours: best(ours),
            better,
            goal: None,
            limit: None,
            absolute: None,
        }
    }

    /// The ratio meant, which is also insisted on.
    pub(crate) fn goal(self, goal: f64) -> Self {
        self.goal_and_limit(goal, goal)
    }

    /// The ratio meant, and another one that is insisted on.
    pub(crate) fn goal_and_limit(mut self, goal: f64, limit: f64) -> Self {
        self.goal = Some(goal);
        self.limit = Some(limit);
        self
    }

    /// What ours alone is meant to be.
    pub(crate) fn absolute(mut self, goal: f64) -> Self {
        self.absolute = Some(goal);
        self
    }

    /// None where one side has no figure: memory that was given back meanwhile, for one.
    fn ratio(&self) -> Option<f64> {
        let both = self.official > 0.0 && self.official.is_finite() && self.ours >= 0.0;
        both.then(|| self.ours / self.official)
    }

    fn meets(&self, value: f64, wanted: f64) -> bool {
        match self.better {
            Better::Less => value <= wanted,
            Better::More => value >= wanted,
        }
    }

    fn line(&self) -> String {
        let sign = match self.better {
            Better::Less => "<=",
            Better::More => ">=",
        };
        let goals = [
            (self.goal, self.ratio(), "x"),
            (self.absolute, Some(self.ours), self.unit),
        ];
        let told: Vec<String> = goals
            .into_iter()
            .filter_map(|(wanted, value, unit)| {
                let (wanted, value) = (wanted?, value?);
                let met = if self.meets(value, wanted) {
                    "met"
                } else {
                    "NOT MET"
                };
                Some(format!("{sign} {wanted}{unit} {met}"))
            })
            .collect();
        format!(
            "{:<52} {:>10} {:>10} {:<4} {:>9}  {}",
            self.name,
            short(self.official),
            short(self.ours),
            self.unit,
            self.ratio()
                .map_or_else(|| "-".to_owned(), |ratio| format!("{}x", short(ratio))),
            told.join(", ")
        )
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name, "unit": self.unit, "official": self.official, "ours": self.ours,
            "ratio": self.ratio(), "goal": self.goal, "limit": self.limit,
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

/// Says what is being measured: the whole takes minutes.
#[expect(clippy::print_stderr, reason = "for whoever waits")]
pub(crate) fn progress(side: impl Debug, what: &str) {
    eprintln!("{side:?}: {what}");
}

/// Prints the table, writes it to `target/bench/<bench>.json`, and fails when a ratio is beyond its
/// limit.
#[expect(
    clippy::print_stdout,
    reason = "a benchmark's result is what it prints"
)]
pub(crate) fn tell(bench: &str, title: &str, rows: &[Row], notes: &[String]) -> Result<()> {
    println!(
        "{:<52} {:>10} {:>10} {:<4} {:>9}  goals",
        title, "official", "ours", "", "ratio"
    );
    for row in rows {
        println!("{}", row.line());
    }
    for note in notes {
        println!("{note}");
    }

    let target = env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| tools::checkout().join("target"), PathBuf::from);
    let folder = target.join("bench");
    fs::create_dir_all(&folder)?;
    let rows_json: Vec<Value> = rows.iter().map(Row::json).collect();
    let file = folder.join(format!("{bench}.json"));
    let written = json!({"rows": rows_json, "notes": notes});
    fs::write(&file, serde_json::to_vec_pretty(&written)?)
        .with_context(|| file.display().to_string())?;

    let broken: Vec<&str> = rows
        .iter()
        .filter(|row| {
            let (limit, ratio) = (row.limit, row.ratio());
            limit.is_some_and(|limit| ratio.is_some_and(|ratio| !row.meets(ratio, limit)))
        })
        .map(|row| row.name.as_str())
        .collect();
    ensure!(broken.is_empty(), "ratios beyond their limits: {broken:?}");
    Ok(())
}
