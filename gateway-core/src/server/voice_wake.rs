//! The words that wake the assistant, and where what was said goes (protocol §9).

use crate::store::{Store, StoreError};
use serde_json::{Value, json};

/// Where the words are kept.
const TRIGGERS: &str = "voicewake.triggers";
/// The words where none are set (protocol §9).
const USUAL_TRIGGERS: [&str; 3] = ["openclaw", "claude", "computer"];
/// How many words there may be, and how long each (protocol §9).
const MOST_TRIGGERS: usize = 32;
const LONGEST_TRIGGER: usize = 64;

/// Returns the words in force, as `voicewake.get` and the event tell them.
pub(super) async fn triggers(store: &Store) -> Result<Value, StoreError> {
    let kept = store.setting(TRIGGERS).await?;
    Ok(json!({"triggers": kept.unwrap_or_else(|| json!(USUAL_TRIGGERS))}))
}

/// Keeps these words, as far as they are usable, and returns them as they are told.
pub(super) async fn keep(store: &Store, words: &[&str]) -> Result<Value, StoreError> {
    let words = settled(words);
    store.put_setting(TRIGGERS, json!(words)).await?;
    Ok(json!({"triggers": words}))
}

/// Trims and bounds the words; none left means the usual ones.
fn settled(words: &[&str]) -> Vec<String> {
    let kept: Vec<String> = words
        .iter()
        .map(|word| word.trim())
        .filter(|word| !word.is_empty())
        .take(MOST_TRIGGERS)
        .map(|word| word.chars().take(LONGEST_TRIGGER).collect())
        .collect();
    if kept.is_empty() {
        USUAL_TRIGGERS.map(str::to_owned).to_vec()
    } else {
        kept
    }
}

/// Returns where spoken words go.
pub(super) fn routing() -> Value {
    json!({
        "version": 1, "defaultTarget": {"mode": "current"}, "routes": [], "updatedAtMs": 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_trimmed_and_bounded_and_never_none() {
        assert_eq!(settled(&[" hej ", "", " "]), ["hej"]);
        assert_eq!(settled(&["  "]), USUAL_TRIGGERS);
        assert_eq!(settled(&["x"; 40]).len(), MOST_TRIGGERS);
        let long = "å".repeat(80);
        assert_eq!(settled(&[&long])[0].chars().count(), LONGEST_TRIGGER);
    }
}
