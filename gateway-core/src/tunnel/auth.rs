//! Signing in: which credential is offered, in which order, and what a person has to be asked.
//!
//! The order is the key this app made for itself, certificates from files, agent keys that an identity file selects, other agent keys,
//! key files, keyboard-interactive, password. Nobody is asked while a connection is open: the question comes
//! back as an error, and the redial replays the answers from [`SignInMemory`]. A credential that the
//! server refused is not sent again by itself.

mod candidates;
mod certificates;
mod interactive;
pub mod keys;
mod memory;
mod public_key;
mod signers;

pub use memory::SignInMemory;

use super::credential::{Credential, Outcome, Tried};
use super::error::{Step, TunnelClosed, TunnelError};
use super::question::Question;
use super::session::{SessionEnd, SessionHandler, closed_by};
use keys::Files;
use russh::client::{AuthResult, Handle};
use russh::{MethodKind, MethodSet};
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How a person wants to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignIn {
    /// Whatever works: agent, key files, then whatever the server asks for.
    Automatic {
        /// Key files to try; one that does not exist is passed over. A public key beside one picks
        /// the agent's key to try first.
        identity_files: Vec<PathBuf>,
    },
    /// This key only, from the file or from the agent.
    KeyFile(PathBuf),
    /// A password, or whatever the server asks for; no keys but this app's own.
    Password,
    /// This app's own key and nothing else; nobody is asked.
    OwnKey,
}

/// What signing in needs to know.
pub(super) struct SignInRequest<'a> {
    pub(super) user: &'a str,
    pub(super) host: &'a str,
    pub(super) sign_in: &'a SignIn,
    pub(super) agent_socket: Option<&'a std::path::Path>,
    pub(super) identities_only: bool,
    pub(super) limit: Duration,
}

/// What one credential or method came to.
enum Progress {
    SignedIn,
    /// Accepted, but the server wants one of these too.
    Partial(MethodSet),
    Refused(MethodSet),
    /// It could not be used, so that nothing was refused; why, in words.
    Unusable(&'static str),
    /// The server goes on asking, so that it was left.
    Endless,
}

/// Signs in on a session whose host key was accepted; returns what did it.
pub(super) async fn sign_in(
    handle: &mut Handle<SessionHandler>,
    end: &SessionEnd,
    request: SignInRequest<'_>,
    files: Files,
    memory: &mut SignInMemory,
) -> Result<Credential, TunnelError> {
    let mut attempt = Attempt {
        handle,
        end,
        request,
        memory,
        tried: Vec::new(),
        clock: Clock::default(),
    };
    attempt.run(files).await
}

/// One try to sign in on one connection.
struct Attempt<'a> {
    handle: &'a mut Handle<SessionHandler>,
    end: &'a SessionEnd,
    request: SignInRequest<'a>,
    memory: &'a mut SignInMemory,
    tried: Vec<Tried>,
    clock: Clock,
}

impl Attempt<'_> {
    async fn run(&mut self, files: Files) -> Result<Credential, TunnelError> {
        let accepted = self.memory.accepted_key().map(str::to_owned);
        let mut files = Some(files);
        let mut keys = None;
        let mut offered = MethodSet::empty();
        // What was accepted last is tried at once, which spares a question and its way there and back.
        // If it is refused now, the refusal tells the methods just as well.
        if let Some(name) = accepted
            && let Some(files) = self.files_for_keys(&mut files)
        {
            let gathered = keys.insert(candidates::Candidates::gather(self, files).await?);
            if gathered.put_first(&name) {
                offered = MethodSet::from([MethodKind::PublicKey].as_slice());
            }
        }
        let mut is_guess = !offered.is_empty();
        if !is_guess {
            offered = match self.ask_for_methods().await? {
                Some(methods) => methods,
                None => return Ok(Credential::Nothing),
            };
        }
        if let Some(files) = self.files_for_keys(&mut files) {
            keys = Some(candidates::Candidates::gather(self, files).await?);
        }
        // What a person is asked for follows from their choice, or from a first half accepted.
        let mut may_ask = match self.request.sign_in {
            SignIn::Automatic { .. } | SignIn::Password => true,
            SignIn::KeyFile(_) | SignIn::OwnKey => false,
        };
        let mut interactive_is_open = true;
        let mut password_is_open = true;

        loop {
            let progress = if offers(&offered, MethodKind::PublicKey)
                && let Some(candidate) = keys
                    .as_mut()
                    .and_then(|keys| keys.next(self.memory, &mut self.tried))
            {
                let credential = candidate.credential();
                let progress = self.offer_key(candidate).await?;
                self.note(&credential, &progress);
                (credential, progress)
            } else if may_ask
                && interactive_is_open
                && offers(&offered, MethodKind::KeyboardInteractive)
            {
                interactive_is_open = false;
                let progress = self.answer_prompts().await?;
                self.note(&Credential::KeyboardInteractive, &progress);
                (Credential::KeyboardInteractive, progress)
            } else if may_ask && password_is_open && offers(&offered, MethodKind::Password) {
                password_is_open = false;
                let progress = self.send_password().await?;
                self.note(&Credential::Password, &progress);
                (Credential::Password, progress)
            } else {
                return Err(self.refused(&offered));
            };
            offered = match progress {
                (credential, Progress::SignedIn) => return Ok(credential),
                (_, Progress::Partial(more)) => {
                    // A second factor is asked for whatever the first was; answers may be wanted twice.
                    may_ask = true;
                    interactive_is_open = true;
                    password_is_open = true;
                    if self.tried.len() > MAX_TRIES {
                        return Err(self.refused(&more));
                    }
                    more
                }
                (_, Progress::Refused(others)) if others.is_empty() => {
                    return Err(self.refused(&offered));
                }
                (_, Progress::Refused(others)) => others,
                (_, Progress::Endless) => return Err(self.refused(&offered)),
                (credential, Progress::Unusable(_)) => {
                    if let Some(keys) = &mut keys {
                        keys.allow_again(&credential);
                    }
                    // The server has not been heard about its methods yet.
                    match std::mem::take(&mut is_guess) {
                        true => match self.ask_for_methods().await? {
                            Some(methods) => methods,
                            None => return Ok(Credential::Nothing),
                        },
                        false => offered,
                    }
                }
            };
        }
    }

    /// Returns the methods there are; `None` if none is needed.
    async fn ask_for_methods(&mut self) -> Result<Option<MethodSet>, TunnelError> {
        // Asking with "none" tells; no server counts it as a failure (RFC 4252 §5.2).
        let exchange = self.handle.authenticate_none(self.request.user);
        let offered = match within(&mut self.clock, self.request.limit, self.end, exchange).await? {
            AuthResult::Success => return Ok(None),
            AuthResult::Failure {
                remaining_methods, ..
            } => self.still_open(remaining_methods).await?,
        };
        tracing::debug!(host = self.request.host, offered = ?names(&offered), "sign-in methods offered");
        Ok(Some(offered))
    }

    /// Takes the files to find keys in, where keys may be offered.
    fn files_for_keys(&self, files: &mut Option<Files>) -> Option<Files> {
        files.take_if(|_| match self.request.sign_in {
            SignIn::Password => self.memory.own_key().is_some(),
            SignIn::Automatic { .. } | SignIn::KeyFile(_) | SignIn::OwnKey => true,
        })
    }

    async fn send_password(&mut self) -> Result<Progress, TunnelError> {
        let Some(password) = self.memory.password().cloned() else {
            return Err(TunnelError::NeedsAnswer(self.password_question()));
        };
        let exchange = self
            .handle
            .authenticate_password(self.request.user, password.expose());
        let result = within(&mut self.clock, self.request.limit, self.end, exchange).await?;
        let progress = self.progress(result).await?;
        if matches!(progress, Progress::Refused(_)) {
            self.memory.password_was_refused();
            return Err(TunnelError::NeedsAnswer(self.password_question()));
        }
        Ok(progress)
    }

    fn password_question(&self) -> Question {
        Question::Password {
            user: self.request.user.to_owned(),
            host: self.request.host.to_owned(),
            was_wrong: self.memory.password_is_wrong(),
        }
    }

    /// Turns russh's answer into ours.
    async fn progress(&self, result: AuthResult) -> Result<Progress, TunnelError> {
        match result {
            AuthResult::Success => Ok(Progress::SignedIn),
            AuthResult::Failure {
                remaining_methods,
                partial_success,
            } => {
                let methods = self.still_open(remaining_methods).await?;
                Ok(if partial_success {
                    Progress::Partial(methods)
                } else {
                    Progress::Refused(methods)
                })
            }
        }
    }

    /// Tells a refusal from the end of the session, which russh reports the same way.
    ///
    /// No methods at all mean a refusal that ended the session.
    async fn still_open(&self, methods: MethodSet) -> Result<MethodSet, TunnelError> {
        if !methods.is_empty() {
            return Ok(methods);
        }
        // With no method left russh ends the session by itself, so there is an end to wait for.
        let reason = match tokio::time::timeout(END_IS_NEAR, self.end.ended()).await {
            Ok(reason) => reason,
            Err(_) => return Ok(methods),
        };
        // OpenSSH ends the connection after MaxAuthTries, and russh when no method is left: either
        // way what we sent was refused.
        let was_refused = match &reason {
            TunnelClosed::ByServer { message } => {
                message.to_lowercase().contains("authentication failures")
            }
            TunnelClosed::Broken { detail } => detail == &russh::Error::NoAuthMethod.to_string(),
            TunnelClosed::NotAnswering | TunnelClosed::ByUs => false,
        };
        if was_refused {
            return Ok(methods);
        }
        Err(TunnelError::Closed {
            step: Step::Login,
            source: reason,
        })
    }

    fn note(&mut self, credential: &Credential, progress: &Progress) {
        let outcome = match progress {
            Progress::SignedIn => return,
            Progress::Partial(_) => Outcome::NotEnough,
            Progress::Refused(_) => Outcome::Refused,
            Progress::Unusable(why) => Outcome::Unusable((*why).to_owned()),
            Progress::Endless => {
                Outcome::Unusable("the server asks more than anybody could answer".to_owned())
            }
        };
        tracing::debug!(%credential, %outcome, "credential tried");
        self.tried.push(Tried {
            credential: credential.clone(),
            outcome,
        });
    }

    fn refused(&self, offered: &MethodSet) -> TunnelError {
        TunnelError::AuthRefused {
            user: self.request.user.to_owned(),
            host: self.request.host.to_owned(),
            tried: self.tried.clone(),
            offered: names(offered),
        }
    }
}

/// How many credentials one connection may see in all, whatever a server asks for.
const MAX_TRIES: usize = 12;

/// How soon a session that has ended says why.
const END_IS_NEAR: Duration = Duration::from_secs(1);

/// How long a signature may take: an agent may ask its owner first.
const SIGNATURE_LIMIT: Duration = Duration::from_secs(60);

/// How much of the sign-in limit is used up.
#[derive(Debug, Default)]
struct Clock {
    used: Duration,
    signing: Arc<SigningTime>,
}

/// How long the agent has been signing. Its owner may be thinking, which is not the server's fault.
#[derive(Debug, Default)]
struct SigningTime(Mutex<(Duration, Option<Instant>)>);

impl SigningTime {
    fn spent(&self) -> Duration {
        let (before, since) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        before + since.map(|since| since.elapsed()).unwrap_or_default()
    }

    fn starts(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 = Some(Instant::now());
    }

    fn ends(&self) {
        let spent = self.spent();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (spent, None);
    }
}

/// Runs one exchange with the server within what is left of the sign-in limit.
async fn within<T>(
    clock: &mut Clock,
    limit: Duration,
    end: &SessionEnd,
    exchange: impl Future<Output = Result<T, russh::Error>>,
) -> Result<T, TunnelError> {
    let started = Instant::now();
    let signed_before = clock.signing.spent();
    let mut exchange = std::pin::pin!(exchange);
    let result = loop {
        let signing = clock.signing.spent().saturating_sub(signed_before);
        let waited = clock.used + started.elapsed().saturating_sub(signing);
        let left = limit.saturating_sub(waited);
        if left.is_zero() {
            let step = Step::Login;
            return Err(TunnelError::Timeout {
                step,
                waited: limit,
            });
        }
        tokio::select! {
            result = &mut exchange => break result,
            () = sleep(left) => {}
        }
    };
    let signing = clock.signing.spent().saturating_sub(signed_before);
    clock.used += started.elapsed().saturating_sub(signing);
    match result {
        Ok(value) => Ok(value),
        Err(error) => Err(lost(end, &error).await),
    }
}

/// Says why the session ended under an exchange; the session itself knows best.
async fn lost(end: &SessionEnd, error: &russh::Error) -> TunnelError {
    let source = match tokio::time::timeout(END_IS_NEAR, end.ended()).await {
        Ok(reason) => reason,
        Err(_) => closed_by(error),
    };
    TunnelError::Closed {
        step: Step::Login,
        source,
    }
}

fn offers(methods: &MethodSet, kind: MethodKind) -> bool {
    methods.contains(&kind)
}

fn names(methods: &MethodSet) -> Vec<String> {
    methods.iter().map(String::from).collect()
}
