//! The path while it stands, and how its end is noticed.

use crate::support::{Home, PATIENCE, SshServer, dial, echo_service, open_tunnel};
use gateway_core::connection::phase::Cause;
use gateway_core::tunnel::{
    ForwardError, SignInMemory, Step, TunnelClosed, TunnelError, TunnelLimits,
};
use rustix::process::Signal;
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout};

const MIB: usize = 1024 * 1024;

/// Writes this many bytes that do not repeat, finishes, and returns their hash.
async fn send(mut to: impl AsyncWrite + Unpin, length: usize) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut block = vec![0; 64 * 1024];
    for number in 0..length / block.len() {
        for (index, byte) in block.iter_mut().enumerate().step_by(97) {
            *byte = (index ^ number) as u8;
        }
        hash.update(&block);
        to.write_all(&block).await.unwrap();
    }
    to.shutdown().await.unwrap();
    hash.finalize().into()
}

/// Reads to the end and returns the length and hash of what came.
async fn receive(mut from: impl AsyncRead + Unpin) -> (usize, [u8; 32]) {
    let mut hash = Sha256::new();
    let mut length = 0;
    let mut block = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut block).await.unwrap();
        if read == 0 {
            return (length, hash.finalize().into());
        }
        hash.update(&block[..read]);
        length += read;
    }
}

async fn service() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[tokio::test]
async fn a_server_that_forbids_forwarding_is_told_from_one_without_a_gateway() {
    let forbidding = SshServer::start_with("AllowTcpForwarding no\n").await;
    let allowing = SshServer::start().await;
    let (closed, port) = service().await;
    drop(closed);

    let tunnel = open_tunnel(&forbidding, &Home::new()).await;
    let error = tunnel.open_channel("127.0.0.1", port).await.unwrap_err();
    assert_eq!(
        (&error, error.cause()),
        (&ForwardError::Prohibited, Cause::ForwardProhibited)
    );
    tunnel.close().await;

    let tunnel = open_tunnel(&allowing, &Home::new()).await;
    let error = tunnel.open_channel("127.0.0.1", port).await.unwrap_err();
    assert_eq!(error, ForwardError::ConnectFailed);
    // One refused channel changes nothing for the next.
    let mut stream = tunnel
        .open_channel("127.0.0.1", echo_service().await)
        .await
        .unwrap();
    stream.write_all(b"still here").await.unwrap();
    let mut back = [0; 10];
    stream.read_exact(&mut back).await.unwrap();
    tunnel.close().await;
}

#[tokio::test]
async fn each_direction_ends_by_itself() {
    let server = SshServer::start().await;
    let tunnel = open_tunnel(&server, &Home::new()).await;
    let (listener, port) = service().await;

    for we_finish_first in [true, false] {
        let (mut ours_read, mut ours_write) =
            tokio::io::split(tunnel.open_channel("127.0.0.1", port).await.unwrap());
        let (far, _) = listener.accept().await.unwrap();
        let (mut far_read, mut far_write) = far.into_split();
        let (there, back) = if we_finish_first {
            let sent = send(&mut ours_write, MIB).await;
            let received = receive(&mut far_read).await;
            assert_eq!(received, (MIB, sent));
            let far_task = tokio::spawn(async move { send(&mut far_write, 2 * MIB).await });
            (receive(&mut ours_read).await, far_task.await.unwrap())
        } else {
            let far_task = tokio::spawn(async move { send(&mut far_write, 2 * MIB).await });
            let received = receive(&mut ours_read).await;
            assert_eq!(received, (2 * MIB, far_task.await.unwrap()));
            let sent = send(&mut ours_write, 2 * MIB).await;
            (receive(&mut far_read).await, sent)
        };
        assert_eq!(there, (2 * MIB, back), "we finish first: {we_finish_first}");
    }
    tunnel.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_megabytes_each_way_arrive_unchanged() {
    const LENGTH: usize = 50 * MIB;
    let server = SshServer::start().await;
    let tunnel = open_tunnel(&server, &Home::new()).await;
    let (listener, port) = service().await;
    let (ours_read, ours_write) =
        tokio::io::split(tunnel.open_channel("127.0.0.1", port).await.unwrap());
    let (far, _) = listener.accept().await.unwrap();
    let (far_read, far_write) = far.into_split();

    let (up_sent, up_received, down_sent, down_received) = tokio::try_join!(
        tokio::spawn(send(ours_write, LENGTH)),
        tokio::spawn(receive(far_read)),
        tokio::spawn(send(far_write, LENGTH)),
        tokio::spawn(receive(ours_read)),
    )
    .unwrap();

    assert_eq!(up_received, (LENGTH, up_sent));
    assert_eq!(down_received, (LENGTH, down_sent));
    assert_eq!(tunnel.overruns(), 0);
    tunnel.close().await;
}

#[tokio::test]
async fn two_hundred_idle_channels_are_held_and_all_still_work() {
    let server = SshServer::start().await;
    let tunnel = open_tunnel(&server, &Home::new()).await;
    let port = echo_service().await;
    let mut streams = Vec::new();
    for _ in 0..200 {
        streams.push(tunnel.open_channel("127.0.0.1", port).await.unwrap());
    }

    for (number, stream) in streams.iter_mut().enumerate() {
        let sent = number.to_be_bytes();
        stream.write_all(&sent).await.unwrap();
        let mut back = [0; size_of::<usize>()];
        stream.read_exact(&mut back).await.unwrap();
        assert_eq!(back, sent);
    }
    tunnel.close().await;
}

#[tokio::test]
async fn a_reader_that_stalls_loses_its_own_channel_only() {
    let server = SshServer::start().await;
    let tunnel = open_tunnel(&server, &Home::new()).await;
    let (listener, port) = service().await;
    let mut stalled = tunnel.open_channel("127.0.0.1", port).await.unwrap();
    let (mut far, _) = listener.accept().await.unwrap();
    let flood = tokio::spawn(async move {
        let block = vec![7; 64 * 1024];
        while far.write_all(&block).await.is_ok() {}
    });
    let mut other = tunnel
        .open_channel("127.0.0.1", echo_service().await)
        .await
        .unwrap();

    // Nobody reads `stalled`; the other channel has to answer all the while, and after the reset.
    let mut slowest = Duration::ZERO;
    while tunnel.overruns() == 0 {
        let started = Instant::now();
        other.write_all(b"x").await.unwrap();
        let mut back = [0; 1];
        timeout(PATIENCE, other.read_exact(&mut back))
            .await
            .unwrap()
            .unwrap();
        slowest = slowest.max(started.elapsed());
    }
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    timeout(PATIENCE, flood).await.unwrap().unwrap();
    let error = stalled.read(&mut [0; 1]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    tunnel.ping().await.unwrap();
    assert_eq!(tunnel.overruns(), 1);
    tunnel.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_is_only_slow_holds_the_sender_back_and_loses_nothing() {
    const LENGTH: usize = 24 * MIB;
    let server = SshServer::start().await;
    let tunnel = open_tunnel(&server, &Home::new()).await;
    let (listener, port) = service().await;
    let mut slow = tunnel.open_channel("127.0.0.1", port).await.unwrap();
    let (far, _) = listener.accept().await.unwrap();
    let sent = tokio::spawn(send(far, LENGTH));

    // Slower than any loopback, faster than what is taken for a stall.
    let mut hash = Sha256::new();
    let mut left = LENGTH;
    let mut block = vec![0; 512 * 1024];
    let mut pace = tokio::time::interval(Duration::from_millis(40));
    while left > 0 {
        pace.tick().await;
        let wanted = block.len().min(left);
        slow.read_exact(&mut block[..wanted]).await.unwrap();
        hash.update(&block[..wanted]);
        left -= wanted;
    }

    assert_eq!(<[u8; 32]>::from(hash.finalize()), sent.await.unwrap());
    assert_eq!(tunnel.overruns(), 0);
    tunnel.close().await;
}

#[tokio::test]
async fn a_killed_session_is_noticed_within_a_second_by_everybody() {
    let server = SshServer::start().await;
    let tunnel = open_tunnel(&server, &Home::new()).await;
    let (listener, port) = service().await;
    let mut writing = tunnel.open_channel("127.0.0.1", port).await.unwrap();
    let mut reading = tunnel.open_channel("127.0.0.1", port).await.unwrap();
    let _unread = (
        listener.accept().await.unwrap(),
        listener.accept().await.unwrap(),
    );
    // A writer that nobody reads from is stuck once the window and all buffers are full.
    let (filled, is_stuck) = tokio::sync::oneshot::channel();
    let writer = tokio::spawn(async move {
        let block = vec![7; 64 * 1024];
        let mut filled = Some(filled);
        loop {
            match timeout(Duration::from_millis(300), writing.write_all(&block)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return error,
                Err(_) => {
                    if let Some(filled) = filled.take() {
                        filled.send(()).unwrap();
                    }
                    return writing.write_all(&block).await.unwrap_err();
                }
            }
        }
    });
    let reader = tokio::spawn(async move { reading.read(&mut [0; 1]).await.unwrap_err() });
    timeout(PATIENCE, is_stuck).await.unwrap().unwrap();

    server.signal_sessions(Signal::KILL);
    let started = Instant::now();
    let reason = timeout(PATIENCE, tunnel.closed()).await.unwrap();
    let write_error = timeout(PATIENCE, writer).await.unwrap().unwrap();
    let read_error = timeout(PATIENCE, reader).await.unwrap().unwrap();

    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
    assert!(matches!(reason, TunnelClosed::Broken { .. }), "{reason:?}");
    assert_eq!(write_error.kind(), std::io::ErrorKind::ConnectionAborted);
    assert_eq!(read_error.kind(), std::io::ErrorKind::ConnectionAborted);
    assert_eq!(tunnel.ping().await, Err(reason.clone()));
    assert_eq!(
        tunnel.open_channel("127.0.0.1", port).await.unwrap_err(),
        ForwardError::Closed(reason)
    );
}

/// A frozen server, once with nothing to send and once with a writer that fills the socket, which
/// stops russh's own keepalives.
#[tokio::test]
async fn a_frozen_server_is_noticed_even_if_the_socket_is_full() {
    for is_writing in [false, true] {
        let server = SshServer::start().await;
        let home = Home::new();
        home.trust(&server);
        let key = home.key("id", "");
        server.authorize(&key);
        let mut config = home.config(server.port, Some(&key));
        config.keepalive = Duration::from_millis(400);
        config.keepalive_max = 2;
        let tunnel = dial(&config, &mut SignInMemory::default()).await.unwrap();
        let (listener, port) = service().await;
        let mut stream = tunnel.open_channel("127.0.0.1", port).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        tokio::spawn(async move { tokio::io::copy(&mut far, &mut tokio::io::sink()).await });

        server.signal_sessions(Signal::STOP);
        let started = Instant::now();
        let writer = tokio::spawn(async move {
            let block = vec![7; 64 * 1024];
            if is_writing {
                loop {
                    if let Err(error) = stream.write_all(&block).await {
                        return error;
                    }
                }
            }
            stream.read(&mut [0; 1]).await.unwrap_err()
        });
        let reason = timeout(PATIENCE, tunnel.closed()).await.unwrap();

        assert_eq!(reason, TunnelClosed::NotAnswering, "writing: {is_writing}");
        // Interval × (max + 1) is 1.2 s; a stuck write is given as long once more.
        assert!(
            started.elapsed() < Duration::from_secs(6),
            "{:?}",
            started.elapsed()
        );
        let error = timeout(PATIENCE, writer).await.unwrap().unwrap();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionAborted);
    }
}

#[tokio::test]
async fn a_frozen_server_does_not_hold_up_closing() {
    let server = SshServer::start().await;
    let tunnel = open_tunnel(&server, &Home::new()).await;
    let other = tunnel.clone();
    server.signal_sessions(Signal::STOP);
    let started = Instant::now();

    tunnel.close().await;

    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
    assert!(other.is_closed());
    assert_eq!(other.closed().await, TunnelClosed::ByUs);
}

#[tokio::test]
async fn a_channel_that_the_server_does_not_open_in_time_fails_alone() {
    let server = SshServer::start().await;
    let home = Home::new();
    home.trust(&server);
    let key = home.key("id", "");
    server.authorize(&key);
    let mut config = home.config(server.port, Some(&key));
    config.limits.forward = Duration::from_millis(300);
    let tunnel = dial(&config, &mut SignInMemory::default()).await.unwrap();
    server.signal_sessions(Signal::STOP);

    let error = tunnel.open_channel("127.0.0.1", 9).await.unwrap_err();

    assert_eq!(
        error,
        ForwardError::Timeout {
            waited: Duration::from_millis(300)
        }
    );
    server.signal_sessions(Signal::CONT);
    tunnel.ping().await.unwrap();
    assert!(!tunnel.is_closed());
    tunnel.close().await;
}

#[tokio::test]
async fn dropping_the_last_handle_ends_the_session() {
    let server = SshServer::start().await;
    let tunnel = open_tunnel(&server, &Home::new()).await;
    let mut stream = tunnel
        .open_channel("127.0.0.1", echo_service().await)
        .await
        .unwrap();

    drop(tunnel);
    // A stream keeps its session.
    stream.write_all(b"x").await.unwrap();
    stream.read_exact(&mut [0; 1]).await.unwrap();
    assert!(!server.sessions().is_empty());
    drop(stream);

    server.logs("Connection closed").await;
}

#[tokio::test]
async fn what_is_no_ssh_server_fails_in_its_own_step_within_its_limit() {
    let home = Home::new();
    let limits = TunnelLimits {
        key_exchange: Duration::from_millis(500),
        ..TunnelLimits::default()
    };
    // One accepts and stays silent, one speaks HTTP, one hangs up, one is not there.
    let (_silent, silent_port) = service().await;
    let (http, http_port) = service().await;
    let (hanging_up, hanging_up_port) = service().await;
    let (closed, closed_port) = service().await;
    drop(closed);
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = http.accept().await.unwrap();
            socket
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .await
                .unwrap();
        }
    });
    tokio::spawn(async move { while hanging_up.accept().await.is_ok() {} });

    let mut steps = Vec::new();
    for port in [silent_port, http_port, hanging_up_port, closed_port] {
        let mut config = home.config(port, None);
        config.limits = limits;
        let error = timeout(PATIENCE, dial(&config, &mut SignInMemory::default()))
            .await
            .unwrap()
            .unwrap_err();
        steps.push((error.step(), error.stops_retrying()));
    }

    assert_eq!(
        steps,
        [
            (Step::HostKey, false),
            (Step::HostKey, false),
            (Step::HostKey, false),
            (Step::Tcp, false)
        ]
    );
}

#[tokio::test]
async fn a_server_of_outdated_algorithms_only_is_refused() {
    let home = Home::new();
    for settings in [
        "Ciphers aes128-cbc,3des-cbc\n",
        "KexAlgorithms diffie-hellman-group14-sha1,diffie-hellman-group1-sha1\n",
        "Ciphers aes128-ctr\nMACs hmac-sha1,hmac-sha1-etm@openssh.com\n",
    ] {
        let server = SshServer::start_with(settings).await;
        home.trust(&server);

        let error = dial(
            &home.config(server.port, None),
            &mut SignInMemory::default(),
        )
        .await
        .unwrap_err();

        assert!(
            matches!(error, TunnelError::KeyExchange { .. }),
            "{settings}: {error:?}"
        );
    }
    let server = SshServer::start_with("HostKeyAlgorithms ssh-rsa\n")
        .await
        .with_another_host_key("rsa")
        .await;
    let error = dial(
        &home.config(server.port, None),
        &mut SignInMemory::default(),
    )
    .await
    .unwrap_err();
    assert!(
        matches!(error, TunnelError::KeyExchange { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_ciphers_we_want_first_are_agreed_on_and_nothing_is_compressed() {
    let server = SshServer::start_with("LogLevel DEBUG1\nCompression yes\n").await;
    let tunnel = open_tunnel(&server, &Home::new()).await;

    tunnel.close().await;

    let log = server.log();
    for direction in ["client->server", "server->client"] {
        let line = format!(
            "kex: {direction} cipher: aes128-gcm@openssh.com MAC: <implicit> compression: none"
        );
        assert!(log.contains(&line), "{log}");
    }
}

#[tokio::test]
async fn an_ipv6_address_is_reached_and_known_by_its_own_name() {
    let server = SshServer::start_with("ListenAddress ::1\n").await;
    let home = Home::new();
    let key = home.key("id", "");
    server.authorize(&key);
    let mut config = home.config(server.port, Some(&key));
    config.target = format!("[::1]:{}", server.port).parse().unwrap();

    let error = dial(&config, &mut SignInMemory::default())
        .await
        .unwrap_err();
    let TunnelError::HostKeyUnknown(presented) = error else {
        panic!("{error:?}")
    };
    home.store(&presented);

    dial(&config, &mut SignInMemory::default())
        .await
        .unwrap()
        .close()
        .await;
    let stored = std::fs::read_to_string(home.path("known_hosts")).unwrap();
    assert!(
        stored.starts_with(&format!("[::1]:{} ssh-ed25519 ", server.port)),
        "{stored}"
    );
}
