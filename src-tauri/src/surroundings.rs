//! What the app was started among: its places, its environment, and who keeps its secrets.

use gateway_core::{
    config::{Environment, Places, Profile, SignInChoice},
    connection::ssh_plan::SshPlan,
    credentials::CredentialStore,
    server::logbook::Logbook,
    tunnel::{SignIn, SshTarget, TargetError},
};
use std::sync::Arc;

/// Everything a route is made of, beside the profile.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Where our files are.
    pub places: Places,
    /// What the process was started with.
    pub environment: Environment,
    /// Where secrets are kept.
    pub store: Arc<dyn CredentialStore>,
    /// The log of the gateway on this computer, once it runs.
    pub logbook: Logbook,
    /// Whether a link for browsers is printed once the gateway on this computer runs.
    pub prints_link: bool,
}

impl Surroundings {
    /// Returns the plan of how to reach the profile's server over SSH.
    ///
    /// # Errors
    ///
    /// Fails when the address cannot be used.
    pub fn plan(&self, profile: &Profile) -> Result<SshPlan, TargetError> {
        let target: SshTarget = profile.address.parse()?;
        let mut plan = SshPlan::new(target, self.places.known_hosts(), &self.environment);
        plan.host_keys = profile.host_key_policy;
        plan.sign_in = match profile.sign_in {
            SignInChoice::Automatic => None,
            SignInChoice::KeyFile => Some(SignIn::KeyFile(profile.identity_file.clone())),
            SignInChoice::Password => Some(SignIn::Password),
        };
        Ok(plan)
    }
}
