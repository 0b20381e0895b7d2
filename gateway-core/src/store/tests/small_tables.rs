use super::*;

#[tokio::test]
async fn only_the_very_command_that_was_allowed_is_allowed() {
    let (scratch, store) = fresh().await;
    let command = |agent: &str, argv_hash: &str, cwd: &str| AllowedCommand {
        agent_id: AgentId::from(agent),
        argv_hash: argv_hash.to_owned(),
        cwd: cwd.to_owned(),
    };
    for _ in 0..2 {
        store
            .allow_command(command("main", "abc", "/home"), NOW)
            .await
            .unwrap();
    }
    let store = reopened(&scratch, store).await;

    for (asked, allowed) in [
        (command("main", "abc", "/home"), true),
        (command("work", "abc", "/home"), false),
        (command("main", "abd", "/home"), false),
        (command("main", "abc", "/"), false),
    ] {
        assert_eq!(
            store.is_command_allowed(asked.clone()).await.unwrap(),
            allowed,
            "{asked:?}"
        );
    }
}

#[tokio::test]
async fn a_setting_is_what_it_was_last_set_to() {
    let (scratch, store) = fresh().await;
    assert_eq!(store.setting("voicewake").await.unwrap(), None);
    store
        .put_setting("voicewake", json!({"triggers": ["computer"]}))
        .await
        .unwrap();
    store
        .put_setting("voicewake", json!({"triggers": ["claw"]}))
        .await
        .unwrap();
    let store = reopened(&scratch, store).await;

    assert_eq!(
        store.setting("voicewake").await.unwrap(),
        Some(json!({"triggers": ["claw"]}))
    );
}

#[tokio::test]
async fn an_outcome_is_answered_for_five_minutes() {
    const FIVE_MINUTES: u64 = 300_000;
    let (_scratch, store) = fresh().await;
    store
        .put_outcome("send", "k".to_owned(), json!(1), NOW)
        .await
        .unwrap();
    let ask = |method, at_ms| store.outcome(method, "k".to_owned(), at_ms);

    assert_eq!(
        ask("send", NOW + FIVE_MINUTES - 1).await.unwrap(),
        Some(json!(1))
    );
    assert_eq!(ask("send", NOW + FIVE_MINUTES).await.unwrap(), None);
    assert_eq!(ask("wake", NOW).await.unwrap(), None);
}

#[tokio::test]
async fn the_last_thousand_outcomes_are_kept() {
    let (_scratch, store) = fresh().await;
    for number in 0..1001 {
        store
            .put_outcome("send", number.to_string(), json!(number), NOW)
            .await
            .unwrap();
    }

    let kept = |number: u32| store.outcome("send", number.to_string(), NOW);
    assert_eq!(kept(0).await.unwrap(), None);
    assert_eq!(kept(1).await.unwrap(), Some(json!(1)));
    assert_eq!(kept(1000).await.unwrap(), Some(json!(1000)));
}
