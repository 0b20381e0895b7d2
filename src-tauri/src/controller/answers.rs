//! What a person typed, as the answer to what was asked, and on its way to the connection.

use super::{Controller, Order, Reply, problems::ui_error, respond, work::Outcome};
use crate::view_model::{AnswerForm, SecretText, UiError};
use gateway_core::{
    connection::question::{Answer, Asked, Question},
    credentials::secret::{AccountPassword, KeyPassphrase, PromptAnswer},
};
use tokio::sync::oneshot;

impl Controller {
    pub(super) fn trust(&mut self, id: &str) {
        let Ok(id) = id.parse() else { return };
        let (reply, outcome) = oneshot::channel();
        self.order(Order::Answer {
            id,
            answer: Answer::Trust,
            reply,
        });
        let certificate = self.certificate_asked(id);
        self.work.spawn(async move {
            Outcome::Trusted {
                id,
                result: outcome.await.unwrap_or(Ok(())),
                certificate,
            }
        });
    }

    pub(super) fn answer_question(&mut self, id: u64, answer: Answer, reply: Reply<(), UiError>) {
        let (done, outcome) = oneshot::channel();
        self.order(Order::Answer {
            id,
            answer,
            reply: done,
        });
        let certificate = self.certificate_asked(id);
        self.work.spawn(async move {
            let answered = outcome.await.map_or_else(
                |_| Err(gone()),
                |result| result.map_err(|problem| ui_error(&problem)),
            );
            let trusted = certificate.filter(|_| answered.is_ok());
            respond(reply, answered);
            trusted.map_or(Outcome::Nothing, Outcome::CertificateTrusted)
        });
    }

    /// Returns the certificate that question `id` is about.
    pub(super) fn certificate_asked(&self, id: u64) -> Option<String> {
        certificate(self.connection.snapshots.borrow().question.as_ref(), id)
    }

    /// Writes a trusted certificate down; the connection knows it already.
    pub(super) fn keep_certificate(&mut self, fingerprint: String) {
        if let Err(problem) = self.settings.keep_certificate(fingerprint) {
            // It is trusted until the app ends, and asked about again then.
            tracing::warn!(
                code = problem.code,
                "a trusted certificate was not written down"
            );
        }
        self.send_settings();
    }
}

/// Fits a form to the open question.
///
/// # Errors
///
/// Fails when another question, or none, is open, or the number of texts is not what was asked for.
pub(super) fn answer(form: AnswerForm, asked: Option<&Asked>) -> Result<(u64, Answer), UiError> {
    let asked = asked
        .filter(|asked| asked.id.to_string() == form.id)
        .ok_or_else(gone)?;
    let AnswerForm {
        texts, remember, ..
    } = form;
    let answer = match &asked.question {
        Question::HostKeyUnknown { .. } | Question::CertificateUnknown { .. } => Answer::Trust,
        Question::HostKeyChanged { .. } | Question::CertificateChanged { .. } => Answer::Replace {
            typed_host: only(&texts)?.to_owned(),
        },
        Question::Passphrase { .. } => Answer::Passphrase {
            passphrase: KeyPassphrase::new(only(&texts)?),
            remember,
        },
        Question::Password { .. } => Answer::Password(AccountPassword::new(only(&texts)?)),
        Question::Prompts { prompts, .. } if prompts.len() == texts.len() => Answer::Prompts(
            texts
                .iter()
                .map(|text| PromptAnswer::new(text.expose()))
                .collect(),
        ),
        Question::Prompts { .. } => return Err(wrong_count()),
    };
    Ok((asked.id, answer))
}

/// Returns the certificate a question is about: trusting it means writing it down.
pub(super) fn certificate(asked: Option<&Asked>, id: u64) -> Option<String> {
    match &asked.filter(|asked| asked.id == id)?.question {
        Question::CertificateUnknown { fingerprint, .. }
        | Question::CertificateChanged {
            new_fingerprint: fingerprint,
            ..
        } => Some(fingerprint.clone()),
        Question::HostKeyUnknown { .. }
        | Question::HostKeyChanged { .. }
        | Question::Passphrase { .. }
        | Question::Password { .. }
        | Question::Prompts { .. } => None,
    }
}

fn only(texts: &[SecretText]) -> Result<&str, UiError> {
    let [text] = texts else {
        return Err(wrong_count());
    };
    Ok(text.expose())
}

/// Says that the question is not open any more.
pub(super) fn gone() -> UiError {
    UiError {
        code: "questionGone".to_owned(),
        message: "That question is no longer open; the connection has moved on.".to_owned(),
        action: None,
    }
}

fn wrong_count() -> UiError {
    UiError {
        code: "answerIncomplete".to_owned(),
        message: "Every field that was asked for needs an answer.".to_owned(),
        action: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_core::connection::question::Prompt;

    fn form(id: &str, texts: &[&str]) -> AnswerForm {
        AnswerForm {
            id: id.to_owned(),
            texts: texts.iter().map(|text| SecretText::new(*text)).collect(),
            remember: true,
        }
    }

    fn two_fields() -> Asked {
        let prompt = |label: &str| Prompt {
            label: label.to_owned(),
            echo: false,
        };
        Asked {
            id: 7,
            question: Question::Prompts {
                title: String::new(),
                instruction: String::new(),
                prompts: vec![prompt("Password:"), prompt("Code:")],
                was_wrong: false,
            },
        }
    }

    #[test]
    fn an_answer_to_an_older_question_goes_nowhere() {
        assert_eq!(
            answer(form("6", &["a", "b"]), Some(&two_fields()))
                .unwrap_err()
                .code,
            "questionGone"
        );
        assert_eq!(
            answer(form("7", &[]), None).unwrap_err().code,
            "questionGone"
        );
    }

    #[test]
    fn every_field_needs_its_text() {
        let refused = answer(form("7", &["a"]), Some(&two_fields())).unwrap_err();
        assert_eq!(refused.code, "answerIncomplete");

        let (id, given) = answer(form("7", &["a", "b"]), Some(&two_fields())).unwrap();
        assert_eq!(id, 7);
        let Answer::Prompts(given) = given else {
            panic!("another kind of answer");
        };
        assert_eq!(given[1].expose(), "b");
    }

    #[test]
    fn a_changed_key_is_answered_by_what_was_typed_and_nothing_else() {
        let asked = Asked {
            id: 1,
            question: Question::HostKeyChanged {
                host: "home".to_owned(),
                port: 22,
                key_type: "Ed25519".to_owned(),
                known_fingerprints: vec![],
                new_fingerprint: "SHA256:x".to_owned(),
            },
        };

        let (_, given) = answer(form("1", &["home"]), Some(&asked)).unwrap();

        let Answer::Replace { typed_host } = given else {
            panic!("another kind of answer");
        };
        assert_eq!(typed_host, "home");
    }
}
