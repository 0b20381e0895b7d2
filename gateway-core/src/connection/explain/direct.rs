//! What a failure of the direct way means, and what a person is told.

use super::sentence;
use crate::config::settings::DirectSettingsError;
use crate::connection::direct::error::{CertificateFault, DirectError, DirectStep, Presented};
use crate::connection::phase::Cause;
use crate::connection::problem::{Problem, UserAction};
use crate::connection::question::Question;
use crate::connection::route::Failure;
use crate::connection::state::{About, Verdict};
use std::io;

/// Explains why no stream to the gateway's port came about.
pub fn direct_failure(error: &DirectError) -> Failure {
    let verdict = match error {
        DirectError::Plain(_) | DirectError::PlainToPublic { .. } | DirectError::BadName => {
            Verdict::Pause(Cause::BadTarget)
        }
        DirectError::Resolve { .. } => Verdict::Retry(Cause::Network),
        // Whoever refuses is there; it is the gateway that is not.
        DirectError::Tcp { source, .. } if source.kind() == io::ErrorKind::ConnectionRefused => {
            Verdict::GatewayDown(Cause::Network)
        }
        DirectError::Tcp { .. } => Verdict::Retry(Cause::Network),
        DirectError::Timeout { .. } => Verdict::Retry(Cause::Timeout),
        DirectError::Lost { .. } => Verdict::Retry(Cause::Closed),
        DirectError::NotTls { .. } | DirectError::Tls { .. } => {
            Verdict::GatewayDown(Cause::Protocol)
        }
        DirectError::CertificateUnknown(_) => Verdict::Ask(About::Certificate),
        DirectError::CertificateChanged { .. } | DirectError::Certificate { .. } => {
            Verdict::Pause(Cause::TlsPin)
        }
        DirectError::Setup(_) => Verdict::Stop(Cause::TlsPin),
    };
    Failure {
        question: question(error),
        ..Failure::new(verdict, direct_problem(error))
    }
}

fn question(error: &DirectError) -> Option<Question> {
    match error {
        DirectError::CertificateUnknown(presented) => Some(Question::CertificateUnknown {
            host: presented.host.clone(),
            port: presented.port,
            fingerprint: presented.fingerprint.to_string(),
        }),
        DirectError::CertificateChanged { presented, pinned } => {
            Some(Question::CertificateChanged {
                host: presented.host.clone(),
                port: presented.port,
                known_fingerprint: pinned.to_string(),
                new_fingerprint: presented.fingerprint.to_string(),
            })
        }
        DirectError::Plain(_)
        | DirectError::PlainToPublic { .. }
        | DirectError::BadName
        | DirectError::Resolve { .. }
        | DirectError::Tcp { .. }
        | DirectError::Timeout { .. }
        | DirectError::Certificate { .. }
        | DirectError::NotTls { .. }
        | DirectError::Tls { .. }
        | DirectError::Lost { .. }
        | DirectError::Setup(_) => None,
    }
}

/// Tells a person why no stream to the gateway's port came about.
pub fn direct_problem(error: &DirectError) -> Problem {
    let problem = direct_words(error);
    match error {
        DirectError::CertificateUnknown(presented)
        | DirectError::CertificateChanged { presented, .. } => problem
            .about("host", &presented.host)
            .about("fingerprint", presented.fingerprint),
        DirectError::Certificate { presented, .. } => problem.about("host", &presented.host),
        DirectError::Resolve { host, .. } => problem.about("host", host),
        DirectError::Plain(_)
        | DirectError::PlainToPublic { .. }
        | DirectError::BadName
        | DirectError::Tcp { .. }
        | DirectError::Timeout { .. }
        | DirectError::NotTls { .. }
        | DirectError::Tls { .. }
        | DirectError::Lost { .. }
        | DirectError::Setup(_) => problem,
    }
}

fn direct_words(error: &DirectError) -> Problem {
    let edit = |code, next: &str| {
        Problem::new(
            code,
            format!("{}. {next}", sentence(error)),
            UserAction::EditAddress,
        )
    };
    let again = |code, next: &str| {
        Problem::new(
            code,
            format!("{}. {next}", sentence(error)),
            UserAction::TryAgain,
        )
    };
    match error {
        DirectError::Plain(_) => Problem::new(
            "plainRefused",
            format!("{}.", sentence(error)),
            UserAction::EditAddress,
        ),
        DirectError::PlainToPublic { .. } => edit(
            "plainRefused",
            "Use wss://, or reach the gateway through SSH.",
        ),
        DirectError::BadName => edit("badTarget", "Correct the address."),
        DirectError::Resolve { .. } => edit("nameNotFound", "Correct the address."),
        DirectError::Tcp { is_here: true, .. } => edit(
            "gatewayNotRunning",
            "Start the gateway there, or correct the address.",
        ),
        DirectError::Tcp { .. } => again(
            "gatewayUnreachable",
            "Look whether the gateway runs there and listens beyond its own computer \
             (gateway.bind).",
        ),
        DirectError::Timeout {
            step: DirectStep::Tls,
            ..
        } => edit(
            "notTls",
            "What answers there may not speak TLS: correct the port, or write ws://.",
        ),
        DirectError::Timeout { .. } => again(
            "serverTimeout",
            "Look whether this computer and the gateway's are on the network.",
        ),
        DirectError::Lost { .. } => again("serverClosed", "Try again."),
        DirectError::NotTls { .. } => edit(
            "notTls",
            "Correct the port, or write ws:// if that gateway is on a private network and uses no \
             TLS.",
        ),
        DirectError::Tls { .. } => edit(
            "tlsFailed",
            "Look at the TLS settings of the gateway, or of the proxy in front of it.",
        ),
        DirectError::CertificateUnknown(Presented { fingerprint, .. }) => Problem::new(
            "certificateUnknown",
            format!(
                "{}. It is {fingerprint}. Trust it only if it is the gateway's.",
                sentence(error)
            ),
            UserAction::ReviewHostKey,
        ),
        DirectError::CertificateChanged { presented, pinned } => Problem::new(
            "certificateChanged",
            format!(
                "{}. Nothing was sent to it. It is {}, pinned is {pinned}. If the certificate was \
                 renewed, trust the new one.",
                sentence(error),
                presented.fingerprint
            ),
            UserAction::ReviewHostKey,
        ),
        DirectError::Certificate { presented, fault } => certificate_problem(presented, *fault),
        DirectError::Setup(_) => Problem::without_action(
            "internal",
            format!("{}. This is a fault of this program.", sentence(error)),
        ),
    }
}

/// Tells a person why the URL or the fingerprint in their settings cannot be used.
pub fn direct_settings_problem(error: &DirectSettingsError) -> Problem {
    Problem::new(
        "badTarget",
        format!("{}. Correct it in the settings.", sentence(error)),
        UserAction::EditAddress,
    )
}

fn certificate_problem(presented: &Presented, fault: CertificateFault) -> Problem {
    let host = &presented.host;
    let (code, message, action) = match fault {
        CertificateFault::Expired => (
            "certificateExpired",
            format!(
                "The certificate of {host} has expired. Renew it there, or set this computer's \
                 clock."
            ),
            UserAction::TryAgain,
        ),
        CertificateFault::NotYetValid => (
            "certificateNotYetValid",
            format!("The certificate of {host} is not valid yet. Set this computer's clock."),
            UserAction::TryAgain,
        ),
        CertificateFault::OtherName => (
            "certificateOtherName",
            format!(
                "The certificate shown at {host} is for another name. Write the address with the \
                 name it is for."
            ),
            UserAction::EditAddress,
        ),
        CertificateFault::Revoked => (
            "certificateRevoked",
            format!(
                "The certificate of {host} was taken back by its authority. Have it replaced there."
            ),
            UserAction::TryAgain,
        ),
        CertificateFault::Unusable => (
            "certificateUnusable",
            format!("The certificate of {host} cannot be used. Have it replaced there."),
            UserAction::TryAgain,
        ),
    };
    Problem::new(code, message, action)
}

/// Puts the fields of the direct way in place of those of SSH.
pub(in crate::connection) fn told_directly(mut failure: Failure) -> Failure {
    failure.problem = problem_directly(failure.problem);
    failure
}

/// Gives a problem the button that helps where there is no SSH server: no ports of ours, and nobody to do
/// anything there.
pub fn problem_directly(mut problem: Problem) -> Problem {
    problem.action = match problem.action {
        Some(UserAction::EditPorts) => Some(UserAction::EditAddress),
        Some(UserAction::StartGateway | UserAction::ApproveDevice) => Some(UserAction::TryAgain),
        other => other,
    };
    problem
}
