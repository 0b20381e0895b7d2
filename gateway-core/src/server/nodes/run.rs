//! `system.run` for those who may not run programs by themselves: exactly this program, in exactly
//! this folder, after somebody has said yes.

use crate::store::AllowedCommand;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// A program to run on a node. Closed: a member that is not shown to whoever decides could change
/// what is run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in super::super) struct RunRequest {
    /// The program and its arguments.
    pub(in super::super) command: Vec<String>,
    /// Where it runs; the node's own choice where absent.
    pub(in super::super) cwd: Option<String>,
    /// How long it may take, in milliseconds.
    pub(in super::super) timeout_ms: Option<u64>,
}

impl RunRequest {
    /// Reads the params of `system.run`.
    ///
    /// # Errors
    ///
    /// Says what is wrong with them.
    pub(in super::super) fn read(params: &Value) -> Result<Self, String> {
        let request: Self = serde_json::from_value(params.clone())
            .map_err(|error| format!("system.run takes command, cwd and timeoutMs: {error}"))?;
        if request
            .command
            .first()
            .is_none_or(|program| program.trim().is_empty())
        {
            return Err("system.run needs a program: command is empty".to_owned());
        }
        Ok(request)
    }

    /// Returns what was decided about, and the decision, as params for the node.
    pub(super) fn approved_params(&self) -> Value {
        let mut params = json!({
            "command": self.command, "approved": true, "approvalDecision": "allow-once",
        });
        if let Some(cwd) = &self.cwd {
            params["cwd"] = json!(cwd);
        }
        if let Some(timeout) = self.timeout_ms {
            params["timeoutMs"] = json!(timeout);
        }
        params
    }

    /// Returns what is allowed when it is allowed for good: these words on this node.
    pub(in super::super) fn bound(&self, node: &str, agent: &str) -> AllowedCommand {
        // JSON keeps the words apart, so no two commands have one text.
        let words = json!({"node": node, "argv": self.command}).to_string();
        let hash = Sha256::digest(words.as_bytes());
        AllowedCommand {
            agent_id: agent.into(),
            argv_hash: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
            cwd: self.cwd.clone().unwrap_or_default(),
        }
    }
}

/// Takes out of params what only this gateway says: that somebody has approved.
pub(in super::super) fn without_approval(params: Value) -> Value {
    match params {
        Value::Object(mut members) => {
            for name in ["approved", "approvalDecision", "runId"] {
                members.remove(name);
            }
            Value::Object(members)
        }
        other @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(words: &[&str], cwd: Option<&str>) -> RunRequest {
        RunRequest::read(&json!({"command": words, "cwd": cwd})).unwrap()
    }

    #[test]
    fn an_approval_holds_for_these_words_in_this_folder_on_this_node_only() {
        let bound = run(&["ls", "-l"], Some("/a")).bound("pi", "main");

        assert_eq!(bound, run(&["ls", "-l"], Some("/a")).bound("pi", "main"));
        for other in [
            run(&["ls", "-l", "x"], Some("/a")).bound("pi", "main"),
            run(&["ls -l"], Some("/a")).bound("pi", "main"),
            run(&["ls", "-l"], Some("/b")).bound("pi", "main"),
            run(&["ls", "-l"], None).bound("pi", "main"),
            run(&["ls", "-l"], Some("/a")).bound("mac", "main"),
            run(&["ls", "-l"], Some("/a")).bound("pi", "other"),
        ] {
            assert_ne!(bound, other);
        }
    }

    #[test]
    fn what_would_not_be_shown_is_not_taken() {
        for params in [
            json!({"command": ["ls"], "rawCommand": "rm -rf /"}),
            json!({"command": ["ls"], "env": {"LD_PRELOAD": "x"}}),
            json!({"command": ["ls"], "approved": true}),
            json!({"command": "ls"}),
            json!({"command": []}),
            json!({"command": [" "]}),
            json!({}),
        ] {
            assert!(RunRequest::read(&params).is_err(), "{params}");
        }
        let cleaned = without_approval(json!({"command": ["ls"], "approved": true}));
        assert_eq!(cleaned, json!({"command": ["ls"]}));
    }
}
