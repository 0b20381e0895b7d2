//! The connection's snapshot as the window shows it.

use super::problems::ui_error;
use crate::view_model::{
    ConnectionView, CredentialView, DaySpanView, DayView, GatewayHereView, HappenedView,
    LocalPortView, PromptView, QuestionView,
};
use gateway_core::config::ProfileId;
use gateway_core::connection::{
    day::Day,
    local_host::GatewayHere,
    question::{Asked, Question},
    route::CredentialKind,
    snapshot::Snapshot,
    timeline::Timeline,
};

/// Returns the view of a snapshot of the connection to `gateway`; `server_name` is what the user calls it.
pub(super) fn connection_view(
    snapshot: &Snapshot,
    gateway: &ProfileId,
    server_name: String,
) -> ConnectionView {
    ConnectionView {
        phase: snapshot.phase,
        cause: snapshot.cause,
        gateway_id: gateway.to_string(),
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
        gateway_since_ms: snapshot
            .gateway
            .as_ref()
            .and_then(|gateway| gateway.running_since)
            .map(milliseconds),
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

/// How many minutes a plot puts together: 288 spans a day, each two or three points wide.
const SPAN_MINUTES: u32 = 5;

const MINUTE_MS: f64 = 60_000.0;

/// Returns the last 24 hours, up to the end of the minute that goes on.
pub(super) fn day_view(day: &Day, now_ms: f64) -> DayView {
    let now = (now_ms / MINUTE_MS).floor();
    DayView {
        until_ms: (now + 1.0) * MINUTE_MS,
        span_minutes: SPAN_MINUTES,
        spans: day
            .spans(now as u32, SPAN_MINUTES)
            .into_iter()
            .map(|span| DaySpanView {
                connected_s: span.connected_s,
                gateway_down_s: span.gateway_down_s,
                down_s: span.down_s,
                attempts: span.attempts,
                ping_ms: span.ping_tenths.map(|tenths| f64::from(tenths) / 10.0),
            })
            .collect(),
    }
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
    use gateway_core::connection::{day::Minute, phase::Phase, route::GatewayFacts};

    #[test]
    fn an_untouched_connection_shows_no_target_and_no_numbers() {
        let home = ProfileId::parse("home").unwrap();
        let view = connection_view(&Snapshot::off(String::new()), &home, String::new());

        let untouched = ConnectionView {
            gateway_id: "home".to_owned(),
            ..ConnectionView::off()
        };
        assert_eq!(view, untouched);
    }

    #[test]
    fn the_day_ends_with_the_minute_that_goes_on() {
        let mut day = Day::default();
        day.keep(Minute {
            number: 30_000_000,
            connected_s: 60,
            ping_tenths: Some(415),
            ..Minute::default()
        });

        let view = day_view(&day, 30_000_000.4 * MINUTE_MS);

        assert_eq!(view.until_ms, 30_000_001.0 * MINUTE_MS);
        assert_eq!(view.spans.len() * 5, 24 * 60);
        let last = view.spans.last().unwrap();
        assert_eq!((last.connected_s, last.ping_ms), (60, Some(41.5)));
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
                running_since: Some(1_799_999_000_000),
            }),
            gateway_here: Some(GatewayHere::Found { port: 18_789 }),
            ..Snapshot::off("me@home".to_owned())
        };

        let home = ProfileId::parse("home").unwrap();

        let view = connection_view(&snapshot, &home, "home".to_owned());

        assert_eq!(view.server_name, "home");
        assert_eq!(view.target.as_deref(), Some("me@home"));
        assert_eq!(view.up_since_ms, Some(1_800_000_000_123.0));
        assert_eq!(view.gateway_version.as_deref(), Some("2026.9.6"));
        assert_eq!(view.gateway_since_ms, Some(1_799_999_000_000.0));
        assert_eq!(view.credential, Some(CredentialView::DeviceToken));
        assert_eq!(
            view.gateway_here,
            Some(GatewayHereView::Found { port: 18_789 })
        );
    }
}
