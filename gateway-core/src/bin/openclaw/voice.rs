//! `openclaw voice`: a recording through the app's own pipeline, and a text as a spoken message.

pub(crate) mod listen;
mod models;

use crate::args::{VoiceCommand, VoiceForwardArgs, VoiceTestArgs};
use crate::gateway::{find, open};
use crate::output::{self, Exit, Stop};
use gateway_core::config::{Environment, machine};
use gateway_core::protocol::connect::Scope;
use gateway_core::protocol::{RunId, SessionKey};
use gateway_core::voice_forward::{ForwardError, Spoken, forward};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;
use tokio::task;
use uuid::Uuid;
use voice::engine::{self, Choice};
use voice::recording;
use voice::rehearsal::{Happened, Report, Start, rehearse};
use voice::timing::Timing;
use voice::triggers::Triggers;

pub(crate) use models::chosen as chosen_model;

pub(crate) async fn run(command: VoiceCommand, environment: &Environment) -> Result<Exit, Stop> {
    match command {
        VoiceCommand::Test(args) => test(args, environment).await,
        VoiceCommand::Models(args) => models::run(args, environment).await,
        VoiceCommand::Forward(args) => send(args, environment).await,
    }
}

/// `openclaw voice test`: 0 where something would have been sent, 1 where not.
async fn test(args: VoiceTestArgs, environment: &Environment) -> Result<Exit, Stop> {
    let as_json = args.json;
    let model = models::chosen(args.whisper_model.clone(), environment)?;
    let listened = task::spawn_blocking(move || listen(args, model)).await;
    let report = listened.map_err(|error| Stop::because(Exit::Failed, &error))??;
    if as_json {
        output::json(&json!({
            "events": report.happened.iter().map(event).collect::<Vec<_>>(),
            "unknownTriggers": report.unknown,
            "recordingMs": ms(report.length),
            "tookMs": ms(report.took),
        }));
    } else {
        for happened in &report.happened {
            output::line(line(happened));
        }
        for trigger in &report.unknown {
            output::remark(format_args!("not recognised by this engine: {trigger}"));
        }
    }
    let is_sent = |happened: &Happened| matches!(happened, Happened::Transcript { .. });
    Ok(match report.happened.iter().any(is_sent) {
        true => Exit::Well,
        false => Exit::Failed,
    })
}

fn listen(args: VoiceTestArgs, model: Option<PathBuf>) -> Result<Report, Stop> {
    let samples =
        recording::read(&args.wav).map_err(|error| Stop::because(Exit::Failed, &error))?;
    let choice = match model {
        Some(model) => Choice::Whisper {
            model,
            language: args.language,
        },
        None => Choice::PocketSphinx(None),
    };
    let engine = engine::open(&choice).map_err(|why| Stop::because(Exit::Failed, &why))?;
    let start = match args.held {
        true => Start::Held,
        false => Start::Trigger,
    };
    let triggers = Triggers::new(&args.trigger);
    rehearse(&samples, engine, &triggers, Timing::USUAL, start)
        .map_err(|error| Stop::because(Exit::Failed, &error))
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn event(happened: &Happened) -> Value {
    match happened {
        Happened::Wake { at, trigger } => {
            json!({"event": "wake", "atMs": ms(*at), "trigger": trigger})
        }
        Happened::Transcript { at, text, trigger } => {
            json!({"event": "transcript", "atMs": ms(*at), "text": text, "trigger": trigger})
        }
        Happened::Nothing { at } => json!({"event": "nothingHeard", "atMs": ms(*at)}),
    }
}

fn line(happened: &Happened) -> String {
    let seconds = |at: &Duration| at.as_secs_f64();
    match happened {
        Happened::Wake { at, trigger } => format!("{:6.2} s  wake        {trigger}", seconds(at)),
        Happened::Transcript { at, text, .. } => {
            format!("{:6.2} s  transcript  {text}", seconds(at))
        }
        Happened::Nothing { at } => format!("{:6.2} s  nothing was said", seconds(at)),
    }
}

/// `openclaw voice forward`.
async fn send(args: VoiceForwardArgs, environment: &Environment) -> Result<Exit, Stop> {
    let transcript = args.text.trim().to_owned();
    if transcript.is_empty() {
        return Err(Stop::new(
            Exit::Usage,
            "--text is empty; there is nothing to send",
        ));
    }
    let (limit, as_json) = (args.ask.timeout(), args.ask.json);
    let gateway = find(
        args.ask.url.as_deref(),
        args.ask.tls_fingerprint.as_deref(),
        args.ask.secrets,
        environment,
    )
    .await?;
    let established = open(&gateway, vec![Scope::Read, Scope::Write], limit).await?;
    let spoken = Spoken {
        // A key that was given may have been used by a call that was cut off.
        in_doubt: args.key.is_some(),
        key: RunId::from(args.key.unwrap_or_else(|| Uuid::new_v4().to_string())),
        transcript,
        machine: machine::display_name(),
        session_key: args.session.map(SessionKey::from),
        trigger: args.trigger,
    };
    let defaults = established.hello.snapshot.session_defaults.as_ref();
    let sent = forward(&established.session, &spoken, defaults).await;
    established.session.close().await;
    let forwarded = sent.map_err(|error| {
        let exit = match &error {
            ForwardError::Interrupted(_) => Exit::Unreachable,
            ForwardError::Refused(_) => Exit::Failed,
        };
        Stop::because(exit, &error)
    })?;
    let route = forwarded.route.as_ref();
    if as_json {
        output::json(&json!({
            "key": spoken.key,
            "sessionKey": forwarded.session_key,
            "deliver": route.map(|route| route.deliver),
            "channel": route.map(|route| &route.channel),
            "to": route.map(|route| &route.to),
            "hadArrived": route.is_none(),
        }));
    } else {
        output::line(match route {
            Some(route) if route.deliver => format!(
                "Sent to {}, and on to {}",
                forwarded.session_key, route.channel
            ),
            Some(_) => format!("Sent to {}", forwarded.session_key),
            None => format!("It had already arrived in {}", forwarded.session_key),
        });
    }
    Ok(Exit::Well)
}
