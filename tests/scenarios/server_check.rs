//! "Check my server" names the first step that fails, whatever is wrong, and is well when all is.

use anyhow::{Context, Result, ensure};
use e2e::cli::CommandLine;
use e2e::gateway::Release;
use e2e::home_server::{HomeServer, ssh_flags, trust};
use e2e::plain_http::PlainHttpServer;
use e2e::ports;
use e2e::ssh_server::TestSshServer;
use e2e::ssh_server::config::SshServerConfig;

const STEPS: [&str; 9] = [
    "address", "resolve", "tcp", "hostKey", "login", "forward", "gateway", "access", "health",
];

/// Runs a check that must fail at `step` with `status` and exit with `code`.
async fn fails_at(
    user: &CommandLine,
    flags: &[String],
    (step, status, code): (&str, &str, i32),
) -> Result<()> {
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let report = user.check(&flags).await?;
    let failing = report.first_failing()?.context("all steps are well")?;
    ensure!(
        (failing.0.as_str(), failing.1.as_str()) == (step, status),
        "expected {step} {status}: {}",
        report.report
    );
    ensure!(
        report.code == code,
        "exit {} instead of {code}: {}",
        report.code,
        report.report
    );
    ensure!(!failing.2.is_empty(), "the step says nothing");
    let statuses = report.statuses()?;
    ensure!(
        statuses.iter().map(|(id, _)| id.as_str()).eq(STEPS),
        "{statuses:?}"
    );
    let after = statuses.iter().skip_while(|(id, _)| id != step).skip(1);
    for (id, status) in after {
        ensure!(
            status == "notReached",
            "{id} is {status} after {step} failed"
        );
    }
    Ok(())
}

/// It is the difference between the two clocks that counts, and this computer's is the one that can be had
/// wrong without a gateway of its own.
#[tokio::test]
async fn a_clock_that_is_ten_minutes_off_is_a_warning_and_no_fault() -> Result<()> {
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = CommandLine::new()?.with_a_clock_of_its_own()?;
    trust(&home.ssh, user.known_hosts())?;
    let flags = home.flags()?;
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();

    for (seconds, said) in [
        (-600, Some("10 minutes ahead of")),
        (600, Some("10 minutes behind")),
        (0, None),
    ] {
        user.set_clock_by(seconds)?;
        let report = user.check(&flags).await?;
        ensure!(report.code == 0, "{}", report.report);
        let statuses = report.statuses()?;
        ensure!(
            statuses.iter().all(|(_, status)| status == "ok"),
            "{statuses:?}"
        );
        let access = report.report["steps"][7]["summary"]
            .as_str()
            .unwrap_or_default();
        match said {
            Some(said) => ensure!(access.contains(said), "{access}"),
            None => ensure!(!access.contains("clock"), "{access}"),
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_well_server_has_nine_timed_steps() -> Result<()> {
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = CommandLine::new()?;
    trust(&home.ssh, user.known_hosts())?;
    let flags = home.flags()?;
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();

    let report = user.check(&flags).await?;

    ensure!(
        report.code == 0 && report.report["ok"] == true,
        "{}",
        report.report
    );
    let statuses = report.statuses()?;
    ensure!(
        statuses.iter().map(|(id, _)| id.as_str()).eq(STEPS),
        "{statuses:?}"
    );
    ensure!(
        statuses.iter().all(|(_, status)| status == "ok"),
        "{statuses:?}"
    );
    let steps = report.report["steps"].as_array().context("no steps")?;
    ensure!(
        steps.iter().all(|step| step["ms"].is_number()),
        "{}",
        report.report
    );
    Ok(())
}

#[tokio::test]
async fn a_bad_name_fails_at_resolving() -> Result<()> {
    let user = CommandLine::new()?;
    let flags = ["--ssh-target", "me@no-such-host.invalid"].map(str::to_owned);
    fails_at(&user, &flags, ("resolve", "failed", 2)).await
}

#[tokio::test]
async fn a_closed_port_fails_at_tcp() -> Result<()> {
    let user = CommandLine::new()?;
    let target = format!("me@127.0.0.1:{}", ports::free_port()?);
    fails_at(
        &user,
        &["--ssh-target".to_owned(), target],
        ("tcp", "failed", 2),
    )
    .await
}

#[tokio::test]
async fn an_unknown_host_key_needs_the_user() -> Result<()> {
    let ssh = TestSshServer::start(SshServerConfig::default()).await?;
    let user = CommandLine::new()?;
    let flags = ssh_flags(&ssh, ports::free_port()?)?;
    fails_at(&user, &flags, ("hostKey", "needsUser", 3)).await?;
    ensure!(ssh.sign_in_attempts() == 0, "{}", ssh.log());
    Ok(())
}

#[tokio::test]
async fn a_refused_login_fails_at_login() -> Result<()> {
    let config = SshServerConfig {
        knows_client_key: false,
        ..SshServerConfig::default()
    };
    let ssh = TestSshServer::start(config).await?;
    let user = CommandLine::new()?;
    trust(&ssh, user.known_hosts())?;
    let flags = ssh_flags(&ssh, ports::free_port()?)?;
    fails_at(&user, &flags, ("login", "needsUser", 3)).await
}

#[tokio::test]
async fn forbidden_forwarding_fails_at_forward() -> Result<()> {
    let config = SshServerConfig {
        allow_forwarding: false,
        ..SshServerConfig::default()
    };
    let ssh = TestSshServer::start(config).await?;
    let user = CommandLine::new()?;
    trust(&ssh, user.known_hosts())?;
    let flags = ssh_flags(&ssh, ports::free_port()?)?;
    fails_at(&user, &flags, ("forward", "failed", 2)).await
}

#[tokio::test]
async fn nothing_on_the_gateway_port_is_told_from_a_forbidden_forward() -> Result<()> {
    let ssh = TestSshServer::start(SshServerConfig::default()).await?;
    let user = CommandLine::new()?;
    trust(&ssh, user.known_hosts())?;
    let flags = ssh_flags(&ssh, ports::free_port()?)?;
    fails_at(&user, &flags, ("gateway", "failed", 2)).await
}

#[tokio::test]
async fn a_plain_web_server_fails_at_gateway() -> Result<()> {
    let ssh = TestSshServer::start(SshServerConfig::default()).await?;
    let site = PlainHttpServer::start()?;
    let user = CommandLine::new()?;
    trust(&ssh, user.known_hosts())?;
    let flags = ssh_flags(&ssh, site.port())?;
    fails_at(&user, &flags, ("gateway", "failed", 2)).await
}

#[tokio::test]
async fn a_wrong_token_fails_at_access() -> Result<()> {
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = CommandLine::new()?;
    trust(&home.ssh, user.known_hosts())?;
    let wrong = user
        .home()
        .write_private("wrong-token", "not-the-token-of-this-gateway")?;
    let mut flags = ssh_flags(&home.ssh, home.gateway.port())?;
    flags.extend(["--token-file".to_owned(), wrong.display().to_string()]);
    fails_at(&user, &flags, ("access", "needsUser", 3)).await
}
