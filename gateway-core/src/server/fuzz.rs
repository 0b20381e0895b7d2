//! What must hold of any text as a message to our gateway from a peer that has not signed in.

use super::connect_params;
use crate::device_identity::{Claim, verify};
use crate::protocol::connect::Role;
use crate::protocol::{Frame, Request};
use serde_json::Value;

const CANARY: &str = "canary-in-the-message";

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Frame::parse(&text) {
        Ok(frame) => {
            let written = frame.to_text();
            let Ok(again) = Frame::parse(&written) else {
                panic!("{written} is no frame");
            };
            let values = [&frame, &again].map(|frame| serde_json::to_value(frame).ok());
            let [Some(before), Some(after)] = values else {
                panic!("{written} is no value");
            };
            assert!(is_same(&before, &after), "{before} became {after}");
            nothing_is_lost(&text, &written);
            if let Frame::Request(request) = frame {
                connects(request);
            }
        }
        Err(error) => {
            // Peers are told of a bad frame, and the log is; neither may repeat it.
            let told = format!("{error} {error:?}");
            assert!(!text.contains(CANARY) || !told.contains(CANARY), "{told}");
        }
    }
}

/// Every member that came in goes out again, the unknown ones too.
fn nothing_is_lost(text: &str, written: &str) {
    let read = |text: &str| serde_json::from_str::<Value>(text);
    let (Ok(before), Ok(after)) = (read(text), read(written)) else {
        panic!("a frame that is no JSON");
    };
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else {
        panic!("a frame that is no object");
    };
    for (name, value) in before {
        // A member that says nothing may be left out.
        let kept = after.get(name).unwrap_or(&Value::Null);
        let is_shape = value.is_object() && kept.is_object();
        assert!(
            is_same(kept, value) || is_shape,
            "{name}: {value} became {kept}"
        );
    }
}

/// Equal, but for the last digit of a fraction: serde_json reads fast rather than to the last bit.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            let is_close = |(a, b): (f64, f64)| (a - b).abs() <= a.abs() * 1e-15;
            one == other || one.as_f64().zip(other.as_f64()).is_some_and(is_close)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(one), Value::Object(other)) => {
            let is_kept = |(name, value)| other.get(name).is_some_and(|kept| is_same(value, kept));
            one.len() == other.len() && one.iter().all(is_kept)
        }
        (one, other) => one == other,
    }
}

fn connects(request: Request) {
    let Ok(params) = connect_params::read(request.params.clone()) else {
        return;
    };
    for place in ["", "/client", "/device"] {
        let mut more = request.params.clone();
        let object = more.as_mut().and_then(|params| params.pointer_mut(place));
        if let Some(object) = object.and_then(Value::as_object_mut) {
            object.insert("unheardOf".to_owned(), Value::Null);
            assert!(
                connect_params::read(more).is_err(),
                "an unknown member in {place:?}"
            );
        }
    }
    let role = params.role.clone().unwrap_or(Role::Operator);
    let scopes = params.scopes.clone().unwrap_or_default();
    if let Some(proof) = &params.device {
        let claim = Claim {
            client: &params.client,
            role: &role,
            scopes: &scopes,
            token: "",
        };
        // Nobody can have signed a nonce that was drawn just now.
        let nonce = uuid::Uuid::new_v4().to_string();
        assert!(
            verify(proof, &claim, &nonce, proof.signed_at).is_err(),
            "a forged proof"
        );
    }
}
