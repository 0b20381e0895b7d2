//! The direct route's other end: how it is dialled, and what a person answered about its certificate.
//!
//! An answer lives here until the app ends; the owner of the settings writes it down beside.

use super::counted::Counted;
use super::error::{DirectError, Presented};
use super::{Dialer, GatewayStream};
use crate::client::{Endpoint, Pinger};
use crate::config::TlsFingerprint;
use crate::connection::explain;
use crate::connection::problem::Problem;
use crate::connection::question::{Answer, Question};
use crate::connection::route::{Failure, Progress, ProgressReporter};
use crate::connection::state::Step;
use crate::connection::timeline::Stage;
use crate::tunnel::WireTraffic;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A gateway reached by its URL.
#[derive(Debug)]
pub struct DirectServer {
    dialer: Dialer,
    trust: Mutex<Trust>,
}

/// What is trusted, and what the last attempt asked about.
#[derive(Debug)]
struct Trust {
    pin: Option<TlsFingerprint>,
    asked: Option<TlsFingerprint>,
}

impl DirectServer {
    /// Returns a gateway that nothing was asked about yet.
    pub fn new(dialer: Dialer) -> Self {
        let trust = Trust {
            pin: dialer.pin(),
            asked: None,
        };
        Self {
            dialer,
            trust: Mutex::new(trust),
        }
    }

    /// Returns the address as people know it.
    pub(in crate::connection) fn target(&self) -> String {
        self.dialer.url().to_string()
    }

    /// Reaches the gateway's port once, up to and with the certificate.
    pub(in crate::connection) async fn open(
        self: &Arc<Self>,
        progress: &ProgressReporter,
    ) -> Result<DirectPath, Failure> {
        progress.report(Progress::Reached(Step::Resolving));
        let dialer = self.dialer();
        let reached = async {
            let addresses = dialer.resolve().await?;
            progress.passed(Stage::Name, 0);
            progress.report(Progress::Reached(Step::Connecting));
            let dialled = Instant::now();
            let stream = dialer.connect(addresses).await?;
            let reached_in = dialled.elapsed();
            progress.passed(Stage::Reached, 0);
            let stream = dialer.secure(stream).await?;
            if dialer.url().is_encrypted() {
                progress.passed(Stage::Certificate, 0);
            }
            Ok((stream, reached_in))
        };
        let (first, reached_in) = reached.await.map_err(|error| self.failed(&error))?;
        Ok(DirectPath {
            server: Arc::clone(self),
            first: Mutex::new(Some(first)),
            reached_in,
            traffic: WireTraffic::default(),
            pinger: Mutex::new(None),
        })
    }

    pub(in crate::connection) fn take_answer(
        &self,
        question: &Question,
        answer: &Answer,
    ) -> Result<(), Problem> {
        match (question, answer) {
            (Question::CertificateUnknown { .. }, Answer::Trust) => {}
            (Question::CertificateChanged { host, .. }, Answer::Replace { typed_host }) => {
                if typed_host.trim() != host {
                    return Err(Problem::host_name_differs(host));
                }
            }
            (
                Question::CertificateUnknown { .. }
                | Question::CertificateChanged { .. }
                | Question::HostKeyUnknown { .. }
                | Question::HostKeyChanged { .. }
                | Question::Passphrase { .. }
                | Question::Password { .. }
                | Question::Prompts { .. },
                _,
            ) => return Err(Problem::answer_does_not_fit()),
        }
        let mut trust = self.trust();
        let asked = trust
            .asked
            .take()
            .ok_or_else(Problem::answer_does_not_fit)?;
        trust.pin = Some(asked);
        Ok(())
    }

    /// Returns the dialer with what is trusted now.
    fn dialer(&self) -> Dialer {
        self.dialer.clone().pinned(self.trust().pin)
    }

    /// Notes which certificate is asked about, and says what the failure means.
    fn failed(&self, error: &DirectError) -> Failure {
        if let DirectError::CertificateUnknown(Presented { fingerprint, .. })
        | DirectError::CertificateChanged {
            presented: Presented { fingerprint, .. },
            ..
        } = error
        {
            self.trust().asked = Some(*fingerprint);
        }
        explain::direct_failure(error)
    }

    fn trust(&self) -> std::sync::MutexGuard<'_, Trust> {
        self.trust.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A gateway's port that was reached, and is reached again for each session.
pub(in crate::connection) struct DirectPath {
    server: Arc<DirectServer>,
    /// The connection that proved the way; the first session runs over it.
    first: Mutex<Option<Box<dyn GatewayStream>>>,
    /// How long TCP took.
    reached_in: Duration,
    traffic: WireTraffic,
    /// Of the last session.
    pinger: Mutex<Option<Pinger>>,
}

impl fmt::Debug for DirectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectPath")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl DirectPath {
    /// Returns a stream to the gateway's port.
    pub(in crate::connection) async fn dial(&self) -> Result<Box<dyn GatewayStream>, Failure> {
        let first = self
            .first
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let stream = match first {
            Some(stream) => stream,
            None => {
                let dialled = self.server.dialer().dial().await;
                dialled.map_err(|error| self.server.failed(&error))?
            }
        };
        Ok(Box::new(Counted::new(stream, self.traffic.clone())))
    }

    /// Returns how many bytes have come so far, over all connections.
    pub(in crate::connection) fn heard(&self) -> u64 {
        self.traffic.received()
    }

    /// Returns how many bytes have gone so far, over all connections.
    pub(in crate::connection) fn said(&self) -> u64 {
        self.traffic.sent()
    }

    pub(in crate::connection) fn endpoint(&self) -> Endpoint {
        self.server.dialer.url().into()
    }

    pub(in crate::connection) fn port(&self) -> u16 {
        self.server.dialer.url().port()
    }

    /// Returns whether the other end may be offered this device's token after a refusal.
    pub(in crate::connection) fn is_trusted(&self) -> bool {
        self.server.dialer().is_trusted()
    }

    /// Has the path's life asked for over a session from now on.
    pub(in crate::connection) fn ask_over(&self, pinger: Pinger) {
        *self.pinger.lock().unwrap_or_else(PoisonError::into_inner) = Some(pinger);
    }

    /// Returns the round trip of a WebSocket ping over the session. While there is none, an attempt to
    /// open one is what tells whether the way still stands, and nothing is sent beside it.
    pub(in crate::connection) async fn ping(&self) -> Duration {
        let pinger = self
            .pinger
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match pinger {
            Some(pinger) => pinger.ping().await.unwrap_or(self.reached_in),
            None => self.reached_in,
        }
    }
}
