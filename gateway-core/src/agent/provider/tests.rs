pub(crate) mod server;
mod tls;

use super::super::catalogue::{ModelCatalogue, ModelId};
use super::super::message::{AssistantMessage, AssistantPart, Message};
use super::super::model::{StopReason, Thinking, Usage};
use super::super::toolbox::{ToolCall, ToolSpec};
use super::*;
use serde_json::{Value, json};
use server::{Answer, Server};

const QUICK: Patience = Patience {
    connect: Duration::from_secs(5),
    first_byte: Duration::from_secs(5),
    between: Duration::from_secs(5),
};

/// A model of the server, in one of the wire formats.
pub(in crate::agent) fn model(server: &Server, api: &str) -> HttpModel {
    model_at(
        &format!("http://{}/v1", server.address()),
        api,
        "mock-1",
        QUICK,
    )
}

fn model_at(base_url: &str, api: &str, id: &str, patience: Patience) -> HttpModel {
    let config = json!({"models": {"providers": {"mock": {
        "baseUrl": base_url, "apiKey": "sk-canary", "api": api,
        "models": [{"id": id, "reasoning": true, "input": ["text", "image"], "contextWindow": 8000, "maxTokens": 500}]}}}});
    let catalogue = ModelCatalogue::from_config(&config, &|_| None, None).unwrap();
    let (entry, provider) = catalogue.find(&ModelId::new("mock", id)).unwrap();
    HttpModel::new(entry, provider, patience).unwrap()
}

fn request() -> ModelRequest {
    ModelRequest {
        system: "be kind".to_owned(),
        messages: vec![Message::user("hej", 0)],
        tools: vec![ToolSpec {
            name: "read".to_owned(),
            description: "reads".to_owned(),
            parameters: json!({"type": "object", "properties": {}}),
        }],
        max_tokens: 100,
        thinking: Thinking::Off,
    }
}

async fn ask(model: &HttpModel, request: ModelRequest) -> Result<Vec<ModelChunk>, ModelError> {
    model.stream(request).try_collect().await
}

fn text(chunks: &[ModelChunk]) -> String {
    chunks
        .iter()
        .filter_map(|chunk| match chunk {
            ModelChunk::Text(text) => Some(text.as_str()),
            ModelChunk::Reasoning(_)
            | ModelChunk::Signature(_)
            | ModelChunk::ToolCall(_)
            | ModelChunk::Usage(_)
            | ModelChunk::Stop(_) => None,
        })
        .collect()
}

/// A conversation in which two tools were run in one round.
fn after_two_tools() -> ModelRequest {
    let call = |id: &str| {
        AssistantPart::ToolCall(ToolCall {
            id: id.to_owned(),
            name: "read".to_owned(),
            arguments: json!({"path": id}),
        })
    };
    let result = |id: &str, is_error| Message::ToolResult {
        call_id: id.to_owned(),
        name: "read".to_owned(),
        text: format!("text of {id}"),
        is_error,
        timestamp_ms: 0,
    };
    let mut request = request();
    request.messages.extend([
        Message::Assistant(AssistantMessage {
            parts: vec![
                AssistantPart::Thinking {
                    text: "hm".to_owned(),
                    signature: Some("proof".to_owned()),
                },
                call("a"),
                call("b"),
            ],
            model: ModelId::new("mock", "mock-1"),
            api: Api::AnthropicMessages,
            usage: Usage::default(),
            prices: super::super::catalogue::Prices::default(),
            stop_reason: StopReason::ToolUse,
            timestamp_ms: 0,
        }),
        result("a", false),
        result("b", true),
    ]);
    request
}

#[tokio::test]
async fn openai_text_reasoning_usage_and_end_are_streamed() {
    let server = Server::answering([Answer::sse(&[
        json!({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}),
        json!({"choices": [{"index": 0, "delta": {"reasoning_content": "hm"}}]}),
        json!({"choices": [{"index": 0, "delta": {"content": "Hej "}}]}),
        json!({"choices": [{"index": 0, "delta": {"content": "med dig"}}]}),
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}),
        json!({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18,
            "prompt_tokens_details": {"cached_tokens": 4}}}),
    ])])
    .await;

    let chunks = ask(&model(&server, "openai-completions"), request())
        .await
        .unwrap();

    let usage = Usage {
        input: 7,
        output: 7,
        cache_read: 4,
        cache_write: 0,
    };
    assert_eq!(text(&chunks), "Hej med dig");
    assert_eq!(chunks[0], ModelChunk::Reasoning("hm".to_owned()));
    assert_eq!(
        chunks[3..],
        [
            ModelChunk::Usage(usage),
            ModelChunk::Stop(StopReason::Length)
        ]
    );
    let sent = server.requests().remove(0);
    assert!(sent.starts_with("POST /v1/chat/completions "), "{sent}");
    assert!(
        sent.to_lowercase()
            .contains("authorization: bearer sk-canary")
    );
    let body = server::body(&sent);
    assert_eq!(
        body["messages"][0],
        json!({"role": "system", "content": "be kind"})
    );
    assert_eq!(body["tools"][0]["function"]["name"], "read");
    assert_eq!(body["max_tokens"], 100);
    assert!(body.get("reasoning_effort").is_none());
}

#[tokio::test]
async fn openai_tool_calls_in_pieces_are_put_together() {
    let piece = |call: Value| json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]});
    let server = Server::answering([Answer::sse(&[
        piece(json!({"index": 0, "id": "c1", "type": "function", "function": {"name": "read", "arguments": ""}})),
        piece(json!({"index": 0, "function": {"arguments": "{\"path\":"}})),
        piece(json!({"index": 0, "function": {"arguments": "\"å\"}"}})),
        piece(json!({"index": 1, "id": "c2", "function": {"name": "read", "arguments": ""}})),
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}),
    ])])
    .await;

    let chunks = ask(&model(&server, "openai-completions"), request())
        .await
        .unwrap();

    let call = |id: &str, arguments| {
        ModelChunk::ToolCall(ToolCall {
            id: id.to_owned(),
            name: "read".to_owned(),
            arguments,
        })
    };
    assert_eq!(
        chunks,
        [
            call("c1", json!({"path": "å"})),
            call("c2", json!({})),
            ModelChunk::Stop(StopReason::ToolUse)
        ]
    );
}

#[tokio::test]
async fn a_character_split_between_two_packets_arrives_whole() {
    let line = format!(
        "data: {}\n\n",
        json!({"choices": [{"index": 0, "delta": {"content": "smørrebrød 🥪"}}]})
    );
    let mut pieces: Vec<Vec<u8>> = line.as_bytes().chunks(1).map(<[u8]>::to_vec).collect();
    pieces.push(b"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n".to_vec());
    let server = Server::answering([Answer::pieces("text/event-stream", pieces)]).await;

    let chunks = ask(&model(&server, "openai-completions"), request())
        .await
        .unwrap();

    assert_eq!(text(&chunks), "smørrebrød 🥪");
}

#[tokio::test]
async fn a_models_name_that_ends_like_an_effort_is_sent_whole() {
    for api in ["openai-completions", "openai-responses"] {
        let server = Server::answering([Answer::json(404, "{}")]).await;
        let base = format!("http://{}/v1", server.address());

        ask(&model_at(&base, api, "qwen-max", QUICK), request())
            .await
            .unwrap_err();

        assert_eq!(server::body(&server.requests()[0])["model"], "qwen-max");
    }
}

#[tokio::test]
async fn the_responses_api_is_spoken() {
    let server = Server::answering([Answer::events(&[
        ("response.created", json!({"type": "response.created", "response": {"id": "r", "status": "in_progress", "output": []}})),
        ("response.output_text.delta", json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "item_id": "m", "delta": "Hej"})),
        ("response.completed", json!({"type": "response.completed", "response": {"id": "r", "object": "response",
            "status": "completed", "model": "mock-1", "output": [], "usage": {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}}})),
    ])])
    .await;

    let chunks = ask(&model(&server, "openai-responses"), request())
        .await
        .unwrap();

    assert_eq!(text(&chunks), "Hej");
    assert_eq!(chunks.last(), Some(&ModelChunk::Stop(StopReason::Stop)));
    assert!(server.requests()[0].starts_with("POST /v1/responses "));
}

#[tokio::test]
async fn anthropic_thoughts_text_and_tools_are_streamed() {
    let delta = |index: u8, delta: Value| {
        (
            "content_block_delta",
            json!({"type": "content_block_delta", "index": index, "delta": delta}),
        )
    };
    let start = |index: u8, block: Value| {
        (
            "content_block_start",
            json!({"type": "content_block_start", "index": index, "content_block": block}),
        )
    };
    let stop = |index: u8| {
        (
            "content_block_stop",
            json!({"type": "content_block_stop", "index": index}),
        )
    };
    let server = Server::answering([Answer::events(&[
        ("message_start", json!({"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1}}})),
        start(0, json!({"type": "thinking", "thinking": ""})),
        delta(0, json!({"type": "thinking_delta", "thinking": "hm"})),
        delta(0, json!({"type": "signature_delta", "signature": "proof"})),
        stop(0),
        start(1, json!({"type": "text", "text": ""})),
        delta(1, json!({"type": "text_delta", "text": "Jeg ser"})),
        stop(1),
        start(2, json!({"type": "tool_use", "id": "t1", "name": "read", "input": {}})),
        delta(2, json!({"type": "input_json_delta", "partial_json": "{\"path\": \"a\"}"})),
        stop(2),
        ("message_delta", json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}})),
        ("message_stop", json!({"type": "message_stop"})),
    ])])
    .await;

    let chunks = ask(&model(&server, "anthropic-messages"), after_two_tools())
        .await
        .unwrap();

    assert_eq!(
        chunks,
        [
            ModelChunk::Reasoning("hm".to_owned()),
            ModelChunk::Signature("proof".to_owned()),
            ModelChunk::Text("Jeg ser".to_owned()),
            ModelChunk::ToolCall(ToolCall {
                id: "t1".to_owned(),
                name: "read".to_owned(),
                arguments: json!({"path": "a"})
            }),
            ModelChunk::Usage(Usage {
                input: 9,
                output: 5,
                cache_read: 0,
                cache_write: 0
            }),
            ModelChunk::Stop(StopReason::ToolUse),
        ]
    );
    let sent = server.requests().remove(0);
    assert!(sent.starts_with("POST /v1/messages "));
    assert!(
        sent.contains("x-api-key: sk-canary") && sent.contains("anthropic-version: 2023-06-01")
    );
    assert!(!sent.to_lowercase().contains("authorization"));
    let messages = &server::body(&sent)["messages"];
    assert_eq!(
        messages[1]["content"][0],
        json!({"type": "thinking", "thinking": "hm", "signature": "proof"})
    );
    // Both results stand in the one message after the calls.
    assert_eq!(messages.as_array().unwrap().len(), 3);
    assert_eq!(messages[2]["content"][0]["tool_use_id"], "a");
    assert_eq!(messages[2]["content"][1]["content"], "Error: text of b");
}

#[tokio::test]
async fn openai_gets_tool_results_as_messages_of_their_own() {
    let server = Server::answering([Answer::json(404, "{}")]).await;

    ask(&model(&server, "openai-completions"), after_two_tools())
        .await
        .unwrap_err();

    let messages = server::body(&server.requests()[0])["messages"].clone();
    assert_eq!(
        messages[2]["tool_calls"][1]["function"]["arguments"],
        "{\"path\":\"b\"}"
    );
    assert_eq!(messages[3]["tool_call_id"], "a");
    assert_eq!(messages[4]["tool_call_id"], "b");
    assert!(
        !messages.to_string().contains("hm"),
        "thoughts go back to Anthropic only"
    );
}

#[tokio::test]
async fn ollama_is_spoken_natively() {
    let lines = [
        json!({"message": {"role": "assistant", "content": "", "thinking": "hm"}, "done": false}),
        json!({"message": {"role": "assistant", "content": "Hej"}, "done": false}),
        json!({"message": {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "read", "arguments": {"path": "a"}}}]}, "done": false}),
        json!({"message": {"role": "assistant", "content": ""}, "done": true, "done_reason": "stop", "prompt_eval_count": 5, "eval_count": 3}),
    ];
    let pieces = lines
        .iter()
        .map(|line| format!("{line}\n").into_bytes())
        .collect();
    let server = Server::answering([Answer::pieces("application/x-ndjson", pieces)]).await;

    let chunks = ask(&model(&server, "ollama"), request()).await.unwrap();

    assert_eq!(text(&chunks), "Hej");
    assert!(chunks.iter().any(|chunk| matches!(chunk, ModelChunk::ToolCall(call) if call.arguments == json!({"path": "a"}))));
    assert_eq!(chunks.last(), Some(&ModelChunk::Stop(StopReason::ToolUse)));
    assert!(server.requests()[0].starts_with("POST /api/chat "));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error_in_every_format() {
    let sse = b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"half\"}}]}\n\n".to_vec();
    let line = b"{\"message\":{\"content\":\"half\"},\"done\":false}\n".to_vec();
    let event = b"event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"item_id\":\"m\",\"delta\":\"half\"}\n\n".to_vec();
    let block = b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"half\"}}\n\n".to_vec();
    let cases = [
        ("openai-completions", sse),
        ("ollama", line),
        ("openai-responses", event),
        ("anthropic-messages", block),
    ];
    for (api, half) in cases {
        // Once ended early but in good form, once with the connection cut.
        let whole = Answer::pieces("text/event-stream", vec![half.clone()]);
        let server = Server::answering([whole, Answer::cut("text/event-stream", vec![half])]).await;
        for _ in 0..2 {
            let mut stream = model(&server, api).stream(request());
            assert_eq!(
                stream.next().await,
                Some(Ok(ModelChunk::Text("half".to_owned()))),
                "{api}"
            );
            // A stream that ends with no Stop counts as cut, too.
            if let Some(end) = stream.next().await {
                assert_eq!(end.unwrap_err().kind, ModelErrorKind::CutStream, "{api}");
            }
        }
    }
}

#[tokio::test]
async fn failures_have_their_kind_and_never_show_the_key() {
    let too_long = r#"{"error":{"message":"This model's maximum context length is 8000 tokens","code":"context_length_exceeded"}}"#;
    let cases = [
        (
            Answer::json(
                401,
                r#"{"error":{"message":"Incorrect API key provided: sk-canary"}}"#,
            ),
            ModelErrorKind::Auth,
        ),
        (
            Answer::json(500, r#"{"error":{"message":"mock failure"}}"#),
            ModelErrorKind::Server,
        ),
        (Answer::json(400, too_long), ModelErrorKind::ContextTooLong),
        (
            Answer::json(429, "{}").with_header("retry-after: 7"),
            ModelErrorKind::RateLimit,
        ),
        (
            Answer::json(302, "").with_header("location: http://127.0.0.1:1/"),
            ModelErrorKind::BadRequest,
        ),
        (
            Answer::sse(&[json!({"error": {"message": "busy", "type": "overloaded_error"}})]),
            ModelErrorKind::Overloaded,
        ),
        (Answer::silence(), ModelErrorKind::Timeout),
    ];
    for (answer, kind) in cases {
        let server = Server::answering([answer]).await;
        let patience = Patience {
            first_byte: Duration::from_millis(300),
            ..QUICK
        };
        let base = format!("http://{}/v1", server.address());

        let error = ask(
            &model_at(&base, "openai-completions", "mock-1", patience),
            request(),
        )
        .await
        .unwrap_err();

        assert_eq!(error.kind, kind, "{error}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        assert_eq!(
            error.retry_after,
            (kind == ModelErrorKind::RateLimit).then_some(Duration::from_secs(7))
        );
    }
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_a_network_error() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", free.local_addr().unwrap());
    drop(free);

    let error = ask(
        &model_at(&base, "openai-completions", "m", QUICK),
        request(),
    )
    .await
    .unwrap_err();

    assert_eq!(error.kind, ModelErrorKind::Network);
    assert_eq!(
        error.to_string(),
        "mock/m: the provider cannot be reached; check the provider's baseUrl and that it runs"
    );
}

#[test]
fn addresses_are_completed_per_format() {
    let cases = [
        (
            Api::OpenAiCompletions,
            "https://api.openai.com/v1/",
            "https://api.openai.com/v1/chat/completions",
        ),
        (
            Api::AnthropicMessages,
            "https://api.anthropic.com",
            "https://api.anthropic.com/v1/messages",
        ),
        (
            Api::AnthropicMessages,
            "https://api.anthropic.com/v1",
            "https://api.anthropic.com/v1/messages",
        ),
        (
            Api::Ollama,
            "http://127.0.0.1:11434/v1",
            "http://127.0.0.1:11434/api/chat",
        ),
    ];
    for (api, base, wanted) in cases {
        assert_eq!(url(api, base).as_deref(), Some(wanted));
    }
}

#[test]
fn a_model_that_cannot_be_set_up_says_where() {
    let config = json!({"models": {"providers": {
        "a": {"baseUrl": "ftp://x", "models": [{"id": "m"}]},
        "b": {"baseUrl": "http://x", "apiKey": "${B_KEY}", "models": [{"id": "m"}]}}}});
    let catalogue = ModelCatalogue::from_config(&config, &|_| None, None).unwrap();
    let problem = |provider: &str| {
        let (entry, provider) = catalogue.find(&ModelId::new(provider, "m")).unwrap();
        HttpModel::new(entry, provider, QUICK)
            .err()
            .unwrap()
            .to_string()
    };

    assert!(problem("a").contains("models.providers.a.baseUrl"));
    assert!(problem("b").contains("models.providers.b.apiKey refers to the variable B_KEY"));
}
