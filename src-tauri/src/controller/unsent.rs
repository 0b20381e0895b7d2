//! What the user has written and the gateway does not have yet: it outlives the window, which is
//! taken down whenever it is closed.

use crate::view_model::{ChatDraft, UiError, UnsentMessageView, UnsentView};
use std::collections::VecDeque;

/// How many messages the gateway took are remembered, in case one fails after all.
const MOST_ACCEPTED: usize = 64;

/// The composer's text and the messages under way, in the order they were handed in.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    draft: String,
    messages: Vec<UnsentMessageView>,
    /// What the gateway took last: it may still lose one, when the run fails before it is stored.
    accepted: VecDeque<UnsentMessageView>,
}

impl Unsent {
    /// Keeps what the composer holds.
    pub(super) fn keep_draft(&mut self, text: String) {
        self.draft = text;
    }

    /// Keeps a message that was handed in.
    pub(super) fn handed_in(&mut self, draft: &ChatDraft) {
        self.forget(&draft.key);
        self.messages.push(UnsentMessageView {
            session_key: draft.session_key.clone(),
            key: draft.key.clone(),
            text: draft.text.clone(),
            problem: None,
        });
    }

    /// The gateway took a message.
    pub(super) fn accepted(&mut self, key: &str) {
        let taken = self.messages.extract_if(.., |message| message.key == key);
        self.accepted.extend(taken);
        while self.accepted.len() > MOST_ACCEPTED {
            self.accepted.pop_front();
        }
    }

    /// A message was refused, or was taken and then failed: it is kept until the user has decided
    /// about it.
    pub(super) fn refused(&mut self, key: &str, problem: &UiError) {
        if let Some(index) = self.accepted.iter().position(|taken| taken.key == key) {
            self.messages.extend(self.accepted.remove(index));
        }
        if let Some(message) = self.messages.iter_mut().find(|message| message.key == key) {
            message.problem = Some(problem.clone());
        }
    }

    /// The user has taken a message back, or hands it in anew.
    pub(super) fn forget(&mut self, key: &str) {
        self.messages.retain(|message| message.key != key);
        self.accepted.retain(|message| message.key != key);
    }

    /// Returns everything, for a window that has just been built.
    pub(super) fn view(&self) -> UnsentView {
        UnsentView {
            draft: self.draft.clone(),
            messages: self.messages.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(key: &str) -> ChatDraft {
        ChatDraft {
            session_key: "main".to_owned(),
            text: format!("text of {key}"),
            key: key.to_owned(),
        }
    }

    fn keys(unsent: &Unsent) -> Vec<String> {
        let messages = unsent.view().messages;
        messages.into_iter().map(|message| message.key).collect()
    }

    #[test]
    fn a_message_is_kept_until_the_gateway_has_it_or_the_user_takes_it_back() {
        let mut unsent = Unsent::default();
        unsent.handed_in(&draft("a"));
        unsent.handed_in(&draft("b"));
        unsent.handed_in(&draft("a"));
        assert_eq!(keys(&unsent), ["b", "a"]);

        unsent.forget("b");
        let problem = UiError {
            code: "refused".to_owned(),
            message: "No.".to_owned(),
            action: None,
        };
        unsent.refused("a", &problem);
        unsent.refused("b", &problem);

        assert_eq!(keys(&unsent), ["a"]);
        assert_eq!(unsent.view().messages[0].problem, Some(problem));
    }

    #[test]
    fn a_message_that_was_taken_and_then_failed_is_there_again() {
        let mut unsent = Unsent::default();
        unsent.handed_in(&draft("a"));
        unsent.accepted("a");
        assert_eq!(keys(&unsent), [""; 0]);

        let problem = UiError {
            code: "runFailed".to_owned(),
            message: "The disk is full.".to_owned(),
            action: None,
        };
        unsent.refused("a", &problem);

        let kept = unsent.view().messages;
        assert_eq!(kept[0].text, "text of a");
        assert_eq!(kept[0].problem, Some(problem));
    }

    #[test]
    fn only_the_latest_taken_messages_are_remembered() {
        let mut unsent = Unsent::default();
        for number in 0..=MOST_ACCEPTED {
            unsent.handed_in(&draft(&number.to_string()));
            unsent.accepted(&number.to_string());
        }
        assert_eq!(unsent.accepted.len(), MOST_ACCEPTED);
        assert_eq!(unsent.accepted[0].key, "1");
    }

    #[test]
    fn the_latest_draft_is_the_one() {
        let mut unsent = Unsent::default();
        unsent.keep_draft("H".to_owned());
        unsent.keep_draft("Hi".to_owned());
        assert_eq!(unsent.view().draft, "Hi");
    }
}
