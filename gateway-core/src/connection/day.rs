//! The last 24 hours of a connection, minute by minute: how long it stood, how often it was tried,
//! how far away the server was.
//!
//! [`Recorder`] turns what is seen of a connection into minutes; it is pure, the time is handed in.
//! [`Day`] keeps them, [`DayFile`] on disk. Nothing in here names a server or a person.

mod file;
mod recorder;

pub use file::DayFile;
pub use recorder::Recorder;

use std::collections::BTreeMap;

/// How many minutes are kept.
pub const MINUTES: u32 = 24 * 60;

/// What one minute of a connection was made of. Seconds that are missing were not seen: the program
/// did not run, the computer slept, or nobody wanted a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Minute {
    /// Which: whole minutes since the Unix epoch.
    pub number: u32,
    /// For how many seconds it stood.
    pub connected_s: u8,
    /// For how many seconds the server was reached and the gateway did not answer.
    pub gateway_down_s: u8,
    /// For how many seconds it was wanted and did not stand.
    pub down_s: u8,
    /// How many attempts began.
    pub attempts: u8,
    /// The longest round trip that was measured, in tenths of a millisecond.
    pub ping_tenths: Option<u16>,
}

impl Minute {
    /// Puts together two parts of the same minute, as a program that was started again sees them.
    fn and(self, other: Self) -> Self {
        let seconds = |a: u8, b: u8| a.saturating_add(b).min(60);
        Self {
            number: self.number,
            connected_s: seconds(self.connected_s, other.connected_s),
            gateway_down_s: seconds(self.gateway_down_s, other.gateway_down_s),
            down_s: seconds(self.down_s, other.down_s),
            attempts: self.attempts.saturating_add(other.attempts),
            ping_tenths: self.ping_tenths.max(other.ping_tenths),
        }
    }
}

/// The minutes of the last 24 hours that anything is known of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Day {
    minutes: BTreeMap<u32, Minute>,
}

impl Day {
    /// Keeps a minute and lets go of what is a day older; returns what is now known of that minute.
    pub fn keep(&mut self, minute: Minute) -> Minute {
        let kept = self
            .minutes
            .entry(minute.number)
            .and_modify(|known| *known = known.and(minute))
            .or_insert(minute);
        let kept = *kept;
        let oldest = (minute.number + 1).saturating_sub(MINUTES);
        self.minutes = self.minutes.split_off(&oldest);
        kept
    }

    /// Returns the 24 hours that end with the minute `now`, in spans of `width` minutes, the oldest
    /// first. Each has what is known of its minutes together.
    ///
    /// # Panics
    ///
    /// When `width` is no divisor of a day.
    pub fn spans(&self, now: u32, width: u32) -> Vec<Span> {
        assert_eq!(MINUTES % width, 0, "a day has no whole number of spans");
        let first = (now + 1).saturating_sub(MINUTES);
        (0..MINUTES / width)
            .map(|index| {
                let from = first + index * width;
                let mut span = Span::default();
                for minute in self.minutes.range(from..from + width).map(|(_, it)| it) {
                    span.connected_s += u16::from(minute.connected_s);
                    span.gateway_down_s += u16::from(minute.gateway_down_s);
                    span.down_s += u16::from(minute.down_s);
                    span.attempts += u16::from(minute.attempts);
                    span.ping_tenths = span.ping_tenths.max(minute.ping_tenths);
                }
                span
            })
            .collect()
    }
}

/// Several minutes of a connection together; see [`Minute`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// For how many seconds it stood.
    pub connected_s: u16,
    /// For how many seconds the server was reached and the gateway did not answer.
    pub gateway_down_s: u16,
    /// For how many seconds it was wanted and did not stand.
    pub down_s: u16,
    /// How many attempts began.
    pub attempts: u16,
    /// The longest round trip that was measured, in tenths of a millisecond.
    pub ping_tenths: Option<u16>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(number: u32) -> Minute {
        Minute {
            number,
            connected_s: 60,
            ping_tenths: Some(120),
            ..Minute::default()
        }
    }

    #[test]
    fn a_day_lets_go_of_what_is_older_and_keeps_the_rest() {
        let mut day = Day::default();
        for number in 1_000..1_000 + MINUTES + 5 {
            day.keep(minute(number));
        }

        let last = 1_000 + MINUTES + 4;
        assert_eq!(day.minutes.len(), MINUTES as usize);
        assert_eq!(day.minutes.keys().next(), Some(&1_005));
        assert!(
            day.spans(last, 5)
                .iter()
                .all(|span| span.connected_s == 300)
        );
    }

    #[test]
    fn two_parts_of_a_minute_become_one_of_at_most_sixty_seconds() {
        let mut day = Day::default();
        let part = |connected_s, attempts, ping_tenths| Minute {
            number: 7,
            connected_s,
            attempts,
            ping_tenths,
            ..Minute::default()
        };
        day.keep(part(40, 1, Some(90)));

        let whole = day.keep(part(35, 2, None));

        assert_eq!(whole, part(60, 3, Some(90)));
    }

    #[test]
    fn spans_end_with_the_minute_asked_for_and_have_gaps_where_nothing_is_known() {
        let mut day = Day::default();
        day.keep(minute(10_000));
        day.keep(Minute {
            number: 9_994,
            down_s: 60,
            attempts: 3,
            ..Minute::default()
        });

        let spans = day.spans(10_000, 5);

        assert_eq!(spans.len(), 288);
        let last = spans[287];
        assert_eq!((last.connected_s, last.ping_tenths), (60, Some(120)));
        let before = spans[286];
        assert_eq!((before.down_s, before.attempts), (60, 3));
        assert!(spans[..286].iter().all(|span| *span == Span::default()));
    }
}
