use super::*;

#[tokio::test]
async fn accepted_input_is_a_message_and_a_queued_run_even_after_a_restart() {
    let (scratch, store) = fresh().await;

    let accepted = accept(&store, input("a", "r1", NOW)).await;
    let store = reopened(&scratch, store).await;

    assert!(accepted.session_created);
    let message = accepted.message.unwrap();
    assert_eq!((message.seq, message.message.role), (1, MessageRole::User));
    assert_eq!(message.message.idempotency_key.as_deref(), Some("r1:user"));
    assert_eq!(
        store.unfinished_runs().await.unwrap(),
        std::slice::from_ref(&accepted.run)
    );
    assert_eq!(accepted.run.state, RunState::Queued);
    assert_eq!(
        store.messages_of_run(&RunId::from("r1")).await.unwrap(),
        [message]
    );
}

#[tokio::test]
async fn the_same_input_twice_is_one_message_and_says_how_its_run_stands() {
    let (_scratch, store) = fresh().await;
    accept(&store, input("a", "r1", NOW)).await;
    store
        .finish_run(end("r1", RunOutcome::Ok, NOW + 1))
        .await
        .unwrap();

    // Another conversation makes no difference: the key names the run.
    for name in ["a", "b"] {
        let again = NewInput {
            message_id: "another".to_owned(),
            ..input(name, "r1", NOW + 2)
        };
        match store.accept_input(again).await.unwrap() {
            Acceptance::Duplicate(run) => {
                assert_eq!(run.state, RunState::Ok);
                assert_eq!(run.outcome["runId"], "r1");
            }
            Acceptance::Accepted(accepted) => panic!("accepted: {accepted:?}"),
        }
    }
    assert_eq!(texts(&store, "a-1").await, ["text of r1", "an answer"]);
    assert_eq!(store.session(&key("b")).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_equal_inputs_at_once_exactly_one_is_accepted() {
    let (_scratch, store) = fresh().await;
    let sends: Vec<_> = (0..200)
        .map(|number| {
            let store = store.clone();
            let run = number % 20;
            let input = NewInput {
                message_id: format!("message {number}"),
                ..input(&format!("s{}", run % 4), &format!("r{run}"), NOW)
            };
            tokio::spawn(async move { store.accept_input(input).await.unwrap() })
        })
        .collect();

    let mut accepted = 0;
    for send in sends {
        if let Acceptance::Accepted(_) = send.await.unwrap() {
            accepted += 1;
        }
    }

    assert_eq!(accepted, 20);
    let runs = store.unfinished_runs().await.unwrap();
    assert_eq!(runs.len(), 20);
    let mut said = 0;
    for name in ["s0", "s1", "s2", "s3"] {
        let waiting = store.waiting_inputs(&key(name)).await.unwrap().len();
        said += waiting + texts(&store, &format!("{name}-1")).await.len();
    }
    assert_eq!(said, 20);
}

#[tokio::test]
async fn input_behind_another_run_waits_over_a_restart_and_becomes_a_message_at_its_turn() {
    let (scratch, store) = fresh().await;
    accept(&store, input("a", "r1", NOW)).await;
    let second = accept(&store, input("a", "r2", NOW + 1)).await;
    accept(&store, input("a", "r3", NOW + 2)).await;
    assert_eq!(second.message, None);
    assert!(!second.session_created);
    let store = reopened(&scratch, store).await;

    let waiting = store.waiting_inputs(&key("a")).await.unwrap();
    let ids: Vec<_> = waiting
        .iter()
        .map(|waiting| waiting.run.run_id.as_str())
        .collect();
    assert_eq!(ids, ["r2", "r3"]);
    assert_eq!(waiting[0].message.content, json!("text of r2"));

    for run in ["r1", "r2", "r3"] {
        let next = store.next_queued_run(&key("a")).await.unwrap().unwrap();
        assert_eq!(next.run_id.as_str(), run);
        let started = store.start_run(&next.run_id, NOW + 3).await.unwrap();
        assert_eq!(started.message.is_some(), run != "r1");
        store
            .finish_run(end(run, RunOutcome::Ok, NOW + 4))
            .await
            .unwrap();
    }

    assert_eq!(store.next_queued_run(&key("a")).await.unwrap(), None);
    assert_eq!(store.waiting_inputs(&key("a")).await.unwrap(), []);
    assert_eq!(
        texts(&store, "a-1").await,
        [
            "text of r1",
            "an answer",
            "text of r2",
            "an answer",
            "text of r3",
            "an answer"
        ]
    );
}

#[tokio::test]
async fn a_run_that_ends_leaves_its_messages_its_tokens_and_its_outcome() {
    for (how, state, status) in [
        (RunOutcome::Ok, RunState::Ok, SessionStatus::Done),
        (RunOutcome::Error, RunState::Error, SessionStatus::Failed),
        (
            RunOutcome::Aborted,
            RunState::Aborted,
            SessionStatus::Aborted,
        ),
    ] {
        let (scratch, store) = fresh().await;
        accept(&store, input("a", "r1", NOW)).await;
        store.start_run(&RunId::from("r1"), NOW + 1).await.unwrap();
        let session = store.session(&key("a")).await.unwrap().unwrap();
        assert_eq!(session.status, SessionStatus::Running);

        let finished = store.finish_run(end("r1", how, NOW + 2)).await.unwrap();
        let store = reopened(&scratch, store).await;

        let run = store.run(&RunId::from("r1")).await.unwrap().unwrap();
        assert_eq!(run, finished.run);
        assert_eq!(
            (run.state, run.started_at_ms, run.ended_at_ms),
            (state, Some(NOW + 1), Some(NOW + 2))
        );
        assert_eq!(run.outcome["status"], "ok");
        let session = store.session(&key("a")).await.unwrap().unwrap();
        assert_eq!(session.status, status);
        assert_eq!(session.last_run_error.is_some(), how == RunOutcome::Error);
        assert_eq!(
            (
                session.input_tokens,
                session.output_tokens,
                session.context_tokens
            ),
            (10, 5, 100)
        );
        assert_eq!(finished.messages[0].message.run_id, Some(RunId::from("r1")));
        assert_eq!(store.unfinished_runs().await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_run_stopped_before_it_started_keeps_what_was_said() {
    let (_scratch, store) = fresh().await;
    accept(&store, input("a", "r1", NOW)).await;
    accept(&store, input("a", "r2", NOW)).await;
    let stopped = RunEnd {
        messages: Vec::new(),
        ..end("r2", RunOutcome::Aborted, NOW)
    };

    let finished = store.finish_run(stopped).await.unwrap();

    assert_eq!(finished.messages.len(), 1);
    assert_eq!(texts(&store, "a-1").await, ["text of r1", "text of r2"]);
    assert_eq!(store.waiting_inputs(&key("a")).await.unwrap(), []);
}

#[tokio::test]
async fn a_run_moves_on_only_once_and_only_if_it_exists() {
    let (_scratch, store) = fresh().await;
    accept(&store, input("a", "r1", NOW)).await;
    let r1 = RunId::from("r1");
    store.start_run(&r1, NOW).await.unwrap();

    let twice = store.start_run(&r1, NOW).await.unwrap_err();
    store
        .finish_run(end("r1", RunOutcome::Ok, NOW))
        .await
        .unwrap();
    let over = store
        .finish_run(end("r1", RunOutcome::Error, NOW))
        .await
        .unwrap_err();
    let unknown = store.start_run(&RunId::from("r9"), NOW).await.unwrap_err();

    assert!(
        matches!(
            twice,
            StoreError::RunState {
                found: RunState::Running,
                ..
            }
        ),
        "{twice}"
    );
    assert!(
        matches!(
            over,
            StoreError::RunState {
                found: RunState::Ok,
                ..
            }
        ),
        "{over}"
    );
    assert!(
        matches!(unknown, StoreError::Missing { what: "run", .. }),
        "{unknown}"
    );
    assert_eq!(texts(&store, "a-1").await, ["text of r1", "an answer"]);
}

#[tokio::test]
async fn an_end_that_cannot_be_stored_whole_is_not_stored_at_all() {
    let (_scratch, store) = fresh().await;
    accept(&store, input("a", "r1", NOW)).await;
    let broken = RunEnd {
        messages: vec![spoken("one", "one", NOW), spoken("one", "two", NOW)],
        ..end("r1", RunOutcome::Ok, NOW)
    };

    let error = store.finish_run(broken).await.unwrap_err();

    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    assert_eq!(texts(&store, "a-1").await, ["text of r1"]);
    let run = store.run(&RunId::from("r1")).await.unwrap().unwrap();
    assert_eq!(run.state, RunState::Queued);
}
