//! An offline model provider: enough of the OpenAI chat-completions API for the official gateway to
//! hold a conversation with no network.
//!
//! What it answers is steered by the user's text, see [`reply`]; every request body is kept, so a
//! test can say what really reached the model. It runs on a thread of its own, because several
//! tests, each with a runtime of its own, may share it.

pub mod reply;

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use futures_util::{StreamExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use reply::Reply;

/// The model's name within the provider.
pub const MODEL: &str = "echo-1";

/// The id of the one call that a reply holds.
const CALL_ID: &str = "call_offline";

type Body = UnsyncBoxBody<Bytes, std::io::Error>;
type Requests = Arc<Mutex<Vec<Value>>>;

/// The running provider.
#[derive(Debug)]
pub struct ModelProvider {
    address: SocketAddr,
    requests: Requests,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ModelProvider {
    /// Starts it on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// When the port or the thread is not to be had.
    pub fn start() -> Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let requests = Requests::default();
        let (stop, stopped) = oneshot::channel();
        let seen = Arc::clone(&requests);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = thread::Builder::new()
            .name("model-provider".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        // The sender's end says stop whether it was used or dropped.
                        _ = stopped => (),
                        _ = serve(listener, seen) => (),
                    }
                });
            })?;
        Ok(Self {
            address,
            requests,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// What the gateway is given as `baseUrl`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Every request body so far, in order of arrival.
    pub fn requests(&self) -> Vec<Value> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What each request so far put to the model as the user's last word.
    pub fn last_texts(&self) -> Vec<String> {
        self.requests().iter().map(reply::last_user_text).collect()
    }

    /// How many requests put a text containing `part` to the model as the user's last word.
    pub fn times_asked(&self, part: &str) -> usize {
        self.requests()
            .iter()
            .filter(|body| reply::last_user_text(body).contains(part))
            .count()
    }
}

impl Drop for ModelProvider {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there has been printed by its own thread.
            drop(thread.join());
        }
    }
}

async fn serve(listener: std::net::TcpListener, requests: Requests) -> Result<Infallible> {
    let listener = TcpListener::from_std(listener).context("not a listener")?;
    loop {
        let (stream, _) = listener.accept().await?;
        // As real providers do: else the pieces of an answer wait for the gateway's delayed ACK.
        stream.set_nodelay(true)?;
        let requests = Arc::clone(&requests);
        tokio::spawn(async move {
            let answering = service_fn(move |request| answer(request, Arc::clone(&requests)));
            // A gateway that hangs up in the middle of a reply is normal.
            drop(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), answering)
                    .await,
            );
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    requests: Requests,
) -> Result<Response<Body>, hyper::Error> {
    let path = request.uri().path().to_owned();
    let bytes = request.into_body().collect().await?.to_bytes();
    if path.ends_with("/models") {
        let models = json!({"object": "list", "data": [{"id": MODEL, "object": "model"}]});
        return Ok(whole(StatusCode::OK, &models));
    }
    let Ok(body) = serde_json::from_slice::<Value>(&bytes) else {
        return Ok(whole(
            StatusCode::BAD_REQUEST,
            &error("the body is not JSON"),
        ));
    };
    if !path.ends_with("/chat/completions") {
        return Ok(whole(StatusCode::NOT_FOUND, &error("no such path")));
    }
    let reply = Reply::to_request(&body);
    let streamed = body.get("stream").and_then(Value::as_bool).unwrap_or(false);
    requests
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(body);
    if reply.fails {
        return Ok(whole(
            StatusCode::INTERNAL_SERVER_ERROR,
            &error("asked to fail"),
        ));
    }
    if !streamed {
        return Ok(whole(StatusCode::OK, &completion(&reply.parts.concat())));
    }
    Ok(stream_of(reply))
}

fn error(message: &str) -> Value {
    json!({"error": {"message": message, "type": "server_error"}})
}

fn completion(text: &str) -> Value {
    json!({
        "id": "chatcmpl-offline", "object": "chat.completion", "created": 0, "model": MODEL,
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": usage(),
    })
}

fn usage() -> Value {
    json!({"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18})
}

fn whole(status: StatusCode, value: &Value) -> Response<Body> {
    let body = Full::new(Bytes::from(value.to_string()))
        .map_err(|never| match never {})
        .boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json"),
    );
    response
}

/// A reply as server-sent events, each after its pause.
fn stream_of(reply: Reply) -> Response<Body> {
    let chunk = |delta: Value, finish: Value| {
        json!({
            "id": "chatcmpl-offline", "object": "chat.completion.chunk", "created": 0, "model": MODEL,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        })
    };
    let mut events: Vec<std::io::Result<String>> = vec![Ok(chunk(
        json!({"role": "assistant", "content": ""}),
        Value::Null,
    )
    .to_string())];
    let mut finish = "stop";
    if let Some(call) = &reply.call {
        finish = "tool_calls";
        let function = json!({"name": call.tool, "arguments": call.arguments});
        let call = json!({"index": 0, "id": CALL_ID, "type": "function", "function": function});
        events.push(Ok(
            chunk(json!({"tool_calls": [call]}), Value::Null).to_string()
        ));
    }
    for part in &reply.parts {
        events.push(Ok(chunk(json!({"content": part}), Value::Null).to_string()));
    }
    if reply.cut {
        events.push(Err(std::io::Error::other("asked to be cut")));
    } else {
        let mut last = chunk(json!({}), json!(finish));
        if let Some(members) = last.as_object_mut() {
            members.insert("usage".to_owned(), usage());
        }
        events.push(Ok(last.to_string()));
        events.push(Ok("[DONE]".to_owned()));
    }
    let (pause, began) = (reply.pause, Instant::now());
    let frames = stream::iter((1..).zip(events)).then(move |(number, event)| async move {
        // By the clock: pauses of a few milliseconds, each rounded up, would add up to another pace.
        sleep_until(began + pause * number).await;
        event.map(|event| Frame::data(Bytes::from(format!("data: {event}\n\n"))))
    });
    let mut response = Response::new(StreamBody::new(Box::pin(frames)).boxed_unsync());
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("text/event-stream"),
    );
    response
}
