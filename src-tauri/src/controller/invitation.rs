//! Setup codes and links: shown with where they lead, and used only when a person says so.
//!
//! Until then nothing is saved, dialled or put into the keychain, and Cancel forgets all of it. The one
//! that is shown stays until it is answered: another that arrives meanwhile could otherwise take its
//! place under somebody's pointer.

use super::{Controller, Order, Outcome, Reply, respond};
use crate::{
    events::WindowEvent,
    view_model::{
        BroughtView, InvitationView, InvitedView, InvitedWay, Page, SecretText, UiError, UserAction,
    },
};
use gateway_core::{
    config::{
        Impact, Invitation, ProfileId,
        invitation::{InvitationError, InvitedSecret, InvitedTo},
    },
    credentials::{Account, CredentialStore, Kind, StoreError, slots},
};

/// What is shown of an invitation.
#[derive(Debug, Default)]
pub(super) struct Invited {
    shown: Shown,
    /// Counts those that were shown.
    number: u32,
}

#[derive(Debug, Default)]
enum Shown {
    #[default]
    Nothing,
    Asked(Box<Invitation>),
    Refused(InvitationError),
}

/// What lets anybody in at a gateway: an invitation that brings one of these replaces the others.
const WAYS_IN: [Kind; 4] = [
    Kind::GatewayToken,
    Kind::GatewayPassword,
    Kind::SingleUseCode,
    Kind::DeviceToken,
];

impl Controller {
    /// Reads what somebody pasted, and shows where it leads.
    pub(super) fn read_invitation(&mut self, text: &SecretText, reply: Reply<(), UiError>) {
        let read = Invitation::read(text.expose());
        respond(
            reply,
            read.map(|invitation| self.ask_about(invitation))
                .map_err(problem),
        );
    }

    /// Shows the link that the system opened.
    pub(super) fn link_opened(&mut self, text: &SecretText) {
        match Invitation::read(text.expose()) {
            Ok(invitation) => self.ask_about(invitation),
            Err(fault) if matches!(self.invited.shown, Shown::Nothing) => {
                self.invited.shown = Shown::Refused(fault);
            }
            Err(fault) => tracing::info!(%fault, "another link was opened"),
        }
        self.show_window();
        self.send_invitation();
    }

    fn ask_about(&mut self, invitation: Invitation) {
        if matches!(self.invited.shown, Shown::Asked(_)) {
            tracing::info!("a setup code or link was not shown: another one waits for an answer");
            return;
        }
        self.invited.number = self.invited.number.wrapping_add(1);
        self.invited.shown = Shown::Asked(Box::new(invitation));
        self.send_invitation();
    }

    /// Forgets the invitation that is shown.
    pub(super) fn forget_invitation(&mut self) {
        if !matches!(self.invited.shown, Shown::Nothing) {
            self.invited.shown = Shown::Nothing;
            self.send_invitation();
        }
    }

    /// Uses the gateway that the shown invitation leads to.
    pub(super) fn accept_invitation(&mut self, id: u32, reply: Reply<(), UiError>) {
        let shown = std::mem::take(&mut self.invited.shown);
        let invitation = match shown {
            Shown::Asked(invitation) if id == self.invited.number => *invitation,
            other @ (Shown::Nothing | Shown::Asked(_) | Shown::Refused(_)) => {
                self.invited.shown = other;
                respond(reply, Err(gone()));
                return;
            }
        };
        let taken = match self.settings.take_invitation(&invitation) {
            Ok(taken) => taken,
            Err(problem) => {
                // It stays: nothing has been done yet, and it may help to try again.
                self.invited.shown = Shown::Asked(Box::new(invitation));
                respond(reply, Err(problem));
                return;
            }
        };
        self.send_invitation();
        let (impact, gateway) = taken;
        let store = self.settings.store();
        self.work.spawn(async move {
            let result = match invitation.secret {
                Some(secret) => keep(&*store, &gateway, &secret).await,
                None => Ok(()),
            };
            Outcome::InvitationTaken {
                impact,
                gateway,
                result,
                reply,
            }
        });
    }

    /// Connects to the gateway of an invitation, and checks it.
    pub(super) fn invitation_taken(
        &mut self,
        impact: Impact,
        gateway: &ProfileId,
        result: Result<(), StoreError>,
        reply: Reply<(), UiError>,
    ) {
        self.take_effect(impact.max(Impact::Reconnect));
        // Another gateway may have been chosen while the keychain asked to be unlocked.
        if *gateway == self.settings.gateway() {
            self.look_for_token();
            self.cancel_check();
            self.order(Order::Connect);
            self.run_check();
            if self.settings.all().first_run_done {
                self.open(Page::Server);
            }
        }
        respond(
            reply,
            result.map_err(|error| UiError {
                code: "invitationNotKept".to_owned(),
                message: format!("What it brought to sign in with was not kept: {error}."),
                action: Some(UserAction::EnterToken),
            }),
        );
    }

    pub(super) fn send_invitation(&self) {
        let view = match &self.invited.shown {
            Shown::Nothing => None,
            Shown::Refused(fault) => Some(InvitationView::Refused {
                problem: problem(*fault),
            }),
            Shown::Asked(invitation) => Some(InvitationView::Asked(
                self.invited_view(invitation, self.invited.number),
            )),
        };
        self.desktop.send(WindowEvent::Invitation(view));
    }

    fn invited_view(&self, invitation: &Invitation, id: u32) -> InvitedView {
        let (way, host, port, user, address) = match &invitation.place {
            InvitedTo::Gateway(url) => {
                let way = match url.is_encrypted() {
                    true => InvitedWay::Encrypted,
                    false => InvitedWay::Plain,
                };
                (way, url.host(), url.port(), None, url.to_string())
            }
            InvitedTo::Server { target, .. } => (
                InvitedWay::Ssh,
                target.host.clone(),
                target.port_or_default(),
                target.user.clone(),
                target.to_string(),
            ),
        };
        InvitedView {
            id,
            name: invitation.name.clone(),
            way,
            host,
            port,
            user,
            address,
            tls_fingerprint: invitation.tls_fingerprint.map(|pin| pin.to_string()),
            brings: invitation.secret.as_ref().map(|secret| match secret {
                InvitedSecret::Token(_) => BroughtView::Token,
                InvitedSecret::Password(_) => BroughtView::Password,
                InvitedSecret::SetupCode(_) => BroughtView::SetupCode,
            }),
            listed: self.settings.listed(&invitation.place),
        }
    }
}

async fn keep(
    store: &dyn CredentialStore,
    gateway: &ProfileId,
    secret: &InvitedSecret,
) -> Result<(), StoreError> {
    let kind = match secret {
        InvitedSecret::Token(token) => {
            slots::write(store, gateway, token).await?;
            Kind::GatewayToken
        }
        InvitedSecret::Password(password) => {
            slots::write(store, gateway, password).await?;
            Kind::GatewayPassword
        }
        InvitedSecret::SetupCode(code) => {
            slots::write(store, gateway, code).await?;
            Kind::SingleUseCode
        }
    };
    for other in WAYS_IN.into_iter().filter(|other| *other != kind) {
        store.delete(&Account::of(gateway, other)).await?;
    }
    Ok(())
}

/// Says why a text is no invitation that can be used.
pub(super) fn problem(fault: InvitationError) -> UiError {
    let code = match fault {
        InvitationError::TooLong => "invitationTooLong",
        InvitationError::Unreadable => "invitationUnreadable",
        InvitationError::AnotherLink => "invitationAnotherLink",
        InvitationError::SecretInAddLink => "invitationSecretInLink",
        InvitationError::Ambiguous => "invitationAmbiguous",
        InvitationError::BadPlace => "invitationBadPlace",
        InvitationError::PlainToPublic => "invitationPlain",
        InvitationError::BadSecret => "invitationBadSecret",
    };
    let mut sentence = fault.to_string();
    // Every one begins with a plain letter.
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    UiError {
        code: code.to_owned(),
        message: format!("{sentence}."),
        action: None,
    }
}

fn gone() -> UiError {
    UiError {
        code: "invitationGone".to_owned(),
        message: "This setup code or link is no longer open. Paste or open it again.".to_owned(),
        action: None,
    }
}
