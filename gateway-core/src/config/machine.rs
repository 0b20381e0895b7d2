//! What the system calls this computer and this account. For the programs, which hand it in.

/// Returns the name of this computer.
#[cfg(unix)]
pub fn host_name() -> Option<String> {
    let name = rustix::system::uname();
    name.nodename().to_str().ok().map(str::to_owned)
}

/// Returns the number of the account this runs as.
#[cfg(unix)]
pub fn uid() -> Option<u32> {
    Some(rustix::process::getuid().as_raw())
}

/// Returns the name of this computer.
#[cfg(not(unix))]
pub fn host_name() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
}

/// Returns the number of the account this runs as: this system has none.
#[cfg(not(unix))]
pub fn uid() -> Option<u32> {
    None
}
