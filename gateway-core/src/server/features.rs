//! What hello says the gateway can do, beside its methods.

/// The events the gateway sends, as hello lists them.
pub(super) const EVENTS: &[&str] = &[
    "connect.challenge",
    "tick",
    "presence",
    "health",
    "shutdown",
    "chat",
    "agent",
    "session.message",
    "sessions.changed",
    "voicewake.changed",
    "voicewake.routing.changed",
    "talk.mode",
    "device.pair.requested",
    "device.pair.resolved",
    "node.pair.requested",
    "node.pair.resolved",
    "node.invoke.request",
    "node.invoke.cancel",
    "node.hostStats",
    "exec.approval.requested",
    "exec.approval.resolved",
    "question.requested",
    "question.resolved",
];

/// What the gateway can do beyond its methods: what clients look for before they call one.
pub(super) const CAPABILITIES: &[&str] = &["published-model-catalog"];
