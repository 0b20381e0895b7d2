//! A small HTTP server for tests: gives prepared answers in order and keeps what it was sent.

use serde_json::Value;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// One prepared answer.
pub(crate) struct Answer {
    head: String,
    pieces: Vec<Vec<u8>>,
    end: End,
}

enum End {
    /// The body is closed as it should be.
    Whole,
    /// The connection is cut before the body is whole.
    Cut,
    /// The connection stays open and nothing more comes.
    Silence,
}

impl Answer {
    fn new(status: u16, kind: &str, pieces: Vec<Vec<u8>>, end: End) -> Self {
        let head = format!(
            "HTTP/1.1 {status} Test\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n"
        );
        Self { head, pieces, end }
    }

    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self::new(
            status,
            "application/json",
            vec![body.as_bytes().to_vec()],
            End::Whole,
        )
    }

    pub(crate) fn with_header(mut self, line: &str) -> Self {
        self.head.push_str(&format!("{line}\r\n"));
        self
    }

    /// Server-sent events without names, ended by `[DONE]`.
    pub(crate) fn sse(events: &[Value]) -> Self {
        let lines = events.iter().map(|event| format!("data: {event}\n\n"));
        let pieces = lines
            .chain(["data: [DONE]\n\n".to_owned()])
            .map(String::into_bytes)
            .collect();
        Self::pieces("text/event-stream", pieces)
    }

    /// A whole answer of one text, as an OpenAI-compatible provider streams it.
    pub(crate) fn text(text: &str) -> Self {
        let delta = |delta: Value, end: Value| serde_json::json!({"choices": [{"index": 0, "delta": delta, "finish_reason": end}]});
        let mut events: Vec<_> = text
            .split_inclusive(' ')
            .map(|word| delta(serde_json::json!({"content": word}), Value::Null))
            .collect();
        events.push(delta(serde_json::json!({}), "stop".into()));
        Self::sse(&events)
    }

    /// Server-sent events with names.
    pub(crate) fn events(events: &[(&str, Value)]) -> Self {
        let pieces = events
            .iter()
            .map(|(name, data)| format!("event: {name}\ndata: {data}\n\n").into_bytes())
            .collect();
        Self::pieces("text/event-stream", pieces)
    }

    /// A body sent piece by piece.
    pub(crate) fn pieces(kind: &str, pieces: Vec<Vec<u8>>) -> Self {
        Self::new(200, kind, pieces, End::Whole)
    }

    /// A body after which the connection is cut.
    pub(crate) fn cut(kind: &str, pieces: Vec<Vec<u8>>) -> Self {
        Self::new(200, kind, pieces, End::Cut)
    }

    /// A body after which nothing more comes.
    pub(crate) fn stalled(kind: &str, pieces: Vec<Vec<u8>>) -> Self {
        Self::new(200, kind, pieces, End::Silence)
    }

    /// No answer at all.
    pub(crate) fn silence() -> Self {
        Self {
            head: String::new(),
            pieces: Vec::new(),
            end: End::Silence,
        }
    }

    pub(super) async fn send(self, stream: &mut (impl AsyncWrite + Unpin)) -> std::io::Result<()> {
        if !self.head.is_empty() {
            stream
                .write_all(format!("{}\r\n", self.head).as_bytes())
                .await?;
        }
        for piece in self.pieces.into_iter().filter(|piece| !piece.is_empty()) {
            let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
            chunk.extend(piece);
            chunk.extend(b"\r\n");
            stream.write_all(&chunk).await?;
            stream.flush().await?;
        }
        match self.end {
            End::Whole => stream.write_all(b"0\r\n\r\n").await,
            End::Cut => Ok(()),
            End::Silence => std::future::pending().await,
        }
    }
}

/// A server on a free port; stops when dropped.
pub(crate) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn answering(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        let answers: Vec<_> = answers.into_iter().collect();
        let task = tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let request = read(&mut stream).await;
                kept.lock().unwrap().push(request);
                // The client may hang up in the middle; that is its right.
                answer.send(&mut stream).await.ok();
            }
        });
        Self {
            address,
            requests,
            task,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Returns the JSON body of a request.
pub(crate) fn body(request: &str) -> Value {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_lowercase()
                        .strip_prefix("content-length: ")?
                        .parse::<usize>()
                        .ok()
                })
                .unwrap_or(0);
            if body.len() >= length {
                return text;
            }
        }
        let mut buffer = [0; 8192];
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(count > 0, "the client hung up before its request was whole");
        bytes.extend(&buffer[..count]);
    }
}
