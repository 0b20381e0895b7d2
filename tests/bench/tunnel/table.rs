//! The figures of all rounds, and the ratios that are judged.

use anyhow::{Result, ensure};

use crate::side::Who;

/// A figure may be this far off its own median before its round is taken for disturbed.
const STEADY: f64 = 1.5;

/// What is wanted of a ratio to ssh.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    fn is_met(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(least) => ratio >= least,
            Self::AtMost(most) => ratio <= most,
        }
    }

    fn in_words(self) -> String {
        match self {
            Self::AtLeast(least) => format!(">= {least}"),
            Self::AtMost(most) => format!("<= {most}"),
        }
    }
}

/// One thing that is measured for every side, round by round.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) what: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) goal: Goal,
    /// One figure a round, for each side that has it.
    figures: Vec<(Who, Vec<f64>)>,
}

impl Row {
    pub(crate) fn new(what: &'static str, unit: &'static str, goal: Goal) -> Self {
        Self {
            what,
            unit,
            goal,
            figures: Vec::new(),
        }
    }

    pub(crate) fn note(&mut self, who: Who, figure: f64) {
        match self.figures.iter_mut().find(|(of, _)| *of == who) {
            Some((_, figures)) => figures.push(figure),
            None => self.figures.push((who, vec![figure])),
        }
    }

    fn of(&self, who: Who) -> &[f64] {
        let found = self.figures.iter().find(|(of, _)| *of == who);
        found.map_or(&[], |(_, figures)| figures)
    }

    /// The ratios of ours to ssh's, without the rounds in which ssh was far off its own median.
    fn ratios(&self) -> Vec<f64> {
        let theirs = self.of(Who::Ssh);
        let usual = median(theirs);
        let rounds = self.of(Who::Ours).iter().zip(theirs);
        let steady = rounds.filter(|(_, theirs)| {
            let off = *theirs / usual;
            (1.0 / STEADY..=STEADY).contains(&off)
        });
        let mut ratios: Vec<f64> = steady.map(|(ours, theirs)| ours / theirs).collect();
        ratios.sort_by(f64::total_cmp);
        ratios
    }

    /// Prints the row; returns whether its goal is met.
    #[expect(
        clippy::print_stdout,
        reason = "a benchmark's result is what it prints"
    )]
    pub(crate) fn print(&self, rounds: usize) -> Result<bool> {
        let ratios = self.ratios();
        ensure!(
            ratios.len() >= rounds,
            "{}: only {} rounds were steady, {rounds} are wanted; the machine is too busy",
            self.what,
            ratios.len()
        );
        let ratio = median(&ratios);
        let is_met = self.goal.is_met(ratio);
        println!(
            "{:<34} {:>8.3}x ({:.3}-{:.3}, {} rounds)  goal {:<8} {}",
            self.what,
            ratio,
            ratios[0],
            ratios[ratios.len() - 1],
            ratios.len(),
            self.goal.in_words(),
            if is_met { "met" } else { "NOT MET" }
        );
        for (who, figures) in &self.figures {
            println!(
                "    {:<18} {:>10.3} {}",
                who.name(),
                median(figures),
                self.unit
            );
        }
        Ok(is_met)
    }
}

/// The middle one; 0 of nothing.
pub(crate) fn median(values: &[f64]) -> f64 {
    at_part(values, 0.5)
}

/// The value that this part of all values does not exceed.
pub(crate) fn at_part(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = u32::try_from(sorted.len()).map_or(f64::INFINITY, f64::from);
    let at = (count * part).floor();
    let index = (0..sorted.len())
        .find(|index| u32::try_from(*index).map_or(f64::INFINITY, f64::from) >= at);
    let last = sorted.last().copied().unwrap_or(0.0);
    index
        .and_then(|index| sorted.get(index).copied())
        .unwrap_or(last)
}
