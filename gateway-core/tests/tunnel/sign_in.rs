//! Signing in to a real sshd.

use crate::support::{Home, SshServer, dial_with_steps, open_tunnel};
use gateway_core::tunnel::{Credential, TunnelStep};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

#[tokio::test]
async fn a_key_file_signs_in_and_every_step_is_told_in_order() {
    let server = SshServer::start().await;
    let home = Home::new();
    home.trust(&server);
    let key = home.key("id", "");
    server.authorize(&key);

    let (tunnel, steps) = dial_with_steps(&home.config(server.port, Some(&key))).await;

    tunnel.unwrap().close().await;
    let [
        TunnelStep::Resolved { addresses },
        TunnelStep::TcpConnected,
        TunnelStep::HostKeyAccepted { .. },
        TunnelStep::SignedIn { method },
    ] = steps.as_slice()
    else {
        panic!("{steps:?}");
    };
    assert_eq!(addresses, &[([127, 0, 0, 1], server.port).into()]);
    assert_eq!(method, &Credential::KeyFile { path: key });
}

#[tokio::test]
async fn a_channel_carries_bytes_both_ways() {
    let server = SshServer::start().await;
    let home = Home::new();
    let tunnel = open_tunnel(&server, &home).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();

    let mut stream = tunnel.open_channel("127.0.0.1", port).await.unwrap();
    let (mut far, _) = listener.accept().await.unwrap();
    stream.write_all(b"ping").await.unwrap();
    let mut received = [0; 4];
    far.read_exact(&mut received).await.unwrap();
    assert_eq!(&received, b"ping");
    far.write_all(b"pong").await.unwrap();
    stream.read_exact(&mut received).await.unwrap();
    assert_eq!(&received, b"pong");

    assert!(tunnel.ping().await.unwrap() < std::time::Duration::from_secs(10));
    tunnel.close().await;
}
