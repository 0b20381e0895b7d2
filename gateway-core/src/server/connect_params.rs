//! Reading the params of `connect`: a closed shape, whose refusals clients know by their words
//! (protocol §2).

use crate::protocol::connect::ConnectParams;
use serde_json::{Map, Value};

/// The client ids a gateway knows (protocol §2).
const CLIENT_IDS: [&str; 17] = [
    "webchat-ui",
    "openclaw-control-ui",
    "openclaw-browser-copilot",
    "openclaw-tui",
    "webchat",
    "cli",
    "gateway-client",
    "openclaw-macos",
    "openclaw-linux",
    "openclaw-ios",
    "openclaw-watchos",
    "openclaw-android",
    "node-host",
    "openclaw-worker",
    "test",
    "fingerprint",
    "openclaw-probe",
];
/// The client modes a gateway knows (protocol §2).
const CLIENT_MODES: [&str; 8] = [
    "webchat", "cli", "ui", "backend", "node", "worker", "probe", "test",
];

/// An object of the params: where it is, what it must have and what it may have.
struct Shape {
    at: &'static str,
    must: &'static [&'static str],
    may: &'static [&'static str],
}

const ROOT: Shape = Shape {
    at: "",
    must: &["minProtocol", "maxProtocol", "client"],
    may: &[
        "caps",
        "commands",
        "permissions",
        "pathEnv",
        "role",
        "scopes",
        "device",
        "auth",
        "locale",
        "userAgent",
        "computerUse",
        "workerRuns",
    ],
};
const CLIENT: Shape = Shape {
    at: "/client",
    must: &["id", "version", "platform", "mode"],
    may: &[
        "displayName",
        "deviceFamily",
        "modelIdentifier",
        "instanceId",
        "buildId",
        "timeZone",
    ],
};
const DEVICE: Shape = Shape {
    at: "/device",
    must: &["id", "publicKey", "signature", "signedAt", "nonce"],
    may: &[],
};

/// Reads the params, or says what is wrong with them.
///
/// # Errors
///
/// The message of the refusal.
pub(super) fn read(params: Option<Value>) -> Result<ConnectParams, String> {
    check(params.as_ref()).map_err(|what| format!("invalid connect params: {what}"))?;
    // What is left to go wrong is the type of a member.
    serde_json::from_value(params.unwrap_or_default())
        .map_err(|error| format!("invalid connect params: at root: {error}"))
}

fn check(params: Option<&Value>) -> Result<(), String> {
    let Some(Value::Object(root)) = params else {
        return Err("must be object".to_owned());
    };
    closed(root, &ROOT)?;
    let client = object(root, "client")?;
    if let Some(client) = client {
        closed(client, &CLIENT)?;
        one_of(client, "id", &CLIENT_IDS)?;
        one_of(client, "mode", &CLIENT_MODES)?;
    }
    if let Some(device) = object(root, "device")? {
        closed(device, &DEVICE)?;
    }
    object(root, "auth").map(|_| ())
}

fn object<'a>(
    root: &'a Map<String, Value>,
    name: &str,
) -> Result<Option<&'a Map<String, Value>>, String> {
    match root.get(name) {
        None => Ok(None),
        Some(Value::Object(members)) => Ok(Some(members)),
        Some(_) => Err(format!("at /{name}: must be object")),
    }
}

fn closed(members: &Map<String, Value>, shape: &Shape) -> Result<(), String> {
    let at = |what: String| match shape.at {
        "" => what,
        at => format!("at {at}: {what}"),
    };
    if let Some(missing) = shape.must.iter().find(|name| !members.contains_key(**name)) {
        return Err(at(format!("must have required property '{missing}'")));
    }
    let known = |name: &str| shape.must.contains(&name) || shape.may.contains(&name);
    match members.keys().find(|name| !known(name)) {
        Some(unknown) if shape.at.is_empty() => {
            Err(format!("at root: unexpected property '{unknown}'"))
        }
        Some(unknown) => Err(at(format!("unexpected property '{unknown}'"))),
        None => Ok(()),
    }
}

fn one_of(client: &Map<String, Value>, name: &str, words: &[&str]) -> Result<(), String> {
    match client.get(name).and_then(Value::as_str) {
        Some(word) if words.contains(&word) => Ok(()),
        _ => Err(format!(
            "at /client/{name}: must be equal to one of the allowed values"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn good() -> Value {
        json!({
            "minProtocol": 4, "maxProtocol": 4,
            "client": {"id": "cli", "version": "1", "platform": "linux", "mode": "cli"},
        })
    }

    fn refusal_of(change: impl FnOnce(&mut Value)) -> String {
        let mut params = good();
        change(&mut params);
        read(Some(params)).unwrap_err()
    }

    #[test]
    fn the_least_a_client_says_is_enough() {
        assert_eq!(read(Some(good())).unwrap().client.id, "cli");
    }

    #[test]
    fn refusals_have_the_words_of_the_official_gateway() {
        assert_eq!(
            read(Some(json!({}))).unwrap_err(),
            "invalid connect params: must have required property 'minProtocol'"
        );
        assert_eq!(
            refusal_of(|params| params["bogus"] = json!(1)),
            "invalid connect params: at root: unexpected property 'bogus'"
        );
        assert_eq!(
            refusal_of(|params| params["client"]["id"] = json!("my-client")),
            "invalid connect params: at /client/id: must be equal to one of the allowed values"
        );
        assert_eq!(
            refusal_of(|params| params["device"] = json!({
                "id": "", "publicKey": "", "signature": "", "signedAt": 1
            })),
            "invalid connect params: at /device: must have required property 'nonce'"
        );
    }

    #[test]
    fn a_member_of_another_type_is_refused() {
        for (name, value) in [
            ("minProtocol", json!("4")),
            ("scopes", json!("operator.read")),
            ("client", json!([])),
            ("auth", json!("token")),
        ] {
            let refusal = refusal_of(|params| params[name] = value.clone());
            assert!(refusal.starts_with("invalid connect params: "), "{refusal}");
        }
        assert!(read(None).is_err());
        assert!(read(Some(json!(7))).is_err());
    }
}
