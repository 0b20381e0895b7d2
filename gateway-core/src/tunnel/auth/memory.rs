//! What a person answered for one server, and what that server refused.

use crate::credentials::secret::{AccountPassword, KeyPassphrase, PromptAnswer};
use crate::tunnel::question::{Prompt, Question};
use crate::tunnel::{OwnKey, TunnelConfig};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// The answers to replay on the next dial of one server, and the credentials it refused.
///
/// Lives in memory only. Whoever keeps secrets for longer takes them from here after a success.
#[derive(Debug, Default)]
pub struct SignInMemory {
    passphrases: HashMap<PathBuf, KeyPassphrase>,
    wrong_passphrases: HashSet<PathBuf>,
    password: Option<AccountPassword>,
    password_is_wrong: bool,
    rounds: Vec<AnsweredRound>,
    answers_are_wrong: bool,
    refused_keys: HashSet<String>,
    /// The key this app made for itself.
    own_key: Option<OwnKey>,
    /// The key that was accepted last, by its name.
    accepted_key: Option<String>,
    /// What is remembered of the servers on the way, by their addresses.
    hops: HashMap<String, SignInMemory>,
}

/// One round of a server's questions, and what a person answered.
#[derive(Debug)]
struct AnsweredRound {
    prompts: Vec<Prompt>,
    /// `None` once they were sent: a code that is good once is never sent twice.
    answers: Option<Vec<PromptAnswer>>,
}

impl SignInMemory {
    /// Returns what another connection to the same server may sign in with beside this one. Answers to
    /// a server's questions are not among it: they may be codes that are good once.
    #[must_use]
    pub fn for_another_connection(&self) -> Self {
        Self {
            passphrases: self.passphrases.clone(),
            wrong_passphrases: self.wrong_passphrases.clone(),
            password: self.password.clone(),
            password_is_wrong: self.password_is_wrong,
            rounds: Vec::new(),
            answers_are_wrong: self.answers_are_wrong,
            refused_keys: self.refused_keys.clone(),
            own_key: self.own_key.clone(),
            accepted_key: self.accepted_key.clone(),
            hops: self
                .hops
                .iter()
                .map(|(hop, memory)| (hop.clone(), memory.for_another_connection()))
                .collect(),
        }
    }

    /// Returns what is remembered of a server on the way. What unlocks a key file does so everywhere.
    pub fn at_hop(&mut self, hop: &TunnelConfig) -> &mut SignInMemory {
        let memory = self.hops.entry(hop.target.to_string()).or_default();
        for (file, passphrase) in &self.passphrases {
            memory
                .passphrases
                .entry(file.clone())
                .or_insert_with(|| passphrase.clone());
        }
        memory
    }

    /// Remembers what unlocks a key file.
    pub fn remember_passphrase(&mut self, key_file: impl Into<PathBuf>, passphrase: KeyPassphrase) {
        self.passphrases.insert(key_file.into(), passphrase);
    }

    /// Says which key this app made for the server; `None` where there is none (any more).
    pub fn set_own_key(&mut self, key: Option<OwnKey>) {
        self.own_key = key;
    }

    pub(super) fn own_key(&self) -> Option<&OwnKey> {
        self.own_key.as_ref()
    }

    /// Forgets the account's password, because something else lets us in.
    pub fn forget_password(&mut self) {
        self.password = None;
    }

    /// Remembers the account's password.
    pub fn remember_password(&mut self, password: AccountPassword) {
        self.password = Some(password);
    }

    /// Remembers the answers to one round of a server's questions, in order.
    ///
    /// They are sent once, whatever comes of it: they may be codes that are good once. Answers to
    /// rounds that were not reached are kept meanwhile.
    pub fn remember_answers(&mut self, prompts: Vec<Prompt>, answers: Vec<PromptAnswer>) {
        let spent = self
            .rounds
            .iter_mut()
            .find(|round| round.answers.is_none() && round.prompts == prompts);
        match spent {
            Some(round) => round.answers = Some(answers),
            None => self.rounds.push(AnsweredRound {
                prompts,
                answers: Some(answers),
            }),
        }
    }

    /// Returns what unlocked a key file.
    pub fn passphrase(&self, key_file: &Path) -> Option<&KeyPassphrase> {
        self.passphrases.get(key_file)
    }

    /// Returns the account's password, unless the server refused it.
    pub fn password(&self) -> Option<&AccountPassword> {
        self.password.as_ref()
    }

    /// Lets everything be tried again that the server refused: a person asked for it.
    pub fn forget_refusals(&mut self) {
        self.refused_keys.clear();
        self.wrong_passphrases.clear();
        self.password_is_wrong = false;
        self.answers_are_wrong = false;
        for hop in self.hops.values_mut() {
            hop.forget_refusals();
        }
    }

    /// Forgets the answers to this question, because the person closed it.
    pub fn forget(&mut self, question: &Question) {
        match question {
            Question::Passphrase { key_file, .. } => {
                self.passphrases.remove(key_file);
            }
            Question::Password { .. } => self.password = None,
            Question::Prompts { .. } => self.rounds.clear(),
        }
    }

    pub(super) fn passphrase_was_wrong(&mut self, key_file: &Path) {
        self.passphrases.remove(key_file);
        self.wrong_passphrases.insert(key_file.to_owned());
    }

    pub(super) fn passphrase_is_wrong(&self, key_file: &Path) -> bool {
        self.wrong_passphrases.contains(key_file)
    }

    pub(super) fn password_was_refused(&mut self) {
        self.password = None;
        self.password_is_wrong = true;
    }

    pub(super) fn password_is_wrong(&self) -> bool {
        self.password_is_wrong
    }

    pub(super) fn key_was_accepted(&mut self, fingerprint: String) {
        self.accepted_key = Some(fingerprint);
    }

    /// Returns the key that the server accepted last, which it will most likely accept again.
    pub(super) fn accepted_key(&self) -> Option<&str> {
        self.accepted_key.as_deref()
    }

    pub(super) fn key_was_refused(&mut self, fingerprint: String) {
        self.accepted_key
            .take_if(|accepted| *accepted == fingerprint);
        self.refused_keys.insert(fingerprint);
    }

    pub(super) fn key_is_refused(&self, fingerprint: &str) -> bool {
        self.refused_keys.contains(fingerprint)
    }

    pub(super) fn answers_are_wrong(&self) -> bool {
        self.answers_are_wrong
    }

    /// Takes the answers for the round with this number, if it asks what they answered.
    ///
    /// Where it asks something else than it did, what follows is forgotten too.
    pub(super) fn take_answers(
        &mut self,
        round: usize,
        prompts: &[Prompt],
    ) -> Option<Vec<PromptAnswer>> {
        let fits = self
            .rounds
            .get(round)
            .is_some_and(|known| known.prompts == prompts);
        if !fits {
            self.rounds.truncate(round);
            return None;
        }
        let answers = self.rounds.get_mut(round)?.answers.take()?;
        (answers.len() == prompts.len()).then_some(answers)
    }

    /// Forgets every answer, used up or refused.
    pub(super) fn answers_are_used(&mut self, refused: bool) {
        self.rounds.clear();
        self.answers_are_wrong = refused;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(label: &str) -> Vec<Prompt> {
        vec![Prompt {
            label: label.to_owned(),
            echo: false,
        }]
    }

    fn answer(text: &str) -> Vec<PromptAnswer> {
        vec![PromptAnswer::new(text)]
    }

    #[test]
    fn another_connection_signs_in_with_the_same_but_never_with_a_code_that_is_good_once() {
        let mut memory = SignInMemory::default();
        memory.remember_password(AccountPassword::new("p"));
        memory.remember_answers(prompt("Code"), answer("1"));
        memory.key_was_accepted("accepted".to_owned());
        memory.key_was_refused("refused".to_owned());

        let mut another = memory.for_another_connection();

        assert!(another.password().is_some());
        assert_eq!(another.take_answers(0, &prompt("Code")).map(|_| ()), None);
        assert_eq!(another.accepted_key(), Some("accepted"));
        assert!(another.key_is_refused("refused"));
        another.key_was_refused("accepted".to_owned());
        assert_eq!(another.accepted_key(), None);
        assert!(!memory.key_is_refused("accepted"));
    }

    fn taken(memory: &mut SignInMemory, round: usize, label: &str) -> Option<String> {
        let answers = memory.take_answers(round, &prompt(label))?;
        Some(answers.first()?.expose().to_owned())
    }

    #[test]
    fn an_answer_is_given_once_and_a_new_one_takes_its_place() {
        let mut memory = SignInMemory::default();
        memory.remember_answers(prompt("Code:"), answer("1"));

        assert_eq!(taken(&mut memory, 0, "Code:").as_deref(), Some("1"));
        assert_eq!(taken(&mut memory, 0, "Code:"), None);
        memory.remember_answers(prompt("PIN:"), answer("2"));
        memory.remember_answers(prompt("Code:"), answer("3"));

        assert_eq!(taken(&mut memory, 0, "Code:").as_deref(), Some("3"));
        assert_eq!(taken(&mut memory, 1, "PIN:").as_deref(), Some("2"));
    }

    #[test]
    fn a_round_that_asks_something_else_gets_nothing_and_ends_the_plan() {
        let mut memory = SignInMemory::default();
        memory.remember_answers(prompt("Code:"), answer("1"));
        memory.remember_answers(prompt("PIN:"), answer("2"));

        assert_eq!(taken(&mut memory, 0, "Your bank's PIN:"), None);
        assert_eq!(taken(&mut memory, 1, "PIN:"), None);
    }
}
