//! The words that wake the assistant, and whether something that was understood holds one of them.
//! Pure; the engines that only give text ask here, and so does the settings page.
//!
//! Case and punctuation do not count. A speech engine writes names as it likes ("Open Claw",
//! "open clause"), so words are compared as one run of letters, with a few slips forgiven in long ones.

/// How many triggers there are at most, as the gateway has it.
pub const MOST: usize = 32;
/// How long one is at most, in UTF-16 units, as the gateway has it.
pub const LONGEST: usize = 64;
/// What the gateway listens to where nothing is set.
pub const USUAL: [&str; 3] = ["openclaw", "claude", "computer"];

/// How many words may stand before a trigger, such as "hey" or "okay".
const LEAD: usize = 2;

/// The triggers in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Triggers(Vec<String>);

/// A trigger that was found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'a> {
    /// Which, as the gateway spells it.
    pub trigger: &'a str,
    /// The words after it, as they were understood.
    pub rest: String,
}

impl Default for Triggers {
    fn default() -> Self {
        Self::new(&USUAL)
    }
}

impl Triggers {
    /// Trims and bounds them as the gateway does; none left means the usual ones.
    pub fn new<T: AsRef<str>>(words: &[T]) -> Self {
        let kept: Vec<String> = words
            .iter()
            .map(|word| word.as_ref().trim())
            .filter(|word| !word.is_empty())
            .take(MOST)
            .map(bounded)
            .collect();
        match kept.is_empty() {
            true => Self(USUAL.map(str::to_owned).to_vec()),
            false => Self(kept),
        }
    }

    /// Returns them as the gateway spells them.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// Looks for a trigger near the beginning of what was understood.
    ///
    /// The longest match wins, so that "hey claude" comes before "claude".
    pub fn find(&self, heard: &str) -> Option<Found<'_>> {
        let words: Vec<&str> = heard.split_whitespace().collect();
        let plain: Vec<String> = words.iter().map(|word| letters(word)).collect();
        let mut best: Option<(usize, usize, &str)> = None;
        for trigger in &self.0 {
            let wanted = letters(trigger);
            if wanted.is_empty() {
                continue;
            }
            let place = (0..=LEAD.min(plain.len()))
                .find_map(|start| match_at(&plain[start..], &wanted).map(|used| start + used));
            if let Some(end) = place {
                let longer = best.is_none_or(|(_, length, _)| wanted.len() > length);
                if longer {
                    best = Some((end, wanted.len(), trigger));
                }
            }
        }
        best.map(|(end, _, trigger)| Found {
            trigger,
            rest: words[end..].join(" "),
        })
    }
}

/// Cuts at the gateway's limit, never within a character.
fn bounded(word: &str) -> String {
    let mut units = 0;
    word.chars()
        .take_while(|letter| {
            units += letter.len_utf16();
            units <= LONGEST
        })
        .collect()
}

/// Lower case, letters and digits only.
pub(crate) fn letters(text: &str) -> String {
    text.chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Returns how many words at the beginning spell the trigger, which may be written as one or as several.
fn match_at(words: &[String], wanted: &str) -> Option<usize> {
    let length = wanted.chars().count();
    let slips = forgiven(length);
    let mut run = String::new();
    let mut best: Option<(usize, usize)> = None;
    for (index, word) in words.iter().enumerate() {
        run.push_str(word);
        let so_far = run.chars().count();
        let distance = edits(&run, wanted);
        if so_far > 0 && distance <= slips && best.is_none_or(|(_, least)| distance < least) {
            best = Some((index + 1, distance));
        }
        if so_far > length + slips {
            break;
        }
    }
    best.map(|(used, _)| used)
}

/// How many letters may be wrong: none in a short word, which would be another one.
fn forgiven(length: usize) -> usize {
    match length {
        0..5 => 0,
        5..8 => 1,
        8..14 => 2,
        _ => 3,
    }
}

/// The number of letters to insert, remove or replace (Levenshtein).
pub(crate) fn edits(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for column in 1..row.len() {
            let replaced = diagonal + usize::from(letter != other[column - 1]);
            diagonal = row[column];
            row[column] = replaced.min(row[column] + 1).min(row[column - 1] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(triggers: &[&str], heard: &str) -> Option<(String, String)> {
        let triggers = Triggers::new(triggers);
        triggers
            .find(heard)
            .map(|found| (found.trigger.to_owned(), found.rest))
    }

    fn pair(trigger: &str, rest: &str) -> Option<(String, String)> {
        Some((trigger.to_owned(), rest.to_owned()))
    }

    #[test]
    fn they_are_trimmed_and_bounded_and_never_none() {
        assert_eq!(Triggers::new(&[" hej ", "", " "]).as_slice(), ["hej"]);
        assert_eq!(Triggers::new::<&str>(&[]).as_slice(), USUAL);
        assert_eq!(Triggers::new(&["x"; 40]).as_slice().len(), MOST);
        // A character of two units is not cut in half.
        let long = format!("x{}", "🦞".repeat(40));
        let kept = Triggers::new(&[long]);
        assert_eq!(kept.as_slice()[0].encode_utf16().count(), 63);
    }

    #[test]
    fn case_and_punctuation_do_not_count() {
        assert_eq!(
            found(&["computer"], "Computer, what's on today?"),
            pair("computer", "what's on today?")
        );
        assert_eq!(found(&["Hey, Bot!"], "hey bot"), pair("Hey, Bot!", ""));
    }

    #[test]
    fn a_name_may_be_written_apart_or_with_a_slip() {
        assert_eq!(
            found(&["openclaw"], "open claw stop"),
            pair("openclaw", "stop")
        );
        assert_eq!(found(&["openclaw"], "Open clause stop"), None);
        assert_eq!(
            found(&["openclaw"], "open clow stop"),
            pair("openclaw", "stop")
        );
        assert_eq!(
            found(&["claude"], "cloude wake up"),
            pair("claude", "wake up")
        );
    }

    #[test]
    fn it_stands_near_the_beginning() {
        assert_eq!(
            found(&["claude"], "okay hey claude go"),
            pair("claude", "go")
        );
        assert_eq!(found(&["claude"], "what did we say to claude"), None);
    }

    #[test]
    fn short_words_have_to_be_exact() {
        assert_eq!(found(&["bob"], "bop go"), None);
        assert_eq!(found(&["bob"], "bob go"), pair("bob", "go"));
    }

    #[test]
    fn the_longest_wins() {
        assert_eq!(
            found(&["claude", "hey claude"], "hey claude go"),
            pair("hey claude", "go")
        );
    }

    #[test]
    fn other_alphabets_are_matched_as_well() {
        assert_eq!(
            found(&["компьютер"], "Компьютер, стоп"),
            pair("компьютер", "стоп")
        );
        assert_eq!(found(&["Ærø båd"], "ærø båd sejl"), pair("Ærø båd", "sejl"));
    }

    #[test]
    fn nothing_is_found_in_nothing() {
        assert_eq!(found(&["claude"], ""), None);
        assert_eq!(found(&["…"], "anything"), None);
    }
}
