//! What the system calls itself, this computer and this account. For the programs, which hand it in.

use std::env::consts;
use std::fs;

/// Returns which system this is, such as `Debian GNU/Linux 12 (bookworm), linux 6.1.0, x86_64`.
pub fn system() -> String {
    let names = [distribution(), kernel(), Some(consts::ARCH.to_owned())];
    let names: Vec<String> = names.into_iter().flatten().collect();
    names.join(", ")
}

/// The name for people in `os-release`(5), where there is such a file.
fn distribution() -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").ok()?;
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(name.trim_matches('"').to_owned())
}

#[cfg(unix)]
fn kernel() -> Option<String> {
    let name = rustix::system::uname();
    let release = name.release().to_str().ok()?;
    Some(format!("{} {release}", consts::OS))
}

#[cfg(not(unix))]
fn kernel() -> Option<String> {
    Some(consts::OS.to_owned())
}

/// Returns what people call this computer, else its host name.
pub fn display_name() -> Option<String> {
    let pretty = fs::read_to_string("/etc/machine-info").ok();
    let pretty = pretty.as_deref().and_then(|text| {
        let name = text
            .lines()
            .find_map(|line| line.strip_prefix("PRETTY_HOSTNAME="))?;
        let name = name.trim().trim_matches('"').trim();
        (!name.is_empty()).then(|| name.to_owned())
    });
    pretty.or_else(host_name)
}

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
