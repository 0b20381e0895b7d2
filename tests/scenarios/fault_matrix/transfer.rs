//! Much at once: a large transfer each way with the keys renewed on the way, many idle sockets, and
//! somebody who chats meanwhile.

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::cli::{CommandLine, local_port};
use e2e::gateway::witness::Witness;
use e2e::home_server::ssh_flags;
use e2e::long_runs::from_env;
use e2e::network::in_own_network;
use e2e::ssh_server::config::SshServerConfig;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::front::{ECHO, Front};
use super::site::{Site, Times, UP, row};

/// How many sockets are open and silent.
const IDLE: usize = 200;
/// How many megabytes go each way (`scripts/soak` sets `E2E_MEGABYTES=100`).
const MEGABYTES: usize = 10;
/// How long an answer may take meanwhile on a machine that does other things too (`scripts/soak` sets
/// `E2E_CHAT_MS=500`).
const CHAT_MS: u64 = 5_000;
/// The server renews its keys after so many bytes.
const REKEY: &str = "RekeyLimit 2M";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn much_each_way_beside_many_idle_sockets_is_whole_and_chat_goes_on() -> Result<()> {
    let name =
        "fault_matrix::transfer::much_each_way_beside_many_idle_sockets_is_whole_and_chat_goes_on";
    if !in_own_network(name).await? {
        return Ok(());
    }
    let length = from_env("E2E_MEGABYTES", MEGABYTES)? * 1_000_000;
    let site = Site::with(SshServerConfig {
        more: vec![REKEY.to_owned()],
        ..SshServerConfig::default()
    })
    .await?;
    let front = Front::start(SocketAddr::from(([127, 0, 0, 1], site.gateway.port()))).await?;
    let user = CommandLine::new()?;
    fs::write(user.known_hosts(), site.ssh.known_hosts_line()?)?;
    let token_file = user.home().write_private("token", site.gateway.token())?;
    let mut flags = ssh_flags(&site.ssh, front.port())?;
    flags.extend(["--token-file".to_owned(), token_file.display().to_string()]);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let mut connecting = user.connect(&flags)?;
    let port = local_port(&connecting.reaches("up", UP).await?)?;
    let pid = connecting.process().pid();
    let before = resident(pid)?;

    let mut idle = Vec::new();
    for _ in 0..IDLE {
        let mut socket = TcpStream::connect(("127.0.0.1", port)).await?;
        echoes(&mut socket, &[ECHO, b'a'], b"a").await?;
        idle.push(socket);
    }
    let mut chats = Witness::connect_to(port, site.gateway.token()).await?;
    let content = Front::content(length);
    let began = Instant::now();
    let transfer = async {
        let socket = TcpStream::connect(("127.0.0.1", port)).await?;
        let (mut read, mut write) = socket.into_split();
        let sending = async {
            write.write_all(&[ECHO]).await?;
            write.write_all(&content).await?;
            // Our half ends; the other goes on until everything is back.
            write.shutdown().await
        };
        let mut back = Vec::with_capacity(length);
        tokio::try_join!(sending, read.read_to_end(&mut back))?;
        anyhow::Ok((back, began.elapsed()))
    };
    let mut transfer = std::pin::pin!(timeout(Duration::from_secs(300), transfer));
    let (mut answers, mut most) = (Times::default(), before);
    let (back, took) = loop {
        let asked = Instant::now();
        tokio::select! {
            biased;
            done = &mut transfer => break done??,
            answer = chats.call("health", json!({})) => {
                answer?;
                answers.since(asked, Instant::now());
                most = most.max(resident(pid)?);
            }
        }
    };
    ensure!(back == content, "{} of {length} bytes are back", back.len());
    for socket in &mut idle {
        echoes(socket, b"z", b"z").await?;
    }
    let grown = most.max(resident(pid)?) - before;
    // Local programs may have a connection of their own.
    ensure!(site.ssh.logins() <= 2, "{} sign-ins", site.ssh.logins());
    ensure!(connecting.last()?["phase"] == "up");
    let renewed = site.ssh.log().matches("rekey").count();
    row(
        "25 (scenario 20)",
        &format!(
            "{} MB each way in {:.1} s beside {IDLE} idle sockets, keys renewed on the way; \
             chat {answers}; memory +{grown} MiB",
            length / 1_000_000,
            took.as_secs_f64()
        ),
    );
    ensure!(
        renewed > 0,
        "the keys were not renewed:\n{}",
        site.ssh.log()
    );
    ensure!(
        answers.percentile(95) <= Duration::from_millis(from_env("E2E_CHAT_MS", CHAT_MS)?),
        "{answers}"
    );
    ensure!(grown < 64, "{grown} MiB");
    Ok(())
}

async fn echoes(socket: &mut TcpStream, sent: &[u8], back: &[u8]) -> Result<()> {
    socket.write_all(sent).await?;
    let mut came = vec![0; back.len()];
    timeout(UP, socket.read_exact(&mut came)).await??;
    ensure!(came == back);
    Ok(())
}

/// The memory of a process that is in use, in MiB.
fn resident(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line
        .context("no VmRSS")?
        .trim()
        .trim_end_matches(" kB")
        .parse()?;
    Ok(kib / 1024)
}
