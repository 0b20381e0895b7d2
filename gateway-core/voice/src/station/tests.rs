//! The thread with a microphone and an engine of the tests' own: they say what is heard, in real time.

use super::*;
use crate::engine::{EngineError, Heard, Task};
use crate::lifecycle::OverlayState;
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};

/// What a test waits for at most; everything it waits for comes in milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Understands loudness: each loud piece is the next word of its script.
struct Scripted {
    script: Vec<Heard>,
    task: Option<Task>,
    words: String,
    fails: bool,
}

impl Engine for Scripted {
    fn learn(&mut self, triggers: &Triggers) -> Result<Vec<usize>, EngineError> {
        let unknown = triggers.as_slice().iter().enumerate();
        Ok(unknown
            .filter_map(|(place, one)| (one == "unknown").then_some(place))
            .collect())
    }

    fn begin(&mut self, task: Task) -> Result<(), EngineError> {
        self.task = Some(task);
        self.words.clear();
        Ok(())
    }

    fn feed(&mut self, samples: &[i16]) -> Result<Option<Heard>, EngineError> {
        if self.fails {
            return Err(EngineError {
                engine: "Scripted",
                step: "listen",
            });
        }
        if samples.iter().all(|sample| sample.unsigned_abs() < 1_000) || self.script.is_empty() {
            return Ok(None);
        }
        let matches = match self.script[0] {
            Heard::Trigger(_) => self.task == Some(Task::Trigger),
            Heard::Partial(_) => self.task == Some(Task::Words),
        };
        if !matches {
            return Ok(None);
        }
        let heard = self.script.remove(0);
        if let Heard::Partial(words) = &heard {
            self.words.clone_from(words);
        }
        Ok(Some(heard))
    }

    fn finish(&mut self) -> Result<String, EngineError> {
        Ok(self.words.clone())
    }
}

/// Devices that appear, disappear and speak as a test says.
#[derive(Clone, Default)]
struct Desk {
    devices: Arc<Mutex<Vec<&'static str>>>,
    sink: Arc<Mutex<Option<Sink>>>,
}

impl Desk {
    fn says(&self, loud: bool, length: Duration) {
        let samples = (length.as_secs_f32() * 16_000.0) as usize;
        let wave = (0..samples).map(|index| {
            if !loud {
                0.0
            } else if index % 100 < 50 {
                0.5
            } else {
                -0.5
            }
        });
        let sink = self.sink.lock().unwrap().clone();
        sink.expect("the microphone is open").heard(wave.collect());
    }
}

impl Microphones for Desk {
    fn list(&self) -> Vec<Microphone> {
        let devices = self.devices.lock().unwrap();
        devices
            .iter()
            .map(|name| Microphone {
                id: (*name).to_owned(),
                name: (*name).to_owned(),
                is_default: false,
            })
            .collect()
    }

    fn open(&self, wanted: Option<&str>, sink: Sink) -> Result<Opened, MicrophoneError> {
        let list = self.list();
        let chosen = list.iter().find(|one| Some(one.id.as_str()) == wanted);
        let one = chosen.or(list.first()).ok_or(MicrophoneError::None)?;
        *self.sink.lock().unwrap() = Some(sink);
        Ok(Opened {
            microphone: one.clone(),
            is_fallback: wanted.is_some() && chosen.is_none(),
            rate: 16_000,
            channels: 1,
            stream: Box::new(()),
        })
    }
}

struct Stage {
    station: Station,
    events: Receiver<Event>,
    desk: Desk,
    shown: Option<Shown>,
    opened: Arc<Mutex<u32>>,
}

fn quick() -> Timing {
    Timing {
        silence: Duration::from_millis(200),
        only_trigger: Duration::from_millis(500),
        restart: Duration::from_millis(20),
        outage: Duration::from_millis(300),
        microphone: Duration::from_millis(20),
        tick: Duration::from_millis(10),
        ..Timing::USUAL
    }
}

fn wanted() -> Wanted {
    Wanted {
        wake: true,
        key: true,
        microphone: None,
        engine: Some(Choice::PocketSphinx(None)),
    }
}

fn stage(devices: &[&'static str], script: &[Heard], failing: u32) -> Stage {
    let desk = Desk::default();
    *desk.devices.lock().unwrap() = devices.to_vec();
    let (sender, events): (Sender<Event>, _) = mpsc::channel();
    let script = script.to_vec();
    let opened = Arc::new(Mutex::new(0));
    let count = Arc::clone(&opened);
    let open: Opener = Box::new(move |_| {
        let mut count = count.lock().unwrap();
        *count += 1;
        Ok(Box::new(Scripted {
            script: script.clone(),
            task: None,
            words: String::new(),
            fails: *count <= failing,
        }))
    });
    let tell = move |event| drop(sender.send(event));
    let station = Station::start(Box::new(desk.clone()), open, quick(), tell).unwrap();
    for order in [
        Order::Triggers(Triggers::new(&["computer", "unknown"])),
        Order::Input(Input::Gateway(Some("home".to_owned()))),
        Order::Input(Input::Connected(true)),
    ] {
        station.order(order);
    }
    Stage {
        station,
        events,
        desk,
        shown: None,
        opened,
    }
}

fn trigger() -> Heard {
    Heard::Trigger(0)
}

fn words(text: &str) -> Heard {
    Heard::Partial(text.to_owned())
}

impl Stage {
    /// Waits for an event, keeping what is shown.
    fn waits<T>(&mut self, what: &str, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(event) => {
                    let picked = pick(&event);
                    if let Event::Shown(shown) = event {
                        self.shown = Some(*shown);
                    }
                    if let Some(picked) = picked {
                        return picked;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("no {what}; shown: {:?}", self.shown)
                }
            }
        }
    }

    fn shows(&mut self, what: &str, is: impl Fn(&Shown) -> bool) -> Shown {
        self.waits(what, |event| {
            let Event::Shown(shown) = event else {
                return None;
            };
            is(shown).then(|| (**shown).clone())
        })
    }

    fn delivery(&mut self) -> Utterance {
        self.waits("delivery", |event| {
            let Event::Deliver(one) = event else {
                return None;
            };
            Some(one.clone())
        })
    }

    /// A trigger and then words, each loud, with silence after them.
    fn says_all(&mut self) {
        let piece = Duration::from_millis(200);
        self.desk.says(true, piece);
        self.desk.says(true, piece);
        self.desk.says(false, Duration::from_millis(500));
    }
}

#[test]
fn a_trigger_and_words_are_told_once_and_the_unknown_trigger_is_named() {
    let mut stage = stage(&["desk"], &[trigger(), words("stop the music")], 0);
    stage.station.order(Order::Want(wanted()));
    let shown = stage.shows("listening", |shown| shown.listening);
    assert_eq!(shown.unknown, ["unknown"]);
    stage.says_all();
    let one = stage.delivery();
    assert_eq!(one.text, "stop the music");
    assert_eq!(one.trigger.as_deref(), Some("computer"));
    stage.station.order(Order::Input(Input::Delivered(one.id)));
    stage.shows("closed overlay", |shown| {
        shown.overlay.is_none() && shown.listening
    });
}

#[test]
fn off_closes_microphone_and_engine() {
    let mut stage = stage(&["desk"], &[], 0);
    stage.station.order(Order::Want(wanted()));
    stage.shows("listening", |shown| shown.listening);
    stage.station.order(Order::Want(Wanted {
        wake: false,
        key: false,
        ..wanted()
    }));
    let shown = stage.shows("rest", |shown| shown.microphone == MicrophoneStatus::Closed);
    assert_eq!(shown.engine, EngineStatus::Resting);
}

#[test]
fn no_microphone_is_a_state_and_one_that_comes_is_used() {
    let mut stage = stage(&[], &[], 0);
    stage.station.order(Order::Want(wanted()));
    let missing = MicrophoneStatus::Missing(MicrophoneError::None);
    stage.shows("the hint", |shown| {
        shown.microphone == missing && !shown.listening
    });
    stage.desk.devices.lock().unwrap().push("headset");
    stage.shows("listening", |shown| shown.listening);
}

#[test]
fn a_vanished_microphone_gives_way_to_another_and_comes_back() {
    let mut stage = stage(&["desk", "headset"], &[], 0);
    stage.station.order(Order::Want(Wanted {
        microphone: Some("headset".to_owned()),
        ..wanted()
    }));
    let open = |name: &str, is_fallback| MicrophoneStatus::Open {
        name: name.to_owned(),
        is_fallback,
    };
    stage.shows("the headset", |shown| {
        shown.microphone == open("headset", false)
    });
    stage
        .desk
        .devices
        .lock()
        .unwrap()
        .retain(|name| *name == "desk");
    let sink = stage.desk.sink.lock().unwrap().clone().unwrap();
    sink.lost(MicrophoneError::Gone("headset".to_owned()));
    stage.shows("the fallback", |shown| {
        shown.microphone == open("desk", true)
    });
    stage.desk.devices.lock().unwrap().push("headset");
    stage.shows("the headset again", |shown| {
        shown.microphone == open("headset", false)
    });
}

#[test]
fn an_engine_that_fails_is_started_again() {
    let mut stage = stage(&["desk"], &[trigger(), words("go")], 1);
    stage.station.order(Order::Want(wanted()));
    stage.shows("listening", |shown| shown.listening);
    stage.desk.says(true, Duration::from_millis(200));
    stage.shows("the failure", |shown| {
        matches!(shown.engine, EngineStatus::Failed(_))
    });
    stage.shows("the restart", |shown| shown.listening);
    assert_eq!(*stage.opened.lock().unwrap(), 2);
    stage.says_all();
    assert_eq!(stage.delivery().text, "go");
}

#[test]
fn push_to_talk_works_with_wake_switched_off() {
    let mut stage = stage(&["desk"], &[words("call Ann")], 0);
    stage.station.order(Order::Want(Wanted {
        wake: false,
        ..wanted()
    }));
    stage.shows("the engine", |shown| shown.engine == EngineStatus::Ready);
    stage.station.order(Order::Input(Input::KeyDown));
    stage.shows("capture", |shown| shown.capturing);
    stage.desk.says(true, Duration::from_millis(200));
    stage.shows("words", |shown| {
        shown
            .overlay
            .as_ref()
            .is_some_and(|one| one.overlay.text == "call Ann")
    });
    stage.station.order(Order::Input(Input::KeyUp));
    let one = stage.delivery();
    assert_eq!((one.text.as_str(), one.trigger), ("call Ann", None));
    stage.shows("a closed microphone", |shown| {
        shown.microphone == MicrophoneStatus::Closed
    });
}

#[test]
fn the_tester_sends_nothing() {
    let mut stage = stage(&["desk"], &[trigger(), words("only a test")], 0);
    stage.station.order(Order::Want(Wanted {
        wake: false,
        ..wanted()
    }));
    stage.station.order(Order::Practise(true));
    stage.shows("the tester", |shown| shown.testing && shown.listening);
    stage.says_all();
    let text = stage.waits("what was understood", |event| {
        assert!(!matches!(event, Event::Deliver(_)), "it was sent");
        let Event::Practised { text, .. } = event else {
            return None;
        };
        Some(text.clone())
    });
    assert_eq!(text, "only a test");
    stage.station.order(Order::Practise(false));
    stage.shows("the end", |shown| !shown.testing && shown.overlay.is_none());
}

#[test]
fn an_outage_counts_down_and_keeps_the_text() {
    let mut stage = stage(&["desk"], &[trigger(), words("water the plants")], 0);
    stage.station.order(Order::Input(Input::Connected(false)));
    stage.station.order(Order::Want(wanted()));
    stage.shows("listening", |shown| shown.listening);
    stage.says_all();
    let waiting = stage.shows("the countdown", |shown| {
        let overlay = shown.overlay.as_ref();
        overlay.is_some_and(|one| matches!(one.overlay.state, OverlayState::Waiting { .. }))
    });
    let ends_at = waiting.overlay.unwrap().ends_at.unwrap();
    assert!(ends_at.saturating_duration_since(Instant::now()) <= quick().outage);
    let kept = stage.shows("the kept text", |shown| {
        let overlay = shown.overlay.as_ref();
        overlay.is_some_and(|one| matches!(one.overlay.state, OverlayState::Kept(_)))
    });
    assert_eq!(kept.overlay.unwrap().overlay.text, "water the plants");
}

#[test]
fn the_level_is_told_while_it_is_watched() {
    let mut stage = stage(&["desk"], &[], 0);
    stage.station.order(Order::Want(wanted()));
    stage.shows("listening", |shown| shown.listening);
    stage.station.order(Order::Watch(true));
    stage.desk.says(true, Duration::from_millis(100));
    let level = stage.waits("a level", |event| {
        let Event::Level(level) = event else {
            return None;
        };
        Some(*level)
    });
    assert!(level > 0.5, "{level}");
}
