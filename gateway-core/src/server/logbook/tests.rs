use super::*;
use std::fs;
use tempfile::TempDir;
use tracing::{debug, info, warn};
use tracing_subscriber::layer::SubscriberExt as _;

const ALL: TailQuery = TailQuery {
    cursor: None,
    limit: 500,
    max_bytes: 250_000,
};

fn kept_in(folder: &TempDir) -> Logbook {
    let logbook = Logbook::default();
    logbook.keep_in(folder.path()).unwrap();
    logbook
}

fn recorded(say: impl FnOnce()) -> TempDir {
    let folder = TempDir::new().unwrap();
    let logbook = kept_in(&folder);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(logbook.layer()), say);
    folder
}

fn lines(answer: &Value) -> Vec<Value> {
    let lines = answer["lines"].as_array().unwrap();
    lines
        .iter()
        .map(|line| serde_json::from_str(line.as_str().unwrap()).unwrap())
        .collect()
}

#[test]
fn our_records_are_kept_with_their_fields_and_those_of_others_are_not() {
    let folder = recorded(|| {
        info!(run = 7, "a run has\nended");
        warn!(target: "gateway_core::server::runs", "twice");
        debug!("a detail");
        info!(target: "tungstenite::protocol", "a whole frame");
        info!(target: "gateway_corex", "a stranger");
    });

    let answer = tail(folder.path(), ALL).unwrap();
    let lines = lines(&answer);

    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["message"], "a run has\nended run=7");
    assert_eq!(lines[0]["_meta"]["logLevelName"], "INFO");
    assert_eq!(lines[1]["_meta"]["logLevelId"], 4);
    assert_eq!(lines[1]["0"], r#"{"subsystem":"gateway_core/server/runs"}"#);
    assert_eq!(answer["cursor"], answer["size"]);
    assert_eq!(answer["truncated"], false);
}

#[test]
fn secrets_that_get_into_a_record_are_not_in_the_file() {
    use crate::credentials::secret::GatewayToken;
    let token = GatewayToken::new("canary");
    let folder = recorded(|| warn!(?token, "a token was put into a record"));

    let text = fs::read_to_string(folder.path().join("logs/gateway.jsonl")).unwrap();

    assert!(text.contains("was put into"), "{text}");
    assert!(!text.contains("canary"), "{text}");
}

#[test]
fn a_cursor_gives_what_came_after_it() {
    let folder = TempDir::new().unwrap();
    let logbook = kept_in(&folder);
    logbook.write("{\"a\":1}\n").unwrap();
    let first = tail(folder.path(), ALL).unwrap();
    logbook.write("{\"a\":2}\n").unwrap();

    let cursor = first["cursor"].as_u64();
    let second = tail(folder.path(), TailQuery { cursor, ..ALL }).unwrap();
    assert_eq!(second["lines"], json!(["{\"a\":2}"]));
    let cursor = second["cursor"].as_u64();
    let third = tail(folder.path(), TailQuery { cursor, ..ALL }).unwrap();
    assert_eq!(third["lines"], json!([]));

    let of_an_older_file = Some(1_000_000);
    let query = TailQuery {
        cursor: of_an_older_file,
        ..ALL
    };
    let anew = tail(folder.path(), query).unwrap();
    assert_eq!(anew["reset"], true);
    assert_eq!(anew["lines"].as_array().unwrap().len(), 2);
}

#[test]
fn what_is_cut_off_is_whole_lines_and_is_told() {
    let folder = TempDir::new().unwrap();
    let logbook = kept_in(&folder);
    for word in ["one", "two", "three"] {
        logbook.write(&format!("{word}\n")).unwrap();
    }
    let of = |limit, max_bytes| {
        let query = TailQuery {
            cursor: None,
            limit,
            max_bytes,
        };
        tail(folder.path(), query).unwrap()
    };

    assert_eq!(of(2, 100)["lines"], json!(["two", "three"]));
    assert_eq!(of(2, 100)["truncated"], true);
    // Six bytes are exactly the last line; seven begin within the one before.
    assert_eq!(of(9, 6)["lines"], json!(["three"]));
    assert_eq!(of(9, 7)["lines"], json!(["three"]));
    assert_eq!(of(9, 10)["lines"], json!(["two", "three"]));
    assert_eq!(of(3, 14)["truncated"], false);
}

#[test]
fn the_file_is_bounded_and_the_full_one_is_kept_beside_it() {
    let folder = TempDir::new().unwrap();
    let logbook = kept_in(&folder);
    let line = format!("{}\n", "x".repeat(4000));
    let per_file = BOUNDS.largest / line.len() as u64 + 1;
    for _ in 0..=per_file {
        logbook.write(&line).unwrap();
    }

    let size = |name| {
        fs::metadata(folder.path().join("logs").join(name))
            .unwrap()
            .len()
    };
    assert_eq!(size("gateway.jsonl"), line.len() as u64);
    assert!(size("gateway.1.jsonl") <= BOUNDS.largest + line.len() as u64);
}

#[test]
fn records_are_kept_from_when_the_folder_is_known() {
    let folder = TempDir::new().unwrap();
    let logbook = Logbook::default();
    let subscriber = tracing_subscriber::registry().with(logbook.layer());
    tracing::subscriber::with_default(subscriber, || {
        info!("too early");
        logbook.keep_in(folder.path()).unwrap();
        info!("in time");
    });
    let lines = lines(&tail(folder.path(), ALL).unwrap());
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["message"], "in time");
}

#[test]
fn a_gateway_that_keeps_no_log_says_so() {
    let folder = TempDir::new().unwrap();
    let answer = tail(folder.path(), ALL).unwrap();
    assert_eq!(answer["lines"], json!([]));
    assert_eq!(answer["size"], 0);
}

#[cfg(unix)]
#[test]
fn the_log_is_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = recorded(|| info!("hello"));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.path().join("logs/gateway.jsonl")), 0o600);
    assert_eq!(mode(&folder.path().join("logs")), 0o700);
}
