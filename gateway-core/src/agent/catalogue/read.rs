//! Reads the catalogue out of the parsed config, place by place.

use super::{
    AgentEntry, Api, CatalogueProblem, DEFAULT_CONTEXT_WINDOW, DEFAULT_MAX_TOKENS, Lookup,
    ModelCatalogue, ModelEntry, ModelId, Prices, ProviderEntry,
};
use crate::config::private_file;
use crate::credentials::secret::ProviderKey;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// A value and where it stands, so that a problem can name the place.
struct Place<'a> {
    at: String,
    value: Option<&'a Value>,
}

pub(super) fn catalogue(
    config: &Value,
    lookup: Lookup<'_>,
    home: Option<&Path>,
) -> Result<ModelCatalogue, CatalogueProblem> {
    let root = Place {
        at: String::new(),
        value: Some(config),
    };
    let mut catalogue = ModelCatalogue::default();
    let providers = root.member("models").member("providers");
    for (id, _) in providers.object()?.into_iter().flatten() {
        let place = providers.member(id);
        // `models` may only adjust prices of a provider the official program knows by itself;
        // without an address there is nothing we could ask.
        let Some(base_url) = place.member("baseUrl").text()? else {
            continue;
        };
        let api = api(&place.member("api"), id)?;
        for index in 0..place.member("models").length()? {
            let model = model(&place.member("models").element(index), id, api)?;
            catalogue.models.push(model);
        }
        let files = Files {
            providers: root.member("secrets").member("providers"),
            home,
        };
        let key = key(&place.member("apiKey"), lookup, &files);
        let base_url = base_url.to_owned();
        catalogue
            .providers
            .insert(id.clone(), ProviderEntry { base_url, key });
    }
    let defaults = root.member("agents").member("defaults");
    let model = defaults.member("model");
    if let Some(Value::Object(_)) = model.value {
        catalogue.primary = model.member("primary").model_id()?;
        let fallbacks = model.member("fallbacks");
        for index in 0..fallbacks.length()? {
            catalogue
                .fallbacks
                .extend(fallbacks.element(index).model_id()?);
        }
    } else {
        catalogue.primary = model.model_id()?;
    }
    catalogue.workspace = defaults.member("workspace").text()?.map(PathBuf::from);
    let agents = root.member("agents").member("list");
    for index in 0..agents.length()? {
        catalogue.agents.push(agent(&agents.element(index))?);
    }
    Ok(catalogue)
}

fn api(place: &Place<'_>, provider: &str) -> Result<Api, CatalogueProblem> {
    match place.text()? {
        // The two providers whose name says what they speak.
        None if provider == "anthropic" => Ok(Api::AnthropicMessages),
        None if provider == "ollama" => Ok(Api::Ollama),
        None => Ok(Api::OpenAiCompletions),
        Some(name) => Api::named(name).ok_or_else(|| {
            place.problem(
                "must be \"openai-completions\", \"openai-responses\", \"anthropic-messages\" or \"ollama\"",
            )
        }),
    }
}

fn model(
    place: &Place<'_>,
    provider: &str,
    provider_api: Api,
) -> Result<ModelEntry, CatalogueProblem> {
    let id = place
        .member("id")
        .text()?
        .ok_or_else(|| place.member("id").problem("is missing"))?;
    let api = match place.member("api").value {
        Some(_) => api(&place.member("api"), provider)?,
        None => provider_api,
    };
    let cost = place.member("cost");
    Ok(ModelEntry {
        id: ModelId::new(provider, id),
        name: place.member("name").text()?.unwrap_or(id).to_owned(),
        context_window: place
            .member("contextWindow")
            .count()?
            .unwrap_or(DEFAULT_CONTEXT_WINDOW),
        max_tokens: place
            .member("maxTokens")
            .count()?
            .unwrap_or(DEFAULT_MAX_TOKENS),
        reasoning: place
            .member("reasoning")
            .value
            .and_then(Value::as_bool)
            .unwrap_or(false),
        images: place
            .member("input")
            .value
            .and_then(Value::as_array)
            .is_some_and(|kinds| kinds.iter().any(|kind| kind == "image")),
        prices: Prices {
            input: cost.amount("input"),
            output: cost.amount("output"),
            cache_read: cost.amount("cacheRead"),
            cache_write: cost.amount("cacheWrite"),
        },
        api,
    })
}

fn agent(place: &Place<'_>) -> Result<AgentEntry, CatalogueProblem> {
    let model = place.member("model");
    let model = match model.value {
        Some(Value::Object(_)) => model.member("primary"),
        Some(_) | None => model,
    };
    Ok(AgentEntry {
        id: place
            .member("id")
            .text()?
            .ok_or_else(|| place.member("id").problem("is missing"))?
            .to_owned(),
        name: place.member("name").text()?.map(str::to_owned),
        is_default: place.member("default").value == Some(&Value::Bool(true)),
        model: model.model_id()?,
        workspace: place.member("workspace").text()?.map(PathBuf::from),
    })
}

/// Follows what stands in place of a key: a text, `"${NAME}"`, `{source: "env", id}`, or
/// `{source: "file", provider, id}`.
fn key(
    place: &Place<'_>,
    lookup: Lookup<'_>,
    files: &Files<'_>,
) -> Result<Option<ProviderKey>, CatalogueProblem> {
    let variable = |name: &str| match lookup(name).filter(|text| !text.trim().is_empty()) {
        Some(text) => Ok(Some(ProviderKey::new(text.trim()))),
        None => Err(place.problem(&format!(
            "refers to the variable {name}, which is not set; set it where the gateway is started"
        ))),
    };
    match place.value {
        Some(Value::Object(reference)) => {
            let part = |name: &str| reference.get(name).and_then(Value::as_str);
            match (part("source"), part("id")) {
                (Some("env"), Some(id)) => variable(id),
                (Some("env"), None) => Err(place.problem("needs an id")),
                (Some("file"), id) => files
                    .read(place, part("provider"), id.unwrap_or_default())
                    .map(Some),
                (Some("exec"), _) => Err(place.problem(
                    "comes from a program, and this gateway starts none for a secret; use \"${NAME}\", source \"env\" or source \"file\"",
                )),
                (Some(_) | None, _) => Err(place.problem(
                    "refers to a secret this gateway cannot follow; use \"${NAME}\", source \"env\" or source \"file\"",
                )),
            }
        }
        Some(_) | None => match place.text()? {
            None => Ok(None),
            Some(text) => match text
                .strip_prefix("${")
                .and_then(|rest| rest.strip_suffix('}'))
            {
                Some(name) => variable(name),
                None => Ok(Some(ProviderKey::new(text))),
            },
        },
    }
}

/// The files secrets are kept in: `secrets.providers.<name>` with source `file`.
struct Files<'a> {
    providers: Place<'a>,
    home: Option<&'a Path>,
}

impl Files<'_> {
    /// Reads one key. The file must be closed to everybody else. Nothing of its text is ever told.
    fn read(
        &self,
        place: &Place<'_>,
        provider: Option<&str>,
        id: &str,
    ) -> Result<ProviderKey, CatalogueProblem> {
        let name = provider.unwrap_or("default");
        let provider = self.providers.member(name);
        let (source, path, mode) = (
            provider.member("source"),
            provider.member("path"),
            provider.member("mode"),
        );
        let (Some("file"), Some(path)) = (source.text()?, path.text()?) else {
            return Err(place.problem(&format!(
                "refers to secrets.providers.{name}, which names no file; set its source to \"file\" and its path"
            )));
        };
        let path = match (path.strip_prefix("~/"), self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            (Some(_) | None, _) => PathBuf::from(path),
        };
        let text = private_file::read_secret(&path)
            .map_err(|problem| place.problem(&format!("cannot be read: {problem}")))?;
        let is_single = mode.text()? == Some("singleValue");
        let key = if is_single {
            Some(text.trim().to_owned())
        } else {
            // The parser's own words might quote the secret.
            serde_json::from_str::<Value>(&text)
                .map_err(|_| {
                    place.problem(&format!("cannot be read: {} is not JSON", path.display()))
                })?
                .pointer(id)
                .and_then(Value::as_str)
                .map(|key| key.trim().to_owned())
        };
        key.filter(|key| !key.is_empty())
            .map(ProviderKey::new)
            .ok_or_else(|| {
                let (path, at) = (path.display(), if is_single { "" } else { id });
                place.problem(&format!(
                    "refers to {path}, which holds no text there ({at:?})"
                ))
            })
    }
}

impl<'a> Place<'a> {
    fn member(&self, key: &str) -> Self {
        let at = if self.at.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.at)
        };
        let value = self.value.and_then(|value| value.get(key));
        Self {
            at,
            value: value.filter(|value| !value.is_null()),
        }
    }

    fn element(&self, index: usize) -> Self {
        Self {
            at: format!("{}[{index}]", self.at),
            value: self.value.and_then(|value| value.get(index)),
        }
    }

    fn problem(&self, problem: &str) -> CatalogueProblem {
        CatalogueProblem {
            at: self.at.clone(),
            problem: problem.to_owned(),
        }
    }

    fn object(&self) -> Result<Option<&'a Map<String, Value>>, CatalogueProblem> {
        match self.value {
            None => Ok(None),
            Some(value) => value
                .as_object()
                .map(Some)
                .ok_or_else(|| self.problem("must be an object")),
        }
    }

    fn length(&self) -> Result<usize, CatalogueProblem> {
        match self.value {
            None => Ok(0),
            Some(value) => value
                .as_array()
                .map(Vec::len)
                .ok_or_else(|| self.problem("must be a list")),
        }
    }

    fn text(&self) -> Result<Option<&'a str>, CatalogueProblem> {
        match self.value {
            None => Ok(None),
            Some(value) => value
                .as_str()
                .map(|text| Some(text.trim()).filter(|text| !text.is_empty()))
                .ok_or_else(|| self.problem("must be a text in quotes")),
        }
    }

    fn count(&self) -> Result<Option<u32>, CatalogueProblem> {
        match self.value {
            None => Ok(None),
            Some(value) => value
                .as_u64()
                .and_then(|count| u32::try_from(count).ok())
                .filter(|count| *count > 0)
                .map(Some)
                .ok_or_else(|| self.problem("must be a whole number above 0")),
        }
    }

    fn amount(&self, key: &str) -> f64 {
        self.member(key)
            .value
            .and_then(Value::as_f64)
            .unwrap_or(0.0)
    }

    fn model_id(&self) -> Result<Option<ModelId>, CatalogueProblem> {
        self.text()?
            .map(|text| {
                text.parse()
                    .map_err(|_| self.problem("must be \"provider/model\""))
            })
            .transpose()
    }
}
