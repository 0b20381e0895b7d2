//! Row 14: what we keep on the disk of the user's computer meets a disk that is full, one that may not
//! be written, and a write that is torn at any byte.
//!
//! These are the list of trusted host keys and the settings. Messages that wait are kept in memory.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use e2e::cli::CommandLine;
use e2e::home_server::ssh_flags;
use e2e::long_runs::from_env;
use e2e::network::{in_own_network, in_own_network_and_mounts};
use e2e::process::Program;
use e2e::ssh_server::TestSshServer;
use e2e::ssh_server::config::SshServerConfig;
use e2e::tools;
use gateway_core::config::{SaveError, SettingsFile};
use gateway_core::tunnel::known_hosts::KnownHostsError;
use gateway_core::tunnel::{
    KnownHosts, KnownHostsFiles, PresentedKey, SignInMemory, TunnelConfig, TunnelError, open,
};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use super::site::{Site, UP, row};

/// What a list holds already: more than a program says while it connects, so that the limit of a file's
/// length meets the list alone.
const OLD_LINES: usize = 4_000;
const OLD_LINE: &str = "# notes on old servers\n";

/// A user whose list shows names as they are, whatever the machine's own settings for SSH say: lines of
/// hashed names are never the same.
fn user() -> Result<CommandLine> {
    let user = CommandLine::new()?;
    let folder = user.home().home().join(".ssh");
    fs::create_dir(&folder)?;
    let config = folder.join("config");
    fs::write(&config, "HashKnownHosts no\n")?;
    fs::set_permissions(&config, Permissions::from_mode(0o600))?;
    Ok(user)
}

/// The flags that reach the site, demand its key and keep it in `known_hosts`.
async fn flags(site: &Site, user: &CommandLine, known_hosts: &Path) -> Result<Vec<String>> {
    let token = user.home().write_private("token", site.gateway.token())?;
    let mut flags = ssh_flags(&site.ssh, site.gateway.port())?;
    flags.extend(["--token-file".to_owned(), token.display().to_string()]);
    flags.extend([
        "--known-hosts".to_owned(),
        known_hosts.display().to_string(),
    ]);
    flags.extend([
        "--accept-host-key".to_owned(),
        site.ssh.host_fingerprint().await?,
    ]);
    Ok(flags)
}

async fn mount(args: &[&str]) -> Result<()> {
    let mount = Program::new(tools::system("/usr/bin/mount")?).args(args);
    mount.run(UP).await?.ok().map(drop)
}

/// The names in a folder.
fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names: Vec<String> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    names.sort();
    Ok(names)
}

#[tokio::test]
async fn a_list_of_keys_that_cannot_be_written_is_said_and_stays_whole() -> Result<()> {
    let name = "fault_matrix::disk::a_list_of_keys_that_cannot_be_written_is_said_and_stays_whole";
    if !in_own_network_and_mounts(name).await? {
        return Ok(());
    }
    let site = Site::start().await?;
    let user = user()?;
    let disk = user.home().root().join("disk");
    fs::create_dir(&disk)?;
    let there = disk.to_str().context("a path that is no text")?;
    mount(&["-t", "tmpfs", "-o", "size=256k", "tmpfs", there]).await?;
    let list = disk.join("known_hosts");
    let old = OLD_LINE.repeat(OLD_LINES);
    fs::write(&list, &old)?;
    let flags = flags(&site, &user, &list).await?;
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();

    let filler = disk.join("filler");
    fill(&filler)?;
    let full = is_said(&user, &flags, &list).await?;
    ensure!(fs::read_to_string(&list)? == old, "the list was changed");
    ensure!(
        names(&disk)? == ["filler", "known_hosts"],
        "{:?}",
        names(&disk)?
    );
    fs::remove_file(&filler)?;

    mount(&["-o", "remount,ro", there]).await?;
    let read_only = is_said(&user, &flags, &list).await?;
    mount(&["-o", "remount,rw", there]).await?;
    ensure!(fs::read_to_string(&list)? == old, "the list was changed");
    ensure!(
        site.ssh.sign_in_attempts() == 0,
        "a key that was not kept was trusted:\n{}",
        site.ssh.log()
    );

    let mut connecting = user.connect_by_url(&flags)?;
    connecting.reaches("up", UP).await?;
    let now = fs::read_to_string(&list)?;
    let new = old + &site.ssh.known_hosts_line()?;
    ensure!(now == new, "{}", now.trim_start_matches(OLD_LINE));
    ensure!(names(&disk)? == ["known_hosts"], "{:?}", names(&disk)?);
    row(
        "14",
        &format!(
            "full disk: said in {} ms; read-only disk: said in {} ms; the list byte for byte as \
             before, 0 sign-ins; with room again connected, the list fully new",
            full.as_millis(),
            read_only.as_millis()
        ),
    );
    Ok(())
}

/// Takes all the room there is on the disk.
fn fill(filler: &Path) -> Result<()> {
    let mut filler = OpenOptions::new().create(true).append(true).open(filler)?;
    while filler.write_all(&[0; 512]).is_ok() {}
    Ok(())
}

/// Connecting ends in words that name the list; returns how soon.
async fn is_said(user: &CommandLine, flags: &[&str], list: &Path) -> Result<Duration> {
    let began = std::time::Instant::now();
    let mut connecting = user.connect_by_url(flags)?;
    let state = connecting.reaches("paused", UP).await?;
    let took = began.elapsed();
    let words = state["problem"]["message"].as_str().unwrap_or_default();
    ensure!(
        state["problem"]["code"] == "knownHostsUnusable"
            && words.contains(&format!("{} cannot be written", list.display())),
        "{state}"
    );
    Ok(took)
}

#[tokio::test]
async fn a_program_that_dies_while_it_writes_leaves_the_old_list() -> Result<()> {
    let name = "fault_matrix::disk::a_program_that_dies_while_it_writes_leaves_the_old_list";
    if !in_own_network(name).await? {
        return Ok(());
    }
    // `scripts/soak` has it die at every byte.
    let every: usize = from_env("E2E_TORN_EVERY", 40)?;
    let site = Site::start().await?;
    let user = user()?;
    let folder = user.home().root().join("lists");
    fs::create_dir(&folder)?;
    let list = folder.join("known_hosts");
    let old = OLD_LINE.repeat(OLD_LINES);
    let new = format!("{old}{}", site.ssh.known_hosts_line()?);
    fs::write(&list, &old)?;
    let flags = flags(&site, &user, &list).await?;
    let mut died = 0;
    for longest in (old.len()..new.len()).step_by(every).chain([new.len() - 1]) {
        let done = Program::new(tools::system("/usr/bin/prlimit")?)
            .args([format!("--fsize={longest}"), "--core=0".to_owned()])
            .arg(tools::openclaw()?)
            .args(["connect", "--json"])
            .args(&flags)
            .envs(user.home().env())
            .current_dir(user.home().home())
            .run(UP)
            .await?;
        ensure!(
            done.status.signal() == Some(Signal::XFSZ.as_raw()),
            "{longest}: {done:?}"
        );
        ensure!(fs::read_to_string(&list)? == old, "torn at {longest}");
        died += 1;
    }
    ensure!(site.ssh.sign_in_attempts() == 0, "{}", site.ssh.log());

    // What the dead left beside it is in nobody's way.
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let mut connecting = user.connect_by_url(&flags)?;
    connecting.reaches("up", UP).await?;
    let now = fs::read_to_string(&list)?;
    ensure!(now == new, "{}", now.trim_start_matches(OLD_LINE));
    row(
        "14 (torn)",
        &format!(
            "the program died at {died} bytes of its write: the old list each time, then the new one"
        ),
    );
    Ok(())
}

#[tokio::test]
async fn a_write_that_is_refused_at_any_byte_leaves_the_old_file() -> Result<()> {
    let name = "fault_matrix::disk::a_write_that_is_refused_at_any_byte_leaves_the_old_file";
    // In a process of its own: the limit of a file's length is the whole process's.
    if !in_own_network(name).await? {
        return Ok(());
    }
    // Being told of the limit by a signal would end the process.
    let _ignored = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()))?;
    let folder = tempfile::tempdir()?;

    let list = folder.path().join("known_hosts");
    fs::write(&list, OLD_LINE)?;
    let files = KnownHostsFiles {
        own: list.clone(),
        also_read: Vec::new(),
        hashes_names: false,
    };
    let key = shown_key(&files).await?;
    let keys = torn(&list, || {
        let added = KnownHosts::read(&files)?.add(&key);
        if let Err(KnownHostsError::NotWritten { path, .. }) = &added {
            ensure!(*path == list, "{}", path.display());
            return Ok(false);
        }
        Ok(added.map(|()| true)?)
    })?;

    let path = folder.path().join("settings.json5");
    let mut file = SettingsFile::new(path.clone());
    let mut settings = file.settings().clone();
    settings.first_run_done = false;
    file.save(&settings)?;
    settings.first_run_done = true;
    settings.active_mut().context("no profile")?.address = "me@elsewhere.example:2222".to_owned();
    let saves = torn(&path, || {
        let saved = file.save(&settings);
        ensure!(
            saved.is_ok() == (*file.settings() == settings),
            "what is in force is not what was saved"
        );
        match saved {
            Ok(()) => Ok(true),
            Err(SaveError::File(_)) => Ok(false),
            Err(other) => Err(other.into()),
        }
    })?;
    ensure!(*SettingsFile::new(path).load()? == settings);
    row(
        "14 (refused)",
        &format!(
            "refused at each of {keys} bytes of a list of keys and {saves} of the settings: byte for byte as before, nothing left beside it"
        ),
    );
    Ok(())
}

/// Has a file written under each limit of its length, from none at all to one that suffices, and
/// returns how many were too small. `write` tells whether it was written.
fn torn(path: &Path, mut write: impl FnMut() -> Result<bool>) -> Result<usize> {
    let folder = path.parent().context("no folder")?;
    let (old, beside) = (fs::read(path)?, names(folder)?);
    let usual = getrlimit(Resource::Fsize);
    for longest in 0..10_000 {
        setrlimit(
            Resource::Fsize,
            Rlimit {
                current: Some(longest),
                ..usual
            },
        )?;
        let written = write();
        setrlimit(Resource::Fsize, usual)?;
        let now = fs::read(path)?;
        ensure!(names(folder)? == beside, "{:?}", names(folder)?);
        if written? {
            ensure!(
                now.len() as u64 == longest,
                "{longest}: {} bytes",
                now.len()
            );
            return Ok(usize::try_from(longest)?);
        }
        ensure!(now == old, "torn at {longest}");
    }
    bail!("{} is never written", path.display())
}

/// The key of a server that nobody has met.
async fn shown_key(files: &KnownHostsFiles) -> Result<PresentedKey> {
    let ssh = TestSshServer::start(SshServerConfig::default()).await?;
    let config = TunnelConfig::new(ssh.target().parse()?, "nobody", files.clone());
    match open(&config, &mut SignInMemory::default(), &mut |_| {}).await {
        Err(TunnelError::HostKeyUnknown(key)) => Ok(*key),
        Err(other) => Err(other.into()),
        Ok(_) => bail!("it is known"),
    }
}
