//! Asks a port over plain HTTP whether a gateway lives there and has started, without any credential.

use super::Endpoint;
use super::error::NotAGateway;
use serde_json::Value;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

/// How much of the answer is read; a gateway's is below 200 bytes.
const LARGEST_ANSWER: u64 = 16 * 1024;

/// What a gateway says about itself to anybody who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Liveness {
    /// Whether it says that it works.
    pub ok: bool,
    /// The word for it; `live` in every release so far.
    pub status: String,
}

/// Sends `GET /healthz` (below the endpoint's path) and reads the answer, within `limit`.
///
/// # Errors
///
/// [`NotAGateway`] when nothing answers, or nothing a gateway would.
pub async fn probe_healthz<S>(
    stream: S,
    endpoint: impl Into<Endpoint>,
    limit: Duration,
) -> Result<Liveness, NotAGateway>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    read_answer(&answer(stream, &endpoint.into(), "healthz", limit).await?)
}

/// Sends `GET /startupz` and returns whether the gateway has started, within `limit`. Gateways that do not
/// know the question are taken at their word that they live.
///
/// # Errors
///
/// [`NotAGateway`] when nothing answers.
pub async fn probe_startup<S>(
    stream: S,
    endpoint: impl Into<Endpoint>,
    limit: Duration,
) -> Result<bool, NotAGateway>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let answer = answer(stream, &endpoint.into(), "startupz", limit).await?;
    let (head, _) = split_head(&answer).ok_or(NotAGateway::NotHttp)?;
    let status = status(head).ok_or(NotAGateway::NotHttp)?;
    Ok(status != 503)
}

async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    endpoint: &Endpoint,
    path: &str,
    limit: Duration,
) -> Result<Vec<u8>, NotAGateway> {
    match timeout(limit, ask(stream, endpoint, path)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => Err(NotAGateway::NotHttp),
        Err(_) => Err(NotAGateway::Silent),
    }
}

async fn ask<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    endpoint: &Endpoint,
    path: &str,
) -> io::Result<Vec<u8>> {
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        endpoint.beside(path),
        endpoint.authority()
    );
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    let mut part = [0; 1024];
    while (answer.len() as u64) < LARGEST_ANSWER {
        let count = stream.read(&mut part).await?;
        answer.extend_from_slice(&part[..count]);
        if count == 0 || is_complete(&answer) {
            break;
        }
    }
    Ok(answer)
}

/// Returns whether the head is there and the body as long as the head says.
fn is_complete(answer: &[u8]) -> bool {
    let Some((head, body)) = split_head(answer) else {
        return false;
    };
    header(head, "content-length")
        .and_then(|length| length.parse::<usize>().ok())
        .is_some_and(|length| body.len() >= length)
}

fn read_answer(answer: &[u8]) -> Result<Liveness, NotAGateway> {
    if answer.is_empty() {
        return Err(NotAGateway::Silent);
    }
    let (head, body) = split_head(answer).ok_or(NotAGateway::NotHttp)?;
    let status = status(head).ok_or(NotAGateway::NotHttp)?;
    let not_ours = NotAGateway::answered(status, header(head, "location"));
    if status != 200 {
        return Err(not_ours);
    }
    // The object is looked for inside the body, so that chunk sizes around it do no harm.
    let body = String::from_utf8_lossy(body);
    let (start, end) = (body.find('{'), body.rfind('}'));
    let (Some(start), Some(end)) = (start, end) else {
        return Err(not_ours);
    };
    let object: Value = match body.get(start..=end).map(serde_json::from_str) {
        Some(Ok(object)) => object,
        Some(Err(_)) | None => return Err(not_ours),
    };
    match (
        object.get("ok").and_then(Value::as_bool),
        object.get("status").and_then(Value::as_str),
    ) {
        (Some(ok), Some(status)) => Ok(Liveness {
            ok,
            status: status.to_owned(),
        }),
        (Some(_) | None, Some(_) | None) => Err(not_ours),
    }
}

fn split_head(answer: &[u8]) -> Option<(&str, &[u8])> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    Some((head, &answer[end + 4..]))
}

fn status(head: &str) -> Option<u16> {
    let line = head.lines().next()?.strip_prefix("HTTP/1.")?;
    line.split(' ').nth(1)?.parse().ok()
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found
            .trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim())
    })
}
