//! Models reached over HTTP: OpenAI-compatible, Anthropic and Ollama, through the crate `genai`.
//!
//! `genai` knows the wire formats; here are the address, the key, TLS and the limits. It is given a
//! ready HTTP client, so that TLS is rustls with ring and no variable of the environment (proxies)
//! is read. It is given address and headers of each request, so that a key goes where the config
//! says and nowhere else: redirects are not followed.

mod explain;
mod translate;

use super::catalogue::{Api, CatalogueProblem, ModelEntry, ProviderEntry};
use super::model::{Model, ModelChunk, ModelError, ModelErrorKind, ModelRequest, ModelStream};
use crate::credentials::secret::ProviderKey;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use genai::adapter::AdapterKind;
use genai::chat::ChatOptions;
use genai::resolver::{AuthData, Endpoint};
use genai::{Client, Headers, ModelIden, ServiceTarget};
use rustls_platform_verifier::BuilderVerifierExt as _;
use std::sync::Arc;
use std::time::Duration;

/// The version of Anthropic's API the requests are written for.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// How long a provider may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until an answer begins. A local model is loaded from disk in this time.
    pub first_byte: Duration,
    /// Between two pieces of an answer.
    pub between: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(180),
            between: Duration::from_secs(120),
        }
    }
}

/// Why a configured model cannot be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum ProviderSetupError {
    /// Its key cannot be found.
    #[error(transparent)]
    Key(#[from] CatalogueProblem),
    /// The address is none.
    #[error(
        "openclaw.json: models.providers.{provider}.baseUrl must start with http:// or https://"
    )]
    BaseUrl {
        /// The provider.
        provider: String,
    },
    /// The system's certificates cannot be used.
    #[error("the system's certificates cannot be read; install the package ca-certificates")]
    Tls(#[source] rustls::Error),
    /// The HTTP client refused its settings.
    #[error("the HTTP client could not be made")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The model has no provider: it is built in.
    #[error("the built-in helper is not reached over HTTP")]
    Builtin,
}

/// A model of a provider. Keeps connections open, so it is worth keeping between turns.
pub struct HttpModel {
    entry: ModelEntry,
    client: Client,
    url: String,
    key: Option<ProviderKey>,
    patience: Patience,
}

impl HttpModel {
    /// Prepares a model; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// Fails when its key, its address or the system's certificates cannot be used.
    pub fn new(
        entry: &ModelEntry,
        provider: &ProviderEntry,
        patience: Patience,
    ) -> Result<Self, ProviderSetupError> {
        let encrypted = provider.base_url.starts_with("https://");
        let tls = tls(encrypted).map_err(ProviderSetupError::Tls)?;
        Self::with_tls(entry, provider, patience, tls)
    }

    /// As [`Self::new`], with somebody else's word on which certificates are good.
    ///
    /// # Errors
    ///
    /// Fails when its key or its address cannot be used.
    pub fn with_tls(
        entry: &ModelEntry,
        provider: &ProviderEntry,
        patience: Patience,
        tls: rustls::ClientConfig,
    ) -> Result<Self, ProviderSetupError> {
        let key = provider.key.clone()?;
        let url = url(entry.api, &provider.base_url).ok_or(ProviderSetupError::Builtin)?;
        let encrypted = url.starts_with("https://");
        if !encrypted && !url.starts_with("http://") {
            return Err(ProviderSetupError::BaseUrl {
                provider: entry.id.provider().to_owned(),
            });
        }
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(patience.connect)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| ProviderSetupError::Client(error.into()))?;
        Ok(Self {
            entry: entry.clone(),
            client: Client::builder()
                .with_reqwest(http)
                .build()
                .map_err(|error| ProviderSetupError::Client(error.into()))?,
            url,
            key,
            patience,
        })
    }

    fn target(&self) -> ServiceTarget {
        let mut headers = Headers::default();
        if let Some(key) = &self.key {
            match self.entry.api {
                Api::AnthropicMessages => headers.merge(("x-api-key", key.expose())),
                Api::OpenAiCompletions | Api::OpenAiResponses | Api::Ollama | Api::Builtin => {
                    headers.merge(("Authorization", format!("Bearer {}", key.expose())));
                }
            }
        }
        if self.entry.api == Api::AnthropicMessages {
            headers.merge(("anthropic-version", ANTHROPIC_VERSION));
        }
        ServiceTarget {
            // Overridden below, but parsed first.
            endpoint: Endpoint::from_owned(self.url.as_str()),
            auth: AuthData::RequestOverride {
                url: self.url.clone(),
                headers,
            },
            model: ModelIden::new(adapter(self.entry.api), self.entry.id.model()),
        }
    }

    fn options(&self, request: &ModelRequest) -> ChatOptions {
        let options = ChatOptions::default()
            .with_max_tokens(request.max_tokens)
            .with_capture_usage(true)
            .with_capture_tool_calls(true)
            .with_capture_reasoning_content(true)
            .with_stream_header_timeout(self.patience.first_byte)
            .with_stream_read_timeout(self.patience.between);
        match translate::effort(&self.entry, request.thinking) {
            Some(effort) => options.with_reasoning_effort(effort),
            None => options,
        }
    }

    fn error(&self) -> impl Fn(genai::Error) -> ModelError + Send + Sync + 'static + use<> {
        let model = self.entry.id.to_string();
        let key = self.key.clone();
        let host = reqwest::Url::parse(&self.url)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_default();
        move |error| explain::explain(&model, &host, key.as_ref(), error)
    }
}

impl Model for HttpModel {
    fn entry(&self) -> &ModelEntry {
        &self.entry
    }

    fn stream(&self, request: ModelRequest) -> ModelStream {
        let client = self.client.clone();
        let target = self.target();
        let options = self.options(&request);
        let request = translate::request(&self.entry, request);
        let error = Arc::new(self.error());
        let explain_stream = Arc::clone(&error);
        let api = self.entry.api;
        let model = self.entry.id.to_string();
        let started = async move {
            client
                .exec_chat_stream(target, request, Some(&options))
                .await
                .map(|response| response.stream)
                .map_err(|failure| error(failure))
        };
        stream::once(started)
            .map_ok(move |events| {
                let explain_stream = Arc::clone(&explain_stream);
                events.map(move |event| event.map_err(|failure| explain_stream(failure)))
            })
            .try_flatten()
            .map(move |event| match event {
                Ok(event) => translate::chunks(api, &model, event),
                Err(error) => vec![Err(error)],
            })
            .flat_map(stream::iter)
            .boxed()
    }
}

/// Returns where a request goes; `None` for the built-in helper.
///
/// The official config gives Anthropic's address without and Ollama's sometimes with `/v1`.
fn url(api: Api, base: &str) -> Option<String> {
    let base = base.trim_end_matches('/');
    let bare = base.strip_suffix("/v1").unwrap_or(base);
    match api {
        Api::OpenAiCompletions => Some(format!("{base}/chat/completions")),
        Api::OpenAiResponses => Some(format!("{base}/responses")),
        Api::AnthropicMessages => Some(format!("{bare}/v1/messages")),
        Api::Ollama => Some(format!("{bare}/api/chat")),
        Api::Builtin => None,
    }
}

fn adapter(api: Api) -> AdapterKind {
    match api {
        Api::OpenAiCompletions | Api::Builtin => AdapterKind::OpenAI,
        Api::OpenAiResponses => AdapterKind::OpenAIResp,
        Api::AnthropicMessages => AdapterKind::Anthropic,
        Api::Ollama => AdapterKind::Ollama,
    }
}

/// TLS by rustls with ring and the system's own certificates.
///
/// They are read only where they are needed, so that a model on this computer works on a machine
/// without any.
pub(super) fn tls(encrypted: bool) -> Result<rustls::ClientConfig, rustls::Error> {
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()?;
    if encrypted {
        Ok(builder.with_platform_verifier()?.with_no_client_auth())
    } else {
        Ok(builder
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth())
    }
}

/// Makes the error of an answer that ended without saying why.
pub(super) fn cut(model: &str) -> ModelError {
    ModelError {
        kind: ModelErrorKind::CutStream,
        model: model.to_owned(),
        message: "the answer broke off".to_owned(),
        status: None,
        retry_after: None,
    }
}

#[cfg(test)]
pub(crate) mod tests;
