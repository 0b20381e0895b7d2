//! "Check my server": nine ordered steps with times, up to the first that fails.
//!
//! Address valid, name resolves, SSH port answers, host key known, login accepted, forward opens, an
//! OpenClaw gateway answers, it lets us in, it is healthy. The check runs on an SSH connection of its
//! own, so that it never disturbs a tunnel in use, and asks nobody anything: where a person is
//! needed it says so and stops. Credentials are sent only after the port has answered as a gateway.

mod finding;
mod health;
mod run;

pub use finding::{Finding, LetInBy, SignInMethod};
pub use run::{Check, CheckRoute, run};

use crate::connection::problem::{Problem, UserAction};
use crate::protocol::PairingRequestId;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One of the nine steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StepId {
    /// The address can be used.
    Address,
    /// The name has an address.
    Resolve,
    /// The SSH port accepts a connection.
    Tcp,
    /// The server's key is trusted.
    HostKey,
    /// The server lets us in.
    Login,
    /// The server forwards to the gateway's port.
    Forward,
    /// An OpenClaw gateway answers there.
    Gateway,
    /// The gateway accepts our credentials.
    Access,
    /// The gateway says that it is well.
    Health,
}

impl StepId {
    /// Every step, in order.
    pub const ALL: [Self; 9] = [
        Self::Address,
        Self::Resolve,
        Self::Tcp,
        Self::HostKey,
        Self::Login,
        Self::Forward,
        Self::Gateway,
        Self::Access,
        Self::Health,
    ];
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StepStatus {
    /// Well.
    Ok,
    /// It works, but not as it should.
    Degraded,
    /// Not well.
    Failed,
    /// Only a person can move it on.
    NeedsUser,
    /// An earlier step failed.
    NotReached,
    /// This way of reaching the gateway has no such step.
    NotNeeded,
}

/// One step and how it went.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepResult {
    /// Which step.
    pub id: StepId,
    /// How it went.
    pub status: StepStatus,
    /// How long it took; absent when it did not run.
    pub ms: Option<f64>,
    /// One sentence, in English; empty when it did not run.
    pub summary: String,
    /// The same as data, for those who word it themselves.
    #[serde(skip)]
    pub finding: Option<Finding>,
    /// The one thing to do about it.
    pub action: Option<UserAction>,
    /// The request to pair that [`UserAction::ApproveDevice`] is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pairing_request: Option<PairingRequestId>,
}

impl StepResult {
    /// Returns a step that did not run.
    pub fn without_running(id: StepId, status: StepStatus) -> Self {
        Self {
            id,
            status,
            ms: None,
            summary: String::new(),
            finding: None,
            action: None,
            pairing_request: None,
        }
    }

    fn ok(id: StepId, took: Duration, finding: Finding) -> Self {
        Self {
            id,
            status: StepStatus::Ok,
            ms: Some(milliseconds(took)),
            summary: finding.to_string(),
            finding: Some(finding),
            action: None,
            pairing_request: None,
        }
    }

    fn not_ok(id: StepId, took: Duration, status: StepStatus, problem: Problem) -> Self {
        Self {
            id,
            status,
            ms: Some(milliseconds(took)),
            summary: problem.message,
            finding: Some(Finding::Problem {
                problem: problem.code.to_owned(),
                facts: problem.facts,
            }),
            action: problem.action,
            pairing_request: problem.pairing_request,
        }
    }
}

/// Milliseconds with three decimals: a finer figure would only pretend.
fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

/// The whole check, once it has ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    /// Whether every step that applies is well.
    pub ok: bool,
    /// The nine steps, in order.
    pub steps: Vec<StepResult>,
}

/// What a check comes to, for a program's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// Every step that applies is well.
    Healthy,
    /// It works, but not as it should; or it failed once the gateway was reached.
    Degraded,
    /// The server or the gateway cannot be reached.
    Unreachable,
    /// Only a person can move it on.
    NeedsUser,
    /// The address cannot be used.
    BadAddress,
}

impl CheckReport {
    /// Puts nine results together.
    pub fn of(steps: Vec<StepResult>) -> Self {
        let ok = steps
            .iter()
            .all(|step| matches!(step.status, StepStatus::Ok | StepStatus::NotNeeded));
        Self { ok, steps }
    }

    /// Returns the first step that is not well.
    pub fn first_fault(&self) -> Option<&StepResult> {
        self.steps
            .iter()
            .find(|step| !matches!(step.status, StepStatus::Ok | StepStatus::NotNeeded))
    }

    /// Returns what it all comes to.
    pub fn conclusion(&self) -> Conclusion {
        let Some(fault) = self.first_fault() else {
            return Conclusion::Healthy;
        };
        match (fault.status, fault.id) {
            (StepStatus::NeedsUser, _) => Conclusion::NeedsUser,
            (_, StepId::Address) => Conclusion::BadAddress,
            (StepStatus::Degraded, _) | (_, StepId::Access | StepId::Health) => {
                Conclusion::Degraded
            }
            (
                _,
                StepId::Resolve
                | StepId::Tcp
                | StepId::HostKey
                | StepId::Login
                | StepId::Forward
                | StepId::Gateway,
            ) => Conclusion::Unreachable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(faulty: StepId, status: StepStatus) -> CheckReport {
        CheckReport::of(
            StepId::ALL
                .into_iter()
                .map(|id| {
                    let status = match id.cmp(&faulty) {
                        std::cmp::Ordering::Less => StepStatus::Ok,
                        std::cmp::Ordering::Equal => status,
                        std::cmp::Ordering::Greater => StepStatus::NotReached,
                    };
                    StepResult::without_running(id, status)
                })
                .collect(),
        )
    }

    #[test]
    fn steps_are_spelled_and_ordered_as_scripts_expect() {
        let report = report(StepId::Address, StepStatus::NeedsUser);

        let json = serde_json::to_value(&report).unwrap();

        let ids: Vec<_> = json["steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| step["id"].clone())
            .collect();
        assert_eq!(
            ids,
            [
                "address", "resolve", "tcp", "hostKey", "login", "forward", "gateway", "access",
                "health"
            ]
        );
        assert_eq!(json["ok"], false);
        assert_eq!(
            json["steps"][0],
            serde_json::json!({"id": "address", "status": "needsUser", "ms": null, "summary": "", "action": null})
        );
        assert_eq!(json["steps"][8]["status"], "notReached");
    }

    #[test]
    fn the_first_fault_decides_what_it_comes_to() {
        let cases = [
            (StepId::Address, StepStatus::Failed, Conclusion::BadAddress),
            (StepId::Resolve, StepStatus::Failed, Conclusion::Unreachable),
            (
                StepId::HostKey,
                StepStatus::NeedsUser,
                Conclusion::NeedsUser,
            ),
            (StepId::Login, StepStatus::Failed, Conclusion::Unreachable),
            (StepId::Forward, StepStatus::Failed, Conclusion::Unreachable),
            (StepId::Gateway, StepStatus::Failed, Conclusion::Unreachable),
            (StepId::Access, StepStatus::NeedsUser, Conclusion::NeedsUser),
            (StepId::Access, StepStatus::Failed, Conclusion::Degraded),
            (StepId::Health, StepStatus::Degraded, Conclusion::Degraded),
        ];
        for (id, status, expected) in cases {
            let report = report(id, status);
            assert_eq!(report.conclusion(), expected, "{id:?} {status:?}");
            assert!(!report.ok);
        }
        let well = report(StepId::Health, StepStatus::Ok);
        assert_eq!((well.ok, well.conclusion()), (true, Conclusion::Healthy));
        let direct = CheckReport::of(vec![StepResult::without_running(
            StepId::Tcp,
            StepStatus::NotNeeded,
        )]);
        assert!(direct.ok);
    }
}
