//! Judges offline, from two lists of message ids, whether every message arrived once.

use std::collections::BTreeMap;

/// What became of the messages that were handed over for sending.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivery {
    /// Sent, and not stored.
    pub lost: Vec<String>,
    /// Stored more than once, with how often.
    pub duplicated: Vec<(String, usize)>,
    /// Stored, and never sent: the lists do not belong together.
    pub foreign: Vec<String>,
}

impl Delivery {
    /// Compares what was sent with what the receiver stored.
    pub fn judge<S: AsRef<str>, T: AsRef<str>>(sent: &[S], stored: &[T]) -> Self {
        let mut times: BTreeMap<&str, usize> = sent.iter().map(|id| (id.as_ref(), 0)).collect();
        let mut foreign = Vec::new();
        for id in stored {
            match times.get_mut(id.as_ref()) {
                Some(count) => *count += 1,
                None => foreign.push(id.as_ref().to_owned()),
            }
        }
        let lost = times
            .iter()
            .filter(|(_, count)| **count == 0)
            .map(|(id, _)| (*id).to_owned())
            .collect();
        let duplicated = times
            .into_iter()
            .filter(|(_, count)| *count > 1)
            .map(|(id, count)| (id.to_owned(), count))
            .collect();
        Self {
            lost,
            duplicated,
            foreign,
        }
    }

    /// Whether every message arrived exactly once.
    pub fn is_exact(&self) -> bool {
        *self == Self::default()
    }
}

/// Returns the ids that are stored after one that was sent later.
pub fn out_of_order<S: AsRef<str>, T: AsRef<str>>(sent: &[S], stored: &[T]) -> Vec<String> {
    let places: BTreeMap<&str, usize> = sent
        .iter()
        .enumerate()
        .map(|(place, id)| (id.as_ref(), place))
        .collect();
    let mut furthest = 0;
    let mut misplaced = Vec::new();
    for id in stored {
        let Some(place) = places.get(id.as_ref()) else {
            continue;
        };
        if *place < furthest {
            misplaced.push(id.as_ref().to_owned());
        }
        furthest = furthest.max(*place);
    }
    misplaced
}

/// The ids in texts that carry one each, as [`message_text`] writes them.
pub fn ids_in(texts: &[String]) -> Vec<String> {
    texts
        .iter()
        .flat_map(|text| text.split_whitespace())
        .filter(|word| word.starts_with(ID_PREFIX))
        .map(str::to_owned)
        .collect()
}

/// What every id begins with, so that it is told from the words around it.
const ID_PREFIX: &str = "message-id:";

/// A text to send that carries an id.
pub fn message_text(id: &str) -> String {
    format!("note {id}")
}

/// The id of the `n`th message of a run named `run`.
pub fn message_id(run: &str, n: usize) -> String {
    format!("{ID_PREFIX}{run}-{n:05}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: [&str; 3] = ["a", "b", "c"];

    #[test]
    fn exactly_once_in_any_order_is_exact() {
        assert!(Delivery::judge(&SENT, &["c", "a", "b"]).is_exact());
    }

    #[test]
    fn a_lost_message_is_named() {
        let delivery = Delivery::judge(&SENT, &["a", "c"]);
        assert_eq!(delivery.lost, ["b"]);
        assert!(!delivery.is_exact());
    }

    #[test]
    fn a_doubled_message_is_named_with_its_count() {
        let delivery = Delivery::judge(&SENT, &["a", "b", "b", "c", "b"]);
        assert_eq!(delivery.duplicated, [("b".to_owned(), 3)]);
        assert!(!delivery.is_exact());
    }

    #[test]
    fn a_message_nobody_sent_spoils_the_proof() {
        assert!(!Delivery::judge(&SENT, &["a", "b", "c", "d"]).is_exact());
    }

    #[test]
    fn a_message_behind_a_later_one_is_named() {
        assert!(out_of_order(&SENT, &["a", "b", "c"]).is_empty());
        assert_eq!(out_of_order(&SENT, &["b", "a", "c"]), ["a"]);
        assert_eq!(out_of_order(&SENT, &["c", "a", "b"]), ["a", "b"]);
    }

    #[test]
    fn ids_are_read_back_from_texts() {
        let id = message_id("r1", 7);
        let stored = vec![
            format!("[Mon 10:00] {}", message_text(&id)),
            "hello".to_owned(),
        ];
        assert_eq!(ids_in(&stored), [id]);
    }
}
