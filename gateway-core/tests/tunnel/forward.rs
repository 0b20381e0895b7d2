//! The loopback listener in front of a tunnel through a real sshd.

use crate::support::{Home, PATIENCE, SshServer, echo_service, open_tunnel};
use gateway_core::tunnel::LoopbackListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

/// Sends everything, finishes our direction, and returns everything that comes back.
async fn exchange(port: u16, sent: &[u8]) -> String {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    socket.write_all(sent).await.unwrap();
    socket.shutdown().await.unwrap();
    let mut received = Vec::new();
    timeout(PATIENCE, socket.read_to_end(&mut received))
        .await
        .unwrap()
        .unwrap();
    String::from_utf8(received).unwrap()
}

#[tokio::test]
async fn bytes_that_are_no_request_pass_untouched_and_are_counted() {
    let server = SshServer::start().await;
    let home = Home::new();
    let tunnel = open_tunnel(&server, &home).await;
    let (listener, bound) = LoopbackListener::bind(0).await.unwrap();
    listener.attach(Arc::new(tunnel.clone()), echo_service().await);

    assert_eq!(
        exchange(bound.port, b"\0raw\r\n\r\nbytes").await,
        "\0raw\r\n\r\nbytes"
    );
    assert_eq!(exchange(bound.port, b"hello").await, "hello");

    let traffic = listener.traffic();
    assert_eq!((traffic.bytes_to_server, traffic.bytes_to_client), (18, 18));
    assert_eq!(traffic.refused_requests, 0);
    tunnel.close().await;
}

#[tokio::test]
async fn a_request_for_another_host_or_from_another_page_never_reaches_the_server() {
    let server = SshServer::start().await;
    let home = Home::new();
    let tunnel = open_tunnel(&server, &home).await;
    let gateway = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (listener, bound) = LoopbackListener::bind(0).await.unwrap();
    listener.attach(
        Arc::new(tunnel.clone()),
        gateway.local_addr().unwrap().port(),
    );
    let port = bound.port;

    let rebound = exchange(port, b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n").await;
    let foreign = exchange(
        port,
        format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: https://evil.example\r\n\r\n")
            .as_bytes(),
    )
    .await;

    assert!(rebound.starts_with("HTTP/1.1 421 "), "{rebound}");
    assert!(foreign.starts_with("HTTP/1.1 403 "), "{foreign}");
    let traffic = listener.traffic();
    assert_eq!((traffic.refused_requests, traffic.bytes_to_server), (2, 0));
    // The first connection the gateway sees is the one that may come.
    let own = format!(
        "GET /own HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: http://localhost:{port}\r\n\r\n"
    );
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    socket.write_all(own.as_bytes()).await.unwrap();
    let (mut arrived, _) = timeout(PATIENCE, gateway.accept()).await.unwrap().unwrap();
    let mut head = vec![0; 8];
    arrived.read_exact(&mut head).await.unwrap();
    assert_eq!(head, b"GET /own");
    tunnel.close().await;
}

#[tokio::test]
async fn a_connection_waits_for_the_tunnel_and_the_port_outlasts_it() {
    let server = SshServer::start().await;
    let home = Home::new();
    let remote = echo_service().await;
    let (listener, bound) = LoopbackListener::bind(0).await.unwrap();

    let early = tokio::spawn(async move { exchange(bound.port, b"\0early").await });
    let first = open_tunnel(&server, &home).await;
    listener.attach(Arc::new(first.clone()), remote);
    assert_eq!(early.await.unwrap(), "\0early");
    listener.detach();
    first.close().await;
    std::fs::remove_file(home.path("id")).unwrap();
    std::fs::remove_file(home.path("id.pub")).unwrap();
    let second = open_tunnel(&server, &home).await;
    listener.attach(Arc::new(second.clone()), remote);

    assert_eq!(exchange(listener.port(), b"\0again").await, "\0again");
    second.close().await;
}

#[tokio::test]
async fn a_connection_that_waits_in_vain_is_closed_cleanly_within_five_seconds() {
    let (listener, bound) = LoopbackListener::bind(0).await.unwrap();
    let started = Instant::now();

    assert_eq!(exchange(bound.port, b"\0anybody?").await, "");

    assert!(
        started.elapsed() < Duration::from_secs(7),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(listener.traffic().bytes_to_server, 0);
}

#[tokio::test]
async fn a_cut_tunnel_does_not_look_like_the_end_of_the_data() {
    let server = SshServer::start().await;
    let home = Home::new();
    let tunnel = open_tunnel(&server, &home).await;
    let (listener, bound) = LoopbackListener::bind(0).await.unwrap();
    listener.attach(Arc::new(tunnel), echo_service().await);
    let mut socket = TcpStream::connect(("127.0.0.1", bound.port)).await.unwrap();
    socket.write_all(b"\0half").await.unwrap();
    let mut received = [0; 5];
    socket.read_exact(&mut received).await.unwrap();

    server.signal_sessions(rustix::process::Signal::KILL);

    let error = timeout(PATIENCE, socket.read(&mut received))
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}
