//! The list of gateways: which there are, which is in use, and what they are called.

use super::{KeptSettings, runs_view, save_error, transport_view};
use crate::{
    tray::MenuGateway,
    view_model::{GatewayEntry, UiError},
};
use gateway_core::config::{self, GatewayUrl, Impact, Profile, ProfileId};
use gateway_core::tunnel::SshTarget;

/// What "This computer" is called where a server's name would stand.
const THIS_COMPUTER: &str = "This computer";

/// Longer names fit no menu.
const LONGEST_NAME: usize = 60;

impl KeptSettings {
    /// Returns the list as shown; `waiting` counts the messages that wait for a gateway.
    pub(in crate::controller) fn gateways(
        &self,
        waiting: impl Fn(&ProfileId) -> usize,
    ) -> Vec<GatewayEntry> {
        let profiles = self.file.settings().profiles.iter();
        profiles
            .map(|profile| GatewayEntry {
                id: profile.id.to_string(),
                name: profile.name.clone(),
                server: server_of(profile),
                runs: runs_view(profile.runs),
                transport: transport_view(profile.transport),
                waiting: u32::try_from(waiting(&profile.secrets())).unwrap_or(u32::MAX),
            })
            .collect()
    }

    /// Returns what the user calls the gateway in use.
    pub(in crate::controller) fn server_name(&self) -> String {
        called(&self.profile())
    }

    /// Returns the list as the tray offers it.
    pub(in crate::controller) fn menu_gateways(&self) -> Vec<MenuGateway> {
        let in_use = self.profile().id;
        let profiles = self.file.settings().profiles.iter();
        profiles
            .map(|profile| MenuGateway {
                id: profile.id.clone(),
                name: called(profile),
                in_use: profile.id == in_use,
            })
            .collect()
    }

    /// Uses another gateway of the list from now on.
    pub(in crate::controller) fn use_gateway(&mut self, id: &str) -> Result<Impact, UiError> {
        let mut settings = self.file.settings().clone();
        settings.active_profile = self.known(id)?.id;
        self.write(&settings)
            .map_err(|problem| save_error(&problem))
    }

    /// Puts another gateway on the list, undecided or like one that is there, and uses it.
    pub(in crate::controller) fn add_gateway(
        &mut self,
        like: Option<&str>,
    ) -> Result<Impact, UiError> {
        let mut settings = self.file.settings().clone();
        let id = ProfileId::generate();
        let added = match like {
            None => Profile::new(id),
            Some(like) => Profile {
                id,
                name: String::new(),
                ..self.known(like)?
            },
        };
        settings.active_profile = added.id.clone();
        settings.profiles.push(added);
        self.write(&settings)
            .map_err(|problem| save_error(&problem))
    }

    /// Calls a gateway something else; an empty name is that of its server.
    pub(in crate::controller) fn rename_gateway(
        &mut self,
        id: &str,
        name: &str,
    ) -> Result<Impact, UiError> {
        let id = self.known(id)?.id;
        let mut settings = self.file.settings().clone();
        let mut profiles = settings.profiles.iter_mut();
        if let Some(profile) = profiles.find(|profile| profile.id == id) {
            let shown = name.split_whitespace().collect::<Vec<_>>().join(" ");
            profile.name = shown.chars().take(LONGEST_NAME).collect();
        }
        self.write(&settings)
            .map_err(|problem| save_error(&problem))
    }

    /// Takes a gateway off the list and returns it. After the one in use, the first is used; after the
    /// last, one of which nothing is decided.
    pub(in crate::controller) fn remove_gateway(
        &mut self,
        id: &str,
    ) -> Result<(Impact, Profile), UiError> {
        let removed = self.known(id)?;
        let mut settings = self.file.settings().clone();
        settings.profiles.retain(|profile| profile.id != removed.id);
        if settings.profiles.is_empty() {
            settings.profiles.push(Profile::new(ProfileId::generate()));
        }
        if settings.active_profile == removed.id
            && let Some(first) = settings.profiles.first()
        {
            settings.active_profile = first.id.clone();
        }
        let impact = self
            .write(&settings)
            .map_err(|problem| save_error(&problem))?;
        Ok((impact, removed))
    }

    fn known(&self, id: &str) -> Result<Profile, UiError> {
        let mut profiles = self.file.settings().profiles.iter();
        let found = profiles.find(|profile| profile.id.as_str() == id);
        found.cloned().ok_or_else(|| UiError {
            code: "gatewayGone".to_owned(),
            message: "That gateway is no longer on the list.".to_owned(),
            action: None,
        })
    }
}

/// What the user calls a gateway: the name given, or that of its server.
pub(super) fn called(profile: &Profile) -> String {
    if profile.name.is_empty() {
        server_of(profile)
    } else {
        profile.name.clone()
    }
}

fn server_of(profile: &Profile) -> String {
    match profile.runs {
        config::RunsWhere::ThisComputer => THIS_COMPUTER.to_owned(),
        config::RunsWhere::AnotherComputer if profile.is_direct() => profile
            .url
            .parse::<GatewayUrl>()
            .map_or_else(|_| profile.url.clone(), |url| url.host()),
        config::RunsWhere::AnotherComputer => profile
            .address
            .parse::<SshTarget>()
            .map_or_else(|_| profile.address.clone(), |target| target.host),
        config::RunsWhere::NotConfigured => String::new(),
    }
}
