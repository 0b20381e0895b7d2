//! The agents' tool `exec`: one program on this computer, after somebody's word on exactly that.
//!
//! `tools.exec` of the configuration can be stricter and not laxer: `security: "deny"` takes the tool
//! away, `ask: "always"` asks about every run anew. There is no way to run without a word.

use super::State;
use super::approvals::permit::{Wanted, permit};
use super::approvals::shown;
use super::session_keys::agent_of;
use crate::agent::exec::process::{self, Ended, Ran, SoFar};
use crate::agent::exec::{ExecCommand, ExecRefusal};
use crate::agent::toolbox::{ToolCall, ToolProgress, ToolResult, ToolSpec, Toolbox};
use crate::protocol::{RunId, SessionKey};
use crate::store::AllowedCommand;
use futures_util::future::BoxFuture;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The name of the tool.
const EXEC: &str = "exec";

/// The tool of one run.
pub(super) struct ExecTool {
    gateway: Weak<State>,
    key: SessionKey,
    run: RunId,
}

impl ExecTool {
    /// Returns the tool for a run. It holds nothing of the gateway open.
    pub(super) fn new(gateway: Weak<State>, key: SessionKey, run: RunId) -> Self {
        Self { gateway, key, run }
    }

    async fn run(&self, call: &ToolCall, progress: &ToolProgress) -> Result<ToolResult, String> {
        let gateway = self.gateway.upgrade().ok_or("the gateway is stopping")?;
        let rules = Rules::of(&gateway);
        if rules.is_denied {
            return Err("programs are not run here: tools.exec.security is deny".to_owned());
        }
        let command = read(&gateway, call).await?;
        permit(
            &gateway,
            self.wanted(&gateway, call, &command, rules, progress),
        )
        .await
        .map_err(|denied| format!("{} was not run: {denied}", shown(&command.argv)))?;
        let permit = command.permit();
        let cwd = command.cwd.clone();
        let ran = process::run(command, &permit, &gateway.config.programs, |so_far| {
            progress.show(running(&so_far, &cwd.to_string_lossy()));
        });
        let ran = ran.await.map_err(|refusal| refusal.to_string())?;
        Ok(result(&ran, &cwd.to_string_lossy()))
    }

    fn wanted<'a>(
        &self,
        gateway: &State,
        call: &ToolCall,
        command: &ExecCommand,
        rules: Rules,
        progress: &'a ToolProgress,
    ) -> Wanted<'a> {
        let agent = agent_of(&self.key);
        let may_be_for_good = !rules.asks_always && !command.is_changeable;
        let known = json!({
            "commandArgv": command.argv, "cwd": command.cwd, "host": "gateway",
            "security": "allowlist", "ask": if rules.asks_always { "always" } else { "on-miss" },
            "agentId": agent, "resolvedPath": command.program.path(), "sessionKey": self.key,
            "runId": self.run, "toolCallId": call.id, "turnSourceChannel": "webchat",
            "turnSourceTo": self.key,
            "warningText": command.is_changeable.then_some(
                "what this runs can change without its words changing",
            ),
        });
        Wanted {
            command: shown(&command.argv),
            known,
            bound: may_be_for_good.then(|| bound(command, agent)),
            wait: gateway.config.approval_wait,
            requester: None,
            progress: Some(progress),
        }
    }
}

/// What `tools.exec` says.
#[derive(Debug, Clone, Copy)]
struct Rules {
    is_denied: bool,
    asks_always: bool,
}

impl Rules {
    fn of(gateway: &State) -> Self {
        let config = gateway.settings.config();
        let says = |key: &str, word: &str| config.pointer(key).is_some_and(|said| said == word);
        Self {
            is_denied: says("/tools/exec/security", "deny"),
            asks_always: says("/tools/exec/ask", "always"),
        }
    }
}

/// Finds what a call means; looking at the disk blocks, so it is done beside the runtime's threads.
async fn read(gateway: &Arc<State>, call: &ToolCall) -> Result<ExecCommand, String> {
    let (gateway, arguments) = (gateway.clone(), call.arguments.clone());
    let reading = tokio::task::spawn_blocking(move || {
        let config = &gateway.config;
        ExecCommand::read(&arguments, &config.workspace, &config.programs)
    });
    match reading.await {
        Ok(command) => command.map_err(|refusal: ExecRefusal| refusal.to_string()),
        Err(_) => Err("the command could not be looked at".to_owned()),
    }
}

/// What "always" allows: this program file with these words in this folder, on this computer.
fn bound(command: &ExecCommand, agent: &str) -> AllowedCommand {
    // JSON keeps the words apart, and other members than those of a node's run keep the two apart.
    let words = json!({"program": command.program.path(), "argv": command.argv}).to_string();
    let hash = Sha256::digest(words.as_bytes());
    AllowedCommand {
        agent_id: agent.into(),
        argv_hash: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        cwd: command.cwd.to_string_lossy().into_owned(),
    }
}

fn running(so_far: &SoFar, cwd: &str) -> ToolResult {
    ToolResult {
        details: json!({
            "status": "running", "pid": so_far.pid, "cwd": cwd, "tail": so_far.tail,
        }),
        ..ToolResult::ok(so_far.tail.clone())
    }
}

fn result(ran: &Ran, cwd: &str) -> ToolResult {
    let output = ran.output.trim_end();
    let (status, reason, code, signal, note) = match ran.ended {
        Ended::Code(0) => ("completed", "exit", Some(0), None, None),
        Ended::Code(code) => {
            let note = format!("(it ended with exit code {code})");
            ("completed", "exit", Some(code), None, Some(note))
        }
        Ended::Signal(signal) => {
            let note = format!("(it was ended by signal {signal})");
            ("failed", "signal", None, Some(signal), Some(note))
        }
        Ended::TimedOut => {
            let note = format!(
                "(it took longer than {} s and was ended)",
                seconds(ran.took)
            );
            ("failed", "overall-timeout", None, None, Some(note))
        }
    };
    let parts: Vec<&str> = [
        Some(output).filter(|text| !text.is_empty()),
        note.as_deref(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let text = if parts.is_empty() {
        "(it printed nothing)".to_owned()
    } else {
        parts.join("\n\n")
    };
    ToolResult {
        text,
        details: json!({
            "status": status, "exitCode": code, "exitSignal": signal, "exitReason": reason,
            "durationMs": u64::try_from(ran.took.as_millis()).unwrap_or(u64::MAX),
            "aggregated": output, "noOutputTimedOut": false, "cwd": cwd,
        }),
        is_error: status == "failed",
    }
}

fn seconds(took: Duration) -> u64 {
    took.as_secs()
}

impl Toolbox for ExecTool {
    fn specs(&self) -> Vec<ToolSpec> {
        let is_served = self
            .gateway
            .upgrade()
            .is_some_and(|gateway| !Rules::of(&gateway).is_denied);
        if !is_served {
            return Vec::new();
        }
        vec![ToolSpec {
            name: EXEC.to_owned(),
            description:
                "Run one program on the user's computer, in the workspace. A person has to \
                          approve each command, so ask only for what is needed. No shell reads it: \
                          command is a list of words, the program first (a text is only split at \
                          blanks and quotes), so pipes, redirections, wildcards and variables have \
                          no meaning."
                    .to_owned(),
            parameters: json!({
                "type": "object",
                "properties": {
                    "command": {
                        "type": "array", "items": {"type": "string"},
                        "description": "The program and its arguments",
                    },
                    "workdir": {"type": "string", "description": "A folder of the workspace"},
                    "timeout": {"type": "integer", "description": "Seconds it may take"},
                },
                "required": ["command"],
            }),
        }]
    }

    fn call(
        &self,
        call: ToolCall,
        progress: ToolProgress,
        _cancel: CancellationToken,
    ) -> BoxFuture<'_, ToolResult> {
        // Cancelling drops this, which takes the request back or ends the program and its family.
        Box::pin(async move {
            match self.run(&call, &progress).await {
                Ok(result) => result,
                Err(why) => ToolResult::failed(why),
            }
        })
    }
}
