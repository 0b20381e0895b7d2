//! What a gateway offers on one session: which methods it serves, what we may do there, and what it
//! calls the conversation everybody has. Read from hello-ok; knows of no call.

use crate::chat::AttachmentLimits;
use crate::protocol::SessionKey;
use crate::protocol::connect::{HelloOk, Scope};
use std::collections::BTreeSet;

/// What hello-ok said can be done.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Offers {
    /// The wire version both sides agreed on.
    pub protocol: u32,
    /// The methods the gateway serves.
    pub methods: BTreeSet<String>,
    /// What this session may do.
    pub scopes: Vec<Scope>,
    /// The full key of the conversation that `main` stands for, where the gateway tells.
    pub main_session: Option<SessionKey>,
    /// How large attachments may be.
    pub attachments: AttachmentLimits,
}

impl Offers {
    pub(super) fn of(hello: &HelloOk) -> Self {
        let defaults = hello.snapshot.session_defaults.as_ref();
        Self {
            protocol: hello.protocol,
            methods: hello.features.methods.iter().cloned().collect(),
            scopes: hello
                .auth
                .as_ref()
                .map(|auth| auth.scopes.clone())
                .unwrap_or_default(),
            main_session: defaults.and_then(|defaults| defaults.main_session_key.clone()),
            attachments: AttachmentLimits::of(&hello.policy),
        }
    }

    /// Returns whether the gateway serves a method.
    pub fn serves(&self, method: &str) -> bool {
        self.methods.contains(method)
    }

    /// Returns whether this session may do what a scope is for; an administrator may do everything.
    pub fn allows(&self, scope: &Scope) -> bool {
        self.scopes.contains(scope) || self.scopes.contains(&Scope::Admin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn hello_says_what_can_be_done() {
        let hello: HelloOk = serde_json::from_value(json!({
            "type": "hello-ok", "protocol": 4,
            "server": {"version": "2026.9.6", "connId": "c"},
            "features": {"methods": ["sessions.list"], "events": []},
            "snapshot": {"sessionDefaults": {"mainSessionKey": "agent:main:main"}},
            "policy": {"maxPayload": 1, "maxBufferedBytes": 1, "tickIntervalMs": 1},
            "auth": {"role": "operator", "scopes": ["operator.read"]},
        }))
        .unwrap();
        let offers = Offers::of(&hello);

        assert!(offers.serves("sessions.list") && !offers.serves("sessions.compact"));
        assert!(offers.allows(&Scope::Read) && !offers.allows(&Scope::Write));
        assert_eq!(offers.main_session, Some("agent:main:main".into()));

        let admin = Offers {
            scopes: vec![Scope::Admin],
            ..offers
        };
        assert!(admin.allows(&Scope::Write));
    }
}
