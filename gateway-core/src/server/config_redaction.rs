//! Hides the secrets of a configuration from clients, and puts them back into what clients return.
//!
//! Whether a text is secret is told by where it stands. There is no list of all settings here, so
//! the rule is wide: rather a harmless text hidden than a secret shown.

use serde_json::{Map, Value};

/// What stands in a secret's place, as with the official gateway.
pub(super) const REDACTED: &str = "__OPENCLAW_REDACTED__";

/// A key that contains one of these holds a secret, whatever is below it.
const SECRET_WORDS: [&str; 14] = [
    "token",
    "password",
    "passwd",
    "passphrase",
    "secret",
    "apikey",
    "privatekey",
    "accesskey",
    "credential",
    "authorization",
    "cookie",
    "bearer",
    "webhook",
    "signature",
];

/// Free values that are handed to other programs and often hold secrets.
const SECRET_KEYS: [&str; 6] = ["key", "env", "vars", "headers", "args", "authheader"];

/// Returns the configuration with every secret replaced by [`REDACTED`].
pub(super) fn redacted(config: &Value) -> Value {
    hide(config, false)
}

fn hide(value: &Value, is_secret: bool) -> Value {
    match value {
        Value::String(text) if is_secret || holds_secret(text) => Value::String(REDACTED.into()),
        Value::Array(items) => items.iter().map(|item| hide(item, is_secret)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(key, member)| (key.clone(), hide(member, is_secret || is_secret_key(key))))
            .collect::<Map<_, _>>()
            .into(),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn is_secret_key(key: &str) -> bool {
    let plain: String = key
        .chars()
        .filter(|letter| !matches!(letter, '_' | '-' | '.'))
        .flat_map(char::to_lowercase)
        .collect();
    SECRET_WORDS.iter().any(|word| plain.contains(word))
        || SECRET_KEYS.contains(&plain.as_str())
        || plain.ends_with("apikeys")
}

/// An address may carry a secret wherever it stands: `https://user:password@…`, `…?token=…`.
fn holds_secret(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.contains('@')
        || rest
            .split_once('?')
            .is_some_and(|(_, query)| query.split(['&', '=']).any(is_secret_key))
}

/// Puts the present secrets in the places where a client left [`REDACTED`].
///
/// # Errors
///
/// Names the place of a [`REDACTED`] for which there is no secret to put back.
pub(super) fn restored(wanted: Value, present: Option<&Value>) -> Result<Value, String> {
    restore(wanted, present, "")
}

fn restore(wanted: Value, present: Option<&Value>, at: &str) -> Result<Value, String> {
    match wanted {
        Value::String(text) if text == REDACTED => match present {
            Some(Value::String(secret)) => Ok(Value::String(secret.clone())),
            Some(_) | None => Err(at.trim_start_matches('.').to_owned()),
        },
        Value::Array(items) => items
            .into_iter()
            .enumerate()
            .map(|(index, item)| {
                let present = present.and_then(|list| list.get(index));
                restore(item, present, &format!("{at}[{index}]"))
            })
            .collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(key, member)| {
                let present = present.and_then(|object| object.get(&key));
                let restored = restore(member, present, &format!("{at}.{key}"))?;
                Ok((key, restored))
            })
            .collect::<Result<Map<_, _>, _>>()
            .map(Value::Object),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => Ok(wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn config() -> Value {
        json!({
            "gateway": {"port": 18789, "auth": {"mode": "token", "token": "canary-1"}},
            "models": {"providers": {"p": {
                "baseUrl": "http://me:canary-2@box/v1", "apiKey": "canary-3",
                "headers": {"X-Any": "canary-4"},
                "models": [{"id": "m", "maxTokens": 4096, "contextWindow": 64000}],
            }}},
            "mcp": {"servers": [{"command": "x", "args": ["--pass", "canary-5"],
                "env": {"A": "canary-6"}, "url": "https://x/y?api_key=canary-7"}]},
            "channels": {"telegram": {"botToken": {"source": "canary-8"}}},
        })
    }

    #[test]
    fn no_secret_is_shown_and_what_is_none_is() {
        let shown = redacted(&config());
        assert!(!shown.to_string().contains("canary"), "{shown}");
        assert_eq!(shown["gateway"]["auth"]["token"], REDACTED);
        assert_eq!(shown["gateway"]["auth"]["mode"], "token");
        let provider = &shown["models"]["providers"]["p"];
        assert_eq!(provider["models"][0]["maxTokens"], 4096);
        assert_eq!(provider["models"][0]["id"], "m");
    }

    #[test]
    fn an_address_without_a_secret_is_shown() {
        for open in [
            "http://127.0.0.1:11434/v1",
            "https://x/a@b",
            "https://x/y?page=2",
            "a@b",
        ] {
            assert_eq!(redacted(&json!({"baseUrl": open}))["baseUrl"], open);
        }
    }

    #[test]
    fn what_was_shown_comes_back_as_what_it_was() {
        let back = restored(redacted(&config()), Some(&config())).unwrap();
        assert_eq!(back, config());
    }

    #[test]
    fn a_placeholder_where_nothing_was_is_named() {
        let wanted = json!({"models": {"providers": {"new": {"apiKey": REDACTED}}}});
        assert_eq!(
            restored(wanted, Some(&config())).unwrap_err(),
            "models.providers.new.apiKey"
        );
    }
}
