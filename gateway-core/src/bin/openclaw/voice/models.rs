//! `openclaw voice models`: which models there are, and getting one.

use crate::args::VoiceModelsArgs;
use crate::output::{self, Exit, Stop};
use crate::signals;
use gateway_core::config::{Environment, Places};
use gateway_core::model_client;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use voice::models::{DownloadError, LICENCE, Languages, MODELS, Model, Progress, fetch};

pub(crate) async fn run(args: VoiceModelsArgs, environment: &Environment) -> Result<Exit, Stop> {
    let folder = folder(environment)?;
    if let Some(name) = &args.remove {
        named(name)?
            .remove(&folder)
            .map_err(|error| Stop::because(Exit::Failed, &error))?;
    }
    if let Some(name) = &args.get {
        get(named(name)?, &folder).await?;
    }
    list(&folder, args.json);
    Ok(Exit::Well)
}

/// Returns the file that `--whisper-model` means: a path, or a downloaded model by its name.
pub(crate) fn chosen(
    given: Option<PathBuf>,
    environment: &Environment,
) -> Result<Option<PathBuf>, Stop> {
    let Some(given) = given else {
        return Ok(None);
    };
    match given.to_str().and_then(Model::named) {
        Some(model) => Ok(Some(model.file(&folder(environment)?))),
        None => Ok(Some(given)),
    }
}

fn folder(environment: &Environment) -> Result<PathBuf, Stop> {
    let places =
        Places::find(environment).map_err(|error| Stop::because(Exit::Configuration, &error))?;
    Ok(places.voice_models())
}

fn named(name: &str) -> Result<&'static Model, Stop> {
    Model::named(name).ok_or_else(|| {
        let names: Vec<&str> = MODELS.iter().map(|model| model.id).collect();
        Stop::new(
            Exit::Usage,
            format!("there is no model {name}; there are {}", names.join(", ")),
        )
    })
}

fn list(folder: &Path, as_json: bool) {
    if as_json {
        let models: Vec<_> = MODELS
            .iter()
            .map(|model| {
                json!({
                    "id": model.id,
                    "mib": model.mib,
                    "sha1": model.sha1,
                    "licence": LICENCE,
                    "languages": languages(model),
                    "installed": model.is_installed(folder),
                    "begunBytes": model.begun(folder),
                })
            })
            .collect();
        output::json(&json!({"folder": folder, "models": models}));
        return;
    }
    for model in MODELS {
        let state = match (model.is_installed(folder), model.begun(folder)) {
            (true, _) => "installed".to_owned(),
            (false, 0) => String::new(),
            (false, begun) => format!("{} MiB are here", begun >> 20),
        };
        let line = format!(
            "{:8} {:4} MiB  {LICENCE}  {:8} {state}",
            model.id,
            model.mib,
            languages(&model)
        );
        output::line(line.trim_end());
    }
}

fn languages(model: &Model) -> &'static str {
    match model.languages {
        Languages::English => "English",
        Languages::Many => "many",
    }
}

async fn get(model: &Model, folder: &Path) -> Result<(), Stop> {
    if model.is_installed(folder) {
        return Ok(());
    }
    let client = model_client::client().map_err(|error| Stop::because(Exit::Failed, &error))?;
    let tenths = AtomicU64::new(0);
    let tell = |progress: Progress| {
        let total = progress.total.unwrap_or(u64::from(model.mib) << 20).max(1);
        let now = progress.have * 10 / total;
        if tenths.swap(now, Ordering::Relaxed) != now {
            let (have, total) = (progress.have >> 20, total >> 20);
            output::remark(format_args!("{}: {have} of {total} MiB", model.id));
        }
    };
    let (source, target) = (model.source(), model.file(folder));
    let download = fetch(&client, &source, &target, tell);
    tokio::select! {
        done = download => done.map_err(|error| {
            let exit = match &error {
                DownloadError::Cut(_) => Exit::Unreachable,
                DownloadError::Refused(_)
                | DownloadError::WrongHash
                | DownloadError::TooLarge
                | DownloadError::DiskFull(_)
                | DownloadError::Disk { .. } => Exit::Failed,
            };
            Stop::because(exit, &error)
        }),
        () = signals::asked_to_end() => Err(Stop::new(
            Exit::Failed,
            "the download was stopped; it goes on from there next time",
        )),
    }
}
