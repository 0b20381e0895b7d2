use super::super::model::Thinking;
use super::super::toolbox::{ToolProgress, ToolResult, ToolSpec, Toolbox};
use super::super::turn::{EVENT_QUEUE, Ending, Limits, Turn, TurnEvent, TurnOutcome, run_turn};
use super::*;
use serde_json::{Value, json};
use std::sync::Mutex;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A gateway whose state can be changed, behind the two tools the helper uses.
struct Gateway {
    status: Mutex<Value>,
    nodes: Mutex<Value>,
    invoked: Mutex<Vec<Value>>,
    answer: Mutex<ToolResult>,
    tools: Vec<&'static str>,
}

impl Gateway {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            status: Mutex::new(
                json!({"gateway": {"version": "1", "clients": 2}, "model": "builtin/helper"}),
            ),
            nodes: Mutex::new(json!([])),
            invoked: Mutex::default(),
            answer: Mutex::new(ToolResult::ok(
                json!({"ok": true, "payload": {"exitCode": 0, "stdout": "Linux\n"}}).to_string(),
            )),
            tools: vec!["session_status", "nodes", "exec"],
        })
    }

    fn has_node(&self, name: &str, connected: bool, commands: &[&str]) {
        let node = json!({"nodeId": format!("id-of-{name}"), "displayName": name, "platform": "linux",
            "connected": connected, "commands": commands, "approvalState": "approved"});
        self.nodes
            .lock()
            .unwrap()
            .as_array_mut()
            .unwrap()
            .push(node);
    }
}

impl Toolbox for Gateway {
    fn specs(&self) -> Vec<ToolSpec> {
        self.tools
            .iter()
            .map(|name| ToolSpec {
                name: (*name).to_owned(),
                description: String::new(),
                parameters: json!({"type": "object"}),
            })
            .collect()
    }

    fn call(
        &self,
        call: ToolCall,
        _: ToolProgress,
        _: CancellationToken,
    ) -> BoxFuture<'_, ToolResult> {
        Box::pin(async move {
            match (call.name.as_str(), call.text("action")) {
                ("exec", None) => {
                    self.invoked.lock().unwrap().push(call.arguments.clone());
                    self.answer.lock().unwrap().clone()
                }
                ("session_status", None) => ToolResult::ok(self.status.lock().unwrap().to_string()),
                ("nodes", Some("list")) => {
                    ToolResult::ok(json!({"nodes": *self.nodes.lock().unwrap()}).to_string())
                }
                ("nodes", Some("invoke")) => {
                    self.invoked.lock().unwrap().push(call.arguments.clone());
                    self.answer.lock().unwrap().clone()
                }
                _ => ToolResult::failed("what?"),
            }
        })
    }
}

fn helper(ollama: Option<&'static [&'static str]>) -> BuiltinHelper {
    let models = ollama.map(|names| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    });
    BuiltinHelper::new(
        Arc::new(|| "Monday 07:25".to_owned()),
        Arc::new(move || {
            let models = models.clone();
            Box::pin(async move { models })
        }),
    )
}

async fn ask_helper(
    helper: BuiltinHelper,
    gateway: &Arc<Gateway>,
    question: &str,
) -> (TurnOutcome, Vec<TurnEvent>) {
    let turn = Turn {
        model: Arc::new(helper),
        fallbacks: Vec::new(),
        history: Vec::new(),
        input: Message::user(question, 0),
        system: String::new(),
        tools: gateway.clone(),
        thinking: Thinking::Off,
        limits: Limits::default(),
        jitter: Arc::new(|| 0.0),
        clock: Arc::new(|| 0),
    };
    let (sender, mut receiver) = mpsc::channel(EVENT_QUEUE);
    let (outcome, events) = tokio::join!(run_turn(turn, sender, CancellationToken::new()), async {
        let mut events = Vec::new();
        while let Some(event) = receiver.recv().await {
            events.push(event);
        }
        events
    });
    (outcome, events)
}

async fn ask(gateway: &Arc<Gateway>, question: &str) -> String {
    ask_helper(helper(None), gateway, question).await.0.text
}

#[tokio::test]
async fn the_status_is_the_gateways_own_and_changes_with_it() {
    let gateway = Gateway::new();

    let before = ask(&gateway, "status").await;
    gateway.status.lock().unwrap()["gateway"]["clients"] = json!(3);
    let after = ask(&gateway, "status").await;

    assert_eq!(
        before,
        "This is the status:\n- Gateway: version 1\n- Connected: two clients\n- Model of this conversation: the built-in helper (no AI model yet)"
    );
    assert!(after.contains("- Connected: three clients"));
}

#[tokio::test]
async fn the_nodes_are_the_gateways_own_and_change_with_it() {
    let gateway = Gateway::new();

    let none = ask(&gateway, "hvilke noder er der?").await;
    gateway.has_node("pi", true, &["system.run"]);
    gateway.has_node("stue", false, &[]);
    let two = ask(&gateway, "which nodes are there").await;

    assert_eq!(none, "Ingen noder er parret med denne gateway.");
    assert_eq!(
        two,
        "1 of 2 nodes connected:\n- pi: connected; linux; system.run\n- stue: not connected; linux"
    );
}

#[tokio::test]
async fn a_program_is_run_by_real_calls_with_its_exact_arguments() {
    let gateway = Gateway::new();
    gateway.has_node("pi", true, &["system.run"]);

    let (outcome, events) = ask_helper(helper(None), &gateway, "run uname 'a b' on Pi").await;

    assert_eq!(
        *gateway.invoked.lock().unwrap(),
        [
            json!({"action": "invoke", "node": "id-of-pi", "command": "system.run", "params": {"command": ["uname", "a b"]}})
        ]
    );
    assert_eq!(outcome.text, "pi ran it.\n```\nLinux\n```");
    assert_eq!(
        events
            .iter()
            .filter(|event| matches!(event, TurnEvent::ToolResult { .. }))
            .count(),
        2
    );
    assert!(matches!(outcome.ending, Ending::Finished { .. }));
}

#[tokio::test]
async fn what_a_tool_refuses_is_passed_on() {
    let gateway = Gateway::new();
    gateway.has_node("pi", true, &["system.run"]);
    *gateway.answer.lock().unwrap() = ToolResult::failed("denied by the user");

    let answer = ask(&gateway, "kør rm x på pi").await;

    assert_eq!(answer, "Det lykkedes ikke. nodes siger: denied by the user");
}

#[tokio::test]
async fn a_program_that_fails_is_not_called_a_success() {
    let gateway = Gateway::new();
    gateway.has_node("pi", true, &["system.run"]);
    *gateway.answer.lock().unwrap() =
        ToolResult::ok(json!({"payload": {"exitCode": 2, "stderr": "no"}}).to_string());

    assert_eq!(
        ask(&gateway, "run ls on pi").await,
        "pi ran it; it ended with code 2.\n```\nno\n```"
    );
}

#[tokio::test]
async fn nothing_is_invoked_on_a_node_that_cannot() {
    let gateway = Gateway::new();
    gateway.has_node("pi", true, &["system.notify"]);
    gateway.has_node("away", false, &["system.run"]);

    let answers = [
        (
            ask(&gateway, "run ls on pi").await,
            "pi does not offer system.run, or it is not approved yet.",
        ),
        (
            ask(&gateway, "run ls on away").await,
            "away is not connected now.",
        ),
        (
            ask(&gateway, "run ls on moon").await,
            "There is no node called moon. Say \"nodes\" to see them.",
        ),
    ];

    for (answer, wanted) in answers {
        assert_eq!(answer, wanted);
    }
    assert!(gateway.invoked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_notification_goes_to_the_only_node_that_can_show_it() {
    let gateway = Gateway::new();
    gateway.has_node("pi", true, &["system.notify"]);

    let one = ask(&gateway, "notify dinner is ready").await;
    gateway.has_node("stue", true, &["system.notify"]);
    let two = ask(&gateway, "notify dinner is ready").await;

    assert_eq!(one, "Done: pi shows the notification.");
    assert_eq!(
        gateway.invoked.lock().unwrap()[0]["params"],
        json!({"title": "OpenClaw", "body": "dinner is ready"})
    );
    assert!(two.starts_with("Say which node"));
}

#[tokio::test]
async fn the_time_is_told() {
    let gateway = Gateway::new();

    assert_eq!(
        ask(&gateway, "Hvad er klokken?").await,
        "Klokken er Monday 07:25."
    );
}

#[tokio::test]
async fn anything_else_says_that_there_is_no_model_and_how_to_add_one() {
    let gateway = Gateway::new();

    let answer = ask(&gateway, "Write me a poem").await;

    assert!(answer.starts_with("No AI model is configured"));
    assert!(
        answer.contains("models.providers")
            && answer.contains("agents.defaults.model")
            && answer.contains("start Ollama")
    );
}

#[tokio::test]
async fn an_ollama_on_this_computer_is_offered_by_its_models() {
    let gateway = Gateway::new();

    let (with_models, _) = ask_helper(helper(Some(&["qwen3:8b", "phi4"])), &gateway, "help").await;
    let (empty, _) = ask_helper(helper(Some(&[])), &gateway, "hjælp").await;

    assert!(
        with_models.text.contains("qwen3:8b, phi4")
            && with_models.text.contains("\"ollama/qwen3:8b\"")
    );
    assert!(empty.text.contains("ollama pull"));
}

#[tokio::test]
async fn without_its_tools_the_helper_says_so() {
    let gateway = Arc::new(Gateway {
        tools: Vec::new(),
        ..Arc::into_inner(Gateway::new()).unwrap()
    });

    assert_eq!(
        ask(&gateway, "status").await,
        "I cannot do that here: the tool session_status is not available."
    );
}

#[tokio::test]
async fn a_program_without_a_node_is_run_on_this_computer() {
    let gateway = Gateway::new();
    *gateway.answer.lock().unwrap() = ToolResult::ok("Linux here\n");

    let said = ask(&gateway, "run uname -a").await;

    assert_eq!(said, "This computer ran it.\n```\nLinux here\n```");
    assert_eq!(
        *gateway.invoked.lock().unwrap(),
        [json!({"command": ["uname", "-a"]})]
    );
    *gateway.answer.lock().unwrap() = ToolResult::failed("uname was not run: a person denied it");
    let said = ask(&gateway, "kør uname på denne computer").await;
    assert!(
        said.starts_with("Det lykkedes ikke.") && said.contains("denied"),
        "{said}"
    );
}

#[tokio::test]
async fn a_status_is_in_words_and_says_no_more_than_is_known() {
    let gateway = Gateway::new();
    *gateway.status.lock().unwrap() = json!({
        "gateway": {
            "version": "0.1.0", "uptimeMs": 192_000, "time": "Monday 07:25", "sessions": 1,
            "clients": 1, "nodes": 0, "runs": 13,
        },
        "session": {
            "key": "agent:main:main", "agentId": "main", "model": "mock/m", "inputTokens": 12,
            "outputTokens": 3,
        },
    });

    assert_eq!(
        ask(&gateway, "status").await,
        "This is the status:\n- Gateway: version 0.1.0\n- Running for: 3 minutes\n\
         - Time here: Monday 07:25\n- Connected: one client and no nodes\n\
         - One conversation kept\n- 13 answers under way, this one included\n\
         - Model of this conversation: mock/m\n\
         - Tokens of this conversation: 12 read, 3 written"
    );
    let danish = ask(&gateway, "Vis status").await;
    assert!(danish.contains("Har kørt i: 3 minutter"), "{danish}");
    assert!(
        danish.contains("Forbundet: en klient og ingen noder"),
        "{danish}"
    );
    *gateway.status.lock().unwrap() = json!({});
    assert_eq!(ask(&gateway, "status").await, "This is the status:");
}

#[test]
fn durations_are_said_as_people_say_them() {
    for (seconds, english, danish) in [
        (0, "less than a second", "under et sekund"),
        (1, "1 second", "1 sekund"),
        (59, "59 seconds", "59 sekunder"),
        (60, "1 minute", "1 minut"),
        (199, "3 minutes", "3 minutter"),
        (3600, "1 hour", "1 time"),
        (7_260, "2 hours and 1 minute", "2 timer og 1 minut"),
        (86_400, "1 day", "1 dag"),
        (
            2 * 86_400 + 3 * 3_600 + 59,
            "2 days and 3 hours",
            "2 dage og 3 timer",
        ),
    ] {
        let said = |language| wording::duration(language, seconds);
        assert_eq!(said(intent::Language::English), english);
        assert_eq!(said(intent::Language::Danish), danish);
    }
}
