//! The official reference client package talks to our own gateway, through its restarts too.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::gateway;
use e2e::model_provider::ModelProvider;
use e2e::our_gateway::OurGateway;
use e2e::process::{Program, Running};
use e2e::temp_home::TempHome;
use e2e::tools;
use serde_json::{Value, json};

/// How long one step of the client may take, its waits before a reconnect included.
const STEP: Duration = Duration::from_secs(120);

/// The running client, as the driver in `tests/tools/gateway-client` drives it.
struct ReferenceClient {
    process: Running,
    _home: TempHome,
}

impl ReferenceClient {
    fn start(gateway: &OurGateway) -> Result<Self> {
        let home = TempHome::new()?;
        let process = Program::new(tools::node()?)
            .arg(tools::checkout().join("tests/tools/gateway-client/drive.mjs"))
            .arg(tools::reference_client()?)
            .envs(home.env())
            .env("GATEWAY_URL", gateway.url())
            .env("GATEWAY_TOKEN", gateway.token())
            .current_dir(home.home())
            .start()?;
        Ok(Self {
            process,
            _home: home,
        })
    }

    /// Waits for a step and returns what the client said of it.
    async fn says(&self, step: &str, how: Option<&str>) -> Result<Value> {
        self.process
            .says(step, STEP, |told| {
                let lines = told
                    .lines()
                    .filter_map(|line| serde_json::from_str(line).ok());
                lines.into_iter().find(|said: &Value| {
                    said["step"] == step && how.is_none_or(|h| said["how"] == h)
                })
            })
            .await
    }
}

/// What a history holds: who said what under which key.
fn lines(history: &Value) -> Vec<(&str, &str, Option<&str>)> {
    let messages = history["messages"].as_array().into_iter().flatten();
    messages
        .map(|message| {
            let word = |name: &str| message[name].as_str().unwrap_or_default();
            (word("role"), word("text"), message["key"].as_str())
        })
        .collect()
}

fn each_is_there_once(history: &Value) -> Result<()> {
    let messages = history["messages"].as_array().context("no messages")?;
    let mut ids: Vec<&str> = messages.iter().filter_map(|m| m["id"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    ensure!(
        ids.len() == messages.len(),
        "something is there twice: {history}"
    );
    Ok(())
}

#[tokio::test]
async fn the_reference_client_chats_aborts_and_reconnects_and_nothing_is_there_twice() -> Result<()>
{
    let mut gateway = OurGateway::prepare()?;
    let provider = ModelProvider::start()?;
    gateway::write_config(gateway.home(), gateway.port(), gateway.token(), &provider)?;
    gateway.start_again().await?;
    let client = ReferenceClient::start(&gateway)?;

    let hello = client.says("hello", None).await?;
    ensure!(
        hello["protocol"] == 4
            && hello["scopes"] == json!(["operator.read", "operator.write"])
            && hello["deviceToken"] == true,
        "{hello}"
    );
    let first = client.says("first", None).await?;
    ensure!(
        first["status"] == "started"
            && first["runId"] == "key-one"
            && first["state"] == "final"
            && first["text"] == "Echo: one"
            && first["deltas"].as_u64() >= Some(1)
            && first["grows"] == true,
        "{first}"
    );
    let again = client.says("again", None).await?;
    ensure!(again["answer"]["status"] == "ok", "{again}");
    let aborted = client.says("aborted", None).await?;
    ensure!(
        aborted["answer"] == json!({"ok": true, "aborted": true, "runIds": ["key-two"]})
            && aborted["state"] == "aborted"
            && aborted["stopReason"] == "rpc",
        "{aborted}"
    );
    let partial = aborted["text"].as_str().unwrap_or_default();
    ensure!(
        partial.contains("slow0") && !partial.contains("slow59"),
        "{aborted}"
    );

    client.says("restart", Some("killed")).await?;
    gateway.kill();
    gateway.start_again().await?;
    let back = client.says("back", Some("killed")).await?;
    ensure!(back["close"]["code"] == 1006 && back["gaps"] == 0, "{back}");
    let after_kill = client.says("afterKill", None).await?;
    ensure!(after_kill["inFlight"].is_null(), "{after_kill}");
    each_is_there_once(&after_kill)?;
    let resent = client.says("resent", None).await?;
    ensure!(resent["answer"]["status"] == "error", "{resent}");
    let turn = client.says("afterKillTurn", None).await?;
    ensure!(turn["text"] == "Echo: two", "{turn}");

    client.says("restart", Some("stopped")).await?;
    gateway.stop().await?;
    gateway.start_again().await?;
    let back = client.says("back", Some("stopped")).await?;
    ensure!(
        back["close"] == json!({"code": 1012, "reason": "service restart"}),
        "{back}"
    );
    let turn = client.says("afterStopTurn", None).await?;
    ensure!(turn["text"] == "Echo: three", "{turn}");
    let at_last = client.says("atLast", None).await?;
    each_is_there_once(&at_last)?;
    let said = lines(&at_last);
    let users: Vec<_> = said.iter().filter(|(role, ..)| *role == "user").collect();
    ensure!(
        users.len() == 5
            && *users[0] == ("user", "one", Some("key-one:user"))
            && *users[1] == ("user", "tell me SLOW things", Some("key-two:user"))
            && *users[2] == ("user", "more SLOW things", Some("key-three:user"))
            && *users[3] == ("user", "two", Some("key-four:user"))
            && users[4].1 == "three",
        "{said:?}"
    );
    let answers: Vec<&str> = said
        .iter()
        .filter(|(role, ..)| *role == "assistant")
        .map(|(_, text, _)| *text)
        .collect();
    ensure!(
        answers == ["Echo: one", partial, "Echo: two", "Echo: three"],
        "{answers:?}"
    );
    let unknown = client.says("unknownMethod", None).await?;
    ensure!(
        unknown["message"]
            .as_str()
            .is_some_and(|text| text.contains("operator.admin")),
        "{unknown}"
    );

    let done = client.says("done", None).await?;
    ensure!(done["gaps"] == 0 && done["hellos"] == 3, "{done}");
    ensure!(client.process.ended(STEP).await?.success());
    gateway.stop().await
}
