//! What clients change of the configuration: an overlay of our own over the official
//! `openclaw.json`, which is never written.
//!
//! The overlay is a merge patch (RFC 7396) in `config-overlay.json5` of the state folder: what it
//! names wins, null takes away. It is read when the gateway starts; a change of models, agents'
//! models or tools holds from the next turn on.

use super::config_redaction::{redacted, restored};
use crate::config::document::Document;
use crate::config::private_file::{self, PrivateFileError};
use crate::store::{StoreError, Unwritable};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use serde_json::{Map, Value, json};
use sha2::Sha256;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

const FILE: &str = "config-overlay.json5";
/// Settings that the program settles before the gateway starts: where it listens, with which
/// secret. They are `openclaw.json`'s alone.
const BEFORE_START: &str = "gateway";

/// The configuration of a running gateway.
pub(super) struct ConfigOverlay {
    path: PathBuf,
    /// `openclaw.json`, as it was read; null where there is none.
    base: Value,
    /// Keeps anybody from guessing secrets by their hash.
    key: [u8; 32],
    /// What the gateway was started with.
    started_with: Value,
    current: Mutex<Current>,
}

#[derive(Debug, Clone, PartialEq)]
struct Current {
    /// Base and overlay together.
    config: Value,
    /// Whether there is an overlay.
    has_overlay: bool,
    /// Why the overlay on disk has no effect.
    problem: Option<String>,
}

/// Why the configuration was not changed. Says nothing of values, which may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unchanged {
    /// The request says nothing of what it is based on.
    #[error("config base hash required; re-run config.get and retry")]
    NoBase,
    /// Somebody else was faster.
    #[error("config changed since last load; re-run config.get and retry")]
    Stale,
    /// The text is not a configuration.
    #[error("invalid config: {0}")]
    Invalid(String),
    /// A placeholder stands where there is no secret.
    #[error("invalid config: {0} is a placeholder, and there is no value to keep; write the value")]
    Placeholder(String),
    /// A setting that has to be known before the gateway starts.
    #[error("gateway.* is settled before the gateway starts; change it in openclaw.json")]
    BeforeStart,
    /// The file cannot be used.
    #[error("{0}")]
    File(String),
    /// The disk did not take it.
    #[error("{0}")]
    Unwritable(Unwritable),
}

/// How a text changes the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It is merged into it.
    Patch,
    /// It is the configuration.
    Replace,
}

impl std::fmt::Debug for ConfigOverlay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConfigOverlay")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl ConfigOverlay {
    /// Reads the overlay. One that cannot be read has no effect, which is told by
    /// [`Self::report`].
    pub(super) fn open(state_dir: &Path, base: Value, key: [u8; 32]) -> Self {
        let path = state_dir.join(FILE);
        let (overlay, problem) = match read(&path) {
            Ok(overlay) => (overlay, None),
            Err(problem) => (None, Some(problem)),
        };
        let mut config = base.clone();
        let has_overlay = overlay.is_some();
        if let Some(overlay) = overlay {
            // What the program settled from openclaw.json is not to look different here.
            merge(&mut config, without_early_settings(overlay));
        }
        Self {
            path,
            base,
            key,
            started_with: config.clone(),
            current: Mutex::new(Current {
                config,
                has_overlay,
                problem,
            }),
        }
    }

    /// Returns the configuration, secrets included.
    pub(super) fn config(&self) -> Value {
        super::held(&self.current).config.clone()
    }

    /// Returns the hash of the configuration the gateway goes by: what it was started with, until
    /// all that was changed since is of the kind that holds at once.
    pub(super) fn applied_hash(&self) -> String {
        let current = super::held(&self.current);
        let in_use = if held_back(&current.config) == held_back(&self.started_with) {
            &current.config
        } else {
            &self.started_with
        };
        hash(&self.key, in_use)
    }

    /// Returns what `config.get` answers: no secret is in it.
    pub(super) fn report(&self) -> Value {
        let applied = self.applied_hash();
        let current = super::held(&self.current).clone();
        let hash = hash(&self.key, &current.config);
        let config = redacted(&object(current.config));
        let path = self.path.display().to_string();
        let issues: Vec<Value> = current
            .problem
            .iter()
            .map(|problem| json!({"path": "", "message": problem}))
            .collect();
        let raw = serde_json::to_string_pretty(&config).unwrap_or_default();
        json!({
            "path": path, "includedPaths": [], "includeProvenance": [],
            "agentRosterIncludeOwned": false, "bindingsIncludeOwned": false,
            "exists": !self.base.is_null() || current.has_overlay,
            "raw": raw, "parsed": config, "sourceConfig": config, "resolved": config,
            "valid": issues.is_empty(), "runtimeConfig": config, "config": config,
            "hash": hash, "issues": issues,
            "warnings": [{
                "path": "",
                "message": format!(
                    "changes are written to an overlay over openclaw.json, {path}; models, agents' \
                     models and tools hold from the next turn on, everything else when the \
                     gateway starts next"
                ),
            }],
            "legacyIssues": [], "configRevisionHash": hash, "appliedConfigHash": applied,
            "overlay": {"path": path, "exists": current.has_overlay},
        })
    }

    /// Changes the configuration by writing the overlay; blocks on the disk. `is_usable` says what
    /// is wrong with a configuration. Returns whether anything is different now.
    ///
    /// # Errors
    ///
    /// [`Unchanged`]; file and configuration are then as before.
    pub(super) fn change(
        &self,
        change: Change,
        raw: &str,
        base_hash: Option<&str>,
        is_usable: impl FnOnce(&Value) -> Result<(), String>,
    ) -> Result<bool, Unchanged> {
        let text = Document::parse(raw).map_err(|fault| Unchanged::Invalid(fault.to_string()))?;
        let Value::Object(wanted) = text.value() else {
            return Err(Unchanged::Invalid("it is not an object".to_owned()));
        };
        // Held until the file is written: two changes on one base are not both taken.
        let mut current = super::held(&self.current);
        match base_hash {
            None => return Err(Unchanged::NoBase),
            Some(base) if base != hash(&self.key, &current.config) => return Err(Unchanged::Stale),
            Some(_) => {}
        }
        if let Some(problem) = &current.problem {
            let path = self.path.display();
            return Err(Unchanged::File(format!(
                "{problem}; mend or remove {path} and start the gateway anew"
            )));
        }
        let wanted = restored(Value::Object(wanted), Some(&current.config))
            .map_err(Unchanged::Placeholder)?;
        let config = match change {
            Change::Patch => {
                let mut config = current.config.clone();
                merge(&mut config, wanted);
                config
            }
            Change::Replace => without_nulls(wanted),
        };
        if config.get(BEFORE_START) != current.config.get(BEFORE_START) {
            return Err(Unchanged::BeforeStart);
        }
        if config == object(current.config.clone()) {
            return Ok(false);
        }
        is_usable(&config).map_err(Unchanged::Invalid)?;
        let overlay = difference(&self.base, &config);
        let text = serde_json::to_string_pretty(&overlay)
            .map_err(|problem| Unchanged::File(problem.to_string()))?;
        private_file::replace(&self.path, &(text + "\n")).map_err(not_written)?;
        current.config = config;
        current.has_overlay = true;
        Ok(true)
    }
}

fn not_written(problem: PrivateFileError) -> Unchanged {
    let words = problem.to_string();
    match StoreError::from(problem).unwritable() {
        Some(why) => Unchanged::Unwritable(why),
        None => Unchanged::File(words),
    }
}

fn read(path: &Path) -> Result<Option<Value>, String> {
    let Some(text) = private_file::read(path).map_err(|problem| problem.to_string())? else {
        return Ok(None);
    };
    let document = Document::parse(text).map_err(|fault| format!("{FILE}: {fault}"))?;
    match document.value() {
        overlay @ Value::Object(_) => Ok(Some(overlay)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(format!("{FILE} does not hold an object"))
        }
    }
}

fn hash(key: &[u8; 32], config: &Value) -> String {
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return String::new();
    };
    mac.update(object(config.clone()).to_string().as_bytes());
    let code = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("hmac-sha256:v1:{code}")
}

fn object(config: Value) -> Value {
    if config.is_object() {
        config
    } else {
        json!({})
    }
}

/// Returns what of a configuration holds from the next start on only.
fn held_back(config: &Value) -> Value {
    let mut config = object(config.clone());
    if let Some(members) = config.as_object_mut() {
        members.remove("models");
        members.remove("tools");
        members.remove("secrets");
        let defaults = members
            .get_mut("agents")
            .and_then(|agents| agents.get_mut("defaults"));
        if let Some(defaults) = defaults.and_then(Value::as_object_mut) {
            defaults.remove("model");
        }
        // What is empty now may not have been there.
        let is_empty = |value: &Value| value.as_object().is_some_and(Map::is_empty);
        if let Some(agents) = members.get_mut("agents").and_then(Value::as_object_mut) {
            agents.retain(|_, member| !is_empty(member));
        }
        members.retain(|_, member| !is_empty(member));
    }
    config
}

fn without_early_settings(mut overlay: Value) -> Value {
    if let Some(members) = overlay.as_object_mut() {
        members.remove(BEFORE_START);
    }
    overlay
}

/// Merges a patch into a value (RFC 7396).
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Some(members) = target.as_object_mut() else {
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            members.remove(&key);
        } else {
            merge(members.entry(key).or_insert(Value::Null), value);
        }
    }
}

/// Returns the patch that makes `wanted`, which holds no null, of `base`.
fn difference(base: &Value, wanted: &Value) -> Value {
    let Value::Object(wanted) = wanted else {
        return wanted.clone();
    };
    let nothing = Map::new();
    let base = base.as_object().unwrap_or(&nothing);
    let mut patch = Map::new();
    for (key, value) in wanted {
        match base.get(key) {
            Some(before) if before == value => {}
            Some(before) => {
                patch.insert(key.clone(), difference(before, value));
            }
            None => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    for key in base.keys().filter(|key| !wanted.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    Value::Object(patch)
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, member)| !member.is_null())
            .map(|(key, member)| (key, without_nulls(member)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            value
        }
    }
}

#[cfg(test)]
mod tests;
