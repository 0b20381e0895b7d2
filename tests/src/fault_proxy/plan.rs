//! What becomes of one connection, as data.

use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;

/// One way through the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// How a cut connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// In order, as a program that was ended.
    Fin,
    /// With a reset, as a machine that forgot the connection.
    Rst,
}

/// What happens when a client comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// It is led to the server.
    Carry,
    /// It is accepted and reset.
    Refuse,
    /// It is accepted and nothing ever comes.
    Hang,
}

/// Ends the connection once so many bytes went one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Which way is counted.
    pub direction: Direction,
    /// After how many bytes.
    pub after: u64,
    /// How.
    pub end: End,
}

/// Holds one direction for a while once so many bytes went that way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// Which way.
    pub direction: Direction,
    /// After how many bytes.
    pub after: u64,
    /// For how long.
    pub lasts: Duration,
}

/// How the bytes of one direction go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// How late each byte comes.
    pub delay: Duration,
    /// At most so many bytes a second.
    pub bytes_per_second: Option<u32>,
    /// So many bytes at a time at most; 1 makes every byte a segment of its own.
    pub piece: usize,
}

impl Default for Flow {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            bytes_per_second: None,
            piece: usize::MAX,
        }
    }
}

/// What becomes of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// How it begins.
    pub entry: Entry,
    /// How the client's bytes go.
    pub up: Flow,
    /// How the server's bytes go.
    pub down: Flow,
    /// Whether and where it ends.
    pub cut: Option<Cut>,
    /// Whether and where it stands still.
    pub stall: Option<Stall>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            entry: Entry::Carry,
            up: Flow::default(),
            down: Flow::default(),
            cut: None,
            stall: None,
        }
    }
}

impl Plan {
    /// The same delay both ways, half of `round_trip` each.
    pub fn with_round_trip(round_trip: Duration) -> Self {
        let flow = Flow {
            delay: round_trip / 2,
            ..Flow::default()
        };
        Self {
            up: flow,
            down: flow,
            ..Self::default()
        }
    }

    /// Draws a connection that is cut somewhere within its first `most` bytes of either way: during the
    /// key exchange, the sign-in, the upgrade, or in the middle of a message.
    pub fn drawn_cut(draw: &mut StdRng, most: u64) -> Self {
        let direction = match draw.random_bool(0.5) {
            true => Direction::Up,
            false => Direction::Down,
        };
        let end = match draw.random_bool(0.5) {
            true => End::Fin,
            false => End::Rst,
        };
        let cut = Cut {
            direction,
            after: draw.random_range(0..most),
            end,
        };
        // Some of them arrive in small pieces or stand still for a moment on the way.
        let piece = match draw.random_range(0..8) {
            0 => 1,
            1 => 7,
            _ => usize::MAX,
        };
        let stall = draw.random_bool(0.2).then(|| Stall {
            direction,
            after: draw.random_range(0..most),
            lasts: Duration::from_millis(draw.random_range(1..300)),
        });
        let flow = Flow {
            piece,
            ..Flow::default()
        };
        Self {
            up: flow,
            down: flow,
            cut: Some(cut),
            stall,
            ..Self::default()
        }
    }
}
