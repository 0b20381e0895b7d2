//! From what is seen of a connection to the minutes it is remembered by.

use super::Minute;
use crate::connection::phase::Phase;
use crate::connection::snapshot::Snapshot;

const MINUTE_MS: u64 = 60_000;

/// Time that nobody looked at for longer than this was slept through, and says nothing. More than a
/// minute, because that is how often one looks.
const UNSEEN_MS: u64 = 90_000;

/// Turns what is seen of a connection into minutes.
#[derive(Debug, Default)]
pub struct Recorder {
    seen: Option<Seen>,
    minute: Option<Part>,
}

/// The connection when it was looked at last.
#[derive(Debug, Clone, Copy)]
struct Seen {
    at: u64,
    standing: Option<Standing>,
    attempts: u32,
}

/// How a connection that somebody wants can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Connected,
    GatewayDown,
    Down,
}

impl Standing {
    fn of(phase: Phase) -> Option<Self> {
        match phase {
            Phase::Off => None,
            Phase::Up | Phase::Suspect => Some(Self::Connected),
            Phase::UpGatewayDown => Some(Self::GatewayDown),
            Phase::Resolving
            | Phase::Connecting
            | Phase::HostKey
            | Phase::Authenticating
            | Phase::AuthPrompt
            | Phase::Forwarding
            | Phase::GatewayCheck
            | Phase::RetryWait
            | Phase::Paused
            | Phase::Stopped => Some(Self::Down),
        }
    }
}

/// A minute that is not over.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    number: u32,
    connected_ms: u64,
    gateway_down_ms: u64,
    down_ms: u64,
    attempts: u32,
    ping_tenths: Option<u16>,
}

impl Part {
    fn of(number: u32) -> Self {
        Self {
            number,
            ..Self::default()
        }
    }

    /// Returns the minute, unless nothing was seen of it.
    fn finished(self) -> Option<Minute> {
        let seconds = |ms: u64| u8::try_from((ms + 500) / 1_000).unwrap_or(60).min(60);
        let minute = Minute {
            number: self.number,
            connected_s: seconds(self.connected_ms),
            gateway_down_s: seconds(self.gateway_down_ms),
            down_s: seconds(self.down_ms),
            attempts: u8::try_from(self.attempts).unwrap_or(u8::MAX),
            ping_tenths: self.ping_tenths,
        };
        let nothing = Minute {
            number: self.number,
            ..Minute::default()
        };
        (minute != nothing).then_some(minute)
    }
}

impl Recorder {
    /// Takes how the connection is at a moment (milliseconds since the Unix epoch); returns the
    /// minutes that are over.
    pub fn look(&mut self, at: u64, snapshot: &Snapshot) -> Vec<Minute> {
        let mut over = self.pass(at);
        let number = minute_of(at);
        over.extend(self.turn_to(number));
        let standing = Standing::of(snapshot.phase);
        let attempts = snapshot.figures.attempts;
        // The count begins anew when a connection does.
        let begun = match self.seen {
            Some(seen) if seen.attempts <= attempts => attempts - seen.attempts,
            Some(_) => attempts,
            None => 0,
        };
        if standing.is_some() || begun > 0 {
            let part = self.minute.get_or_insert_with(|| Part::of(number));
            part.attempts = part.attempts.saturating_add(begun);
            if standing == Some(Standing::Connected) {
                part.ping_tenths = part.ping_tenths.max(snapshot.ping_ms.map(tenths));
            }
        }
        self.seen = Some(Seen {
            at,
            standing,
            attempts,
        });
        over
    }

    /// Returns in how many milliseconds to look again at the latest; `None` while nothing goes on.
    pub fn look_again_in(&self, at: u64) -> Option<u64> {
        self.minute?;
        Some(MINUTE_MS - at % MINUTE_MS)
    }

    /// Ends the minute that goes on if it is another one; returns what it was made of.
    fn turn_to(&mut self, number: u32) -> Option<Minute> {
        self.minute
            .take_if(|part| part.number != number)
            .and_then(|part| part.finished())
    }

    /// Gives the time since the last look to the minutes it belongs to.
    fn pass(&mut self, at: u64) -> Vec<Minute> {
        let mut over = Vec::new();
        let Some(seen) = self.seen else {
            return over;
        };
        // A clock that was set back has measured nothing.
        let unseen = at.checked_sub(seen.at).is_none_or(|gap| gap > UNSEEN_MS);
        let Some(standing) = seen.standing.filter(|_| !unseen) else {
            return over;
        };
        let mut from = seen.at;
        while from < at {
            let number = minute_of(from);
            let until = at.min((u64::from(number) + 1) * MINUTE_MS);
            over.extend(self.turn_to(number));
            let part = self.minute.get_or_insert_with(|| Part::of(number));
            let share = match standing {
                Standing::Connected => &mut part.connected_ms,
                Standing::GatewayDown => &mut part.gateway_down_ms,
                Standing::Down => &mut part.down_ms,
            };
            *share += until - from;
            from = until;
        }
        over
    }
}

/// Returns the number of the minute that a moment lies in.
fn minute_of(at: u64) -> u32 {
    // Enough until the year 10136.
    u32::try_from(at / MINUTE_MS).unwrap_or(u32::MAX - 1)
}

fn tenths(ms: f64) -> u16 {
    // Casts of floats are saturating.
    (ms * 10.0).round() as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::snapshot::Figures;

    /// The start of minute 1,000.
    const START: u64 = 1_000 * MINUTE_MS;

    fn snapshot(phase: Phase, attempts: u32, ping_ms: Option<f64>) -> Snapshot {
        Snapshot {
            phase,
            ping_ms,
            figures: Figures {
                attempts,
                ..Figures::default()
            },
            ..Snapshot::off(String::new())
        }
    }

    /// Looks at each of the moments, in seconds after the start; returns all minutes that are over.
    fn minutes(looks: &[(u64, Snapshot)]) -> Vec<Minute> {
        let mut recorder = Recorder::default();
        looks
            .iter()
            .flat_map(|(second, snapshot)| recorder.look(START + second * 1_000, snapshot))
            .collect()
    }

    #[test]
    fn time_goes_to_the_minutes_it_passed_in() {
        let minutes = minutes(&[
            (0, snapshot(Phase::Off, 0, None)),
            (10, snapshot(Phase::Connecting, 1, None)),
            (20, snapshot(Phase::Up, 1, Some(12.34))),
            (90, snapshot(Phase::RetryWait, 1, None)),
            (150, snapshot(Phase::Up, 2, Some(8.0))),
            (180, snapshot(Phase::Up, 2, Some(9.0))),
        ]);

        let expected = [
            Minute {
                number: 1_000,
                connected_s: 40,
                down_s: 10,
                attempts: 1,
                ping_tenths: Some(123),
                ..Minute::default()
            },
            Minute {
                number: 1_001,
                connected_s: 30,
                down_s: 30,
                ..Minute::default()
            },
            Minute {
                number: 1_002,
                connected_s: 30,
                down_s: 30,
                attempts: 1,
                ping_tenths: Some(80),
                ..Minute::default()
            },
        ];
        assert_eq!(minutes, expected);
    }

    #[test]
    fn what_was_slept_through_is_no_time_at_all() {
        let minutes = minutes(&[
            (0, snapshot(Phase::Up, 1, None)),
            (60, snapshot(Phase::Up, 1, None)),
            (4_000, snapshot(Phase::Up, 1, None)),
            (4_020, snapshot(Phase::Up, 1, None)),
        ]);

        let seen: Vec<_> = minutes
            .iter()
            .map(|minute| (minute.number, minute.connected_s))
            .collect();
        assert_eq!(seen, [(1_000, 60), (1_066, 20)]);
    }

    #[test]
    fn a_clock_that_is_set_back_adds_nothing() {
        let minutes = minutes(&[
            (300, snapshot(Phase::Up, 1, None)),
            (30, snapshot(Phase::Up, 1, None)),
            (60, snapshot(Phase::Up, 1, None)),
        ]);

        let connected: u32 = minutes
            .iter()
            .map(|minute| u32::from(minute.connected_s))
            .sum();
        assert_eq!(connected, 30);
    }

    #[test]
    fn while_nobody_wants_a_connection_nothing_is_recorded_and_nobody_has_to_look() {
        let mut recorder = Recorder::default();

        for second in [0, 50, 70, 200] {
            let off = snapshot(Phase::Off, 0, None);
            assert_eq!(recorder.look(START + second * 1_000, &off), []);
            assert_eq!(recorder.look_again_in(START + second * 1_000), None);
        }

        recorder.look(START + 230_000, &snapshot(Phase::Up, 1, None));
        assert_eq!(recorder.look_again_in(START + 230_000), Some(10_000));
    }

    #[test]
    fn a_gateway_that_is_down_is_told_apart_from_a_server_that_is() {
        let minutes = minutes(&[
            (0, snapshot(Phase::UpGatewayDown, 0, None)),
            (45, snapshot(Phase::Paused, 0, None)),
            (60, snapshot(Phase::Paused, 0, None)),
        ]);

        assert_eq!((minutes[0].gateway_down_s, minutes[0].down_s), (45, 15));
    }

    #[test]
    fn a_count_of_attempts_that_begins_anew_is_counted_from_its_beginning() {
        let minutes = minutes(&[
            (0, snapshot(Phase::RetryWait, 9, None)),
            (10, snapshot(Phase::Connecting, 2, None)),
            (60, snapshot(Phase::Connecting, 2, None)),
        ]);

        assert_eq!(minutes[0].attempts, 2);
    }
}
