//! What stands at the gateway's port where bytes are the subject: HTTP goes on to the gateway, and
//! whoever begins otherwise is sent what they want.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Asks for everything back that follows.
pub(crate) const ECHO: u8 = 1;
/// Asks for so many bytes, in the eight bytes that follow, little end first.
const WANTS: u8 = 2;

/// The running server.
pub(crate) struct Front {
    port: u16,
    door: JoinHandle<()>,
}

impl Front {
    pub(crate) async fn start(gateway: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let door = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // A client that leaves early is normal.
                drop(tokio::spawn(
                    async move { drop(serve(client, gateway).await) },
                ));
            }
        });
        Ok(Self { port, door })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What to send to be sent `length` bytes.
    pub(crate) fn wants(length: usize) -> Vec<u8> {
        let mut request = vec![WANTS];
        request.extend_from_slice(&(length as u64).to_le_bytes());
        request
    }

    /// The bytes that come then: each place has its own, so that none can be missing or moved.
    pub(crate) fn content(length: usize) -> Vec<u8> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut content = Vec::with_capacity(length + 8);
        while content.len() < length {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            content.extend_from_slice(&state.to_le_bytes());
        }
        content.truncate(length);
        content
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.door.abort();
    }
}

async fn serve(mut client: TcpStream, gateway: SocketAddr) -> Result<()> {
    client.set_nodelay(true)?;
    let mut first = [0; 1];
    client.peek(&mut first).await?;
    match first {
        [ECHO] => {
            client.read_exact(&mut first).await?;
            let (mut read, mut write) = client.split();
            copy(&mut read, &mut write).await?;
            write.shutdown().await?;
        }
        [WANTS] => {
            let mut request = [0; 9];
            client.read_exact(&mut request).await?;
            let [_, length @ ..] = request;
            let length = usize::try_from(u64::from_le_bytes(length))?;
            client.write_all(&Front::content(length)).await?;
            client.shutdown().await?;
        }
        _ => {
            let head = head_for(&mut client, gateway.port()).await?;
            let mut server = TcpStream::connect(gateway).await?;
            server.set_nodelay(true)?;
            server.write_all(&head).await?;
            copy_bidirectional(&mut client, &mut server).await?;
        }
    }
    Ok(())
}

/// Reads a request's head and has it name the gateway's own port, which is what a gateway checks.
async fn head_for(client: &mut TcpStream, port: u16) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let named = String::from_utf8(head)?
        .split_inclusive("\r\n")
        .map(|line| match line.starts_with("Host:") {
            true => format!("Host: 127.0.0.1:{port}\r\n"),
            false => line.to_owned(),
        })
        .collect::<String>();
    Ok(named.into_bytes())
}
