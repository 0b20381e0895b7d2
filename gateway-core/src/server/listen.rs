//! Taking connections on the settled addresses and giving each to HTTP.

use super::State;
use super::door::Visit;
use super::http::{self, Line};
use super::openai;
use super::peer_address::Arrival;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tracing::{debug, warn};

/// How long the head of a request may take.
const HEAD_WAIT: Duration = Duration::from_secs(5);
/// The largest head, in bytes; hyper's smallest buffer.
const HEAD_BYTES: usize = 8 * 1024;
/// How long to wait when the system has no file handle left for another connection.
const EXHAUSTED_WAIT: Duration = Duration::from_millis(100);

/// Takes connections until the gateway stops.
pub(super) async fn accept(gateway: Arc<State>, listener: TcpListener, arrival: Arrival) {
    let stop = gateway.stop.clone();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, remote)) => {
                let serving = serve(gateway.clone(), stream, remote, arrival);
                gateway.tasks.spawn(serving);
            }
            // The connection was gone before we took it.
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                warn!(%error, "no connection can be taken right now");
                sleep(EXHAUSTED_WAIT).await;
            }
        }
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    [ConnectionAborted, ConnectionRefused, ConnectionReset].contains(&error.kind())
}

async fn serve(gateway: Arc<State>, stream: TcpStream, remote: SocketAddr, arrival: Arrival) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "answers may be held back by the system");
    }
    let visit: Arc<Visit> = Arc::new(gateway.door.enter());
    let line = Line {
        remote,
        arrival,
        visit: visit.clone(),
    };
    let stop = gateway.stop.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let (gateway, line) = (gateway.clone(), line.clone());
        async move {
            let is_plain = !http::wants_websocket(request.headers());
            let reply = if is_plain && openai::serves(&gateway, request.uri().path()) {
                openai::answer(&gateway, &line, request).await
            } else {
                http::answer(&gateway, &line, request).map(Full::boxed_unsync)
            };
            Ok::<_, Infallible>(reply)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WAIT)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::select! {
        biased;
        () = visit.asked_to_leave() => debug!("an unproven connection made room"),
        // WebSockets have left this task by then and are told on their own.
        () = stop.cancelled() => {}
        served = connection => if let Err(error) = served {
            debug!(%error, "an HTTP connection ended early");
        }
    }
}
