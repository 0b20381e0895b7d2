//! `openclaw gateway run`: the embedded gateway without a window, until Ctrl-C or SIGTERM.

use crate::args::RunArgs;
use crate::output::{self, Exit, Stop};
use crate::page;
use crate::signals;
use gateway_core::config::gateway_here::{self, Machine, NotHere, Wishes};
use gateway_core::config::{Environment, Places, private_file};
use gateway_core::credentials::secret::{GatewayPassword, GatewayToken};
use gateway_core::server::exposure::LocalAuth;
use gateway_core::server::logbook::Logbook;
use gateway_core::server::{Gateway, StartError, new_token};
use gateway_core::tunnel::Holder;
use serde_json::json;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use zeroize::Zeroizing;

/// Runs the gateway.
pub(crate) async fn run(
    args: RunArgs,
    environment: &Environment,
    logbook: &Logbook,
) -> Result<Exit, Stop> {
    let places =
        Places::find(environment).map_err(|error| Stop::because(Exit::Configuration, &error))?;
    let wishes = Wishes {
        token: token(&args)?,
        password: password(&args)?,
        port: args.port.map(|port| port.to_string()),
        bind: args.bind,
        auth: args.auth,
        kept_token: None,
        runs_here: false,
    };
    let mut config =
        gateway_here::configure(wishes, environment, &places, Machine::this(environment))
            .map_err(|why| refused(&why))?;
    if matches!(config.exposure.auth, LocalAuth::GenerateToken) {
        return Err(Stop::new(
            Exit::Configuration,
            "no gateway token is set; --token-file FILE makes one and keeps it there",
        ));
    }
    for note in &config.exposure.notes {
        output::remark(format_args!("note: {note}"));
    }
    logbook
        .keep_in(&config.state_dir)
        // The log is a part of the state: the disk is what is wrong with either.
        .map_err(|error| not_started(&StartError::State(error.into())))?;
    config.page = page::files();
    let gateway = Gateway::start(config)
        .await
        .map_err(|error| not_started(&error))?;
    let addresses: Vec<String> = gateway
        .addresses()
        .iter()
        .map(ToString::to_string)
        .collect();
    if args.json {
        output::json(&json!({"phase": "up", "addresses": addresses}));
    } else {
        output::line(format_args!("Gateway ready on {}", addresses.join(", ")));
        show_page(&gateway);
    }
    signals::asked_to_end().await;
    gateway.stop().await;
    Ok(Exit::Well)
}

/// Says where the page is. Only a person at a terminal gets a link that signs in: what else reads
/// this is a log.
fn show_page(gateway: &Gateway) {
    match gateway.browser_link() {
        Ok(link) if io::stdout().is_terminal() => {
            output::line(format_args!("In a browser: {}", link.expose().as_str()));
            output::line(
                "That link signs in once, within a minute. openclaw dashboard makes another.",
            );
        }
        Ok(link) => {
            output::line(format_args!(
                "In a browser: {} (openclaw dashboard makes a link that signs in)",
                link.address()
            ));
        }
        Err(why) => output::remark(format_args!("note: no page for browsers: {why}")),
    }
}

fn token(args: &RunArgs) -> Result<Option<GatewayToken>, Stop> {
    if let Some(token) = &args.token {
        output::remark("warning: --token can be seen by others on this computer; use --token-file");
        return Ok(Some(GatewayToken::new(token.trim())));
    }
    let Some(file) = &args.token_file else {
        return Ok(None);
    };
    make_if_missing(file)?;
    let text = secret_in(file)?;
    Ok(Some(GatewayToken::new(text.trim())))
}

/// Makes a token file on first use; an existing one is never touched.
fn make_if_missing(file: &Path) -> Result<(), Stop> {
    let token = new_token();
    let made = private_file::create(file, format!("{}\n", token.expose()))
        .map_err(|error| Stop::because(Exit::Configuration, &error))?;
    if made {
        output::remark(format_args!("made a token in {}", file.display()));
    }
    Ok(())
}

fn password(args: &RunArgs) -> Result<Option<GatewayPassword>, Stop> {
    if let Some(password) = &args.password {
        output::remark(
            "warning: --password can be seen by others on this computer; use --password-file",
        );
        return Ok(Some(GatewayPassword::new(password.clone())));
    }
    let Some(file) = &args.password_file else {
        return Ok(None);
    };
    let text = secret_in(file)?;
    Ok(Some(GatewayPassword::new(
        text.trim_end_matches(['\r', '\n']),
    )))
}

fn secret_in(file: &Path) -> Result<Zeroizing<String>, Stop> {
    private_file::read_secret(file).map_err(|error| Stop::because(Exit::Configuration, &error))
}

/// A refused configuration is 78, whatever it was refused for.
fn refused(why: &NotHere) -> Stop {
    Stop::because(Exit::Configuration, why)
}

fn not_started(error: &StartError) -> Stop {
    match error {
        StartError::Listen {
            address, source, ..
        } if source.kind() == io::ErrorKind::AddrInUse => {
            let holder = Holder::of(address.port()).map_or_else(
                || "another program".to_owned(),
                |holder| format!("{} (pid {})", holder.name, holder.pid),
            );
            Stop::new(
                Exit::Failed,
                format!("{error}: {holder} holds it; choose another --port, or end that program"),
            )
        }
        StartError::Listen { .. } | StartError::State(_) => Stop::because(Exit::Failed, error),
        StartError::NoToken | StartError::Secret(_) => Stop::because(Exit::Configuration, error),
    }
}
