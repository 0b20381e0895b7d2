//! What a button does on the home server: the gateway is started, this device approved, the log read; and
//! whatever goes wrong there ends in time and is told.

mod mended;
mod window;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use e2e::cli::CommandLine;
use e2e::home_server::{ssh_flags, trust};
use e2e::laptop::Laptop;
use e2e::ports;
use e2e::server_account::ServerAccount;
use e2e::ssh_server::account::{self, NUMBER};
use e2e::wait::until;
use gateway_core::home_server::command::{Ended, MOST_OUTPUT};
use gateway_core::home_server::gateway_log::{self, LogEnd, LogError};
use gateway_core::home_server::gateway_service::Repair;
use gateway_core::home_server::repair::{self, Progress, RepairError, Repaired};
use rustix::process::Signal;

/// How long a process may take to end that was told to.
const ENDING: Duration = Duration::from_secs(20);

/// A command that would never end by itself.
const HANGS: &str = "echo begun; exec sleep 300";

/// Does a repair within a limit, and returns how it went and the lines that were begun.
async fn repairs(
    server: &ServerAccount,
    repair: &Repair,
    limit: Duration,
) -> Result<(std::result::Result<Repaired, RepairError>, Vec<String>)> {
    let laptop = Laptop::with_key(&server.ssh, ports::free_port()?)?;
    let mut begun = Vec::new();
    let mut told = |progress: &Progress| begun.extend(progress.command.clone());
    let (there, access) = (laptop.server(), laptop.access());
    let done = repair::run_within(limit, there, access, repair, &mut told).await;
    begun.dedup();
    Ok((done, begun))
}

/// Waits until the process that ran these words is gone.
async fn has_ended(server: &ServerAccount, words: &str) -> Result<()> {
    let pid = server.pid_of(words)?.context("it never ran")?;
    let process = Path::new("/proc").join(pid.to_string());
    until("the command's end", ENDING, async || {
        Ok((!process.exists()).then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_command_that_hangs_is_ended_by_the_limit() -> Result<()> {
    let server = ServerAccount::start().await?;
    server.has_program("openclaw", HANGS)?;

    let (done, begun) = repairs(&server, &Repair::RestartGateway, Duration::from_secs(2)).await?;

    let Err(error @ RepairError::TooLong { .. }) = done else {
        bail!("{done:?}");
    };
    ensure!(repair::problem(&error).code == "serverCommandTooLong");
    ensure!(begun == ["openclaw gateway restart"], "{begun:?}");
    has_ended(&server, "openclaw gateway restart").await
}

#[tokio::test]
async fn a_command_that_is_no_longer_wanted_is_stopped() -> Result<()> {
    let server = ServerAccount::start().await?;
    server.has_program("openclaw", HANGS)?;
    let laptop = Laptop::with_key(&server.ssh, ports::free_port()?)?;
    let (printed, has_printed) = tokio::sync::oneshot::channel();
    let mut printed = Some(printed);
    let mut told = |progress: &Progress| {
        if progress.output.text() == "begun\n"
            && let Some(printed) = printed.take()
        {
            assert!(printed.send(()).is_ok(), "nobody waits");
        }
    };

    let (there, access) = (laptop.server(), laptop.access());
    tokio::select! {
        done = repair::run(there, access, &Repair::StartGateway, &mut told) => bail!("{done:?}"),
        seen = has_printed => seen?,
    }

    has_ended(&server, "openclaw gateway start").await
}

#[tokio::test]
async fn ctrl_c_at_a_terminal_stops_what_runs_on_the_server() -> Result<()> {
    let server = ServerAccount::start().await?;
    server.has_program("openclaw", HANGS)?;
    let user = CommandLine::new()?;
    trust(&server.ssh, user.known_hosts())?;
    let mut words = ["server", "start-gateway", "--yes", "--known-hosts"]
        .map(str::to_owned)
        .to_vec();
    words.push(user.known_hosts().display().to_string());
    words.extend(ssh_flags(&server.ssh, ports::free_port()?)?);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let running = user.start(&words)?;
    running
        .says("what it printed", ENDING, |said| {
            said.contains("begun\n").then_some(())
        })
        .await?;

    running.signal(Signal::INT);

    ensure!(
        running.ended(ENDING).await?.code() == Some(1),
        "{}",
        running.stderr()
    );
    ensure!(
        running.stderr().contains("it was stopped"),
        "{}",
        running.stderr()
    );
    has_ended(&server, "openclaw gateway start").await
}

#[tokio::test]
async fn a_server_that_runs_no_commands_says_so() -> Result<()> {
    for (line, said) in [
        ("ForceCommand internal-sftp", ""),
        ("ForceCommand /bin/echo only files here", "only files here"),
        ("MaxSessions 0", ""),
    ] {
        let server = ServerAccount::with(&[line]).await?;
        server.has_program("openclaw", "exit 0")?;

        let (done, begun) = repairs(&server, &Repair::StartGateway, ENDING).await?;

        let Err(error @ RepairError::NoCommands { .. }) = done else {
            bail!("{line}: {done:?}");
        };
        let problem = repair::problem(&error);
        ensure!(
            problem.code == "serverRunsNoCommands",
            "{line}: {problem:?}"
        );
        ensure!(problem.message.contains(said), "{line}: {problem:?}");
        ensure!(begun.is_empty() && server.ran()?.is_empty(), "{line}");
    }
    Ok(())
}

#[tokio::test]
async fn a_program_that_is_nowhere_is_looked_for_everywhere_and_nothing_else_is_tried() -> Result<()>
{
    let server = ServerAccount::start().await?;
    server.has_program("systemctl", "echo \"Unit not found.\" >&2; exit 5")?;

    let (done, begun) = repairs(&server, &Repair::StartGateway, Duration::from_secs(60)).await?;

    let Err(error @ RepairError::NothingThere { .. }) = done else {
        bail!("{done:?}");
    };
    let problem = repair::problem(&error);
    ensure!(problem.code == "serverHasNoOpenclaw", "{problem:?}");
    ensure!(problem.message.contains("nvm"), "{problem:?}");
    let shown = Repair::StartGateway.commands();
    let shown: Vec<String> = shown.iter().map(ToString::to_string).collect();
    ensure!(begun == shown, "{begun:?}");
    ensure!(server.ran()? == ["systemctl --user start openclaw-gateway.service"]);
    Ok(())
}

#[tokio::test]
async fn of_a_command_that_fails_the_end_of_what_it_said_is_kept() -> Result<()> {
    let server = ServerAccount::start().await?;
    server.has_program_at_home(
        ".local/bin/openclaw",
        "yes | head -c 3000000; printf '\\033[31mthe reason\\033[0m\\n' >&2; exit 3",
    )?;

    let (done, begun) = repairs(&server, &Repair::StartGateway, Duration::from_secs(60)).await?;

    let Err(RepairError::Failed {
        command,
        ended,
        output,
    }) = done
    else {
        bail!("{done:?}");
    };
    ensure!(
        command == "./.local/bin/openclaw gateway start",
        "{command}"
    );
    ensure!(begun.len() == 2 && ended == Ended::Exited(3), "{begun:?}");
    let text = output.text();
    ensure!(text.len() <= MOST_OUTPUT && text.contains("the reason\n"));
    ensure!(!text.contains('\u{1b}') && output.left_out() > 2_900_000);
    Ok(())
}

/// Reads the log in the server's files; why it could not be read is an answer, too.
async fn log(server: &ServerAccount) -> Result<std::result::Result<LogEnd, LogError>> {
    let laptop = Laptop::with_key(&server.ssh, 18_789)?;
    Ok(gateway_log::read(laptop.server(), laptop.access()).await)
}

#[tokio::test]
async fn the_log_is_read_where_the_config_says_and_nothing_is_run() -> Result<()> {
    let server = ServerAccount::start().await?;
    let home = server.ssh.account_home()?;
    let Err(LogError::None { .. }) = log(&server).await? else {
        bail!("there is a log");
    };
    let config = "{ logging: { file: '~/logs/claw.log' } }";
    account::write(&home, ".openclaw/openclaw.json", config)?;
    let record = |number: u32| {
        format!(
            "{{\"time\":\"now\",\"message\":\"number {number}\",\"_meta\":{{\"logLevelName\":\"INFO\"}}}}\n"
        )
    };
    let records: String = (0..5_000).map(record).collect();
    account::write(&home, "logs/claw.log", &records)?;

    let read = log(&server).await??;

    ensure!(read.file.ends_with("/home/logs/claw.log"), "{}", read.file);
    ensure!(read.text.ends_with("now  INFO  number 4999"));
    ensure!(read.text.starts_with("now  INFO  number ") && read.text.len() < 64 * 1024);
    ensure!(server.ran()?.is_empty());

    // A link there is nobody's log.
    fs::remove_file(home.join("logs/claw.log"))?;
    std::os::unix::fs::symlink("/etc/passwd", home.join("logs/claw.log"))?;
    let Err(LogError::NotOurs { .. }) = log(&server).await? else {
        bail!("a link was read");
    };
    Ok(())
}

#[tokio::test]
async fn without_a_config_the_latest_day_is_read_from_the_accounts_own_folder() -> Result<()> {
    let server = ServerAccount::start().await?;
    let laptop = Laptop::with_key(&server.ssh, 18_789)?;
    // In place of /tmp, which all tests share.
    let tmp = tempfile::Builder::new().prefix("e2e-tmp-").tempdir()?;
    fs::set_permissions(tmp.path(), Permissions::from_mode(0o755))?;
    let usual = tmp.path().join("openclaw").display().to_string();
    let read = || gateway_log::read_usually_in(&usual, laptop.server(), laptop.access());
    // Where the official gateway logs when the usual folder is somebody else's.
    fs::create_dir(&usual)?;
    let folder = tmp.path().join(format!("openclaw-{NUMBER}"));
    fs::create_dir(&folder)?;
    let is_there = |name: &str| fs::write(folder.join(name), format!("of {name}\n"));
    for name in [
        "openclaw-2026-11-22.log",
        "openclaw-2026-11-23.log",
        "openclaw-2026-11-22.1.log",
        "other.log",
    ] {
        is_there(name)?;
    }
    // Somebody else has put a folder there.
    let Err(LogError::None { .. }) = read().await else {
        bail!("somebody else's log was read");
    };
    account::own(&folder, 0o700)?;
    for entry in fs::read_dir(&folder)? {
        account::own(&entry?.path(), 0o600)?;
    }

    let read = read().await?;

    ensure!(read.text == "of openclaw-2026-11-23.log", "{}", read.text);
    Ok(())
}
