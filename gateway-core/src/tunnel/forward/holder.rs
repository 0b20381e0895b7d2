//! Who holds a local port, where the system tells.

#[cfg(target_os = "linux")]
mod linux;

/// A program that listens on a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its name as the system shows it.
    pub name: String,
    /// Its process id.
    pub pid: u32,
}

impl Holder {
    /// Returns who listens on this port of a loopback or wildcard address, as far as we may see.
    pub fn of(port: u16) -> Option<Self> {
        of(port)
    }
}

/// Returns who listens on this port of a loopback or wildcard address, as far as we may see.
#[cfg(target_os = "linux")]
pub(super) fn of(port: u16) -> Option<Holder> {
    linux::holder_of(port)
}

/// Returns `None`: this system has no plain way to tell.
#[cfg(not(target_os = "linux"))]
pub(super) fn of(_port: u16) -> Option<Holder> {
    None
}
