//! Voice: what the settings and a person want of it, what it hears, and what the window is told.
//!
//! The voice thread decides what becomes of an utterance; here its orders come from settings, window and
//! tray, and its news become one view. Nothing of what was said is kept or logged.

mod models;
mod port;
mod spoken;
mod view;

pub use port::{DownloadNews, VoicePort, VoiceToolsPort};

use super::{
    Controller, Reply,
    problems::{call_error, not_connected},
    respond,
    sessions::keys::MAIN_SESSION,
    work::Outcome,
};
use crate::{
    events::WindowEvent,
    tray::Hears,
    view_model::{
        UiError, VoiceAct, VoiceForm, VoiceLook, VoiceModelEdit, VoiceModelView, VoiceState,
        VoiceTesterView, VoiceView,
    },
};
use ::voice::{
    engine::{Choice, Unavailable},
    lifecycle::{Input, UtteranceId},
    microphone::Microphone,
    models::Model,
    station::{self, Shown, Wanted},
};
use gateway_core::{
    config::voice::{VoiceEngine, VoiceSettings},
    protocol::SessionKey,
    voice_link::{News, Order, TriggersError},
};
use models::Download;
use serde_json::Value;
use std::{future::pending, path::PathBuf, time::Instant};
use tokio::sync::oneshot;

/// The longest language code that is a code, such as `zh` or `yue`.
const LONGEST_LANGUAGE: usize = 8;

/// What is asked about voice.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is documented at its command")]
pub enum VoiceRequest {
    Set {
        form: VoiceForm,
        reply: Reply<(), UiError>,
    },
    SetTriggers {
        words: Vec<String>,
        reply: Reply<(), UiError>,
    },
    Act(VoiceAct),
    Look(VoiceLook),
    EditModels {
        edit: VoiceModelEdit,
        reply: Reply<(), UiError>,
    },
}

/// Voice as it is known.
pub(super) struct Voice {
    port: VoicePort,
    /// What was wanted last.
    applied: Option<VoiceSettings>,
    /// Whether the engine that is set could be started, once that was looked at.
    available: Option<Result<(), Unavailable>>,
    /// Counts the looks; an older one does not count.
    looks: u64,
    shown: Option<Shown>,
    /// When the countdown ends, in milliseconds since 1970.
    ends_at_ms: Option<f64>,
    triggers: Option<Vec<String>>,
    routing: Value,
    microphones: Vec<Microphone>,
    models: Vec<VoiceModelView>,
    download: Option<Download>,
    look: VoiceLook,
    /// What a window that is only out of sight looked at; it does not say so again.
    look_out_of_sight: VoiceLook,
    /// Whether the level is told.
    watched: bool,
    understood: VoiceTesterView,
    told: Option<VoiceView>,
    spoken: spoken::SpokenWindow,
}

/// Something that voice tells.
pub(super) enum VoiceNews {
    /// By what listens.
    Link(News),
    /// By the download that runs; nothing more comes of it after `None`.
    Download(Option<DownloadNews>),
}

impl Voice {
    /// Returns it before anything was wanted of it.
    pub(super) fn new(port: VoicePort) -> Self {
        Self {
            port,
            applied: None,
            available: None,
            looks: 0,
            shown: None,
            ends_at_ms: None,
            triggers: None,
            routing: Value::Null,
            microphones: Vec::new(),
            models: Vec::new(),
            download: None,
            look: VoiceLook::default(),
            look_out_of_sight: VoiceLook::default(),
            watched: false,
            understood: VoiceTesterView::default(),
            told: None,
            spoken: spoken::SpokenWindow::default(),
        }
    }

    /// Returns what is told next.
    pub(super) async fn next(&mut self) -> VoiceNews {
        let download = async {
            match &mut self.download {
                Some(download) => download.news.recv().await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(news) = self.port.news.recv() => VoiceNews::Link(news),
            news = download => VoiceNews::Download(news),
        }
    }

    fn order(&self, order: Order) {
        if let Err(refused) = self.port.orders.try_send(order) {
            tracing::warn!(%refused, "an order to the voice thread was dropped");
        }
    }

    fn station(&self, order: station::Order) {
        self.order(Order::Station(order));
    }

    fn input(&self, input: Input) {
        self.station(station::Order::Input(input));
    }

    /// Returns the engine that is set, with its model.
    fn choice(&self, settings: &VoiceSettings) -> Choice {
        match settings.engine {
            VoiceEngine::PocketSphinx => Choice::PocketSphinx(None),
            VoiceEngine::Whisper => Choice::Whisper {
                model: match Model::named(&settings.model) {
                    Some(model) => self.port.tools.model(model.id).0,
                    None => PathBuf::from(&settings.model),
                },
                language: Some(settings.language.clone()).filter(|code| !code.is_empty()),
            },
        }
    }

    /// Returns what of what was said waits for a person, if anything.
    pub(super) fn waits_for_person(&self) -> Option<u64> {
        let overlay = &self.shown.as_ref().filter(|shown| !shown.testing)?.overlay;
        let overlay = &overlay.as_ref()?.overlay;
        view::waits_for_person(&overlay.state).then_some(overlay.id.0)
    }

    /// Returns what the tray says of it.
    pub(super) fn hears(&self) -> Hears {
        match self.told.as_ref().map(|told| told.state) {
            Some(VoiceState::Listening) => Hears::Triggers,
            Some(VoiceState::Capturing) => Hears::Words,
            Some(
                VoiceState::Off
                | VoiceState::Starting
                | VoiceState::Ready
                | VoiceState::Paused
                | VoiceState::Hindered,
            )
            | None => Hears::Nothing,
        }
    }

    /// Returns whether voice wake is on, and whether it could be.
    pub(super) fn switch(&self) -> (bool, bool) {
        let on = self.applied.as_ref().is_some_and(|applied| applied.wake);
        (on, on || !matches!(self.available, Some(Err(_))))
    }
}

impl Controller {
    pub(super) fn voice_asked(&mut self, request: VoiceRequest) {
        match request {
            VoiceRequest::Set { form, reply } => {
                let set = self.set_voice(form);
                respond(reply, set);
            }
            VoiceRequest::SetTriggers { words, reply } => self.set_triggers(words, reply),
            VoiceRequest::Act(act) => self.voice.input(match act {
                VoiceAct::Hold => Input::KeyDown,
                VoiceAct::Release => Input::KeyUp,
                VoiceAct::Edit { text } => Input::Edit(text),
                VoiceAct::Send => Input::Send,
                VoiceAct::Cancel => Input::Cancel,
                VoiceAct::Retry { id } => Input::Retry(UtteranceId(id.into())),
                VoiceAct::Discard { id } => Input::Discard(UtteranceId(id.into())),
            }),
            VoiceRequest::Look(look) => self.look_at_voice(look),
            VoiceRequest::EditModels { edit, reply } => self.edit_models(edit, reply),
        }
    }

    fn set_voice(&mut self, form: VoiceForm) -> Result<(), UiError> {
        let before = self.settings.voice();
        let wanted = VoiceSettings::from(form);
        let turned_on =
            (wanted.wake && !before.wake) || (wanted.push_to_talk && !before.push_to_talk);
        if let (true, Some(Err(why))) = (turned_on, &self.voice.available) {
            return Err(view::unavailable(why));
        }
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        if wanted.language.len() > LONGEST_LANGUAGE || !wanted.language.chars().all(plain) {
            return Err(view::no_language(&wanted.language));
        }
        self.settings.set_voice(wanted)?;
        // The tray's own mark and the window's switches follow from what is kept.
        self.voice_as_needed();
        Ok(())
    }

    /// Turns voice wake on or off, as the tray's menu asks.
    pub(super) fn switch_voice_wake(&mut self) {
        let mut form = VoiceForm::from(self.settings.voice());
        form.wake = !form.wake;
        if let Err(problem) = self.set_voice(form) {
            tracing::warn!(code = problem.code, "voice wake was not switched");
            // The panel has changed its mark by itself.
            self.tray = None;
            self.draw_tray();
        }
    }

    fn set_triggers(&mut self, words: Vec<String>, reply: Reply<(), UiError>) {
        let (answer, answered) = oneshot::channel();
        self.voice.order(Order::SetTriggers {
            words,
            reply: answer,
        });
        self.work.spawn(async move {
            let set = match answered.await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(TriggersError::Call(error))) => Err(call_error(&error)),
                Ok(Err(TriggersError::NotConnected)) | Err(_) => Err(not_connected()),
            };
            respond(reply, set);
            Outcome::Nothing
        });
    }

    fn look_at_voice(&mut self, look: VoiceLook) {
        let before = std::mem::replace(&mut self.voice.look, look);
        if look.page && !before.page {
            self.voice.station(station::Order::List);
            self.voice.read_models();
            self.look_for_engine();
        }
        if look.tester != before.tester {
            self.voice.understood = VoiceTesterView::default();
            self.voice.station(station::Order::Practise(look.tester));
        }
        self.voice_as_needed();
    }

    /// The window is gone, or only out of sight: nobody looks, and nobody holds a button.
    pub(super) fn voice_is_not_looked_at(&mut self, out_of_sight: bool) {
        if out_of_sight {
            self.voice.look_out_of_sight = self.voice.look;
        }
        self.look_at_voice(VoiceLook::default());
        self.voice.input(Input::KeyUp);
    }

    /// The window is seen, perhaps again. One that is new says itself what it looks at.
    pub(super) fn voice_may_be_looked_at(&mut self) {
        let look = std::mem::take(&mut self.voice.look_out_of_sight);
        if look != VoiceLook::default() {
            self.look_at_voice(look);
        }
    }

    /// Finds out whether the engine that is set could be started.
    fn look_for_engine(&mut self) {
        self.voice.looks += 1;
        let number = self.voice.looks;
        let looked = self
            .voice
            .port
            .tools
            .look(self.voice.choice(&self.settings.voice()));
        self.work.spawn(async move {
            Outcome::EngineLookedFor {
                number,
                result: looked.await,
            }
        });
    }

    pub(super) fn engine_looked_for(&mut self, number: u64, result: Result<(), Unavailable>) {
        if number == self.voice.looks {
            self.voice.available = Some(result);
            self.voice_as_needed();
        }
    }

    pub(super) fn voice_news(&mut self, news: VoiceNews) {
        match news {
            VoiceNews::Link(news) => self.voice_link_news(news),
            VoiceNews::Download(news) => self.download_news(news),
        }
    }

    fn voice_link_news(&mut self, news: News) {
        match news {
            News::Shown(shown) => {
                let ends_at = shown.overlay.as_ref().and_then(|overlay| overlay.ends_at);
                self.voice.ends_at_ms = ends_at.map(|at| {
                    let left = at.saturating_duration_since(Instant::now());
                    super::now_ms() + left.as_secs_f64() * 1000.0
                });
                self.voice.shown = Some(*shown);
            }
            News::Level(level) => {
                self.desktop.send(WindowEvent::VoiceLevel(level.into()));
                return;
            }
            News::Microphones(list) => self.voice.microphones = list,
            News::Chime(chime) => {
                if self.settings.voice().chimes {
                    self.voice.port.tools.play(chime);
                }
            }
            News::Practised { text, trigger } => {
                self.voice.understood.understood = Some(text);
                self.voice.understood.trigger = trigger;
            }
            News::Triggers(words) => self.voice.triggers = Some(words),
            News::Routing(routing) => self.voice.routing = routing,
            News::Sent {
                key,
                message,
                forwarded,
                ..
            } => self.show_in_conversation(
                forwarded.session_key.to_string(),
                key.to_string(),
                message,
            ),
        }
        self.voice_as_needed();
    }

    /// Shows what was said in its conversation, as what was written is.
    fn show_in_conversation(&mut self, session_key: String, key: String, message: String) {
        tracing::info!("what was said has reached the gateway");
        if self.is_stale {
            return;
        }
        let sent = self
            .chat
            .queued(session_key.clone(), key.clone(), message, Vec::new());
        let arrived = self.chat.accepted(session_key, key);
        self.desktop.send(WindowEvent::Chat(sent));
        self.desktop.send(WindowEvent::Chat(arrived));
    }

    /// Another gateway is in use: its triggers are its own.
    pub(super) fn voice_of_gateway(&mut self) {
        self.voice.triggers = None;
        self.voice.routing = Value::Null;
    }

    /// Has voice do what is set, and tells what has changed.
    pub(super) fn voice_as_needed(&mut self) {
        let settings = self.settings.voice();
        if self.voice.applied.as_ref() != Some(&settings) {
            self.voice
                .station(station::Order::Want(self.wanted(&settings)));
            self.voice.applied = Some(settings.clone());
            self.look_for_engine();
        }
        let look = self.voice.look;
        let watched = look.page && (look.tester || settings.wake);
        if self.voice.watched != watched {
            self.voice.watched = watched;
            self.voice.station(station::Order::Watch(watched));
        }
        self.note_conversation();
        let view = self.voice_view(&settings);
        if self.voice.told.as_ref() != Some(&view) {
            self.voice.told = Some(view.clone());
            self.desktop.send(WindowEvent::Voice(view));
            self.show_spoken_as_needed();
            self.draw_tray();
        }
    }

    fn wanted(&self, settings: &VoiceSettings) -> Wanted {
        Wanted {
            wake: settings.wake,
            key: settings.push_to_talk,
            microphone: Some(settings.microphone.clone()).filter(|id| !id.is_empty()),
            engine: Some(self.voice.choice(settings)),
        }
    }

    /// What is said goes to the conversation that is shown. The short name stands for the gateway's
    /// main one, whose key only the gateway knows.
    fn note_conversation(&mut self) {
        let active = self.sessions.active(&self.gateway);
        let key = (!self.is_stale && active != MAIN_SESSION).then(|| SessionKey::from(active));
        self.voice.port.conversation.send_if_modified(|shown| {
            let is_news = *shown != key;
            *shown = key;
            is_news
        });
    }

    fn voice_view(&self, settings: &VoiceSettings) -> VoiceView {
        let voice = &self.voice;
        view::voice_view(&view::Known {
            settings,
            available: voice.available.as_ref(),
            shown: voice.shown.as_ref(),
            ends_at_ms: voice.ends_at_ms,
            triggers: voice.triggers.as_deref(),
            routing: &voice.routing,
            microphones: &voice.microphones,
            models: &voice.models,
            is_connected: self.session().is_some(),
            tester: voice.look.tester.then_some(&voice.understood),
        })
    }

    pub(super) fn send_voice(&mut self) {
        self.voice.told = None;
        self.voice_as_needed();
    }
}
