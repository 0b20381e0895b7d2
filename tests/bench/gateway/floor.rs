//! How many requests one connection can have answered by a server that does nothing: what is left between
//! this and a gateway's rate is the gateway's, and no gateway can be faster.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::rate;
use crate::wire::{Caller, unmasked};

/// What the load program's head and each of its requests fit into.
const PIECE: usize = 4 * 1024;

/// Has the same client that asks the gateways ask a bare socket, which answers every request with `health`.
pub(crate) fn per_second(health: &Value) -> Result<f64> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    let health = health.to_string();
    let server = thread::spawn(move || serve(&listener, &health));
    let caller = Caller::upgraded(port)?;
    let per_second = rate::of_one(caller)?;
    server
        .join()
        .ok()
        .context("the bare socket's thread broke")??;
    Ok(per_second)
}

/// Serves one connection until it ends.
fn serve(listener: &TcpListener, health: &str) -> Result<()> {
    let (mut stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    let mut piece = [0; PIECE];
    let read = stream.read(&mut piece)?;
    ensure!(
        piece[..read].ends_with(b"\r\n\r\n"),
        "a head in several pieces"
    );
    stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")?;
    loop {
        // The client sends one request, in one write, and waits for its answer.
        let read = stream.read(&mut piece)?;
        if read == 0 {
            return Ok(());
        }
        let request = String::from_utf8(unmasked(&piece[..read])?)?;
        let id = request
            .split_once(r#""id":""#)
            .and_then(|(_, rest)| rest.split_once('"'))
            .context("a request without an id")?
            .0;
        answer(&mut stream, id, health)?;
    }
}

fn answer(stream: &mut TcpStream, id: &str, health: &str) -> Result<()> {
    let text = format!(r#"{{"type":"res","id":"{id}","ok":true,"payload":{health}}}"#);
    let length = u16::try_from(text.len()).context("a longer health than any gateway's")?;
    let mut frame = Vec::with_capacity(text.len() + 4);
    frame.extend_from_slice(&[0x81, 126]);
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(text.as_bytes());
    Ok(stream.write_all(&frame)?)
}
