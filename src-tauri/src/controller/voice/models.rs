//! The speech models: which are here, the one download that runs, and a file of a person's own.
//!
//! Nothing is downloaded but on a click. Where they are kept and how they come is the port's business.

use super::{DownloadNews, Voice, view};
use crate::{
    controller::{Controller, Reply, respond, work::Outcome},
    view_model::{UiError, VoiceForm, VoiceModelEdit, VoiceModelView},
};
use ::voice::models::{LICENCE, Languages, MODELS, Model, Progress};
use std::path::PathBuf;
use tokio::sync::{mpsc, oneshot};

/// A download that runs.
pub(super) struct Download {
    id: String,
    pub(super) news: mpsc::Receiver<DownloadNews>,
    progress: Progress,
}

impl Voice {
    pub(super) fn read_models(&mut self) {
        let models = MODELS.iter().map(|model| {
            let (_, is_installed, begun) = self.port.tools.model(model.id);
            let before = self.models.iter().find(|before| before.id == model.id);
            let running = self.download.as_ref().filter(|one| one.id == model.id);
            VoiceModelView {
                id: model.id.to_owned(),
                mib: model.mib,
                english_only: model.languages == Languages::English,
                licence: LICENCE.to_owned(),
                is_installed,
                begun_mib: u32::try_from(begun >> 20).unwrap_or(u32::MAX),
                progress: running.map(|one| view::share(one.progress, model.mib)),
                problem: before.and_then(|before| before.problem.clone()),
            }
        });
        self.models = models.collect();
    }

    fn model_mut(&mut self, id: &str) -> Option<&mut VoiceModelView> {
        self.models.iter_mut().find(|model| model.id == id)
    }
}

impl Controller {
    pub(super) fn edit_models(&mut self, edit: VoiceModelEdit, reply: Reply<(), UiError>) {
        match edit {
            VoiceModelEdit::Get { id } => {
                if Model::named(&id).is_some() && self.voice.download.is_none() {
                    self.voice.download = Some(Download {
                        news: self.voice.port.tools.get(&id),
                        progress: Progress {
                            have: self.voice.port.tools.model(&id).2,
                            total: None,
                        },
                        id: id.clone(),
                    });
                    if let Some(model) = self.voice.model_mut(&id) {
                        model.problem = None;
                    }
                }
            }
            VoiceModelEdit::Stop => self.voice.download = None,
            VoiceModelEdit::Remove { id } => {
                let removing = self.voice.port.tools.remove(&id);
                self.work.spawn(async move {
                    let removed = removing.await;
                    Outcome::ModelRemoved { removed, reply }
                });
                return;
            }
            VoiceModelEdit::ChooseFile => {
                let (chosen, choice) = oneshot::channel();
                self.desktop.choose_file(chosen);
                self.work.spawn(async move {
                    // A dialog that went away without an answer was closed.
                    let file = choice.await.unwrap_or(None);
                    Outcome::ModelChosen { file, reply }
                });
                return;
            }
        }
        self.voice.read_models();
        self.voice_as_needed();
        respond(reply, Ok(()));
    }

    /// A listed model was removed, or could not be.
    pub(in crate::controller) fn model_removed(
        &mut self,
        removed: Result<(), UiError>,
        reply: Reply<(), UiError>,
    ) {
        self.voice.read_models();
        self.look_for_engine();
        self.voice_as_needed();
        respond(reply, removed);
    }

    /// A person chose a file of their own as the model, or none.
    pub(in crate::controller) fn model_chosen(
        &mut self,
        file: Option<PathBuf>,
        reply: Reply<(), UiError>,
    ) {
        let kept = match file {
            None => Ok(()),
            Some(file) => {
                let mut form = VoiceForm::from(self.settings.voice());
                form.model = file.display().to_string();
                self.set_voice(form)
            }
        };
        respond(reply, kept);
    }

    pub(super) fn download_news(&mut self, news: Option<DownloadNews>) {
        let Some(download) = &mut self.voice.download else {
            return;
        };
        let id = download.id.clone();
        match news {
            Some(DownloadNews::Progress(progress)) => download.progress = progress,
            Some(DownloadNews::Ended(result)) => {
                self.voice.download = None;
                if let Some(model) = self.voice.model_mut(&id) {
                    model.problem = result.err();
                }
                self.use_only_model(&id);
                self.look_for_engine();
            }
            None => self.voice.download = None,
        }
        self.voice.read_models();
        self.voice_as_needed();
    }

    /// The first model that is here is the one that is meant.
    fn use_only_model(&mut self, id: &str) {
        let mut settings = self.settings.voice();
        if settings.model.is_empty() && self.voice.port.tools.model(id).1 {
            id.clone_into(&mut settings.model);
            if let Err(problem) = self.settings.set_voice(settings) {
                tracing::warn!(code = problem.code, "the model was not chosen");
            }
        }
    }
}
