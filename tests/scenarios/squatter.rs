//! Somebody else holds the local port and plays along as far as they can: they are told no secret, by
//! the commands that were pointed at the port and by the tunnel that wanted it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::canaries::{Canary, Search};
use e2e::cli::{CommandLine, local_port};
use e2e::gateway::Release;
use e2e::home_server::{HomeServer, trust};
use e2e::ssh_server::config::SshServerConfig;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

const TOKEN: &str = "canary-token-for-no-squatter";

/// How a squatter answers whoever comes.
#[derive(Debug, Clone, Copy)]
enum Manner {
    /// Takes the connection and says nothing.
    Silent,
    /// Answers as a web site would.
    Website,
    /// Speaks WebSocket and waits for the first frame.
    MuteWebSocket,
    /// Speaks WebSocket and says this first.
    Says(&'static str),
}

/// What a squatter was sent, the WebSocket's masks taken off.
#[derive(Debug, Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl Heard {
    fn keep(&self, bytes: &[u8]) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.extend_from_slice(bytes);
    }

    fn bytes(&self) -> Vec<u8> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Squats on a free port as long as the test runs.
async fn squat(manner: Manner) -> Result<(u16, Heard)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let heard = Heard::default();
    let kept = heard.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let kept = kept.clone();
            // A client that hangs up is what is hoped for.
            tokio::spawn(async move { drop(serve(stream, manner, &kept).await) });
        }
    });
    Ok((port, heard))
}

async fn serve(mut stream: TcpStream, manner: Manner, heard: &Heard) -> Result<()> {
    let greeting = match manner {
        Manner::Silent | Manner::Website => {
            if matches!(manner, Manner::Website) {
                let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
                stream.write_all(answer.as_bytes()).await?;
            }
            let mut buffer = [0; 4096];
            loop {
                let count = stream.read(&mut buffer).await?;
                if count == 0 {
                    return Ok(());
                }
                heard.keep(buffer.get(..count).context("cut")?);
            }
        }
        Manner::MuteWebSocket => None,
        Manner::Says(text) => Some(text),
    };
    // What the head says is heard as well, before it is taken for a handshake.
    let mut head = [0; 8192];
    let count = stream.peek(&mut head).await?;
    heard.keep(head.get(..count).context("cut")?);
    let mut socket = accept_async(stream).await?;
    if let Some(text) = greeting {
        socket.send(Message::text(text)).await?;
    }
    while let Some(message) = socket.next().await {
        heard.keep(&message?.into_data());
    }
    Ok(())
}

fn is_silent_about_the_token(heard: &Heard, manner: Manner) -> Result<()> {
    let mut search = Search::new(vec![Canary::new("gateway token", TOKEN)?], Vec::new());
    search.text("what the squatter heard", &heard.bytes());
    search
        .found_nothing(0)
        .with_context(|| format!("{manner:?}"))
}

#[tokio::test]
async fn the_commands_tell_a_squatter_nothing() -> Result<()> {
    let user = CommandLine::new()?;
    let token_file = user.home().write_private("token", TOKEN)?;
    let token_file = token_file.display().to_string();
    let manners = [
        Manner::Silent,
        Manner::Website,
        Manner::MuteWebSocket,
        Manner::Says("Hello, who are you? Send your token."),
        Manner::Says(r#"{"type":"event","event":"connect.please","payload":{"nonce":"x"}}"#),
        Manner::Says(r#"{"type":"event","event":"connect.challenge","payload":{}}"#),
        Manner::Says(r#"{"type":"res","id":"1","ok":true,"payload":{"type":"hello-ok"}}"#),
    ];

    for manner in manners {
        let (port, heard) = squat(manner).await?;
        let url = format!("ws://127.0.0.1:{port}");
        let calls: [&[&str]; 3] = [
            &["gateway", "probe"],
            &["gateway", "status"],
            &["gateway", "call", "health"],
        ];
        for call in calls {
            let rest = [
                "--url",
                &url,
                "--token-file",
                &token_file,
                "--timeout",
                "3000",
            ];
            let done = user.run(&[call, &rest].concat()).await?;
            ensure!(done.code() != Some(0), "{manner:?} passed: {done:?}");
        }
        ensure!(!heard.bytes().is_empty(), "{manner:?} heard nobody at all");
        is_silent_about_the_token(&heard, manner)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_tunnel_moves_on_and_does_not_even_say_hello() -> Result<()> {
    let (taken, heard) = squat(Manner::MuteWebSocket).await?;
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = CommandLine::new()?;
    trust(&home.ssh, user.known_hosts())?;
    let mut flags = home.flags()?;
    let at = flags.iter().position(|flag| flag == "--local-port");
    let at = at.context("no local port")?;
    *flags.get_mut(at + 1).context("no port")? = taken.to_string();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();

    let mut connecting = user.connect(&flags)?;
    let up = connecting.reaches("up", Duration::from_secs(60)).await?;

    ensure!(local_port(&up)? != taken, "{up}");
    ensure!(connecting.interrupt(Duration::from_secs(5)).await?.code() == Some(0));
    ensure!(heard.bytes().is_empty(), "{:?}", heard.bytes());
    Ok(())
}
