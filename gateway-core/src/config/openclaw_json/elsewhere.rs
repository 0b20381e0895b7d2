//! What lets somebody in at a gateway on another computer, by the files of that computer.
//!
//! The files are read by whoever calls this; nothing here opens one. A reference to a secret that is kept
//! elsewhere is explained and not followed; one to a variable is looked up in `.env`.

use super::credentials::{CredentialProblem, FoundAt, PASSWORD_VARIABLE, TOKEN_VARIABLE};
use super::secret_ref;
use super::variables::Variables;
use super::{DEFAULT_PORT, OfficialConfig};
use crate::config::environment::Environment;
use crate::config::problem::FileProblem;
use crate::credentials::secret::{GatewayPassword, GatewayToken};
use std::fmt;
use std::path::{Path, PathBuf};

/// Names the gateway's port to the official programs.
const PORT_VARIABLE: &str = "OPENCLAW_GATEWAY_PORT";

/// What a gateway asks for.
#[derive(Clone)]
pub enum Wanted {
    /// Its token.
    Token(GatewayToken),
    /// Its password.
    Password(GatewayPassword),
}

impl fmt::Debug for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token(***)",
            Self::Password(_) => "Password(***)",
        })
    }
}

/// How to get in at a gateway.
#[derive(Debug, Clone)]
pub struct GatewayElsewhere {
    /// What it asks for, and where that was found; `None` if it asks for nothing.
    pub wanted: Option<(Wanted, FoundAt)>,
    /// Where it listens.
    pub port: u16,
}

/// Why that is not known.
#[derive(Debug, thiserror::Error)]
pub enum ElsewhereError {
    /// The config cannot be read.
    #[error("{0}")]
    Config(FileProblem),
    /// A credential is kept where it is not followed.
    #[error("{0}")]
    Credential(#[from] CredentialProblem),
    /// Neither file holds one.
    #[error(
        "neither {config} nor .env beside it on the server holds a token or password; \
         start the gateway there once, which makes one, or run openclaw doctor"
    )]
    Nothing {
        /// The config that was looked at.
        config: String,
    },
    /// The gateway knows people by a proxy in front of it.
    #[error(
        "the gateway there trusts a proxy to know who comes (gateway.auth.mode), so there is nothing to fetch"
    )]
    TrustedProxy,
}

/// Finds out how to get in, from the texts of `openclaw.json` (`None` where there is none) and `.env`.
///
/// # Errors
/// When they do not tell, or not in words that may be followed.
pub fn find(
    environment: &Environment,
    path: PathBuf,
    config: Option<String>,
    dotenv: &str,
) -> Result<GatewayElsewhere, ElsewhereError> {
    let shown = path.display().to_string();
    let config = config
        .map(|text| OfficialConfig::from_text(environment, path, text))
        .transpose()
        .map_err(ElsewhereError::Config)?;
    let variables = Variables::elsewhere(environment, dotenv);
    let port = variables
        .get(PORT_VARIABLE)
        .and_then(|port| port.parse().ok())
        .or_else(|| config.as_ref().and_then(|config| config.port))
        .unwrap_or(DEFAULT_PORT);
    let secret = |key: &'static str, variable: &'static str| {
        let configured = match &config {
            Some(config) => secret_ref::read(&config.reader(), &variables, key)?,
            None => None,
        };
        let configured = configured.map(|text| (text, FoundAt::Config { key }));
        Ok::<_, CredentialProblem>(configured.or_else(|| {
            let text = variables.get(variable)?;
            Some((text, FoundAt::Variable { name: variable }))
        }))
    };
    let token = || {
        let found = secret("gateway.auth.token", TOKEN_VARIABLE)?;
        let found = found.map(|(text, at)| (Wanted::Token(GatewayToken::new(text)), at));
        Ok::<_, CredentialProblem>(found)
    };
    let password = || {
        let found = secret("gateway.auth.password", PASSWORD_VARIABLE)?;
        let found = found.map(|(text, at)| (Wanted::Password(GatewayPassword::new(text)), at));
        Ok::<_, CredentialProblem>(found)
    };
    let mode = config
        .as_ref()
        .and_then(|config| config.reader().get("gateway.auth.mode"));
    let wanted = match mode.as_ref().and_then(serde_json::Value::as_str) {
        Some("none") => return Ok(GatewayElsewhere { wanted: None, port }),
        Some("trusted-proxy") => return Err(ElsewhereError::TrustedProxy),
        Some("password") => password()?,
        Some("token") => token()?,
        // The gateway takes whichever there is.
        Some(_) | None => match token()? {
            Some(token) => Some(token),
            None => password()?,
        },
    };
    match wanted {
        Some(wanted) => Ok(GatewayElsewhere {
            wanted: Some(wanted),
            port,
        }),
        None => Err(ElsewhereError::Nothing { config: shown }),
    }
}

/// Finds the log file that `openclaw.json` names (`logging.file`); `None` where the gateway logs as usual.
pub fn log_file(environment: &Environment, path: PathBuf, config: String) -> Option<PathBuf> {
    let config = OfficialConfig::from_text(environment, path, config).ok()?;
    let named = config.reader().text("logging.file").ok()??;
    Some(environment.expand(Path::new(&named)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Platform;

    fn found(config: Option<&str>, dotenv: &str) -> Result<GatewayElsewhere, ElsewhereError> {
        let nothing: [(&str, &str); 0] = [];
        let environment = Environment::new(nothing, Some("/home/me".into()), Platform::Xdg);
        find(
            &environment,
            "/home/me/.openclaw/openclaw.json".into(),
            config.map(str::to_owned),
            dotenv,
        )
    }

    fn shown(found: GatewayElsewhere) -> (String, u16) {
        let wanted = match found.wanted {
            None => "nothing".to_owned(),
            Some((Wanted::Token(token), at)) => format!("token {} from {at}", token.expose()),
            Some((Wanted::Password(password), at)) => {
                format!("password {} from {at}", password.expose())
            }
        };
        (wanted, found.port)
    }

    #[test]
    fn token_password_and_port_are_found_where_the_gateway_looks() {
        let cases = [
            (
                "{ gateway: { port: 18801, auth: { token: 't' } } } // mine",
                "OPENCLAW_GATEWAY_TOKEN=other",
                "token t from gateway.auth.token in openclaw.json",
                18_801,
            ),
            (
                "{ gateway: { auth: { mode: 'password', token: 't', password: 'p' } } }",
                "",
                "password p from gateway.auth.password in openclaw.json",
                18_789,
            ),
            (
                "{ gateway: { remote: { token: 'for another gateway' } } }",
                "export OPENCLAW_GATEWAY_TOKEN='e'\nOPENCLAW_GATEWAY_PORT=18802",
                "token e from the variable OPENCLAW_GATEWAY_TOKEN",
                18_802,
            ),
            (
                "{ gateway: { auth: { token: '${MY_TOKEN}' } } }",
                "MY_TOKEN=followed",
                "token followed from gateway.auth.token in openclaw.json",
                18_789,
            ),
            (
                "{ gateway: { auth: { mode: 'none' } } }",
                "",
                "nothing",
                18_789,
            ),
        ];
        for (config, dotenv, wanted, port) in cases {
            let found = found(Some(config), dotenv).unwrap();
            assert_eq!(shown(found), (wanted.to_owned(), port), "{config}");
        }
        let without = found(None, "OPENCLAW_GATEWAY_PASSWORD=p").unwrap();
        assert!(shown(without).0.starts_with("password p"));
    }

    #[test]
    fn what_is_kept_elsewhere_is_explained_by_its_kind_and_never_followed() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().join("secret");
        std::fs::write(&here, "canary of this computer").unwrap();
        let file = format!(
            "secrets: {{ providers: {{ mine: {{ source: 'file', path: '{}', mode: 'singleValue' }} }} }}",
            here.display()
        );
        for (source, word) in [
            (
                "source: 'file', provider: 'mine', id: 'value'",
                "file of its own",
            ),
            ("source: 'exec', provider: 'vault', id: 'x'", "program"),
            ("source: 'store', provider: 'default', id: 'x'", "store"),
            ("source: 'env', provider: 'default', id: 'GONE'", "GONE"),
        ] {
            let config = format!("{{ gateway: {{ auth: {{ token: {{ {source} }} }} }}, {file} }}");
            let error = found(Some(&config), "").unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
            assert!(error.contains("gateway.auth.token"), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn nothing_found_says_where_was_looked() {
        let error = found(Some("{}"), "").unwrap_err().to_string();
        assert!(
            error.contains("/home/me/.openclaw/openclaw.json"),
            "{error}"
        );

        let error = found(Some("{ gateway: "), "").unwrap_err().to_string();
        assert!(error.contains("openclaw.json:1"), "{error}");
    }

    #[test]
    fn the_log_is_where_the_config_says() {
        let home = [("HOME", "/home/me")];
        let environment = Environment::new(home, Some("/home/me".into()), Platform::Xdg);
        let at = |config: &str| log_file(&environment, "/x".into(), config.to_owned());

        assert_eq!(
            at("{ logging: { file: '~/logs/claw.log' } }"),
            Some("/home/me/logs/claw.log".into())
        );
        assert_eq!(at("{ logging: { level: 'info' } }"), None);
        assert_eq!(at("{ broken"), None);
    }
}
