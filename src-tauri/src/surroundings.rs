//! What the app was started among: its places, its environment, and who keeps its secrets.

use gateway_core::{
    config::{Environment, Places, Profile, SignInChoice, paths::SshSurroundings},
    credentials::CredentialStore,
    server::logbook::Logbook,
    tunnel::{KnownHostsFiles, SignIn, SshTarget, TargetError, TunnelConfig},
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
    /// Returns how to reach the profile's server over SSH.
    ///
    /// # Errors
    ///
    /// Fails when the address cannot be used.
    pub fn tunnel(&self, profile: &Profile) -> Result<TunnelConfig, TargetError> {
        let ssh = SshSurroundings::find(&self.environment);
        let target: SshTarget = profile.address.parse()?;
        let known_hosts = KnownHostsFiles {
            own: self.places.known_hosts(),
            also_read: ssh.known_hosts,
        };
        let local_user = ssh.local_user.unwrap_or_default();
        if target.user.is_none() && local_user.is_empty() {
            return Err(TargetError::EmptyUser);
        }
        let mut config = TunnelConfig::new(target, local_user, known_hosts);
        config.agent_socket = ssh.agent_socket;
        config.sign_in = match profile.sign_in {
            SignInChoice::Automatic => SignIn::Automatic {
                identity_files: ssh.identity_files,
            },
            SignInChoice::KeyFile => SignIn::KeyFile(profile.identity_file.clone()),
            SignInChoice::Password => SignIn::Password,
        };
        Ok(config)
    }
}
