//! What the gateway says of itself, for its card.

use super::UiError;
use gateway_core::gateway_health::{ChannelHealth, GatewayHealth};
use serde::Serialize;
use specta::Type;

/// How the gateway is; what it did not tell is absent.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct GatewayReportView {
    /// When it said so.
    pub at_ms: f64,
    /// How it is.
    pub health: GatewayHealth,
    /// Its channels, in its own order.
    pub channels: Vec<ChannelHealth>,
    /// How much memory it uses.
    pub memory_bytes: Option<f64>,
    /// The model that new conversations begin with.
    pub model: Option<String>,
    /// How many conversations it keeps.
    pub conversations: Option<u32>,
    /// The machines that run commands for agents.
    pub nodes: Option<Vec<NodeView>>,
    /// The programs that are connected, without the gateway itself.
    pub present: Option<Vec<PresentView>>,
    /// Why it did not answer when it was asked last; the rest is what it said before.
    pub problem: Option<UiError>,
}

/// A machine that runs commands for agents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct NodeView {
    /// What to call it.
    pub name: String,
    /// Whether it is connected now.
    pub connected: bool,
    /// Whether somebody has to approve what it offers.
    pub waits_for_approval: bool,
}

/// A program that is connected to the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct PresentView {
    /// The machine's or the program's name.
    pub name: String,
    /// How it is used: `ui`, `cli`, `node` …, in the gateway's words.
    pub mode: Option<String>,
}
