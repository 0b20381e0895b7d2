//! A client that sends the bytes it is told to, right or wrong, and reads what comes back. It shares
//! no code with the server: what both got wrong together would not show.

use super::TOKEN;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the gateway may take to say what is expected of it.
const WAIT: Duration = Duration::from_secs(60);
/// The key of RFC 6455 §1.3 and what it is answered with.
pub(super) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const PRESENCE: &[u8] = br#"{"type":"event","event":"presence","#;
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub(super) const FIN: u8 = 0x80;
pub(super) const CONTINUATION: u8 = 0;
pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
pub(super) const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
pub(super) const PONG: u8 = 10;

/// How a frame says how long it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Length {
    /// In the shortest form.
    Shortest,
    /// In 16 bits, however short.
    In16,
    /// In 64 bits, however short.
    In64,
    /// In 64 bits, and not the truth.
    Claimed(u64),
}

/// Returns a masked frame: its first byte and its payload.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    any_frame(first, Some(MASK), Length::Shortest, payload)
}

/// Returns a frame without a mask, which clients must not send.
pub(super) fn bare_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    any_frame(first, None, Length::Shortest, payload)
}

/// Returns a frame in any form (RFC 6455 §5.2).
pub(super) fn any_frame(
    first: u8,
    mask: Option<[u8; 4]>,
    length: Length,
    payload: &[u8],
) -> Vec<u8> {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    let short = u16::try_from(payload.len());
    let in_64 = |length: u64| {
        let mut bytes = vec![first, masked | 127];
        bytes.extend(length.to_be_bytes());
        bytes
    };
    let mut bytes = match (length, short) {
        (Length::Claimed(length), _) => in_64(length),
        (Length::Shortest, Ok(short @ 0..=125)) => vec![first, masked | short.to_be_bytes()[1]],
        (Length::Shortest | Length::In16, Ok(short)) => {
            let mut bytes = vec![first, masked | 126];
            bytes.extend(short.to_be_bytes());
            bytes
        }
        (Length::Shortest | Length::In16 | Length::In64, _) => in_64(payload.len() as u64),
    };
    match mask {
        None => bytes.extend(payload),
        Some(mask) => {
            bytes.extend(mask);
            let masked = payload.iter().zip(mask.iter().cycle());
            bytes.extend(masked.map(|(byte, mask)| byte ^ mask));
        }
    }
    bytes
}

/// What came from the gateway.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Heard {
    Text(Value),
    Pong(Vec<u8>),
    Close { code: Option<u16>, reason: String },
    End,
}

/// What an HTTP request got.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// The status line and the fields.
    pub(super) head: String,
    pub(super) body: String,
}

impl Reply {
    /// Returns the value of a field.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

/// One TCP connection.
pub(super) struct Raw {
    stream: TcpStream,
    unread: Vec<u8>,
    waits: bool,
}

impl Raw {
    pub(super) async fn dial(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            unread: Vec::new(),
            waits: true,
        }
    }

    /// Opens a WebSocket with these further fields, each ended with CRLF.
    pub(super) async fn open(address: SocketAddr, fields: &str) -> Self {
        let mut raw = Self::dial(address).await;
        raw.send(upgrade_head(address, fields).as_bytes()).await;
        let reply = raw.head().await;
        assert_eq!(reply.status, 101, "{}", reply.head);
        assert_eq!(reply.field("Sec-WebSocket-Accept"), Some(ACCEPT));
        raw
    }

    /// Opens a WebSocket and says hello as the official command line does: no device.
    pub(super) async fn greeted(address: SocketAddr) -> Self {
        let mut raw = Self::open(address, "").await;
        raw.challenge().await;
        raw.say(&connect_request("hello", "cli", "cli")).await;
        let hello = raw.answer().await;
        assert_eq!(hello["payload"]["type"], "hello-ok", "{hello}");
        raw
    }

    /// From now on nothing is given up by the clock, for tests in which it is turned.
    pub(super) fn wait_for_ever(&mut self) {
        self.waits = false;
    }

    /// Sends what it can: a gateway that has closed does not take all of it.
    pub(super) async fn send(&mut self, bytes: &[u8]) {
        drop(self.stream.write_all(bytes).await);
    }

    /// Sends a text message.
    pub(super) async fn say(&mut self, message: &Value) {
        self.send(&frame(FIN | TEXT, message.to_string().as_bytes()))
            .await;
    }

    /// Says that nothing more is coming.
    pub(super) async fn hang_up(&mut self) {
        drop(self.stream.shutdown().await);
    }

    /// Returns the payload of the challenge.
    pub(super) async fn challenge(&mut self) -> Value {
        match self.hear().await {
            Heard::Text(mut frame) if frame["event"] == "connect.challenge" => {
                frame["payload"].take()
            }
            other @ (Heard::Text(_) | Heard::Pong(_) | Heard::Close { .. } | Heard::End) => {
                panic!("{other:?} instead of the challenge")
            }
        }
    }

    /// Returns the next answer, passing over events.
    pub(super) async fn answer(&mut self) -> Value {
        match self.hear_no_event().await {
            Heard::Text(frame) => frame,
            other @ (Heard::Pong(_) | Heard::Close { .. } | Heard::End) => {
                panic!("{other:?} instead of an answer")
            }
        }
    }

    /// Returns what comes next that is no event.
    pub(super) async fn hear_no_event(&mut self) -> Heard {
        loop {
            match self.hear().await {
                Heard::Text(frame) if frame["type"] == "event" => {}
                other @ (Heard::Text(_) | Heard::Pong(_) | Heard::Close { .. } | Heard::End) => {
                    return other;
                }
            }
        }
    }

    /// Returns what comes next.
    pub(super) async fn hear(&mut self) -> Heard {
        if !self.waits {
            return self.next().await;
        }
        timeout(WAIT, self.next()).await.expect("nothing came")
    }

    async fn next(&mut self) -> Heard {
        loop {
            if let Some((heard, length)) = parse(&self.unread) {
                self.unread.drain(..length);
                return heard;
            }
            if !self.read().await {
                return Heard::End;
            }
        }
    }

    async fn read(&mut self) -> bool {
        let mut piece = vec![0; 64 * 1024];
        match self.stream.read(&mut piece).await {
            Ok(0) | Err(_) => false,
            Ok(length) => {
                self.unread.extend(&piece[..length]);
                true
            }
        }
    }

    /// Returns the head of an HTTP reply, leaving what follows it.
    pub(super) async fn head(&mut self) -> Reply {
        let end = timeout(WAIT, async {
            loop {
                if let Some(end) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                    return end;
                }
                if !self.read().await {
                    return self.unread.len();
                }
            }
        });
        let end = end.await.expect("no HTTP reply came");
        let head = String::from_utf8_lossy(&self.unread[..end]).into_owned();
        self.unread.drain(..(end + 4).min(self.unread.len()));
        Reply {
            status: head
                .split(' ')
                .nth(1)
                .and_then(|word| word.parse().ok())
                .unwrap_or(0),
            head,
            body: String::new(),
        }
    }

    /// Returns an HTTP reply and all that follows it until the gateway closes.
    pub(super) async fn reply(&mut self) -> Reply {
        let mut reply = self.head().await;
        timeout(WAIT, async { while self.read().await {} })
            .await
            .expect("the HTTP connection stays open");
        reply.body = String::from_utf8_lossy(&self.unread).into_owned();
        reply
    }
}

/// Sends one HTTP request as it stands and returns the reply.
pub(super) async fn http(address: SocketAddr, request: &[u8]) -> Reply {
    let mut raw = Raw::dial(address).await;
    raw.send(request).await;
    raw.reply().await
}

/// Returns the head of a good upgrade with further fields.
pub(super) fn upgrade_head(address: SocketAddr, fields: &str) -> String {
    format!(
        "GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{fields}\r\n"
    )
}

/// Returns a connect request with the gateway's secret and without a device.
pub(super) fn connect_request(id: &str, client: &str, mode: &str) -> Value {
    json!({"type": "req", "id": id, "method": "connect", "params": {
        "minProtocol": 4, "maxProtocol": 4,
        "client": {"id": client, "version": "1", "platform": "linux", "mode": mode},
        "role": "operator", "scopes": ["operator.admin"], "caps": [], "auth": {"token": TOKEN},
    }})
}

/// Returns a request that is always answered.
pub(super) fn health_request(id: &str) -> Value {
    json!({"type": "req", "id": id, "method": "health", "params": {}})
}

/// Reads one frame of a server: not masked, not in pieces, without reserved bits.
fn parse(bytes: &[u8]) -> Option<(Heard, usize)> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    assert_eq!(second & 0x80, 0, "a server must not mask");
    let (length, start) = match second {
        126 => (
            usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap())),
            4,
        ),
        127 => {
            let length = u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap());
            (usize::try_from(length).unwrap(), 10)
        }
        short => (usize::from(short), 2),
    };
    let payload = bytes.get(start..start + length)?;
    let heard = match first.checked_sub(FIN) {
        // A long list of who is here is looked at where few are: reading hundreds of such lists takes
        // a debug build longer than everything else.
        Some(TEXT) if payload.len() > 8192 && payload.starts_with(PRESENCE) => {
            Heard::Text(json!({"type": "event", "event": "presence"}))
        }
        Some(TEXT) => Heard::Text(serde_json::from_slice(payload).unwrap()),
        Some(PONG) => Heard::Pong(payload.to_vec()),
        // Asked when a run ends; who does not answer is not waited for long.
        Some(PING) => {
            let (heard, rest) = parse(bytes.get(start + length..)?)?;
            return Some((heard, start + length + rest));
        }
        Some(CLOSE) => Heard::Close {
            code: payload
                .get(..2)
                .map(|code| u16::from_be_bytes(code.try_into().unwrap())),
            reason: String::from_utf8(payload.get(2..).unwrap_or_default().to_vec()).unwrap(),
        },
        other => panic!("a server does not send {other:?}"),
    };
    Some((heard, start + length))
}
