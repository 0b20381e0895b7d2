//! What notifications say, in the languages of the windows.

use super::{Ended, Notice, Situation, Topic};
use crate::{tongue::Tongue, view_model::Page};
use gateway_core::connection::phase::{Cause, Phase};
use std::time::Duration;

impl Tongue {
    pub(super) fn need(self, is: &Situation) -> Notice {
        let title = match &is.server {
            Some(server) => self.say(
                format!("{server} needs you"),
                format!("{server} har brug for dig"),
            ),
            None => self.say(
                "OpenClaw on this computer needs you",
                "OpenClaw på denne computer har brug for dig",
            ),
        };
        notice(Topic::NeedsYou, Page::Server, title, self.what_for(is))
    }

    pub(super) fn lost(self, is: &Situation) -> Notice {
        let server = self.server(is);
        let title = self.say(
            format!("Not connected to {server}"),
            format!("Ingen forbindelse til {server}"),
        );
        let body = if is.phase == Phase::UpGatewayDown {
            self.say(
                "The server answers, but its gateway does not.",
                "Serveren svarer, men dens gateway gør ikke.",
            )
        } else {
            self.say(
                "The connection was lost. It is tried again by itself.",
                "Forbindelsen er tabt. Der prøves igen af sig selv.",
            )
        };
        notice(Topic::Lost, Page::Server, title, body)
    }

    pub(super) fn restored(self, is: &Situation, away: Duration) -> Notice {
        let server = self.server(is);
        let title = self.say(
            format!("Connected to {server} again"),
            format!("Forbundet til {server} igen"),
        );
        let span = match away.as_secs() / 60 {
            0 => format!("{} s", away.as_secs()),
            minutes @ 1..60 => format!("{minutes} min"),
            minutes => self.say(
                format!("{} h {} min", minutes / 60, minutes % 60),
                format!("{} t {} min", minutes / 60, minutes % 60),
            ),
        };
        let body = self.say(
            format!("It was away for {span}."),
            format!("Den var væk i {span}."),
        );
        notice(Topic::Restored, Page::Chat, title, body)
    }

    pub(super) fn requests(self, is: &Situation) -> Notice {
        let asked = is.approvals.len() + is.questions.len();
        let title = if asked > 0 {
            self.say("Your agent waits for you", "Din agent venter på dig")
        } else {
            self.say("Somebody wants to be let in", "Nogen vil lukkes ind")
        };
        let body = match (is.approvals.len(), is.questions.len(), is.pairings.len()) {
            (1, 0, 0) => self.say(
                "It wants to run a command and needs your approval.",
                "Den vil køre en kommando og skal bruge din godkendelse.",
            ),
            (0, 1, 0) => self.say(
                "It has a question for you.",
                "Den har et spørgsmål til dig.",
            ),
            (0, 0, 1) => self.say(
                "A device asks to use your gateway.",
                "En enhed beder om at bruge din gateway.",
            ),
            (approvals, questions, pairings) => {
                let count = approvals + questions + pairings;
                self.say(
                    format!("{count} requests wait for you."),
                    format!("{count} anmodninger venter på dig."),
                )
            }
        };
        notice(Topic::Requests, Page::Chat, title, body)
    }

    pub(super) fn reply(self, how: Ended, is: &Situation) -> Notice {
        let server = self.server(is);
        let title = match how {
            Ended::Well => self.say("Your agent has answered", "Din agent har svaret"),
            Ended::Badly => self.say("A reply has failed", "Et svar mislykkedes"),
        };
        let body = self.say(format!("On {server}."), format!("På {server}."));
        notice(Topic::Replies, Page::Chat, title, body)
    }

    pub(super) fn unsent(self) -> Notice {
        let title = self.say(
            "What you said was not sent",
            "Det, du sagde, blev ikke sendt",
        );
        let body = self.say(
            "It is kept until you try again or throw it away.",
            "Det gemmes, til du prøver igen eller kasserer det.",
        );
        notice(Topic::Voice, Page::Chat, title, body)
    }

    fn what_for(self, is: &Situation) -> String {
        match is.cause {
            Some(Cause::HostKeyUnknown) => self.say(
                "Say whether the server's key is the right one.",
                "Sig, om serverens nøgle er den rigtige.",
            ),
            Some(Cause::HostKeyChanged) => self.say(
                "It shows another key than the one you trust. Nothing is sent to it.",
                "Den viser en anden nøgle end den, du stoler på. Intet sendes til den.",
            ),
            Some(Cause::HostKeyRevoked) => self.say(
                "It shows a key that is marked as revoked. Nothing is sent to it.",
                "Den viser en nøgle, der er markeret som tilbagekaldt. Intet sendes til den.",
            ),
            Some(Cause::AuthRefused) => self.say(
                "The server refused the sign-in.",
                "Serveren afviste at logge dig på.",
            ),
            Some(Cause::Token) => self.say(
                "The gateway did not accept the token.",
                "Gatewayen godtog ikke tokenet.",
            ),
            Some(Cause::Pairing) => self.say(
                "The gateway wants this computer approved first.",
                "Gatewayen vil have denne computer godkendt først.",
            ),
            Some(Cause::TlsPin) => self.say(
                "The gateway's certificate is not one you trust.",
                "Gatewayens certifikat er ikke et, du stoler på.",
            ),
            Some(Cause::ForwardProhibited) => self.say(
                "The server lets you sign in but forbids port forwarding.",
                "Serveren lader dig logge på, men forbyder videresendelse af porte.",
            ),
            None if is.phase == Phase::HostKey => self.say(
                "Say whether the server's key is the right one.",
                "Sig, om serverens nøgle er den rigtige.",
            ),
            None if is.phase == Phase::AuthPrompt => {
                self.say("Sign in to go on.", "Log på for at komme videre.")
            }
            Some(
                Cause::PromptCancelled
                | Cause::BadTarget
                | Cause::UnsupportedOption
                | Cause::Protocol
                | Cause::Network
                | Cause::Timeout
                | Cause::Closed
                | Cause::PortTaken,
            )
            | None => self.say(
                "Open OpenClaw Tray to see what stands in the way.",
                "Åbn OpenClaw Tray for at se, hvad der står i vejen.",
            ),
        }
    }

    fn server(self, is: &Situation) -> String {
        match &is.server {
            Some(server) => server.clone(),
            None => self.say("this computer", "denne computer"),
        }
    }
}

fn notice(topic: Topic, page: Page, title: String, body: String) -> Notice {
    Notice {
        topic,
        title,
        body,
        page,
    }
}
