//! Looks for an Ollama on this computer.

use super::provider;
use serde::Deserialize;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Where Ollama listens when nobody told it otherwise.
pub const USUAL_ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 11_434);

/// An Ollama on this computer answers within a few milliseconds; a person waits for the answer.
const PATIENCE: Duration = Duration::from_millis(300);

/// A list longer than this is not Ollama's.
const LARGEST_ANSWER: usize = 256 * 1024;

#[derive(Deserialize)]
struct Tags {
    models: Vec<Tag>,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
}

/// Asks for the names of the models an Ollama at `address` has; `None` when none answers in time.
pub async fn installed_models(address: SocketAddr) -> Option<Vec<String>> {
    tokio::time::timeout(PATIENCE, ask(address)).await.ok()?
}

async fn ask(address: SocketAddr) -> Option<Vec<String>> {
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(provider::tls(false).ok()?)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .ok()?;
    let mut response = client
        .get(format!("http://{address}/api/tags"))
        .send()
        .await
        .ok()
        .filter(|response| response.status().is_success())?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST_ANSWER {
            return None;
        }
    }
    let tags: Tags = serde_json::from_slice(&body).ok()?;
    Some(tags.models.into_iter().map(|tag| tag.name).collect())
}

#[cfg(test)]
mod tests {
    use super::super::provider::tests::server::{Answer, Server};
    use super::*;

    #[tokio::test]
    async fn the_models_of_an_ollama_are_found() {
        let server = Server::answering([Answer::json(
            200,
            r#"{"models":[{"name":"qwen3:8b"},{"name":"phi4"}]}"#,
        )])
        .await;

        let models = installed_models(server.address()).await;

        assert_eq!(models.unwrap(), ["qwen3:8b", "phi4"]);
        assert!(server.requests()[0].starts_with("GET /api/tags "));
    }

    #[tokio::test]
    async fn something_else_on_the_port_is_no_ollama() {
        let server = Server::answering([Answer::json(200, "hello"), Answer::json(404, "{}")]).await;

        assert_eq!(installed_models(server.address()).await, None);
        assert_eq!(installed_models(server.address()).await, None);
    }

    #[tokio::test]
    async fn nobody_there_is_no_ollama() {
        let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = free.local_addr().unwrap();
        drop(free);

        assert_eq!(installed_models(address).await, None);
    }
}
