//! Between a voice station and a supervised connection: triggers come from the gateway, what was said
//! goes to it, and what became of it is told to the station, which alone decides.
//!
//! The desktop and `openclaw connect --voice` run it. Each utterance gets one key when it is first sent
//! and keeps it, so that however often the connection is cut the gateway runs it once. It is only ever
//! sent over a session with the gateway that was in use when it was said.

use crate::client::{CallError, Session};
use crate::connection::GatewayEvent;
use crate::protocol::method::voice::{Triggers as Words, VoicewakeGet, VoicewakeSet};
use crate::protocol::{Event, RunId, SessionKey};
use crate::voice_forward::{ForwardError, Forwarded, Spoken, forward, message};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::time::Duration;
use tokio::sync::{broadcast, broadcast::error::RecvError, mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};
use uuid::Uuid;
use voice::lifecycle::{Chime, Input, Utterance, UtteranceId};
use voice::microphone::Microphone;
use voice::station::{self, Shown, Station};
use voice::triggers::Triggers;

/// How long a gateway may take to answer a question about triggers.
const ANSWER: Duration = Duration::from_secs(15);
/// Orders that wait; people give few.
const ORDERS: usize = 64;
/// What a gateway is called that has no name of its own.
const UNNAMED: &str = "gateway";
/// Where spoken words go besides: read, never written, and unknown to older gateways.
const ROUTING_GET: &str = "voicewake.routing.get";
const ROUTING_CHANGED: &str = "voicewake.routing.changed";

/// What it hears of the connection.
pub struct Heard {
    /// Every event, and when a session begins and ends.
    pub events: broadcast::Receiver<GatewayEvent<Event>>,
    /// The live session.
    pub session: watch::Receiver<Option<Session>>,
    /// The conversation the app shows; the gateway's main one where none is.
    pub conversation: watch::Receiver<Option<SessionKey>>,
}

/// What it can be told.
#[derive(Debug)]
pub enum Order {
    /// Something for the station.
    Station(station::Order),
    /// Have the gateway listen for these words.
    SetTriggers {
        /// The words; none brings the gateway's own back.
        words: Vec<String>,
        /// What became of it.
        reply: oneshot::Sender<Result<(), TriggersError>>,
    },
}

/// Why triggers were not set.
#[derive(Debug, thiserror::Error)]
pub enum TriggersError {
    /// They are the gateway's, and there is none.
    #[error("not connected to the gateway, which keeps the triggers")]
    NotConnected,
    /// The gateway did not do it.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// What it tells.
#[derive(Debug)]
pub enum News {
    /// What is to be seen has changed.
    Shown(Box<Shown>),
    /// How loud it is, from 0 to 1.
    Level(f32),
    /// The microphones there are.
    Microphones(Vec<Microphone>),
    /// Play a sound.
    Chime(Chime),
    /// The tester understood this.
    Practised {
        /// The words.
        text: String,
        /// After which trigger.
        trigger: Option<String>,
    },
    /// The gateway listens for these words.
    Triggers(Vec<String>),
    /// Where the gateway leads spoken words, as it says; null where it does not say.
    Routing(Value),
    /// Something arrived.
    Sent {
        /// Which.
        id: UtteranceId,
        /// Its idempotency key, which is the run's id.
        key: RunId,
        /// The message as the gateway has it.
        message: String,
        /// Where.
        forwarded: Forwarded,
    },
}

/// What is handed to a gateway under one key.
#[derive(Debug, Clone)]
struct Handed {
    key: RunId,
    /// The conversation it was meant for when it was first handed over.
    conversation: Option<SessionKey>,
}

/// A handle; it ends with its last clone, and the station with it.
#[derive(Debug, Clone)]
pub struct VoiceLink {
    orders: mpsc::Sender<Order>,
}

impl VoiceLink {
    /// Gives an order; one given after its end does nothing.
    pub async fn order(&self, order: Order) {
        drop(self.orders.send(order).await);
    }

    /// Starts it. `station` starts the voice thread, which tells through what it is handed; `machine` is
    /// the name of this computer that the gateway reads.
    ///
    /// # Errors
    ///
    /// Where the thread cannot be started.
    ///
    /// # Panics
    ///
    /// Outside an async runtime.
    pub fn start(
        heard: Heard,
        machine: Option<String>,
        station: impl FnOnce(Teller) -> io::Result<Station>,
    ) -> io::Result<(Self, mpsc::UnboundedReceiver<News>)> {
        // Unbounded: the voice thread must not wait, or sound is lost; it tells a few times a second.
        let (sender, told) = mpsc::unbounded_channel();
        let (news, receiver) = mpsc::unbounded_channel();
        let station = station(Teller(sender))?;
        let (orders, inbox) = mpsc::channel(ORDERS);
        let task = Task {
            station,
            told,
            news,
            machine,
            session: None,
            handed: HashMap::new(),
            under_way: HashMap::new(),
            work: JoinSet::new(),
        };
        // It ends when the last handle is dropped.
        drop(tokio::spawn(task.run(heard, inbox)));
        Ok((Self { orders }, receiver))
    }
}

/// Where the voice thread tells.
#[derive(Debug, Clone)]
pub struct Teller(mpsc::UnboundedSender<station::Event>);

impl Teller {
    /// Tells; after the end nobody listens.
    pub fn tell(&self, event: station::Event) {
        drop(self.0.send(event));
    }
}

/// What a piece of work came to.
enum Done {
    Forwarded(UtteranceId, Box<Spoken>, Result<Forwarded, ForwardError>),
    Triggers(Result<Words, CallError>),
    Routing(Result<Value, CallError>),
    Set(
        Result<Words, CallError>,
        oneshot::Sender<Result<(), TriggersError>>,
    ),
}

struct Task {
    station: Station,
    told: mpsc::UnboundedReceiver<station::Event>,
    news: mpsc::UnboundedSender<News>,
    machine: Option<String>,
    session: Option<Session>,
    /// What was handed to a gateway and is not known to have arrived.
    handed: HashMap<UtteranceId, Handed>,
    under_way: HashMap<UtteranceId, AbortHandle>,
    work: JoinSet<Done>,
}

impl Task {
    async fn run(mut self, mut heard: Heard, mut orders: mpsc::Receiver<Order>) {
        // A session that stood before anybody listened.
        self.introduce(&heard);
        loop {
            let done = async {
                match self.work.join_next().await {
                    Some(done) => done,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(order) => self.obey(order),
                    None => return,
                },
                event = heard.events.recv() => match event {
                    Ok(GatewayEvent::SessionUp) => self.introduce(&heard),
                    Ok(GatewayEvent::SessionDown) => self.session_down(),
                    Ok(GatewayEvent::Event(event)) => self.gateway_told(event),
                    Ok(GatewayEvent::Missed) | Err(RecvError::Lagged(_)) => self.introduce(&heard),
                    Err(RecvError::Closed) => return,
                },
                Some(event) = self.told.recv() => self.station_told(event, &heard),
                done = done => match done {
                    Ok(done) => self.finish(done),
                    Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                    // Only what was withdrawn is aborted.
                    Err(_) => {}
                },
            }
        }
    }

    fn tell(&self, news: News) {
        // Nobody may look any more; it goes on listening all the same.
        drop(self.news.send(news));
    }

    fn input(&self, input: Input) {
        self.station.order(station::Order::Input(input));
    }

    /// Takes the session there is; what it knows is asked anew, for events may have been missed.
    fn introduce(&mut self, heard: &Heard) {
        let Some(session) = heard.session.borrow().clone() else {
            return;
        };
        let name = session.label().unwrap_or(UNNAMED).to_owned();
        let asked = session.clone();
        self.work.spawn(async move {
            Done::Triggers(asked.call::<VoicewakeGet>(Default::default(), ANSWER).await)
        });
        let asked = session.clone();
        self.work.spawn(async move {
            Done::Routing(asked.call_raw(ROUTING_GET, json!({}), ANSWER).await)
        });
        self.session = Some(session);
        self.input(Input::Gateway(Some(name)));
        self.input(Input::Connected(true));
    }

    fn session_down(&mut self) {
        self.session = None;
        self.input(Input::Connected(false));
    }

    fn gateway_told(&mut self, event: Event) {
        if let Event::VoicewakeChanged(words) = event {
            self.use_triggers(words.triggers);
        } else if let Event::Unknown(unknown) = event
            && unknown.event == ROUTING_CHANGED
        {
            self.tell(News::Routing(unknown.payload.unwrap_or_default()));
        }
    }

    fn use_triggers(&self, words: Vec<String>) {
        let triggers = Triggers::new(&words);
        self.tell(News::Triggers(triggers.as_slice().to_vec()));
        self.station.order(station::Order::Triggers(triggers));
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Station(order) => self.station.order(order),
            Order::SetTriggers { words, reply } => match self.session.clone() {
                Some(session) => {
                    self.work.spawn(async move {
                        let words = Words::new(words);
                        Done::Set(session.call::<VoicewakeSet>(words, ANSWER).await, reply)
                    });
                }
                None => drop(reply.send(Err(TriggersError::NotConnected))),
            },
        }
    }

    fn station_told(&mut self, event: station::Event, heard: &Heard) {
        match event {
            station::Event::Shown(shown) => self.tell(News::Shown(shown)),
            station::Event::Level(level) => self.tell(News::Level(level)),
            station::Event::Microphones(list) => self.tell(News::Microphones(list)),
            station::Event::Chime(chime) => self.tell(News::Chime(chime)),
            station::Event::Practised { text, trigger } => {
                self.tell(News::Practised { text, trigger });
            }
            station::Event::Deliver(utterance) => self.deliver(utterance, heard),
            station::Event::Withdraw(id) => {
                if let Some(task) = self.under_way.remove(&id) {
                    task.abort();
                }
            }
        }
    }

    fn deliver(&mut self, utterance: Utterance, heard: &Heard) {
        let id = utterance.id;
        // The session is the connection's word on which gateway this reaches, whatever was meant.
        let session = self.session.clone().filter(|session| {
            Some(session.label().unwrap_or(UNNAMED)) == utterance.gateway.as_deref()
        });
        let Some(session) = session else {
            self.input(Input::Interrupted(id));
            return;
        };
        let handed = self
            .handed
            .entry(id)
            .or_insert_with(|| Handed {
                key: RunId::from(Uuid::new_v4().to_string()),
                conversation: heard.conversation.borrow().clone(),
            })
            .clone();
        let spoken = Spoken {
            key: handed.key,
            transcript: utterance.text,
            machine: self.machine.clone(),
            session_key: handed.conversation,
            trigger: utterance.trigger,
            in_doubt: utterance.attempts > 1,
        };
        let task = self.work.spawn(async move {
            let outcome = forward(&session, &spoken, None).await;
            Done::Forwarded(id, Box::new(spoken), outcome)
        });
        self.under_way.insert(id, task);
    }

    fn finish(&mut self, done: Done) {
        match done {
            Done::Forwarded(id, spoken, outcome) => {
                self.under_way.remove(&id);
                match outcome {
                    Ok(forwarded) => {
                        self.handed.remove(&id);
                        self.input(Input::Delivered(id));
                        self.tell(News::Sent {
                            id,
                            message: message(&spoken.transcript, spoken.machine.as_deref()),
                            key: spoken.key,
                            forwarded,
                        });
                    }
                    Err(ForwardError::Interrupted(error)) => {
                        tracing::debug!(%error, "what was said did not get through");
                        self.input(Input::Interrupted(id));
                    }
                    Err(error @ ForwardError::Refused(_)) => self.input(Input::Refused {
                        id,
                        why: error.to_string(),
                    }),
                }
            }
            Done::Triggers(Ok(words)) => self.use_triggers(words.triggers),
            Done::Triggers(Err(error)) => tracing::warn!(%error, "the triggers are not told"),
            Done::Routing(answer) => self.tell(News::Routing(match answer {
                Ok(answer) => answer.get("config").cloned().unwrap_or_default(),
                Err(_) => Value::Null,
            })),
            Done::Set(outcome, reply) => {
                let outcome = outcome.map(|words| self.use_triggers(words.triggers));
                // Whoever asked may have gone; the gateway tells everybody anyway.
                drop(reply.send(outcome.map_err(TriggersError::from)));
            }
        }
    }
}
