//! A proxy in front of a gateway that says where each client comes from, as nginx would: to the gateway
//! everybody is from elsewhere then, and has to be approved.

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// The address that all clients are said to have (RFC 5737: nobody's).
const ELSEWHERE: &str = "203.0.113.7";

/// The longest head of a request.
const HEAD: usize = 64 * 1024;

/// The proxy. Dropping it closes its port and cuts what goes through it.
#[derive(Debug)]
pub struct ForwardingProxy {
    port: u16,
    task: JoinHandle<()>,
}

impl ForwardingProxy {
    /// Starts one in front of a port of this machine.
    ///
    /// # Errors
    ///
    /// When no port is free.
    pub async fn start(to: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let task = tokio::spawn(async move {
            let mut through = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                through.spawn(lead(client, to));
            }
        });
        Ok(Self { port, task })
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for ForwardingProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Adds the header to the first request, which is the only one of a connection here.
async fn lead(mut client: TcpStream, to: u16) -> Result<()> {
    let mut head = Vec::new();
    let end = loop {
        if client.read_buf(&mut head).await? == 0 || head.len() > HEAD {
            return Ok(());
        }
        if let Some(end) = head.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end;
        }
    };
    let mut gateway = TcpStream::connect(("127.0.0.1", to)).await?;
    gateway.write_all(&head[..end]).await?;
    let header = format!("\r\nX-Forwarded-For: {ELSEWHERE}");
    gateway.write_all(header.as_bytes()).await?;
    gateway.write_all(&head[end..]).await?;
    copy_bidirectional(&mut client, &mut gateway).await?;
    Ok(())
}
