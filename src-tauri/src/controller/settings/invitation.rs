//! What becomes of the list of gateways when a person accepts an invitation.

use super::{KeptSettings, address, called, save_error};
use crate::view_model::{UiError, UserAction};
use gateway_core::{
    config::{
        self, GatewayUrl, Impact, Invitation, Profile, ProfileId, RunsWhere, invitation::InvitedTo,
    },
    tunnel::SshTarget,
};

impl KeptSettings {
    /// Returns what the user calls the gateway at a place, where it is on the list.
    pub(in crate::controller) fn listed(&self, place: &InvitedTo) -> Option<String> {
        let mut profiles = self.file.settings().profiles.iter();
        profiles.find(|profile| is_at(profile, place)).map(called)
    }

    /// Uses the gateway that an invitation leads to: the one of the list, or else a new one, in the place of
    /// one of which nothing is decided yet. Returns under which name its secrets are kept.
    pub(in crate::controller) fn take_invitation(
        &mut self,
        invitation: &Invitation,
    ) -> Result<(Impact, ProfileId), UiError> {
        if let InvitedTo::Server { target, .. } = &invitation.place {
            self.target(&target.to_string())
                .map_err(|problem| UiError {
                    code: "badTarget".to_owned(),
                    message: address::fault_of(&problem).message,
                    action: Some(UserAction::EditAddress),
                })?;
        }
        let mut settings = self.file.settings().clone();
        let mut profiles = settings.profiles.iter();
        let listed = profiles.find(|profile| is_at(profile, &invitation.place));
        let id = match listed {
            // What is known of it is not a stranger's to change.
            Some(profile) => profile.id.clone(),
            None => {
                let in_use = settings.active().filter(|profile| is_undecided(profile));
                let mut profile = in_use
                    .cloned()
                    .unwrap_or_else(|| Profile::new(ProfileId::generate()));
                fill(&mut profile, invitation);
                let id = profile.id.clone();
                match settings.profiles.iter_mut().find(|known| known.id == id) {
                    Some(known) => *known = profile,
                    None => settings.profiles.push(profile),
                }
                id
            }
        };
        settings.active_profile = id;
        let impact = self
            .write(&settings)
            .map_err(|problem| save_error(&problem))?;
        Ok((impact, self.gateway()))
    }
}

fn is_at(profile: &Profile, place: &InvitedTo) -> bool {
    if profile.runs != RunsWhere::AnotherComputer {
        return false;
    }
    match place {
        InvitedTo::Gateway(url) => {
            profile.is_direct() && profile.url.parse::<GatewayUrl>().as_ref() == Ok(url)
        }
        InvitedTo::Server {
            target,
            gateway_port,
        } => {
            let known = profile.address.parse::<SshTarget>();
            let same = known.is_ok_and(|known| {
                known.host == target.host && known.port == target.port && known.user == target.user
            });
            same && !profile.is_direct()
                && gateway_port.is_none_or(|port| port == profile.remote_port)
        }
    }
}

fn is_undecided(profile: &Profile) -> bool {
    match profile.runs {
        RunsWhere::NotConfigured => true,
        RunsWhere::AnotherComputer => profile.address.is_empty() && profile.url.is_empty(),
        RunsWhere::ThisComputer => false,
    }
}

fn fill(profile: &mut Profile, invitation: &Invitation) {
    profile.runs = RunsWhere::AnotherComputer;
    profile.name.clone_from(&invitation.name);
    match &invitation.place {
        InvitedTo::Gateway(url) => {
            profile.transport = config::Transport::Direct;
            profile.url = url.to_string();
            profile.tls_fingerprint = invitation
                .tls_fingerprint
                .map(|pin| pin.to_string())
                .unwrap_or_default();
        }
        InvitedTo::Server {
            target,
            gateway_port,
        } => {
            profile.transport = config::Transport::Ssh;
            profile.address = target.to_string();
            if let Some(port) = gateway_port {
                profile.remote_port = *port;
            }
        }
    }
}
