//! Which models `openclaw.json` names, where they are reached and which one answers.
//!
//! Built from the parsed config; keys are resolved through a lookup that is handed in, because this
//! crate reads no environment. A place in the config that cannot be used is named, its value never.

mod read;

use crate::credentials::secret::ProviderKey;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The window a model is taken to have when the config says nothing, in tokens; models in use today
/// have at least this.
const DEFAULT_CONTEXT_WINDOW: u32 = 32_768;

/// Room for an answer when the config says nothing.
const DEFAULT_MAX_TOKENS: u32 = 4_096;

/// A model's full name: `provider/model`. The model's own part may hold further slashes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelId {
    provider: String,
    model: String,
}

impl ModelId {
    /// Joins the two parts.
    pub fn new(provider: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            provider: provider.into(),
            model: model.into(),
        }
    }

    /// Returns the part before the first slash.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// Returns the name the provider itself uses.
    pub fn model(&self) -> &str {
        &self.model
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

/// A text that is no `provider/model`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a model is named \"provider/model\"")]
pub struct NotAModelId;

impl FromStr for ModelId {
    type Err = NotAModelId;

    fn from_str(text: &str) -> Result<Self, NotAModelId> {
        match text.trim().split_once('/') {
            Some((provider, model)) if !provider.is_empty() && !model.is_empty() => {
                Ok(Self::new(provider, model))
            }
            Some(_) | None => Err(NotAModelId),
        }
    }
}

/// Which of the wire formats a provider speaks; `models.providers.<id>.api`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// `POST …/chat/completions`, answered by server-sent events.
    OpenAiCompletions,
    /// `POST …/responses`, answered by server-sent events.
    OpenAiResponses,
    /// `POST …/v1/messages`, answered by server-sent events.
    AnthropicMessages,
    /// `POST …/api/chat`, answered by one JSON object per line.
    Ollama,
    /// No provider: the helper that is built in.
    Builtin,
}

impl Api {
    /// Returns the name `openclaw.json` and stored messages use.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAiCompletions => "openai-completions",
            Self::OpenAiResponses => "openai-responses",
            Self::AnthropicMessages => "anthropic-messages",
            Self::Ollama => "ollama",
            Self::Builtin => "builtin",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [
            Self::OpenAiCompletions,
            Self::OpenAiResponses,
            Self::AnthropicMessages,
            Self::Ollama,
        ]
        .into_iter()
        .find(|api| api.name() == name)
    }
}

/// What a million tokens cost, in the currency the config's author had in mind (US dollars).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Prices {
    /// Of what is sent.
    pub input: f64,
    /// Of what is answered.
    pub output: f64,
    /// Of what is sent and was kept by the provider.
    pub cache_read: f64,
    /// Of what is sent for the provider to keep.
    pub cache_write: f64,
}

/// One model of the config.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelEntry {
    /// Its full name.
    pub id: ModelId,
    /// What people are shown.
    pub name: String,
    /// In tokens: what question and answer may hold together.
    pub context_window: u32,
    /// In tokens: the longest answer.
    pub max_tokens: u32,
    /// Whether it can be asked to think before it answers.
    pub reasoning: bool,
    /// Whether it takes images beside text.
    pub images: bool,
    /// What it costs.
    pub prices: Prices,
    /// The wire format it is asked in.
    pub api: Api,
}

/// Where a provider is reached and with which key.
#[derive(Debug, Clone)]
pub struct ProviderEntry {
    /// `models.providers.<id>.baseUrl`, as written.
    pub base_url: String,
    /// The key, where one is configured. A key that cannot be found spoils its own provider only.
    pub key: Result<Option<ProviderKey>, CatalogueProblem>,
}

/// One agent of `agents.list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentEntry {
    /// Its id, as in session keys.
    pub id: String,
    /// What people are shown.
    pub name: Option<String>,
    /// Whether sessions without an agent are its own.
    pub is_default: bool,
    /// Its model, where it has its own.
    pub model: Option<ModelId>,
    /// Its folder, where it has its own.
    pub workspace: Option<PathBuf>,
}

/// A place in `openclaw.json` that cannot be used. Never holds the value found there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("openclaw.json: {at} {problem}")]
pub struct CatalogueProblem {
    /// The dotted key.
    pub at: String,
    /// What is wrong and how to mend it.
    pub problem: String,
}

/// Finds a variable of the environment the gateway was started with.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Every model of the config, and which one answers.
#[derive(Debug, Clone, Default)]
pub struct ModelCatalogue {
    models: Vec<ModelEntry>,
    providers: BTreeMap<String, ProviderEntry>,
    primary: Option<ModelId>,
    fallbacks: Vec<ModelId>,
    workspace: Option<PathBuf>,
    agents: Vec<AgentEntry>,
}

impl ModelCatalogue {
    /// Reads the parts `models.providers`, `agents.defaults` and `agents.list` of a parsed config.
    ///
    /// # Errors
    ///
    /// Names the first place that has the wrong shape. A key that refers to a variable that is not
    /// set, or to a file that cannot be used, is kept as the problem of its provider. Files are read
    /// now; `home` is what a `~` in their paths stands for.
    pub fn from_config(
        config: &Value,
        lookup: Lookup<'_>,
        home: Option<&Path>,
    ) -> Result<Self, CatalogueProblem> {
        read::catalogue(config, lookup, home)
    }

    /// Returns every model, in the order of the config.
    pub fn models(&self) -> &[ModelEntry] {
        &self.models
    }

    /// Returns the model that answers when a session has none of its own.
    pub fn primary(&self) -> Option<&ModelId> {
        self.primary.as_ref()
    }

    /// Returns the models to try, in order, when the primary one fails.
    pub fn fallbacks(&self) -> &[ModelId] {
        &self.fallbacks
    }

    /// Returns `agents.defaults.workspace`, as written.
    pub fn workspace(&self) -> Option<&PathBuf> {
        self.workspace.as_ref()
    }

    /// Returns `agents.list`.
    pub fn agents(&self) -> &[AgentEntry] {
        &self.agents
    }

    /// Finds a model and its provider.
    pub fn find(&self, id: &ModelId) -> Option<(&ModelEntry, &ProviderEntry)> {
        let entry = self.models.iter().find(|entry| &entry.id == id)?;
        Some((entry, self.providers.get(id.provider())?))
    }
}

#[cfg(test)]
mod tests;
