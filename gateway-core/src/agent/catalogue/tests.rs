use super::*;
use serde_json::json;

fn nothing(_: &str) -> Option<String> {
    None
}

/// The shape of `protocol/captures/rpc-config.jsonl`.
fn recorded(key: Value) -> Value {
    json!({
        "agents": {"defaults": {"model": {"primary": "mock/mock-1", "fallbacks": ["mock/a/b"]}, "workspace": "/w"},
                   "list": [{"id": "main", "default": true}, {"id": "ops", "name": "Ops", "model": "mock/mock-1"}]},
        "models": {"mode": "merge", "providers": {"mock": {
            "baseUrl": "http://127.0.0.1:21001/v1", "apiKey": key, "api": "openai-completions",
            "models": [{"id": "mock-1", "name": "Mock One", "reasoning": false, "input": ["text", "image"],
                "cost": {"input": 1.5, "output": 0, "cacheRead": 0, "cacheWrite": 0},
                "contextWindow": 64000, "maxTokens": 4096}, {"id": "a/b"}]}}},
    })
}

#[test]
fn the_recorded_config_is_read_whole() {
    let catalogue = ModelCatalogue::from_config(&recorded(json!("k")), &nothing, None).unwrap();

    let primary = catalogue.primary().unwrap();
    let (model, provider) = catalogue.find(primary).unwrap();
    assert_eq!(primary.to_string(), "mock/mock-1");
    assert_eq!(
        (model.name.as_str(), model.api),
        ("Mock One", Api::OpenAiCompletions)
    );
    assert_eq!((model.context_window, model.max_tokens), (64_000, 4_096));
    assert!(model.images && !model.reasoning);
    assert!((model.prices.input - 1.5).abs() < f64::EPSILON);
    assert_eq!(
        provider.key.as_ref().unwrap().as_ref().unwrap().expose(),
        "k"
    );
    assert_eq!(catalogue.fallbacks(), [ModelId::new("mock", "a/b")]);
    assert_eq!(catalogue.workspace(), Some(&PathBuf::from("/w")));
    assert!(catalogue.agents()[0].is_default);
    assert_eq!(catalogue.agents()[1].model.as_ref(), Some(primary));
}

#[test]
fn a_model_that_says_little_gets_careful_sizes() {
    let catalogue = ModelCatalogue::from_config(&recorded(json!("k")), &nothing, None).unwrap();

    let (model, _) = catalogue.find(&ModelId::new("mock", "a/b")).unwrap();

    assert_eq!(model.name, "a/b");
    assert_eq!(model.context_window, DEFAULT_CONTEXT_WINDOW);
    assert!(!model.images);
}

#[test]
fn a_key_is_looked_up_in_the_environment_that_was_handed_in() {
    let lookup = |name: &str| (name == "MOCK_KEY").then(|| "from-env".to_owned());
    for key in [
        json!("${MOCK_KEY}"),
        json!({"source": "env", "id": "MOCK_KEY"}),
    ] {
        let catalogue = ModelCatalogue::from_config(&recorded(key), &lookup, None).unwrap();
        let (_, provider) = catalogue.find(&ModelId::new("mock", "mock-1")).unwrap();
        assert_eq!(
            provider.key.as_ref().unwrap().as_ref().unwrap().expose(),
            "from-env"
        );
    }
}

#[test]
fn what_cannot_be_used_is_named_by_its_place_and_never_repeated() {
    let mut no_id = recorded(json!("k"));
    no_id["models"]["providers"]["mock"]["models"][1] = json!({});
    let mut api = recorded(json!("k"));
    api["models"]["providers"]["mock"]["api"] = json!("canary");
    let mut primary = recorded(json!("k"));
    primary["agents"]["defaults"]["model"] = json!("canary");
    for key in [
        json!("${CANARY}"),
        json!(["canary"]),
        json!({"source": "exec", "id": "canary"}),
    ] {
        let catalogue = ModelCatalogue::from_config(&recorded(key), &nothing, None).unwrap();
        let (_, provider) = catalogue.find(&ModelId::new("mock", "mock-1")).unwrap();
        let problem = provider.key.as_ref().unwrap_err();
        assert_eq!(problem.at, "models.providers.mock.apiKey");
        assert!(!problem.to_string().contains("canary"), "{problem}");
    }
    let cases = [
        (no_id, "models.providers.mock.models[1].id"),
        (api, "models.providers.mock.api"),
        (primary, "agents.defaults.model"),
    ];
    for (config, place) in cases {
        let problem = ModelCatalogue::from_config(&config, &nothing, None).unwrap_err();
        assert_eq!(problem.at, place);
        assert!(!problem.to_string().contains("canary"), "{problem}");
    }
}

#[test]
fn an_empty_config_has_no_model() {
    let catalogue = ModelCatalogue::from_config(&json!({}), &nothing, None).unwrap();

    assert!(catalogue.primary().is_none() && catalogue.models().is_empty());
}
