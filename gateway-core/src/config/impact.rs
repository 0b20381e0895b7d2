//! What a change of settings makes necessary.

use super::settings::{Profile, ProfileId, Settings};

/// The least that must be redone for a change to take effect; later ones include earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Impact {
    /// Nothing that is running cares.
    Nothing,
    /// Windows and menus are drawn again.
    Redraw,
    /// The gateway session is opened again inside the same SSH connection.
    Reconnect,
    /// The SSH connection, or the loopback listener, is opened again.
    RestartTunnel,
}

impl Impact {
    /// Compares two states of the settings.
    pub fn between(old: &Settings, new: &Settings) -> Self {
        let drawn = (old.language != new.language
            || old.theme != new.theme
            || old.log_level != new.log_level
            || old.notifications != new.notifications
            || old.voice != new.voice
            || old.shortcuts != new.shortcuts
            || old.first_run_done != new.first_run_done
            || names(old) != names(new))
        .then_some(Self::Redraw);
        let used = match (old.active(), new.active()) {
            (Some(old), Some(new)) => Self::between_profiles(old, new),
            (None, None) => Self::Nothing,
            (Some(_), None) | (None, Some(_)) => Self::RestartTunnel,
        };
        used.max(drawn.unwrap_or(Self::Nothing))
    }

    fn between_profiles(old: &Profile, new: &Profile) -> Self {
        // Every field is named, so that a new one must say what it redoes.
        let Profile {
            id,
            name: _, // It is only drawn.
            runs,
            transport,
            url,
            tls_fingerprint,
            address,
            sign_in,
            identity_file,
            host_key_policy,
            local_port,
            remote_port,
            connect_on_launch,
            listener_enabled,
            also_run_here,
        } = old;
        if *id != new.id
            || *runs != new.runs
            || *transport != new.transport
            || *url != new.url
            || *tls_fingerprint != new.tls_fingerprint
            || *address != new.address
            || *sign_in != new.sign_in
            || *identity_file != new.identity_file
            || *host_key_policy != new.host_key_policy
            || *local_port != new.local_port
            || *listener_enabled != new.listener_enabled
            || *also_run_here != new.also_run_here
        {
            Self::RestartTunnel
        } else if *remote_port != new.remote_port {
            Self::Reconnect
        } else if *connect_on_launch != new.connect_on_launch {
            Self::Redraw
        } else {
            Self::Nothing
        }
    }
}

/// What a list of the profiles shows.
fn names(settings: &Settings) -> Vec<(&ProfileId, &str)> {
    let profiles = settings.profiles.iter();
    profiles
        .map(|profile| (&profile.id, profile.name.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::settings::{ProfileId, RunsWhere, Theme};
    use super::*;

    #[test]
    fn each_change_redoes_no_more_than_it_must() {
        let old = Settings::new(ProfileId::parse("one").unwrap());
        let changed = |change: fn(&mut Settings)| {
            let mut new = old.clone();
            change(&mut new);
            Impact::between(&old, &new)
        };

        assert_eq!(changed(|_| ()), Impact::Nothing);
        assert_eq!(changed(|new| new.theme = Theme::Dark), Impact::Redraw);
        assert_eq!(
            changed(|new| new.profiles[0].connect_on_launch = false),
            Impact::Redraw
        );
        assert_eq!(
            changed(|new| new.profiles[0].remote_port = 1),
            Impact::Reconnect
        );
        assert_eq!(
            changed(|new| new.profiles[0].local_port = 1),
            Impact::RestartTunnel
        );
        assert_eq!(
            changed(|new| new.profiles[0].runs = RunsWhere::ThisComputer),
            Impact::RestartTunnel
        );
        assert_eq!(
            changed(|new| {
                new.theme = Theme::Light;
                new.profiles[0].address = "me@box".to_owned();
            }),
            Impact::RestartTunnel
        );
        assert_eq!(
            changed(|new| {
                let other = ProfileId::parse("two").unwrap();
                new.profiles.push(Profile::new(other.clone()));
                new.active_profile = other;
            }),
            Impact::RestartTunnel
        );
    }
}
