//! A second network beside the test's own, and the ways there.

use std::fs;
use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::{Line, ORDER, ip};
use crate::process::{Program, Running};
use crate::tools;
use crate::wait::until;

/// How many bytes a narrow cable takes at once: two packets and a little.
const AT_ONCE: &str = "4kb";
/// For how long it keeps what it cannot take yet, which is 32 kB at 64 kbit/s, as a router does; the rest
/// is lost.
const KEPT: &str = "4s";
/// A connection whose one half has ended goes on for so many seconds.
const OTHER_HALF: &str = "600";

/// A network of its own, joined to the test's by a cable or a [`Line`]. Dropping it takes all of it away.
#[derive(Debug)]
pub struct FarNetwork {
    // Ended before the network they are in.
    relays: Vec<Running>,
    folder: TempDir,
    holder: Running,
}

impl FarNetwork {
    /// The interface at this end.
    pub const NEAR: &str = "near";
    /// The one at the other end.
    pub(super) const FAR: &str = "far";
    /// This end's address at first, with the length of its network.
    pub const NEAR_ADDRESS: &str = "10.9.0.1/24";
    /// The other end's address.
    pub const FAR_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);

    /// Makes it and lays a cable there. Only within a network of the test's own.
    ///
    /// # Errors
    ///
    /// When the system does not let us.
    pub async fn joined() -> Result<Self> {
        let far = Self::apart().await?;
        let pid = far.pid().to_string();
        let cable = ["link", "add", Self::NEAR, "type", "veth", "peer", "name"];
        ip(&[&cable[..], &[Self::FAR, "netns", &pid]].concat()).await?;
        far.is_joined().await?;
        Ok(far)
    }

    /// Makes it and joins it by a line that treats packets badly.
    ///
    /// # Errors
    ///
    /// As [`FarNetwork::joined`].
    pub async fn over_a_line(seed: u64) -> Result<(Self, Line)> {
        let far = Self::apart().await?;
        let line = Line::laid(far.pid(), seed).await?;
        far.is_joined().await?;
        Ok((far, line))
    }

    async fn apart() -> Result<Self> {
        let holder = Program::new(tools::system("/usr/bin/unshare")?)
            .args(["--net", "--", "/usr/bin/sleep", "infinity"])
            .start()?;
        let ours = fs::read_link("/proc/self/ns/net")?;
        let theirs = format!("/proc/{}/ns/net", holder.pid());
        until("the far network", ORDER, async || {
            Ok(fs::read_link(&theirs)
                .is_ok_and(|far| far != ours)
                .then_some(()))
        })
        .await?;
        Ok(Self {
            relays: Vec::new(),
            folder: tempfile::Builder::new().prefix("e2e-far-").tempdir()?,
            holder,
        })
    }

    /// Gives both ends their addresses.
    async fn is_joined(&self) -> Result<()> {
        ip(&["address", "add", Self::NEAR_ADDRESS, "dev", Self::NEAR]).await?;
        ip(&["link", "set", Self::NEAR, "up"]).await?;
        let address = format!("{}/24", Self::FAR_ADDRESS);
        self.ip(&["address", "add", &address, "dev", Self::FAR])
            .await?;
        self.ip(&["link", "set", Self::FAR, "up"]).await?;
        self.ip(&["link", "set", "lo", "up"]).await
    }

    /// The process that is in it, for programs that are to be there too.
    pub fn pid(&self) -> u32 {
        self.holder.pid()
    }

    /// Has the cable carry so many kilobits a second each way from now on (`tc`'s token bucket).
    ///
    /// # Errors
    ///
    /// When the kernel cannot, or there is no cable.
    pub async fn narrowed_to(&self, kilobits: u32) -> Result<()> {
        let rate = format!("{kilobits}kbit");
        for (network, end) in [(None, Self::NEAR), (Some(self.pid()), Self::FAR)] {
            let tc = Program::in_network_of(network, tools::system("/usr/sbin/tc")?)
                .args(["qdisc", "replace", "dev", end, "root", "tbf", "rate", &rate])
                .args(["burst", AT_ONCE, "latency", KEPT]);
            tc.run(ORDER).await?.ok()?;
        }
        Ok(())
    }

    /// Has a loopback port over there lead to the same one here, past the cable.
    ///
    /// # Errors
    ///
    /// When the port is taken there.
    pub async fn leads_home(&mut self, port: u16) -> Result<()> {
        let socket = self.folder.path().join(port.to_string());
        let socket = socket.to_str().context("a path that is no text")?;
        let socat = tools::system("/usr/bin/socat")?;
        let here = Program::new(&socat)
            .args(["-t", OTHER_HALF])
            .arg(format!("UNIX-LISTEN:{socket},fork"))
            .arg(format!("TCP:127.0.0.1:{port},nodelay"))
            .start()?;
        let there = Program::in_network_of(Some(self.pid()), &socat)
            .args(["-d", "-d", "-t", OTHER_HALF])
            .arg(format!(
                "TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,nodelay,fork"
            ))
            .arg(format!("UNIX-CONNECT:{socket}"))
            .start()?;
        there
            .says("a port over there", ORDER, |_| {
                // It tells so on its standard error.
                there.stderr().contains("listening on").then_some(())
            })
            .await?;
        until("its other end", ORDER, async || {
            Ok(fs::exists(socket)?.then_some(()))
        })
        .await?;
        self.relays.extend([there, here]);
        Ok(())
    }

    async fn ip(&self, args: &[&str]) -> Result<()> {
        let program = Program::in_network_of(Some(self.pid()), tools::system("/usr/sbin/ip")?);
        program.args(args).run(ORDER).await?.ok().map(drop)
    }
}
