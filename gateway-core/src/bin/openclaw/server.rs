//! `openclaw server …`: what is done on the home server itself, over the SSH sign-in.
//!
//! What is kept of a key or a token is kept for the server in the settings, so that is done for no other.

mod repair;
mod there;

use crate::access;
use crate::args::{AddKeyArgs, FetchTokenArgs, LogArgs, ServerArgs, ServerCommand};
use crate::output::{self, Exit, Stop};
use crate::secrets::Given;
use crate::target;
use gateway_core::config::{Environment, ProfileId};
use gateway_core::credentials::{self, CredentialStore, Keeping};
use gateway_core::home_server::authorized_keys::{Added, LIST, Removed};
use gateway_core::home_server::gateway_log::{self, LogError};
use gateway_core::home_server::gateway_secret::{self, FetchError};
use gateway_core::home_server::gateway_service::Repair;
use gateway_core::home_server::sign_in_key::{self, KeyPlace, SignInKeyError};
use serde_json::json;
use std::sync::Arc;
use there::{There, not_reached};

/// Runs the command.
pub(crate) async fn run(command: ServerCommand, environment: &Environment) -> Result<Exit, Stop> {
    match command {
        ServerCommand::AddKey(args) => add_key(args, environment).await,
        ServerCommand::FetchToken(args) => fetch_token(args, environment).await,
        ServerCommand::StartGateway(args) => {
            repair::run(Repair::StartGateway, args, environment).await
        }
        ServerCommand::RestartGateway(args) => {
            repair::run(Repair::RestartGateway, args, environment).await
        }
        ServerCommand::Approve(args) => repair::approve(args, environment).await,
        ServerCommand::Log(args) => log(args, environment).await,
    }
}

/// The server in the settings, and what is kept for it.
struct Home {
    there: There,
    store: Arc<dyn CredentialStore>,
    profile: ProfileId,
}

impl Home {
    async fn find(args: &ServerArgs, environment: &Environment) -> Result<Self, Stop> {
        let own = target::own(environment, &target::overrides(args))?;
        let there = There::find(args, Given::default(), &own, environment).await?;
        let profile = own.file.settings().active().filter(|profile| {
            !profile.is_direct() && access::names(&profile.address, there.plan.target())
        });
        let Some(profile) = profile else {
            return Err(Stop::new(
                Exit::Usage,
                "what is done on a server is kept for the server in the settings, and that is not \
                 the one named here; set its address in the settings first",
            ));
        };
        Ok(Self {
            store: credentials::open_store().await,
            profile: profile.secrets(),
            there,
        })
    }

    fn place(&self) -> KeyPlace<'_> {
        KeyPlace {
            server: &self.there.server,
            access: &*self.there.access,
            store: &*self.store,
            profile: &self.profile,
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
    let _signed_in = home.there.sign_in().await?;
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
            &home.there.name,
            "no longer",
        );
        return Ok(Exit::Well);
    }
    output::remark(format_args!(
        "This line is added to ~/{LIST} on {}:\n  {line}",
        home.there.name
    ));
    there::confirm(args.yes).await?;
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
        &home.there.name,
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
    let _signed_in = home.there.sign_in().await?;
    let fetched = gateway_secret::fetch(
        &home.there.server,
        &*home.there.access,
        &*home.store,
        &home.profile,
    )
    .await;
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

async fn log(args: LogArgs, environment: &Environment) -> Result<Exit, Stop> {
    let own = target::own(environment, &target::overrides(&args.server))?;
    let there = There::find(&args.server, Given::default(), &own, environment).await?;
    let _signed_in = there.sign_in().await?;
    let read = gateway_log::read(&there.server, &*there.access).await;
    let log = read.map_err(|error| match &error {
        LogError::NotReached(failure) => not_reached(failure),
        LogError::Files(_) | LogError::None { .. } | LogError::NotOurs { .. } => {
            Stop::because(Exit::Failed, &error)
        }
    })?;
    match args.json {
        true => output::json(&json!({"file": log.file, "text": log.text})),
        false => {
            output::remark(&log.file);
            output::line(log.text);
        }
    }
    Ok(Exit::Well)
}

fn tell(args: &AddKeyArgs, outcome: &str, line: &str, what: &str, name: &str, since: &str) {
    match args.json {
        true => output::json(&json!({"outcome": outcome, "line": line})),
        false => output::line(format_args!("{what} {name} {since}.")),
    }
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
