//! Holds every frame the gateway writes against the published schema, and where that defines
//! nothing, against what official gateways were recorded saying. Where we differ is listed in
//! `tests/fixtures/our-deviations.txt` and, for what only some tests hear, in
//! `our-deviations-elsewhere.txt`; anything else is a fault of ours, and the gateway that wrote
//! it fails its test when it goes.
//!
//! Each peer's socket tells what it reads and writes ([`overheard`](super::overheard)). Of the programs
//! that other tests drive, the notes they took are held against the same, once those tests are done.

use super::overheard::notes::Notes;
use super::overheard::{Listener, NOTES};
use super::session_rows::{ModelInUse, RowExtras, row};
use crate::protocol::conformance::{Fit, Schema, kinds_outside, shape_of};
use crate::protocol::recordings::{exchanges, fixtures, frames};
use crate::store::{MessageRole, NewMessage, SessionRecord, SessionStatus, StoredMessage};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{LazyLock, Mutex};

/// Where something is: the name of a method or event, and a place in its payload.
pub(super) type Spot = (String, String);
/// The kinds of value at each place of a payload.
type Shape = BTreeMap<String, BTreeSet<&'static str>>;

/// How much was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Frames, each with its envelope.
    pub(super) envelopes: usize,
    /// Payloads the schema defines.
    pub(super) by_schema: usize,
    /// Payloads compared with recordings.
    pub(super) by_recording: usize,
}

impl Counts {
    fn and(self, more: Self, times: usize) -> Self {
        Self {
            envelopes: self.envelopes + more.envelopes * times,
            by_schema: self.by_schema + more.by_schema * times,
            by_recording: self.by_recording + more.by_recording * times,
        }
    }

    fn since(self, before: Self) -> Self {
        Self {
            envelopes: self.envelopes - before.envelopes,
            by_schema: self.by_schema - before.by_schema,
            by_recording: self.by_recording - before.by_recording,
        }
    }
}

/// What official gateways were recorded saying, by method and by event.
#[derive(Debug)]
struct Recorded {
    answers: HashMap<String, Shape>,
    events: HashMap<String, Shape>,
}

impl Recorded {
    fn read() -> Self {
        let mut answers: HashMap<String, Shape> = HashMap::new();
        for exchange in exchanges() {
            let shape = answers.entry(exchange.request.method).or_default();
            for answer in exchange.answers.into_iter().filter(|answer| answer.ok) {
                shape_of(&answer.payload.unwrap_or_default(), "", shape);
            }
        }
        // Refused only: nothing was recorded of what it answers.
        answers.retain(|_, shape| !shape.is_empty());
        let mut events: HashMap<String, Shape> = HashMap::new();
        for recorded in frames() {
            if let Some(name) = recorded.value["event"].as_str() {
                let shape = events.entry(name.to_owned()).or_default();
                shape_of(&recorded.value["payload"], "", shape);
            }
        }
        // The event was recorded without its members; it is what `health` answers.
        if let Some(report) = answers.get("health") {
            let event = events.entry("health".to_owned()).or_default();
            for (place, kinds) in report {
                event.entry(place.clone()).or_default().extend(kinds);
            }
        }
        Self { answers, events }
    }
}

/// What frames are held against.
pub(super) struct Checker {
    schema: Schema,
    recorded: Recorded,
    pub(super) counts: Counts,
}

impl Checker {
    pub(super) fn new() -> Self {
        Self {
            schema: Schema::read(),
            recorded: Recorded::read(),
            counts: Counts::default(),
        }
    }

    /// Returns where a frame does not fit, with why. `method` is what it answers, if it is an
    /// answer.
    pub(super) fn misfits(
        &mut self,
        method: Option<&str>,
        frame: &Value,
    ) -> BTreeMap<Spot, String> {
        let event = frame["event"].as_str();
        let envelope = if frame["type"] == "event" {
            "EventFrame"
        } else {
            "ResponseFrame"
        };
        self.counts.envelopes += 1;
        let mut wrong = self.against_schema(envelope, envelope, frame);
        let (name, definition, recorded) = match (method, event) {
            (_, Some(event)) => (
                format!("event:{event}"),
                self.schema.definition(event, "Event"),
                self.recorded.events.get(event),
            ),
            (Some(method), None) if frame["ok"] == true => (
                method.to_owned(),
                match method {
                    "connect" => Some("HelloOk".to_owned()),
                    method => self.schema.definition(method, "Result"),
                },
                self.recorded.answers.get(method),
            ),
            (Some(_) | None, None) => return wrong,
        };
        let payload = &frame["payload"];
        if let Some(definition) = definition {
            self.counts.by_schema += 1;
            wrong.extend(self.against_schema(&name, &definition, payload));
            return wrong;
        }
        self.counts.by_recording += 1;
        let places = match recorded {
            None => vec!["neither-in-the-schema-nor-recorded".to_owned()],
            Some(recorded) => kinds_outside(payload, recorded),
        };
        for place in places {
            let place = if place.is_empty() {
                "/".to_owned()
            } else {
                place
            };
            wrong.insert((name.clone(), place), "not as recorded".to_owned());
        }
        wrong
    }

    fn against_schema(
        &self,
        name: &str,
        definition: &str,
        value: &Value,
    ) -> BTreeMap<Spot, String> {
        let misfits = self.schema.misfits(definition, Fit::Exact, value);
        misfits
            .into_iter()
            .map(|(place, why)| ((name.to_owned(), without_numbers(&place)), why))
            .collect()
    }
}

/// Which item of a list it is makes no difference.
fn without_numbers(place: &str) -> String {
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let words = place
        .split('/')
        .map(|word| if is_number(word) { "*" } else { word });
    words.collect::<Vec<_>>().join("/")
}

/// Returns the first two words of each row of a committed list; the rest is the reason.
pub(super) fn rows(file: &str) -> BTreeSet<Spot> {
    let path = fixtures().join(file);
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|line| {
            let mut words = line.split_whitespace();
            match (words.next(), words.next(), words.next()) {
                (Some(name), Some(place), Some(_)) => (name.to_owned(), place.to_owned()),
                _ => panic!("{file}: no reason in {line:?}"),
            }
        })
        .collect()
}

/// Reading schema and recordings takes longer than most tests: once for all.
static CHECKER: LazyLock<Mutex<(Checker, BTreeSet<Spot>)>> = LazyLock::new(|| {
    let listed = &rows("our-deviations.txt") | &rows("our-deviations-elsewhere.txt");
    Mutex::new((Checker::new(), listed))
});

/// Whether a place is listed, or lies below one whose row ends in `/**`.
fn is_listed(listed: &BTreeSet<Spot>, spot: &Spot) -> bool {
    let (name, place) = spot;
    let above = |(at, _): (usize, &str)| {
        let above = format!("{}/**", place.get(..at).unwrap_or_default());
        listed.contains(&(name.clone(), above))
    };
    listed.contains(spot) || place.match_indices('/').any(above)
}

/// What one gateway has said. It is looked at once the gateway goes, so that no test is slower while
/// it measures or waits.
#[derive(Debug, Default)]
pub(super) struct Said {
    heard: Mutex<HashMap<u64, Heard>>,
}

/// A frame, and how often it was written: what everybody is told differs in its number alone.
#[derive(Debug)]
struct Heard {
    method: Option<String>,
    frame: String,
    times: usize,
}

impl Listener for Said {
    fn hear(&self, method: Option<&str>, frame: &str) {
        let told = frame
            .rsplit_once(",\"seq\":")
            .map_or(frame, |(told, _)| told);
        let mut hasher = DefaultHasher::new();
        (method, told).hash(&mut hasher);
        let mut all = super::held(&self.heard);
        let heard = all.entry(hasher.finish()).or_insert_with(|| Heard {
            method: method.map(str::to_owned),
            frame: frame.to_owned(),
            times: 0,
        });
        heard.times += 1;
    }
}

impl Said {
    /// Forgets what was said so far: a test had the gateway say what it never says.
    pub(super) fn forget(&self) {
        super::held(&self.heard).clear();
    }

    /// Fails where something that fits neither schema nor recording was said and is not listed.
    pub(super) fn judge(&self) {
        let heard = std::mem::take(&mut *super::held(&self.heard));
        let mut unlisted = BTreeSet::new();
        let mut held = super::held(&CHECKER);
        let (checker, listed) = &mut *held;
        for Heard {
            method,
            frame,
            times,
        } in heard.into_values()
        {
            let frame: Value = serde_json::from_str(&frame).unwrap_or_default();
            let before = checker.counts;
            for (spot, why) in checker.misfits(method.as_deref(), &frame) {
                if !is_listed(listed, &spot) {
                    unlisted.insert(format!("{} {} {why}", spot.0, spot.1));
                }
            }
            checker.counts = before.and(checker.counts.since(before), times);
        }
        keep_counts(checker.counts);
        drop(held);
        let lines: Vec<String> = unlisted.into_iter().collect();
        assert!(
            lines.is_empty(),
            "said, and neither fits nor is in our-deviations.txt:\n{}",
            lines.join("\n")
        );
    }
}

/// Names the file that is to say how much every gateway of this process has said: a test's own
/// words are not shown when it passes.
const COUNTS_FILE: &str = "OPENCLAW_CONFORMANCE_COUNTS";

fn keep_counts(counts: Counts) {
    let Some(file) = std::env::var_os(COUNTS_FILE) else {
        return;
    };
    let Counts {
        envelopes,
        by_schema,
        by_recording,
    } = counts;
    let words = format!(
        "said by our gateway in its tests: {envelopes} envelopes, {by_schema} payloads by schema, \
         {by_recording} by recording\n"
    );
    fs::write(&file, words).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}

/// Run by `scripts/test` once everything else has run, on what the programs said meanwhile.
#[test]
#[ignore = "reads what the programs of all other tests have said; scripts/test runs it after them"]
fn what_the_programs_said_in_every_test_fits() {
    let folder = std::env::var_os(NOTES).expect("the folder of the notes is not named");
    let said = Said::default();
    let mut programs = 0;
    for file in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        programs += usize::from(!text.is_empty());
        // What follows the last line end was cut off by a kill.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        for line in whole.lines() {
            let note: Value = serde_json::from_str(line).unwrap();
            said.hear(note["method"].as_str(), &note["frame"].to_string());
        }
    }
    assert!(programs > 0, "no program said anything");
    println!("{programs} programs were listened to");
    said.judge();
    let counts = super::held(&CHECKER).0.counts;
    assert!(
        counts.by_schema > 0 && counts.by_recording > 0,
        "{counts:?}"
    );
}

/// A conversation of which everything is known; `words` says whether its own are told with it.
fn full_row(words: bool) -> Value {
    let record = SessionRecord {
        key: "agent:main:dashboard:7".into(),
        agent_id: "main".into(),
        session_id: "6f1c".to_owned(),
        label: Some("Garden".to_owned()),
        model: Some("home/large".to_owned()),
        thinking_level: Some("off".to_owned()),
        pinned: true,
        archived: true,
        unread: true,
        created_at_ms: 1,
        updated_at_ms: 2,
        input_tokens: 3,
        output_tokens: 4,
        context_tokens: 5,
        status: SessionStatus::Failed,
        last_run_error: Some("the model did not answer".to_owned()),
    };
    let model = ModelInUse {
        provider: "home".to_owned(),
        model: "large".to_owned(),
        context_tokens: 6,
    };
    let message = StoredMessage {
        session_id: record.session_id.clone(),
        seq: 1,
        message: NewMessage {
            id: "m1".to_owned(),
            role: MessageRole::User,
            content: json!("water the roses"),
            timestamp_ms: 1,
            run_id: None,
            idempotency_key: None,
            extra: serde_json::Map::new(),
        },
    };
    let extras = RowExtras {
        active: vec!["run".into()],
        last: words.then_some(&message),
        first: words.then_some(&message),
    };
    row(&record, &model, &extras)
}

/// Rows are put together from what is known of a conversation, and hardly any test meets all of it at once.
#[test]
fn whatever_is_known_of_a_conversation_fits_wherever_it_is_told() {
    let answer = |payload| json!({"type": "res", "id": "1", "ok": true, "payload": payload});
    let changed = json!({"session": full_row(false)});
    let told = [
        (
            Some("sessions.list"),
            answer(json!({"sessions": [full_row(true)]})),
        ),
        (
            Some("sessions.describe"),
            answer(json!({"session": full_row(true)})),
        ),
        (
            Some("chat.history"),
            answer(json!({"sessionInfo": full_row(false)})),
        ),
        (
            None,
            json!({"type": "event", "event": "sessions.changed", "payload": changed}),
        ),
    ];
    let mut held = crate::server::held(&CHECKER);
    let (checker, listed) = &mut *held;
    let before = checker.counts;
    let mut unlisted = Vec::new();
    for (method, frame) in &told {
        let places = checker.misfits(*method, frame);
        // What else such a frame has to have is not here, and not the question.
        let places = places
            .into_keys()
            .filter(|(_, place)| place.contains("/session"));
        unlisted.extend(places.filter(|spot| !is_listed(listed, spot)));
    }
    // None of it was said by a gateway.
    checker.counts = before;
    drop(held);
    assert_eq!(unlisted, []);
}

#[test]
#[cfg(unix)]
fn notes_are_for_their_owner_and_hold_no_secret() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let notes = Notes::begin(folder.path()).unwrap();
    let frame = json!({
        "type": "res", "payload": {
            "auth": {"deviceToken": "s3cret", "role": "operator"},
            "list": [{"setupCode": "s3cret"}],
            "url": "http://127.0.0.1/#code=s3cret",
        },
    });

    notes.hear(Some("connect"), &frame.to_string());

    let file = fs::read_dir(folder.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(file.path()).unwrap();
    let note: Value = serde_json::from_str(&text).unwrap();
    assert!(!text.contains("s3cret"), "{text}");
    assert_eq!(note["method"], "connect");
    let auth = &note["frame"]["payload"]["auth"];
    assert_eq!(auth["deviceToken"], "xxxxxx");
    assert_eq!(auth["role"], "operator");
}
