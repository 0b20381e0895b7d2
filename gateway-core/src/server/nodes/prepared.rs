//! What a node makes of a program before anybody is asked about it: `system.run.prepare`.
//!
//! The official node host takes an approval only together with the plan it made itself: the program
//! as a file, the folder without links, and what it permitted at that moment. So people are shown the
//! plan, and the plan goes back with their word. A node that does not prepare gets the bare words.

use super::super::State;
use super::super::refusals::{Refusal, refusal};
use super::invoke::{self, Invocation};
use super::run::RunRequest;
use crate::protocol::{ErrorCode, NodeId, SessionKey};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

const PREPARE: &str = "system.run.prepare";

/// A program as its node would run it.
#[derive(Debug)]
pub(in super::super) struct Prepared {
    run: RunRequest,
    plan: Option<Value>,
}

/// What of a plan is looked at here. The rest is the node's own affair, and goes back unchanged.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Plan {
    argv: Vec<String>,
    cwd: Option<String>,
}

impl Prepared {
    /// Returns the program as people are shown it.
    pub(in super::super) fn run(&self) -> &RunRequest {
        &self.run
    }

    /// Returns the params a node is sent: what was decided about, and the decision.
    pub(in super::super) fn approved_params(&self) -> Value {
        let mut params = self.run.approved_params();
        if let Some(plan) = &self.plan {
            for (name, planned) in [
                ("rawCommand", "commandText"),
                ("agentId", "agentId"),
                ("sessionKey", "sessionKey"),
            ] {
                if let Some(value) = plan.get(planned).filter(|value| !value.is_null()) {
                    params[name] = value.clone();
                }
            }
            params["systemRunPlan"] = plan.clone();
        }
        params
    }

    /// Reads what a node answered. It names the program's file and the folder, and changes no word.
    fn read(asked: RunRequest, answer: &Value) -> Result<Self, String> {
        let plan = answer.pointer("/payload/plan").cloned().unwrap_or_default();
        let read: Plan = serde_json::from_value(plan.clone()).map_err(|why| why.to_string())?;
        let names_a_program = read
            .argv
            .first()
            .is_some_and(|file| !file.trim().is_empty());
        if !names_a_program || read.argv.get(1..) != asked.command.get(1..) {
            return Err("its plan is for other words".to_owned());
        }
        let run = RunRequest {
            command: read.argv,
            cwd: read.cwd,
            timeout_ms: asked.timeout_ms,
        };
        Ok(Self {
            run,
            plan: Some(plan),
        })
    }
}

/// Lets a node prepare a program, where it does that.
///
/// # Errors
///
/// When the node cannot be asked to run anything, or does not accept this program.
pub(in super::super) async fn prepare(
    gateway: &State,
    node: &NodeId,
    run: &RunRequest,
    agent: &str,
    session: Option<&SessionKey>,
) -> Result<Prepared, Refusal> {
    invoke::may_ask(gateway, node, "system.run").await?;
    if invoke::may_ask(gateway, node, PREPARE).await.is_err() {
        return Ok(Prepared {
            run: run.clone(),
            plan: None,
        });
    }
    let mut params = json!({"command": run.command, "agentId": agent});
    if let Some(cwd) = &run.cwd {
        params["cwd"] = json!(cwd);
    }
    if let Some(session) = session {
        params["sessionKey"] = json!(session);
    }
    let invocation = Invocation {
        node: node.clone(),
        command: PREPARE.to_owned(),
        params,
        wait: None,
        key: Uuid::new_v4().to_string(),
        progress: None,
    };
    let answer = invoke::ask(gateway, invocation).await?;
    Prepared::read(run.clone(), &answer).map_err(|why| {
        let message = format!("the node did not prepare system.run: {why}");
        refusal(ErrorCode::Unavailable, &message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> RunRequest {
        RunRequest::read(&json!({"command": ["ls", "-l"], "timeoutMs": 5})).unwrap()
    }

    #[test]
    fn a_plan_is_shown_as_the_node_made_it_and_goes_back_unchanged() {
        let plan = json!({
            "argv": ["/usr/bin/ls", "-l"], "cwd": "/home/pi", "commandText": "/usr/bin/ls -l",
            "commandPreview": null, "agentId": "main", "sessionKey": null,
            "policySnapshot": {"its": "own"},
        });
        let prepared = Prepared::read(asked(), &json!({"payload": {"plan": plan}})).unwrap();

        assert_eq!(prepared.run().command, ["/usr/bin/ls", "-l"]);
        assert_eq!(prepared.run().cwd.as_deref(), Some("/home/pi"));
        assert_eq!(
            prepared.approved_params(),
            json!({
                "command": ["/usr/bin/ls", "-l"], "rawCommand": "/usr/bin/ls -l",
                "cwd": "/home/pi", "timeoutMs": 5, "agentId": "main", "systemRunPlan": plan,
                "approved": true, "approvalDecision": "allow-once",
            })
        );
    }

    #[test]
    fn a_plan_for_other_words_is_not_taken() {
        for plan in [
            json!({"argv": ["/usr/bin/ls", "-a"]}),
            json!({"argv": ["/usr/bin/ls"]}),
            json!({"argv": [" ", "-l"]}),
            json!({"argv": []}),
            json!(null),
        ] {
            let answer = json!({"payload": {"plan": plan}});
            assert!(Prepared::read(asked(), &answer).is_err(), "{plan}");
        }
    }
}
