//! The commands that dial a gateway directly: one connection a command.

use crate::args::{AskArgs, CallArgs, ProbeArgs};
use crate::output::{self, Exit, Stop};
use crate::secrets::Given;
use crate::target::{self, Gateway};
use gateway_core::client::{
    self, CallError, ClientLimits, ConnectError, Established, NotAGateway, Session,
};
use gateway_core::config::Environment;
use gateway_core::connection::direct::error::DirectError;
use gateway_core::connection::explain;
use gateway_core::connection::phase::Cause;
use gateway_core::connection::state::Verdict;
use gateway_core::protocol::connect::Scope;
use gateway_core::protocol::method::Method;
use gateway_core::protocol::method::health::{Health, HealthPayload, Status, StatusParams};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The method that makes a code for a page.
const SETUP_CODE: &str = "device.pair.setupCode";

/// `openclaw gateway call`.
pub(crate) async fn call(args: CallArgs, environment: &Environment) -> Result<Exit, Stop> {
    let params = match args.params.as_deref().map(serde_json::from_str::<Value>) {
        None => json!({}),
        Some(Ok(params @ Value::Object(_))) => params,
        Some(_) => return Err(Stop::new(Exit::Usage, "--params must be one JSON object")),
    };
    let timeout = args.ask.timeout();
    let json = args.ask.json;
    let gateway = find(
        args.ask.url.as_deref(),
        args.ask.tls_fingerprint.as_deref(),
        args.ask.secrets,
        environment,
    )
    .await?;
    let mut scopes = vec![Scope::Read];
    loop {
        let session = open(&gateway, scopes.clone(), timeout).await?.session;
        let answer = match args.expect_final {
            true => {
                session
                    .call_raw_two_phase(&args.method, params.clone(), Some(timeout))
                    .await
            }
            false => {
                session
                    .call_raw(&args.method, params.clone(), timeout)
                    .await
            }
        };
        session.close().await;
        match answer {
            Ok(payload) if json => output::json(&payload),
            Ok(payload) => output::pretty_json(&payload),
            // The least is asked for first; a refusal for want of a scope did nothing yet.
            Err(error) => match wanted_scope(&error).filter(|scope| !scopes.contains(scope)) {
                Some(scope) => {
                    scopes.push(scope);
                    continue;
                }
                None => return Err(call_failed(&error)),
            },
        }
        return Ok(Exit::Well);
    }
}

/// `openclaw dashboard`: a link for a browser on the gateway's own computer.
pub(crate) async fn dashboard(args: AskArgs, environment: &Environment) -> Result<Exit, Stop> {
    let (limit, json) = (args.timeout(), args.json);
    let gateway = find(
        args.url.as_deref(),
        args.tls_fingerprint.as_deref(),
        args.secrets,
        environment,
    )
    .await?;
    let session = open(&gateway, vec![Scope::Admin], limit).await?.session;
    let params = json!({"joinUrl": true});
    let answer = session.call_raw(SETUP_CODE, params, limit).await;
    session.close().await;
    let payload = answer.map_err(|error| call_failed(&error))?;
    let Some(link) = payload.get("joinUrl").and_then(Value::as_str) else {
        return Err(Stop::new(
            Exit::Failed,
            format!(
                "{}: this gateway makes no links for browsers",
                gateway.dialer.url()
            ),
        ));
    };
    if json {
        output::json(&json!({"url": link, "expiresAtMs": payload.get("expiresAtMs")}));
    } else {
        output::line(link);
        output::remark("Open it on the gateway's own computer. It signs in once, within a minute.");
    }
    Ok(Exit::Well)
}

/// `openclaw health` and `openclaw gateway health`.
pub(crate) async fn health(args: AskArgs, environment: &Environment) -> Result<Exit, Stop> {
    let (limit, json) = (args.timeout(), args.json);
    let gateway = find(
        args.url.as_deref(),
        args.tls_fingerprint.as_deref(),
        args.secrets,
        environment,
    )
    .await?;
    let session = open(&gateway, vec![Scope::Read], limit).await?.session;
    let asked = Instant::now();
    let answer = session.call_raw(Health::NAME, json!({}), limit).await;
    let took = asked.elapsed();
    session.close().await;
    let payload = answer.map_err(|error| call_failed(&error))?;
    let health = read_health(&payload)?;
    if json {
        output::json(&payload);
    } else {
        output::line(health_line(&health, took));
    }
    Ok(exit_for(&health))
}

/// `openclaw status`.
pub(crate) async fn overview(args: AskArgs, environment: &Environment) -> Result<Exit, Stop> {
    let (limit, json) = (args.timeout(), args.json);
    let gateway = find(
        args.url.as_deref(),
        args.tls_fingerprint.as_deref(),
        args.secrets,
        environment,
    )
    .await?;
    let established = open(&gateway, vec![Scope::Read], limit).await?;
    let asked = Instant::now();
    let answers = ask_all(&established.session, limit).await;
    let took = asked.elapsed();
    established.session.close().await;
    let (health, status) = answers.map_err(|error| call_failed(&error))?;
    let typed = read_health(&health)?;
    let server = &established.hello.server;
    if json {
        output::json(&json!({
            "gateway": {
                "url": gateway.dialer.url().to_string(),
                "version": server.version,
                "protocol": established.hello.protocol,
            },
            "health": health,
            "status": status,
        }));
    } else {
        output::line(format_args!(
            "Gateway   {} (version {}, protocol {})",
            gateway.dialer.url(),
            server.version,
            established.hello.protocol
        ));
        output::line(health_line(&typed, took));
        if let Some(uptime) = established.hello.snapshot.uptime_ms {
            output::line(format_args!(
                "Running   for {}",
                in_words(Duration::from_millis(uptime))
            ));
        }
        for agent in typed.agents.unwrap_or_default() {
            let sessions = agent
                .sessions
                .and_then(|sessions| sessions.count)
                .unwrap_or(0);
            output::line(format_args!(
                "Agent     {}, {}",
                agent.agent_id,
                counted(sessions, "conversation")
            ));
        }
    }
    let degraded = health.get("ok") == Some(&Value::Bool(false));
    Ok(if degraded { Exit::Failed } else { Exit::Well })
}

/// `openclaw gateway probe`: does a gateway answer, and what does it let us do?
pub(crate) async fn probe(args: ProbeArgs, environment: &Environment) -> Result<Exit, Stop> {
    look(args, environment, false).await
}

/// `openclaw gateway status`: as a probe, and what is it running?
pub(crate) async fn status(args: ProbeArgs, environment: &Environment) -> Result<Exit, Stop> {
    look(args, environment, true).await
}

async fn look(args: ProbeArgs, environment: &Environment, ask_status: bool) -> Result<Exit, Stop> {
    let (limit, json) = (args.timeout(), args.json);
    let gateway = find(
        args.url.as_deref(),
        args.tls_fingerprint.as_deref(),
        args.secrets,
        environment,
    )
    .await?;
    let began = Instant::now();
    let url = gateway.dialer.url().to_string();
    let established = match open(&gateway, vec![Scope::Read], limit).await {
        Ok(established) => established,
        Err(stop) => {
            let reachable = stop.exit != Exit::Unreachable;
            if json {
                output::json(
                    &json!({"ok": false, "url": url, "reachable": reachable, "error": stop.message}),
                );
                return Ok(stop.exit);
            }
            output::line(format_args!("Gateway   {url}"));
            output::line(format_args!(
                "Reachable {}",
                if reachable { "yes" } else { "no" }
            ));
            return Err(stop);
        }
    };
    let took = began.elapsed();
    let granted = established
        .hello
        .auth
        .as_ref()
        .map(|auth| auth.scopes.clone());
    let answers = match ask_status {
        true => Some(ask_all(&established.session, limit).await),
        false => None,
    };
    established.session.close().await;
    let answers = answers.transpose().map_err(|error| call_failed(&error))?;
    let server = &established.hello.server;
    let scopes: Vec<String> = granted
        .unwrap_or_default()
        .iter()
        .map(|scope| scope.to_string())
        .collect();
    if json {
        let mut result = json!({
            "ok": true,
            "url": url,
            "reachable": true,
            "version": server.version,
            "protocol": established.hello.protocol,
            "scopes": scopes,
            "ms": took.as_secs_f64() * 1_000.0,
        });
        if let Some((health, status)) = answers {
            result["health"] = health;
            result["status"] = status;
        }
        output::json(&result);
        return Ok(Exit::Well);
    }
    output::line(format_args!(
        "Gateway   {url} (version {}, protocol {})",
        server.version, established.hello.protocol
    ));
    output::line(format_args!("Reachable yes, in {} ms", took.as_millis()));
    match scopes.as_slice() {
        [] => output::line(
            "Allowed   only what needs no scope; give --device-key-file to be known as a device",
        ),
        scopes => output::line(format_args!("Allowed   {}", scopes.join(", "))),
    }
    if let Some((health, _)) = answers {
        output::line(health_line(&read_health(&health)?, took));
    }
    Ok(Exit::Well)
}

pub(crate) async fn find(
    url: Option<&str>,
    pin: Option<&str>,
    secrets: crate::args::SecretArgs,
    environment: &Environment,
) -> Result<Gateway, Stop> {
    target::gateway(url, pin, Given::read(secrets)?, environment).await
}

pub(crate) async fn open(
    gateway: &Gateway,
    scopes: Vec<Scope>,
    limit: Duration,
) -> Result<Established, Stop> {
    let dialer = &gateway.dialer;
    let stream = match timeout(limit, dialer.dial()).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(not_reached(&error)),
        Err(_) => {
            return Err(Stop::new(
                Exit::Unreachable,
                format!(
                    "{} did not accept a connection within {} ms",
                    dialer.url(),
                    limit.as_millis()
                ),
            ));
        }
    };
    let limits = ClientLimits {
        hello: limit,
        ..ClientLimits::default()
    };
    client::connect(stream, dialer.url(), gateway.hello(scopes), limits)
        .await
        .map_err(|error| not_admitted(&error, gateway))
}

fn not_reached(error: &DirectError) -> Stop {
    let exit = match explain::direct_failure(error).verdict {
        Verdict::Ask(_) | Verdict::Pause(Cause::TlsPin) => Exit::NeedsUser,
        Verdict::Retry(_) | Verdict::GatewayDown(_) => Exit::Unreachable,
        Verdict::Pause(_) | Verdict::Stop(_) => Exit::Failed,
    };
    let mut message = explain::direct_problem(error).message;
    if let DirectError::CertificateUnknown(presented) = error {
        message.push_str(&format!(
            " To trust it: --tls-fingerprint {}",
            presented.fingerprint
        ));
    }
    Stop::new(exit, message)
}

fn not_admitted(error: &ConnectError, gateway: &Gateway) -> Stop {
    let exit = match error.cause() {
        Cause::Token | Cause::Pairing => Exit::NeedsUser,
        _ if error.is_not_a_gateway()
            || matches!(error, ConnectError::NotAGateway(NotAGateway::Silent)) =>
        {
            Exit::Unreachable
        }
        Cause::Network | Cause::Timeout | Cause::Closed => Exit::Unreachable,
        Cause::HostKeyUnknown
        | Cause::HostKeyChanged
        | Cause::HostKeyRevoked
        | Cause::AuthRefused
        | Cause::PromptCancelled
        | Cause::BadTarget
        | Cause::UnsupportedOption
        | Cause::ForwardProhibited
        | Cause::TlsPin
        | Cause::Protocol
        | Cause::PortTaken => Exit::Failed,
    };
    let mut message = format!(
        "{}: {}",
        gateway.dialer.url(),
        explain::connect_problem(error, gateway.dialer.url().port()).message
    );
    let origin = [
        gateway
            .chosen
            .token
            .as_ref()
            .map(|(_, origin)| ("token", origin)),
        gateway
            .chosen
            .password
            .as_ref()
            .map(|(_, origin)| ("password", origin)),
    ];
    if exit == Exit::NeedsUser {
        for (what, origin) in origin.into_iter().flatten() {
            message.push_str(&format!(" (The {what} came from {origin}.)"));
        }
    }
    Stop::new(exit, message)
}

fn call_failed(error: &CallError) -> Stop {
    let exit = match error {
        CallError::Refused { .. } | CallError::Malformed { .. } | CallError::TooLarge { .. } => {
            Exit::Failed
        }
        CallError::Closed { .. } | CallError::Deadline { .. } => Exit::Unreachable,
    };
    let mut message = error.to_string();
    if let Some(refusal) = error.refusal() {
        message = format!("{message}: {} ({})", refusal.message, refusal.code);
    }
    Stop::new(exit, message)
}

fn wanted_scope(error: &CallError) -> Option<Scope> {
    error.refusal()?.missing_scope().map(Scope::from)
}

async fn ask_all(session: &Session, limit: Duration) -> Result<(Value, Value), CallError> {
    let no_params = |params| serde_json::to_value(params).unwrap_or_else(|_| json!({}));
    let health = session.call_raw(Health::NAME, json!({}), limit).await?;
    let status = session
        .call_raw(Status::NAME, no_params(StatusParams::default()), limit)
        .await?;
    Ok((health, status))
}

fn read_health(payload: &Value) -> Result<HealthPayload, Stop> {
    serde_json::from_value(payload.clone()).map_err(|error| {
        Stop::new(
            Exit::Failed,
            format!("the gateway's health cannot be read: {error}"),
        )
    })
}

fn health_line(health: &HealthPayload, took: Duration) -> String {
    let word = match health.ok {
        Some(false) => "degraded",
        Some(true) | None => "ok",
    };
    let channels = health
        .channels
        .as_ref()
        .map_or(0, |channels| channels.len());
    let channels = match channels {
        0 => "no channels set up".to_owned(),
        count => counted(u64::try_from(count).unwrap_or(u64::MAX), "channel"),
    };
    format!("Health    {word}, {channels} ({} ms)", took.as_millis())
}

fn exit_for(health: &HealthPayload) -> Exit {
    if health.ok == Some(false) {
        Exit::Failed
    } else {
        Exit::Well
    }
}

fn counted(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

/// Under a minute in s, under an hour in min, under two days in h, then in days.
fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
