//! The state in words, from the one table of phases, in the languages of the windows.

use super::{Hears, Situation};
use crate::tongue::Tongue;
use gateway_core::{
    connection::phase::{Cause, Phase},
    gateway_health::HealthState,
};

/// Returns the state row: the word of the phase, the server and the one number that matters.
pub fn state(is: &Situation<'_>) -> String {
    let name = &is.view.server_name;
    let say = |english: &str, danish: &str| is.tongue.say(english, danish);
    match is.view.phase {
        Phase::Off => say("Not connected", "Ikke forbundet"),
        Phase::Resolving => say(
            "Connecting… (finding the server)",
            "Forbinder… (finder serveren)",
        ),
        Phase::Connecting => say(
            "Connecting… (reaching the server)",
            "Forbinder… (kontakter serveren)",
        ),
        Phase::Authenticating => say("Connecting… (signing in)", "Forbinder… (logger på)"),
        Phase::Forwarding => say(
            "Connecting… (opening the way to the gateway)",
            "Forbinder… (åbner vejen til gatewayen)",
        ),
        Phase::GatewayCheck => say(
            "Connecting… (greeting the gateway)",
            "Forbinder… (hilser på gatewayen)",
        ),
        Phase::Up => format!("{} – {name}", say("Connected", "Forbundet")),
        Phase::Suspect => {
            let word = say("Checking the connection…", "Tjekker forbindelsen…");
            format!("{word} – {name}")
        }
        Phase::UpGatewayDown => say(
            "Server reachable, gateway not answering",
            "Serveren svarer, gatewayen gør ikke",
        ),
        Phase::RetryWait => retry(is),
        Phase::HostKey | Phase::AuthPrompt | Phase::Paused => {
            let word = say("Needs you", "Har brug for dig");
            format!("{word}: {}", need(is))
        }
        Phase::Stopped => say("Stopped", "Stoppet"),
    }
}

/// Returns the row about the gateway's own health, and how old that news is; `None` while the
/// gateway is not reached or has said nothing.
pub fn health(is: &Situation<'_>) -> Option<String> {
    if !matches!(is.view.phase, Phase::Up | Phase::Suspect) {
        return None;
    }
    let report = is.report?;
    let word = match report.health.state {
        HealthState::Well => is.tongue.say("Health ok", "Helbred i orden"),
        HealthState::Degraded => is.tongue.say("Not quite well", "Har det ikke helt godt"),
        HealthState::LoginNeeded => is.tongue.say("A login is needed", "Der skal logges ind"),
    };
    let age = age(is.now_ms - report.at_ms, is.tongue);
    Some(is.tongue.say(
        format!("{word} · checked {age}"),
        format!("{word} · tjekket {age}"),
    ))
}

/// Returns what hovering over the icon says.
pub fn tooltip(is: &Situation<'_>) -> String {
    let said = [Some(state(is)), requests(is.waiting, is.tongue), hears(is)];
    let said: Vec<String> = said.into_iter().flatten().collect();
    match said.as_slice() {
        [state] => state.clone(),
        said => format!("{}.", said.join(". ")),
    }
}

/// Returns what is listened for on this computer; `None` where nothing is.
fn hears(is: &Situation<'_>) -> Option<String> {
    match is.voice.hears {
        Hears::Nothing => None,
        Hears::Triggers => Some(
            is.tongue
                .say("Listening for triggers", "Lytter efter vækkeord"),
        ),
        Hears::Words => Some(is.tongue.say("Listening to you", "Lytter til dig")),
    }
}

/// Returns the row about what agents wait for; `None` where nothing does.
pub fn requests(waiting: usize, tongue: Tongue) -> Option<String> {
    match waiting {
        0 => None,
        1 => Some(tongue.say("1 request waits for you", "1 anmodning venter på dig")),
        more => Some(tongue.say(
            format!("{more} requests wait for you"),
            format!("{more} anmodninger venter på dig"),
        )),
    }
}

fn retry(is: &Situation<'_>) -> String {
    let attempt = is.view.attempt;
    let left = is.view.next_attempt_at_ms;
    match left.map(|at| seconds_until(at, is.now_ms)) {
        Some(0) | None => is.tongue.say(
            format!("Reconnecting now (try {attempt})"),
            format!("Forbinder igen nu (forsøg {attempt})"),
        ),
        Some(seconds) => is.tongue.say(
            format!("Reconnecting in {seconds} s (try {attempt})"),
            format!("Forbinder igen om {seconds} s (forsøg {attempt})"),
        ),
    }
}

/// Returns the whole seconds left, rounded up so that a countdown never shows 0 early.
pub fn seconds_until(at_ms: f64, now_ms: f64) -> u32 {
    ((at_ms - now_ms) / 1000.0).ceil().max(0.0) as u32
}

/// How long ago, in one unit: under a minute, under an hour, under two days, longer.
fn age(ms: f64, tongue: Tongue) -> String {
    const HOUR: u32 = 60;
    const DAY: u32 = 24 * HOUR;
    let minutes = (ms / 60_000.0).floor().max(0.0) as u32;
    let (count, english, danish) = match minutes {
        0 => return tongue.say("just now", "lige nu"),
        1..HOUR => (minutes, "min", "min"),
        _ if minutes < 2 * DAY => (minutes / HOUR, "h", "t"),
        _ => (minutes / DAY, "d", "d"),
    };
    tongue.say(
        format!("{count} {english} ago"),
        format!("for {count} {danish} siden"),
    )
}

fn need(is: &Situation<'_>) -> String {
    let (english, danish) = match is.view.cause {
        Some(Cause::HostKeyUnknown) => ("new server", "ny server"),
        Some(Cause::HostKeyChanged) => ("server key changed", "serverens nøgle er ændret"),
        Some(Cause::HostKeyRevoked) => ("server key revoked", "serverens nøgle er tilbagekaldt"),
        Some(Cause::AuthRefused) => (
            "the server refused the sign-in",
            "serveren afviste at logge dig på",
        ),
        Some(Cause::BadTarget) => ("the address", "adressen"),
        Some(Cause::UnsupportedOption) => (
            "an SSH option we do not support",
            "en SSH-indstilling, vi ikke understøtter",
        ),
        Some(Cause::ForwardProhibited) => (
            "the server forbids forwarding",
            "serveren forbyder videresendelse",
        ),
        Some(Cause::TlsPin) => ("the gateway's certificate", "gatewayens certifikat"),
        Some(Cause::Token) => ("gateway token", "gatewayens token"),
        Some(Cause::Pairing) => ("approve this device", "godkend denne enhed"),
        Some(Cause::Protocol) => (
            "the gateway speaks another version",
            "gatewayen taler en anden version",
        ),
        Some(Cause::PortTaken) => ("no local port is free", "ingen lokal port er ledig"),
        Some(Cause::Network | Cause::Timeout | Cause::Closed) => ("the connection", "forbindelsen"),
        None if is.view.phase == Phase::HostKey => ("new server", "ny server"),
        Some(Cause::PromptCancelled) | None => ("sign-in", "log på"),
    };
    is.tongue.say(english, danish)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tray::VoiceSituation;
    use crate::view_model::{ConnectionView, GatewayReportView};
    use gateway_core::gateway_health::GatewayHealth;

    fn situation(view: &ConnectionView, now_ms: f64) -> Situation<'_> {
        Situation {
            view,
            report: None,
            voice: VoiceSituation::default(),
            waiting: 0,
            gateways: &[],
            tongue: Tongue::English,
            now_ms,
        }
    }

    fn view(phase: Phase) -> ConnectionView {
        ConnectionView {
            phase,
            ..ConnectionView::off()
        }
    }

    fn report(state: HealthState) -> GatewayReportView {
        GatewayReportView {
            at_ms: 0.0,
            health: GatewayHealth {
                state,
                faults: Vec::new(),
            },
            channels: Vec::new(),
            memory_bytes: None,
            model: None,
            conversations: None,
            nodes: None,
            present: None,
            problem: None,
        }
    }

    #[test]
    fn the_row_counts_down_in_whole_seconds_and_says_which_try() {
        let view = ConnectionView {
            attempt: 3,
            next_attempt_at_ms: Some(8_000.0),
            ..view(Phase::RetryWait)
        };
        let at = |now_ms| state(&situation(&view, now_ms));

        assert_eq!(at(0.0), "Reconnecting in 8 s (try 3)");
        assert_eq!(at(7_001.0), "Reconnecting in 1 s (try 3)");
        assert_eq!(at(9_000.0), "Reconnecting now (try 3)");
    }

    #[test]
    fn every_phase_has_a_word_in_each_language_and_only_waiting_for_a_person_says_so() {
        for phase in Phase::ALL {
            let view = view(phase);
            let english = situation(&view, 0.0);
            let danish = Situation {
                tongue: Tongue::Danish,
                ..english
            };

            let (word, other) = (state(&english), state(&danish));

            assert_ne!(word, other);
            assert_eq!(word.starts_with("Needs you"), phase.needs_user(), "{word}");
            assert_eq!(
                word.starts_with("Connecting"),
                phase.is_attempting(),
                "{word}"
            );
            assert_eq!(
                other.starts_with("Har brug for dig"),
                phase.needs_user(),
                "{other}"
            );
        }
    }

    #[test]
    fn the_gateways_health_is_said_with_its_age_while_the_gateway_is_reached() {
        let well = report(HealthState::Well);
        let said = |phase, now_ms| {
            let view = view(phase);
            let is = Situation {
                report: Some(&well),
                ..situation(&view, now_ms)
            };
            health(&is)
        };
        let minutes = |count: f64| said(Phase::Up, count * 60_000.0);

        assert_eq!(
            minutes(0.9).as_deref(),
            Some("Health ok · checked just now")
        );
        assert_eq!(
            minutes(2.0).as_deref(),
            Some("Health ok · checked 2 min ago")
        );
        assert_eq!(
            minutes(90.0).as_deref(),
            Some("Health ok · checked 1 h ago")
        );
        assert_eq!(
            minutes(4_320.0).as_deref(),
            Some("Health ok · checked 3 d ago")
        );
        for phase in [Phase::Off, Phase::RetryWait, Phase::UpGatewayDown] {
            assert_eq!(said(phase, 0.0), None);
        }
    }

    #[test]
    fn hovering_says_that_it_listens() {
        let view = view(Phase::Up);
        let mut is = situation(&view, 0.0);
        let quiet = tooltip(&is);
        is.voice.hears = Hears::Triggers;

        assert_eq!(tooltip(&is), format!("{quiet}. Listening for triggers."));
    }

    #[test]
    fn a_gateway_that_is_not_well_never_says_ok() {
        let view = view(Phase::Up);
        for (state, word) in [
            (HealthState::Degraded, "Not quite well"),
            (HealthState::LoginNeeded, "A login is needed"),
        ] {
            let report = report(state);
            let is = Situation {
                report: Some(&report),
                ..situation(&view, 0.0)
            };

            assert!(health(&is).unwrap().starts_with(word));
        }
    }
}
