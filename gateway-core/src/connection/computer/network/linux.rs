//! Linux tells of links, addresses and routes over a netlink socket that every user may open
//! (rtnetlink(7)). Routes count: a way that is back with the addresses unchanged is seen by them alone.

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with};
use std::io;
use std::os::unix::net;
use tokio::net::UnixDatagram;

/// `RTMGRP_LINK`, and `IFADDR` and `ROUTE` of IPv4 and IPv6 (linux/rtnetlink.h).
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;
/// Messages are not read to their end, so any size does.
const READ: usize = 4 * 1024;

/// Changes of the links, addresses and routes of this computer.
///
/// tokio has no netlink socket; what it does with a datagram socket, to wait and to receive, is the
/// same for both.
#[derive(Debug)]
pub(in super::super) struct Changes(UnixDatagram);

impl Changes {
    /// Starts listening.
    pub(in super::super) fn watch() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
        UnixDatagram::from_std(net::UnixDatagram::from(socket)).map(Self)
    }

    /// Returns after the next change; `false` when none will be told any more. Safe to cancel.
    pub(in super::super) async fn next(&mut self) -> bool {
        let mut message = [0_u8; READ];
        let Err(error) = self.0.recv(&mut message).await else {
            return true;
        };
        // More changes than the socket could hold: that is a change.
        let overrun = error.raw_os_error() == Some(Errno::NOBUFS.raw_os_error());
        if !overrun {
            tracing::debug!(%error, "the netlink socket failed");
        }
        overrun
    }
}
