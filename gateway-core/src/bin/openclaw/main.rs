//! `openclaw`: the same core without a window, for scripts, servers and tests.
//!
//! Exit codes: 0 well, 1 failed or degraded, 2 unreachable, 3 needs the user, 64 wrong usage,
//! 78 refused configuration.

mod access;
mod args;
mod check;
mod connect;
mod diagnose;
mod gateway;
mod gateway_run;
mod output;
mod page;
mod questions;
mod secrets;
mod server;
mod signals;
mod target;
mod voice;

use args::{Cli, Command, GatewayCommand};
use clap::Parser as _;
use gateway_core::config::{Environment, Platform, machine};
use gateway_core::log_guard;
use gateway_core::server::logbook::Logbook;
use output::{Exit, Stop};
use std::process::ExitCode;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version are answers, not errors.
        Err(answer) if !answer.use_stderr() => {
            output::line(answer.to_string().trim_end());
            return Exit::Well.into();
        }
        Err(error) => {
            output::remark(error.to_string().trim_end());
            return Exit::Usage.into();
        }
    };
    let asked =
        EnvFilter::try_from_env("OPENCLAW_TRAY_LOG").unwrap_or_else(|_| EnvFilter::new("error"));
    let logbook = Logbook::default();
    tracing_subscriber::registry()
        .with(filter_fn(log_guard::may_be_written))
        // What the user reads; the gateway's own log is kept whatever is asked for here.
        .with(fmt::layer().with_writer(std::io::stderr).with_filter(asked))
        .with(logbook.layer())
        .init();
    let environment = Environment::new(
        std::env::vars_os(),
        std::env::home_dir(),
        Platform::current(),
    )
    .on_machine(machine::host_name(), machine::uid());
    // One thread: a tunnel costs less where its session and its connections need no handing over, and a
    // gateway answers small requests, where waking another thread takes longer than the answer.
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = match builder.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::remark(format_args!("openclaw could not start: {error}"));
            return Exit::Failed.into();
        }
    };
    let outcome = runtime.block_on(run(cli.command, &environment, &logbook));
    // A keychain or a name server that hangs must not hold up the end.
    runtime.shutdown_background();
    match outcome {
        Ok(exit) => exit.into(),
        Err(stop) => {
            output::remark(format_args!("openclaw: {}", stop.message));
            stop.exit.into()
        }
    }
}

async fn run(command: Command, environment: &Environment, logbook: &Logbook) -> Result<Exit, Stop> {
    match command {
        Command::Connect(args) => connect::run(args, environment).await,
        Command::Check(args) => check::run(args, environment).await,
        Command::Health(args) | Command::Gateway(GatewayCommand::Health(args)) => {
            gateway::health(args, environment).await
        }
        Command::Status(args) => gateway::overview(args, environment).await,
        Command::Diagnose(args) => diagnose::run(args, environment).await,
        Command::Server(command) => server::run(command, environment).await,
        Command::Voice(command) => voice::run(command, environment).await,
        Command::Dashboard(args) => gateway::dashboard(args, environment).await,
        Command::Gateway(GatewayCommand::Run(args)) => {
            gateway_run::run(args, environment, logbook).await
        }
        Command::Gateway(GatewayCommand::Call(args)) => gateway::call(args, environment).await,
        Command::Gateway(GatewayCommand::Probe(args)) => gateway::probe(args, environment).await,
        Command::Gateway(GatewayCommand::Status(args)) => gateway::status(args, environment).await,
    }
}
