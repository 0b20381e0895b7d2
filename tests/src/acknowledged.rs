//! What a gateway was asked to keep, what it acknowledged, and what it has after it was killed.
//!
//! Two kinds of things are kept: messages, which come on top of one another, and values, of which
//! the last one counts. A request whose answer never came may have taken effect or not; everything
//! else is certain.

use std::collections::BTreeMap;

use serde_json::Value;

/// One message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The conversation it was sent to.
    pub conversation: String,
    /// The id we made for it: its idempotency key, or a word in a note that has none.
    pub id: String,
    /// The method it was sent with.
    pub method: &'static str,
    /// Whether it was acknowledged, or has been seen to be kept.
    pub is_certain: bool,
}

/// A value of which the last one counts.
#[derive(Debug, Clone, PartialEq, Default)]
struct Latest {
    settled: Value,
    /// Asked for, and not answered.
    in_doubt: Option<Value>,
}

/// What a test asked for in all lives of a gateway.
#[derive(Debug, Default)]
pub struct Ledger {
    messages: Vec<Message>,
    values: BTreeMap<String, Latest>,
    /// What was found wrong, in words.
    wrong: Vec<String>,
    counts: Counts,
}

/// What came of it all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Requests that were sent to be kept.
    pub asked: usize,
    /// Those that were acknowledged.
    pub acknowledged: usize,
    /// Those without an answer that were sent again under the same key.
    pub sent_again: usize,
    /// Acknowledged, and not there.
    pub lost: usize,
    /// There more than once.
    pub duplicated: usize,
}

impl Counts {
    /// Those that were never answered when they were first sent.
    pub fn unacknowledged(&self) -> usize {
        self.asked - self.acknowledged
    }
}

impl Ledger {
    /// A message is about to be sent.
    pub fn sends(&mut self, method: &'static str, conversation: &str, id: &str) {
        self.counts.asked += 1;
        self.messages.push(Message {
            conversation: conversation.to_owned(),
            id: id.to_owned(),
            method,
            is_certain: false,
        });
    }

    /// A message was acknowledged.
    pub fn has_sent(&mut self, id: &str) {
        self.counts.acknowledged += 1;
        self.is_certain(id);
    }

    /// A message that was not acknowledged was sent again, and acknowledged.
    pub fn has_sent_again(&mut self, id: &str) {
        self.counts.sent_again += 1;
        self.is_certain(id);
    }

    fn is_certain(&mut self, id: &str) {
        // The last ones are asked about most.
        let message = self.messages.iter_mut().rev().find(|sent| sent.id == id);
        if let Some(message) = message {
            message.is_certain = true;
        }
    }

    /// `what` is about to be set to `value`.
    pub fn sets(&mut self, what: &str, value: Value) {
        self.counts.asked += 1;
        self.values.entry(what.to_owned()).or_default().in_doubt = Some(value);
    }

    /// What was asked last of `what` was acknowledged.
    pub fn has_set(&mut self, what: &str) {
        self.counts.acknowledged += 1;
        if let Some(latest) = self.values.get_mut(what)
            && let Some(value) = latest.in_doubt.take()
        {
            latest.settled = value;
        }
    }

    /// Every message so far.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The names of values so far that begin so.
    pub fn values(&self, prefix: &str) -> Vec<String> {
        let names = self.values.keys();
        names
            .filter(|name| name.starts_with(prefix))
            .cloned()
            .collect()
    }

    /// The value that is certain; null where there is none.
    pub fn settled(&self, what: &str) -> Value {
        self.values
            .get(what)
            .map(|latest| latest.settled.clone())
            .unwrap_or_default()
    }

    /// Judges how often a message is there. One that is there without having been acknowledged has
    /// to be there from now on.
    pub fn found_message(&mut self, id: &str, times: usize) {
        let Some(message) = self.messages.iter_mut().find(|sent| sent.id == id) else {
            return self.is_wrong(format!("{id} was never sent and is there"));
        };
        let was_certain = message.is_certain;
        message.is_certain |= times > 0;
        match times {
            0 if was_certain => {
                self.counts.lost += 1;
                self.is_wrong(format!("{id} was acknowledged and is gone"));
            }
            0 | 1 => {}
            more => {
                self.counts.duplicated += 1;
                self.is_wrong(format!("{id} is there {more} times"));
            }
        }
    }

    /// Judges which value is there. What is found is what counts from now on.
    pub fn found_value(&mut self, what: &str, value: &Value) {
        let latest = self.values.entry(what.to_owned()).or_default();
        let settled = latest.settled.clone();
        let fits = settled == *value || latest.in_doubt.as_ref() == Some(value);
        *latest = Latest {
            settled: value.clone(),
            in_doubt: None,
        };
        if !fits {
            self.counts.lost += 1;
            self.is_wrong(format!(
                "{what} is {value} and was acknowledged as {settled}"
            ));
        }
    }

    /// Notes something that must not be.
    pub fn is_wrong(&mut self, what: String) {
        self.wrong.push(what);
    }

    /// What must not be and was found.
    pub fn wrong(&self) -> &[String] {
        &self.wrong
    }

    /// What came of it all.
    pub fn counts(&self) -> Counts {
        self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_message_that_was_acknowledged_has_to_be_there_once() {
        let mut ledger = Ledger::default();
        ledger.sends("chat.send", "main", "a");
        ledger.has_sent("a");
        ledger.found_message("a", 1);
        assert_eq!(ledger.wrong(), [""; 0]);
        ledger.found_message("a", 2);
        ledger.found_message("a", 0);
        let counts = ledger.counts();
        assert_eq!((counts.lost, counts.duplicated), (1, 1));
        assert_eq!(ledger.wrong().len(), 2);
    }

    #[test]
    fn a_message_without_an_answer_may_be_there_or_not_and_then_stays() {
        let mut ledger = Ledger::default();
        ledger.sends("chat.send", "main", "a");
        ledger.found_message("a", 0);
        ledger.found_message("a", 1);
        assert_eq!(ledger.wrong(), [""; 0]);
        ledger.found_message("a", 0);
        assert_eq!(ledger.counts().lost, 1);
        assert_eq!(ledger.counts().unacknowledged(), 1);
    }

    #[test]
    fn a_message_nobody_sent_is_wrong() {
        let mut ledger = Ledger::default();
        ledger.found_message("a", 1);
        assert_eq!(ledger.wrong().len(), 1);
    }

    #[test]
    fn a_value_is_the_last_acknowledged_one_or_the_one_in_doubt() {
        let mut ledger = Ledger::default();
        ledger.sets("label", json!("one"));
        ledger.has_set("label");
        ledger.sets("label", json!("two"));
        ledger.found_value("label", &json!("two"));
        ledger.found_value("label", &json!("two"));
        assert_eq!(ledger.wrong(), [""; 0]);
        ledger.found_value("label", &json!("one"));
        assert_eq!(ledger.counts().lost, 1);
        assert_eq!(ledger.settled("label"), json!("one"));
    }
}
