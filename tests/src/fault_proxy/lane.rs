//! One direction of one connection: read, wait as the plan says, write.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::plan::{Cut, Direction, End, Flow, Plan, Stall};

/// How much is read at once.
const READ: usize = 16 * 1024;
/// How much may be on its way in a lane that is merely far.
const ON_ITS_WAY: usize = 4 * 1024 * 1024;
/// As much, where a lane is thin: routers hold about this, not megabytes.
const IN_A_ROUTER: usize = 32 * 1024;

/// What is held back in all connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// The clients' bytes stand still.
    pub up: bool,
    /// The server's bytes stand still.
    pub down: bool,
    /// What would stand still is thrown away instead.
    pub black_hole: bool,
}

impl Held {
    /// Nothing goes either way, and nothing is lost.
    pub fn both() -> Self {
        Self {
            up: true,
            down: true,
            black_hole: false,
        }
    }

    fn holds(self, direction: Direction) -> bool {
        match direction {
            Direction::Up => self.up,
            Direction::Down => self.down,
        }
    }
}

/// Why a lane stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// As planned.
    Cut(End),
    /// One of the two sides broke.
    Broke,
}

impl From<io::Error> for Stopped {
    fn from(_: io::Error) -> Self {
        Self::Broke
    }
}

/// The half of a stream that is read.
pub(super) struct Reader<'a>(pub(super) &'a TcpStream);

/// The half of a stream that is written.
pub(super) struct Writer<'a>(pub(super) &'a TcpStream);

impl Reader<'_> {
    async fn read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0
            .async_io(Interest::READABLE, || self.0.try_read(bytes))
            .await
    }
}

impl Writer<'_> {
    async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = self
                .0
                .async_io(Interest::WRITABLE, || self.0.try_write(bytes))
                .await?;
            bytes = &bytes[written..];
        }
        Ok(())
    }

    fn finish(&self) {
        // The other side may be gone already.
        let _ended = rustix::net::shutdown(self.0, rustix::net::Shutdown::Write);
    }
}

pub(super) struct Lane {
    direction: Direction,
    flow: Flow,
    cut: Option<Cut>,
    stall: Option<Stall>,
    held: watch::Receiver<Held>,
    /// How many bytes have gone through.
    passed: u64,
}

impl Lane {
    pub(super) fn new(direction: Direction, plan: Plan, held: watch::Receiver<Held>) -> Self {
        Self {
            direction,
            flow: match direction {
                Direction::Up => plan.up,
                Direction::Down => plan.down,
            },
            cut: plan.cut.filter(|cut| cut.direction == direction),
            stall: plan.stall.filter(|stall| stall.direction == direction),
            held,
            passed: 0,
        }
    }

    /// Carries until the sender has finished and everything has gone out.
    pub(super) async fn carry(mut self, from: Reader<'_>, to: Writer<'_>) -> Result<(), Stopped> {
        let mut waiting: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
        let mut on_its_way = 0;
        let room = match self.flow.bytes_per_second {
            Some(_) => IN_A_ROUTER,
            None => ON_ITS_WAY,
        };
        let mut open = true;
        let mut buffer = vec![0; READ];
        while open || !waiting.is_empty() {
            let due = waiting.front().map(|(at, _)| *at);
            tokio::select! {
                read = from.read(&mut buffer), if open && on_its_way < room => {
                    let length = read?;
                    open = length > 0;
                    if open {
                        on_its_way += length;
                        waiting.push_back((Instant::now() + self.flow.delay, buffer[..length].to_vec()));
                    }
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    if let Some((_, bytes)) = waiting.pop_front() {
                        on_its_way -= bytes.len();
                        self.pass(&bytes, &to).await?;
                    }
                }
            }
        }
        self.wait_while_held().await;
        to.finish();
        Ok(())
    }

    /// Writes some bytes as the plan says.
    async fn pass(&mut self, mut bytes: &[u8], to: &Writer<'_>) -> Result<(), Stopped> {
        while !bytes.is_empty() {
            if self.is_thrown_away() {
                return Ok(());
            }
            self.wait_while_held().await;
            if let Some(stall) = self.stall.take_if(|stall| stall.after <= self.passed) {
                sleep(stall.lasts).await;
            }
            let mut length = bytes.len().min(self.flow.piece);
            if let Some(cut) = self.cut {
                let left = cut.after.saturating_sub(self.passed);
                if left == 0 {
                    return Err(Stopped::Cut(cut.end));
                }
                length = length.min(usize::try_from(left).unwrap_or(usize::MAX));
            }
            if let Some(rate) = self.flow.bytes_per_second {
                // A twentieth of a second at a time.
                length = length.min((rate as usize / 20).max(1));
                sleep(Duration::from_secs_f64(length as f64 / f64::from(rate))).await;
            }
            to.write_all(&bytes[..length]).await?;
            self.passed += length as u64;
            bytes = &bytes[length..];
        }
        match self.cut {
            Some(cut) if self.passed >= cut.after => Err(Stopped::Cut(cut.end)),
            Some(_) | None => Ok(()),
        }
    }

    fn is_thrown_away(&self) -> bool {
        let held = *self.held.borrow();
        held.black_hole && held.holds(self.direction)
    }

    async fn wait_while_held(&mut self) {
        let direction = self.direction;
        // The proxy is gone with its switch; what is left may go.
        drop(self.held.wait_for(|held| !held.holds(direction)).await);
    }
}
