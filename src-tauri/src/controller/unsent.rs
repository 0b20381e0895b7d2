//! What the user has written and the gateway does not have yet: it outlives the window, which is
//! taken down whenever it is closed. What outlives the app is on disk, and is taken over from there.

use super::{ports::LeftChats, problems::gateway_refused, sessions::keys::is_same_session};
use crate::view_model::{AttachmentView, ChatDraft, UiError, UnsentMessageView, UnsentView};
use gateway_core::{chat::kept::UnsentState, config::ProfileId};
use std::collections::{HashMap, VecDeque};

/// How many messages the gateway took are remembered, in case one fails after all.
const MOST_ACCEPTED: usize = 64;

/// How much the files of those may hold together, in characters of base64.
const MOST_ACCEPTED_BYTES: usize = 32 * 1024 * 1024;

/// The composer's text for each conversation, and the messages under way, in the order they were handed in.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    /// By the key of the conversation; none is empty.
    drafts: HashMap<ProfileId, Vec<(String, String)>>,
    messages: Vec<Message>,
    /// What gateways took last: one may still lose it, when the run fails before it is stored.
    accepted: VecDeque<Message>,
}

#[derive(Debug)]
struct Message {
    gateway: ProfileId,
    view: UnsentMessageView,
}

impl Unsent {
    /// Takes over what an earlier run of the app left.
    pub(super) fn left(chats: LeftChats) -> Self {
        let mut unsent = Self::default();
        for draft in chats.drafts {
            if let Some(gateway) = ProfileId::parse(&draft.gateway) {
                unsent.keep_draft(gateway, &draft.session_key, draft.text);
            }
        }
        for left in chats.messages {
            let Some(gateway) = ProfileId::parse(&left.gateway) else {
                continue;
            };
            let (taken, problem) = match left.state {
                UnsentState::Waits => (false, None),
                UnsentState::Taken => (true, None),
                UnsentState::Refused { problem } => (false, Some(gateway_refused(&problem))),
            };
            let message = Message {
                gateway,
                view: UnsentMessageView {
                    session_key: left.session_key,
                    key: left.key,
                    text: left.text,
                    attachments: left.files.iter().map(AttachmentView::from).collect(),
                    problem,
                },
            };
            match taken {
                true => unsent.accepted.push_back(message),
                false => unsent.messages.push(message),
            }
        }
        unsent
    }

    /// Returns the gateway a message waits for.
    pub(super) fn gateway_of(&self, key: &str) -> Option<&ProfileId> {
        let mut messages = self.messages.iter().chain(&self.accepted);
        let message = messages.find(|message| message.view.key == key)?;
        Some(&message.gateway)
    }

    /// Keeps what the composer holds for a conversation of a gateway.
    pub(super) fn keep_draft(&mut self, gateway: ProfileId, session_key: &str, text: String) {
        let drafts = self.drafts.entry(gateway).or_default();
        drafts.retain(|(key, _)| !is_same_session(key, session_key));
        if !text.is_empty() {
            drafts.push((session_key.to_owned(), text));
        }
    }

    /// Keeps a message that was handed in.
    pub(super) fn handed_in(&mut self, gateway: ProfileId, draft: &ChatDraft) {
        self.forget(&draft.key);
        self.messages.push(Message {
            gateway,
            view: UnsentMessageView {
                session_key: draft.session_key.clone(),
                key: draft.key.clone(),
                text: draft.text.clone(),
                attachments: draft.attachments.clone(),
                problem: None,
            },
        });
    }

    /// The gateway took a message.
    pub(super) fn accepted(&mut self, key: &str) {
        let taken = self
            .messages
            .extract_if(.., |message| message.view.key == key);
        self.accepted.extend(taken);
        let bytes = |message: &Message| -> usize {
            let attachments = message.view.attachments.iter();
            attachments.map(|attachment| attachment.data.len()).sum()
        };
        while self.accepted.len() > MOST_ACCEPTED
            || self.accepted.iter().map(bytes).sum::<usize>() > MOST_ACCEPTED_BYTES
        {
            self.accepted.pop_front();
        }
    }

    /// A message was refused, or was taken and then failed: it is kept until the user has decided
    /// about it.
    pub(super) fn refused(&mut self, key: &str, problem: &UiError) {
        if let Some(index) = self.accepted.iter().position(|taken| taken.view.key == key) {
            self.messages.extend(self.accepted.remove(index));
        }
        let mut messages = self.messages.iter_mut();
        if let Some(message) = messages.find(|message| message.view.key == key) {
            message.view.problem = Some(problem.clone());
        }
    }

    /// The user has taken a message back, or hands it in anew.
    pub(super) fn forget(&mut self, key: &str) {
        self.messages.retain(|message| message.view.key != key);
        self.accepted.retain(|message| message.view.key != key);
    }

    /// Forgets everything that was meant for a gateway.
    pub(super) fn forget_gateway(&mut self, gateway: &ProfileId) {
        self.drafts.remove(gateway);
        self.messages.retain(|message| message.gateway != *gateway);
        self.accepted.retain(|message| message.gateway != *gateway);
    }

    /// Returns how many messages a gateway does not have yet.
    pub(super) fn count(&self, gateway: &ProfileId) -> usize {
        self.of(gateway).count()
    }

    /// Returns everything that is meant for a conversation, for a window that begins to show it.
    pub(super) fn view(&self, gateway: &ProfileId, session_key: &str) -> UnsentView {
        let drafts = self.drafts.get(gateway).into_iter().flatten();
        let mut drafts = drafts.filter(|(key, _)| is_same_session(key, session_key));
        UnsentView {
            draft: drafts
                .next()
                .map(|(_, text)| text.clone())
                .unwrap_or_default(),
            messages: self
                .of(gateway)
                .filter(|message| is_same_session(&message.view.session_key, session_key))
                .map(|message| message.view.clone())
                .collect(),
        }
    }

    fn of(&self, gateway: &ProfileId) -> impl Iterator<Item = &Message> {
        let messages = self.messages.iter();
        messages.filter(move |message| message.gateway == *gateway)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> ProfileId {
        ProfileId::parse("home").unwrap()
    }

    fn draft(key: &str) -> ChatDraft {
        ChatDraft {
            gateway: "home".to_owned(),
            session_key: "main".to_owned(),
            text: format!("text of {key}"),
            key: key.to_owned(),
            attachments: Vec::new(),
        }
    }

    fn keys(unsent: &Unsent) -> Vec<String> {
        let messages = unsent.view(&home(), "main").messages;
        messages.into_iter().map(|message| message.key).collect()
    }

    #[test]
    fn a_message_is_kept_until_the_gateway_has_it_or_the_user_takes_it_back() {
        let mut unsent = Unsent::default();
        unsent.handed_in(home(), &draft("a"));
        unsent.handed_in(home(), &draft("b"));
        unsent.handed_in(home(), &draft("a"));
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
        assert_eq!(
            unsent.view(&home(), "main").messages[0].problem,
            Some(problem)
        );
    }

    #[test]
    fn a_message_that_was_taken_and_then_failed_is_there_again() {
        let mut unsent = Unsent::default();
        unsent.handed_in(home(), &draft("a"));
        unsent.accepted("a");
        assert_eq!(keys(&unsent), [""; 0]);

        let problem = UiError {
            code: "runFailed".to_owned(),
            message: "The disk is full.".to_owned(),
            action: None,
        };
        unsent.refused("a", &problem);

        let kept = unsent.view(&home(), "main").messages;
        assert_eq!(kept[0].text, "text of a");
        assert_eq!(kept[0].problem, Some(problem));
    }

    #[test]
    fn only_the_latest_taken_messages_are_remembered() {
        let mut unsent = Unsent::default();
        for number in 0..=MOST_ACCEPTED {
            unsent.handed_in(home(), &draft(&number.to_string()));
            unsent.accepted(&number.to_string());
        }
        assert_eq!(unsent.accepted.len(), MOST_ACCEPTED);
        assert_eq!(unsent.accepted[0].view.key, "1");
    }

    #[test]
    fn the_latest_draft_is_the_one() {
        let mut unsent = Unsent::default();
        unsent.keep_draft(home(), "main", "H".to_owned());
        unsent.keep_draft(home(), "main", "Hi".to_owned());
        assert_eq!(unsent.view(&home(), "main").draft, "Hi");
    }

    #[test]
    fn each_conversation_has_its_own() {
        let other = "agent:main:dashboard:7";
        let mut unsent = Unsent::default();
        unsent.keep_draft(home(), "main", "Hi".to_owned());
        unsent.keep_draft(home(), other, "Dear".to_owned());
        unsent.handed_in(home(), &draft("a"));

        // The full name of the main one is learnt with the connection.
        let main = unsent.view(&home(), "agent:main:main");
        assert_eq!((main.draft.as_str(), main.messages.len()), ("Hi", 1));
        let there = unsent.view(&home(), other);
        assert_eq!((there.draft.as_str(), there.messages.len()), ("Dear", 0));

        unsent.keep_draft(home(), "agent:main:main", String::new());
        assert_eq!(unsent.view(&home(), "main").draft, "");
    }

    #[test]
    fn each_gateway_has_its_own_and_one_that_is_removed_leaves_nothing() {
        let office = ProfileId::parse("office").unwrap();
        let mut unsent = Unsent::default();
        unsent.handed_in(home(), &draft("a"));
        unsent.handed_in(office.clone(), &draft("b"));
        unsent.keep_draft(office.clone(), "main", "Dear".to_owned());

        assert_eq!((unsent.count(&home()), unsent.count(&office)), (1, 1));
        assert_eq!(unsent.view(&home(), "main").draft, "");
        assert_eq!(unsent.view(&office, "main").messages[0].key, "b");

        unsent.forget_gateway(&office);
        assert_eq!(unsent.view(&office, "main").draft, "");
        assert_eq!((unsent.count(&home()), unsent.count(&office)), (1, 0));
    }
}
