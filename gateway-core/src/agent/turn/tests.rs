use super::super::catalogue::{Api, ModelEntry, Prices};
use super::super::message::AssistantPart;
use super::super::model::{ModelChunk, ModelErrorKind, ModelRequest, ModelStream};
use super::super::provider::tests::model as http_model;
use super::super::provider::tests::server::{Answer, Server};
use super::super::toolbox::ToolProgress;
use super::*;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use serde_json::json;
use std::collections::VecDeque;
use std::sync::Mutex;

type Script = Vec<Result<ModelChunk, ModelErrorKind>>;

/// A model that gives prepared answers in order; a script without an end hangs.
struct ScriptedModel {
    entry: ModelEntry,
    scripts: Mutex<VecDeque<Script>>,
    requests: Mutex<Vec<ModelRequest>>,
}

fn scripted(name: &str, scripts: impl IntoIterator<Item = Script>) -> Arc<ScriptedModel> {
    Arc::new(ScriptedModel {
        entry: ModelEntry {
            id: ModelId::new("test", name),
            name: name.to_owned(),
            context_window: 8_000,
            max_tokens: 1_000,
            reasoning: false,
            images: false,
            prices: Prices::default(),
            api: Api::OpenAiCompletions,
        },
        scripts: Mutex::new(scripts.into_iter().collect()),
        requests: Mutex::default(),
    })
}

impl ScriptedModel {
    fn asked(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

impl Model for ScriptedModel {
    fn entry(&self) -> &ModelEntry {
        &self.entry
    }

    fn stream(&self, request: ModelRequest) -> ModelStream {
        self.requests.lock().unwrap().push(request);
        let script = self
            .scripts
            .lock()
            .unwrap()
            .pop_front()
            .expect("asked once too often");
        let hangs = !script
            .iter()
            .any(|chunk| matches!(chunk, Err(_) | Ok(ModelChunk::Stop(_))));
        let model = self.entry.id.to_string();
        let chunks = stream::iter(script).map(move |chunk| {
            chunk.map_err(|kind| ModelError {
                kind,
                model: model.clone(),
                message: "as scripted".to_owned(),
                status: None,
                retry_after: None,
            })
        });
        if hangs {
            chunks.chain(stream::pending()).boxed()
        } else {
            chunks.boxed()
        }
    }
}

fn says(words: &[&str]) -> Script {
    let mut script: Script = words
        .iter()
        .map(|word| Ok(ModelChunk::Text((*word).to_owned())))
        .collect();
    script.push(Ok(ModelChunk::Usage(Usage {
        input: 10,
        output: 2,
        ..Usage::default()
    })));
    script.push(Ok(ModelChunk::Stop(StopReason::Stop)));
    script
}

fn calls(ids: &[&str]) -> Script {
    let mut script: Script = ids
        .iter()
        .map(|id| {
            Ok(ModelChunk::ToolCall(ToolCall {
                id: (*id).to_owned(),
                name: "echo".to_owned(),
                arguments: json!({"say": id}),
            }))
        })
        .collect();
    script.push(Ok(ModelChunk::Stop(StopReason::ToolUse)));
    script
}

fn fails(words: &[&str], kind: ModelErrorKind) -> Script {
    let mut script: Script = words
        .iter()
        .map(|word| Ok(ModelChunk::Text((*word).to_owned())))
        .collect();
    script.push(Err(kind));
    script
}

/// Answers what it is called with; the call `hang` never comes back.
#[derive(Default)]
struct Echo {
    ran: Mutex<Vec<String>>,
}

impl Toolbox for Echo {
    fn specs(&self) -> Vec<ToolSpec> {
        vec![ToolSpec {
            name: "echo".to_owned(),
            description: "says it again".to_owned(),
            parameters: json!({"type": "object"}),
        }]
    }

    fn call(
        &self,
        call: ToolCall,
        progress: ToolProgress,
        _: CancellationToken,
    ) -> BoxFuture<'_, ToolResult> {
        Box::pin(async move {
            let said = call.text("say").unwrap_or_default().to_owned();
            self.ran.lock().unwrap().push(said.clone());
            if said == "hang" {
                progress.show(ToolResult::ok("still at it"));
                std::future::pending::<()>().await;
            }
            ToolResult::ok(format!("said {said}"))
        })
    }
}

fn turn(model: Arc<dyn Model>) -> Turn {
    Turn {
        model,
        fallbacks: Vec::new(),
        history: Vec::new(),
        input: Message::user("hej", 1),
        system: "be kind".to_owned(),
        tools: Arc::new(Echo::default()),
        thinking: Thinking::Off,
        limits: Limits::default(),
        jitter: Arc::new(|| 1.0),
        clock: Arc::new(|| 42),
    }
}

async fn run(turn: Turn) -> (TurnOutcome, Vec<TurnEvent>) {
    run_until(turn, |_| false).await
}

/// Runs a turn and cancels it after the first event that is wanted.
async fn run_until(
    turn: Turn,
    wanted: impl Fn(&TurnEvent) -> bool,
) -> (TurnOutcome, Vec<TurnEvent>) {
    let (sender, mut receiver) = mpsc::channel(EVENT_QUEUE);
    let cancel = CancellationToken::new();
    let running = tokio::spawn(run_turn(turn, sender, cancel.clone()));
    let mut events = Vec::new();
    while let Some(event) = receiver.recv().await {
        if wanted(&event) {
            cancel.cancel();
        }
        events.push(event);
    }
    (running.await.unwrap(), events)
}

fn wire(outcome: &TurnOutcome) -> Vec<Value> {
    outcome.messages.iter().map(Message::to_json).collect()
}

fn delays(events: &[TurnEvent]) -> Vec<u128> {
    events
        .iter()
        .filter_map(|event| {
            if let TurnEvent::Retrying { delay, .. } = event {
                Some(delay.as_millis())
            } else {
                None
            }
        })
        .collect()
}

#[tokio::test]
async fn words_are_streamed_and_stored() {
    let (outcome, events) = run(turn(scripted("m", [says(&["Hej ", "med dig"])]))).await;

    assert_eq!(
        outcome.ending,
        Ending::Finished {
            stop_reason: StopReason::Stop
        }
    );
    assert_eq!(outcome.text, "Hej med dig");
    assert_eq!(
        wire(&outcome),
        [
            json!({"role": "assistant", "content": [{"type": "text", "text": "Hej med dig"}],
            "api": "openai-completions", "provider": "test", "model": "m",
            "usage": {"input": 10, "output": 2, "totalTokens": 12, "cacheRead": 0, "cacheWrite": 0,
                "cost": {"input": 0.0, "output": 0.0, "cacheRead": 0.0, "cacheWrite": 0.0, "total": 0.0}},
            "stopReason": "stop", "timestamp": 42})
        ]
    );
    assert_eq!(
        events,
        [
            TurnEvent::Phase(Phase::PreparingContext),
            TurnEvent::Phase(Phase::StartingModel {
                model: ModelId::new("test", "m")
            }),
            TurnEvent::Delta {
                text: "Hej ".to_owned(),
                delta: "Hej ".to_owned()
            },
            TurnEvent::Delta {
                text: "Hej med dig".to_owned(),
                delta: "med dig".to_owned()
            },
            TurnEvent::Usage(Usage {
                input: 10,
                output: 2,
                ..Usage::default()
            }),
        ]
    );
}

#[tokio::test]
async fn tools_run_in_order_and_their_results_go_back_to_the_model() {
    let mut first = calls(&["a", "a"]);
    first.insert(0, Ok(ModelChunk::Text("Let me see.".to_owned())));
    let model = scripted("m", [first, says(&["Done."])]);

    let (outcome, events) = run(turn(model.clone())).await;

    // The provider gave both calls one id; they are told apart.
    let started: Vec<_> = events
        .iter()
        .filter_map(|event| {
            if let TurnEvent::ToolStart { id, .. } = event {
                Some(format!("start {id}"))
            } else if let TurnEvent::ToolResult { id, result, .. } = event {
                Some(format!("{id} {}", result.text))
            } else {
                None
            }
        })
        .collect();
    assert_eq!(started, ["start a", "a said a", "start a_2", "a_2 said a"]);
    assert_eq!(outcome.text, "Let me see.\n\nDone.");
    let stored = wire(&outcome);
    assert_eq!(stored[0]["stopReason"], "toolUse");
    assert_eq!(stored[0]["content"][2]["id"], "a_2");
    assert_eq!(
        stored[1],
        json!({"role": "toolResult", "toolCallId": "a", "toolName": "echo",
        "content": [{"type": "text", "text": "said a"}], "isError": false, "timestamp": 42})
    );
    assert_eq!(
        stored[3]["content"],
        json!([{"type": "text", "text": "Done."}])
    );
    assert_eq!(model.requests.lock().unwrap()[1].messages.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_passes_is_tried_again_and_what_was_shown_is_taken_back() {
    let model = scripted(
        "m",
        [
            fails(&[], ModelErrorKind::Server),
            fails(&["half an "], ModelErrorKind::CutStream),
            says(&["whole"]),
        ],
    );

    let (outcome, events) = run(turn(model)).await;

    assert_eq!(outcome.text, "whole");
    assert_eq!(outcome.messages.len(), 1);
    assert_eq!(delays(&events), [500, 1000]);
    let replaced = events
        .iter()
        .position(|event| {
            *event
                == TurnEvent::Replace {
                    text: String::new(),
                }
        })
        .unwrap();
    let retried = events
        .iter()
        .rposition(|event| {
            matches!(
                event,
                TurnEvent::Retrying {
                    attempt: 2,
                    max: 8,
                    ..
                }
            )
        })
        .unwrap();
    assert!(retried < replaced);
}

#[tokio::test(start_paused = true)]
async fn retries_end_and_the_error_says_what_to_do() {
    let model = scripted(
        "m",
        std::iter::repeat_n(fails(&[], ModelErrorKind::Network), 9),
    );

    let (outcome, events) = run(turn(model.clone())).await;

    let Ending::Failed { error } = outcome.ending else {
        panic!("{:?}", outcome.ending)
    };
    assert_eq!(
        error.to_string(),
        "test/m: as scripted; check the provider's baseUrl and that it runs"
    );
    assert_eq!(delays(&events).len(), 8);
    assert_eq!((model.asked(), outcome.messages.len()), (9, 0));
}

#[tokio::test]
async fn a_wrong_key_is_not_tried_again() {
    let model = scripted("m", [fails(&[], ModelErrorKind::Auth)]);

    let (outcome, events) = run(turn(model)).await;

    assert!(matches!(outcome.ending, Ending::Failed { .. }));
    assert!(delays(&events).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_fallback_answers_when_the_model_does_not() {
    let first = scripted(
        "first",
        std::iter::repeat_n(fails(&["hm"], ModelErrorKind::Overloaded), 3),
    );
    let second = scripted("second", [says(&["here"])]);

    let (outcome, _) = run(Turn {
        fallbacks: vec![second],
        ..turn(first)
    })
    .await;

    assert_eq!(
        (outcome.text.as_str(), outcome.model.model()),
        ("here", "second")
    );
}

#[tokio::test]
async fn a_conversation_that_is_too_long_is_trimmed_harder_once() {
    let model = scripted(
        "m",
        [fails(&[], ModelErrorKind::ContextTooLong), says(&["ok"])],
    );
    let history: Vec<_> = (0..4)
        .map(|_| Message::user("x".repeat(6_000), 0))
        .collect();

    let (outcome, _) = run(Turn {
        history,
        ..turn(model.clone())
    })
    .await;

    let lengths: Vec<_> = model
        .requests
        .lock()
        .unwrap()
        .iter()
        .map(|request| request.messages.len())
        .collect();
    assert_eq!((outcome.text.as_str(), lengths), ("ok", vec![5, 3]));

    let never = scripted(
        "m",
        [
            fails(&[], ModelErrorKind::ContextTooLong),
            fails(&[], ModelErrorKind::ContextTooLong),
        ],
    );
    let (outcome, _) = run(turn(never)).await;
    assert!(matches!(outcome.ending, Ending::Failed { .. }));
}

#[tokio::test]
async fn cancelling_keeps_what_was_said() {
    let model = scripted("m", [vec![Ok(ModelChunk::Text("slow0 slow1".to_owned()))]]);

    let (outcome, _) = run_until(turn(model), |event| {
        matches!(event, TurnEvent::Delta { .. })
    })
    .await;

    assert_eq!(
        outcome.ending,
        Ending::Aborted {
            text: "slow0 slow1".to_owned()
        }
    );
    assert_eq!(
        wire(&outcome)[0]["content"],
        json!([{"type": "text", "text": "slow0 slow1"}])
    );
    assert_eq!(wire(&outcome)[0]["stopReason"], "aborted");
}

#[tokio::test]
async fn cancelling_before_a_word_stores_nothing() {
    let (outcome, _) = run_until(turn(scripted("m", [vec![]])), |event| {
        matches!(event, TurnEvent::Phase(Phase::StartingModel { .. }))
    })
    .await;

    assert_eq!(
        outcome.ending,
        Ending::Aborted {
            text: String::new()
        }
    );
    assert!(outcome.messages.is_empty());
}

#[tokio::test(start_paused = true)]
async fn cancelling_while_waiting_to_retry_keeps_what_was_said() {
    let model = scripted("m", [fails(&["half"], ModelErrorKind::CutStream)]);

    let (outcome, _) = run_until(turn(model), |event| {
        matches!(event, TurnEvent::Retrying { .. })
    })
    .await;

    assert_eq!(
        outcome.ending,
        Ending::Aborted {
            text: "half".to_owned()
        }
    );
}

#[tokio::test]
async fn cancelling_during_a_tool_leaves_no_call_without_a_result() {
    let model = scripted("m", [calls(&["a", "hang", "never"])]);
    let tools = Arc::new(Echo::default());

    let (outcome, _) = run_until(
        Turn {
            tools: tools.clone(),
            ..turn(model)
        },
        |event| matches!(event, TurnEvent::ToolUpdate { .. }),
    )
    .await;

    let results: Vec<_> = wire(&outcome)[1..]
        .iter()
        .map(|message| message["content"][0]["text"].clone())
        .collect();
    assert_eq!(
        results,
        ["said a", "stopped by the user", "stopped by the user"]
    );
    assert_eq!(*tools.ran.lock().unwrap(), ["a", "hang"]);
    assert_eq!(context::repair(outcome.messages.clone()), outcome.messages);
}

#[tokio::test]
async fn a_model_that_never_stops_calling_tools_is_stopped() {
    let model = scripted("m", std::iter::repeat_n(calls(&["a"]), 3));
    let limits = Limits {
        rounds: 3,
        ..Limits::default()
    };

    let (outcome, _) = run(Turn {
        limits,
        ..turn(model)
    })
    .await;

    assert_eq!(
        outcome.ending,
        Ending::Failed {
            error: TurnError::TooManyRounds { rounds: 3 }
        }
    );
    assert_eq!(outcome.messages.len(), 6);
}

#[tokio::test]
async fn arguments_that_are_no_object_are_sent_back_to_the_model() {
    let mut broken = calls(&["a"]);
    broken[0] = Ok(ModelChunk::ToolCall(ToolCall {
        id: "a".to_owned(),
        name: "echo".to_owned(),
        arguments: json!("{\"say\":"),
    }));
    let tools = Arc::new(Echo::default());

    let (outcome, _) = run(Turn {
        tools: tools.clone(),
        ..turn(scripted("m", [broken, says(&["sorry"])]))
    })
    .await;

    assert_eq!(wire(&outcome)[1]["isError"], true);
    assert!(tools.ran.lock().unwrap().is_empty());
}

#[tokio::test]
async fn thoughts_are_stored_apart_from_words() {
    let mut script = says(&["yes"]);
    script.insert(0, Ok(ModelChunk::Reasoning("hm".to_owned())));
    script.insert(1, Ok(ModelChunk::Signature("pro".to_owned())));
    script.insert(2, Ok(ModelChunk::Signature("of".to_owned())));

    let (outcome, events) = run(turn(scripted("m", [script]))).await;

    let Some(Message::Assistant(answer)) = outcome.messages.first() else {
        panic!("no answer")
    };
    assert_eq!(
        answer.parts[0],
        AssistantPart::Thinking {
            text: "hm".to_owned(),
            signature: Some("proof".to_owned())
        }
    );
    assert!(events.contains(&TurnEvent::Reasoning {
        delta: "hm".to_owned()
    }));
}

#[tokio::test]
async fn a_turn_nobody_listens_to_still_has_an_outcome() {
    let (sender, receiver) = mpsc::channel(1);
    drop(receiver);

    let outcome = run_turn(
        turn(scripted("m", [says(&["a", "b"])])),
        sender,
        CancellationToken::new(),
    )
    .await;

    assert_eq!(outcome.text, "ab");
}

#[tokio::test]
async fn over_http_a_500_is_retried_and_the_next_answer_is_shown() {
    let server = Server::answering([
        Answer::json(500, r#"{"error":{"message":"mock failure"}}"#),
        Answer::text("Echo: hej"),
    ])
    .await;
    let retry = RetryRules {
        first: Duration::from_millis(1),
        ..RetryRules::default()
    };
    let limits = Limits {
        retry,
        ..Limits::default()
    };

    let (outcome, events) = run(Turn {
        limits,
        ..turn(Arc::new(http_model(&server, "openai-completions")))
    })
    .await;

    assert_eq!(outcome.text, "Echo: hej");
    assert!(events.iter().any(|event| matches!(event, TurnEvent::Retrying { attempt: 1, message, .. } if message.contains("HTTP 500: mock failure"))));
}

#[tokio::test]
async fn over_http_cancelling_keeps_what_was_streamed() {
    let piece =
        b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"slow0 \"}}]}\n\n".to_vec();
    let server = Server::answering([Answer::stalled("text/event-stream", vec![piece])]).await;

    let (outcome, _) = run_until(
        turn(Arc::new(http_model(&server, "openai-completions"))),
        |event| matches!(event, TurnEvent::Delta { .. }),
    )
    .await;

    assert_eq!(
        outcome.ending,
        Ending::Aborted {
            text: "slow0 ".to_owned()
        }
    );
}
