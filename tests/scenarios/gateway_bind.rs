//! What `openclaw gateway run` opens on a computer with a network, a tailnet and loopback: exactly
//! the sockets its bind says, and none at all where that would let in somebody who is not meant.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv6Addr, TcpListener};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use e2e::network::in_own_network_of_no_container;
use e2e::process::{Program, Running};
use e2e::temp_home::TempHome;
use e2e::tools;
use rustix::process::Signal;
use serde_json::{Value, json};

/// From start to listening, and from SIGTERM to the end.
const SOON: Duration = Duration::from_secs(20);
/// Long enough for a gateway that others can reach.
const SECRET: &str = "a-secret-of-the-bind-test";
/// What the two interfaces beside loopback are given.
const LAN: &str = "192.0.2.10";
const TAILNET: &str = "100.64.0.7";

/// One start: what is said on the command line, in `openclaw.json` and in the environment.
struct Start {
    args: &'static [&'static str],
    gateway: Value,
    env: &'static [(&'static str, &'static str)],
}

fn start(args: &'static [&'static str], gateway: Value) -> Start {
    Start {
        args,
        gateway,
        env: &[],
    }
}

/// A start in a container, where an unset bind means every address (protocol §13).
fn contained(args: &'static [&'static str], gateway: Value) -> Start {
    Start {
        env: &[("container", "podman")],
        ..start(args, gateway)
    }
}

impl Start {
    fn program(&self, home: &TempHome) -> Result<Program> {
        let folder = home.home().join(".openclaw");
        fs::create_dir_all(&folder)?;
        let config = json!({"gateway": self.gateway});
        fs::write(folder.join("openclaw.json"), config.to_string())?;
        Ok(Program::new(tools::openclaw()?)
            .envs(home.env())
            .envs(self.env.iter().copied())
            .current_dir(home.home())
            .args(["gateway", "run"])
            .args(self.args))
    }

    fn told(&self) -> String {
        format!("{:?} {} {:?}", self.args, self.gateway, self.env)
    }
}

fn token() -> Value {
    json!({"mode": "local", "auth": {"token": SECRET}})
}

fn with(mut gateway: Value, more: Value) -> Value {
    if let (Some(members), Value::Object(more)) = (gateway.as_object_mut(), more) {
        members.extend(more);
    }
    gateway
}

fn proxied(proxies: Value) -> Value {
    json!({
        "mode": "local", "bind": "lan", "trustedProxies": proxies,
        "auth": {"mode": "trusted-proxy", "trustedProxy": {"userHeader": "x-user"}},
    })
}

/// Starts that are served, with the IPv4 addresses they open; `::1` comes to each.
fn allowed() -> Vec<(Start, &'static [&'static str])> {
    const LOOPBACK: &[&str] = &["127.0.0.1"];
    const EVERY: &[&str] = &["0.0.0.0"];
    const LAN_TOO: &[&str] = &["127.0.0.1", LAN];
    const TAILNET_TOO: &[&str] = &["127.0.0.1", TAILNET];
    let local = || json!({"mode": "local"});
    let password = json!({"mode": "local", "auth": {"password": SECRET}});
    let custom = json!({"bind": "custom", "customBindHost": LAN});
    vec![
        (start(&[], token()), LOOPBACK),
        (start(&["--bind", "loopback"], token()), LOOPBACK),
        (start(&["--auth", "none"], local()), LOOPBACK),
        (start(&["--bind", "auto"], token()), LOOPBACK),
        (
            start(&["--bind", "auto", "--auth", "none"], local()),
            LOOPBACK,
        ),
        (contained(&["--bind", "loopback"], token()), LOOPBACK),
        (
            contained(&["--bind", "loopback", "--auth", "none"], local()),
            LOOPBACK,
        ),
        (contained(&["--bind", "auto"], token()), EVERY),
        (contained(&[], token()), EVERY),
        (start(&["--bind", "lan"], token()), EVERY),
        (start(&["--bind", "lan"], password), EVERY),
        (start(&[], with(token(), json!({"bind": "lan"}))), EVERY),
        (start(&["--bind", "0.0.0.0"], token()), EVERY),
        (start(&["--bind", "tailnet"], token()), TAILNET_TOO),
        (start(&["--bind", TAILNET], token()), TAILNET_TOO),
        (start(&["--bind", LAN], token()), LAN_TOO),
        (start(&[], with(token(), custom)), LAN_TOO),
        (
            start(&["--bind", "127.0.0.1", "--auth", "none"], local()),
            LOOPBACK,
        ),
        (start(&[], proxied(json!(["192.0.2.1"]))), EVERY),
    ]
}

/// Starts that are refused, with words of the line that says why.
fn forbidden() -> Vec<(Start, &'static str)> {
    let local = || json!({"mode": "local"});
    let auth = |auth: Value| json!({"mode": "local", "auth": auth});
    let lan = |auth: Value| json!({"mode": "local", "bind": "lan", "auth": auth});
    let tailscale =
        |mode: &str, more: Value| with(with(local(), json!({"tailscale": {"mode": mode}})), more);
    let both = json!({"token": SECRET, "password": SECRET});
    let remote = json!({"mode": "local", "bind": "lan", "remote": {"token": SECRET}});
    vec![
        (start(&[], local()), "no gateway token is set"),
        (start(&["--bind", "lan"], local()), "without auth"),
        (start(&["--bind", "tailnet"], local()), "without auth"),
        (start(&["--bind", LAN], local()), "without auth"),
        (start(&["--bind", "0.0.0.0"], local()), "without auth"),
        (contained(&["--bind", "auto"], local()), "without auth"),
        (contained(&[], local()), "without auth"),
        (
            start(&[], remote),
            "gateway.remote.* is for another gateway",
        ),
        (
            start(&["--bind", "lan", "--auth", "none"], local()),
            "only for loopback",
        ),
        (
            start(&["--bind", "tailnet", "--auth", "none"], token()),
            "only for loopback",
        ),
        (
            start(&["--bind", LAN, "--auth", "none"], token()),
            "only for loopback",
        ),
        (contained(&["--auth", "none"], token()), "only for loopback"),
        (
            start(&["--bind", "lan"], lan(json!({"token": ""}))),
            "without auth",
        ),
        (
            start(&["--bind", "lan"], lan(json!({"token": "   "}))),
            "without auth",
        ),
        (
            start(&[], auth(json!({"token": "changeme"}))),
            "is a placeholder",
        ),
        (
            start(&[], lan(json!({"token": "short"}))),
            "is shorter than",
        ),
        (
            start(&[], lan(json!({"password": "password"}))),
            "is a placeholder",
        ),
        (
            start(&[], auth(json!({"mode": "password"}))),
            "without a password",
        ),
        (start(&[], auth(both)), "say which one counts"),
        (start(&["--auth", "open"], token()), "is not known"),
        (start(&["--bind", "wan"], token()), "is not known"),
        (
            start(&["--bind", "custom"], token()),
            "needs one IP address",
        ),
        (start(&["--bind", "::"], token()), "needs one IP address"),
        (
            start(&["--bind", "192.0.2.99"], token()),
            "is not an address of this computer",
        ),
        (
            start(&[], with(token(), json!({"port": 70_000}))),
            "must be a port",
        ),
        (
            start(&[], with(token(), json!({"mode": "remote"}))),
            "gateway.mode",
        ),
        (
            start(&[], json!({"auth": {"token": SECRET}})),
            "gateway.mode",
        ),
        (start(&[], proxied(json!([]))), "needs the proxy's address"),
        (
            start(&[], proxied(json!(["0.0.0.0/0"]))),
            "trusts every address",
        ),
        (start(&[], proxied(json!(["127.0.0.1"]))), "trusts loopback"),
        (
            start(&[], tailscale("serve", json!({}))),
            "needs a token or password",
        ),
        (
            start(&["--bind", "lan"], tailscale("serve", token())),
            "needs bind loopback",
        ),
        (
            start(&[], tailscale("funnel", token())),
            "needs auth password",
        ),
        (
            start(&["--auth", "none"], tailscale("serve", json!({}))),
            "does not go with",
        ),
    ]
}

#[tokio::test]
async fn exactly_the_sockets_of_the_bind_are_open_and_nothing_where_it_is_refused() -> Result<()> {
    let name = "gateway_bind::\
        exactly_the_sockets_of_the_bind_are_open_and_nothing_where_it_is_refused";
    if !in_own_network_of_no_container(name).await? {
        return Ok(());
    }
    ensure!(sockets("-lnt").await?.is_empty(), "somebody listens here");
    // Both ends of a pair are interfaces of this computer: one leads to a network, one to a tailnet.
    ip(&[
        "link", "add", "lan0", "type", "veth", "peer", "name", "tail0",
    ])
    .await?;
    ip(&["address", "add", &format!("{LAN}/24"), "dev", "lan0"]).await?;
    ip(&["link", "set", "lan0", "up"]).await?;
    ip(&["link", "set", "tail0", "up"]).await?;

    let without = start(&["--bind", "tailnet"], token());
    is_refused(&without, "has no tailnet address").await?;
    ip(&["address", "add", &format!("{TAILNET}/10"), "dev", "tail0"]).await?;
    for (start, addresses) in allowed() {
        is_open_on(&start, addresses)
            .await
            .with_context(|| start.told())?;
    }
    let mut wrong = Vec::new();
    for (start, words) in forbidden() {
        if let Err(problem) = is_refused(&start, words).await {
            wrong.push(format!("{}: {problem:#}", start.told()));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

async fn is_open_on(start: &Start, addresses: &[&str]) -> Result<()> {
    let home = TempHome::new()?;
    let mut expected: BTreeSet<String> = addresses
        .iter()
        .map(|address| format!("{address}:18789"))
        .collect();
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
        expected.insert("[::1]:18789".to_owned());
    }
    let running = start.program(&home)?.start()?;
    running
        .says("ready", SOON, |told| {
            told.contains("Gateway ready").then_some(())
        })
        .await?;
    let open = sockets("-lnt").await?;
    ensure!(open == expected, "{open:?} instead of {expected:?}");
    let datagrams = sockets("-lnu").await?;
    ensure!(datagrams.is_empty(), "{datagrams:?} takes datagrams");
    ends(&running).await?;
    let left = sockets("-lnt").await?;
    ensure!(left.is_empty(), "{left:?} is still open");
    Ok(())
}

async fn ends(running: &Running) -> Result<()> {
    running.signal(Signal::TERM);
    let status = running.ended(SOON).await?;
    ensure!(status.success(), "it ended with {status}");
    Ok(())
}

async fn is_refused(start: &Start, words: &str) -> Result<()> {
    let home = TempHome::new()?;
    let done = start.program(&home)?.run(SOON).await?;
    ensure!(
        done.code() == Some(78),
        "{:?} instead of 78: {}",
        done.status,
        done.stderr
    );
    ensure!(done.stdout.is_empty(), "said {:?}", done.stdout);
    let lines: Vec<&str> = done.stderr.lines().collect();
    let [line] = lines.as_slice() else {
        bail!("not one line: {:?}", done.stderr);
    };
    ensure!(
        line.starts_with("openclaw: ") && line.contains(words),
        "{line:?} does not say {words:?}"
    );
    ensure!(!line.contains(SECRET), "the secret is in {line:?}");
    let open = sockets("-lnt").await?;
    ensure!(open.is_empty(), "{open:?} is open");
    Ok(())
}

/// The addresses somebody in this network listens on, as `ss` tells them.
async fn sockets(which: &str) -> Result<BTreeSet<String>> {
    let told = Program::new(tools::system("/usr/bin/ss")?)
        .args(["-H", which])
        .run(SOON)
        .await?
        .ok()?;
    told.lines()
        .map(|line| {
            let address = line.split_whitespace().nth(3);
            Ok(address
                .with_context(|| format!("no address in {line:?}"))?
                .to_owned())
        })
        .collect()
}

async fn ip(args: &[&str]) -> Result<()> {
    let ip = tools::system("/usr/sbin/ip")?;
    Program::new(ip).args(args).run(SOON).await?.ok()?;
    Ok(())
}
