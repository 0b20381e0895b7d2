//! `openclaw connect --voice`: listening beside the connection, one line for each thing that happens.

use crate::output::{self, Exit, Stop};
use gateway_core::client::Session;
use gateway_core::config::machine;
use gateway_core::connection::Connection;
use gateway_core::connection::gateway_route::GatewayRoute;
use gateway_core::voice_link::{Heard, News, Order, VoiceLink};
use serde_json::json;
use std::path::PathBuf;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use voice::engine::{self, Choice};
use voice::lifecycle::{Kept, OverlayState};
use voice::microphone::Microphones;
use voice::station::{self, EngineStatus, MicrophoneStatus, Shown, Station};
use voice::timing::Timing;

/// How it is to listen.
pub(crate) struct Wanted {
    pub(crate) microphone: Option<String>,
    pub(crate) whisper_model: Option<PathBuf>,
    pub(crate) json: bool,
}

/// What listens; it ends when this is dropped.
pub(crate) struct Listening {
    _link: VoiceLink,
    _nobody_looks: watch::Sender<Option<gateway_core::protocol::SessionKey>>,
    _tasks: JoinSet<()>,
}

/// Begins to listen over a connection.
pub(crate) fn start(
    connection: &Connection<GatewayRoute>,
    wanted: Wanted,
) -> Result<Listening, Stop> {
    // No window shows a conversation, so what is said goes to the gateway's main one.
    let (nobody_looks, conversation) = watch::channel(None);
    let session: watch::Receiver<Option<Session>> = connection.session();
    let heard = Heard {
        events: connection.events(),
        session,
        conversation,
    };
    let choice = match wanted.whisper_model {
        Some(model) => Choice::Whisper {
            model,
            language: None,
        },
        None => Choice::PocketSphinx(None),
    };
    let microphones = microphones()?;
    let microphone = wanted.microphone.map(|named| {
        let list = microphones.list();
        let known = list.iter().find(|one| one.id == named || one.name == named);
        known.map_or(named, |one| one.id.clone())
    });
    let (link, news) = VoiceLink::start(heard, machine::display_name(), move |teller| {
        Station::start(
            microphones,
            Box::new(engine::open),
            Timing::USUAL,
            move |event| teller.tell(event),
        )
    })
    .map_err(|error| Stop::because(Exit::Failed, &error))?;
    let mut tasks = JoinSet::new();
    let first = link.clone();
    tasks.spawn(async move {
        let wanted = station::Wanted {
            wake: true,
            key: false,
            microphone,
            engine: Some(choice),
        };
        first
            .order(Order::Station(station::Order::Want(wanted)))
            .await;
    });
    tasks.spawn(tell(news, wanted.json));
    Ok(Listening {
        _link: link,
        _nobody_looks: nobody_looks,
        _tasks: tasks,
    })
}

#[cfg(feature = "microphone")]
#[expect(clippy::unnecessary_wraps, reason = "without a microphone it fails")]
fn microphones() -> Result<Box<dyn Microphones>, Stop> {
    Ok(Box::new(voice::microphone::system::SystemMicrophones))
}

#[cfg(not(feature = "microphone"))]
fn microphones() -> Result<Box<dyn Microphones>, Stop> {
    Err(Stop::new(
        Exit::Usage,
        "--voice: this build of openclaw cannot use a microphone",
    ))
}

/// Writes one line for each thing that people or scripts would want to know.
async fn tell(mut news: mpsc::UnboundedReceiver<News>, json: bool) {
    let mut last = None;
    while let Some(news) = news.recv().await {
        let (value, line) = match news {
            News::Shown(shown) => {
                let state = state(&shown);
                if last.as_ref() == Some(&state) {
                    continue;
                }
                last = Some(state.clone());
                let (word, about) = state;
                let text = match about.is_empty() {
                    true => word.to_owned(),
                    false => format!("{word}: {about}"),
                };
                (
                    json!({"voice": word, "about": about, "unknownTriggers": shown.unknown}),
                    text,
                )
            }
            News::Triggers(triggers) => {
                let line = format!("triggers: {}", triggers.join(", "));
                (json!({"voice": "triggers", "triggers": triggers}), line)
            }
            News::Sent { forwarded, .. } => {
                let key = forwarded.session_key.to_string();
                let line = format!("sent to {key}");
                (json!({"voice": "sent", "sessionKey": key}), line)
            }
            News::Level(_)
            | News::Microphones(_)
            | News::Chime(_)
            | News::Practised { .. }
            | News::Routing(_) => continue,
        };
        match json {
            true => output::json(&value),
            false => output::line(format_args!("Voice     {line}")),
        }
    }
}

/// Returns one word for how it stands, and what there is to say about it.
fn state(shown: &Shown) -> (&'static str, String) {
    match &shown.engine {
        EngineStatus::Unavailable(why) => return ("unavailable", why.to_string()),
        EngineStatus::Failed(why) => return ("unavailable", why.to_string()),
        EngineStatus::NotChosen
        | EngineStatus::Resting
        | EngineStatus::Loading
        | EngineStatus::Ready => {}
    }
    if let Some(overlay) = &shown.overlay {
        let text = overlay.overlay.text.clone();
        return match &overlay.overlay.state {
            OverlayState::Listening { .. } | OverlayState::Settling => ("capturing", text),
            OverlayState::Editing(_) => ("kept", text),
            OverlayState::Sending => ("sending", text),
            OverlayState::Waiting { .. } => ("waiting", text),
            OverlayState::Kept(Kept::Outage) => ("gaveUp", text),
            OverlayState::Kept(Kept::Refused(why)) => ("refused", why.clone()),
            OverlayState::Kept(Kept::OtherGateway | Kept::NoGateway) => ("kept", text),
        };
    }
    if let MicrophoneStatus::Missing(why) = &shown.microphone {
        return ("noMicrophone", why.to_string());
    }
    match (&shown.microphone, shown.listening) {
        (MicrophoneStatus::Open { name, .. }, true) => ("listening", name.clone()),
        (
            MicrophoneStatus::Open { .. } | MicrophoneStatus::Closed | MicrophoneStatus::Missing(_),
            _,
        ) => ("resting", String::new()),
    }
}
