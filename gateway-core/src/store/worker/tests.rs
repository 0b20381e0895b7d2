use super::*;

/// A change that stores one row, and what it was answered.
fn insert(value: u32) -> (Write, oneshot::Receiver<Result<(), StoreError>>) {
    change(move |database| {
        database.execute("INSERT INTO t VALUES (?1)", [value])?;
        Ok(())
    })
}

fn change(
    change: impl FnOnce(&Connection) -> Result<(), StoreError> + Send + 'static,
) -> (Write, oneshot::Receiver<Result<(), StoreError>>) {
    let (reply, answer) = oneshot::channel();
    let write: Write = Box::new(move |database| {
        let result = database.and_then(change);
        Ran {
            kept: result.is_ok(),
            answer: Box::new(move |committed| {
                // A test that has looked already no longer listens.
                drop(reply.send(result.and(committed)));
            }),
        }
    });
    (write, answer)
}

fn database() -> Connection {
    let database = Connection::open_in_memory().unwrap();
    database
        .execute_batch("CREATE TABLE t (value INTEGER UNIQUE)")
        .unwrap();
    database
}

fn values(database: &Connection) -> Vec<u32> {
    database
        .prepare("SELECT value FROM t ORDER BY value")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

#[test]
fn a_batch_is_what_waits_up_to_a_limit_and_ends_at_the_word_to_close() {
    let (jobs, mut queue) = mpsc::channel(1024);
    for value in 0..300 {
        jobs.try_send(Job::Write(insert(value).0)).unwrap();
    }
    jobs.try_send(Job::Read(Box::new(|_| ()))).unwrap();
    jobs.try_send(Job::Close(oneshot::channel().0)).unwrap();
    jobs.try_send(Job::Write(insert(300).0)).unwrap();

    let first = queue.try_recv().unwrap();
    let (writes, reads, closing) = gather(first, &mut queue);
    assert_eq!((writes.len(), reads.len()), (BATCH, 0));
    assert!(closing.is_none());

    let next = queue.try_recv().unwrap();
    let (writes, reads, closing) = gather(next, &mut queue);
    assert_eq!((writes.len(), reads.len()), (300 - BATCH, 1));
    assert!(closing.is_some());
}

#[test]
fn nobody_is_answered_before_the_whole_batch_is_committed() {
    let mut database = database();
    let (first, mut answer) = insert(1);
    let (tell, told) = std::sync::mpsc::channel();
    let (second, _answer) = change(move |_| {
        tell.send(answer.try_recv().is_ok()).unwrap();
        Ok(())
    });

    commit(&mut database, vec![first, second]);

    assert!(!told.recv().unwrap(), "answered before the commit");
    assert_eq!(values(&database), [1]);
}

#[test]
fn when_sqlite_ends_the_transaction_by_itself_everybody_in_it_is_told() {
    let mut database = database();
    let (first, mut first_answer) = insert(1);
    // As SQLite may do when the disk fails in the middle of a statement.
    let (undoing, mut undoing_answer) = change(|database| {
        database.execute_batch("ROLLBACK")?;
        Err(StoreError::Full)
    });
    let (last, mut last_answer) = insert(2);

    commit(&mut database, vec![first, undoing, last]);

    assert!(matches!(
        undoing_answer.try_recv().unwrap(),
        Err(StoreError::Full)
    ));
    for answer in [&mut first_answer, &mut last_answer] {
        let answer = answer.try_recv().unwrap();
        assert!(
            matches!(answer, Err(StoreError::UndoneTogether)),
            "{answer:?}"
        );
    }
    assert_eq!(values(&database), [0_u32; 0]);
}

#[test]
fn a_batch_that_cannot_begin_is_answered_with_the_reason() {
    let mut database = database();
    // A transaction is open already, so another one cannot begin.
    database.execute_batch("BEGIN").unwrap();
    let (first, mut answer) = insert(1);

    commit(&mut database, vec![first]);

    let answer = answer.try_recv().unwrap();
    assert!(
        matches!(answer, Err(StoreError::Database { .. })),
        "{answer:?}"
    );
}

#[test]
fn a_commit_that_fails_is_the_answer_to_every_change_in_it() {
    let mut database = database();
    database
        .execute_batch(
            "PRAGMA foreign_keys = ON;
             CREATE TABLE child (parent INTEGER REFERENCES t (value) DEFERRABLE INITIALLY DEFERRED)",
        )
        .unwrap();
    let (good, mut good_answer) = insert(1);
    let (orphan, mut orphan_answer) = change(|database| {
        database.execute("INSERT INTO child VALUES (9)", [])?;
        Ok(())
    });

    commit(&mut database, vec![good, orphan]);

    for answer in [&mut good_answer, &mut orphan_answer] {
        let answer = answer.try_recv().unwrap();
        assert!(
            matches!(answer, Err(StoreError::Conflict { .. })),
            "{answer:?}"
        );
    }
    assert_eq!(values(&database), [0_u32; 0]);
}
