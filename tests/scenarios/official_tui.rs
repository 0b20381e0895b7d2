//! The official terminal UI holds a conversation with our own gateway.

use std::ffi::OsString;
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::gateway::{self, Release, official_argv, official_env, official_user};
use e2e::model_provider::ModelProvider;
use e2e::our_gateway::OurGateway;
use e2e::temp_home::TempHome;
use e2e::terminal::Terminal;
use serde_json::{Value, json};

/// From its start to a connection: a whole Node.js program with its plugins.
const START: Duration = Duration::from_secs(120);
/// How long a message and its answer may take, drawing included.
const TURN: Duration = Duration::from_secs(60);
/// A conversation that was cut off is there again after the next try of the program.
const COMES_BACK: Duration = Duration::from_secs(90);

/// What its foot says while nothing goes on.
const IDLE: &str = "connected | idle";
const CONVERSATION: &str = "agent:main:main";

/// A person in front of the official terminal UI.
struct Person {
    terminal: Terminal,
    _home: TempHome,
}

impl Person {
    async fn sits_down(gateway: &OurGateway) -> Result<Self> {
        let home = official_user(&gateway.url(), gateway.token())?;
        let mut argv = official_argv(Release::V4)?
            .map(std::path::PathBuf::into_os_string)
            .to_vec();
        argv.push(OsString::from("tui"));
        let terminal = Terminal::open(&home, official_env(&home)?, argv).await?;
        let is_there = |screen: &str| foot(screen).contains(IDLE);
        terminal.shows("a connection", START, is_there).await?;
        Ok(Self {
            terminal,
            _home: home,
        })
    }

    /// Says something and waits for an answer with `part` in it, and for quiet after it.
    async fn is_answered(&self, line: &str, part: &str) -> Result<()> {
        self.terminal.says(line).await?;
        self.sees(line, part).await
    }

    async fn sees(&self, after: &str, part: &str) -> Result<()> {
        let what = format!("{part:?} after {after:?}, and quiet");
        let seen = |screen: &str| {
            // From where it was said: an answer may repeat the question.
            let said = screen.split_once(after);
            said.is_some_and(|(_, answer)| answer.contains(part)) && foot(screen).contains(IDLE)
        };
        self.terminal.shows(&what, TURN, seen).await.map(drop)
    }

    async fn leaves(self) -> Result<()> {
        self.terminal.says("/exit").await?;
        let code = self.terminal.ended(TURN).await?;
        ensure!(code == 0, "the terminal UI ended with {code}");
        Ok(())
    }
}

/// The last lines that say anything: where it shows how it is.
fn foot(screen: &str) -> String {
    let lines: Vec<&str> = screen.lines().filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(6)..].join("\n")
}

/// Who said what in a conversation, in order.
async fn said(gateway: &OurGateway) -> Result<Vec<(String, String)>> {
    let params = json!({"sessionKey": CONVERSATION, "limit": 1000});
    let history = gateway
        .witness()
        .await?
        .call("chat.history", params)
        .await?;
    let text = |message: &Value| {
        let content = &message["content"];
        let part = content.pointer("/0/text").unwrap_or(content);
        part.as_str().unwrap_or_default().to_owned()
    };
    let messages = history["messages"].as_array().into_iter().flatten();
    Ok(messages
        .map(|message| {
            (
                message["role"].as_str().unwrap_or_default().into(),
                text(message),
            )
        })
        .collect())
}

#[tokio::test]
async fn the_terminal_ui_talks_to_the_built_in_helper() -> Result<()> {
    let mut gateway = OurGateway::start().await?;
    let person = Person::sits_down(&gateway).await?;

    person
        .is_answered("hello out there", "No AI model is configured")
        .await?;
    person
        .is_answered("status please", "Gateway: version")
        .await?;
    person.terminal.says("/gateway-status").await?;
    person
        .terminal
        .shows("the gateway's status", TURN, |screen| {
            screen.contains("Gateway status") && screen.contains("Stored sessions: 1")
        })
        .await?;

    // What is said elsewhere in the same conversation is seen here too.
    let elsewhere = json!({
        "sessionKey": CONVERSATION, "message": "what nodes are there", "idempotencyKey": "elsewhere",
    });
    gateway
        .witness()
        .await?
        .call("chat.send", elsewhere)
        .await?;
    person.sees("what nodes are there", "No nodes").await?;

    gateway.kill();
    let gone = |screen: &str| foot(screen).contains("disconnected");
    person.terminal.shows("the loss", COMES_BACK, gone).await?;
    gateway.start_again().await?;
    let back = |screen: &str| foot(screen).contains(IDLE) && !gone(screen);
    person
        .terminal
        .shows("its return", COMES_BACK, back)
        .await?;
    person.is_answered("what time is it", "It is ").await?;

    let said = said(&gateway).await?;
    let users: Vec<&str> = said
        .iter()
        .filter(|(role, _)| role == "user")
        .map(|(_, text)| text.as_str())
        .collect();
    ensure!(
        users
            == [
                "hello out there",
                "status please",
                "what nodes are there",
                "what time is it"
            ],
        "{said:?}"
    );
    person.leaves().await?;
    gateway.stop().await
}

#[tokio::test]
async fn escape_stops_a_run_and_what_was_said_by_then_stays() -> Result<()> {
    let mut gateway = OurGateway::prepare()?;
    let provider = ModelProvider::start()?;
    gateway::write_config(gateway.home(), gateway.port(), gateway.token(), &provider)?;
    gateway.start_again().await?;
    let person = Person::sits_down(&gateway).await?;

    person.terminal.says("tell me SLOW things").await?;
    person
        .terminal
        .shows("the answer so far", TURN, |screen| screen.contains("slow2"))
        .await?;
    person.terminal.presses("Escape").await?;
    let stopped = |screen: &str| {
        screen.contains("run aborted") && foot(screen).contains("connected | aborted")
    };
    person.terminal.shows("the stop", TURN, stopped).await?;
    person.is_answered("and now", "Echo: and now").await?;
    person.leaves().await?;

    let said = said(&gateway).await?;
    let roles: Vec<&str> = said.iter().map(|(role, _)| role.as_str()).collect();
    ensure!(
        roles == ["user", "assistant", "user", "assistant"],
        "{said:?}"
    );
    let (_, partial) = &said[1];
    ensure!(
        partial.contains("slow2") && !partial.contains("slow59"),
        "{partial:?}"
    );
    gateway.stop().await
}
