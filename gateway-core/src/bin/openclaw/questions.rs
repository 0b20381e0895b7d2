//! Asks a person at a terminal, while the connection goes on being watched.

use crate::output;
use gateway_core::connection::question::{Answer, Asked, Question};
use gateway_core::credentials::secret::{AccountPassword, KeyPassphrase, PromptAnswer};
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use tokio::sync::oneshot;

/// A question on the screen. Dropping it gives the terminal its echo back.
pub(crate) struct Asking {
    id: u64,
    answer: oneshot::Receiver<Option<Answer>>,
    _echo: Echo,
}

impl Asking {
    /// Returns which question it is.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }
}

/// Puts a question on the screen; `None` when nobody sits there.
pub(crate) fn ask(asked: &Asked) -> Option<Asking> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return None;
    }
    let (send, answer) = oneshot::channel();
    let question = asked.question.clone();
    let echo = Echo::remember();
    // A thread of its own: reading from a terminal cannot be cancelled.
    std::thread::spawn(move || {
        let answer = match answer_to(&question) {
            Ok(answer) => answer,
            Err(error) => {
                tracing::debug!(%error, "the terminal gave no answer");
                None
            }
        };
        // Nobody waits any more once the program is about to end.
        drop(send.send(answer));
    });
    Some(Asking {
        id: asked.id,
        answer,
        _echo: echo,
    })
}

/// Completes with the question's number and the answer; waits for ever when nothing is asked.
pub(crate) async fn answered(asking: &mut Option<Asking>) -> (u64, Option<Answer>) {
    match asking {
        Some(asking) => (asking.id, (&mut asking.answer).await.unwrap_or(None)),
        None => std::future::pending().await,
    }
}

/// Asks whether to go on; `None` when nobody sits there.
pub(crate) async fn agrees(label: &'static str) -> Option<bool> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return None;
    }
    let asking = tokio::task::spawn_blocking(move || read_line(label));
    let said = asking.await.ok()?.ok()?;
    Some(said.trim().eq_ignore_ascii_case("yes"))
}

fn answer_to(question: &Question) -> io::Result<Option<Answer>> {
    match question {
        Question::HostKeyUnknown {
            host,
            port,
            key_type,
            fingerprint,
        } => {
            output::remark(format_args!(
                "{host} port {port} is not known yet. Its {key_type} key is\n  {fingerprint}"
            ));
            let said = read_line("Trust this server? Type yes to go on: ")?;
            Ok(said
                .trim()
                .eq_ignore_ascii_case("yes")
                .then_some(Answer::Trust))
        }
        Question::HostKeyChanged {
            host,
            known_fingerprints,
            new_fingerprint,
            ..
        } => {
            output::remark(format_args!(
                "The key of {host} has CHANGED. Somebody may be listening in.\n  known: {}\n  now:   {new_fingerprint}",
                known_fingerprints.join(", ")
            ));
            let typed_host = read_line(
                "If you reinstalled this server, type its host name, else press Enter: ",
            )?;
            let typed_host = typed_host.trim().to_owned();
            Ok((!typed_host.is_empty()).then_some(Answer::Replace { typed_host }))
        }
        Question::CertificateUnknown {
            host,
            port,
            fingerprint,
        } => {
            output::remark(format_args!(
                "Nobody this computer trusts vouches for the certificate of {host} port {port}. It is\n  {fingerprint}"
            ));
            let said = read_line("Trust this certificate? Type yes to go on: ")?;
            Ok(said
                .trim()
                .eq_ignore_ascii_case("yes")
                .then_some(Answer::Trust))
        }
        Question::CertificateChanged {
            host,
            known_fingerprint,
            new_fingerprint,
            ..
        } => {
            output::remark(format_args!(
                "The certificate of {host} has CHANGED. Somebody may be listening in.\n  pinned: {known_fingerprint}\n  now:    {new_fingerprint}"
            ));
            let typed_host = read_line(
                "If this certificate was renewed, type the host name, else press Enter: ",
            )?;
            let typed_host = typed_host.trim().to_owned();
            Ok((!typed_host.is_empty()).then_some(Answer::Replace { typed_host }))
        }
        Question::Passphrase {
            key_file,
            was_wrong,
        } => {
            let text = read_hidden(
                *was_wrong,
                &format!("Passphrase for {}: ", key_file.display()),
            )?;
            Ok(text.map(|text| Answer::Passphrase {
                passphrase: KeyPassphrase::new(text),
                remember: false,
            }))
        }
        Question::Password {
            user,
            host,
            was_wrong,
        } => {
            let text = read_hidden(*was_wrong, &format!("Password of {user} on {host}: "))?;
            Ok(text.map(|text| Answer::Password(AccountPassword::new(text))))
        }
        Question::Prompts {
            title,
            instruction,
            prompts,
            was_wrong,
        } => {
            for text in [title, instruction]
                .into_iter()
                .filter(|text| !text.is_empty())
            {
                output::remark(text);
            }
            let mut answers = Vec::with_capacity(prompts.len());
            for prompt in prompts {
                let label = format!("{} ", prompt.label.trim_end());
                let text = match prompt.echo {
                    true => Some(read_line(&label)?),
                    false => read_hidden(*was_wrong, &label)?,
                };
                match text {
                    Some(text) => answers.push(PromptAnswer::new(text)),
                    None => return Ok(None),
                }
            }
            Ok(Some(Answer::Prompts(answers)))
        }
    }
}

fn read_line(label: &str) -> io::Result<String> {
    let mut stderr = io::stderr().lock();
    write!(stderr, "{label}")?;
    stderr.flush()?;
    drop(stderr);
    let mut text = String::new();
    if io::stdin().lock().read_line(&mut text)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// An empty answer closes the question.
fn read_hidden(was_wrong: bool, label: &str) -> io::Result<Option<String>> {
    if was_wrong {
        output::remark("That was not right.");
    }
    let text = rpassword::prompt_password(label)?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// The terminal's mode as it was: a program that ends while a password is typed must not leave the
/// shell without echo.
struct Echo {
    #[cfg(unix)]
    mode: Option<rustix::termios::Termios>,
}

impl Echo {
    fn remember() -> Self {
        Self {
            #[cfg(unix)]
            mode: rustix::termios::tcgetattr(io::stdin()).ok(),
        }
    }
}

#[cfg(unix)]
impl Drop for Echo {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if let Some(mode) = &self.mode
            && let Err(error) = tcsetattr(io::stdin(), OptionalActions::Now, mode)
        {
            tracing::debug!(%error, "the terminal's mode was not restored");
        }
    }
}
