//! An HTTP server that is not OpenClaw, and remembers every byte it was sent.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 26\r\n\
    Connection: close\r\n\r\n<title>A photo site</title>";

/// How long a client may be silent before the server hangs up.
const PATIENCE: Duration = Duration::from_secs(10);

/// The server; it ends with the test's process at the latest.
#[derive(Debug)]
pub struct PlainHttpServer {
    address: SocketAddr,
    received: Arc<Mutex<Vec<u8>>>,
}

impl PlainHttpServer {
    /// Starts it on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// When no port is to be had.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let received = Arc::default();
        let kept = Arc::clone(&received);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                thread::spawn(move || serve(stream, &kept));
            }
        });
        Ok(Self { address, received })
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Every byte it was sent, as text.
    pub fn received(&self) -> String {
        let bytes = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Answers the first request head and keeps reading, so that nothing sent later goes unseen.
fn serve(mut stream: TcpStream, kept: &Mutex<Vec<u8>>) {
    if stream.set_read_timeout(Some(PATIENCE)).is_err() {
        return;
    }
    let mut head = Vec::new();
    let mut answered = false;
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => {
                let read = buffer.get(..count).unwrap_or_default();
                kept.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend_from_slice(read);
                head.extend_from_slice(read);
                if !answered && head.windows(4).any(|window| window == b"\r\n\r\n") {
                    answered = true;
                    if stream.write_all(ANSWER).is_err()
                        || stream.shutdown(std::net::Shutdown::Write).is_err()
                    {
                        return;
                    }
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => (),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http;

    #[tokio::test]
    async fn it_answers_and_remembers() {
        let server = PlainHttpServer::start().unwrap();
        let (status, answer) = http::get(server.port(), "/somewhere").await.unwrap();
        assert_eq!(status, 200);
        assert!(answer.contains("photo"));
        assert!(server.received().contains("GET /somewhere"));
    }
}
