//! Machines that run commands for agents: `node.list`, `node.describe`, `node.pair.*`.

use super::NoParams;
use super::devices::PairingDecisionParams;
use crate::protocol::{NodeId, PairingRequestId};
use serde_json::{Map, Value};

methods! {
    /// The nodes the gateway knows.
    NodeList("node.list", Read): NoParams => NodeListPayload;
    /// One node.
    NodeDescribe("node.describe", Read): NodeParams => NodeEntry;
    /// The abilities nodes have and those they ask for.
    NodePairList("node.pair.list", Pairing): NoParams => NodePairListPayload;
    /// Lets a node offer the abilities it asks for.
    NodePairApprove("node.pair.approve", Pairing): PairingDecisionParams => NodePairApprovePayload;
    /// Refuses them.
    NodePairReject("node.pair.reject", Pairing): PairingDecisionParams => NodePairRejectPayload;
    /// Takes a node's abilities away.
    NodePairRemove("node.pair.remove", Pairing): NodeParams => NodePairRemovePayload;
}

shape! {
    /// The nodes the gateway knows.
    NodeListPayload {
        /// The nodes.
        nodes: Vec<NodeEntry>,
    }
    may have {
        /// When this was read, in milliseconds since 1970.
        ts: u64,
    }
}

shape! {
    /// One node.
    NodeEntry {
        /// Which node.
        node_id: NodeId,
    }
    may have {
        /// What it is called.
        display_name: String,
        /// Its operating system.
        platform: String,
        /// The release of its program.
        version: String,
        /// The groups of abilities it may offer.
        caps: Vec<String>,
        /// The commands it may run.
        commands: Vec<String>,
        /// What its operating system lets it do.
        permissions: Map<String, Value>,
        /// Whether it may connect.
        paired: bool,
        /// Whether it is connected now.
        connected: bool,
        /// Whether its abilities were approved.
        approval_state: String,
        /// What to approve.
        pending_request_id: PairingRequestId,
        /// The commands that wait for approval.
        pending_declared_commands: Vec<String>,
        /// When it was last connected, in milliseconds since 1970.
        last_seen_at_ms: u64,
    }
}

params! {
    /// Params of a method about one node.
    NodeParams {
        /// Which node.
        node_id: NodeId,
    }
}

shape! {
    /// The abilities nodes have and those they ask for.
    NodePairListPayload {
        /// Those they ask for.
        pending: Vec<PendingNode>,
        /// Those they have.
        paired: Vec<NodeEntry>,
    }
}

shape! {
    /// A node that asks for abilities. Also the payload of the `node.pair.requested` event.
    PendingNode {
        /// What to approve or refuse.
        request_id: PairingRequestId,
        /// Which node.
        node_id: NodeId,
    }
    may have {
        /// What it calls itself.
        display_name: String,
        /// Its operating system.
        platform: String,
        /// The commands it asks to run.
        commands: Vec<String>,
        /// The scopes somebody needs to approve this.
        required_approve_scopes: Vec<String>,
        /// When it asked, in milliseconds since 1970.
        ts: u64,
    }
}

shape! {
    /// The node that may now offer its abilities.
    NodePairApprovePayload {
        /// The request that was approved.
        request_id: PairingRequestId,
        /// The node.
        node: NodeEntry,
    }
}

shape! {
    /// The node that may not.
    NodePairRejectPayload {
        /// The request that was refused.
        request_id: PairingRequestId,
    }
    may have {
        /// Which node.
        node_id: NodeId,
    }
}

shape! {
    /// The node whose abilities were taken away.
    NodePairRemovePayload {
        /// Which node.
        node_id: NodeId,
    }
}
