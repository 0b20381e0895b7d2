//! What this app keeps on this computer: shown by kind, deleted one by one or all at once.
//!
//! Nothing here touches a server: what is forgotten is what this computer knows of it.

use super::{Controller, Order, Outcome, Reply, respond, settings::KeptOwner};
use crate::view_model::{OwnFolder, PrivacyView, StoredItemView, StoredKind, UiError};
use gateway_core::{
    config::{Impact, ProfileId},
    credentials::{Account, CredentialStore, Kind, StoreError},
};
use std::{fs, io};

impl Controller {
    /// Lists what is kept; a locked keychain asks its owner first.
    pub(super) fn list_privacy(&mut self, reply: Reply<PrivacyView, UiError>) {
        let (store, owners) = (self.settings.store(), self.settings.owners());
        let places = self.places.clone();
        self.work.spawn(async move {
            let listed = list(&*store, &owners).await;
            let view = listed.map(|items| PrivacyView {
                items,
                settings_folder: places.config_dir().display().to_string(),
                data_folder: places.data_dir().display().to_string(),
                log_folder: places.logs().display().to_string(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            });
            respond(reply, view.map_err(|error| not_read(&error)));
            Outcome::Nothing
        });
    }

    /// Deletes one secret.
    pub(super) fn delete_stored(
        &mut self,
        owner: Option<String>,
        kind: StoredKind,
        reply: Reply<(), UiError>,
    ) {
        let account = match owner {
            None => Some(Account::device_key()),
            Some(owner) => ProfileId::parse(&owner).map(|id| Account::of(&id, kind.into())),
        };
        let Some(account) = account else {
            respond(reply, Ok(()));
            return;
        };
        let store = self.settings.store();
        self.work.spawn(async move {
            let deleted = store.delete(&account).await;
            Outcome::StoredDeleted {
                result: deleted.map_err(|error| not_deleted(&error)),
                reply,
            }
        });
    }

    /// Takes what became of a deletion: the settings show whether there is a token.
    pub(super) fn stored_deleted(
        &mut self,
        result: Result<(), UiError>,
        reply: Reply<(), UiError>,
    ) {
        self.look_for_token();
        respond(reply, result);
    }

    /// Forgets what happened to the connection, and its last 24 hours.
    pub(super) fn forget_history(&self) {
        self.order(Order::ForgetHistory);
    }

    /// Shows a folder of ours.
    pub(super) fn open_own_folder(&self, folder: OwnFolder, reply: Reply<(), UiError>) {
        let path = match folder {
            OwnFolder::Settings => self.places.config_dir().to_owned(),
            OwnFolder::Data => self.places.data_dir().to_owned(),
            OwnFolder::Logs => self.places.logs(),
        };
        let opened = self.desktop.open_folder(&path).map_err(|why| UiError {
            code: "folderNotOpened".to_owned(),
            message: format!("No program could be started that shows folders: {why}."),
            action: None,
        });
        respond(reply, opened);
    }

    /// Puts everything of the app itself back to how it was before its first start. What gateways keep
    /// stays, the one on this computer included.
    pub(super) fn reset_app(&mut self, reply: Reply<(), UiError>) {
        let owners = self.settings.owners();
        if let Err(problem) = self.settings.reset() {
            respond(reply, Err(problem));
            return;
        }
        self.order(Order::Disconnect);
        self.forget_history();
        for owner in &owners {
            self.forget_what_waits(&owner.id);
        }
        self.cancel_check();
        self.check = crate::view_model::CheckView::not_run();
        self.send_check();
        let (store, known_hosts) = (self.settings.store(), self.places.known_hosts());
        self.work.spawn(async move {
            let mut failed = None;
            for owner in owners
                .iter()
                .filter(|owner| owner.id != ProfileId::this_computer())
            {
                for kind in Kind::ALL {
                    if let Err(error) = store.delete(&Account::of(&owner.id, kind)).await {
                        failed = Some(not_deleted(&error));
                    }
                }
            }
            if let Err(error) = store.delete(&Account::device_key()).await {
                failed = Some(not_deleted(&error));
            }
            match fs::remove_file(known_hosts) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    failed = Some(UiError {
                        code: "knownHostsNotRemoved".to_owned(),
                        message: format!("The list of trusted servers was not removed: {error}."),
                        action: None,
                    });
                }
                Ok(()) | Err(_) => {}
            }
            Outcome::WasReset {
                result: failed.map_or(Ok(()), Err),
                reply,
            }
        });
    }

    /// Begins anew.
    pub(super) fn was_reset(&mut self, result: Result<(), UiError>, reply: Reply<(), UiError>) {
        self.settings.note_token(false);
        self.take_effect(Impact::Reconnect);
        respond(reply, result);
    }
}

async fn list(
    store: &dyn CredentialStore,
    owners: &[KeptOwner],
) -> Result<Vec<StoredItemView>, StoreError> {
    let mut items = Vec::new();
    for owner in owners {
        for kind in Kind::ALL {
            if store.get(&Account::of(&owner.id, kind)).await?.is_some() {
                items.push(StoredItemView {
                    owner: Some(owner.id.to_string()),
                    name: owner.name.clone(),
                    kind: kind.into(),
                });
            }
        }
    }
    if store.get(&Account::device_key()).await?.is_some() {
        items.push(StoredItemView {
            owner: None,
            name: String::new(),
            kind: StoredKind::DeviceKey,
        });
    }
    Ok(items)
}

fn not_read(error: &StoreError) -> UiError {
    UiError {
        code: "keptNotRead".to_owned(),
        message: format!("What is kept could not be read: {error}."),
        action: None,
    }
}

fn not_deleted(error: &StoreError) -> UiError {
    UiError {
        code: "keptNotDeleted".to_owned(),
        message: format!("It was not deleted: {error}."),
        action: None,
    }
}
