//! A bare WebSocket client on a blocking socket: as little as possible between a frame's arrival and
//! the clock. It shares no code with either gateway, and both are measured with it.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(60);
/// What is read at a time.
const PIECE: usize = 16 * 1024;
/// What a client's frames are masked with. It need not be a secret between these two.
const MASK: [u8; 4] = [0x1f, 0x2e, 0x3d, 0x4c];

/// A connection that was let in.
#[derive(Debug)]
pub(crate) struct Caller {
    stream: TcpStream,
    /// What was read; what lies before `taken` has been used.
    inbox: Vec<u8>,
    taken: usize,
    arrived: Instant,
    asked: u64,
}

/// One frame from the gateway, and when its last byte was here.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) text: String,
    pub(crate) at: Instant,
}

impl Caller {
    /// Connects to what speaks WebSocket, and says nothing yet.
    pub(crate) fn upgraded(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        // A request in two pieces would wait for the answer to the first.
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        let mut caller = Self {
            stream,
            inbox: Vec::new(),
            taken: 0,
            arrived: Instant::now(),
            asked: 0,
        };
        caller.upgrade(port)?;
        Ok(caller)
    }

    /// Connects and signs in with the shared token, as a program on the gateway's machine does.
    pub(crate) fn connect(port: u16, token: &str) -> Result<Self> {
        let mut caller = Self::upgraded(port)?;
        caller.next(|frame| frame["event"] == "connect.challenge")?;
        caller.call(
            "connect",
            &json!({
                "minProtocol": 3, "maxProtocol": 4, "role": "operator",
                "scopes": ["operator.read", "operator.write", "operator.admin"],
                "client": {
                    "id": "gateway-client", "mode": "backend", "version": "0.1.0",
                    "platform": "linux",
                },
                "auth": {"token": token},
            }),
        )?;
        Ok(caller)
    }

    /// Asks and waits for the answer's payload.
    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Result<Value> {
        let id = self.send(method, params)?;
        let (mut answer, _) = self.next(|frame| frame["id"] == id.as_str())?;
        if answer["ok"] != true {
            bail!("{method} was refused: {}", answer["error"]);
        }
        Ok(answer["payload"].take())
    }

    /// Asks, and returns the request's id.
    pub(crate) fn send(&mut self, method: &str, params: &Value) -> Result<String> {
        self.asked += 1;
        let id = format!("bench-{}", self.asked);
        let text = format!(r#"{{"type":"req","id":"{id}","method":"{method}","params":{params}}}"#);
        self.write_frame(1, text.as_bytes())?;
        Ok(id)
    }

    /// Waits for a frame that `wanted` names, past all others, and says when it was here.
    pub(crate) fn next(&mut self, wanted: impl Fn(&Value) -> bool) -> Result<(Value, Instant)> {
        let until = Instant::now() + LIMIT;
        loop {
            let heard = self.hear()?.context("no frame in time")?;
            let frame = serde_json::from_str(&heard.text)?;
            if wanted(&frame) {
                return Ok((frame, heard.at));
            }
            ensure!(Instant::now() < until, "not the frame that was waited for");
        }
    }

    /// How long [`Self::hear`] waits.
    pub(crate) fn patience(&self, limit: Duration) -> Result<()> {
        Ok(self.stream.set_read_timeout(Some(limit))?)
    }

    /// The next text; `None` when none came in time.
    pub(crate) fn hear(&mut self) -> Result<Option<Heard>> {
        loop {
            let Some((opcode, content)) = self.frame()? else {
                return Ok(None);
            };
            match opcode {
                1 => {
                    let text = String::from_utf8(content)?;
                    let at = self.arrived;
                    return Ok(Some(Heard { text, at }));
                }
                8 => bail!("closed: {}", String::from_utf8_lossy(&content)),
                9 => self.write_frame(10, &content)?,
                10 => {}
                other => bail!("a frame of kind {other}"),
            }
        }
    }

    fn upgrade(&mut self, port: u16) -> Result<()> {
        let head = format!(
            "GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        self.stream.write_all(head.as_bytes())?;
        let end = loop {
            let found = self.inbox.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(at) = found {
                break at + 4;
            }
            ensure!(self.fill(self.inbox.len() + 1)?, "no answer to the upgrade");
        };
        let head = String::from_utf8_lossy(&self.inbox[..end]).into_owned();
        self.taken = end;
        ensure!(head.starts_with("HTTP/1.1 101"), "not let in: {head}");
        Ok(())
    }

    /// The next frame's kind and content.
    fn frame(&mut self) -> Result<Option<(u8, Vec<u8>)>> {
        if !self.fill(2)? {
            return Ok(None);
        }
        let (first, second) = (self.inbox[self.taken], self.inbox[self.taken + 1]);
        ensure!(first & 0xf0 == 0x80, "a part of a message");
        let header = match second {
            126 => 4,
            127 => 10,
            _ => 2,
        };
        if !self.fill(header)? {
            return Ok(None);
        }
        let length = &self.inbox[self.taken + 2..self.taken + header];
        let length = match header {
            2 => usize::from(second),
            _ => length
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
        };
        if !self.fill(header + length)? {
            return Ok(None);
        }
        let begin = self.taken + header;
        let content = self.inbox[begin..begin + length].to_vec();
        self.taken = begin + length;
        Ok(Some((first & 0x0f, content)))
    }

    /// Reads until `wanted` bytes are there; false when they did not come in time.
    fn fill(&mut self, wanted: usize) -> Result<bool> {
        if self.taken == self.inbox.len() {
            self.inbox.clear();
            self.taken = 0;
        }
        let mut piece = [0; PIECE];
        while self.inbox.len() - self.taken < wanted {
            match self.stream.read(&mut piece) {
                Ok(0) => bail!("the gateway hung up"),
                Ok(read) => self.inbox.extend_from_slice(&piece[..read]),
                Err(error) if is_late(error.kind()) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
            self.arrived = Instant::now();
        }
        Ok(true)
    }

    fn write_frame(&mut self, opcode: u8, content: &[u8]) -> Result<()> {
        let mut frame = Vec::with_capacity(content.len() + 14);
        frame.push(0x80 | opcode);
        match u16::try_from(content.len()) {
            Ok(length @ 0..126) => frame.push(0x80 | length.to_le_bytes()[0]),
            Ok(length) => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&length.to_be_bytes());
            }
            Err(_) => bail!("longer than anything that is sent here"),
        }
        frame.extend_from_slice(&MASK);
        let masked = content.iter().zip(MASK.iter().cycle());
        frame.extend(masked.map(|(byte, mask)| byte ^ mask));
        Ok(self.stream.write_all(&frame)?)
    }
}

fn is_late(kind: ErrorKind) -> bool {
    kind == ErrorKind::WouldBlock || kind == ErrorKind::TimedOut
}

/// The content of a client's frame that is there in one piece.
pub(crate) fn unmasked(frame: &[u8]) -> Result<Vec<u8>> {
    let header = match frame.get(1) {
        Some(254) => 4,
        Some(_) => 2,
        None => bail!("no whole frame"),
    };
    let content = frame.get(header + MASK.len()..).context("no whole frame")?;
    let masked = content.iter().zip(MASK.iter().cycle());
    Ok(masked.map(|(byte, mask)| byte ^ mask).collect())
}
