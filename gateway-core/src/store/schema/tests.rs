use super::*;
use crate::store::STATE;
use std::fs;

const MIGRATIONS: &[&str] = STATE.migrations;

fn open(path: &Path) -> Result<Connection, StoreError> {
    super::open(path, &STATE)
}

fn open_with(path: &Path, steps: &[&str]) -> Result<Connection, StoreError> {
    super::open_with(path, STATE.application, steps)
}

fn version(database: &Connection) -> u32 {
    database
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

/// A database as the first `count` layouts left it.
fn written_by(count: usize, path: &Path) -> Connection {
    fs::write(path, "").unwrap();
    open_with(path, &MIGRATIONS[..count]).unwrap()
}

#[test]
fn every_older_layout_becomes_the_present_one_and_equals_a_fresh_one() {
    let layout = |database: &Connection| -> Vec<(String, Option<String>)> {
        database
            .prepare("SELECT name, sql FROM sqlite_schema ORDER BY name")
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap()
    };
    let scratch = tempfile::tempdir().unwrap();
    let fresh = written_by(MIGRATIONS.len(), &scratch.path().join("fresh"));
    for count in 0..=MIGRATIONS.len() {
        let path = scratch.path().join(count.to_string());
        drop(written_by(count, &path));

        let database = open(&path).unwrap();

        assert_eq!(version(&database) as usize, MIGRATIONS.len());
        assert_eq!(layout(&database), layout(&fresh), "from layout {count}");
    }
}

#[test]
fn a_step_keeps_what_was_stored_before_it() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("db");
    let database = written_by(MIGRATIONS.len(), &path);
    database
        .execute("INSERT INTO setting (key, value) VALUES ('k', '1')", [])
        .unwrap();
    drop(database);
    let mut steps = MIGRATIONS.to_vec();
    steps.push("ALTER TABLE setting ADD COLUMN note TEXT; UPDATE setting SET note = 'moved';");

    let database = open_with(&path, &steps).unwrap();

    let row: (String, String) = database
        .query_row("SELECT value, note FROM setting", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(row, ("1".to_owned(), "moved".to_owned()));
    assert_eq!(version(&database) as usize, steps.len());
}

#[test]
fn a_step_that_fails_halfway_leaves_the_layout_before_it() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("db");
    drop(written_by(MIGRATIONS.len(), &path));
    let mut steps = MIGRATIONS.to_vec();
    steps.push("CREATE TABLE half (a TEXT); CREATE TABLE half (a TEXT);");

    let error = open_with(&path, &steps).unwrap_err();

    assert!(matches!(error, StoreError::Database { .. }), "{error}");
    let database = open(&path).unwrap();
    assert_eq!(version(&database) as usize, MIGRATIONS.len());
    assert!(database.prepare("SELECT * FROM half").is_err());
}

#[test]
fn a_newer_layout_is_refused_and_its_files_are_untouched() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("db");
    let mut steps = MIGRATIONS.to_vec();
    steps.push("CREATE TABLE later (a TEXT);");
    fs::write(&path, "").unwrap();
    let newer = open_with(&path, &steps).unwrap();
    newer.execute("INSERT INTO later VALUES ('x')", []).unwrap();
    // As a kill leaves it: with changes that are still in the log only.
    newer
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .unwrap();
    drop(newer);
    let log = scratch.path().join("db-wal");
    let before = (fs::read(&path).unwrap(), fs::read(&log).unwrap());
    assert!(!before.1.is_empty());

    let error = open(&path).unwrap_err();

    let known = u32::try_from(MIGRATIONS.len()).unwrap();
    assert!(
        matches!(error, StoreError::Newer { found, known: ours } if found == known + 1 && ours == known),
        "{error}"
    );
    assert!((fs::read(&path).unwrap(), fs::read(&log).unwrap()) == before);
}

#[test]
fn a_database_of_something_else_is_refused_and_untouched() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("db");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE mine (a TEXT);").unwrap();
    drop(other);
    let before = fs::read(&path).unwrap();

    let error = open(&path).unwrap_err();

    assert!(matches!(error, StoreError::NotOurs { .. }), "{error}");
    assert!(fs::read(&path).unwrap() == before);
}

#[test]
fn a_commit_is_flushed_and_a_reference_is_checked() {
    let scratch = tempfile::tempdir().unwrap();
    let database = written_by(MIGRATIONS.len(), &scratch.path().join("db"));
    let number = |pragma: &str| -> i64 {
        database
            .pragma_query_value(None, pragma, |row| row.get(0))
            .unwrap()
    };

    assert_eq!((number("synchronous"), number("foreign_keys")), (2, 1));
}
