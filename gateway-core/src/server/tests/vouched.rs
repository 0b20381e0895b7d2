//! Signing in by somebody else's word: a real proxy in front that adds fields, and a socket that
//! answers as Tailscale's does.

use super::exposure::TrustedProxyAuth;
use super::people::*;
use super::*;
use crate::client::ConnectError;
use crate::protocol::WireError;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const FORWARDED: &str = "X-Forwarded-For: 100.64.0.7\r\n";

/// The gateway's name in the tailnet.
#[cfg(unix)]
const NAME: &str = "pi.example.ts.net";

/// A proxy that adds fields to every request.
struct Proxy {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Proxy {
    async fn before(gateway: SocketAddr, fields: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let mut server = TcpStream::connect(gateway).await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await.unwrap());
                }
                head.truncate(head.len() - 2);
                head.extend(fields.as_bytes());
                head.extend(b"\r\n");
                server.write_all(&head).await.unwrap();
                tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
            }
        });
        Self { address, task }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Connects without any credential, through a proxy that adds these fields.
async fn through(
    gateway: SocketAddr,
    fields: &str,
    seed: u64,
) -> Result<Established, ConnectError> {
    // What the gateway is called stays what the client called it.
    through_as(&gateway.to_string(), gateway, fields, seed).await
}

async fn through_as(
    host: &str,
    gateway: SocketAddr,
    fields: &str,
    seed: u64,
) -> Result<Established, ConnectError> {
    let proxy = Proxy::before(gateway, fields.to_owned()).await;
    let stream = TcpStream::connect(proxy.address).await.unwrap();
    let hello = HelloRequest::operator(device(seed), Credentials::default());
    client::connect(stream, host, hello, ClientLimits::default()).await
}

/// Returns what hello says was accepted.
fn method_of(established: &Established) -> Option<&str> {
    established.hello.auth.as_ref()?.method.as_deref()
}

fn code(refused: Result<Established, ConnectError>) -> String {
    let refused = refused.map(|_| ()).expect_err("it was let in");
    let ConnectError::Refused { error, .. } = refused else {
        panic!("{refused:?}");
    };
    let WireError { details, .. } = *error;
    details.unwrap()["code"].as_str().unwrap().to_owned()
}

fn by_proxy(allow: &[&str]) -> LocalAuth {
    LocalAuth::TrustedProxy(TrustedProxyAuth {
        user_header: "x-user".to_owned(),
        required_headers: vec!["x-proven".to_owned()],
        allow_users: allow.iter().map(|user| (*user).to_owned()).collect(),
    })
}

#[tokio::test]
async fn a_trusted_proxys_user_gets_in_with_an_approved_device_and_nobody_else_does() {
    // The device is approved while the gateway has a token.
    let running = running().await;
    running.connect(1).await;
    running.gateway.stop().await;
    let mut config = config(&running.folder);
    config.exposure.auth = by_proxy(&["ada"]);
    config.exposure.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    let gateway = Gateway::start(config).await.unwrap();
    let address = gateway.addresses()[0];
    let right = format!("{FORWARDED}X-User: ada\r\nX-Proven: yes\r\n");

    let established = through(address, &right, 1).await.unwrap();
    assert_eq!(method_of(&established), Some("trusted-proxy"));
    // A stranger's device is not approved by the proxy's word.
    assert_eq!(code(through(address, &right, 2).await), "PAIRING_REQUIRED");
    for (fields, expected) in [
        (
            format!("{FORWARDED}X-User: bo\r\nX-Proven: yes\r\n"),
            "AUTH_UNAUTHORIZED",
        ),
        (
            format!("{FORWARDED}X-Proven: yes\r\n"),
            "AUTH_IDENTITY_HEADER_REQUIRED",
        ),
        (
            format!("{FORWARDED}X-User: ada\r\n"),
            "AUTH_IDENTITY_HEADER_REQUIRED",
        ),
        (
            format!("{right}X-User: ada\r\n"),
            "AUTH_IDENTITY_HEADER_REQUIRED",
        ),
        (
            "X-User: ada\r\nX-Proven: yes\r\n".to_owned(),
            "AUTH_UNAUTHORIZED",
        ),
        (String::new(), "AUTH_UNAUTHORIZED"),
    ] {
        assert_eq!(
            code(through(address, &fields, 1).await),
            expected,
            "{fields}"
        );
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_proxy_that_is_not_trusted_speaks_for_nobody() {
    let folder = TempDir::new().unwrap();
    let mut config = config(&folder);
    config.exposure.auth = by_proxy(&[]);
    config.exposure.trusted_proxies = vec!["10.0.0.1".parse().unwrap()];
    let gateway = Gateway::start(config).await.unwrap();
    let right = format!("{FORWARDED}X-User: ada\r\nX-Proven: yes\r\n");

    // Not even the upgrade: somebody lies, or a proxy was forgotten.
    let refused = through(gateway.addresses()[0], &right, 1).await;
    assert!(matches!(refused, Err(ref why) if !matches!(why, ConnectError::Refused { .. })));
    gateway.stop().await;
}

/// Answers as Tailscale's local API does: the login of each address, or none.
#[cfg(unix)]
fn tailscale(folder: &TempDir) -> std::path::PathBuf {
    let path = folder.path().join("tailscaled.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap().to_lowercase();
            assert!(head.contains("host: local-tailscaled.sock"), "{head}");
            let answer = |node: Value, login: &str| {
                let body = json!({"Node": node, "UserProfile": {"ID": 7, "LoginName": login}});
                let body = body.to_string();
                format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                )
            };
            let reply = if head.starts_with("get /localapi/v0/whois?addr=100.64.0.7 ") {
                answer(json!({"ID": 1}), "ada@example.com")
            } else if head.starts_with("get /localapi/v0/whois?addr=100.64.0.8 ") {
                answer(json!({"Tags": ["tag:server"]}), "tagged-devices")
            } else {
                "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned()
            };
            stream.write_all(reply.as_bytes()).await.unwrap();
        }
    });
    path
}

#[cfg(unix)]
fn served(login: &str, address: &str) -> String {
    format!(
        "Tailscale-User-Login: {login}\r\nX-Forwarded-For: {address}\r\n\
         X-Forwarded-Proto: https\r\nX-Forwarded-Host: pi.example.ts.net\r\n"
    )
}

#[cfg(unix)]
#[tokio::test]
async fn tailscales_user_gets_in_over_the_managed_listener_once_tailscale_says_the_same() {
    let folder = TempDir::new().unwrap();
    let mut config = config(&folder);
    config.exposure.tailscale = TailscaleMode::Serve;
    config.exposure.allow_tailscale = true;
    // By this name Tailscale Serve is called; without it the Host is a stranger's.
    config.openclaw_json =
        json!({"gateway": {"controlUi": {"allowedOrigins": [format!("https://{NAME}")]}}});
    config.tailscaled = Some(tailscale(&folder));
    let gateway = Gateway::start(config).await.unwrap();
    let running = Running { gateway, folder };
    // Approved on this computer, with the token.
    running.connect(1).await;
    let managed = running.gateway.managed_address().unwrap();
    assert!(managed.ip().is_loopback());
    let ada = served("ada@example.com", "100.64.0.7");
    let established = through_as(NAME, managed, &ada, 1).await.unwrap();

    assert_eq!(method_of(&established), Some("tailscale"));
    assert_eq!(
        code(through_as(NAME, managed, &ada, 2).await),
        "PAIRING_REQUIRED"
    );
    for (fields, expected) in [
        (
            served("bo@example.com", "100.64.0.7"),
            "AUTH_TAILSCALE_IDENTITY_MISMATCH",
        ),
        (
            served("tagged-devices", "100.64.0.8"),
            "AUTH_TAILSCALE_WHOIS_FAILED",
        ),
        (
            served("ada@example.com", "100.64.0.9"),
            "AUTH_TAILSCALE_WHOIS_FAILED",
        ),
        (
            format!("Tailscale-User-Login: ada@example.com\r\n{FORWARDED}"),
            "AUTH_TAILSCALE_PROXY_MISSING",
        ),
        // Without its word there is nothing: a token is needed like everywhere.
        (FORWARDED.to_owned(), "AUTH_TOKEN_MISSING"),
    ] {
        assert_eq!(
            code(through_as(NAME, managed, &fields, 1).await),
            expected,
            "{fields}"
        );
    }
    // Everywhere else the same fields are a lie.
    let ordinary = running.gateway.addresses()[0];
    let refused = through_as(NAME, ordinary, &ada, 1).await;
    assert!(matches!(refused, Err(ref why) if !matches!(why, ConnectError::Refused { .. })));
    running.gateway.stop().await;
}

#[tokio::test]
async fn there_is_no_managed_listener_unless_tailscale_serves_and_is_allowed_to_speak() {
    for (mode, allow) in [
        (TailscaleMode::Off, false),
        (TailscaleMode::Off, true),
        (TailscaleMode::Serve, false),
        (TailscaleMode::Funnel, true),
    ] {
        let running = running_with(|config| {
            config.exposure.tailscale = mode;
            config.exposure.allow_tailscale = allow;
        })
        .await;
        assert_eq!(running.gateway.managed_address(), None, "{mode:?} {allow}");
        running.gateway.stop().await;
    }
}
