//! The outbox against a model of a gateway, with cuts, crashes and forgetting at random.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{HashSet, VecDeque};

fn key(text: &str) -> RunId {
    RunId::from(text)
}

fn main_key() -> SessionKey {
    SessionKey::from("main")
}

fn history(value: Value) -> ChatHistoryPayload {
    serde_json::from_value(value).unwrap()
}

fn empty() -> ChatHistoryPayload {
    history(json!({"sessionKey": "main", "messages": []}))
}

fn outbox_with(messages: &[(&str, &str)]) -> Outbox {
    let mut outbox = Outbox::default();
    for (key, text) in messages {
        outbox
            .queue(RunId::from(*key), main_key(), (*text).to_owned())
            .unwrap();
    }
    outbox
}

fn send(key: &str, text: &str) -> Errand {
    Errand::Send {
        key: RunId::from(key),
        session_key: main_key(),
        text: text.into(),
        files: Attachments::default(),
    }
}

fn file(name: &str, bytes: usize) -> Attachment {
    Attachment {
        name: name.to_owned(),
        media_type: "text/plain".to_owned(),
        data: "A".repeat(bytes / 3 * 4),
    }
}

#[test]
fn files_go_with_their_message_and_are_kept_with_it() {
    let mut outbox = Outbox::default();
    let files: Attachments = [file("notes.txt", 6)].into();
    outbox
        .queue_with_files(key("a"), main_key(), "see".into(), files.clone())
        .unwrap();
    let kept = outbox.take_changed();
    assert_eq!(kept[0].messages[0].files, files);

    let mut outbox = Outbox::resume(kept);
    outbox.session_up(Kind::Keys);
    let errands = outbox.errands();
    assert!(matches!(&errands[..], [Errand::Send { files: sent, .. }] if *sent == files));
}

#[test]
fn files_that_wait_are_bounded_and_texts_go_on_beside_them() {
    let mut outbox = Outbox::default();
    let half = usize::try_from(MOST_QUEUED_BYTES / 2).unwrap();
    let large: Attachments = [file("large", half)].into();
    let queue = |outbox: &mut Outbox, name: &str, files: &Attachments| {
        outbox.queue_with_files(key(name), main_key(), "see".into(), files.clone())
    };
    queue(&mut outbox, "a", &large).unwrap();
    queue(&mut outbox, "b", &large).unwrap();

    assert_eq!(queue(&mut outbox, "c", &large), Err(OutboxFull::Bytes));
    outbox.queue(key("d"), main_key(), "words".into()).unwrap();
    assert!(outbox.withdraw(&key("a")));
    queue(&mut outbox, "c", &large).unwrap();
}

fn look(limit: u32) -> Errand {
    Errand::ReadHistory {
        session_key: main_key(),
        limit,
    }
}

#[test]
fn nothing_happens_without_a_session() {
    assert_eq!(outbox_with(&[("a", "hi")]).errands(), []);
}

#[test]
fn messages_go_one_after_the_other() {
    let mut outbox = outbox_with(&[("a", "one"), ("b", "two")]);
    outbox.session_up(Kind::Keys);

    assert_eq!(outbox.errands(), [send("a", "one")]);
    assert_eq!(outbox.errands(), []);
    outbox.taken(&key("a"));
    assert_eq!(outbox.errands(), [send("b", "two")]);
}

#[test]
fn a_message_whose_answer_was_cut_off_is_looked_up_before_it_is_sent_again() {
    let mut outbox = outbox_with(&[("a", "hi")]);
    outbox.session_up(Kind::Keys);
    outbox.errands();
    outbox.session_down();
    outbox.session_up(Kind::Keys);

    assert_eq!(outbox.errands(), [look(200)]);
    outbox.history_read(&main_key(), &empty());
    assert_eq!(outbox.errands(), [send("a", "hi")]);
}

#[test]
fn a_message_the_history_shows_anywhere_is_not_sent_again() {
    for shown in [
        json!({"messages": [{"role": "user", "content": "hi", "idempotencyKey": "a:user"}]}),
        json!({"messages": [{"role": "user", "content": "hi", "__openclaw": {"idempotencyKey": "a:user"}}]}),
        json!({"messages": [], "pendingInputs": {"items": [{"runId": "a"}]}}),
        json!({"messages": [], "inFlightRun": {"runId": "a"}}),
        json!({"messages": [], "sessionInfo": {"key": "agent:main:main", "activeRunIds": ["a"]}}),
    ] {
        let mut shown = shown;
        shown["sessionKey"] = json!("main");
        let mut outbox = outbox_with(&[("a", "hi")]);
        outbox.session_up(Kind::Keys);
        outbox.errands();
        outbox.session_up(Kind::Keys);
        outbox.errands();

        outbox.history_read(&main_key(), &history(shown.clone()));

        assert_eq!(outbox.errands(), [], "{shown}");
        assert_eq!(
            outbox.take_news().last().unwrap().state,
            DeliveryState::Delivered
        );
    }
}

/// What the history shows for a message and how that message ends, after its run has failed.
#[test]
fn a_message_whose_run_failed_has_failed_unless_the_gateway_kept_it() {
    let kept = json!({"sessionKey": "main", "messages": [
        {"role": "user", "content": "hi", "idempotencyKey": "a:user"}
    ]});
    let failed = DeliveryState::Failed {
        refusal: None,
        message: "disk full".to_owned(),
    };
    for (shown, end) in [(history(kept), DeliveryState::Delivered), (empty(), failed)] {
        let mut outbox = outbox_with(&[("a", "hi")]);
        outbox.session_up(Kind::Keys);
        outbox.errands();
        outbox.taken(&key("a"));
        outbox.run_failed(&key("a"), "disk full".to_owned());

        assert_eq!(outbox.errands(), [look(200)]);
        outbox.history_read(&main_key(), &shown);

        assert_eq!(outbox.take_news().last().unwrap().state, end);
        assert_eq!(outbox.errands(), []);
        assert_eq!(outbox.unsent().count(), 0);
    }
}

#[test]
fn a_history_asked_for_before_the_run_failed_decides_nothing() {
    let mut outbox = outbox_with(&[("a", "hi"), ("b", "there")]);
    outbox.session_up(Kind::Keys);
    outbox.errands();
    outbox.taken(&key("a"));
    outbox.errands();
    outbox.in_doubt(&key("b"));
    assert_eq!(outbox.errands(), [look(200)]);
    outbox.run_failed(&key("a"), "disk full".to_owned());

    outbox.history_read(&main_key(), &empty());
    assert_eq!(outbox.errands(), [look(200)]);
    outbox.history_read(&main_key(), &empty());

    let news = outbox.take_news();
    let last = news.last().unwrap();
    assert_eq!(last.key, key("a"));
    assert!(matches!(last.state, DeliveryState::Failed { .. }));
    assert_eq!(outbox.errands(), [send("b", "there")]);
}

#[test]
fn a_full_look_that_does_not_show_the_message_is_followed_by_a_longer_one() {
    let mut outbox = outbox_with(&[("a", "hi")]);
    outbox.session_up(Kind::Keys);
    outbox.errands();
    outbox.session_up(Kind::Keys);
    outbox.errands();
    let many: Vec<Value> = (0..200)
        .map(|_| json!({"role": "user", "content": "x"}))
        .collect();
    let full = history(json!({"sessionKey": "main", "messages": many}));

    outbox.history_read(&main_key(), &full);
    assert_eq!(outbox.errands(), [look(1000)]);
    outbox.history_read(&main_key(), &full);
    assert_eq!(outbox.errands(), [send("a", "hi")]);
}

#[test]
fn a_message_the_gateway_took_and_lost_is_sent_again() {
    let mut outbox = outbox_with(&[("a", "hi")]);
    outbox.session_up(Kind::Keys);
    outbox.errands();
    outbox.taken(&key("a"));
    outbox.session_up(Kind::Keys);
    outbox.errands();

    outbox.history_read(&main_key(), &empty());

    assert_eq!(outbox.errands(), [send("a", "hi")]);
}

#[test]
fn a_message_whose_run_ended_is_done_with() {
    let mut outbox = outbox_with(&[("a", "hi")]);
    outbox.session_up(Kind::Keys);
    outbox.errands();
    outbox.taken(&key("a"));
    outbox.run_ended(&key("a"));

    outbox.session_up(Kind::Keys);

    assert_eq!(outbox.errands(), []);
}

#[test]
fn an_ending_that_overtakes_the_answer_counts() {
    let mut outbox = outbox_with(&[("a", "hi")]);
    outbox.session_up(Kind::Keys);
    outbox.errands();
    outbox.run_ended(&key("a"));
    outbox.taken(&key("a"));

    outbox.session_up(Kind::Keys);

    assert_eq!(outbox.errands(), []);
}

#[test]
fn a_refused_message_is_given_back_and_the_next_one_goes() {
    let mut outbox = outbox_with(&[("a", "bad"), ("b", "good")]);
    outbox.session_up(Kind::Keys);
    outbox.errands();

    outbox.refused(&key("a"), None, "too long".into());

    let failed = DeliveryState::Failed {
        refusal: None,
        message: "too long".into(),
    };
    assert_eq!(outbox.take_news().last().unwrap().state, failed);
    assert_eq!(outbox.errands(), [send("b", "good")]);
}

#[test]
fn a_message_put_off_keeps_its_place() {
    let mut outbox = outbox_with(&[("a", "one"), ("b", "two")]);
    outbox.session_up(Kind::Keys);
    outbox.errands();

    outbox.put_off(&key("a"));

    assert_eq!(outbox.errands(), [send("a", "one")]);
}

#[test]
fn the_same_key_again_is_the_same_message() {
    let mut outbox = outbox_with(&[("a", "hi"), ("a", "hi")]);
    outbox.session_up(Kind::Keys);
    outbox.errands();
    outbox.taken(&key("a"));

    assert_eq!(outbox.errands(), []);
}

#[test]
fn a_full_outbox_says_so() {
    let mut outbox = Outbox::default();
    for number in 0..MOST_QUEUED {
        outbox
            .queue(RunId::from(number.to_string()), main_key(), "x".into())
            .unwrap();
    }

    assert_eq!(
        outbox.queue(key("more"), main_key(), "x".into()),
        Err(OutboxFull::Messages)
    );
}

#[test]
fn only_what_was_never_sent_can_be_taken_back() {
    let mut outbox = outbox_with(&[("a", "one"), ("b", "two")]);
    outbox.session_up(Kind::Keys);
    outbox.errands();
    outbox.session_down();

    assert!(!outbox.withdraw(&key("a")), "it may have arrived");
    assert!(outbox.withdraw(&key("b")));
    assert!(!outbox.withdraw(&key("b")), "it is gone");

    outbox.session_up(Kind::Keys);
    assert_eq!(outbox.errands(), [look(200)]);
    outbox.history_read(&main_key(), &empty());
    assert_eq!(outbox.errands(), [send("a", "one")]);
    outbox.taken(&key("a"));
    assert_eq!(outbox.errands(), []);
}

#[test]
fn a_new_program_goes_on_where_the_one_before_was_killed() {
    let mut outbox = outbox_with(&[("a", "one"), ("b", "two"), ("c", "three")]);
    outbox.session_up(Kind::Keys);
    outbox.errands();
    outbox.taken(&key("a"));
    outbox.errands();
    let kept = outbox.take_changed();
    let stages: Vec<KeptStage> = kept[0].messages.iter().map(|kept| kept.stage).collect();
    assert_eq!(
        stages,
        [KeptStage::Taken, KeptStage::Sent, KeptStage::Waiting]
    );
    assert_eq!(outbox.take_changed(), [], "it was told already");

    let mut resumed = Outbox::resume(kept);
    resumed.session_up(Kind::Keys);
    assert_eq!(
        resumed.errands(),
        [look(200)],
        "what was sent is looked for"
    );
    let first_and_second = history(json!({"sessionKey": "main", "messages": [
        {"role": "user", "content": "one", "idempotencyKey": "a:user"},
        {"role": "user", "content": "two", "idempotencyKey": "b:user"}]}));
    resumed.history_read(&main_key(), &first_and_second);

    assert_eq!(resumed.errands(), [send("c", "three")]);
}

/// A history in which so many messages wait for the turns before them.
fn crowd(waiting: usize, state: &str) -> ChatHistoryPayload {
    let items: Vec<Value> = (0..waiting)
        .map(|number| json!({"runId": format!("elsewhere-{number}"), "state": state}))
        .collect();
    history(json!({"sessionKey": "main", "messages": [],
        "pendingInputs": {"items": items, "total": waiting}}))
}

#[test]
fn what_waits_at_the_gateway_comes_before_more_of_it() {
    let mut outbox = Outbox::default();
    for number in 0..12 {
        let key = RunId::from(format!("k{number}"));
        outbox
            .queue(key, main_key(), format!("text {number}"))
            .unwrap();
    }
    outbox.session_up(Kind::Keys);
    for number in 0..10 {
        let name = format!("k{number}");
        assert_eq!(outbox.errands(), [send(&name, &format!("text {number}"))]);
        outbox.taken(&key(&name));
        // It waits in the run that is going on, and its own is over at once.
        outbox.run_ended(&key(&name));
    }

    assert_eq!(outbox.errands(), [look(200)], "ten have gone out");
    assert!(outbox.history_read(&main_key(), &crowd(10, "queued")));
    assert_eq!(outbox.errands(), [], "not before a pause");
    outbox.history_failed(&main_key());
    assert_eq!(outbox.errands(), [look(200)]);
    assert!(!outbox.history_read(&main_key(), &crowd(9, "queued")));
    assert_eq!(outbox.errands(), [send("k10", "text 10")]);
}

#[test]
fn what_a_kill_cut_off_at_the_gateway_is_not_waited_for_and_nothing_is_for_ever() {
    let ten_gone = || {
        let mut outbox = Outbox::default();
        for number in 0..11 {
            let key = RunId::from(format!("k{number}"));
            outbox.queue(key, main_key(), "x".to_owned()).unwrap();
        }
        outbox.session_up(Kind::Keys);
        for number in 0..10 {
            outbox.errands();
            outbox.taken(&key(&format!("k{number}")));
            outbox.run_ended(&key(&format!("k{number}")));
        }
        outbox.errands();
        outbox
    };
    let mut outbox = ten_gone();
    assert!(!outbox.history_read(&main_key(), &crowd(30, "interrupted")));

    let mut outbox = ten_gone();
    let mut looks = 1;
    while outbox.history_read(&main_key(), &crowd(10, "queued")) {
        looks += 1;
        outbox.history_failed(&main_key());
        assert_eq!(outbox.errands(), [look(200)]);
    }
    assert_eq!(looks, MOST_LOOKS + 1);
    assert_eq!(outbox.errands(), [send("k10", "x")]);
}

#[test]
fn a_stop_command_is_done_with_when_it_is_answered() {
    let mut outbox = outbox_with(&[("a", "/stop")]);
    outbox.session_up(Kind::Keys);
    outbox.errands();
    outbox.taken(&key("a"));

    outbox.session_up(Kind::Keys);

    assert_eq!(outbox.errands(), []);
}

#[test]
fn an_older_gateway_is_asked_where_the_conversation_stands_before_the_first_message() {
    let mut outbox = outbox_with(&[("a", "yes")]);
    outbox.session_up(Kind::TextsOnly);
    assert_eq!(outbox.errands(), [look(200)]);
    // An earlier "yes" is not this one.
    let earlier = history(json!({"sessionKey": "main", "sessionId": "s", "messages": [
        {"role": "user", "content": [{"type": "text", "text": "yes"}], "__openclaw": {"seq": 1}}]}));
    outbox.history_read(&main_key(), &earlier);
    assert_eq!(outbox.errands(), [send("a", "yes")]);
    outbox.session_up(Kind::TextsOnly);
    outbox.errands();

    outbox.history_read(&main_key(), &earlier);

    assert_eq!(outbox.errands(), [send("a", "yes")]);
}

/// What can happen to a connection, a gateway and a chat.
#[derive(Debug, Clone, Copy)]
enum Happening {
    /// Somebody writes one of a few texts, so that the same text comes up again.
    Write(u8),
    Connect,
    Cut,
    /// Whatever is out reaches the gateway.
    Arrive,
    /// Whatever the gateway answered comes back.
    Return,
    /// The gateway stores what it took longest ago and ends that run.
    Store {
        told: bool,
    },
    /// Somebody else writes into the same conversation.
    Elsewhere,
    /// The gateway is killed: what it took and did not store is gone, and so is its memory of keys.
    Crash,
    /// The gateway forgets the keys of the runs that ended. It does so after five minutes, so never
    /// between a look, its answer and the message sent because of it.
    Forget,
    /// The answer takes too long.
    TimeOut,
    /// This program is killed and started again.
    Killed,
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let one = prop_oneof![
        3 => (0..3_u8).prop_map(Happening::Write),
        3 => Just(Happening::Connect),
        2 => Just(Happening::Cut),
        8 => Just(Happening::Arrive),
        8 => Just(Happening::Return),
        4 => any::<bool>().prop_map(|told| Happening::Store { told }),
        1 => Just(Happening::Elsewhere),
        1 => Just(Happening::Crash),
        1 => Just(Happening::Forget),
        1 => Just(Happening::TimeOut),
        1 => Just(Happening::Killed),
    ];
    prop::collection::vec(one, 1..250)
}

/// A gateway that keeps to what was seen of real ones.
struct ModelGateway {
    kind: Kind,
    stored: Vec<(Option<RunId>, String)>,
    /// Taken and not yet in the history, which shows nothing of it.
    starting: VecDeque<(RunId, String)>,
    remembered: HashSet<RunId>,
}

enum Answer {
    Taken(RunId),
    History(Box<ChatHistoryPayload>),
}

impl ModelGateway {
    fn serve(&mut self, errand: Errand) -> Answer {
        match errand {
            Errand::Send { key, text, .. } => {
                if self.remembered.insert(key.clone()) {
                    self.starting.push_back((key.clone(), text));
                }
                Answer::Taken(key)
            }
            Errand::ReadHistory { limit, .. } => Answer::History(Box::new(self.history(limit))),
        }
    }

    fn history(&self, limit: u32) -> ChatHistoryPayload {
        let messages: Vec<Value> = self
            .stored
            .iter()
            .enumerate()
            .map(|(index, (key, text))| {
                let mut message =
                    json!({"role": "user", "content": text, "__openclaw": {"seq": index + 1}});
                if let (Kind::Keys, Some(key)) = (self.kind, key) {
                    message["idempotencyKey"] = json!(format!("{key}:user"));
                }
                message
            })
            .collect();
        let from = messages.len().saturating_sub(limit as usize);
        history(json!({"sessionKey": "main", "sessionId": "s", "messages": messages[from..]}))
    }

    fn crash(&mut self) {
        self.starting.clear();
        self.remembered.clear();
    }

    fn forget(&mut self) {
        let starting: HashSet<&RunId> = self.starting.iter().map(|(key, _)| key).collect();
        self.remembered.retain(|key| starting.contains(key));
    }
}

/// One conversation between an outbox and a model gateway over a line that can be cut.
struct Line {
    outbox: Outbox,
    gateway: ModelGateway,
    connected: bool,
    out: Option<Errand>,
    back: Option<Answer>,
    written: Vec<(RunId, String)>,
    /// What is on disk: kept when a message was taken and before anything is sent, and no sooner.
    kept: BTreeMap<SessionKey, KeptLane>,
}

impl Line {
    fn keep(&mut self) {
        for lane in self.outbox.take_changed() {
            self.kept.insert(lane.session_key.clone(), lane);
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Write(text) => {
                let key = RunId::from(format!("k{}", self.written.len()));
                let text = format!("text {text}");
                self.outbox
                    .queue(key.clone(), main_key(), text.clone())
                    .unwrap();
                self.written.push((key, text));
                self.keep();
            }
            Happening::Killed => {
                (self.connected, self.out, self.back) = (false, None, None);
                self.outbox = Outbox::resume(self.kept.values().cloned().collect());
            }
            Happening::Connect if !self.connected => {
                self.connected = true;
                self.outbox.session_up(self.gateway.kind);
            }
            Happening::Cut | Happening::Crash => {
                if matches!(happening, Happening::Crash) {
                    self.gateway.crash();
                }
                (self.connected, self.out, self.back) = (false, None, None);
                self.outbox.session_down();
            }
            Happening::Arrive => {
                if let Some(errand) = self.out.take() {
                    self.back = Some(self.gateway.serve(errand));
                }
            }
            Happening::Return => match self.back.take() {
                Some(Answer::Taken(key)) => self.outbox.taken(&key),
                Some(Answer::History(history)) => {
                    let crowded = self.outbox.history_read(&main_key(), &history);
                    if crowded {
                        self.outbox.history_failed(&main_key());
                    }
                }
                None => {}
            },
            Happening::Store { told } => {
                if let Some((key, text)) = self.gateway.starting.pop_front() {
                    self.gateway.stored.push((Some(key.clone()), text));
                    if told && self.connected {
                        self.outbox.run_ended(&key);
                    }
                }
            }
            Happening::Elsewhere => self.gateway.stored.push((None, "not ours".into())),
            Happening::Forget => {
                let under_way = self.out.is_some() || self.back.is_some();
                let unsent = self.outbox.unsent().next().is_some();
                if !self.connected || !(under_way || unsent) {
                    self.gateway.forget();
                }
            }
            Happening::TimeOut => {
                let out = self.out.take();
                let sent = match (&out, &self.back) {
                    (Some(Errand::Send { key, .. }), _) | (None, Some(Answer::Taken(key))) => {
                        Some(key.clone())
                    }
                    (Some(Errand::ReadHistory { .. }), _)
                    | (None, Some(Answer::History(_)) | None) => None,
                };
                match sent {
                    Some(key) => {
                        self.back = None;
                        self.outbox.in_doubt(&key);
                    }
                    None if out.is_some() || self.back.take().is_some() => {
                        self.outbox.history_failed(&main_key());
                    }
                    None => {}
                }
            }
            Happening::Connect => {}
        }
        if self.connected && self.out.is_none() && self.back.is_none() {
            let mut errands = self.outbox.errands();
            assert!(
                errands.len() <= 1,
                "one conversation, one errand: {errands:?}"
            );
            if !errands.is_empty() {
                self.keep();
            }
            self.out = errands.pop();
        }
    }

    fn settle(&mut self) {
        for _ in 0..3 {
            self.happen(Happening::Connect);
            for _ in 0..4 * self.written.len() + 10 {
                self.happen(Happening::Arrive);
                self.happen(Happening::Return);
                self.happen(Happening::Store { told: false });
            }
            self.happen(Happening::Cut);
        }
    }
}

fn every_message_arrives_once_and_in_order(kind: Kind, happenings: Vec<Happening>) {
    let mut line = Line {
        outbox: Outbox::default(),
        gateway: ModelGateway {
            kind,
            stored: vec![(None, "text 1".into())],
            starting: VecDeque::new(),
            remembered: HashSet::new(),
        },
        connected: false,
        out: None,
        back: None,
        written: Vec::new(),
        kept: BTreeMap::new(),
    };
    for happening in happenings {
        line.happen(happening);
    }
    line.settle();
    let arrived: Vec<(RunId, String)> = line
        .gateway
        .stored
        .into_iter()
        .filter_map(|(key, text)| Some((key?, text)))
        .collect();
    assert_eq!(arrived, line.written);
    assert_eq!(line.outbox.unsent().count(), 0);
}

proptest! {
    #[test]
    fn every_message_arrives_once_at_a_gateway_that_keeps_keys(happenings in happenings()) {
        every_message_arrives_once_and_in_order(Kind::Keys, happenings);
    }

    #[test]
    fn every_message_arrives_once_at_a_gateway_that_keeps_texts_only(happenings in happenings()) {
        every_message_arrives_once_and_in_order(Kind::TextsOnly, happenings);
    }
}
