//! What the gateway says of itself: asked for while somebody looks, heard of otherwise.
//!
//! Gateways tell of their health about once a minute and of comings and goings at once. With the
//! window open each of that is a reason to ask for the whole; without one the health that was told is
//! enough, for the tray.

use super::{Controller, now_ms, problems::call_error, work::Outcome};
use crate::{
    events::WindowEvent,
    view_model::{GatewayReportView, NodeView, PresentView, UiError},
};
use gateway_core::{
    client::CallError,
    gateway_health::{self, GatewayHealth},
    protocol::{
        event::Event,
        method::{
            health::{HealthPayload, PresenceEntry, StatusPayload},
            models::AgentsListPayload,
            nodes::{NodeEntry, NodeListPayload},
        },
    },
};
use std::time::Duration;
use tokio::time::Instant;

/// How often the gateway is asked while somebody looks and it tells nothing.
const EVERY: Duration = Duration::from_secs(60);

/// How long to wait for more news before asking: they come in bursts.
const SETTLES: Duration = Duration::from_millis(500);

/// A report this fresh is shown to a window that opens without asking again.
const FRESH_MS: f64 = 15_000.0;

/// The word a gateway puts on those who are gone, in a list of those who are there.
const GONE: &str = "disconnect";

/// How the gateway names itself in that list.
const THE_GATEWAY: &str = "gateway";

/// What a gateway answered about itself; all but its health may be more than it tells.
#[derive(Debug)]
pub struct GatewayAnswers {
    /// `health`.
    pub health: HealthPayload,
    /// `status`.
    pub status: Option<StatusPayload>,
    /// `node.list`.
    pub nodes: Option<NodeListPayload>,
    /// `system-presence`.
    pub presence: Option<Vec<PresenceEntry>>,
    /// `agents.list`.
    pub agents: Option<AgentsListPayload>,
}

impl GatewayAnswers {
    /// Returns the answers of a gateway that told of its health alone.
    pub fn of_health(health: HealthPayload) -> Self {
        Self {
            health,
            status: None,
            nodes: None,
            presence: None,
            agents: None,
        }
    }
}

/// The report as it is, and what is under way to renew it.
#[derive(Debug, Default)]
pub(super) struct GatewayReport {
    view: Option<GatewayReportView>,
    /// Counts what was asked; the answer to an older question counts for nothing.
    asked: u64,
    /// Whether an answer is under way.
    asking: bool,
    /// When to ask next.
    due: Option<Instant>,
}

impl GatewayReport {
    /// Returns when the gateway is to be asked.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.filter(|_| !self.asking)
    }

    /// Returns the gateway's health and when it told of it, as far as it holds now.
    pub(super) fn view(&self) -> Option<&GatewayReportView> {
        self.view.as_ref()
    }

    fn ask_within(&mut self, wait: Duration) {
        let at = Instant::now() + wait;
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }
}

impl Controller {
    /// A session began: everything may be different.
    pub(super) fn gateway_report_of_session(&mut self) {
        self.gateway_report.ask_within(Duration::ZERO);
    }

    /// Takes an event of the gateway.
    pub(super) fn gateway_report_event(&mut self, event: &Event) {
        let says_something = matches!(
            event,
            Event::Health(_)
                | Event::Presence(_)
                | Event::NodePairRequested(_)
                | Event::NodePairResolved(_)
        );
        if self.window && says_something {
            self.gateway_report.ask_within(SETTLES);
        } else if let Event::Health(health) = event {
            self.gateway_told_health(health);
        }
    }

    /// A window opened: what it shows must be of now.
    pub(super) fn gateway_report_is_looked_at(&mut self) {
        let shown = self.gateway_report.view.as_ref();
        let fresh = shown.is_some_and(|view| now_ms() - view.at_ms < FRESH_MS);
        self.gateway_report
            .ask_within(if fresh { EVERY } else { Duration::ZERO });
        self.send_gateway_report();
    }

    /// Asks the gateway, if there is one to ask.
    pub(super) fn ask_gateway_report(&mut self) {
        self.gateway_report.due = None;
        let Some(gateway) = self.session() else {
            return;
        };
        self.gateway_report.asked += 1;
        self.gateway_report.asking = true;
        let number = self.gateway_report.asked;
        self.work.spawn(async move {
            Outcome::GatewayReport {
                number,
                answered: gateway.report().await.map(Box::new),
            }
        });
    }

    /// Takes what the gateway answered.
    pub(super) fn gateway_reported(
        &mut self,
        number: u64,
        answered: Result<Box<GatewayAnswers>, CallError>,
    ) {
        if number != self.gateway_report.asked {
            return;
        }
        self.gateway_report.asking = false;
        if self.window {
            self.gateway_report.ask_within(EVERY);
        }
        match answered {
            Ok(answers) => self.gateway_report.view = Some(report(&answers, now_ms())),
            // A session that ended is said by the connection.
            Err(CallError::Closed { .. }) => return,
            Err(error) => self.gateway_did_not_report(call_error(&error)),
        }
        self.send_gateway_report();
    }

    /// Forgets what another gateway said.
    pub(super) fn forget_gateway_report(&mut self) {
        self.gateway_report = GatewayReport {
            asked: self.gateway_report.asked + 1,
            ..GatewayReport::default()
        };
        self.send_gateway_report();
    }

    pub(super) fn send_gateway_report(&mut self) {
        let view = self.gateway_report.view.clone();
        self.desktop.send(WindowEvent::GatewayReport(view));
        self.draw_tray();
    }

    fn gateway_told_health(&mut self, health: &HealthPayload) {
        let told = report(&GatewayAnswers::of_health(health.clone()), now_ms());
        self.gateway_report.view = Some(match self.gateway_report.view.take() {
            Some(known) => GatewayReportView {
                at_ms: told.at_ms,
                health: told.health,
                channels: told.channels,
                problem: None,
                ..known
            },
            None => told,
        });
        self.draw_tray();
    }

    /// What was said before stays, with the word that it is old.
    fn gateway_did_not_report(&mut self, problem: UiError) {
        if let Some(view) = &mut self.gateway_report.view {
            view.problem = Some(problem);
        }
    }
}

/// Puts the answers together as they are shown.
fn report(answers: &GatewayAnswers, now_ms: f64) -> GatewayReportView {
    let status = answers.status.as_ref();
    let sessions = status.and_then(|status| status.sessions.as_ref());
    let conversations = sessions.and_then(|sessions| sessions.count);
    GatewayReportView {
        at_ms: now_ms,
        health: GatewayHealth::of(&answers.health),
        channels: gateway_health::channels(&answers.health),
        memory_bytes: status
            .and_then(|status| status.process_memory.as_ref()?.rss_bytes)
            .map(|bytes| bytes as f64),
        model: sessions
            .and_then(|sessions| sessions.defaults.as_ref()?.model.clone().flatten())
            .or_else(|| default_model(answers.agents.as_ref()?)),
        conversations: conversations.map(|count| u32::try_from(count).unwrap_or(u32::MAX)),
        nodes: answers
            .nodes
            .as_ref()
            .map(|listed| listed.nodes.iter().map(node).collect()),
        present: answers.presence.as_ref().map(|entries| present(entries)),
        problem: None,
    }
}

/// Returns the model of the agent that short session keys belong to.
fn default_model(agents: &AgentsListPayload) -> Option<String> {
    let agent = agents
        .agents
        .iter()
        .find(|agent| agent.id == agents.default_id)?;
    let model = agent.model.as_ref()?;
    let name = model.as_str().or_else(|| model.get("primary")?.as_str())?;
    Some(name.to_owned())
}

fn node(entry: &NodeEntry) -> NodeView {
    NodeView {
        name: entry
            .display_name
            .clone()
            .unwrap_or_else(|| short(&entry.node_id.to_string())),
        connected: entry.connected == Some(true),
        waits_for_approval: entry.pending_request_id.is_some(),
    }
}

/// Returns the beginning of an id, which is enough to tell two apart.
fn short(id: &str) -> String {
    id.chars().take(8).collect()
}

/// Returns who is there, each machine and use once.
fn present(entries: &[PresenceEntry]) -> Vec<PresentView> {
    let mut present: Vec<PresentView> = Vec::new();
    for entry in entries {
        let is = |member: &Option<String>, word: &str| member.as_deref() == Some(word);
        if is(&entry.reason, GONE) || is(&entry.mode, THE_GATEWAY) {
            continue;
        }
        let named = entry.host.clone().or_else(|| {
            let id = entry.device_id.as_ref()?;
            Some(short(&id.to_string()))
        });
        let Some(name) = named else {
            continue;
        };
        let view = PresentView {
            name,
            mode: entry.mode.clone(),
        };
        if !present.contains(&view) {
            present.push(view);
        }
    }
    present
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_core::gateway_health::HealthState;
    use serde_json::{Value, json};

    fn parsed<T: serde::de::DeserializeOwned>(told: Value) -> T {
        serde_json::from_value(told).unwrap()
    }

    #[test]
    fn everything_a_gateway_tells_is_in_its_report() {
        let answers = GatewayAnswers {
            health: parsed(json!({"ok": true, "channels": {"tg": {"configured": true}}})),
            status: parsed(json!({
                "sessions": {"count": 8, "defaults": {"model": null}},
                "processMemory": {"rssBytes": 1_063_464_960_u64},
            })),
            nodes: parsed(json!({"nodes": [
                {"nodeId": "23be7decaafdf510", "pendingRequestId": "f1", "connected": false},
                {"nodeId": "b", "displayName": "studio", "connected": true},
            ]})),
            presence: parsed(json!([
                {"host": "vm", "mode": "gateway", "reason": "self", "ts": 1},
                {"host": "studio", "mode": "node", "reason": "connect", "ts": 1},
                {"host": "laptop", "mode": "ui", "reason": "connect", "ts": 1},
                {"host": "laptop", "mode": "ui", "reason": "connect", "ts": 2},
                {"host": "phone", "mode": "ui", "reason": "disconnect", "ts": 1},
            ])),
            agents: parsed(json!({
                "defaultId": "main", "mainKey": "main", "scope": "per-sender",
                "agents": [{"id": "main", "model": {"primary": "ollama/qwen"}}],
            })),
        };

        let report = report(&answers, 7.0);

        assert_eq!(report.at_ms, 7.0);
        assert_eq!(report.health.state, HealthState::Well);
        assert_eq!(report.channels[0].name, "tg");
        assert_eq!(report.memory_bytes, Some(1_063_464_960.0));
        assert_eq!(report.model.as_deref(), Some("ollama/qwen"));
        assert_eq!(report.conversations, Some(8));
        let nodes: Vec<_> = report
            .nodes
            .iter()
            .flatten()
            .map(|node| (node.name.as_str(), node.connected, node.waits_for_approval))
            .collect();
        assert_eq!(nodes, [("23be7dec", false, true), ("studio", true, false)]);
        let present: Vec<_> = report
            .present
            .iter()
            .flatten()
            .map(|view| view.name.as_str())
            .collect();
        assert_eq!(present, ["studio", "laptop"]);
    }

    #[test]
    fn what_a_gateway_does_not_tell_is_absent() {
        let report = report(&GatewayAnswers::of_health(parsed(json!({}))), 0.0);

        assert_eq!(report.health.state, HealthState::Well);
        assert_eq!(
            (report.model, report.memory_bytes, report.conversations),
            (None, None, None)
        );
        assert_eq!((report.nodes, report.present), (None, None));
    }
}
