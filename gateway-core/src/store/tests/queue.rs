use super::*;

/// Holds the thread until the sender is used, so that jobs queue up behind it.
fn hold(store: &Store) -> (std::sync::mpsc::Sender<()>, tokio::task::JoinHandle<()>) {
    let (release, held) = std::sync::mpsc::channel::<()>();
    let store = store.clone();
    let holding = tokio::spawn(async move {
        store
            .read(move |_| {
                held.recv().ok();
                Ok(())
            })
            .await
            .unwrap();
    });
    (release, holding)
}

#[tokio::test]
async fn a_change_that_fails_undoes_itself_and_not_those_committed_with_it() {
    let (_scratch, store) = fresh().await;
    store
        .patch_session(seed("a"), SessionPatch::default(), NOW)
        .await
        .unwrap();
    let (release, holding) = hold(&store);
    tokio::task::yield_now().await;

    let a = key("a");
    let together = async {
        tokio::join!(
            store.append_message(&a, spoken("1", "one", NOW)),
            store.append_message(&a, spoken("1", "again", NOW)),
            store.append_message(&a, spoken("2", "two", NOW)),
            async { release.send(()).unwrap() },
        )
    };
    let (one, again, two, ()) = together.await;
    holding.await.unwrap();

    assert!(one.is_ok() && two.is_ok());
    assert!(matches!(again, Err(StoreError::Conflict { .. })));
    assert_eq!(texts(&store, "a-1").await, ["one", "two"]);
}

#[tokio::test]
async fn a_question_sees_every_change_that_was_answered() {
    let (_scratch, store) = fresh().await;
    for number in 0..50 {
        let value = json!(number);
        store.put_setting("n", value.clone()).await.unwrap();
        assert_eq!(store.setting("n").await.unwrap(), Some(value));
    }
}

#[tokio::test]
async fn a_change_whose_caller_gave_up_still_takes_effect() {
    let (_scratch, store) = fresh().await;
    let (release, holding) = hold(&store);
    let change = tokio::spawn({
        let store = store.clone();
        async move { store.put_setting("n", json!(1)).await }
    });
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
    change.abort();
    assert!(change.await.unwrap_err().is_cancelled());
    release.send(()).unwrap();
    holding.await.unwrap();

    assert_eq!(store.setting("n").await.unwrap(), Some(json!(1)));
}

#[tokio::test]
async fn a_closed_store_says_so_and_can_be_opened_again() {
    let (scratch, store) = fresh().await;
    let other_handle = store.clone();
    store.close().await;
    store.close().await;

    let error = other_handle.put_setting("n", json!(1)).await.unwrap_err();

    assert!(matches!(error, StoreError::Closed), "{error}");
    Store::open(&scratch.path().join("gateway")).await.unwrap();
}

#[tokio::test]
async fn the_last_handle_ends_the_thread_after_the_queue() {
    let (scratch, store) = fresh().await;
    let (release, holding) = hold(&store);
    tokio::task::yield_now().await;
    let changes: Vec<_> = (0..20)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                store
                    .put_outcome("send", number.to_string(), json!(number), NOW)
                    .await
            })
        })
        .collect();
    tokio::task::yield_now().await;
    drop(store);
    release.send(()).unwrap();
    for change in changes {
        change.await.unwrap().unwrap();
    }
    holding.await.unwrap();

    // The thread may still be closing the files; the lock is what says that it is gone.
    let folder = scratch.path().join("gateway");
    let store = loop {
        match Store::open(&folder).await {
            Err(StoreError::Locked) => tokio::task::yield_now().await,
            opened => break opened.unwrap(),
        }
    };
    assert_eq!(
        store.outcome("send", "19".to_owned(), NOW).await.unwrap(),
        Some(json!(19))
    );
}
