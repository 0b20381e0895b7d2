//! Codes that are good once, judged by the real PAM module for them (`pam_oath`) behind a real sshd.
//!
//! sshd runs in a mount namespace in which PAM's service `sshd` is this test's own, so that nobody
//! else on the machine notices.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Result;

use crate::process::Program;
use crate::tools;

/// The codes in their order: the test values of RFC 4226, appendix D.
pub const CODES: [&str; 4] = ["755224", "287082", "359152", "969429"];

/// The secret of those test values, in hexadecimal.
const SECRET: &str = "3132333435363738393031323334353637383930";

/// Writes what PAM reads: the service, and the user's secret with its counter.
///
/// # Errors
///
/// When the files cannot be written.
pub(super) fn prepare(dir: &Path, user: &str) -> Result<()> {
    let secrets = dir.join("oath");
    fs::write(&secrets, format!("HOTP\t{user}\t-\t{SECRET}\n"))?;
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o600))?;
    let service = format!(
        "auth required pam_oath.so usersfile={} window=1 digits=6\n\
         account required pam_permit.so\nsession required pam_permit.so\n",
        secrets.display()
    );
    Ok(fs::write(dir.join("pam"), service)?)
}

/// Returns sshd as a program that sees this test's service.
///
/// # Errors
///
/// When the module or a tool is not installed.
pub(super) fn around(sshd: &Path, dir: &Path) -> Result<Program> {
    tools::system("/usr/lib/x86_64-linux-gnu/security/pam_oath.so")
        .or_else(|_| tools::system("/usr/lib/aarch64-linux-gnu/security/pam_oath.so"))?;
    let mount = "mount --bind \"$0\" /etc/pam.d/sshd && exec \"$@\"";
    Ok(Program::new(tools::system("/usr/bin/unshare")?)
        .args(["-m", "/bin/sh", "-c", mount])
        .arg(dir.join("pam"))
        .arg(sshd))
}
