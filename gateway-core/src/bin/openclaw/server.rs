//! `openclaw server …`: what is done on the home server itself, over the SSH sign-in.
//!
//! What comes of it is kept for the server in the settings, so it is done for no other.

use crate::access;
use crate::args::{AddKeyArgs, FetchTokenArgs, ServerArgs, ServerCommand};
use crate::output::{self, Exit, Stop};
use crate::questions;
use crate::secrets::Given;
use crate::target;
use gateway_core::config::{Environment, ProfileId};
use gateway_core::connection::access::GatewayAccess;
use gateway_core::connection::explain;
use gateway_core::connection::listener_slot::ListenerSlot;
use gateway_core::connection::question::Asked;
use gateway_core::connection::route::Failure;
use gateway_core::connection::ssh_server::SshServer;
use gateway_core::connection::state::Verdict;
use gateway_core::credentials::{self, CredentialStore, Keeping};
use gateway_core::home_server::authorized_keys::{Added, LIST, Removed};
use gateway_core::home_server::gateway_secret::{self, FetchError};
use gateway_core::home_server::sign_in_key::{self, KeyPlace, SignInKeyError};
use gateway_core::tunnel::{Tunnel, TunnelError};
use serde_json::json;
use std::sync::Arc;

/// Runs the command.
pub(crate) async fn run(command: ServerCommand, environment: &Environment) -> Result<Exit, Stop> {
    match command {
        ServerCommand::AddKey(args) => add_key(args, environment).await,
        ServerCommand::FetchToken(args) => fetch_token(args, environment).await,
    }
}

/// The server in the settings, and what is kept for it.
struct Home {
    server: SshServer,
    access: Arc<dyn GatewayAccess>,
    store: Arc<dyn CredentialStore>,
    profile: ProfileId,
    name: String,
}

impl Home {
    async fn find(args: &ServerArgs, environment: &Environment) -> Result<Self, Stop> {
        let own = target::own(environment, &target::overrides(args))?;
        let bad_address = |error: TunnelError| {
            let problem = explain::tunnel_problem(&error);
            Stop::new(Exit::Usage, problem.message)
        };
        let plan = target::plan(args, &own, environment)?;
        let plan = plan.map_err(|error| bad_address(error.into()))?;
        let profile = own.file.settings().active().filter(|profile| {
            !profile.is_direct() && access::names(&profile.address, plan.target())
        });
        let Some(profile) = profile else {
            return Err(Stop::new(
                Exit::Usage,
                "what is done on a server is kept for the server in the settings, and that is not \
                 the one named here; set its address in the settings first",
            ));
        };
        let profile = profile.secrets();
        let name = plan.target().to_string();
        let access = access::behind(plan.target(), Given::default(), &own, environment).await?;
        let port = own.settled.remote_port.value;
        Ok(Self {
            server: SshServer::planned(plan, port, ListenerSlot::disabled()),
            access,
            store: credentials::open_store().await,
            profile,
            name,
        })
    }

    fn place(&self) -> KeyPlace<'_> {
        KeyPlace {
            server: &self.server,
            access: &*self.access,
            store: &*self.store,
            profile: &self.profile,
        }
    }

    /// Signs in, asking whoever sits at the terminal.
    async fn sign_in(&self) -> Result<Tunnel, Stop> {
        let mut id = 0;
        loop {
            let failure = match self.server.reach(&*self.access).await {
                Ok(tunnel) => return Ok(tunnel),
                Err(failure) => failure,
            };
            let Some(question) = failure.question.clone() else {
                return Err(not_reached(&failure));
            };
            id += 1;
            let asked = Asked { id, question };
            let mut asking = questions::ask(&asked);
            if asking.is_none() {
                let message = format!(
                    "{} Run this in a terminal to be asked.",
                    failure.problem.message
                );
                return Err(Stop::new(Exit::NeedsUser, message));
            }
            let (_, answer) = questions::answered(&mut asking).await;
            let Some(answer) = answer else {
                return Err(Stop::new(Exit::NeedsUser, "it was not answered"));
            };
            if let Err(problem) = self.server.take_answer(&asked.question, answer).await {
                output::remark(problem.message);
            }
        }
    }
}

async fn add_key(args: AddKeyArgs, environment: &Environment) -> Result<Exit, Stop> {
    let home = Home::find(&args.server, environment).await?;
    let key = sign_in_key::prepare(&*home.store, &home.profile, environment.host_name())
        .await
        .map_err(|error| stopped(&error))?;
    let line = key.line().map_err(|error| stopped(&error.into()))?;
    // It stays open meanwhile, so that nobody is asked twice.
    let _signed_in = home.sign_in().await?;
    if args.undo {
        let removed = sign_in_key::remove(home.place()).await;
        let word = match removed.map_err(|error| stopped(&error))? {
            Removed::Now => "removed",
            Removed::Before => "wasNotThere",
        };
        tell(
            &args,
            word,
            &line,
            "The key signs in to",
            &home.name,
            "no longer",
        );
        return Ok(Exit::Well);
    }
    output::remark(format_args!(
        "This line is added to ~/{LIST} on {}:\n  {line}",
        home.name
    ));
    if !args.yes {
        match questions::agrees("Type yes to go on: ").await {
            Some(true) => {}
            Some(false) => return Err(Stop::new(Exit::NeedsUser, "nothing was changed")),
            None => {
                return Err(Stop::new(
                    Exit::NeedsUser,
                    "nothing was changed; say --yes, or run this in a terminal to be asked",
                ));
            }
        }
    }
    let added = sign_in_key::add(home.place(), &key).await;
    let word = match added.map_err(|error| stopped(&error))? {
        Added::Now => "added",
        Added::Before => "wasThere",
    };
    tell(
        &args,
        word,
        &line,
        "The key signs in to",
        &home.name,
        "from now on",
    );
    Ok(Exit::Well)
}

async fn fetch_token(args: FetchTokenArgs, environment: &Environment) -> Result<Exit, Stop> {
    let home = Home::find(&args.server, environment).await?;
    if let Keeping::SessionOnly { reason } = home.store.keeping() {
        let message =
            format!("there is no keychain to keep the token in ({reason}); unlock or install one");
        return Err(Stop::new(Exit::NeedsUser, message));
    }
    let _signed_in = home.sign_in().await?;
    let fetched =
        gateway_secret::fetch(&home.server, &*home.access, &*home.store, &home.profile).await;
    let fetched = fetched.map_err(|error| match &error {
        FetchError::NotReached(failure) => not_reached(failure),
        FetchError::Store(_) => Stop::because(Exit::NeedsUser, &error),
        FetchError::Files(_) | FetchError::NotTold(_) => Stop::because(Exit::Failed, &error),
    })?;
    if args.json {
        let found = fetched.found.as_ref();
        output::json(&json!({
            "kind": found.map(|found| if found.is_password { "password" } else { "token" }),
            "foundAt": found.map(|found| &found.at),
            "port": fetched.port,
        }));
        return Ok(Exit::Well);
    }
    match fetched.found {
        None => output::line("The gateway asks for no token."),
        Some(found) => output::line(format_args!(
            "The {}, from {}, is in the keychain now. The gateway's port is {}.",
            if found.is_password {
                "password"
            } else {
                "token"
            },
            found.at,
            fetched.port
        )),
    }
    Ok(Exit::Well)
}

fn tell(args: &AddKeyArgs, outcome: &str, line: &str, what: &str, name: &str, since: &str) {
    match args.json {
        true => output::json(&json!({"outcome": outcome, "line": line})),
        false => output::line(format_args!("{what} {name} {since}.")),
    }
}

fn not_reached(failure: &Failure) -> Stop {
    let exit = match failure.verdict {
        Verdict::Ask(_) | Verdict::Pause(_) => Exit::NeedsUser,
        Verdict::Retry(_) | Verdict::GatewayDown(_) | Verdict::Stop(_) => Exit::Unreachable,
    };
    Stop::new(exit, failure.problem.message.clone())
}

fn stopped(error: &SignInKeyError) -> Stop {
    match error {
        SignInKeyError::NotReached(failure) => not_reached(failure),
        SignInKeyError::NoKeychain { .. } | SignInKeyError::NoKey | SignInKeyError::Store(_) => {
            Stop::because(Exit::NeedsUser, error)
        }
        SignInKeyError::Encoding(_)
        | SignInKeyError::Files(_)
        | SignInKeyError::NotProven { .. }
        | SignInKeyError::NotProvenAndLeft { .. } => Stop::because(Exit::Failed, error),
    }
}
