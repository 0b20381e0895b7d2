//! A line that treats each packet as bad networks do: late, lost, overtaken, doubled, damaged.
//!
//! Not every kernel has `netem`. Here either end is a network interface whose packets a `socat` hands
//! over whole, and the line between them is ours, drawn from a seed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tempfile::TempDir;
use tokio::net::UnixDatagram;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::{FarNetwork, ORDER};
use crate::process::{Program, Running};
use crate::tools;
use crate::wait::until;

/// No packet is longer.
const LONGEST: usize = 2_048;
/// So many packets may be on their way; what comes then is lost, as in a router.
const ON_THE_WAY: usize = 4_096;
/// Damage begins behind the head of IP: what the receiving kernel has to notice is then TCP's.
const HEAD: usize = 20;

/// What becomes of packets, each way; shares are hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quality {
    /// How late each packet comes.
    pub delay: Duration,
    /// How many never come.
    pub lost: u8,
    /// How many come so much later still that others overtake them.
    pub overtaken: u8,
    /// At most so much later.
    pub behind: Duration,
    /// How many come twice.
    pub doubled: u8,
    /// How many come with one bit turned over.
    pub damaged: u8,
}

/// How many packets met what so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Those that were sent.
    pub packets: usize,
    /// Those that never came.
    pub lost: usize,
    /// Those that came late.
    pub overtaken: usize,
    /// Those that came twice.
    pub doubled: usize,
    /// Those that came damaged.
    pub damaged: usize,
}

/// What both ways share.
#[derive(Debug, Default)]
struct Shared {
    quality: Mutex<Quality>,
    packets: AtomicUsize,
    lost: AtomicUsize,
    overtaken: AtomicUsize,
    doubled: AtomicUsize,
    damaged: AtomicUsize,
}

/// The line, faithful until it is told otherwise. Dropping it cuts it.
#[derive(Debug)]
pub struct Line {
    shared: Arc<Shared>,
    lanes: [JoinHandle<()>; 2],
    _ends: [Running; 2],
    _folder: TempDir,
}

impl Line {
    /// Lays it from here to the network of the process `far`.
    pub(super) async fn laid(far: u32, seed: u64) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("e2e-line-").tempdir()?;
        let (near, near_end) = end(folder.path(), None, FarNetwork::NEAR).await?;
        let (far, far_end) = end(folder.path(), Some(far), FarNetwork::FAR).await?;
        let (near, far) = (Arc::new(near), Arc::new(far));
        let shared = Arc::<Shared>::default();
        let lane = |from: &Arc<UnixDatagram>, to: &Arc<UnixDatagram>, seed| {
            let lane = Lane {
                draw: StdRng::seed_from_u64(seed),
                shared: Arc::clone(&shared),
                waiting: BTreeMap::new(),
                number: 0,
            };
            tokio::spawn(lane.carry(Arc::clone(from), Arc::clone(to)))
        };
        let lanes = [lane(&near, &far, seed), lane(&far, &near, seed + 1)];
        Ok(Self {
            shared,
            lanes,
            _ends: [near_end, far_end],
            _folder: folder,
        })
    }

    /// What becomes of packets from now on.
    pub fn becomes(&self, quality: Quality) {
        *lock(&self.shared.quality) = quality;
    }

    /// What became of them so far.
    pub fn counts(&self) -> Counts {
        let count = |of: &AtomicUsize| of.load(Ordering::SeqCst);
        Counts {
            packets: count(&self.shared.packets),
            lost: count(&self.shared.lost),
            overtaken: count(&self.shared.overtaken),
            doubled: count(&self.shared.doubled),
            damaged: count(&self.shared.damaged),
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        for lane in &self.lanes {
            lane.abort();
        }
    }
}

/// Makes one end: an interface in the network of a process, and our socket for its packets.
async fn end(
    folder: &Path,
    network: Option<u32>,
    interface: &str,
) -> Result<(UnixDatagram, Running)> {
    let (ours, theirs) = (
        folder.join(format!("{interface}-line")),
        folder.join(interface),
    );
    let socket = UnixDatagram::bind(&ours)?;
    let socat = Program::in_network_of(network, tools::system("/usr/bin/socat")?)
        .arg(format!("TUN,tun-name={interface},tun-type=tun,iff-no-pi"))
        .arg(format!(
            "UNIX-SENDTO:{},bind={}",
            ours.display(),
            theirs.display()
        ))
        .start()?;
    until("an end of the line", ORDER, async || {
        if let Some(status) = socat.has_ended()? {
            anyhow::bail!("{status}: {}", socat.stderr());
        }
        Ok(socket.connect(&theirs).is_ok().then_some(()))
    })
    .await
    .with_context(|| socat.stderr())?;
    Ok((socket, socat))
}

/// One way.
struct Lane {
    draw: StdRng,
    shared: Arc<Shared>,
    /// The packets on their way, by when they come; of two at once the one sent first.
    waiting: BTreeMap<(Instant, u64), Vec<u8>>,
    number: u64,
}

impl Lane {
    async fn carry(mut self, from: Arc<UnixDatagram>, to: Arc<UnixDatagram>) {
        let mut buffer = [0; LONGEST];
        loop {
            let due = self.waiting.first_key_value().map(|((at, _), _)| *at);
            tokio::select! {
                read = from.recv(&mut buffer) => match read {
                    Ok(length) => self.take(&buffer[..length]),
                    // The interface is gone, and with it the line.
                    Err(_) => return,
                },
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    if let Some((_, packet)) = self.waiting.pop_first()
                        && to.send(&packet).await.is_err()
                    {
                        return;
                    }
                }
            }
        }
    }

    /// Decides what becomes of a packet.
    fn take(&mut self, packet: &[u8]) {
        let quality = *lock(&self.shared.quality);
        let shared = Arc::clone(&self.shared);
        shared.packets.fetch_add(1, Ordering::SeqCst);
        if self.meets(quality.lost, &shared.lost) || self.waiting.len() >= ON_THE_WAY {
            return;
        }
        let mut packet = packet.to_vec();
        if packet.len() > HEAD && self.meets(quality.damaged, &shared.damaged) {
            let place = self.draw.random_range(HEAD..packet.len());
            packet[place] ^= 1 << self.draw.random_range(0..8);
        }
        let mut at = Instant::now() + quality.delay;
        if self.meets(quality.overtaken, &shared.overtaken) {
            at += quality.behind.mul_f64(self.draw.random_range(0.0..1.0));
        }
        if self.meets(quality.doubled, &shared.doubled) {
            self.sends(at, packet.clone());
        }
        self.sends(at, packet);
    }

    fn sends(&mut self, at: Instant, packet: Vec<u8>) {
        self.number += 1;
        self.waiting.insert((at, self.number), packet);
    }

    /// Draws whether a packet is among so many hundredths, and counts it.
    fn meets(&mut self, hundredths: u8, count: &AtomicUsize) -> bool {
        let meets = self.draw.random_ratio(u32::from(hundredths).min(100), 100);
        if meets {
            count.fetch_add(1, Ordering::SeqCst);
        }
        meets
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
