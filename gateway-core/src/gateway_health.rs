//! What a gateway's own word on its health comes to.
//!
//! `health` has one answer in all releases, with members that came over time; whatever is missing
//! speaks for the gateway. That the way to it stands is another fact, and is not judged here.

use crate::protocol::method::health::HealthPayload;
use serde::Serialize;
use serde_json::{Map, Value};

/// How a gateway is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct GatewayHealth {
    /// All of it in one word.
    pub state: HealthState,
    /// What is not as it should be, the worst first; what may be so in a well gateway is in here too.
    pub faults: Vec<HealthFault>,
}

/// How a gateway is, in one word; the worse, the greater: what only a person can mend is the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub enum HealthState {
    /// Well. A gateway without channels is as well as any: chat needs none.
    Well,
    /// It works, and something in it does not.
    Degraded,
    /// A channel waits until somebody logs in there.
    LoginNeeded,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub enum HealthFault {
    /// The gateway says that it is not well, and nothing else here says why.
    Unexplained,
    /// A channel is set up and nobody is logged in there.
    ChannelLoggedOut {
        /// What the gateway calls it.
        channel: String,
    },
    /// A channel's own server did not answer as it should.
    ChannelFails {
        /// What the gateway calls it.
        channel: String,
    },
    /// Plugins did not load.
    PluginsFailed {
        /// How many.
        count: u32,
    },
    /// Models cannot be run for some agents.
    ModelsMissing,
    /// The gateway's computer has more to do than it can.
    Busy,
}

impl HealthFault {
    /// Returns what this alone makes of a gateway.
    ///
    /// A busy moment passes, and agents without a model are how every gateway begins.
    fn state(&self) -> HealthState {
        match self {
            Self::ChannelLoggedOut { .. } => HealthState::LoginNeeded,
            Self::Unexplained | Self::ChannelFails { .. } | Self::PluginsFailed { .. } => {
                HealthState::Degraded
            }
            Self::ModelsMissing | Self::Busy => HealthState::Well,
        }
    }
}

/// A messenger that is set up on a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ChannelHealth {
    /// What the gateway calls it.
    pub name: String,
    /// How it is.
    pub state: ChannelState,
}

/// How a channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub enum ChannelState {
    /// Nothing speaks against it.
    Well,
    /// Nobody is logged in there.
    LoggedOut,
    /// Its own server did not answer as it should.
    Fails,
}

impl GatewayHealth {
    /// Judges what a gateway says of itself.
    pub fn of(health: &HealthPayload) -> Self {
        let mut faults: Vec<_> = channels(health)
            .into_iter()
            .filter_map(|ChannelHealth { name, state }| match state {
                ChannelState::Well => None,
                ChannelState::LoggedOut => Some(HealthFault::ChannelLoggedOut { channel: name }),
                ChannelState::Fails => Some(HealthFault::ChannelFails { channel: name }),
            })
            .collect();
        let failed = health
            .plugins
            .as_ref()
            .and_then(|plugins| plugins.errors.as_ref())
            .map_or(0, Vec::len);
        if failed > 0 {
            faults.push(HealthFault::PluginsFailed {
                count: u32::try_from(failed).unwrap_or(u32::MAX),
            });
        }
        if health.ok == Some(false) && faults.is_empty() {
            faults.push(HealthFault::Unexplained);
        }
        if degraded(health.model_runtime.as_ref().and_then(|it| it.degraded)) {
            faults.push(HealthFault::ModelsMissing);
        }
        if degraded(health.event_loop.as_ref().and_then(|it| it.degraded)) {
            faults.push(HealthFault::Busy);
        }
        faults.sort_by_key(|fault| std::cmp::Reverse(fault.state()));
        Self {
            state: faults.first().map_or(HealthState::Well, HealthFault::state),
            faults,
        }
    }
}

fn degraded(said: Option<bool>) -> bool {
    said == Some(true)
}

/// Returns the channels that are set up, in the gateway's order.
pub fn channels(health: &HealthPayload) -> Vec<ChannelHealth> {
    let none = Map::new();
    let told = health.channels.as_ref().unwrap_or(&none);
    let order = health.channel_order.as_deref().unwrap_or_default();
    let unordered = told.keys().filter(|id| !order.contains(id));
    order
        .iter()
        .chain(unordered)
        .filter_map(|id| {
            let state = channel_state(told.get(id)?)?;
            let label = health.channel_labels.as_ref().and_then(|it| it.get(id));
            let name = label.and_then(Value::as_str).unwrap_or(id).to_owned();
            Some(ChannelHealth { name, state })
        })
        .collect()
}

/// Returns how a channel is; `None` for one that is not set up.
fn channel_state(told: &Value) -> Option<ChannelState> {
    let says = |name: &str, value: bool| told.get(name).and_then(Value::as_bool) == Some(value);
    if says("configured", false) {
        return None;
    }
    let probe_failed = told
        .pointer("/probe/ok")
        .and_then(Value::as_bool)
        .is_some_and(|ok| !ok);
    Some(if says("linked", false) {
        ChannelState::LoggedOut
    } else if probe_failed {
        ChannelState::Fails
    } else {
        ChannelState::Well
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn health(told: Value) -> HealthPayload {
        serde_json::from_value(told).unwrap()
    }

    fn judged(told: Value) -> GatewayHealth {
        GatewayHealth::of(&health(told))
    }

    #[test]
    fn a_gateway_that_says_little_or_has_no_channels_is_well() {
        for told in [
            json!({}),
            json!({"ok": true}),
            json!({"ok": true, "channels": {}, "plugins": {"loaded": ["ollama"], "errors": []}}),
        ] {
            let judged = judged(told);

            assert_eq!(judged.state, HealthState::Well);
            assert_eq!(judged.faults, []);
        }
    }

    #[test]
    fn channels_come_in_the_gateways_order_under_its_names_and_without_those_not_set_up() {
        let told = json!({
            "channelOrder": ["telegram", "whatsapp", "gone"],
            "channelLabels": {"whatsapp": "WhatsApp", "telegram": "Telegram"},
            "channels": {
                "whatsapp": {"configured": true, "linked": false},
                "telegram": {"configured": true, "probe": {"ok": false, "error": "401"}},
                "irc": {"configured": true, "probe": {"ok": true}},
                "signal": {"configured": false},
            },
        });

        let channels = channels(&health(told.clone()));

        let shown: Vec<_> = channels
            .iter()
            .map(|channel| (channel.name.as_str(), channel.state))
            .collect();
        assert_eq!(
            shown,
            [
                ("Telegram", ChannelState::Fails),
                ("WhatsApp", ChannelState::LoggedOut),
                ("irc", ChannelState::Well),
            ]
        );
        let judged = judged(told);
        assert_eq!(judged.state, HealthState::LoginNeeded);
        assert_eq!(
            judged.faults,
            [
                HealthFault::ChannelLoggedOut {
                    channel: "WhatsApp".to_owned()
                },
                HealthFault::ChannelFails {
                    channel: "Telegram".to_owned()
                },
            ]
        );
    }

    #[test]
    fn each_fault_alone_makes_of_a_gateway_what_it_should() {
        let cases = [
            (
                json!({"ok": false}),
                HealthFault::Unexplained,
                HealthState::Degraded,
            ),
            (
                json!({"ok": true, "plugins": {"errors": [{}, {}]}}),
                HealthFault::PluginsFailed { count: 2 },
                HealthState::Degraded,
            ),
            (
                json!({"ok": true, "modelRuntime": {"degraded": true}}),
                HealthFault::ModelsMissing,
                HealthState::Well,
            ),
            (
                json!({"ok": true, "eventLoop": {"degraded": true, "reasons": ["cpu"]}}),
                HealthFault::Busy,
                HealthState::Well,
            ),
        ];
        for (told, fault, state) in cases {
            let judged = judged(told);

            assert_eq!((judged.faults, judged.state), (vec![fault], state));
        }
    }

    #[test]
    fn that_the_gateway_is_not_well_is_never_lost_among_lesser_things() {
        let judged = judged(json!({"ok": false, "eventLoop": {"degraded": true}}));

        assert_eq!(judged.state, HealthState::Degraded);
        assert_eq!(judged.faults, [HealthFault::Unexplained, HealthFault::Busy]);
    }
}
