use super::*;

#[tokio::test]
async fn a_patch_begins_a_conversation_changes_it_and_clears_what_it_says() {
    let (scratch, store) = fresh().await;
    let patch = SessionPatch {
        label: Some(Some("Garden".to_owned())),
        model: Some(Some("home/small".to_owned())),
        pinned: Some(true),
        ..SessionPatch::default()
    };

    let begun = store.patch_session(seed("a"), patch, NOW).await.unwrap();
    let cleared = SessionPatch {
        label: Some(None),
        unread: Some(true),
        ..SessionPatch::default()
    };
    let changed = store
        .patch_session(seed("a"), cleared, NOW + 1)
        .await
        .unwrap();

    assert!(begun.created && !changed.created);
    assert_eq!(begun.session.label.as_deref(), Some("Garden"));
    let kept = SessionRecord {
        label: None,
        unread: true,
        updated_at_ms: NOW + 1,
        ..begun.session
    };
    assert_eq!(changed.session, kept);
    let store = reopened(&scratch, store).await;
    assert_eq!(store.session(&key("a")).await.unwrap(), Some(kept));
    assert_eq!(store.session(&key("b")).await.unwrap(), None);
}

#[tokio::test]
async fn conversations_are_listed_latest_first_in_parts_and_by_agent() {
    let (_scratch, store) = fresh().await;
    for (name, at_ms) in [("old", 1), ("new", 3), ("middle", 2)] {
        let patch = SessionPatch::default();
        store
            .patch_session(seed(name), patch, NOW + at_ms)
            .await
            .unwrap();
    }
    let other = SessionSeed {
        agent_id: AgentId::from("work"),
        ..seed("other")
    };
    store
        .patch_session(other, SessionPatch::default(), NOW)
        .await
        .unwrap();
    let query = |agent_id: Option<&str>, limit, offset| SessionQuery {
        archived: None,
        agent_id: agent_id.map(AgentId::from),
        limit,
        offset,
    };
    let names = |page: &SessionPage| -> Vec<String> {
        page.sessions
            .iter()
            .map(|session| session.key.to_string())
            .collect()
    };

    let first = store.sessions(query(None, 2, 0)).await.unwrap();
    let rest = store.sessions(query(None, 9, 2)).await.unwrap();
    let work = store.sessions(query(Some("work"), 9, 0)).await.unwrap();

    assert_eq!(names(&first), ["agent:main:new", "agent:main:middle"]);
    assert_eq!(names(&rest), ["agent:main:old", "agent:main:other"]);
    assert_eq!((first.total, rest.total, work.total), (4, 4, 1));
    assert_eq!(names(&work), ["agent:main:other"]);
}

#[tokio::test]
async fn messages_are_numbered_and_read_from_the_end() {
    let (scratch, store) = fresh().await;
    store
        .patch_session(seed("a"), SessionPatch::default(), NOW)
        .await
        .unwrap();
    for number in 1..=5 {
        let text = number.to_string();
        let stored = store
            .append_message(&key("a"), spoken(&text, &text, NOW + number))
            .await
            .unwrap();
        assert_eq!(stored.seq, number);
    }
    let store = reopened(&scratch, store).await;

    let page = store.transcript_page("a-1", 2, 1).await.unwrap();

    assert_eq!(page.total, 5);
    let seqs: Vec<_> = page.messages.iter().map(|stored| stored.seq).collect();
    assert_eq!(seqs, [3, 4]);
    assert_eq!(page.messages[1].message, spoken("4", "4", NOW + 4));
    let session = store.session(&key("a")).await.unwrap().unwrap();
    assert_eq!(session.updated_at_ms, NOW + 5);
}

#[tokio::test]
async fn a_message_needs_a_conversation_and_an_id_of_its_own() {
    let (_scratch, store) = fresh().await;

    let nowhere = store
        .append_message(&key("a"), spoken("1", "x", NOW))
        .await
        .unwrap_err();
    store
        .patch_session(seed("a"), SessionPatch::default(), NOW)
        .await
        .unwrap();
    store
        .append_message(&key("a"), spoken("1", "x", NOW))
        .await
        .unwrap();
    let twice = store
        .append_message(&key("a"), spoken("1", "canary", NOW))
        .await
        .unwrap_err();

    assert!(
        matches!(
            nowhere,
            StoreError::Missing {
                what: "session",
                ..
            }
        ),
        "{nowhere}"
    );
    assert!(matches!(twice, StoreError::Conflict { .. }), "{twice}");
    assert!(!twice.to_string().contains("canary"), "{twice}");
    assert_eq!(texts(&store, "a-1").await, ["x"]);
}

#[tokio::test]
async fn a_preview_is_the_last_thing_a_person_or_the_agent_said() {
    let (_scratch, store) = fresh().await;
    accept(&store, input("a", "r1", NOW)).await;
    let tool = NewMessage {
        role: MessageRole::ToolResult,
        ..spoken("tool", "42", NOW)
    };
    store.append_message(&key("a"), tool).await.unwrap();

    let last = store
        .last_spoken(vec!["a-1".to_owned(), "none".to_owned()])
        .await
        .unwrap();

    assert_eq!(
        last[0].as_ref().unwrap().message.content,
        json!("text of r1")
    );
    assert_eq!(last[1], None);
}

#[tokio::test]
async fn a_reset_begins_a_new_transcript_and_keeps_the_old_one() {
    let (_scratch, store) = fresh().await;
    accept(&store, input("a", "r1", NOW)).await;
    store
        .finish_run(end("r1", RunOutcome::Error, NOW + 1))
        .await
        .unwrap();

    let reset = store
        .reset_session(&key("a"), "a-2".to_owned(), "note".to_owned(), NOW + 2)
        .await
        .unwrap()
        .unwrap();

    assert_eq!(reset.previous_session_id, "a-1");
    assert_eq!(reset.session.session_id, "a-2");
    assert_eq!(reset.session.status, SessionStatus::Idle);
    assert_eq!(
        (reset.session.input_tokens, reset.session.last_run_error),
        (0, None)
    );
    assert_eq!(reset.message.message.extra["kind"], "reset");
    assert_eq!(
        (reset.message.seq, reset.message.message.role),
        (1, MessageRole::System)
    );
    assert_eq!(texts(&store, "a-1").await, ["text of r1", "an answer"]);
    assert_eq!(texts(&store, "a-2").await.len(), 1);
    let none = store
        .reset_session(&key("b"), "b-2".to_owned(), "n".to_owned(), NOW)
        .await;
    assert_eq!(none.unwrap(), None);
}

#[tokio::test]
async fn after_a_reset_a_running_run_ends_in_the_old_transcript_and_waiting_input_in_the_new() {
    let (_scratch, store) = fresh().await;
    accept(&store, input("a", "r1", NOW)).await;
    store.start_run(&RunId::from("r1"), NOW).await.unwrap();
    accept(&store, input("a", "r2", NOW)).await;
    store
        .reset_session(&key("a"), "a-2".to_owned(), "note".to_owned(), NOW)
        .await
        .unwrap();

    store
        .finish_run(end("r1", RunOutcome::Ok, NOW))
        .await
        .unwrap();
    store.start_run(&RunId::from("r2"), NOW).await.unwrap();

    assert_eq!(texts(&store, "a-1").await, ["text of r1", "an answer"]);
    assert_eq!(texts(&store, "a-2").await[1..], ["text of r2"]);
    let session = store.session(&key("a")).await.unwrap().unwrap();
    assert_eq!(
        (session.status, session.input_tokens),
        (SessionStatus::Running, 0)
    );
}

#[tokio::test]
async fn a_deleted_conversation_leaves_its_messages_only_where_asked_and_ends_its_runs() {
    for (transcript, kept) in [
        (Transcript::Keep, vec!["a-1"]),
        (Transcript::Delete, vec![]),
    ] {
        let (_scratch, store) = fresh().await;
        accept(&store, input("a", "r1", NOW)).await;
        accept(&store, input("a", "r2", NOW)).await;
        accept(&store, input("b", "r3", NOW)).await;

        let deleted = store
            .delete_session(&key("a"), transcript, NOW + 1)
            .await
            .unwrap()
            .unwrap();

        assert_eq!(deleted.session.key, key("a"));
        assert_eq!(deleted.kept_transcripts, kept);
        assert_eq!(store.session(&key("a")).await.unwrap(), None);
        assert_eq!(texts(&store, "a-1").await.len(), kept.len());
        assert_eq!(store.waiting_inputs(&key("a")).await.unwrap(), []);
        let r2 = store.run(&RunId::from("r2")).await.unwrap().unwrap();
        assert_eq!(
            (r2.state, r2.ended_at_ms),
            (RunState::Aborted, Some(NOW + 1))
        );
        let unfinished = store.unfinished_runs().await.unwrap();
        assert_eq!(unfinished.len(), 1);
        let again = store
            .delete_session(&key("a"), transcript, NOW)
            .await
            .unwrap();
        assert_eq!(again, None);
    }
}
