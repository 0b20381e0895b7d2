//! The names of conversations: short forms to full ones, and what a full one says (protocol §7).

use crate::protocol::SessionKey;

/// The agent everything belongs to where nothing else is said.
pub(super) const DEFAULT_AGENT: &str = "main";
/// The longest key, in characters (protocol §7).
const LONGEST: usize = 512;

/// Why a text names no conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadKey {
    #[error("sessionKey must not be empty")]
    Empty,
    #[error("sessionKey must be at most {LONGEST} characters")]
    TooLong,
    #[error("sessionKey must not hold control characters")]
    Control,
}

/// Returns the full name of a conversation: `main` is `agent:main:main`, a bare `foo`
/// `agent:main:foo`.
pub(super) fn canonical(key: &SessionKey) -> Result<SessionKey, BadKey> {
    let text = key.as_str().trim();
    if text.is_empty() {
        return Err(BadKey::Empty);
    }
    if text.chars().count() > LONGEST {
        return Err(BadKey::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(BadKey::Control);
    }
    let is_full = text
        .strip_prefix("agent:")
        .and_then(|rest| rest.split_once(':'))
        .is_some_and(|(agent, rest)| !agent.is_empty() && !rest.is_empty());
    Ok(if is_full || text == "global" {
        text.into()
    } else {
        format!("agent:{DEFAULT_AGENT}:{text}").into()
    })
}

/// Returns the agent a full key belongs to.
pub(super) fn agent_of(key: &SessionKey) -> &str {
    key.as_str()
        .strip_prefix("agent:")
        .and_then(|rest| rest.split_once(':'))
        .map_or(DEFAULT_AGENT, |(agent, _)| agent)
}

/// Returns what follows the agent in a full key.
pub(super) fn rest_of(key: &SessionKey) -> &str {
    key.as_str()
        .strip_prefix("agent:")
        .and_then(|rest| rest.split_once(':'))
        .map_or(key.as_str(), |(_, rest)| rest)
}

/// Returns whether this is an agent's main conversation, which cannot be deleted.
pub(super) fn is_main(key: &SessionKey) -> bool {
    rest_of(key) == "main"
}

/// Returns the key of a conversation begun without one.
pub(super) fn fresh(agent: &str) -> SessionKey {
    format!("agent:{agent}:dashboard:{}", uuid::Uuid::new_v4()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_belong_to_the_default_agent() {
        for (short, full) in [
            ("main", "agent:main:main"),
            (" foo ", "agent:main:foo"),
            ("agent:ghost:main", "agent:ghost:main"),
            ("agent:", "agent:main:agent:"),
            ("agent:main:dashboard:7", "agent:main:dashboard:7"),
            ("global", "global"),
        ] {
            assert_eq!(canonical(&short.into()).unwrap().as_str(), full, "{short}");
        }
    }

    #[test]
    fn what_names_nothing_is_refused() {
        assert_eq!(canonical(&"  ".into()), Err(BadKey::Empty));
        assert_eq!(canonical(&"x".repeat(513).into()), Err(BadKey::TooLong));
        assert_eq!(canonical(&"a\nb".into()), Err(BadKey::Control));
    }

    #[test]
    fn a_full_key_says_its_agent_and_whether_it_is_the_main_one() {
        let key: SessionKey = "agent:ghost:main".into();
        assert_eq!(agent_of(&key), "ghost");
        assert!(is_main(&key));
        assert!(!is_main(&fresh("ghost")));
        assert_eq!(agent_of(&"global".into()), DEFAULT_AGENT);
    }
}
