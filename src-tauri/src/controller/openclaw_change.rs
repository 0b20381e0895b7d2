//! "Also use this for the openclaw command": shown first, and written as it was shown.

use super::{Controller, Reply, problems::with_causes, respond};
use crate::view_model::{OpenclawChangeView, UiError, UserAction};
use gateway_core::config::openclaw_json::write::{Change, WriteError};

/// The change that the window shows.
#[derive(Default)]
pub(super) struct ShownChange {
    number: u32,
    change: Option<Change>,
}

impl Controller {
    pub(super) fn show_openclaw_change(&mut self, reply: Reply<OpenclawChangeView, UiError>) {
        let change = self.settings.openclaw_change();
        let shown = change.map_err(|error| not_written(&error)).map(|change| {
            self.openclaw_change.number += 1;
            let view = OpenclawChangeView::of(self.openclaw_change.number, &change);
            self.openclaw_change.change = Some(change);
            view
        });
        respond(reply, shown);
    }

    pub(super) fn write_openclaw_change(&mut self, number: u32, reply: Reply<(), UiError>) {
        let shown = &mut self.openclaw_change;
        let change = shown.change.take().filter(|_| number == shown.number);
        let Some(change) = change else {
            respond(
                reply,
                Err(UiError {
                    code: "changeGone".to_owned(),
                    message: "This change is no longer shown. Look at it again.".to_owned(),
                    action: None,
                }),
            );
            return;
        };
        let written = change.write().map_err(|error| not_written(&error));
        if written.is_ok() {
            tracing::info!("the settings were written into openclaw.json");
            self.settings.official_config_changed();
            self.send_settings();
        }
        respond(reply, written);
    }
}

fn not_written(error: &WriteError) -> UiError {
    let code = match error {
        WriteError::NothingToWrite => "openclawNothingToWrite",
        WriteError::NoPlace => "openclawNoPlace",
        WriteError::Unreadable(_) => "openclawUnreadable",
        WriteError::Includes { .. } => "openclawIncludes",
        WriteError::Edit { .. } => "openclawNoRoom",
        WriteError::Conflict { .. } => "openclawConflict",
        WriteError::Link { .. } => "openclawLink",
        WriteError::File(_) => "openclawNotWritten",
    };
    UiError {
        code: code.to_owned(),
        message: format!("Nothing was written: {}.", with_causes(error)),
        action: matches!(error, WriteError::NothingToWrite).then_some(UserAction::EditAddress),
    }
}
