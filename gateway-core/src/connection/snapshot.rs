//! The connection as anybody outside sees it, whole.

use super::local_host::GatewayHere;
use super::phase::{Cause, Phase};
use super::problem::Problem;
use super::question::Asked;
use super::route::{GatewayFacts, LocalPort};
use serde::Serialize;

/// The connection as anybody outside sees it; one line of `openclaw connect --json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Where it stands.
    pub phase: Phase,
    /// The address as the user knows it.
    pub target: String,
    /// Where the SSH configuration leads that address, such as `box → 10.0.0.5:2201 through edge`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way: Option<String>,
    /// The number of the attempt that runs or comes next; 0 when there is none.
    pub attempt: u32,
    /// Why it waits, is paused or went down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// When the next attempt starts, in milliseconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<u64>,
    /// Since when the session is up, in milliseconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up_since: Option<u64>,
    /// The loopback port local programs use, where one is open.
    #[serde(flatten, with = "local_port", skip_serializing_if = "Option::is_none")]
    pub local_port: Option<LocalPort>,
    /// The last round trip, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ping_ms: Option<f64>,
    /// What can be counted of it.
    pub figures: Figures,
    /// What hello-ok said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewayFacts>,
    /// The gateway on this computer, where one is ours to see to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway_here: Option<GatewayHere>,
    /// What stands in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    /// What a person is being asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<Asked>,
}

impl Snapshot {
    /// Returns a connection that was never started.
    pub fn off(target: String) -> Self {
        Self {
            phase: Phase::Off,
            target,
            way: None,
            attempt: 0,
            cause: None,
            next_attempt_at: None,
            up_since: None,
            local_port: None,
            ping_ms: None,
            figures: Figures::default(),
            gateway: None,
            gateway_here: None,
            problem: None,
            question: None,
        }
    }
}

/// What can be counted of a connection, since it was first wanted. Attempts in a row, the last round
/// trip and since when it stands are members of the [`Snapshot`] itself.
///
/// Bytes are those on the wire, of local programs too, as they were when the last probe was answered or
/// the state last changed. A gateway on this computer has none.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Attempts in all.
    pub attempts: u32,
    /// How often it stood again after the first time.
    pub reconnects: u32,
    /// Bytes that came on the path that stands.
    pub bytes_in: u64,
    /// Bytes that went on the path that stands.
    pub bytes_out: u64,
    /// Bytes that came in all.
    pub bytes_in_total: u64,
    /// Bytes that went in all.
    pub bytes_out_total: u64,
    /// The shortest of the last round trips on this path, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ping_min_ms: Option<f64>,
    /// The median of the last round trips on this path, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ping_median_ms: Option<f64>,
}

/// The port stands beside the other members, as scripts expect a plain `localPort` number.
mod local_port {
    use super::LocalPort;
    use serde::{Serialize, Serializer};

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Flat<'a> {
        local_port: u16,
        #[serde(skip_serializing_if = "Option::is_none")]
        local_port_wanted: Option<u16>,
        #[serde(skip_serializing_if = "Option::is_none")]
        local_port_holder: Option<&'a str>,
        #[serde(skip_serializing_if = "<[u16]>::is_empty")]
        local_ports_beside: &'a [u16],
    }

    pub(super) fn serialize<S: Serializer>(
        port: &Option<LocalPort>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        port.as_ref()
            .map(|port| Flat {
                local_port: port.port,
                local_port_wanted: port.wanted,
                local_port_holder: port.holder.as_deref(),
                local_ports_beside: &port.beside,
            })
            .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_one_flat_object_with_the_documented_names() {
        let snapshot = Snapshot {
            phase: Phase::RetryWait,
            attempt: 3,
            cause: Some(Cause::Network),
            next_attempt_at: Some(1_000),
            ping_ms: Some(1.5),
            figures: Figures {
                attempts: 7,
                reconnects: 1,
                bytes_in_total: 9_000,
                bytes_out_total: 800,
                ping_min_ms: Some(1.2),
                ..Figures::default()
            },
            local_port: Some(LocalPort {
                port: 18_809,
                wanted: Some(18_789),
                holder: Some("node".into()),
                beside: vec![18_810],
            }),
            ..Snapshot::off("me@box".into())
        };

        let json = serde_json::to_value(&snapshot).unwrap();

        let expected = serde_json::json!({
            "phase": "retry_wait", "target": "me@box", "attempt": 3, "cause": "network",
            "nextAttemptAt": 1000, "localPort": 18809, "localPortWanted": 18789,
            "localPortHolder": "node", "localPortsBeside": [18810], "pingMs": 1.5,
            "figures": {
                "attempts": 7, "reconnects": 1, "bytesIn": 0, "bytesOut": 0,
                "bytesInTotal": 9000, "bytesOutTotal": 800, "pingMinMs": 1.2,
            },
        });
        assert_eq!(json, expected);
    }
}
