//! An account with a password and a home of its own behind a real sshd.
//!
//! sshd runs in a mount namespace with another `passwd` and `shadow`, so that the machine has no such
//! account; what is mounted over the home is seen there only. What the machine has in `/usr/local/bin` is
//! no part of the server.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use crate::process::Program;
use crate::tools;

/// The account's name.
pub const NAME: &str = "homeowner";

/// The account's number; no Debian gives it to anybody.
pub const NUMBER: u32 = 47_110;

/// An account on the server.
#[derive(Debug, Clone)]
pub struct Account {
    /// What its owner types.
    pub password: String,
    /// Whether the server has file transfer for it.
    pub files: bool,
    /// What its home is on.
    pub disk: Disk,
}

/// What a home is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    /// The machine's own disk.
    Usual,
    /// A disk with room for so many KiB.
    Small(u32),
    /// A disk that can only be read.
    ReadOnly,
}

impl Account {
    /// An account as somebody who set up a server left it: a password, and nothing in its home.
    pub fn with_password(password: &str) -> Self {
        Self {
            password: password.to_owned(),
            files: true,
            disk: Disk::Usual,
        }
    }
}

/// Makes the home and writes the lists of accounts.
///
/// # Errors
///
/// When they cannot be written, which takes root.
pub(super) async fn prepare(dir: &Path, account: &Account) -> Result<()> {
    // Others have to get as far as the home.
    fs::set_permissions(dir, Permissions::from_mode(0o711))?;
    let home = home(dir);
    fs::create_dir(&home)?;
    own(&home, 0o755)?;
    let passwd = fs::read_to_string("/etc/passwd")?;
    let home = home.display();
    let line = format!("{NAME}:x:{NUMBER}:{NUMBER}::{home}:/bin/sh\n");
    fs::write(dir.join("passwd"), format!("{passwd}{line}"))?;
    let hash = Program::new(tools::system("/usr/bin/openssl")?)
        .args(["passwd", "-6", &account.password])
        .run(Duration::from_secs(20))
        .await?
        .ok()?;
    let shadow = format!("{NAME}:{}:19000:0:99999:7:::\n", hash.trim());
    Ok(fs::write(dir.join("shadow"), shadow)?)
}

/// Gives a file or folder to the account, with these permissions.
///
/// # Errors
///
/// When that is not allowed.
pub fn own(path: &Path, mode: u32) -> Result<()> {
    chown(path, Some(NUMBER), Some(NUMBER))?;
    Ok(fs::set_permissions(path, Permissions::from_mode(mode))?)
}

/// Writes a file that only the account may read into its home, with the folders on the way.
///
/// # Errors
///
/// When that is not allowed.
pub fn write(home: &Path, path: &str, content: &str) -> Result<PathBuf> {
    let file = home.join(path);
    let mut folder = home.to_owned();
    for part in Path::new(path)
        .parent()
        .into_iter()
        .flat_map(Path::components)
    {
        folder.push(part);
        if !folder.exists() {
            fs::create_dir(&folder)?;
            own(&folder, 0o700)?;
        }
    }
    fs::write(&file, content)?;
    own(&file, 0o600)?;
    Ok(file)
}

pub(super) fn home(dir: &Path) -> PathBuf {
    dir.join("home")
}

/// Returns sshd as a program that sees this account and its disk.
///
/// # Errors
///
/// When a tool is not installed.
pub(super) fn around(sshd: &Path, dir: &Path, account: &Account) -> Result<Program> {
    let home = home(dir);
    let home = home.display();
    let disk = match account.disk {
        Disk::Usual => String::new(),
        Disk::Small(kib) => {
            format!("mount -t tmpfs -o size={kib}k,uid={NUMBER},mode=755 tmpfs {home}; ")
        }
        Disk::ReadOnly => format!("mount --bind {home} {home}; mount -o remount,bind,ro {home}; "),
    };
    let mount = format!(
        "set -e; mount --bind \"$0/passwd\" /etc/passwd; \
         mount --bind \"$0/shadow\" /etc/shadow; mount -t tmpfs tmpfs /usr/local/bin; {disk}exec \"$@\""
    );
    Ok(Program::new(tools::system("/usr/bin/unshare")?)
        .args(["-m", "/bin/sh", "-c", &mount])
        .arg(dir)
        .arg(sshd))
}
