//! `openclaw server start-gateway|restart-gateway|approve`: shows the command, asks, runs it, and checks.

use super::there::{There, confirm, not_reached};
use crate::args::{ApproveArgs, RepairArgs};
use crate::check;
use crate::output::{self, Exit, Stop};
use crate::secrets::Given;
use crate::signals;
use crate::target;
use gateway_core::check::{Check, CheckRoute};
use gateway_core::config::Environment;
use gateway_core::home_server::command::Output;
use gateway_core::home_server::gateway_service::{ApprovableRequest, Repair};
use gateway_core::home_server::repair::{self, Progress, RepairError, Repaired, Stage};
use gateway_core::protocol::PairingRequestId;
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

/// How long telling the server to stop may take.
const STOP_LIMIT: Duration = Duration::from_millis(1_000);

/// Approves the device of a request.
pub(super) async fn approve(args: ApproveArgs, environment: &Environment) -> Result<Exit, Stop> {
    let request = ApprovableRequest::new(&PairingRequestId::from(args.request));
    let request = request.ok_or_else(|| {
        Stop::new(
            Exit::Usage,
            "that is no request to pair; openclaw check --json names it under pairingRequest",
        )
    })?;
    run(Repair::ApproveDevice(request), args.repair, environment).await
}

/// Does a repair.
pub(super) async fn run(
    repair: Repair,
    args: RepairArgs,
    environment: &Environment,
) -> Result<Exit, Stop> {
    let own = target::own(environment, &target::overrides(&args.server))?;
    let given = Given::read(args.secrets)?;
    let there = There::find(&args.server, given, &own, environment).await?;
    // It stays open meanwhile, so that nobody is asked twice.
    let signed_in = there.sign_in().await?;
    show_commands(&repair, &there.name);
    confirm(args.yes).await?;
    let (mut shown, mut waits) = (0, false);
    let mut tell = |progress: &Progress| tell(progress, &mut shown, &mut waits);
    let repairing = repair::run(&there.server, &*there.access, &repair, &mut tell);
    let done = tokio::select! {
        done = repairing => done,
        () = signals::asked_to_end() => {
            // What runs is told to stop: that has gone out before the answer to this is here.
            let answered = timeout(STOP_LIMIT, signed_in.ping()).await;
            tracing::debug!(?answered, "what ran was told to stop");
            signed_in.close().await;
            return Err(Stop::new(Exit::Failed, "it was stopped"));
        }
    };
    if let Ok(Repaired { output, .. }) | Err(RepairError::Failed { output, .. }) = &done {
        let text = output.text();
        let rest = text.get(shown..).filter(|rest| !rest.trim().is_empty());
        if let Some(rest) = rest {
            output::remark(rest.trim_end());
        }
    }
    let done = done.map_err(|error| stopped(&error))?;
    let check = Check {
        route: CheckRoute::Ssh {
            server: there.plan.tunnel().map(Box::new),
            gateway_port: there.server.gateway_port(),
        },
        hello: there.access.hello().await,
    };
    let access = &*there.access;
    let mut memory = there.server.answered_so_far(&there.plan, access).await;
    let report = check::shown(check, &mut memory, !args.json).await;
    if args.json {
        output::json(&json!({
            "command": done.command,
            "output": done.output.text(),
            "check": report,
        }));
    }
    signed_in.close().await;
    Ok(check::exit(&report))
}

fn show_commands(repair: &Repair, name: &str) {
    let commands = repair.commands();
    let mut commands = commands.iter();
    if let Some(first) = commands.next() {
        output::remark(format_args!("This is run on {name}:\n  {first}"));
    }
    output::remark("and where that is not there, the first of these that is:");
    for command in commands {
        output::remark(format_args!("  {command}"));
    }
}

/// Prints each command once, and what it prints as that grows.
fn tell(progress: &Progress, shown: &mut usize, waits: &mut bool) {
    if progress.stage == Stage::Waiting && !*waits {
        *waits = true;
        output::remark("Waiting for the gateway to answer …");
    }
    let (Stage::Running, Some(command)) = (progress.stage, &progress.command) else {
        return;
    };
    if progress.output == Output::default() {
        *shown = 0;
        output::remark(format_args!("{command} …"));
        return;
    }
    let text = progress.output.text();
    // Once the beginning has been left out, only the end says how it went.
    if let Some(whole) = text.rfind('\n').filter(|_| progress.output.left_out() == 0)
        && let Some(new) = text.get(*shown..whole)
    {
        output::remark(new);
        *shown = whole + 1;
    }
}

fn stopped(error: &RepairError) -> Stop {
    match error {
        RepairError::NotReached(failure) => not_reached(failure),
        RepairError::NotAnswering { .. } => Stop::because(Exit::Unreachable, error),
        RepairError::Failed { .. }
        | RepairError::NoCommands { .. }
        | RepairError::NothingThere { .. }
        | RepairError::TooLong { .. }
        | RepairError::Command(_) => Stop::because(Exit::Failed, error),
    }
}
