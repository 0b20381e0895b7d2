//! The ways to lead a local port to the server's: ours, OpenSSH's, and the two limits beside them.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use e2e::cli::{CommandLine, Connecting};
use e2e::process::{Program, Running};
use e2e::ssh_server::TestSshServer;
use e2e::{tools, wait};
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::wire::Echo;

/// How long a side may take to lead anywhere.
const START: Duration = Duration::from_secs(30);
/// The cipher of both, so that the programs are compared and not their ciphers.
pub(crate) const CIPHER: &str = "aes128-gcm@openssh.com";

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Ours,
    Ssh,
    /// A program that only copies between two sockets: the limit of any forward of this kind.
    Relay,
    /// No forward at all.
    Direct,
}

impl Who {
    pub(crate) const ALL: [Self; 4] = [Self::Ours, Self::Ssh, Self::Relay, Self::Direct];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "openclaw connect",
            Self::Ssh => "ssh -N -L",
            Self::Relay => "plain relay",
            Self::Direct => "no forward",
        }
    }
}

/// One way that stands.
pub(crate) struct Side {
    pub(crate) who: Who,
    /// Where it leads from.
    pub(crate) port: u16,
    program: Kept,
}

enum Kept {
    Ours {
        _user: CommandLine,
        connecting: Connecting,
    },
    Peer(Running),
    Here(JoinHandle<()>),
    Nothing,
}

impl Drop for Side {
    fn drop(&mut self) {
        if let Kept::Here(copying) = &self.program {
            copying.abort();
        }
    }
}

/// Where everybody leads to.
pub(crate) struct Way<'a> {
    pub(crate) server: &'a TestSshServer,
    pub(crate) known_hosts: &'a Path,
    pub(crate) token_file: &'a Path,
    /// The gateway's port. What is measured lies on the next one, which is forwarded as well.
    pub(crate) gateway_port: u16,
}

impl Way<'_> {
    fn measured_port(&self) -> u16 {
        self.gateway_port + 1
    }

    /// Starts one side and waits until something came back through it; says how long that took.
    pub(crate) async fn open(&self, who: Who) -> Result<(Side, Duration)> {
        let began = Instant::now();
        let side = match who {
            Who::Ours => self.ours()?,
            Who::Ssh => self.ssh(&["-o", &format!("Ciphers={CIPHER}")])?,
            Who::Relay => self.relay().await?,
            Who::Direct => Side {
                who,
                port: self.measured_port(),
                program: Kept::Nothing,
            },
        };
        self.first_byte(&side).await?;
        Ok((side, began.elapsed()))
    }

    /// Starts ssh as it is installed, with its own choice of everything.
    pub(crate) async fn open_default_ssh(&self) -> Result<(Side, Duration)> {
        let began = Instant::now();
        let side = self.ssh(&[])?;
        self.first_byte(&side).await?;
        Ok((side, began.elapsed()))
    }

    async fn first_byte(&self, side: &Side) -> Result<()> {
        let what = format!("a first byte through {}", side.who.name());
        wait::until(&what, START, async || {
            Ok(Echo::open(side.port, 1).await.ok())
        })
        .await
        .map(drop)
    }

    fn ours(&self) -> Result<Side> {
        let user = CommandLine::new()?;
        std::fs::copy(self.known_hosts, user.known_hosts())?;
        // The pair of ports that the forward will use, free a moment ago.
        let port = free_pair()?;
        let connecting = user.connect(&[
            "--ssh-target",
            &self.server.target(),
            "--identity",
            text(self.server.identity())?,
            "--local-port",
            &port.to_string(),
            "--remote-port",
            &self.gateway_port.to_string(),
            "--token-file",
            text(self.token_file)?,
        ])?;
        Ok(Side {
            who: Who::Ours,
            port: port + 1,
            program: Kept::Ours {
                _user: user,
                connecting,
            },
        })
    }

    fn ssh(&self, more: &[&str]) -> Result<Side> {
        let port = e2e::ports::free_port()?;
        let program = Program::new(tools::system("/usr/bin/ssh")?)
            .args(["-N", "-F", "none", "-o", "BatchMode=yes"])
            .args(["-o", "ExitOnForwardFailure=yes", "-o", "IdentitiesOnly=yes"])
            .args(["-o", "ServerAliveInterval=15"])
            .args(more)
            .arg("-o")
            .arg(format!("UserKnownHostsFile={}", self.known_hosts.display()))
            .arg("-i")
            .arg(self.server.identity())
            .arg("-p")
            .arg(self.server.port().to_string())
            .arg("-L")
            .arg(format!("{port}:127.0.0.1:{}", self.measured_port()))
            .arg(format!("{}@127.0.0.1", self.server.user()))
            .start()?;
        Ok(Side {
            who: Who::Ssh,
            port,
            program: Kept::Peer(program),
        })
    }

    async fn relay(&self) -> Result<Side> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let to = self.measured_port();
        let copying = tokio::spawn(async move {
            while let Ok((mut here, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut there = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await?;
                    here.set_nodelay(true)?;
                    there.set_nodelay(true)?;
                    const SIZE: usize = 256 * 1024;
                    copy_bidirectional_with_sizes(&mut here, &mut there, SIZE, SIZE).await
                });
            }
        });
        Ok(Side {
            who: Who::Relay,
            port,
            program: Kept::Here(copying),
        })
    }
}

impl Side {
    /// The process to look at; the limits have none of their own.
    pub(crate) fn pid(&self) -> Option<u32> {
        match &self.program {
            Kept::Ours { connecting, .. } => Some(connecting.process().pid()),
            Kept::Peer(running) => Some(running.pid()),
            Kept::Here(_) | Kept::Nothing => None,
        }
    }
}

pub(crate) fn free_pair() -> Result<u16> {
    for _ in 0..100 {
        let first = e2e::ports::free_port()?;
        let Some(second) = first.checked_add(1) else {
            continue;
        };
        if e2e::ports::is_free(second) {
            return Ok(first);
        }
    }
    anyhow::bail!("no two neighbouring ports are free")
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is not UTF-8")
}
