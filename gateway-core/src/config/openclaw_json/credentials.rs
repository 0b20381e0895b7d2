//! Which gateway token and password the official command line would use, and from where.
//!
//! Local mode: token `gateway.auth.token`, then `OPENCLAW_GATEWAY_TOKEN`, then
//! `gateway.remote.token`; password `gateway.auth.password`, then `OPENCLAW_GATEWAY_PASSWORD`, then
//! `gateway.remote.password`. Remote mode: token `gateway.remote.token`, variable,
//! `gateway.auth.token`; password variable, `gateway.remote.password`, `gateway.auth.password`.
//! A variable may also stand in the state folder's `.env`, which the process's own overrides.

use super::super::environment::Environment;
use super::secret_ref;
use super::variables::Variables;
use super::{Mode, OfficialConfig};

pub use super::secret_ref::CredentialProblem;

use crate::credentials::secret::{GatewayPassword, GatewayToken};
use std::fmt;

pub(super) const TOKEN_VARIABLE: &str = "OPENCLAW_GATEWAY_TOKEN";
pub(super) const PASSWORD_VARIABLE: &str = "OPENCLAW_GATEWAY_PASSWORD";

/// Where an official credential was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundAt {
    /// In `openclaw.json`, or where a key of it points.
    Config {
        /// The dotted key.
        key: &'static str,
    },
    /// In an environment variable or `.env`.
    Variable {
        /// Its name.
        name: &'static str,
    },
}

impl fmt::Display for FoundAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config { key } => write!(f, "{key} in openclaw.json"),
            Self::Variable { name } => write!(f, "the variable {name}"),
        }
    }
}

/// The credentials the official programs would use.
#[derive(Debug, Clone, Default)]
pub struct OfficialCredentials {
    /// The token and where it was found.
    pub token: Option<(GatewayToken, FoundAt)>,
    /// The password and where it was found.
    pub password: Option<(GatewayPassword, FoundAt)>,
}

impl OfficialCredentials {
    /// Finds token and password; `config` is `None` when there is no `openclaw.json`.
    ///
    /// # Errors
    ///
    /// Fails when the first place that speaks of a credential cannot be followed, rather than
    /// quietly using another one.
    pub fn find(
        config: Option<&OfficialConfig>,
        environment: &Environment,
    ) -> Result<Self, CredentialProblem> {
        const AUTH_TOKEN: Place = Place::Config("gateway.auth.token");
        const REMOTE_TOKEN: Place = Place::Config("gateway.remote.token");
        const AUTH_PASSWORD: Place = Place::Config("gateway.auth.password");
        const REMOTE_PASSWORD: Place = Place::Config("gateway.remote.password");
        let (tokens, passwords) = match config.and_then(|config| config.mode) {
            Some(Mode::Remote) => (
                [REMOTE_TOKEN, Place::Variable(TOKEN_VARIABLE), AUTH_TOKEN],
                [
                    Place::Variable(PASSWORD_VARIABLE),
                    REMOTE_PASSWORD,
                    AUTH_PASSWORD,
                ],
            ),
            Some(Mode::Local) | None => (
                [AUTH_TOKEN, Place::Variable(TOKEN_VARIABLE), REMOTE_TOKEN],
                [
                    AUTH_PASSWORD,
                    Place::Variable(PASSWORD_VARIABLE),
                    REMOTE_PASSWORD,
                ],
            ),
        };
        let variables = Variables::of(environment);
        Ok(Self {
            token: first(&tokens, config, &variables)?
                .map(|(text, found)| (GatewayToken::new(text), found)),
            password: first(&passwords, config, &variables)?
                .map(|(text, found)| (GatewayPassword::new(text), found)),
        })
    }
}

/// What lets somebody in at a gateway on this computer. What is sent to another gateway
/// (`gateway.remote.*`) does not.
#[derive(Debug, Default)]
pub struct GatewaySecrets {
    /// `gateway.auth.token`, or where it points.
    pub config_token: Option<GatewayToken>,
    /// `OPENCLAW_GATEWAY_TOKEN`.
    pub variable_token: Option<GatewayToken>,
    /// `gateway.auth.password`, or where it points.
    pub config_password: Option<GatewayPassword>,
    /// `OPENCLAW_GATEWAY_PASSWORD`.
    pub variable_password: Option<GatewayPassword>,
}

impl GatewaySecrets {
    /// Finds them; `config` is `None` when there is no `openclaw.json`.
    ///
    /// # Errors
    ///
    /// Fails when a key points to a secret that cannot be had.
    pub fn find(
        config: Option<&OfficialConfig>,
        environment: &Environment,
    ) -> Result<Self, CredentialProblem> {
        let variables = Variables::of(environment);
        let configured = |key| first(&[Place::Config(key)], config, &variables);
        Ok(Self {
            config_token: configured("gateway.auth.token")?
                .map(|(text, _)| GatewayToken::new(text)),
            variable_token: variables.get(TOKEN_VARIABLE).map(GatewayToken::new),
            config_password: configured("gateway.auth.password")?
                .map(|(text, _)| GatewayPassword::new(text)),
            variable_password: variables.get(PASSWORD_VARIABLE).map(GatewayPassword::new),
        })
    }
}

enum Place {
    Config(&'static str),
    Variable(&'static str),
}

fn first(
    places: &[Place],
    config: Option<&OfficialConfig>,
    variables: &Variables<'_>,
) -> Result<Option<(String, FoundAt)>, CredentialProblem> {
    for place in places {
        let found = match place {
            Place::Variable(name) => variables
                .get(name)
                .map(|text| (text, FoundAt::Variable { name })),
            Place::Config(key) => match config {
                Some(config) => secret_ref::read(&config.reader(), variables, key)?
                    .map(|text| (text, FoundAt::Config { key })),
                None => None,
            },
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{environment, home_with};
    use super::*;

    fn find(
        config: &str,
        variables: &[(&str, &str)],
    ) -> Result<OfficialCredentials, CredentialProblem> {
        let home = home_with(config);
        let environment = environment(home.path(), variables);
        let config = OfficialConfig::read(&environment).unwrap();
        OfficialCredentials::find(config.as_ref(), &environment)
    }

    fn token(found: &OfficialCredentials) -> Option<&str> {
        found.token.as_ref().map(|(token, _)| token.expose())
    }

    fn password(found: &OfficialCredentials) -> Option<&str> {
        found
            .password
            .as_ref()
            .map(|(password, _)| password.expose())
    }

    const BOTH: &str =
        "auth: { token: 'at', password: 'ap' }, remote: { token: 'rt', password: 'rp' }";
    const VARIABLES: [(&str, &str); 2] = [
        ("OPENCLAW_GATEWAY_TOKEN", "vt"),
        ("OPENCLAW_GATEWAY_PASSWORD", "vp"),
    ];

    #[test]
    fn the_order_of_places_depends_on_the_mode() {
        let auth_only = "auth: { token: 'at', password: 'ap' }";
        let remote_only = "remote: { token: 'rt', password: 'rp' }";
        type Case = (
            &'static str,
            &'static str,
            &'static [(&'static str, &'static str)],
            &'static str,
            &'static str,
        );
        let cases: [Case; 8] = [
            ("local", BOTH, &VARIABLES, "at", "ap"),
            ("local", remote_only, &VARIABLES, "vt", "vp"),
            ("local", remote_only, &[], "rt", "rp"),
            ("remote", BOTH, &VARIABLES, "rt", "vp"),
            ("remote", BOTH, &[], "rt", "rp"),
            ("remote", auth_only, &VARIABLES, "vt", "vp"),
            ("remote", auth_only, &[], "at", "ap"),
            ("local", BOTH, &[], "at", "ap"),
        ];
        for (mode, keys, variables, wanted_token, wanted_password) in cases {
            let config = format!("{{ gateway: {{ mode: '{mode}', {keys} }} }}");
            let found = find(&config, variables).unwrap();
            assert_eq!(token(&found), Some(wanted_token), "{config} {variables:?}");
            assert_eq!(
                password(&found),
                Some(wanted_password),
                "{config} {variables:?}"
            );
        }
    }

    #[test]
    fn without_any_config_the_variables_still_count() {
        let home = tempfile::tempdir().unwrap();
        let environment = environment(home.path(), &VARIABLES);

        let found = OfficialCredentials::find(None, &environment).unwrap();

        assert_eq!((token(&found), password(&found)), (Some("vt"), Some("vp")));
        assert_eq!(
            found.token.unwrap().1.to_string(),
            "the variable OPENCLAW_GATEWAY_TOKEN"
        );
    }

    #[test]
    fn dotenv_is_read_and_the_process_overrides_it() {
        let home = home_with("{}");
        std::fs::write(
            home.path().join(".openclaw/.env"),
            "OPENCLAW_GATEWAY_TOKEN=from-file\nOPENCLAW_GATEWAY_PASSWORD=from-file\n",
        )
        .unwrap();
        let environment = environment(home.path(), &VARIABLES[..1]);

        let found = OfficialCredentials::find(None, &environment).unwrap();

        assert_eq!(
            (token(&found), password(&found)),
            (Some("vt"), Some("from-file"))
        );
    }

    #[test]
    fn references_to_variables_are_followed_in_every_spelling() {
        for written in [
            "'${MY_TOKEN}'",
            "'$MY_TOKEN'",
            "{ source: 'env', provider: 'default', id: 'MY_TOKEN' }",
        ] {
            let config = format!("{{ gateway: {{ auth: {{ token: {written} }} }} }}");
            let found = find(&config, &[("MY_TOKEN", "followed")]).unwrap();
            assert_eq!(token(&found), Some("followed"), "{written}");

            let missing = find(&config, &VARIABLES).unwrap_err();
            assert!(
                missing.to_string().contains("gateway.auth.token"),
                "{missing}"
            );
            assert!(missing.to_string().contains("MY_TOKEN"), "{missing}");
        }
        let price = find("{ gateway: { auth: { token: '$5 a month' } } }", &[]).unwrap();
        assert_eq!(token(&price), Some("$5 a month"));
    }

    #[cfg(unix)]
    #[test]
    fn references_to_files_are_followed_only_when_the_file_is_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets");
        let config = |mode: &str, id: &str| {
            format!(
                "{{ gateway: {{ auth: {{ token: {{ source: 'file', provider: 'mine', id: '{id}' }} }} }},
                    secrets: {{ providers: {{ mine: {{ source: 'file', path: '{}', mode: '{mode}' }} }} }} }}",
                path.display()
            )
        };
        let write = |text: &str, mode| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };

        write("{\"gateway\": {\"to/ken\": \"canary\"}}", 0o600);
        let found = find(&config("json", "/gateway/to~1ken"), &[]).unwrap();
        assert_eq!(token(&found), Some("canary"));
        let absent = find(&config("json", "/nothing"), &[])
            .unwrap_err()
            .to_string();
        assert!(
            absent.contains("/nothing") && !absent.contains("canary"),
            "{absent}"
        );

        write("canary\n", 0o600);
        let found = find(&config("singleValue", "value"), &[]).unwrap();
        assert_eq!(token(&found), Some("canary"));
        let not_json = find(&config("json", "/x"), &[]).unwrap_err().to_string();
        assert!(!not_json.contains("canary"), "{not_json}");

        write("canary", 0o644);
        let shared = find(&config("singleValue", "value"), &[]).unwrap_err();
        assert!(shared.to_string().contains("chmod 600"), "{shared}");
    }

    #[test]
    fn what_is_not_followed_is_explained_with_its_place() {
        let cases = [
            ("{ source: 'exec', provider: 'vault', id: 'x' }", "program"),
            ("{ source: 'store', provider: 'default', id: 'x' }", "store"),
            ("{ source: 'file', provider: 'gone', id: '/x' }", "gone"),
            ("{ source: 'env' }", "id"),
            ("{ source: 'moon', id: 'x' }", "source"),
            ("5", "text"),
        ];
        for (written, word) in cases {
            let problem = find(
                &format!("{{ gateway: {{ auth: {{\n token: {written} }} }} }}"),
                &VARIABLES,
            )
            .unwrap_err();
            let text = problem.to_string();
            assert!(
                text.contains("openclaw.json:2:") && text.contains(word),
                "{text}"
            );
            assert!(problem.path().is_some());
        }
    }
}
