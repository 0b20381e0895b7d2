//! Names of conversations: a short one and the full one it stands for.

/// The short name of the conversation everybody has.
pub(crate) const MAIN_SESSION: &str = "main";

/// What stands for the one conversation of a gateway that tells no senders apart.
const GLOBAL: &str = "global";

/// Returns what follows the agent in a full key (`agent:<agent>:<rest>`); `None` for a short one.
pub(crate) fn rest_of(key: &str) -> Option<&str> {
    let (agent, rest) = key.strip_prefix("agent:")?.split_once(':')?;
    (!agent.is_empty() && !rest.is_empty()).then_some(rest)
}

/// Returns whether two keys name the same conversation. A short one stands for that of the default
/// agent, whose name it does not say; two full ones say everything.
pub(crate) fn is_same_session(one: &str, other: &str) -> bool {
    one == other
        || match (rest_of(one), rest_of(other)) {
            (Some(rest), None) => rest == other,
            (None, Some(rest)) => rest == one,
            (None, None) => is_global(one, other) || is_global(other, one),
            (Some(_), Some(_)) => false,
        }
}

fn is_global(one: &str, other: &str) -> bool {
    one == MAIN_SESSION && other == GLOBAL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_key_stands_for_a_full_one_and_full_ones_for_themselves() {
        for (one, other, same) in [
            ("main", "agent:main:main", true),
            ("agent:main:main", "main", true),
            ("agent:main:dashboard:7", "dashboard:7", true),
            ("main", "global", true),
            ("agent:main:main", "agent:ghost:main", false),
            ("main", "agent:main:dashboard:7", false),
            ("agent::main", "main", false),
        ] {
            assert_eq!(is_same_session(one, other), same, "{one} {other}");
        }
    }
}
