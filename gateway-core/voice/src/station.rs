//! The voice thread of a program: it owns microphone, engine and lifecycle, takes orders, and tells what
//! is shown and what is to be sent. It waits for whichever comes first, and computes only then.
//!
//! It knows no gateway. Where nothing is wanted of it, microphone and engine are closed.

mod status;

#[cfg(test)]
mod tests;

pub use status::{EngineStatus, MicrophoneStatus, Shown, ShownOverlay};

use crate::attention::Attention;
use crate::engine::{Choice, Engine, Unavailable};
use crate::inbox::{Inbox, Mail};
use crate::lifecycle::{Action, At, Chime, Hearing, Input, Utterance, UtteranceId};
use crate::microphone::{Microphone, MicrophoneError, Microphones, Opened, Sink};
use crate::resample::ToMono;
use crate::speech::SpeechMeter;
use crate::timing::Timing;
use crate::triggers::Triggers;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// The gateway of the tester, which no real one is called.
const PRACTICE: &str = "practice";
/// A stream that gives nothing for this long is gone, whatever its driver says.
const SILENT_STREAM: Duration = Duration::from_secs(3);
/// Looking for a device costs the system something, so it is rare while another one works.
const FALLBACK_ROUNDS: u32 = 5;

/// What is wanted of it, as the settings say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Whether it listens for triggers.
    pub wake: bool,
    /// Whether push-to-talk may be pressed; the engine is then kept ready.
    pub key: bool,
    /// Which microphone; the system's default where absent.
    pub microphone: Option<String>,
    /// Which engine.
    pub engine: Option<Choice>,
}

/// An order.
#[derive(Debug, PartialEq)]
pub enum Order {
    /// Work as the settings say.
    Want(Wanted),
    /// Listen for these triggers.
    Triggers(Triggers),
    /// Something happened that the lifecycle decides about.
    Input(Input),
    /// Tell the level, or stop; the microphone is open meanwhile.
    Watch(bool),
    /// Begin or end the tester: everything as usual, and nothing is sent.
    Practise(bool),
    /// Tell which microphones there are.
    List,
    /// End.
    Stop,
}

/// What it tells.
#[derive(Debug, PartialEq)]
pub enum Event {
    /// What is to be seen has changed.
    Shown(Box<Shown>),
    /// How loud it is, from 0 to 1.
    Level(f32),
    /// The microphones there are.
    Microphones(Vec<Microphone>),
    /// Send this, once; the same id again means the same key.
    Deliver(Utterance),
    /// Stop trying to send it.
    Withdraw(UtteranceId),
    /// Play a sound.
    Chime(Chime),
    /// The tester understood this.
    Practised {
        /// The words.
        text: String,
        /// After which trigger.
        trigger: Option<String>,
    },
}

/// How engines are opened.
pub type Opener = Box<dyn Fn(&Choice) -> Result<Box<dyn Engine>, Unavailable> + Send>;

/// A handle to the thread, which ends with it.
#[derive(Debug)]
pub struct Station {
    inbox: Arc<Inbox>,
}

impl Station {
    /// Starts the thread. `tell` is called on it and must not wait.
    ///
    /// # Errors
    ///
    /// Where the system has no thread left.
    pub fn start(
        microphones: Box<dyn Microphones>,
        open: Opener,
        timing: Timing,
        tell: impl Fn(Event) + Send + 'static,
    ) -> io::Result<Self> {
        let inbox = Arc::new(Inbox::new());
        let for_thread = Arc::clone(&inbox);
        thread::Builder::new()
            .name("voice".to_owned())
            .spawn(move || {
                Thread::new(for_thread, microphones, open, timing, Box::new(tell)).run();
            })?;
        Ok(Self { inbox })
    }

    /// Gives an order; never waits.
    pub fn order(&self, order: Order) {
        self.inbox.order(order);
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        self.inbox.order(Order::Stop);
    }
}

struct Open {
    stream: u64,
    opened: Opened,
    converter: ToMono,
    last_heard: At,
}

struct Thread {
    inbox: Arc<Inbox>,
    microphones: Box<dyn Microphones>,
    open: Opener,
    timing: Timing,
    tell: Box<dyn Fn(Event) + Send>,
    began: Instant,
    wanted: Wanted,
    attention: Attention,
    /// The tester's, while it runs.
    practice: Option<Attention>,
    triggers: Triggers,
    engine: EngineStatus,
    /// The engine that is open or was tried.
    tried: Option<Choice>,
    restart_at: Option<At>,
    microphone: Option<Open>,
    microphone_problem: Option<MicrophoneError>,
    look_again_at: Option<At>,
    streams: u64,
    watched: bool,
    /// For the level alone, which is shown without an engine too.
    meter: SpeechMeter,
    level_at: At,
    told: Option<Shown>,
    stopping: bool,
}

impl Thread {
    fn new(
        inbox: Arc<Inbox>,
        microphones: Box<dyn Microphones>,
        open: Opener,
        timing: Timing,
        tell: Box<dyn Fn(Event) + Send>,
    ) -> Self {
        let mut attention = Attention::new(timing);
        // Until opening one fails there is one: push-to-talk opens it only when it is pressed.
        attention.input(Duration::ZERO, Input::Microphone(true));
        Self {
            inbox,
            microphones,
            open,
            timing,
            tell,
            began: Instant::now(),
            wanted: Wanted::default(),
            attention,
            practice: None,
            triggers: Triggers::default(),
            engine: EngineStatus::NotChosen,
            tried: None,
            restart_at: None,
            microphone: None,
            microphone_problem: None,
            look_again_at: None,
            streams: 0,
            watched: false,
            meter: SpeechMeter::default(),
            level_at: Duration::ZERO,
            told: None,
            stopping: false,
        }
    }

    fn run(mut self) {
        while !self.stopping {
            match self.inbox.next(self.limit()) {
                Mail::Order(order) => self.obey(order),
                Mail::Sound { stream, samples } => self.heard(stream, &samples),
                Mail::Lost { stream, why } => {
                    if self
                        .microphone
                        .as_ref()
                        .is_some_and(|one| one.stream == stream)
                    {
                        self.microphone_lost(why);
                    }
                }
                Mail::Nothing => {
                    let now = self.now();
                    let actions = self.active().input(now, Input::Tick);
                    self.perform(actions);
                }
            }
            self.keep_engine();
            self.keep_microphone();
            self.show();
        }
    }

    fn now(&self) -> At {
        self.began.elapsed()
    }

    /// How long nothing but mail can change anything.
    fn limit(&self) -> Option<Duration> {
        let stalled = self
            .microphone
            .as_ref()
            .map(|one| one.last_heard + SILENT_STREAM);
        let practice = self.practice.as_ref().and_then(Attention::due);
        [
            self.attention.due(),
            practice,
            self.restart_at,
            self.look_again_at,
            stalled,
        ]
        .into_iter()
        .flatten()
        .min()
        .map(|due| due.saturating_sub(self.now()))
    }

    /// Whose turn it is to listen.
    fn active(&mut self) -> &mut Attention {
        self.practice.as_mut().unwrap_or(&mut self.attention)
    }

    fn obey(&mut self, order: Order) {
        let now = self.now();
        match order {
            Order::Want(wanted) => {
                let wake = wanted.wake;
                if wanted.engine != self.wanted.engine {
                    // Also one that failed is tried again.
                    self.tried = None;
                    self.restart_at = None;
                }
                if wanted.microphone != self.wanted.microphone {
                    self.microphone = None;
                    self.look_again_at = None;
                }
                self.wanted = wanted;
                let actions = self.attention.input(now, Input::Wake(wake));
                self.perform(actions);
            }
            Order::Triggers(triggers) => {
                self.triggers = triggers.clone();
                let mut actions = self.attention.use_triggers(now, triggers.clone());
                if let Some(practice) = &mut self.practice {
                    actions.extend(practice.use_triggers(now, triggers));
                }
                self.perform(actions);
            }
            Order::Input(input) => self.input(now, input),
            Order::Watch(watched) => {
                self.watched = watched;
                self.level_at = now;
            }
            Order::Practise(begin) => self.practise(now, begin),
            Order::List => (self.tell)(Event::Microphones(self.microphones.list())),
            Order::Stop => self.stopping = true,
        }
    }

    fn input(&mut self, now: At, input: Input) {
        if input == Input::KeyDown && self.microphone.is_none() {
            // Whether there is one shows now.
            self.open_microphone();
        }
        let is_gesture = matches!(
            input,
            Input::KeyDown | Input::KeyUp | Input::Edit(_) | Input::Send | Input::Cancel
        );
        let actions = match is_gesture {
            true => self.active().input(now, input),
            // What the gateway says is about what is really sent.
            false => self.attention.input(now, input),
        };
        self.perform(actions);
    }

    fn practise(&mut self, now: At, begin: bool) {
        match (begin, self.practice.take()) {
            (true, None) if !self.attention.is_capturing() => {
                let mut practice = Attention::new(self.timing);
                practice.use_triggers(now, self.triggers.clone());
                for input in [
                    Input::Microphone(self.microphone_problem.is_none()),
                    Input::Gateway(Some(PRACTICE.to_owned())),
                    Input::Connected(true),
                    Input::Wake(true),
                ] {
                    practice.input(now, input);
                }
                let (engine, actions) = self.attention.give_engine(now);
                practice.use_engine(now, engine);
                self.practice = Some(practice);
                self.perform(actions);
            }
            (true, practice) => self.practice = practice,
            (false, Some(mut practice)) => {
                let (engine, _) = practice.give_engine(now);
                let actions = self.attention.use_engine(now, engine);
                self.perform(actions);
            }
            (false, None) => {}
        }
    }

    fn heard(&mut self, stream: u64, samples: &[f32]) {
        let now = self.now();
        let mut mono = Vec::new();
        match &mut self.microphone {
            Some(one) if one.stream == stream => {
                one.last_heard = now;
                one.converter.feed(samples, &mut mono);
            }
            Some(_) | None => return,
        }
        let actions = self.active().sound(now, &mono);
        self.perform(actions);
        if self.watched {
            self.meter.feed(&mono);
            if now >= self.level_at {
                self.level_at = now + self.timing.tick;
                (self.tell)(Event::Level(self.meter.take_level()));
            }
        }
    }

    fn perform(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Deliver(one) if one.gateway.as_deref() == Some(PRACTICE) => {
                    let now = self.now();
                    if let Some(practice) = &mut self.practice {
                        practice.input(now, Input::Delivered(one.id));
                    }
                    (self.tell)(Event::Practised {
                        text: one.text,
                        trigger: one.trigger,
                    });
                }
                Action::Deliver(one) => (self.tell)(Event::Deliver(one)),
                Action::Withdraw(id) => (self.tell)(Event::Withdraw(id)),
                Action::Chime(chime) => (self.tell)(Event::Chime(chime)),
                Action::Ended { .. } => {}
            }
        }
    }

    /// Opens, closes or restarts the engine as it is wanted.
    fn keep_engine(&mut self) {
        let now = self.now();
        if let Some(error) = self.active().take_failure() {
            self.engine = EngineStatus::Failed(error);
            self.restart_at = Some(now + self.timing.restart);
        }
        let used = self.wanted.wake || self.wanted.key || self.practice.is_some();
        let wanted = self.wanted.engine.clone().filter(|_| used);
        let due = self.restart_at.is_some_and(|at| now >= at);
        if wanted == self.tried && !due {
            return;
        }
        self.restart_at = None;
        self.tried.clone_from(&wanted);
        let actions = self.active().use_engine(now, None);
        self.perform(actions);
        let Some(choice) = wanted else {
            self.engine = match self.wanted.engine {
                Some(_) => EngineStatus::Resting,
                None => EngineStatus::NotChosen,
            };
            return;
        };
        self.engine = EngineStatus::Loading;
        self.show();
        match (self.open)(&choice) {
            Ok(engine) => {
                self.engine = EngineStatus::Ready;
                let now = self.now();
                let actions = self.active().use_engine(now, Some(engine));
                self.perform(actions);
            }
            Err(why) => self.engine = EngineStatus::Unavailable(why),
        }
    }

    /// Opens or closes the microphone as it is wanted, and looks for one that is gone.
    fn keep_microphone(&mut self) {
        let now = self.now();
        let capturing = self.active().is_capturing();
        let listens = self.active().hearing(now) == Hearing::Trigger;
        let ready = self.engine == EngineStatus::Ready;
        let testing = self.practice.is_some();
        let used = self.watched || capturing || (ready && (self.wanted.wake || testing || listens));
        if !used {
            self.microphone = None;
            self.look_again_at = None;
            return;
        }
        let stalled = self
            .microphone
            .as_ref()
            .filter(|one| now >= one.last_heard + SILENT_STREAM)
            .map(|one| one.opened.microphone.name.clone());
        if let Some(name) = stalled {
            self.microphone_lost(MicrophoneError::Gone(name));
        }
        let due = self.look_again_at.is_some_and(|at| now >= at);
        match &self.microphone {
            None if due || self.look_again_at.is_none() => self.open_microphone(),
            Some(one) if one.opened.is_fallback && due && !capturing => {
                let wanted = self.wanted.microphone.clone();
                let is_back = self
                    .microphones
                    .list()
                    .iter()
                    .any(|one| Some(&one.id) == wanted.as_ref());
                match is_back {
                    true => self.open_microphone(),
                    false => {
                        self.look_again_at = Some(now + self.timing.microphone * FALLBACK_ROUNDS);
                    }
                }
            }
            Some(_) | None => {}
        }
    }

    fn open_microphone(&mut self) {
        // The one before is closed first: some devices can be opened once only.
        self.microphone = None;
        self.streams += 1;
        let sink = Sink {
            inbox: Arc::clone(&self.inbox),
            stream: self.streams,
        };
        let opened = self
            .microphones
            .open(self.wanted.microphone.as_deref(), sink);
        let opened = opened.and_then(|opened| {
            let converter = ToMono::new(opened.rate, opened.channels).map_err(|error| {
                MicrophoneError::Other {
                    name: opened.microphone.name.clone(),
                    why: error.to_string(),
                }
            })?;
            Ok((opened, converter))
        });
        let now = self.now();
        match opened {
            Ok((opened, converter)) => {
                self.look_again_at = opened
                    .is_fallback
                    .then(|| now + self.timing.microphone * FALLBACK_ROUNDS);
                self.microphone = Some(Open {
                    stream: self.streams,
                    opened,
                    converter,
                    last_heard: now,
                });
                self.microphone_problem = None;
                self.tell_microphone(true);
            }
            Err(why) => self.microphone_lost(why),
        }
    }

    fn microphone_lost(&mut self, why: MicrophoneError) {
        tracing::info!(%why, "no sound comes from the microphone");
        self.microphone = None;
        self.microphone_problem = Some(why);
        self.look_again_at = Some(self.now() + self.timing.microphone);
        self.tell_microphone(false);
    }

    fn tell_microphone(&mut self, present: bool) {
        let now = self.now();
        let mut actions = self.attention.input(now, Input::Microphone(present));
        if let Some(practice) = &mut self.practice {
            actions.extend(practice.input(now, Input::Microphone(present)));
        }
        self.perform(actions);
    }

    fn show(&mut self) {
        let now = self.now();
        let testing = self.practice.is_some();
        let engine = self.engine.clone();
        let microphone = match (&self.microphone, &self.microphone_problem) {
            (Some(one), _) => MicrophoneStatus::Open {
                name: one.opened.microphone.name.clone(),
                is_fallback: one.opened.is_fallback,
            },
            (None, Some(why)) => MicrophoneStatus::Missing(why.clone()),
            (None, None) => MicrophoneStatus::Closed,
        };
        let began = self.began;
        let active = self.active();
        let shown = Shown {
            engine,
            microphone,
            listening: active.hearing(now) == Hearing::Trigger,
            capturing: active.is_capturing(),
            overlay: active
                .overlay()
                .map(|overlay| ShownOverlay::new(overlay, began)),
            unknown: active.unknown().to_vec(),
            testing,
        };
        if self.told.as_ref() != Some(&shown) {
            self.told = Some(shown.clone());
            (self.tell)(Event::Shown(Box::new(shown)));
        }
    }
}
