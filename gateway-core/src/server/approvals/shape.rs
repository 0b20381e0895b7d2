//! What a request for approval says about its command, as people are shown it. Pure.

use crate::protocol::method::approvals::Decision;
use serde_json::{Map, Value, json};

/// The members official gateways send; what is not known is null (protocol §11).
const MEMBERS: [&str; 22] = [
    "commandArgv",
    "systemRunBinding",
    "systemRunPlan",
    "cwd",
    "nodeId",
    "host",
    "security",
    "ask",
    "warningText",
    "scope",
    "agentId",
    "resolvedPath",
    "sessionKey",
    "sessionId",
    "runId",
    "toolCallId",
    "turnSourceChannel",
    "turnSourceTo",
    "turnSourceAccountId",
    "turnSourceThreadId",
    "cronExecutionSource",
    "cronOperationBinding",
];

/// Writes a request: the command line, what is known besides, and what may be decided.
pub(in super::super) fn request(command: &str, known: &Value, allowed: &[Decision]) -> Value {
    let mut request: Map<String, Value> = MEMBERS
        .iter()
        .map(|name| {
            let value = known.get(*name).cloned().unwrap_or(Value::Null);
            ((*name).to_owned(), value)
        })
        .collect();
    request.insert("command".to_owned(), json!(command));
    request.insert("allowedDecisions".to_owned(), json!(allowed));
    request.insert(
        "commandAnalysis".to_owned(),
        json!({"commandCount": 1, "nestedCommandCount": 0, "riskKinds": [], "warningLines": []}),
    );
    Value::Object(request)
}

/// Returns a command line for people: words that are not plain stand in quotes, and nothing in them
/// can hide or turn around what stands there.
pub(in super::super) fn shown(argv: &[String]) -> String {
    let plain = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c))
    };
    argv.iter()
        .map(|word| {
            if plain(word) {
                word.clone()
            } else {
                format!("{word:?}")
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_command_line_shows_where_words_end_and_hides_nothing() {
        let words = |words: &[&str]| {
            shown(
                &words
                    .iter()
                    .map(|word| (*word).to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(words(&["ls", "-l", "/tmp"]), "ls -l /tmp");
        assert_eq!(words(&["rm", "a b", ""]), r#"rm "a b" """#);
        assert_eq!(words(&["x", "a\nb\u{202e}c"]), r#"x "a\nb\u{202e}c""#);
    }

    fn words() -> impl Strategy<Value = Vec<String>> {
        // Of few characters, so that two commands are often nearly the same.
        prop::collection::vec("[ab \"'\\\\\n]{0,3}", 0..4)
    }

    proptest! {
        #[test]
        fn two_commands_never_look_the_same(one in words(), other in words()) {
            prop_assert_eq!(one == other, shown(&one) == shown(&other));
        }
    }
}
