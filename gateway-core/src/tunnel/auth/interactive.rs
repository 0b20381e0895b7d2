//! keyboard-interactive (RFC 4256): the server asks, in as many rounds as it likes.

use super::{Attempt, Progress, within};
use crate::tunnel::error::TunnelError;
use crate::tunnel::question::{Prompt, Question};
use crate::tunnel::server_text::printable;
use russh::client::KeyboardInteractiveAuthResponse as Response;

/// How many rounds a server may ask before we take it for a loop.
const MAX_ROUNDS: usize = 16;

/// How many questions one round may hold.
const MAX_PROMPTS: usize = 16;

impl Attempt<'_> {
    /// Answers from memory; what memory does not hold comes back as the question to ask.
    pub(super) async fn answer_prompts(&mut self) -> Result<Progress, TunnelError> {
        let start = self
            .handle
            .authenticate_keyboard_interactive_start(self.request.user, None);
        let mut response = within(&mut self.clock, self.request.limit, self.end, start).await?;
        // Rounds without questions are not numbered: only answered ones are remembered.
        let mut asked = 0;
        let mut first_question: Option<Question> = None;
        let mut password_was_sent = false;
        let mut rounds = 0;
        loop {
            let (title, instruction, prompts) = match response {
                Response::Success => {
                    self.memory.answers_are_used(false);
                    return Ok(Progress::SignedIn);
                }
                Response::Failure {
                    remaining_methods,
                    partial_success,
                } => {
                    let methods = self.still_open(remaining_methods).await?;
                    if partial_success {
                        self.memory.answers_are_used(false);
                        return Ok(Progress::Partial(methods));
                    }
                    if password_was_sent {
                        self.memory.password_was_refused();
                    }
                    if asked > 0 {
                        self.memory.answers_are_used(true);
                    }
                    return match first_question {
                        // Somebody answered, and wrongly: they are asked again, never the server.
                        Some(question) => Err(TunnelError::NeedsAnswer(self.asked_again(question))),
                        None => Ok(Progress::Refused(methods)),
                    };
                }
                Response::InfoRequest {
                    name,
                    instructions,
                    prompts,
                } => (printable(&name), printable(&instructions), prompts),
            };
            rounds += 1;
            if rounds > MAX_ROUNDS || prompts.len() > MAX_PROMPTS {
                return Ok(Progress::Endless);
            }
            let prompts: Vec<Prompt> = prompts
                .into_iter()
                .map(|prompt| Prompt {
                    label: printable(&prompt.prompt),
                    echo: prompt.echo,
                })
                .collect();
            let answers = if prompts.is_empty() {
                // A round that only tells something still wants its (empty) answer.
                Vec::new()
            } else {
                let question = self.question(title, instruction, prompts);
                let Some(answers) = self.recall(&question, asked, password_was_sent) else {
                    return Err(TunnelError::NeedsAnswer(question));
                };
                if matches!(question, Question::Password { .. }) {
                    password_was_sent = true;
                } else {
                    asked += 1;
                }
                first_question.get_or_insert(question);
                answers
            };
            let respond = self
                .handle
                .authenticate_keyboard_interactive_respond(answers);
            response = within(&mut self.clock, self.request.limit, self.end, respond).await?;
        }
    }

    fn question(&self, title: String, instruction: String, prompts: Vec<Prompt>) -> Question {
        if is_password(&prompts) {
            return self.password_question();
        }
        Question::Prompts {
            title,
            instruction,
            prompts,
            was_wrong: self.memory.answers_are_wrong(),
        }
    }

    fn recall(
        &mut self,
        question: &Question,
        asked: usize,
        password_was_sent: bool,
    ) -> Option<Vec<String>> {
        match question {
            Question::Prompts { prompts, .. } => {
                let answers = self.memory.take_answers(asked, prompts)?;
                Some(
                    answers
                        .iter()
                        .map(|answer| answer.expose().to_owned())
                        .collect(),
                )
            }
            // Asked for twice in one sign-in, the same password would be refused twice.
            Question::Password { .. } if password_was_sent => None,
            Question::Password { .. } => Some(vec![self.memory.password()?.expose().to_owned()]),
            Question::Passphrase { .. } => None,
        }
    }

    fn asked_again(&self, question: Question) -> Question {
        match question {
            Question::Prompts {
                title,
                instruction,
                prompts,
                ..
            } => Question::Prompts {
                title,
                instruction,
                prompts,
                was_wrong: true,
            },
            Question::Password { .. } | Question::Passphrase { .. } => self.password_question(),
        }
    }
}

/// Returns whether a round asks for nothing but the account's password, as PAM does by default.
///
/// Such a round is the password method in other clothes, so one answer serves both.
fn is_password(prompts: &[Prompt]) -> bool {
    let [Prompt { label, echo: false }] = prompts else {
        return false;
    };
    let label = label.to_lowercase();
    let asks_for_more = [
        "code",
        "one-time",
        "otp",
        "token",
        "new",
        "verification",
        "pin",
    ];
    label.contains("password") && !asks_for_more.iter().any(|word| label.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(label: &str) -> Prompt {
        Prompt {
            label: label.to_owned(),
            echo: false,
        }
    }

    #[test]
    fn only_a_lone_hidden_password_prompt_is_a_password() {
        assert!(is_password(&[hidden("Password: ")]));
        assert!(is_password(&[hidden("(me@box) Password:")]));
        assert!(!is_password(&[Prompt {
            label: "Password: ".to_owned(),
            echo: true
        }]));
        assert!(!is_password(&[hidden("Password: "), hidden("Password: ")]));
        for label in [
            "Verification code: ",
            "Password & verification code: ",
            "New password: ",
            "One-time password: ",
        ] {
            assert!(!is_password(&[hidden(label)]), "{label}");
        }
    }
}
