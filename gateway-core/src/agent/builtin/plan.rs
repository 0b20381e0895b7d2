//! Decides the next step towards what somebody wants, from what was done so far. Pure.
//!
//! The tools' answers it reads are JSON: `nodes` with `{"action":"list"}` answers like `node.list`
//! (`{nodes:[{nodeId, displayName?, platform, connected, commands, approvalState}]}`, protocol
//! §10), with `{"action":"invoke", node, command, params}` like `node.invoke`; `session_status`
//! answers an object.

use super::LocalTime;
use super::intent::{Intent, Language};
use super::wording::{self, NoNode, Node};
use crate::agent::toolbox::ToolCall;
use serde_json::{Value, json};

/// The tool that knows the nodes.
const NODES: &str = "nodes";
/// The tool that runs a program on this computer.
const EXEC: &str = "exec";
/// The tool that knows gateway and session.
const STATUS: &str = "session_status";

/// A tool that was run for the question.
#[derive(Debug, Clone)]
pub(super) struct Done {
    /// What was asked for.
    pub(super) call: ToolCall,
    /// What it answered.
    pub(super) answer: String,
    /// Whether it failed.
    pub(super) failed: bool,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// Ask for a tool.
    Call {
        /// Which.
        name: &'static str,
        /// With these arguments.
        arguments: Value,
    },
    /// Say this; the question is answered.
    Say(String),
    /// Say this, and how an AI model is added.
    SayWithOllama(String),
}

pub(super) fn next(
    intent: &Intent,
    language: Language,
    done: &[Done],
    has_tool: &dyn Fn(&str) -> bool,
    now: &LocalTime,
) -> Step {
    let needed = match intent {
        Intent::Status => Some(STATUS),
        Intent::Run { node: None, .. } => Some(EXEC),
        Intent::Nodes | Intent::Notify { .. } | Intent::Run { .. } => Some(NODES),
        Intent::Help | Intent::Time | Intent::Other => None,
    };
    if let Some(missing) = needed.filter(|name| !has_tool(name)) {
        return Step::Say(wording::tool_missing(language, missing));
    }
    if let Some(failed) = done.iter().find(|done| done.failed) {
        return Step::Say(wording::tool_failed(
            language,
            &failed.call.name,
            &failed.answer,
        ));
    }
    match intent {
        Intent::Help => Step::SayWithOllama(wording::help(language).to_owned()),
        Intent::Other => Step::SayWithOllama(wording::not_understood(language).to_owned()),
        Intent::Time => Step::Say(wording::time(language, &now())),
        Intent::Status => match done.first() {
            None => call(STATUS, json!({})),
            Some(done) => Step::Say(wording::status(language, &parsed(&done.answer))),
        },
        Intent::Nodes => match done.first() {
            None => call(NODES, json!({"action": "list"})),
            Some(done) => Step::Say(wording::nodes(language, &nodes(&done.answer))),
        },
        Intent::Notify { node, text } => invoke(
            language,
            done,
            node.as_deref(),
            "system.notify",
            &json!({"title": "OpenClaw", "body": text}),
        ),
        Intent::Run { argv, node: None } => match done.first() {
            None => call(EXEC, json!({"command": argv})),
            Some(done) => Step::Say(wording::ran_here(language, &done.answer)),
        },
        Intent::Run {
            argv,
            node: Some(node),
        } => invoke(
            language,
            done,
            Some(node),
            "system.run",
            &json!({"command": argv}),
        ),
    }
}

/// Lists the nodes, picks the one that is meant, and invokes a command on it.
fn invoke(
    language: Language,
    done: &[Done],
    wanted: Option<&str>,
    command: &str,
    params: &Value,
) -> Step {
    match done {
        [] => call(NODES, json!({"action": "list"})),
        [listed] => match choose(&nodes(&listed.answer), wanted, command) {
            Ok(node) => call(
                NODES,
                json!({"action": "invoke", "node": node.id, "command": command, "params": params}),
            ),
            Err(problem) => Step::Say(wording::no_node(language, problem, wanted, command)),
        },
        [listed, invoked, ..] => {
            let id = invoked.call.text("node").unwrap_or_default();
            let name = nodes(&listed.answer)
                .into_iter()
                .find(|node| node.id == id)
                .map_or_else(|| id.to_owned(), |node| node.name);
            Step::Say(wording::invoked(
                language,
                &name,
                command,
                &parsed(&invoked.answer),
            ))
        }
    }
}

fn choose<'a>(nodes: &'a [Node], wanted: Option<&str>, command: &str) -> Result<&'a Node, NoNode> {
    let can = |node: &Node| node.commands.iter().any(|offered| offered == command);
    let Some(wanted) = wanted else {
        let mut able = nodes.iter().filter(|node| node.connected && can(node));
        return match (able.next(), able.next()) {
            (Some(node), None) => Ok(node),
            (Some(_) | None, _) => Err(NoNode::NotNamed),
        };
    };
    let same = |text: &str| text.to_lowercase() == wanted.to_lowercase();
    let node = nodes
        .iter()
        .find(|node| same(&node.name) || same(&node.id))
        .ok_or(NoNode::Unknown)?;
    match (node.connected, can(node)) {
        (false, _) => Err(NoNode::Away),
        (true, false) => Err(NoNode::Cannot),
        (true, true) => Ok(node),
    }
}

fn call(name: &'static str, arguments: Value) -> Step {
    Step::Call { name, arguments }
}

fn parsed(answer: &str) -> Value {
    serde_json::from_str(answer).unwrap_or_else(|_| Value::String(answer.to_owned()))
}

fn nodes(answer: &str) -> Vec<Node> {
    let answer = parsed(answer);
    let list = answer.get("nodes").unwrap_or(&answer);
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|node| {
            let text = |key: &str| node.get(key).and_then(Value::as_str);
            let id = text("nodeId")?.to_owned();
            Some(Node {
                name: text("displayName").unwrap_or(&id).to_owned(),
                platform: text("platform").unwrap_or_default().to_owned(),
                connected: node.get("connected") == Some(&Value::Bool(true)),
                waiting: text("approvalState") == Some("pending-approval"),
                commands: node
                    .get("commands")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(|command| command.as_str().map(str::to_owned))
                    .collect(),
                id,
            })
        })
        .collect()
}
