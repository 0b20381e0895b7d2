//! Turns what the tunnel and the client report into what it means and what a person is told.
//!
//! One arm for each variant: a new way to fail must choose its words and its button here. "Check my
//! server" and the supervisor use the same ones.

mod direct;

pub(super) use direct::told_directly;
pub use direct::{direct_failure, direct_problem, direct_settings_problem, problem_directly};

use super::phase::Cause;
use super::problem::{Problem, UserAction};
use super::question::{Prompt, Question};
use super::route::Failure;
use super::state::{About, Verdict};
use crate::client::{CloseReason, ConnectError, NextStep as GatewayStep, NotAGateway};
use crate::home_server::gateway_service::ApprovableRequest;
use crate::protocol::{DetailCode, PairingRequestId};
use crate::ssh_config::SshConfigError;
use crate::tunnel::{
    self, ForwardError, KnownKey, PresentedKey, TargetError, TunnelClosed, TunnelError,
};

/// Explains why no path to the server was opened.
pub fn tunnel_failure(error: &TunnelError) -> Failure {
    let problem = tunnel_problem(error);
    let (_, here) = error.at_hop();
    let question = match here {
        TunnelError::HostKeyUnknown(key) => Some(unknown_key(key)),
        TunnelError::HostKeyChanged { presented, known } => Some(changed_key(presented, known)),
        TunnelError::NeedsAnswer(question) => Some(sign_in_question(question)),
        TunnelError::BadTarget(_)
        | TunnelError::SshConfig(_)
        | TunnelError::Hop { .. }
        | TunnelError::NotForwarded { .. }
        | TunnelError::HostKeyNotListed(_)
        | TunnelError::Resolve { .. }
        | TunnelError::Tcp { .. }
        | TunnelError::KeyExchange { .. }
        | TunnelError::KnownHosts(_)
        | TunnelError::HostKeyRevoked { .. }
        | TunnelError::HostKeyNeedsAuthority { .. }
        | TunnelError::WeakEncryption { .. }
        | TunnelError::HostKeyNotDemanded { .. }
        | TunnelError::KeyFile { .. }
        | TunnelError::AuthRefused { .. }
        | TunnelError::Timeout { .. }
        | TunnelError::Closed { .. } => None,
    };
    let verdict = if matches!(here, TunnelError::HostKeyUnknown(_)) {
        Verdict::Ask(About::HostKey)
    } else if matches!(here, TunnelError::NeedsAnswer(_)) {
        Verdict::Ask(About::SignIn)
    } else if error.stops_retrying() {
        Verdict::Pause(error.cause())
    } else {
        Verdict::Retry(error.cause())
    };
    Failure {
        question,
        ..Failure::new(verdict, problem)
    }
}

/// Tells a person why no path to the server was opened.
pub fn tunnel_problem(error: &TunnelError) -> Problem {
    let problem = tunnel_words(error);
    let problem = if let TunnelError::Hop { name, .. } = error {
        problem.about("hop", name)
    } else {
        problem
    };
    match error.at_hop().1 {
        TunnelError::Resolve { host, .. } => problem.about("host", host),
        TunnelError::Tcp { host, port, .. }
        | TunnelError::KeyExchange { host, port, .. }
        | TunnelError::WeakEncryption { host, port }
        | TunnelError::NotForwarded { host, port, .. } => {
            problem.about("host", host).about("port", port)
        }
        TunnelError::HostKeyUnknown(key) | TunnelError::HostKeyNotListed(key) => {
            problem.about("host", key.host())
        }
        TunnelError::HostKeyChanged { presented, .. }
        | TunnelError::HostKeyRevoked { presented, .. }
        | TunnelError::HostKeyNeedsAuthority { presented, .. }
        | TunnelError::HostKeyNotDemanded { presented, .. } => {
            problem.about("host", presented.host())
        }
        TunnelError::KeyFile { path, .. } => problem.about("file", path.display()),
        TunnelError::AuthRefused { user, host, .. } => {
            problem.about("user", user).about("host", host)
        }
        TunnelError::Timeout { waited, .. } => problem.about("seconds", waited.as_secs()),
        TunnelError::BadTarget(_)
        | TunnelError::SshConfig(_)
        | TunnelError::Hop { .. }
        | TunnelError::KnownHosts(_)
        | TunnelError::NeedsAnswer(_)
        | TunnelError::Closed { .. } => problem,
    }
}

fn tunnel_words(error: &TunnelError) -> Problem {
    let message = format!("{}. {}", sentence(error), error.next_step());
    match error.at_hop().1 {
        TunnelError::BadTarget(TargetError::UnsupportedOption(_))
        | TunnelError::SshConfig(SshConfigError::Unsupported { .. }) => {
            Problem::new("unsupportedOption", message, UserAction::EditAddress)
        }
        TunnelError::BadTarget(_) => Problem::new("badTarget", message, UserAction::EditAddress),
        TunnelError::SshConfig(_) => {
            Problem::new("sshConfigUnusable", message, UserAction::TryAgain)
        }
        TunnelError::NotForwarded { .. } | TunnelError::Hop { .. } => {
            Problem::new("wayBlocked", message, UserAction::TryAgain)
        }
        TunnelError::HostKeyNotListed(_) => Problem::without_action("hostKeyNotListed", message),
        TunnelError::Resolve { .. } => {
            Problem::new("nameNotFound", message, UserAction::EditAddress)
        }
        TunnelError::Tcp { .. } => Problem::new("serverUnreachable", message, UserAction::TryAgain),
        TunnelError::KeyExchange { .. } => Problem::new("notSsh", message, UserAction::EditAddress),
        TunnelError::KnownHosts(_) => {
            Problem::new("knownHostsUnusable", message, UserAction::TryAgain)
        }
        TunnelError::HostKeyUnknown(_) => {
            Problem::new("hostKeyUnknown", message, UserAction::ReviewHostKey)
        }
        TunnelError::HostKeyChanged { .. } => {
            Problem::new("hostKeyChanged", message, UserAction::ReviewHostKey)
        }
        TunnelError::HostKeyNotDemanded { .. } => {
            Problem::new("hostKeyNotDemanded", message, UserAction::TryAgain)
        }
        TunnelError::HostKeyRevoked { .. } => Problem::without_action("hostKeyRevoked", message),
        TunnelError::HostKeyNeedsAuthority { .. } => {
            Problem::new("hostKeyNeedsAuthority", message, UserAction::TryAgain)
        }
        TunnelError::WeakEncryption { .. } => {
            Problem::new("weakEncryption", message, UserAction::TryAgain)
        }
        TunnelError::NeedsAnswer(_) => {
            Problem::new("signInNeedsAnswer", message, UserAction::SignIn)
        }
        TunnelError::KeyFile { .. } => {
            Problem::new("keyFileUnusable", message, UserAction::EditSignIn)
        }
        TunnelError::AuthRefused { .. } => Problem::new("authRefused", message, UserAction::SignIn),
        TunnelError::Timeout { .. } => Problem::new("serverTimeout", message, UserAction::TryAgain),
        TunnelError::Closed { .. } => Problem::new("serverClosed", message, UserAction::TryAgain),
    }
}

/// Explains why an open path ended.
pub fn path_lost(closed: &TunnelClosed) -> Failure {
    let cause = match closed {
        TunnelClosed::NotAnswering => Cause::Timeout,
        TunnelClosed::ByServer { .. } | TunnelClosed::Broken { .. } | TunnelClosed::ByUs => {
            Cause::Closed
        }
    };
    let message = format!("The connection to the server was lost: {closed}.");
    Failure::new(
        Verdict::Retry(cause),
        Problem::new("pathLost", message, UserAction::TryAgain),
    )
}

/// Explains why the gateway's port could not be reached over a standing path.
pub fn forward_failure(error: &ForwardError, port: u16) -> Failure {
    let verdict = match error {
        ForwardError::Prohibited => Verdict::Pause(Cause::ForwardProhibited),
        ForwardError::Closed(_) => Verdict::Retry(Cause::Closed),
        ForwardError::ConnectFailed | ForwardError::Timeout { .. } | ForwardError::Other { .. } => {
            Verdict::GatewayDown(error.cause())
        }
    };
    Failure::new(verdict, forward_problem(error, port))
}

/// Tells a person why the gateway's port could not be reached over a standing path.
pub fn forward_problem(error: &ForwardError, port: u16) -> Problem {
    let problem = forward_words(error, port).about("port", port);
    match error {
        ForwardError::Timeout { waited } => problem.about("seconds", waited.as_secs()),
        ForwardError::Prohibited
        | ForwardError::ConnectFailed
        | ForwardError::Closed(_)
        | ForwardError::Other { .. } => problem,
    }
}

fn forward_words(error: &ForwardError, port: u16) -> Problem {
    match error {
        ForwardError::Prohibited => Problem::without_action(
            "forwardProhibited",
            "The server lets you sign in but forbids port forwarding (AllowTcpForwarding). \
             Ask its owner to allow it.",
        ),
        ForwardError::ConnectFailed => Problem::new(
            "gatewayNotRunning",
            format!(
                "The server is reachable, but nothing answers on port {port}. \
                 Start the gateway there, or correct the port."
            ),
            UserAction::StartGateway,
        ),
        ForwardError::Timeout { waited } => Problem::new(
            "forwardTimeout",
            format!(
                "The server did not open port {port} within {} s. It may be busy.",
                waited.as_secs()
            ),
            UserAction::TryAgain,
        ),
        ForwardError::Closed(closed) => Problem::new(
            "pathLost",
            format!("The connection to the server was lost: {closed}."),
            UserAction::TryAgain,
        ),
        ForwardError::Other { reason } => Problem::new(
            "forwardRefused",
            format!("The server did not open port {port}: {reason}."),
            UserAction::EditPorts,
        ),
    }
}

/// Explains why no session began.
pub fn connect_failure(error: &ConnectError, port: u16) -> Failure {
    let verdict = if error.is_not_a_gateway() {
        Verdict::GatewayDown(Cause::Protocol)
    } else if error.stops_retrying() {
        Verdict::Pause(error.cause())
    } else {
        Verdict::GatewayDown(error.cause())
    };
    Failure {
        retry_after: error.retry_after(),
        ..Failure::new(verdict, connect_problem(error, port))
    }
}

/// Tells a person why no session began.
pub fn connect_problem(error: &ConnectError, port: u16) -> Problem {
    let problem = connect_words(error, port).about("port", port);
    match error {
        ConnectError::Timeout { waited, .. } => problem.about("seconds", waited.as_secs()),
        ConnectError::NotAGateway(_)
        | ConnectError::BadAuthority
        | ConnectError::ProxyRefused
        | ConnectError::Lost { .. }
        | ConnectError::ChallengeWithoutTime
        | ConnectError::MalformedHello { .. }
        | ConnectError::RequestTooLarge { .. }
        | ConnectError::UnsupportedProtocol { .. }
        | ConnectError::Closed { .. }
        | ConnectError::Refused { .. } => problem,
    }
}

fn connect_words(error: &ConnectError, port: u16) -> Problem {
    match error {
        ConnectError::NotAGateway(why) => not_a_gateway(why, port),
        ConnectError::BadAuthority => Problem::new(
            "badTarget",
            "The gateway's address cannot be used. Correct it.",
            UserAction::EditAddress,
        ),
        ConnectError::ProxyRefused => Problem::without_action(
            "proxyRefused",
            "The gateway does not trust the proxy in front of it. Ask its owner to list the proxy \
             under gateway.trustedProxies.",
        ),
        ConnectError::Lost { .. } => Problem::new(
            "gatewayLost",
            format!("The gateway on port {port} dropped the connection; it probably restarts."),
            UserAction::TryAgain,
        ),
        ConnectError::Timeout { step, waited } => Problem::new(
            "gatewayTimeout",
            format!(
                "The gateway on port {port} gave no sign of {step} within {} s. It may be starting or stuck.",
                waited.as_secs()
            ),
            UserAction::TryAgain,
        ),
        ConnectError::ChallengeWithoutTime | ConnectError::MalformedHello { .. } => Problem::new(
            "gatewayUnreadable",
            format!("The gateway on port {port} answered in a way this app cannot read: {error}."),
            UserAction::TryAgain,
        ),
        ConnectError::RequestTooLarge { .. } => Problem::without_action(
            "requestTooLarge",
            format!("The sign-in to the gateway did not fit: {error}."),
        ),
        ConnectError::UnsupportedProtocol { .. } => Problem::without_action(
            "protocolMismatch",
            format!(
                "This app and the gateway are too far apart in age: {error}. Update the older one."
            ),
        ),
        ConnectError::Closed { reason } => Problem::new(
            "gatewayClosed",
            format!("The gateway closed the connection: {reason}."),
            UserAction::TryAgain,
        ),
        ConnectError::Refused { .. } => refused_problem(error),
    }
}

/// Explains why a session ended.
pub fn session_lost(reason: &CloseReason) -> Failure {
    let verdict = match reason {
        CloseReason::DeviceRemoved => Verdict::Pause(Cause::Pairing),
        CloseReason::ProtocolMismatch => Verdict::Pause(Cause::Protocol),
        CloseReason::Ours
        | CloseReason::Silent { .. }
        | CloseReason::Restart { .. }
        | CloseReason::Starting
        | CloseReason::Refused { .. }
        | CloseReason::OursTooLarge
        | CloseReason::FrameTooLarge { .. }
        | CloseReason::TooMuchBeforeHello
        | CloseReason::Violation
        | CloseReason::Normal
        | CloseReason::Other { .. }
        | CloseReason::Lost { .. } => Verdict::Retry(reason.cause()),
    };
    let problem = if *reason == CloseReason::DeviceRemoved {
        Problem::new(
            "deviceRemoved",
            "The gateway removed this device or replaced its token. Enter the gateway's token to \
             sign in again.",
            UserAction::EnterToken,
        )
    } else {
        Problem::new(
            "sessionLost",
            format!("The session with the gateway ended: {reason}."),
            UserAction::TryAgain,
        )
    };
    Failure::new(verdict, problem)
}

fn not_a_gateway(why: &NotAGateway, port: u16) -> Problem {
    Problem::new(
        "notOpenClaw",
        format!(
            "What answers on port {port} is not an OpenClaw gateway: it {why}. \
             Nothing secret was sent to it. Correct the port, or free it for the gateway."
        ),
        UserAction::EditPorts,
    )
}

fn refused_problem(error: &ConnectError) -> Problem {
    let code = error.refusal().and_then(|refusal| refusal.detail_code());
    match error.next_step() {
        GatewayStep::EnterToken | GatewayStep::ForgetDeviceToken => {
            let (code, message) = if code == Some(DetailCode::AuthTokenMissing) {
                (
                    "tokenMissing",
                    "The gateway asks for its token. Enter it in the settings.",
                )
            } else if code == Some(DetailCode::AuthBootstrapTokenInvalid) {
                (
                    "setupCodeRefused",
                    "The gateway does not take this setup code: it has been used, or its time is \
                     over. Ask for a new one, or enter the gateway's token.",
                )
            } else {
                (
                    "tokenRefused",
                    "The gateway refused the gateway token. Enter the one the server uses \
                     (gateway.auth.token in its openclaw.json).",
                )
            };
            Problem::new(code, message, UserAction::EnterToken)
        }
        GatewayStep::EnterPassword => Problem::new(
            "passwordRefused",
            "The gateway refused the password, or needs one. Enter it in the settings.",
            UserAction::EnterToken,
        ),
        GatewayStep::ApproveDevice { request } => pairing_required(request),
        GatewayStep::WaitForRateLimit(_) => Problem::new(
            "rateLimited",
            "The gateway counted too many failed sign-ins and makes everybody wait. \
             Try again in a few minutes.",
            UserAction::TryAgain,
        ),
        GatewayStep::UpdateOneSide => Problem::without_action(
            "protocolMismatch",
            "This app and the gateway are too far apart in age. Update the older one.",
        ),
        GatewayStep::LookAtGatewayConfiguration => Problem::without_action(
            "gatewayConfiguration",
            "The gateway's own configuration keeps this app out. Ask its owner to run openclaw doctor there.",
        ),
        GatewayStep::Retry
        | GatewayStep::RetryAfter(_)
        | GatewayStep::RetryWithDeviceToken
        | GatewayStep::LookAtPort => Problem::new(
            "gatewayRefused",
            "The gateway refused the connection for now. Trying again may succeed.",
            UserAction::TryAgain,
        ),
    }
}

/// An id of another shape than gateways use is neither shown nor approved.
fn pairing_required(request: Option<PairingRequestId>) -> Problem {
    let approvable = request.filter(|id| ApprovableRequest::new(id).is_some());
    let (command, action) = match &approvable {
        Some(id) => (
            format!("openclaw devices approve {id}"),
            UserAction::ApproveDevice,
        ),
        None => ("openclaw devices list".to_owned(), UserAction::TryAgain),
    };
    let message = format!(
        "The gateway wants this device approved first. On the server: {command} — then try again."
    );
    Problem {
        pairing_request: approvable,
        ..Problem::new("pairingRequired", message, action).about("command", command)
    }
}

fn unknown_key(key: &PresentedKey) -> Question {
    Question::HostKeyUnknown {
        host: key.host().to_owned(),
        port: key.port(),
        key_type: key_type_in_words(key.key_type()),
        fingerprint: key.fingerprint().to_string(),
    }
}

fn changed_key(presented: &PresentedKey, known: &[KnownKey]) -> Question {
    Question::HostKeyChanged {
        host: presented.host().to_owned(),
        port: presented.port(),
        key_type: key_type_in_words(presented.key_type()),
        known_fingerprints: known
            .iter()
            .filter_map(|key| key.fingerprint)
            .map(|fingerprint| fingerprint.to_string())
            .collect(),
        new_fingerprint: presented.fingerprint().to_string(),
    }
}

fn sign_in_question(question: &tunnel::Question) -> Question {
    match question.clone() {
        tunnel::Question::Passphrase {
            key_file,
            was_wrong,
        } => Question::Passphrase {
            key_file,
            was_wrong,
        },
        tunnel::Question::Password {
            user,
            host,
            was_wrong,
        } => Question::Password {
            user,
            host,
            was_wrong,
        },
        tunnel::Question::Prompts {
            title,
            instruction,
            prompts,
            was_wrong,
        } => Question::Prompts {
            title,
            instruction,
            prompts: prompts
                .into_iter()
                .map(|tunnel::Prompt { label, echo }| Prompt { label, echo })
                .collect(),
            was_wrong,
        },
    }
}

/// Returns the algorithm as people know it; one we do not know is shown as it is.
fn key_type_in_words(key_type: &str) -> String {
    match key_type {
        "ssh-ed25519" => "Ed25519",
        "ssh-rsa" | "rsa-sha2-256" | "rsa-sha2-512" => "RSA",
        "ecdsa-sha2-nistp256" => "ECDSA P-256",
        "ecdsa-sha2-nistp384" => "ECDSA P-384",
        "ecdsa-sha2-nistp521" => "ECDSA P-521",
        other => other,
    }
    .to_owned()
}

/// Returns an error and its causes as one sentence.
pub fn told(error: &dyn std::error::Error) -> String {
    format!("{}.", sentence(error))
}

/// Returns an error and its causes as one sentence without the full stop.
fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_address_says_what_is_wrong_and_what_helps() {
        let error = TunnelError::BadTarget(TargetError::DanglingColon);

        let failure = tunnel_failure(&error);

        assert_eq!(failure.verdict, Verdict::Pause(Cause::BadTarget));
        assert_eq!(failure.problem.action, Some(UserAction::EditAddress));
        assert_eq!(
            failure.problem.message,
            "The address cannot be used: the address ends in a colon without a port. \
             Correct the address, for example me@server or me@server:2222."
        );
    }

    #[test]
    fn forbidden_forwarding_is_not_blamed_on_the_gateway_or_the_password() {
        let failure = forward_failure(&ForwardError::Prohibited, 18_789);

        assert_eq!(failure.verdict, Verdict::Pause(Cause::ForwardProhibited));
        assert!(failure.problem.message.contains("forwarding"));
        assert!(!failure.problem.message.contains("gateway"));
        assert!(!failure.problem.message.contains("password"));
    }

    #[test]
    fn an_empty_port_keeps_the_path_and_names_the_port() {
        let failure = forward_failure(&ForwardError::ConnectFailed, 4_321);

        assert_eq!(failure.verdict, Verdict::GatewayDown(Cause::Network));
        assert!(failure.problem.message.contains("4321"));
    }

    #[test]
    fn another_service_on_the_port_is_named_as_such() {
        let error = ConnectError::NotAGateway(NotAGateway::PlainHttp { status: 200 });

        let failure = connect_failure(&error, 8_080);

        assert_eq!(failure.verdict, Verdict::GatewayDown(Cause::Protocol));
        assert_eq!(failure.problem.code, "notOpenClaw");
    }

    #[test]
    fn a_removed_device_waits_for_a_person() {
        let failure = session_lost(&CloseReason::DeviceRemoved);

        assert_eq!(failure.verdict, Verdict::Pause(Cause::Pairing));
    }
}
