//! Something else answers on the gateway's port: it is named, and the token never reaches it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::canaries::{Canary, Search};
use e2e::cli::CommandLine;
use e2e::home_server::{ssh_flags, trust};
use e2e::plain_http::PlainHttpServer;
use e2e::ssh_server::TestSshServer;
use e2e::ssh_server::config::SshServerConfig;

const TOKEN: &str = "canary-token-for-no-photo-site";

#[tokio::test]
async fn a_web_site_on_the_port_is_told_from_a_gateway_and_never_sees_the_token() -> Result<()> {
    let ssh = TestSshServer::start(SshServerConfig::default()).await?;
    let site = PlainHttpServer::start()?;
    let user = CommandLine::new()?;
    trust(&ssh, user.known_hosts())?;
    let token_file = user.home().write_private("token", TOKEN)?;
    let mut flags = ssh_flags(&ssh, site.port())?;
    flags.extend(["--token-file".to_owned(), token_file.display().to_string()]);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();

    let report = user.check(&flags).await?;
    let (step, status, summary) = report.first_failing()?.context("all steps are well")?;
    ensure!(
        (step.as_str(), status.as_str()) == ("gateway", "failed"),
        "{}",
        report.report
    );
    ensure!(summary.contains("OpenClaw"), "{summary}");
    ensure!(report.code == 2, "exit {}", report.code);

    let mut connecting = user.connect(&flags)?;
    connecting
        .reaches("up_gateway_down", Duration::from_secs(20))
        .await?;
    ensure!(connecting.interrupt(Duration::from_secs(2)).await?.code() == Some(0));

    let mut search = Search::new(vec![Canary::new("gateway token", TOKEN)?], Vec::new());
    search.text("what the site received", site.received().as_bytes());
    search.found_nothing(1).context("what the site was asked")
}
