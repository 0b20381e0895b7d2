//! The state in words, from the one table of phases.

use crate::view_model::ConnectionView;
use gateway_core::connection::phase::{Cause, Phase};

/// Returns the state row: the word of the phase, the server and the one number that matters.
pub fn state(view: &ConnectionView, now_ms: f64) -> String {
    let name = &view.server_name;
    match view.phase {
        Phase::Off => "Not connected".to_owned(),
        Phase::Resolving => "Connecting… (finding the server)".to_owned(),
        Phase::Connecting => "Connecting… (reaching the server)".to_owned(),
        Phase::Authenticating => "Connecting… (signing in)".to_owned(),
        Phase::Forwarding => "Connecting… (opening the way to the gateway)".to_owned(),
        Phase::GatewayCheck => "Connecting… (greeting the gateway)".to_owned(),
        Phase::Up => format!("Connected – {name}"),
        Phase::Suspect => format!("Checking the connection… – {name}"),
        Phase::UpGatewayDown => "Server reachable, gateway not answering".to_owned(),
        Phase::RetryWait => retry(view, now_ms),
        Phase::HostKey | Phase::AuthPrompt | Phase::Paused => {
            format!("Needs you: {}", need(view.phase, view.cause))
        }
        Phase::Stopped => "Stopped".to_owned(),
    }
}

/// Returns what hovering over the icon says.
pub fn tooltip(view: &ConnectionView, waiting: usize, now_ms: f64) -> String {
    let state = state(view, now_ms);
    match requests(waiting) {
        Some(requests) => format!("{state}. {requests}."),
        None => state,
    }
}

/// Returns the row about what agents wait for; `None` where nothing does.
pub fn requests(waiting: usize) -> Option<String> {
    match waiting {
        0 => None,
        1 => Some("1 request waits for you".to_owned()),
        more => Some(format!("{more} requests wait for you")),
    }
}

fn retry(view: &ConnectionView, now_ms: f64) -> String {
    let attempt = view.attempt;
    match view.next_attempt_at_ms.map(|at| seconds_until(at, now_ms)) {
        Some(0) | None => format!("Reconnecting now (try {attempt})"),
        Some(seconds) => format!("Reconnecting in {seconds} s (try {attempt})"),
    }
}

/// Returns the whole seconds left, rounded up so that a countdown never shows 0 early.
pub fn seconds_until(at_ms: f64, now_ms: f64) -> u32 {
    ((at_ms - now_ms) / 1000.0).ceil().max(0.0) as u32
}

fn need(phase: Phase, cause: Option<Cause>) -> &'static str {
    match cause {
        Some(Cause::HostKeyUnknown) => "new server",
        Some(Cause::HostKeyChanged) => "server key changed",
        Some(Cause::HostKeyRevoked) => "server key revoked",
        Some(Cause::AuthRefused) => "the server refused the sign-in",
        Some(Cause::PromptCancelled) => "sign-in",
        Some(Cause::BadTarget) => "the address",
        Some(Cause::UnsupportedOption) => "an SSH option we do not support",
        Some(Cause::ForwardProhibited) => "the server forbids forwarding",
        Some(Cause::TlsPin) => "the gateway's certificate",
        Some(Cause::Token) => "gateway token",
        Some(Cause::Pairing) => "approve this device",
        Some(Cause::Protocol) => "the gateway speaks another version",
        Some(Cause::PortTaken) => "no local port is free",
        Some(Cause::Network | Cause::Timeout | Cause::Closed) => "the connection",
        None if phase == Phase::HostKey => "new server",
        None => "sign-in",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view_model::ConnectionView;

    #[test]
    fn the_row_counts_down_in_whole_seconds_and_says_which_try() {
        let view = ConnectionView {
            phase: Phase::RetryWait,
            attempt: 3,
            next_attempt_at_ms: Some(8_000.0),
            ..ConnectionView::off()
        };

        assert_eq!(state(&view, 0.0), "Reconnecting in 8 s (try 3)");
        assert_eq!(state(&view, 7_001.0), "Reconnecting in 1 s (try 3)");
        assert_eq!(state(&view, 9_000.0), "Reconnecting now (try 3)");
    }

    #[test]
    fn every_phase_has_a_word_and_only_waiting_for_a_person_says_so() {
        for phase in Phase::ALL {
            let view = ConnectionView {
                phase,
                ..ConnectionView::off()
            };

            let word = state(&view, 0.0);

            assert_eq!(word.starts_with("Needs you"), phase.needs_user(), "{word}");
            assert_eq!(
                word.starts_with("Connecting"),
                phase.is_attempting(),
                "{word}"
            );
        }
    }
}
