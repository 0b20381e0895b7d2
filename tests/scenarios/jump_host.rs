//! A server that only the SSH configuration knows how to reach: an alias, behind a jump host.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::cli::{CommandLine, phase};
use e2e::gateway::{Release, TestGateway};
use e2e::ports;
use e2e::ssh_server::TestSshServer;
use e2e::ssh_server::config::SshServerConfig;
use e2e::temp_home::TempHome;
use e2e::terminal::Terminal;
use e2e::tools;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

/// How long each of the questions, and the connection, may take to come.
const SOON: Duration = Duration::from_secs(30);

/// The server with the gateway, and the one in front of it.
struct Servers {
    inner: TestSshServer,
    edge: TestSshServer,
    gateway: Arc<TestGateway>,
}

impl Servers {
    async fn start() -> Result<Self> {
        let (inner, edge, gateway) = tokio::try_join!(
            TestSshServer::start(SshServerConfig::default()),
            TestSshServer::start(SshServerConfig::default()),
            TestGateway::shared(Release::V4),
        )?;
        Ok(Self {
            inner,
            edge,
            gateway,
        })
    }

    /// What a person has in `~/.ssh/config` about them.
    fn config(&self) -> String {
        let block = |alias: &str, server: &TestSshServer, more: &str| {
            format!(
                "Host {alias}\n  HostName 127.0.0.1\n  Port {}\n  User {}\n  IdentityFile {}\n{more}\n",
                server.port(),
                server.user(),
                server.identity().display(),
            )
        };
        block("box", &self.inner, "  ProxyJump edge\n") + &block("edge", &self.edge, "")
    }

    fn flags(&self) -> Result<Vec<String>> {
        Ok(vec![
            "--ssh-target".to_owned(),
            "box".to_owned(),
            "--remote-port".to_owned(),
            self.gateway.port().to_string(),
            "--local-port".to_owned(),
            ports::free_port()?.to_string(),
            "--token-file".to_owned(),
            self.gateway.token_file().display().to_string(),
        ])
    }
}

/// Writes `~/.ssh/config` as only its owner may.
fn write_config(home: &TempHome, text: &str) -> Result<()> {
    let folder = home.home().join(".ssh");
    fs::create_dir_all(&folder)?;
    let file = folder.join("config");
    fs::write(&file, text)?;
    fs::set_permissions(&file, Permissions::from_mode(0o600))?;
    Ok(())
}

fn lines(file: &Path) -> usize {
    fs::read_to_string(file).map_or(0, |text| text.lines().count())
}

#[tokio::test]
async fn both_host_keys_are_asked_for_once_and_the_way_leads_through_both() -> Result<()> {
    let servers = Servers::start().await?;
    let user = CommandLine::new()?;
    write_config(user.home(), &servers.config())?;
    let mut argv: Vec<OsString> = vec![tools::openclaw()?.into(), "connect".into()];
    argv.extend([OsString::from("--known-hosts"), user.known_hosts().into()]);
    argv.extend(servers.flags()?.into_iter().map(OsString::from));
    let terminal = Terminal::open(user.home(), user.home().env(), argv).await?;

    let asked = |count: usize, fingerprint: String| {
        move |screen: &str| {
            screen.contains(&fingerprint) && screen.matches("Trust this server?").count() == count
        }
    };
    let edge = servers.edge.host_fingerprint().await?;
    terminal
        .shows("the question about edge", SOON, asked(1, edge.clone()))
        .await?;
    ensure!(
        servers.edge.sign_in_attempts() == 0,
        "{}",
        servers.edge.log()
    );
    ensure!(servers.inner.connections() == 0, "{}", servers.inner.log());
    terminal.says("yes").await?;
    let inner = servers.inner.host_fingerprint().await?;
    terminal
        .shows("the question about box", SOON, asked(2, inner))
        .await?;
    ensure!(
        servers.inner.sign_in_attempts() == 0,
        "{}",
        servers.inner.log()
    );
    terminal.says("yes").await?;
    let screen = terminal
        .shows("the connection", SOON, |screen| {
            screen.contains("Connected to box → 127.0.0.1:")
        })
        .await?;
    let way = format!("box → 127.0.0.1:{} through edge", servers.inner.port());
    ensure!(screen.contains(&way), "{screen}");
    ensure!(screen.matches(&edge).count() == 1, "asked again:\n{screen}");
    ensure!(lines(user.known_hosts()) == 2, "two keys are kept");
    terminal.presses("C-c").await?;
    terminal
        .shows("the end", SOON, |screen| screen.contains("Not connected"))
        .await?;

    // Known by now: nobody is asked, and each server sees one connection and one login more.
    let before = [&servers.edge, &servers.inner].map(|s| (s.connections(), s.logins()));
    let flags = servers.flags()?;
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let mut connecting = user.connect(&flags)?;
    let up = connecting.reaches("up", SOON).await?;
    ensure!(up["target"] == "box" && up["way"] == way.as_str(), "{up}");
    ensure!(
        connecting.states()?.iter().all(|s| phase(s) != "host_key"),
        "asked again"
    );
    let states = connecting.states()?;
    let signed_in: Vec<u64> = states
        .iter()
        .filter_map(|state| state["events"].as_array())
        .flatten()
        .filter(|event| event["kind"] == "signedIn")
        .filter_map(|event| event["hop"].as_u64())
        .collect();
    ensure!(signed_in == [1, 0], "{signed_in:?}");
    ensure!(
        connecting.process().descendants().is_empty(),
        "a program was started"
    );
    ensure!(connecting.interrupt(SOON).await?.code() == Some(0));
    let after = [&servers.edge, &servers.inner].map(|s| (s.connections(), s.logins()));
    ensure!(
        after == before.map(|(dialled, let_in)| (dialled + 1, let_in + 1)),
        "{before:?} became {after:?}"
    );
    ensure!(servers.edge.channels() >= 1, "edge forwarded nothing");
    Ok(())
}

#[tokio::test]
async fn the_check_says_which_server_of_the_way_is_not_trusted_and_passes_once_both_are()
-> Result<()> {
    let servers = Servers::start().await?;
    let user = CommandLine::new()?;
    write_config(user.home(), &servers.config())?;
    let flags = servers.flags()?;
    let mut flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    flags.retain(|flag| !flag.is_empty());

    let report = user.check(&flags).await?;
    let (step, status, summary) = report.first_failing()?.unwrap_or_default();
    ensure!(
        (step.as_str(), status.as_str()) == ("tcp", "needsUser"),
        "{}",
        report.report
    );
    let edge = servers.edge.host_fingerprint().await?;
    ensure!(
        summary.contains("edge") && summary.contains(&edge),
        "{summary}"
    );
    ensure!(report.code == 3, "exit {}", report.code);

    let keys = servers.edge.known_hosts_line()? + &servers.inner.known_hosts_line()?;
    fs::write(user.known_hosts(), keys)?;
    let report = user.check(&flags).await?;
    ensure!(report.code == 0, "{}", report.report);
    let told = report.report.to_string();
    ensure!(told.contains("through edge"), "{told}");
    Ok(())
}

#[tokio::test]
async fn an_ipv6_address_leads_to_the_server() -> Result<()> {
    let config = SshServerConfig {
        more: vec!["ListenAddress ::1".to_owned()],
        ..SshServerConfig::default()
    };
    let (ssh, gateway) = tokio::try_join!(
        TestSshServer::start(config),
        TestGateway::shared(Release::V4)
    )?;
    let user = CommandLine::new()?;
    let key = ssh.known_hosts_line()?.replace("127.0.0.1", "::1");
    fs::write(user.known_hosts(), key)?;
    let target = format!("{}@[::1]:{}", ssh.user(), ssh.port());
    let flags = [
        "--ssh-target",
        &target,
        "--identity",
        &ssh.identity().display().to_string(),
        "--remote-port",
        &gateway.port().to_string(),
        "--local-port",
        &ports::free_port()?.to_string(),
        "--token-file",
        &gateway.token_file().display().to_string(),
    ]
    .map(str::to_owned);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();

    let mut connecting = user.connect(&flags)?;
    connecting.reaches("up", SOON).await?;
    ensure!(connecting.interrupt(SOON).await?.code() == Some(0));
    Ok(())
}

#[tokio::test]
async fn a_proxy_command_is_named_and_not_run() -> Result<()> {
    let ssh = TestSshServer::start(SshServerConfig::default()).await?;
    let user = CommandLine::new()?;
    let ran = user.home().root().join("ran");
    let config = format!(
        "Host box\n  HostName 127.0.0.1\n  Port {}\n  ProxyCommand /usr/bin/touch {}\n",
        ssh.port(),
        ran.display()
    );
    write_config(user.home(), &config)?;
    let said = |text: &str| text.contains("ProxyCommand") && text.contains("config line 4");

    let connecting = user.connect(&["--ssh-target", "box"])?;
    let ended = connecting.ended(SOON).await?;
    ensure!(ended.code() == Some(64), "{ended:?}");
    ensure!(said(&ended.stderr), "{ended:?}");
    ensure!(
        ended.stderr.lines().count() == 1 && ended.stdout.is_empty(),
        "more than one error: {ended:?}"
    );

    let report = user.check(&["--ssh-target", "box"]).await?;
    let (step, _, summary) = report.first_failing()?.unwrap_or_default();
    ensure!(step == "address" && said(&summary), "{}", report.report);
    ensure!(report.code == 64, "exit {}", report.code);

    ensure!(!ran.exists(), "it was run");
    ensure!(ssh.connections() == 0, "{}", ssh.log());
    Ok(())
}
