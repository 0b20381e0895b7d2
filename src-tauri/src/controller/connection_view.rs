//! The connection's snapshot as the window shows it.

use super::problems::ui_error;
use crate::view_model::{
    ConnectionView, CredentialView, GatewayHereView, HappenedView, LocalPortView, PromptView,
    QuestionView,
};
use gateway_core::connection::{
    local_host::GatewayHere,
    question::{Asked, Question},
    route::CredentialKind,
    snapshot::Snapshot,
    timeline::Timeline,
};

/// Returns the view of a snapshot; `server_name` is what the user calls the server.
pub(super) fn connection_view(snapshot: &Snapshot, server_name: String) -> ConnectionView {
    ConnectionView {
        phase: snapshot.phase,
        cause: snapshot.cause,
        server_name,
        target: Some(snapshot.target.clone()).filter(|target| !target.is_empty()),
        way: snapshot.way.clone(),
        attempt: snapshot.attempt,
        next_attempt_at_ms: snapshot.next_attempt_at.map(milliseconds),
        up_since_ms: snapshot.up_since.map(milliseconds),
        ping_ms: snapshot.ping_ms,
        local_port: snapshot.local_port.as_ref().map(|local| LocalPortView {
            port: local.port,
            wanted: local.wanted,
            holder: local.holder.clone(),
        }),
        gateway_version: snapshot
            .gateway
            .as_ref()
            .map(|gateway| gateway.version.clone()),
        gateway_here: snapshot.gateway_here.as_ref().map(gateway_here),
        credential: snapshot
            .gateway
            .as_ref()
            .map(|gateway| credential(gateway.credential)),
        problem: snapshot.problem.as_ref().map(ui_error),
        question: snapshot.question.as_ref().map(question),
    }
}

/// Returns what happened lately, the latest last.
pub(super) fn history_view(timeline: &Timeline) -> Vec<HappenedView> {
    timeline
        .events()
        .map(|event| HappenedView {
            number: u32::try_from(event.number).unwrap_or(u32::MAX),
            at_ms: milliseconds(event.at),
            took_ms: event.took_ms,
            what: event.what,
        })
        .collect()
}

/// JavaScript has no integers of 64 bits; these are exact until the year 287396.
fn milliseconds(since_epoch: u64) -> f64 {
    since_epoch as f64
}

fn gateway_here(here: &GatewayHere) -> GatewayHereView {
    match here {
        GatewayHere::Ours { port } => GatewayHereView::Ours { port: *port },
        GatewayHere::Found { port } => GatewayHereView::Found { port: *port },
        GatewayHere::Failed { problem, .. } => GatewayHereView::Failed {
            problem: ui_error(problem),
        },
    }
}

fn credential(kind: CredentialKind) -> CredentialView {
    match kind {
        CredentialKind::DeviceToken => CredentialView::DeviceToken,
        CredentialKind::GatewayToken => CredentialView::GatewayToken,
        CredentialKind::GatewayPassword => CredentialView::GatewayPassword,
        CredentialKind::None => CredentialView::None,
    }
}

fn question(asked: &Asked) -> QuestionView {
    let id = asked.id.to_string();
    match asked.question.clone() {
        Question::HostKeyUnknown {
            host,
            port,
            key_type,
            fingerprint,
        } => QuestionView::HostKeyUnknown {
            id,
            host,
            port,
            key_type,
            fingerprint,
        },
        Question::HostKeyChanged {
            host,
            port,
            key_type,
            known_fingerprints,
            new_fingerprint,
        } => QuestionView::HostKeyChanged {
            id,
            host,
            port,
            key_type,
            known_fingerprints,
            new_fingerprint,
        },
        Question::CertificateUnknown {
            host,
            port,
            fingerprint,
        } => QuestionView::CertificateUnknown {
            id,
            host,
            port,
            fingerprint,
        },
        Question::CertificateChanged {
            host,
            port,
            known_fingerprint,
            new_fingerprint,
        } => QuestionView::CertificateChanged {
            id,
            host,
            port,
            known_fingerprint,
            new_fingerprint,
        },
        Question::Passphrase {
            key_file,
            was_wrong,
        } => QuestionView::Passphrase {
            id,
            key_file: key_file.display().to_string(),
            was_wrong,
        },
        Question::Password {
            user,
            host,
            was_wrong,
        } => QuestionView::Password {
            id,
            user,
            host,
            was_wrong,
        },
        Question::Prompts {
            title,
            instruction,
            prompts,
            was_wrong,
        } => QuestionView::Prompts {
            id,
            title,
            instruction,
            was_wrong,
            prompts: prompts
                .into_iter()
                .map(|prompt| PromptView {
                    label: prompt.label,
                    echo: prompt.echo,
                })
                .collect(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_core::connection::{phase::Phase, route::GatewayFacts};

    #[test]
    fn an_untouched_connection_shows_no_target_and_no_numbers() {
        let view = connection_view(&Snapshot::off(String::new()), String::new());

        assert_eq!(view, ConnectionView::off());
    }

    #[test]
    fn what_hello_ok_said_reaches_the_window() {
        let snapshot = Snapshot {
            phase: Phase::Up,
            up_since: Some(1_800_000_000_123),
            gateway: Some(GatewayFacts {
                version: "2026.9.6".to_owned(),
                protocol: 4,
                credential: CredentialKind::DeviceToken,
            }),
            gateway_here: Some(GatewayHere::Found { port: 18_789 }),
            ..Snapshot::off("me@home".to_owned())
        };

        let view = connection_view(&snapshot, "home".to_owned());

        assert_eq!(view.server_name, "home");
        assert_eq!(view.target.as_deref(), Some("me@home"));
        assert_eq!(view.up_since_ms, Some(1_800_000_000_123.0));
        assert_eq!(view.gateway_version.as_deref(), Some("2026.9.6"));
        assert_eq!(view.credential, Some(CredentialView::DeviceToken));
        assert_eq!(
            view.gateway_here,
            Some(GatewayHereView::Found { port: 18_789 })
        );
    }
}
