//! The official command line against our own gateway: every command ends as it does against an
//! official gateway, with the text a user looks for.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::gateway::{Release, official_program};
use e2e::http;
use e2e::ports;
use e2e::process::{Finished, Program, Running};
use e2e::temp_home::TempHome;
use e2e::tools;
use e2e::wait::until;
use rustix::process::Signal;
use serde_json::json;

/// From start to `/healthz`.
const START: Duration = Duration::from_secs(30);
/// From SIGTERM to its end.
const STOP: Duration = Duration::from_secs(10);
/// One call of the official command line: a whole Node.js start each.
const CALL: Duration = Duration::from_secs(90);

const TOKEN: &str = "a-token-of-the-official-cli-test";

/// Commands that find the gateway in their configuration, how they end, and what they say.
const COMMANDS: [(&[&str], i32, &str); 18] = [
    (&["health"], 0, "Agents: main (default)"),
    (&["health", "--json"], 0, "\"defaultAgentId\": \"main\""),
    (&["health", "--verbose"], 0, "Gateway connection:"),
    (&["status"], 0, "· reachable"),
    (&["status", "--json"], 0, "\"reachable\": true"),
    (&["status", "--deep"], 0, "· reachable"),
    (&["gateway", "health"], 0, "OK ("),
    (&["gateway", "call", "status"], 0, "\"runtimeVersion\""),
    (
        &["gateway", "call", "foo.bar"],
        1,
        "unknown method: foo.bar",
    ),
    (&["gateway", "usage-cost"], 0, "Usage cost (30 days)"),
    (&["gateway", "stability"], 0, "Gateway Stability"),
    (
        &["agent", "-m", "hello", "--agent", "main"],
        0,
        "No AI model",
    ),
    (&["channels", "status"], 0, "Gateway reachable."),
    (&["models", "list"], 0, "builtin/helper"),
    (&["cron", "list"], 0, "No automations."),
    (&["logs", "--limit", "5", "--plain"], 0, "gateway.jsonl"),
    (
        &["system", "event", "--text", "hi", "--mode", "now"],
        0,
        "ok",
    ),
    (
        &[
            "message",
            "send",
            "--channel",
            "telegram",
            "--target",
            "1",
            "--message",
            "x",
        ],
        1,
        "no channels to chat networks",
    ),
];

/// Our gateway, as its own command starts it.
struct OurGateway {
    process: Running,
    port: u16,
    _home: TempHome,
}

impl OurGateway {
    async fn start() -> Result<Self> {
        let home = TempHome::new()?;
        let token_file = home.write_private("token", TOKEN)?;
        let port = ports::free_port()?;
        let process = Program::new(tools::openclaw()?)
            .envs(home.env())
            .env("OPENCLAW_TRAY_LOG", "info")
            .current_dir(home.home())
            // In a container the usual choice is every address, as with the official gateway.
            .args(["gateway", "run", "--bind", "loopback"])
            .args(["--port", &port.to_string()])
            .arg("--token-file")
            .arg(token_file)
            .start()?;
        until("our gateway's /healthz", START, async || {
            ensure!(process.has_ended()?.is_none(), "the gateway ended early");
            let answer = http::get(port, "/healthz").await;
            Ok(answer.is_ok_and(|(status, _)| status == 200).then_some(()))
        })
        .await
        .with_context(|| process.stderr())?;
        Ok(Self {
            process,
            port,
            _home: home,
        })
    }

    fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    async fn stop(self) -> Result<()> {
        self.process.signal(Signal::TERM);
        self.process.ended(STOP).await?;
        Ok(())
    }
}

/// A user of the official program whose gateway is elsewhere, as it calls that: remote.
fn user_of(url: &str) -> Result<TempHome> {
    let home = TempHome::new()?;
    let folder = home.home().join(".openclaw");
    fs::create_dir_all(&folder)?;
    let config = json!({"gateway": {"mode": "remote", "remote": {"url": url, "token": TOKEN}}});
    fs::write(folder.join("openclaw.json"), config.to_string())?;
    Ok(home)
}

async fn official(user: &TempHome, args: &[&str]) -> Result<Finished> {
    let program = official_program(Release::V4, user)?;
    program.args(args).run(CALL).await
}

fn ended_as(done: &Finished, args: &[&str], code: i32, text: &str) -> Result<()> {
    let said = format!("{}{}", done.stdout, done.stderr);
    ensure!(
        done.code() == Some(code) && said.contains(text),
        "openclaw {args:?}: {:?} instead of {code}, or no {text:?} in:\n{said}",
        done.code()
    );
    Ok(())
}

#[tokio::test]
async fn every_command_ends_as_against_an_official_gateway() -> Result<()> {
    let gateway = OurGateway::start().await?;
    let user = user_of(&gateway.url())?;
    let mut wrong = Vec::new();
    for (args, code, text) in COMMANDS {
        let done = official(&user, args).await?;
        if let Err(why) = ended_as(&done, args, code, text) {
            wrong.push(format!("{why:#}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    gateway.stop().await
}

#[tokio::test]
async fn a_probe_is_well_and_a_wrong_token_is_told() -> Result<()> {
    let gateway = OurGateway::start().await?;
    let user = TempHome::new()?;
    let url = gateway.url();
    let of = |args: &[&'static str], token| {
        let mut all: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        all.extend(["--url", &url, "--token", token].map(str::to_owned));
        all
    };
    for (args, token, code, text) in [
        (["gateway", "probe"], TOKEN, 0, "Reachable: yes"),
        (["gateway", "status"], TOKEN, 0, "Connectivity probe: ok"),
        (["gateway", "probe"], "wrong", 0, "token mismatch"),
    ] {
        let args = of(&args, token);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        ended_as(&official(&user, &args).await?, &args, code, text)?;
    }
    let args = of(&["gateway", "call", "health"], "wrong");
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    ended_as(&official(&user, &args).await?, &args, 1, "token mismatch")?;
    gateway.stop().await
}
