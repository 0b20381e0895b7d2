//! The ninth step in words: what the gateway says of itself.

use super::Finding;
use crate::connection::problem::{Problem, UserAction};
use crate::gateway_health::{self, GatewayHealth, HealthFault, HealthState};
use crate::protocol::method::health::HealthPayload;

/// Returns the finding of a gateway that is well.
///
/// # Errors
///
/// Of one that is not, the worst that is the matter with it.
pub(super) fn judge(payload: &HealthPayload) -> Result<Finding, Problem> {
    let health = GatewayHealth::of(payload);
    match health.faults.first() {
        Some(fault) if health.state != HealthState::Well => Err(problem(fault)),
        Some(_) | None => Ok(Finding::GatewayWell {
            channels: u32::try_from(gateway_health::channels(payload).len()).unwrap_or(u32::MAX),
        }),
    }
}

fn problem(fault: &HealthFault) -> Problem {
    let (code, message) = match fault {
        HealthFault::ChannelLoggedOut { channel } => {
            return Problem::without_action(
                "channelLoggedOut",
                format!(
                    "The gateway works, but nobody is logged in to {channel}. Log in there again."
                ),
            )
            .about("channel", channel);
        }
        HealthFault::ChannelFails { channel } => (
            "channelFails",
            format!("The gateway works, but {channel} did not answer it. Look at its log."),
        ),
        HealthFault::PluginsFailed { count: 1 } => (
            "pluginsFailed",
            "The gateway works, but a plugin did not load. Look at its log.".to_owned(),
        ),
        HealthFault::PluginsFailed { count } => (
            "pluginsFailed",
            format!("The gateway works, but {count} plugins did not load. Look at its log."),
        ),
        HealthFault::Unexplained | HealthFault::ModelsMissing | HealthFault::Busy => (
            "gatewayDegraded",
            "The gateway works, but says that something in it does not. Look at its log."
                .to_owned(),
        ),
    };
    let problem = Problem::new(code, message, UserAction::OpenLog);
    match fault {
        HealthFault::ChannelLoggedOut { channel } | HealthFault::ChannelFails { channel } => {
            problem.about("channel", channel)
        }
        HealthFault::PluginsFailed { count } => problem.about("count", count),
        HealthFault::Unexplained | HealthFault::ModelsMissing | HealthFault::Busy => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn judged(told: serde_json::Value) -> Result<String, &'static str> {
        judge(&serde_json::from_value(told).unwrap())
            .map(|finding| finding.to_string())
            .map_err(|problem| problem.code)
    }

    #[test]
    fn a_gateway_that_is_well_says_with_how_many_channels() {
        let with = |count: usize| {
            let channels: serde_json::Map<_, _> = (0..count)
                .map(|number| (format!("c{number}"), json!({"configured": true})))
                .collect();
            judged(json!({"ok": true, "channels": channels})).unwrap()
        };

        assert_eq!(with(0), "The gateway is well; no channels are set up.");
        assert_eq!(with(1), "The gateway is well, with 1 channel.");
        assert_eq!(with(3), "The gateway is well, with 3 channels.");
    }

    #[test]
    fn one_that_is_not_has_its_worst_fault_named() {
        let cases = [
            (json!({"ok": false}), "gatewayDegraded"),
            (
                json!({"ok": true, "channels": {"wa": {"linked": false}}}),
                "channelLoggedOut",
            ),
            (
                json!({"ok": true, "channels": {"tg": {"probe": {"ok": false}}}}),
                "channelFails",
            ),
            (json!({"plugins": {"errors": ["one"]}}), "pluginsFailed"),
        ];
        for (told, code) in cases {
            assert_eq!(judged(told), Err(code));
        }
    }
}
