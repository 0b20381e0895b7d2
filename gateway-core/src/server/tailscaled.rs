//! Asking Tailscale on this computer who an address of the tailnet belongs to: `whois` of its local
//! API, over its socket.

use super::peer_address::{Whois, WhoisFailed};
use std::net::IpAddr;
use std::path::PathBuf;

/// Tailscale on this computer.
#[derive(Debug, Clone)]
pub(super) struct Tailscaled {
    #[cfg_attr(
        not(unix),
        expect(dead_code, reason = "its pipe is not spoken to on Windows")
    )]
    socket: Option<PathBuf>,
}

impl Tailscaled {
    /// Names its socket; without one nobody is ever confirmed.
    pub(super) fn at(socket: Option<PathBuf>) -> Self {
        Self { socket }
    }
}

#[cfg(not(unix))]
impl Whois for Tailscaled {
    fn whois(&self, _: IpAddr) -> impl Future<Output = Result<String, WhoisFailed>> + Send {
        std::future::ready(Err(WhoisFailed))
    }
}

#[cfg(unix)]
impl Whois for Tailscaled {
    async fn whois(&self, address: IpAddr) -> Result<String, WhoisFailed> {
        let socket = self.socket.as_deref().ok_or(WhoisFailed)?;
        let answer = local_api::whois(socket, address).await;
        answer.map_err(|problem| {
            tracing::warn!(%problem, "Tailscale could not be asked");
            WhoisFailed
        })
    }
}

#[cfg(unix)]
mod local_api {
    use bytes::Bytes;
    use http_body_util::{BodyExt as _, Empty, Limited};
    use hyper::client::conn::http1;
    use hyper::header::HOST;
    use hyper::{Request, StatusCode};
    use hyper_util::rt::TokioIo;
    use serde::Deserialize;
    use std::net::IpAddr;
    use std::path::Path;
    use tokio::net::UnixStream;

    /// The name the local API answers to.
    const NAME: &str = "local-tailscaled.sock";
    /// An answer is a few kilobytes.
    const LARGEST: usize = 256 * 1024;

    /// Why an address is nobody's.
    #[derive(Debug, thiserror::Error)]
    pub(super) enum Problem {
        #[error("its socket cannot be used: {0}")]
        Socket(#[from] std::io::Error),
        #[error("its local API does not speak HTTP: {0}")]
        Http(#[from] hyper::Error),
        #[error("it refused: {0}")]
        Refused(StatusCode),
        #[error("its answer is not understood")]
        Answer,
        #[error("the address is a machine's and no user's")]
        NoUser,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        node: Node,
        user_profile: UserProfile,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Node {
        /// A tagged machine belongs to nobody.
        tags: Option<Vec<String>>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct UserProfile {
        login_name: String,
    }

    pub(super) async fn whois(socket: &Path, address: IpAddr) -> Result<String, Problem> {
        let stream = UnixStream::connect(socket).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // An address is digits, dots and colons, all of which may stand in a query.
        let request = Request::get(format!("/localapi/v0/whois?addr={address}"))
            .header(HOST, NAME)
            .body(Empty::<Bytes>::new())
            .map_err(|_| Problem::Answer)?;
        let asking = async {
            let reply = sender.send_request(request).await?;
            if reply.status() != StatusCode::OK {
                return Err(Problem::Refused(reply.status()));
            }
            let body = Limited::new(reply.into_body(), LARGEST).collect().await;
            Ok(body.map_err(|_| Problem::Answer)?.to_bytes())
        };
        tokio::pin!(connection);
        tokio::pin!(asking);
        let body = tokio::select! {
            body = &mut asking => body?,
            ended = &mut connection => {
                ended?;
                asking.await?
            }
        };
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| Problem::Answer)?;
        let is_tagged = answer.node.tags.is_some_and(|tags| !tags.is_empty());
        if is_tagged || answer.user_profile.login_name.trim().is_empty() {
            return Err(Problem::NoUser);
        }
        Ok(answer.user_profile.login_name)
    }
}
