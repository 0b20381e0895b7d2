//! The official node host on another computer, and our own gateway: it is approved twice, seen by the
//! official command line, and runs what a person has allowed, and nothing else.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::gateway::witness::Witness;
use e2e::gateway::{Release, official_program, official_user};
use e2e::node_host::NodeHost;
use e2e::our_gateway::OurGateway;
use e2e::process::{Finished, Program, Running};
use e2e::temp_home::TempHome;
use e2e::wait::until;
use serde_json::{Value, json};

/// From its start until the gateway knows what it offers: a whole Node.js program with its plugins.
const COMES: Duration = Duration::from_secs(120);
/// Until the gateway knows that it has gone.
const GOES: Duration = Duration::from_secs(30);
/// One call of the official command line: a whole Node.js start each.
const CALL: Duration = Duration::from_secs(90);

const NAME: &str = "Bench";

/// Somebody with the official command line.
struct Person {
    home: TempHome,
}

impl Person {
    fn of(gateway: &OurGateway) -> Result<Self> {
        let home = official_user(&gateway.url(), gateway.token())?;
        Ok(Self { home })
    }

    fn program(&self, args: &[&str]) -> Result<Program> {
        Ok(official_program(Release::V4, &self.home)?.args(args))
    }

    async fn runs(&self, args: &[&str]) -> Result<Finished> {
        self.program(args)?.run(CALL).await
    }

    /// Runs a command that ends well and returns the JSON it prints.
    async fn reads(&self, args: &[&str]) -> Result<Value> {
        let printed = self.runs(args).await?.ok()?;
        serde_json::from_str(&printed).with_context(|| format!("no JSON: {printed}"))
    }

    /// Begins to ask the node to run something. The answer comes once somebody has decided.
    fn begins_to_run(&self, node: &str, key: &str, argv: &[&str]) -> Result<Running> {
        let params = run_params(node, key, argv).to_string();
        self.program(&["gateway", "call", "node.invoke", "--json"])?
            .args(["--timeout", "60000", "--params", &params])
            .start()
    }
}

fn run_params(node: &str, key: &str, argv: &[&str]) -> Value {
    json!({
        "nodeId": node, "command": "system.run", "params": {"command": argv},
        "idempotencyKey": key,
    })
}

/// Waits until the gateway's list of nodes is as `wanted`, and returns the entry of the one node.
async fn entry(
    witness: &mut Witness,
    what: &str,
    limit: Duration,
    wanted: impl Fn(&Value) -> bool,
) -> Result<Value> {
    until(what, limit, async || {
        let listed = witness.call("node.list", json!({})).await?;
        Ok(Some(listed["nodes"][0].clone()).filter(|entry| wanted(entry)))
    })
    .await
}

async fn is_here(witness: &mut Witness) -> Result<Value> {
    let usable = |entry: &Value| entry["connected"] == true && offers(entry, "system.run");
    entry(witness, "a node that offers system.run", COMES, usable).await
}

fn offers(entry: &Value, command: &str) -> bool {
    let commands = entry["commands"].as_array();
    commands.is_some_and(|offered| offered.iter().any(|word| word == command))
}

/// Waits for a request for approval, decides about it, and returns what was shown.
async fn decides(witness: &mut Witness, decision: &str) -> Result<Value> {
    let asked = witness
        .next(|frame| frame["event"] == "exec.approval.requested")
        .await?["payload"]
        .take();
    let params = json!({"id": asked["id"], "decision": decision});
    witness.call("exec.approval.resolve", params).await?;
    Ok(asked["request"].clone())
}

/// Returns what the official command line printed of an answer.
async fn answer(asking: &Running, code: i32) -> Result<Value> {
    let ended = asking.ended(CALL).await?;
    let printed = asking.stdout();
    let said = || format!("{printed}{}", asking.stderr());
    ensure!(ended.code() == Some(code), "{ended}: {}", said());
    serde_json::from_str(&printed).with_context(said)
}

/// Starts a gateway and a node host on it whose abilities a person has approved.
async fn approved() -> Result<(OurGateway, NodeHost, Person, String)> {
    let gateway = OurGateway::start().await?;
    let host = NodeHost::start(gateway.port(), gateway.token(), NAME)?;
    let person = Person::of(&gateway)?;
    let mut witness = gateway.witness().await?;
    let pending = |entry: &Value| entry["pendingRequestId"].is_string();
    let entry = entry(&mut witness, "a node to approve", COMES, pending)
        .await
        .with_context(|| host.log())?;
    ensure!(
        entry["approvalState"] == "pending-approval" && entry["commands"] == json!([]),
        "it offers something before anybody approved it: {entry}"
    );
    let request = entry["pendingRequestId"].as_str().unwrap_or_default();
    let waiting = person.reads(&["nodes", "pending", "--json"]).await?;
    ensure!(waiting[0]["requestId"] == request, "{waiting}");
    let approved = person
        .reads(&["nodes", "approve", request, "--json"])
        .await?;
    let node = approved["node"]["nodeId"].as_str();
    let node = node.context("no node was approved")?.to_owned();
    is_here(&mut witness).await?;
    Ok((gateway, host, person, node))
}

#[tokio::test]
async fn the_official_node_host_is_approved_seen_and_comes_back() -> Result<()> {
    let (mut gateway, mut host, person, node) = approved().await?;

    let list = person.reads(&["nodes", "list", "--json"]).await?;
    ensure!(
        list["pending"] == json!([]) && list["paired"][0]["nodeId"] == node.as_str(),
        "{list}"
    );
    let status = person.runs(&["nodes", "status"]).await?.ok()?;
    ensure!(status.contains("Paired: 1 · Connected: 1"), "{status}");
    let described = ["nodes", "describe", "--node", NAME, "--json"];
    let described = person.reads(&described).await?;
    ensure!(
        described["nodeId"] == node.as_str()
            && described["approvalState"] == "approved"
            && described["connected"] == true
            && described["version"] == Release::V4.version()
            && offers(&described, "system.run"),
        "{described}"
    );
    let which = r#"{"bins":["sh"]}"#;
    let which = ["nodes", "invoke", "--node", NAME, "--params", which];
    let which = [&which[..], &["--command", "system.which", "--json"]].concat();
    let found = person.reads(&which).await?;
    let file = found["payload"]["bins"]["sh"].as_str();
    ensure!(file.is_some_and(|file| file.ends_with("/sh")), "{found}");

    host.stop().await?;
    let mut witness = gateway.witness().await?;
    let gone = |entry: &Value| entry["connected"] == false;
    entry(&mut witness, "a node that has gone", GOES, gone).await?;
    let status = person.runs(&["nodes", "status"]).await?.ok()?;
    ensure!(status.contains("Paired: 1 · Connected: 0"), "{status}");

    host.start_again()?;
    is_here(&mut witness).await.with_context(|| host.log())?;
    gateway.kill();
    gateway.start_again().await?;
    let mut witness = gateway.witness().await?;
    is_here(&mut witness).await.with_context(|| host.log())?;
    let ran = run_params(&node, "after-the-restart", &["/bin/echo", "back"]);
    let ran = witness.call("node.invoke", ran).await?;
    ensure!(ran["payload"]["stdout"] == "back\n", "{ran}");

    host.stop().await?;
    gateway.stop().await
}

#[tokio::test]
async fn the_official_node_host_runs_what_a_person_allows_and_nothing_else() -> Result<()> {
    let (mut gateway, mut host, person, node) = approved().await?;
    let mut witness = gateway.witness().await?;
    let made = host.home().home().join("made");
    let made_here = made.to_str().context("a home that is no text")?;

    let asking = person.begins_to_run(&node, "denied", &["touch", made_here])?;
    let shown = decides(&mut witness, "deny").await?;
    ensure!(
        shown["nodeId"] == node.as_str() && shown["host"] == "node",
        "{shown}"
    );
    let refused = answer(&asking, 1).await?;
    ensure!(refused["error"]["code"] == "FORBIDDEN", "{refused}");
    ensure!(!made.exists(), "it was run although it was denied");

    // What is shown is the program as the node host would run it: a file in a folder.
    let asking = person.begins_to_run(&node, "allowed", &["touch", made_here])?;
    let shown = decides(&mut witness, "allow-once").await?;
    let program = shown["commandArgv"][0].as_str().unwrap_or_default();
    ensure!(
        program.starts_with('/') && program.ends_with("/touch"),
        "{shown}"
    );
    ensure!(shown["cwd"].is_string(), "{shown}");
    let ran = answer(&asking, 0).await?;
    ensure!(ran["payload"]["exitCode"] == 0, "{ran}");
    ensure!(made.exists(), "it was not run");

    let failing = ["ls", "/no/such/folder"];
    let asking = person.begins_to_run(&node, "failing", &failing)?;
    decides(&mut witness, "allow-once").await?;
    let ran = answer(&asking, 0).await?;
    let told = ran["payload"]["stderr"].as_str().unwrap_or_default();
    ensure!(
        ran["payload"]["exitCode"] == 2 && told.contains("/no/such/folder"),
        "{ran}"
    );

    // Nobody is asked about what the node host would not run.
    let missing = person.begins_to_run(&node, "missing", &["no-such-program"])?;
    let refused = answer(&missing, 1).await?;
    ensure!(
        refused["error"]["code"] == "UNAVAILABLE",
        "a program that does not exist: {refused}"
    );

    drop(witness);
    let alone = person.begins_to_run(&node, "nobody", &["uname"])?;
    let refused = answer(&alone, 1).await?;
    ensure!(
        refused["error"]["details"]["code"] == "APPROVAL_REQUIRED",
        "{refused}"
    );
    host.stop().await?;
    gateway.stop().await
}

#[tokio::test]
async fn the_helper_runs_a_program_on_the_official_node_host_once_a_person_allows_it() -> Result<()>
{
    let (mut gateway, mut host, person, _) = approved().await?;
    let mut witness = gateway.witness().await?;

    let asking = person
        .program(&["agent", "--agent", "main", "-m", "run uname -s on Bench"])?
        .start()?;
    let shown = decides(&mut witness, "allow-once").await?;
    ensure!(shown["commandArgv"][1] == "-s", "{shown}");
    ensure!(asking.ended(CALL).await?.success(), "{}", asking.stderr());
    let said = asking.stdout();
    ensure!(
        said.contains("Bench ran it.") && said.contains("Linux"),
        "{said}"
    );

    let asking = person
        .program(&["agent", "--agent", "main", "-m", "run uname -s on Bench"])?
        .start()?;
    decides(&mut witness, "deny").await?;
    ensure!(asking.ended(CALL).await?.success(), "{}", asking.stderr());
    let said = asking.stdout();
    ensure!(said.contains("a person denied it"), "{said}");
    host.stop().await?;
    gateway.stop().await
}
