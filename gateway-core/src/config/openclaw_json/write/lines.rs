//! The lines of a text that a change takes away and brings, for people to read.

use crate::diagnostics::redactor;

/// So many unchanged lines are shown around a change.
const AROUND: usize = 2;

/// More lines than this are not compared with each other: all of them go, and all of them come.
const COMPARED: usize = 1_000;

/// One line as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What becomes of it.
    pub kind: LineKind,
    /// Its text, without its end and without secrets.
    pub text: String,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// It stays.
    Kept,
    /// It goes.
    Removed,
    /// It is new.
    Added,
    /// Lines that stay and are not shown.
    LeftOut,
}

/// Compares two texts line by line.
pub(super) fn between(before: &str, after: &str) -> Vec<Line> {
    let (before, after): (Vec<&str>, Vec<&str>) =
        (before.lines().collect(), after.lines().collect());
    let pairs = before.iter().zip(&after);
    let head = pairs.take_while(|(old, new)| old == new).count();
    let rest = before.len().min(after.len()) - head;
    let ends = before.iter().rev().zip(after.iter().rev()).take(rest);
    let tail = ends.take_while(|(old, new)| old == new).count();
    let inner = |lines: &[&'_ str]| -> Vec<String> {
        let inner = lines.get(head..lines.len() - tail).unwrap_or_default();
        inner.iter().map(|line| (*line).to_owned()).collect()
    };
    let line = |kind: LineKind| {
        move |text: &&str| Line {
            kind,
            text: (*text).to_owned(),
        }
    };
    let mut lines: Vec<Line> = before.iter().take(head).map(line(LineKind::Kept)).collect();
    lines.extend(compared(&inner(&before), &inner(&after)));
    let last = before.get(before.len() - tail..).unwrap_or_default();
    lines.extend(last.iter().map(line(LineKind::Kept)));
    near_changes(lines)
}

/// Compares lines by their longest common subsequence.
fn compared(before: &[String], after: &[String]) -> Vec<Line> {
    let kept = match before.len().max(after.len()) <= COMPARED {
        true => common(before, after),
        false => Vec::new(),
    };
    let mut lines = Vec::new();
    let (mut old, mut new) = (0, 0);
    let mut changed = |old: std::ops::Range<usize>, new: std::ops::Range<usize>| {
        let part = |lines: &[String], range: std::ops::Range<usize>, kind| -> Vec<Line> {
            let part = lines.get(range).unwrap_or_default().iter().cloned();
            part.map(|text| Line { kind, text }).collect()
        };
        lines.extend(part(before, old.clone(), LineKind::Removed));
        lines.extend(part(after, new, LineKind::Added));
        // The common line after both.
        lines.extend(part(before, old.end..old.end + 1, LineKind::Kept));
    };
    for (same_old, same_new) in kept {
        changed(old..same_old, new..same_new);
        (old, new) = (same_old + 1, same_new + 1);
    }
    changed(old..before.len(), new..after.len());
    lines
}

/// Returns where the lines of the longest common subsequence stand in both.
fn common(before: &[String], after: &[String]) -> Vec<(usize, usize)> {
    let width = after.len() + 1;
    let mut longest = vec![0_u32; (before.len() + 1) * width];
    let at = |longest: &[u32], old: usize, new: usize| {
        longest.get(old * width + new).copied().unwrap_or_default()
    };
    for old in (0..before.len()).rev() {
        for new in (0..after.len()).rev() {
            let length = match before.get(old) == after.get(new) {
                true => at(&longest, old + 1, new + 1) + 1,
                false => at(&longest, old + 1, new).max(at(&longest, old, new + 1)),
            };
            if let Some(cell) = longest.get_mut(old * width + new) {
                *cell = length;
            }
        }
    }
    let mut pairs = Vec::new();
    let (mut old, mut new) = (0, 0);
    while old < before.len() && new < after.len() {
        if before.get(old) == after.get(new) {
            pairs.push((old, new));
            (old, new) = (old + 1, new + 1);
        } else if at(&longest, old + 1, new) >= at(&longest, old, new + 1) {
            old += 1;
        } else {
            new += 1;
        }
    }
    pairs
}

/// Leaves out what is far from any change, and secrets wherever they stand.
fn near_changes(lines: Vec<Line>) -> Vec<Line> {
    let changes: Vec<usize> = (0..lines.len())
        .filter(|at| {
            lines
                .get(*at)
                .is_some_and(|line| line.kind != LineKind::Kept)
        })
        .collect();
    let mut shown: Vec<Line> = Vec::new();
    for (at, line) in lines.into_iter().enumerate() {
        let next = changes.partition_point(|change| *change < at);
        let near =
            |change: Option<&usize>| change.is_some_and(|change| change.abs_diff(at) <= AROUND);
        if near(changes.get(next)) || near(next.checked_sub(1).and_then(|last| changes.get(last))) {
            shown.push(Line {
                text: redactor::without_secrets(&line.text),
                ..line
            });
        } else if shown
            .last()
            .is_none_or(|last| last.kind != LineKind::LeftOut)
        {
            shown.push(Line {
                kind: LineKind::LeftOut,
                text: String::new(),
            });
        }
    }
    shown
}
