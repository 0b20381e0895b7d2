//! The models a configuration names, made ready; the built-in helper where it names none.

use super::GatewayConfig;
use super::session_keys::DEFAULT_AGENT;
use super::session_rows::ModelInUse;
use crate::agent::builtin::{BuiltinHelper, MODEL as HELPER, PROVIDER as BUILTIN};
use crate::agent::catalogue::{ModelCatalogue, ModelId};
use crate::agent::model::{Model, Thinking};
use crate::agent::ollama;
use crate::agent::provider::{HttpModel, Patience};
use crate::store::SessionRecord;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tracing::warn;

/// The models that can answer.
pub(super) struct Agents {
    environment: BTreeMap<String, String>,
    home: Option<PathBuf>,
    helper: Arc<dyn Model>,
    time_zone: TimeZone,
    /// What the configuration says now; a turn that goes on keeps what it began with.
    now: Mutex<Arc<Configured>>,
}

/// The models of one state of the configuration.
struct Configured {
    catalogue: Result<ModelCatalogue, String>,
    /// A model keeps its connections, so each is made once.
    ready: Mutex<HashMap<ModelId, Arc<dyn Model>>>,
}

/// The agents a client may name.
pub(super) struct AgentNames {
    /// The one that is meant where none is named.
    pub(super) default: String,
    /// All of them.
    pub(super) all: Vec<String>,
}

impl fmt::Debug for Agents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agents").finish_non_exhaustive()
    }
}

impl Agents {
    /// Reads the models of the configuration. A mistake in it is told whenever a model is needed;
    /// everything else of the gateway works.
    pub(super) fn new(config: &GatewayConfig) -> Self {
        let time_zone = config.time_zone.clone();
        let zone = time_zone.clone();
        let helper = BuiltinHelper::new(
            Arc::new(move || local_time(&zone)),
            Arc::new(|| Box::pin(ollama::installed_models(ollama::USUAL_ADDRESS))),
        );
        let agents = Self {
            environment: config.environment.clone(),
            home: config.home.clone(),
            helper: Arc::new(helper),
            time_zone,
            now: Mutex::new(Arc::new(Configured {
                catalogue: Ok(ModelCatalogue::default()),
                ready: Mutex::default(),
            })),
        };
        agents.configure(|| config.openclaw_json.clone());
        agents
    }

    /// Takes the models of a configuration that has changed; the next turn is the first to use them.
    /// Blocks on files that hold keys.
    pub(super) fn configure(&self, config: impl FnOnce() -> Value) {
        // Held while the configuration is looked at, so that of two changes the later one stays.
        let mut now = super::held(&self.now);
        let catalogue = self.read(&config());
        if let Err(problem) = &catalogue {
            warn!(%problem, "the models of openclaw.json cannot be used");
        }
        *now = Arc::new(Configured {
            catalogue,
            ready: Mutex::default(),
        });
    }

    /// Reads the models of a configuration.
    ///
    /// # Errors
    ///
    /// Names the place that cannot be used.
    pub(super) fn read(&self, config: &Value) -> Result<ModelCatalogue, String> {
        let lookup = |name: &str| self.environment.get(name).cloned();
        ModelCatalogue::from_config(config, &lookup, self.home.as_deref())
            .map_err(|problem| problem.to_string())
    }

    fn now(&self) -> Arc<Configured> {
        super::held(&self.now).clone()
    }

    /// Returns the agents a client may name.
    pub(super) fn names(&self) -> AgentNames {
        let now = self.now();
        let mut all = vec![DEFAULT_AGENT.to_owned()];
        for agent in now.catalogue.iter().flat_map(ModelCatalogue::agents) {
            if !all.contains(&agent.id) {
                all.push(agent.id.clone());
            }
        }
        AgentNames {
            default: DEFAULT_AGENT.to_owned(),
            all,
        }
    }

    /// Returns date and time where the gateway is, as people write them.
    pub(super) fn local_time(&self) -> String {
        local_time(&self.time_zone)
    }

    /// Returns the name of the time zone, as far as it has one.
    pub(super) fn time_zone(&self) -> &str {
        self.time_zone.iana_name().unwrap_or("UTC")
    }

    /// Returns whether an AI model is configured.
    pub(super) fn has_model(&self) -> bool {
        self.now().default_id().is_some()
    }

    /// Returns the model that is used where nothing was chosen.
    pub(super) fn default_model(&self) -> String {
        self.now()
            .default_id()
            .map_or_else(|| format!("{BUILTIN}/{HELPER}"), |id| id.to_string())
    }

    /// Returns the model a conversation uses.
    pub(super) fn model_of(&self, record: Option<&SessionRecord>) -> ModelInUse {
        let now = self.now();
        let chosen = record.and_then(chosen);
        let id = chosen.as_ref().or(now.default_id());
        let entry = id.and_then(|id| Some(now.catalogue.as_ref().ok()?.find(id)?.0));
        match entry {
            Some(entry) => ModelInUse {
                provider: entry.id.provider().to_owned(),
                model: entry.id.model().to_owned(),
                context_tokens: u64::from(entry.context_window),
            },
            None => ModelInUse {
                provider: BUILTIN.to_owned(),
                model: HELPER.to_owned(),
                context_tokens: u64::from(self.helper.entry().context_window),
            },
        }
    }

    /// Returns nothing where a model of this name can be chosen, and otherwise why not.
    pub(super) fn check(&self, id: &str) -> Result<(), String> {
        let Ok(parsed) = id.parse::<ModelId>() else {
            return Err(format!("Model {id:?} is not written as provider/model."));
        };
        if parsed.provider() == BUILTIN && parsed.model() == HELPER {
            return Ok(());
        }
        let now = self.now();
        let catalogue = now.catalogue.as_ref().map_err(Clone::clone)?;
        if catalogue.find(&parsed).is_some() {
            return Ok(());
        }
        let knows_provider = catalogue
            .models()
            .iter()
            .any(|model| model.id.provider() == parsed.provider());
        Err(if knows_provider {
            format!("Unknown model {id:?}. Use /models to list models.")
        } else {
            let provider = parsed.provider();
            format!("Unknown provider {provider:?}. Use /models to list providers.")
        })
    }

    /// Returns the models as `models.list` shows them.
    pub(super) fn list(&self) -> Vec<Value> {
        let now = self.now();
        let chosen = self.default_model();
        let tags = |id: &str| {
            if id == chosen {
                json!(["default"])
            } else {
                json!([])
            }
        };
        let mut list: Vec<Value> = now
            .catalogue
            .iter()
            .flat_map(ModelCatalogue::models)
            .map(|model| {
                json!({
                    "id": model.id.model(), "name": model.name, "provider": model.id.provider(),
                    "contextWindow": model.context_window, "reasoning": model.reasoning,
                    "input": if model.images { json!(["text", "image"]) } else { json!(["text"]) },
                    "local": now.is_local(&model.id), "tags": tags(&model.id.to_string()),
                    "thinkingLevels": [{"id": "off", "label": "off"}], "thinkingDefault": "off",
                    "available": true,
                })
            })
            .collect();
        let helper = self.helper.entry();
        list.push(json!({
            "id": HELPER, "name": helper.name, "provider": BUILTIN,
            "contextWindow": helper.context_window, "reasoning": false, "input": ["text"],
            "local": true, "tags": tags(&format!("{BUILTIN}/{HELPER}")),
            "thinkingLevels": [{"id": "off", "label": "off"}], "thinkingDefault": "off",
            "available": true,
        }));
        list
    }

    /// Returns who answers in a conversation, and who does when that one cannot.
    ///
    /// # Errors
    ///
    /// A sentence that names what is wrong with the configuration.
    pub(super) fn for_session(&self, record: &SessionRecord) -> Result<Answerers, String> {
        let now = self.now();
        let catalogue = now.catalogue.as_ref().map_err(Clone::clone)?;
        let Some(id) = chosen(record).or_else(|| catalogue.primary().cloned()) else {
            return Ok((self.helper.clone(), Vec::new()));
        };
        if id.provider() == BUILTIN {
            return Ok((self.helper.clone(), Vec::new()));
        }
        let model = now.ready(catalogue, &id)?;
        // A fallback that cannot be used is no reason not to ask the first.
        let fallbacks = catalogue
            .fallbacks()
            .iter()
            .filter(|fallback| **fallback != id)
            .filter_map(|fallback| now.ready(catalogue, fallback).ok())
            .collect();
        Ok((model, fallbacks))
    }
}

impl Configured {
    fn default_id(&self) -> Option<&ModelId> {
        self.catalogue.as_ref().ok()?.primary()
    }

    /// Returns whether a model runs on this computer.
    fn is_local(&self, id: &ModelId) -> bool {
        let provider = self.catalogue.iter().find_map(|found| found.find(id));
        provider
            .and_then(|(_, provider)| reqwest::Url::parse(&provider.base_url).ok())
            .is_some_and(|url| match url.host_str() {
                Some("localhost" | "[::1]") => true,
                Some(host) => host.starts_with("127."),
                None => false,
            })
    }

    fn ready(&self, catalogue: &ModelCatalogue, id: &ModelId) -> Result<Arc<dyn Model>, String> {
        let mut ready = super::held(&self.ready);
        if let Some(model) = ready.get(id) {
            return Ok(model.clone());
        }
        let (entry, provider) = catalogue
            .find(id)
            .ok_or_else(|| format!("the model {id} is not in models.providers of openclaw.json"))?;
        let model = HttpModel::new(entry, provider, Patience::default())
            .map_err(|problem| problem.to_string())?;
        let model: Arc<dyn Model> = Arc::new(model);
        ready.insert(id.clone(), model.clone());
        Ok(model)
    }
}

/// Who answers first, and who after that.
pub(super) type Answerers = (Arc<dyn Model>, Vec<Arc<dyn Model>>);

fn chosen(record: &SessionRecord) -> Option<ModelId> {
    record.model.as_deref()?.parse().ok()
}

/// Returns how long a conversation's model is to think.
pub(super) fn thinking_of(record: &SessionRecord) -> Thinking {
    match record.thinking_level.as_deref() {
        Some("minimal" | "low") => Thinking::Low,
        Some("medium") => Thinking::Medium,
        Some("high") => Thinking::High,
        Some(_) | None => Thinking::Off,
    }
}

fn local_time(zone: &TimeZone) -> String {
    let now = Timestamp::now().to_zoned(zone.clone());
    now.strftime("%A %Y-%m-%d %H:%M %Z").to_string()
}
