//! Which of default, settings file, environment and command line decides a value.
//!
//! The later one wins. Each settled value remembers where it came from, so that a window can say
//! "set by OPENCLAW_GATEWAY_PORT" and an error can name the right place.

use super::document::Step;
use super::environment::Environment;
use super::settings::{Profile, SignInChoice};
use super::settings_file::SettingsFile;
use std::fmt;
use std::path::PathBuf;

/// The variable that moves the local port, shared with the official programs.
const PORT_VARIABLE: &str = "OPENCLAW_GATEWAY_PORT";

/// The variable that names the server.
const ADDRESS_VARIABLE: &str = "OPENCLAW_TRAY_ADDRESS";

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said otherwise.
    Default,
    /// The settings file.
    File {
        /// The file.
        path: PathBuf,
        /// The dotted key.
        key: String,
    },
    /// An environment variable.
    Environment {
        /// Its name.
        variable: &'static str,
    },
    /// A flag of the command line.
    CommandLine {
        /// The flag, with its dashes.
        flag: &'static str,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default"),
            Self::File { path, key } => write!(f, "{key} in {}", path.display()),
            Self::Environment { variable } => write!(f, "the variable {variable}"),
            Self::CommandLine { flag } => write!(f, "the flag {flag}"),
        }
    }
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Who decided it.
    pub origin: Origin,
}

/// What the command line says; absent flags say nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--ssh-target`.
    pub address: Option<String>,
    /// `--identity`.
    pub identity_file: Option<PathBuf>,
    /// `--local-port`.
    pub local_port: Option<u16>,
    /// `--remote-port`.
    pub remote_port: Option<u16>,
}

/// The values in force once all layers have spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The server's address as given; empty when nobody gave one.
    pub address: Setting<String>,
    /// How to sign in.
    pub sign_in: Setting<SignInChoice>,
    /// The key file, where one is named.
    pub identity_file: Setting<Option<PathBuf>>,
    /// The port local programs use.
    pub local_port: Setting<u16>,
    /// The gateway's port on the server.
    pub remote_port: Setting<u16>,
}

/// Why the layers cannot be settled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayerError {
    /// A variable is not a port.
    #[error("the variable {variable} must be a port from 1 to 65535; correct or unset it")]
    NotAPort {
        /// Its name.
        variable: &'static str,
    },
}

/// Lets every layer speak about the active profile.
///
/// # Errors
///
/// Fails when a variable cannot be used.
pub fn settle(
    file: &SettingsFile,
    environment: &Environment,
    overrides: &Overrides,
) -> Result<Settled, LayerError> {
    let settings = file.settings();
    let fallback = Profile::new(settings.active_profile.clone());
    let profile = settings.active().unwrap_or(&fallback);
    let index = settings
        .profiles
        .iter()
        .position(|other| other.id == profile.id)
        .unwrap_or(0);
    let stated = |key: &'static str| {
        let path = [Step::from("profiles"), Step::from(index), Step::from(key)];
        if file.states(&path) {
            Origin::File {
                path: file.path().to_owned(),
                key: super::document::dotted(&path),
            }
        } else {
            Origin::Default
        }
    };

    let named_key = Some(profile.identity_file.clone())
        .filter(|path| !path.as_os_str().is_empty())
        .map(|path| environment.expand(&path));
    let mut settled = Settled {
        address: Setting {
            value: profile.address.clone(),
            origin: stated("address"),
        },
        sign_in: Setting {
            value: profile.sign_in,
            origin: stated("signIn"),
        },
        identity_file: Setting {
            value: named_key,
            origin: stated("identityFile"),
        },
        local_port: Setting {
            value: profile.local_port,
            origin: stated("localPort"),
        },
        remote_port: Setting {
            value: profile.remote_port,
            origin: stated("remotePort"),
        },
    };
    if let Some(port) = environment.text(PORT_VARIABLE) {
        settled.local_port = Setting {
            value: port.trim().parse().ok().filter(|port| *port != 0).ok_or(
                LayerError::NotAPort {
                    variable: PORT_VARIABLE,
                },
            )?,
            origin: Origin::Environment {
                variable: PORT_VARIABLE,
            },
        };
    }
    if let Some(address) = environment.text(ADDRESS_VARIABLE) {
        settled.address = Setting {
            value: address.to_owned(),
            origin: Origin::Environment {
                variable: ADDRESS_VARIABLE,
            },
        };
    }
    put(
        &mut settled.address,
        overrides.address.clone(),
        "--ssh-target",
    );
    put(
        &mut settled.local_port,
        overrides.local_port,
        "--local-port",
    );
    put(
        &mut settled.remote_port,
        overrides.remote_port,
        "--remote-port",
    );
    if let Some(identity) = &overrides.identity_file {
        let origin = Origin::CommandLine { flag: "--identity" };
        settled.sign_in = Setting {
            value: SignInChoice::KeyFile,
            origin: origin.clone(),
        };
        settled.identity_file = Setting {
            value: Some(environment.expand(identity)),
            origin,
        };
    }
    Ok(settled)
}

fn put<T>(setting: &mut Setting<T>, value: Option<T>, flag: &'static str) {
    if let Some(value) = value {
        *setting = Setting {
            value,
            origin: Origin::CommandLine { flag },
        };
    }
}

#[cfg(test)]
mod tests {
    use super::super::environment::Platform;
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, SettingsFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json5");
        std::fs::write(&path, text).unwrap();
        let mut file = SettingsFile::new(path);
        file.load().unwrap();
        (folder, file)
    }

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::new(
            variables.iter().copied(),
            Some("/home/me".into()),
            Platform::Xdg,
        )
    }

    #[test]
    fn the_later_layer_wins_and_says_that_it_did() {
        let (_folder, file) = file(
            "{ activeProfile: 'b', profiles: [{id: 'a'}, {id: 'b', localPort: 1, address: 'me@file'}] }",
        );
        let plain = settle(&file, &environment(&[]), &Overrides::default()).unwrap();
        assert_eq!(
            plain.remote_port,
            Setting {
                value: 18789,
                origin: Origin::Default
            }
        );
        assert_eq!(plain.local_port.value, 1);
        assert!(
            matches!(&plain.local_port.origin, Origin::File { key, .. } if key == "profiles[1].localPort")
        );

        let variables = environment(&[
            ("OPENCLAW_GATEWAY_PORT", "2"),
            ("OPENCLAW_TRAY_ADDRESS", "me@env"),
        ]);
        let from_environment = settle(&file, &variables, &Overrides::default()).unwrap();
        assert_eq!(from_environment.local_port.value, 2);
        assert_eq!(
            from_environment.local_port.origin.to_string(),
            "the variable OPENCLAW_GATEWAY_PORT"
        );

        let overrides = Overrides {
            address: Some("me@flag".to_owned()),
            identity_file: Some("~/key".into()),
            local_port: Some(3),
            remote_port: None,
        };
        let from_flags = settle(&file, &variables, &overrides).unwrap();
        assert_eq!(
            (
                from_flags.address.value.as_str(),
                from_flags.local_port.value
            ),
            ("me@flag", 3)
        );
        assert_eq!(from_flags.identity_file.value, Some("/home/me/key".into()));
        assert_eq!(from_flags.sign_in.value, SignInChoice::KeyFile);
    }

    #[test]
    fn a_variable_that_is_no_port_is_named() {
        let (_folder, file) = file("{}");
        for bad in ["0", "65536", "x", "-1"] {
            let error = settle(
                &file,
                &environment(&[("OPENCLAW_GATEWAY_PORT", bad)]),
                &Overrides::default(),
            );
            assert_eq!(
                error,
                Err(LayerError::NotAPort {
                    variable: PORT_VARIABLE
                }),
                "{bad}"
            );
        }
    }
}
