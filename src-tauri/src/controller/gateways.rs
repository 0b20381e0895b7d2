//! What a person does with the list of gateways, carried out.

use super::{
    Controller, Reply,
    ports::{CourierOrder, Order},
    respond,
    work::Outcome,
};
use crate::view_model::{GatewayEdit, UiError};
use gateway_core::{
    config::{Impact, Profile, ProfileId},
    credentials::{Account, Kind},
};

impl Controller {
    /// Changes the list, and connects to what is in use afterwards.
    pub(super) fn edit_gateways(&mut self, edit: GatewayEdit, reply: Reply<(), UiError>) {
        let edited = match edit {
            GatewayEdit::Use { id } => self.settings.use_gateway(&id),
            GatewayEdit::Add { like } => self.settings.add_gateway(like.as_deref()),
            GatewayEdit::Rename { id, name } => self.settings.rename_gateway(&id, &name),
            GatewayEdit::Remove { id } => {
                self.settings.remove_gateway(&id).map(|(impact, gone)| {
                    self.forget_gateway(&gone);
                    impact
                })
            }
        };
        let outcome = edited.map(|impact| self.gateways_changed(impact));
        respond(reply, outcome);
    }

    /// Uses a gateway that was chosen in the tray's menu.
    pub(super) fn use_gateway(&mut self, id: &ProfileId) {
        match self.settings.use_gateway(id.as_str()) {
            Ok(impact) => self.gateways_changed(impact),
            Err(problem) => tracing::warn!(code = problem.code, "the gateway was not changed"),
        }
    }

    /// Forgets what was written for a gateway and was not sent.
    pub(super) fn forget_what_waits(&mut self, id: &ProfileId) {
        self.unsent.forget_gateway(id);
        self.kept_chats.forget_gateway(id);
        self.sessions.forget_gateway(id);
        let forget = CourierOrder::Forget(id.clone());
        if self.courier.drafts.try_send(forget).is_err() {
            tracing::warn!("what waits for a gateway was not forgotten");
        }
    }

    fn gateways_changed(&mut self, impact: Impact) {
        self.take_effect(impact);
        if impact < Impact::Reconnect {
            return;
        }
        self.look_for_token();
        if self.settings.is_configured() {
            self.order(Order::Connect);
        }
    }

    /// Forgets what belongs to a gateway that is no longer on the list. What lets anybody in at the
    /// gateway on this computer belongs to that one, not to an entry of the list.
    fn forget_gateway(&mut self, gone: &Profile) {
        let ids = [gone.id.clone(), gone.secrets()];
        for id in ids.iter().filter(|id| **id != ProfileId::this_computer()) {
            self.forget_what_waits(id);
        }
        let (store, id) = (self.settings.store(), gone.id.clone());
        self.work.spawn(async move {
            for kind in Kind::ALL {
                if let Err(error) = store.delete(&Account::of(&id, kind)).await {
                    tracing::warn!(%error, kind = kind.name(), "a secret was not removed");
                }
            }
            Outcome::Nothing
        });
    }
}
