//! Which conversation of each gateway is shown, remembered across restarts in a file of its own.

use super::keys::MAIN_SESSION;
use gateway_core::config::{ProfileId, private_file};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

/// The shown conversations, by gateway.
#[derive(Debug)]
pub(super) struct Chosen {
    file: PathBuf,
    kept: Kept,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    /// By the gateway's id.
    #[serde(default)]
    active: BTreeMap<String, String>,
}

impl Chosen {
    /// Reads what was kept; a file that cannot be understood is as good as none.
    pub(super) fn load(file: PathBuf) -> Self {
        let text = private_file::read(&file).ok().flatten();
        let kept = text.and_then(|text| serde_json::from_str(&text).ok());
        Self {
            kept: kept.unwrap_or_default(),
            file,
        }
    }

    /// Returns the conversation of a gateway that is shown; the one everybody has, where none was chosen.
    pub(super) fn of(&self, gateway: &ProfileId) -> &str {
        let chosen = self.kept.active.get(gateway.as_str());
        chosen.map_or(MAIN_SESSION, String::as_str)
    }

    /// Shows another one from now on.
    pub(super) fn choose(&mut self, gateway: &ProfileId, key: String) {
        if self.of(gateway) != key {
            let gateway = gateway.as_str().to_owned();
            self.kept.active.insert(gateway, key);
            self.keep();
        }
    }

    /// Forgets a gateway.
    pub(super) fn forget(&mut self, gateway: &ProfileId) {
        if self.kept.active.remove(gateway.as_str()).is_some() {
            self.keep();
        }
    }

    fn keep(&self) {
        let text = serde_json::to_string_pretty(&self.kept).unwrap_or_default();
        if let Err(problem) = private_file::replace(&self.file, text) {
            tracing::warn!(%problem, "which conversation is shown is not remembered");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ProfileId {
        ProfileId::parse(text).unwrap()
    }

    #[test]
    fn each_gateway_has_its_own_and_a_restart_knows_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sessions.json");
        let mut chosen = Chosen::load(file.clone());
        assert_eq!(chosen.of(&id("home")), "main");
        chosen.choose(&id("home"), "agent:main:a".to_owned());
        chosen.choose(&id("office"), "agent:main:b".to_owned());

        let mut again = Chosen::load(file.clone());
        assert_eq!(again.of(&id("home")), "agent:main:a");
        again.forget(&id("home"));
        let last = Chosen::load(file);
        assert_eq!(
            (last.of(&id("home")), last.of(&id("office"))),
            ("main", "agent:main:b")
        );
    }

    #[test]
    fn what_cannot_be_understood_is_as_good_as_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sessions.json");
        std::fs::write(&file, "{").unwrap();
        assert_eq!(Chosen::load(file).of(&id("home")), "main");
    }
}
