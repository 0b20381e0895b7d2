//! Follows what stands in the official config in place of a secret.
//!
//! Three shapes: a plain text; `"${NAME}"` or `"$NAME"`, an environment variable; an object
//! `{source, provider, id}`. Of those, `env` and `file` are followed here. `exec` and `store` are
//! not: we start no program on a config file's word, and the official store is not ours to open.

use super::super::private_file::{self, PrivateFileError};
use super::super::problem::FileProblem;
use super::Reader;
use super::variables::Variables;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Why a credential the config speaks of cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CredentialProblem {
    /// The config says something about it that cannot be followed.
    #[error("{0}")]
    Config(FileProblem),
    /// The file a key points to cannot be used.
    #[error("{key} in openclaw.json points to a file that cannot be used: {source}")]
    File {
        /// The dotted key.
        key: &'static str,
        /// What is wrong with the file.
        source: PrivateFileError,
    },
}

impl CredentialProblem {
    /// Returns the file to look at, where that is the config itself.
    pub fn path(&self) -> Option<&PathBuf> {
        match self {
            Self::Config(problem) => Some(&problem.path),
            Self::File { .. } => None,
        }
    }
}

/// Reads the secret at a key, following a reference.
///
/// The result is a bare text only until its caller wraps it in the type of its kind.
pub(super) fn read(
    reader: &Reader<'_>,
    variables: &Variables<'_>,
    key: &'static str,
) -> Result<Option<String>, CredentialProblem> {
    let fault = |message: &str| CredentialProblem::Config(reader.problem(key, message));
    match reader.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => match variable_named_by(&text) {
            None => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
            Some(name) => variable(reader, variables, key, name).map(Some),
        },
        Some(Value::Object(reference)) => {
            let part = |name: &str| reference.get(name).and_then(Value::as_str);
            let id = part("id").ok_or_else(|| fault("this reference needs an id"))?;
            match part("source") {
                Some("env") => variable(reader, variables, key, id).map(Some),
                Some("file") if variables.is_elsewhere => Err(fault(
                    "this secret is kept in a file of its own on the server, which OpenClaw Tray does not open; give the token in the settings",
                )),
                Some("file") => from_file(reader, variables, key, part("provider"), id).map(Some),
                Some("exec") => Err(fault(
                    "this secret comes from a program, which OpenClaw Tray does not start; give the token in the settings or with --token-file",
                )),
                Some("store") => Err(fault(
                    "this secret is kept in OpenClaw's own store, which OpenClaw Tray does not open; give the token in the settings or with --token-file",
                )),
                Some(_) | None => Err(fault(
                    "the source must be \"env\", \"file\", \"exec\" or \"store\"",
                )),
            }
        }
        Some(_) => Err(fault("must be a text in quotes or a reference to a secret")),
    }
}

/// `${NAME}` or `$NAME`, with a name of capitals, digits and underscores.
fn variable_named_by(text: &str) -> Option<&str> {
    let rest = text.trim().strip_prefix('$')?;
    let name = match rest.strip_prefix('{') {
        Some(inner) => inner.strip_suffix('}')?,
        None => rest,
    };
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let starts = name
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_uppercase());
    (starts && name.len() <= 128 && name.bytes().all(plain)).then_some(name)
}

fn variable(
    reader: &Reader<'_>,
    variables: &Variables<'_>,
    key: &'static str,
    name: &str,
) -> Result<String, CredentialProblem> {
    variables.get(name).ok_or_else(|| {
        let message = format!("the variable {name}, which it refers to, is not set");
        CredentialProblem::Config(reader.problem(key, message))
    })
}

fn from_file(
    reader: &Reader<'_>,
    variables: &Variables<'_>,
    key: &'static str,
    provider: Option<&str>,
    id: &str,
) -> Result<String, CredentialProblem> {
    let fault = |message: String| CredentialProblem::Config(reader.problem(key, message));
    let provider = provider.ok_or_else(|| fault("this reference needs a provider".to_owned()))?;
    // A provider's name may not hold a dot, so it can stand in a dotted key.
    let at = |member: &str| reader.get(&format!("secrets.providers.{provider}.{member}"));
    let text_at = |member: &str| at(member).and_then(|value| value.as_str().map(str::to_owned));
    if provider.contains('.') || text_at("source").as_deref() != Some("file") {
        return Err(fault(format!(
            "secrets.providers has no file provider \"{provider}\""
        )));
    }
    let path = text_at("path")
        .map(|path| variables.environment.expand(Path::new(&path)))
        .ok_or_else(|| fault(format!("the provider \"{provider}\" names no path")))?;
    let text = private_file::read_secret(&path)
        .map_err(|source| CredentialProblem::File { key, source })?;
    if text_at("mode").as_deref() == Some("singleValue") {
        return Some(text.trim_end_matches(['\r', '\n']).to_owned())
            .filter(|text| !text.is_empty())
            .ok_or_else(|| fault(format!("{} is empty", path.display())));
    }
    // The parser's own message might quote the secret, so it is not passed on.
    let values: Value = serde_json::from_str(&text)
        .map_err(|_| fault(format!("{} is not JSON", path.display())))?;
    values
        .pointer(id)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| fault(format!("{} holds no text at {id}", path.display())))
}
