//! `openclaw check`: the nine steps, as they happen or as one JSON object.

use crate::access;
use crate::args::{CheckArgs, DirectArgs, SecretArgs, ServerArgs};
use crate::output::{self, Exit, Stop};
use crate::secrets::Given;
use crate::target;
use gateway_core::check::{
    self, Check, CheckReport, CheckRoute, Conclusion, StepId, StepResult, StepStatus,
};
use gateway_core::client::{Credentials, HelloRequest};
use gateway_core::config::Environment;
use gateway_core::connection::direct::Dialer;
use gateway_core::connection::problem::{Problem, UserAction};
use gateway_core::credentials::Candidates;
use gateway_core::protocol::connect::Scope;
use gateway_core::tunnel::{SignInMemory, TunnelError};

/// Runs the command.
pub(crate) async fn run(args: CheckArgs, environment: &Environment) -> Result<Exit, Stop> {
    let mut memory = SignInMemory::default();
    let json = args.json;
    let check = match &args.direct.url {
        Some(url) => {
            let dialer = Dialer::new(target::parse(url, "--url", Exit::Usage)?, None);
            Check {
                route: CheckRoute::Direct(Ok(Box::new(target::pinned(
                    dialer,
                    args.direct.tls_fingerprint.as_deref(),
                )?))),
                hello: Ok(by_hand(Given::read(args.secrets)?)?),
            }
        }
        None => {
            configured(
                args.server,
                args.direct,
                args.secrets,
                environment,
                &mut memory,
            )
            .await?
        }
    };
    let report = shown(check, &mut memory, !json).await;
    if json {
        output::json(&report);
    }
    Ok(exit(&report))
}

/// Runs a check; its steps are printed as they come, where that is wanted.
pub(crate) async fn shown(
    mut check: Check,
    memory: &mut SignInMemory,
    is_printed: bool,
) -> CheckReport {
    // A check reads and changes nothing, so it asks for no more.
    if let Ok(hello) = &mut check.hello {
        hello.scopes = vec![Scope::Read];
    }
    let is_direct = matches!(check.route, CheckRoute::Direct(_));
    let mut show = |step: &StepResult| {
        if is_printed {
            output::line(in_words(step, is_direct));
        }
    };
    check::run(check, memory, &mut show).await
}

/// What a check comes to.
pub(crate) fn exit(report: &CheckReport) -> Exit {
    match report.conclusion() {
        Conclusion::Healthy => Exit::Well,
        Conclusion::Degraded => Exit::Failed,
        Conclusion::Unreachable => Exit::Unreachable,
        Conclusion::NeedsUser => Exit::NeedsUser,
        Conclusion::BadAddress => Exit::Usage,
    }
}

/// An address given by hand is sent nothing that was not; this is settled before any socket opens.
fn by_hand(given: Given) -> Result<HelloRequest, Stop> {
    let candidates = Candidates {
        explicit_url: true,
        given_token: given.token,
        given_password: given.password,
        ..Candidates::default()
    };
    let chosen = candidates
        .choose()
        .map_err(|error| Stop::because(Exit::Failed, &error))?;
    let credentials = Credentials {
        token: chosen.token.map(|(token, _)| token),
        password: chosen.password.map(|(password, _)| password),
        device_token: None,
        setup_code: None,
    };
    Ok(target::hello(given.device, credentials))
}

async fn configured(
    server: ServerArgs,
    direct: DirectArgs,
    secrets: SecretArgs,
    environment: &Environment,
    memory: &mut SignInMemory,
) -> Result<Check, Stop> {
    let given = Given::read(secrets)?;
    let own = target::own(environment, &target::overrides(&server))?;
    if let Some(profile) = target::direct_profile(&own) {
        let dialer = target::of_profile(profile)?;
        let dialer = target::pinned(dialer, direct.tls_fingerprint.as_deref())?;
        let access = access::straight(false, given, &own, environment).await?;
        return Ok(Check {
            route: CheckRoute::Direct(Ok(Box::new(dialer))),
            hello: access.hello().await,
        });
    }
    let gateway_port = own.settled.remote_port.value;
    let plan = target::plan(&server, &own, environment)?;
    let planned = plan.map_err(TunnelError::BadTarget).and_then(|plan| {
        let config = plan.tunnel()?;
        Ok((plan, config))
    });
    let (server, hello) = match planned {
        Ok((plan, config)) => {
            let access = access::behind(plan.target(), given, &own, environment).await?;
            if let Some((key_file, passphrase)) = access.passphrase().await {
                memory.remember_passphrase(&key_file, passphrase);
            }
            (Ok(Box::new(config)), access.hello().await)
        }
        Err(error) => (Err(error), Err(no_address())),
    };
    Ok(Check {
        route: CheckRoute::Ssh {
            server,
            gateway_port,
        },
        hello,
    })
}

/// Never shown: the check ends at the address.
fn no_address() -> Problem {
    Problem::new(
        "badTarget",
        "The address cannot be used.",
        UserAction::EditAddress,
    )
}

/// Says a step in one line. By the gateway's own URL there is no host key: its certificate is judged.
fn in_words(step: &StepResult, is_direct: bool) -> String {
    let (mark, time) = match step.status {
        StepStatus::Ok => ("ok", step.ms),
        StepStatus::Degraded => ("degraded", step.ms),
        StepStatus::Failed => ("failed", step.ms),
        StepStatus::NeedsUser => ("needs you", step.ms),
        StepStatus::NotReached => ("not reached", None),
        StepStatus::NotNeeded => ("not needed", None),
    };
    let name = match serde_json::to_value(step.id) {
        Ok(_) if is_direct && step.id == StepId::HostKey => "certificate".to_owned(),
        Ok(serde_json::Value::String(name)) => name,
        Ok(_) | Err(_) => String::new(),
    };
    let time = time.map_or_else(String::new, |ms| format!("{ms:.0} ms"));
    format!("{name:<11}  {mark:<11}  {time:>8}  {}", step.summary)
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_direct_connection_has_a_certificate_where_ssh_has_a_host_key() {
        let step = StepResult {
            id: StepId::HostKey,
            status: StepStatus::Ok,
            ms: Some(12.0),
            summary: "Fine.".to_owned(),
            finding: None,
            action: None,
            pairing_request: None,
        };

        assert!(in_words(&step, true).starts_with("certificate  ok"));
        assert!(in_words(&step, false).starts_with("hostKey      ok"));
    }
}
