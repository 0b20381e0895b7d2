//! Commands that wait for a person: `exec.approval.*`.

use super::{Done, NoParams};
use crate::protocol::id::ApprovalId;
use serde_json::Value;

methods! {
    /// The commands that wait.
    ExecApprovalList("exec.approval.list", Approvals): NoParams => Vec<ApprovalRequest>;
    /// One command that waits, in short.
    ExecApprovalGet("exec.approval.get", Approvals): ApprovalParams => ApprovalSummary;
    /// Decides about one.
    ExecApprovalResolve("exec.approval.resolve", Approvals): ApprovalResolveParams => Done;
}

words! {
    /// What a person decided about a command.
    Decision {
        /// Run it this time.
        AllowOnce = "allow-once",
        /// Run it, and such commands from now on.
        AllowAlways = "allow-always",
        /// Do not run it.
        Deny = "deny",
    }
}

shape! {
    /// A command that waits. Also the payload of the `exec.approval.requested` event.
    ApprovalRequest {
        /// Which request.
        id: ApprovalId,
        /// What is to run.
        request: ApprovalCommand,
    }
    may have {
        /// When it was asked, in milliseconds since 1970.
        created_at_ms: u64,
        /// When it is refused by itself, in milliseconds since 1970.
        expires_at_ms: u64,
    }
}

shape! {
    /// What is to run.
    ApprovalCommand {}
    may have {
        /// The command line, for people.
        command: String,
        /// Its words as they will be run.
        command_argv: Vec<String>,
        /// The decisions that may be offered.
        allowed_decisions: Vec<Decision>,
        /// What is known about its risks.
        command_analysis: Value,
    }
    may be null {
        /// Where it runs.
        cwd: String,
        /// On which machine: `gateway`, `node` or `sandbox`.
        host: String,
        /// On which node, where it is one.
        node_id: String,
        /// Which agent asks.
        agent_id: String,
        /// In which conversation.
        session_key: String,
        /// What to warn of.
        warning_text: String,
    }
}

params! {
    /// Params of a method about one request.
    ApprovalParams {
        /// Which request.
        id: ApprovalId,
    }
}

shape! {
    /// A command that waits, in short.
    ApprovalSummary {
        /// Which request.
        id: ApprovalId,
    }
    may have {
        /// The command line.
        command_text: String,
        /// The decisions that may be offered.
        allowed_decisions: Vec<Decision>,
        /// When it is refused by itself, in milliseconds since 1970.
        expires_at_ms: u64,
    }
}

params! {
    /// Params of `exec.approval.resolve`.
    ApprovalResolveParams {
        /// Which request.
        id: ApprovalId,
        /// What was decided; one of the allowed decisions.
        decision: Decision,
    }
}
