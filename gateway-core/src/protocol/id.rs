//! The identifiers of the protocol, one type each, so that none is passed for another.

macro_rules! id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Returns the identifier as it is on the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// Ties a response to its request; any non-empty text, chosen by the client.
    RequestId
}
id! {
    /// One run of an agent. For `chat.send` and `agent` it is the idempotency key of the request.
    RunId
}
id! {
    /// Names a conversation: `agent:<agent>:<rest>` in full, or a short form such as `main`.
    SessionKey
}
id! {
    /// Names a device: the SHA-256 of its public key in lowercase hex.
    DeviceId
}
id! {
    /// Names a node; equal to the device id of the machine it runs on.
    NodeId
}
id! {
    /// Names an agent of the gateway.
    AgentId
}
id! {
    /// Names one connection, as the gateway numbers them.
    ConnId
}
id! {
    /// Names a request to pair, until it is approved, refused or replaced.
    PairingRequestId
}
id! {
    /// Names a request for approval.
    ApprovalId
}
id! {
    /// Names a set of questions an agent asked.
    QuestionSetId
}

impl SessionKey {
    /// The conversation a gateway calls its main one.
    pub const MAIN: &'static str = "main";

    /// Returns whether both keys can name the same conversation, short form or full.
    ///
    /// A gateway echoes the key it was given in some places and the full one in others; `main` is
    /// `agent:<default agent>:main`, any other short key lies below the default agent as well.
    /// The default agent's name comes with hello-ok; without it, any agent's is taken.
    pub fn names_same(&self, other: &Self, default_agent: Option<&str>) -> bool {
        if self == other {
            return true;
        }
        match (self.full_parts(), other.full_parts()) {
            (Some((agent, rest)), None) => {
                rest == other.as_str() && default_agent.is_none_or(|default| default == agent)
            }
            (None, Some((agent, rest))) => {
                rest == self.as_str() && default_agent.is_none_or(|default| default == agent)
            }
            (Some(_), Some(_)) | (None, None) => false,
        }
    }

    fn full_parts(&self) -> Option<(&str, &str)> {
        self.0.strip_prefix("agent:")?.split_once(':')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_session_key_names_the_same_conversation_as_its_full_form() {
        let short = SessionKey::from("main");
        let full = SessionKey::from("agent:main:main");
        let other = SessionKey::from("agent:work:main");

        assert!(short.names_same(&full, Some("main")));
        assert!(full.names_same(&short, None));
        assert!(!other.names_same(&short, Some("main")));
        assert!(!full.names_same(&other, None));
    }
}
