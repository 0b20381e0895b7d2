//! The tray: what it shows, what its menu does, and what is done where there is none.

use super::{Controller, Next, now_ms, ports::Order, work::Outcome};
use crate::{
    tray::{MenuAction, Situation, Tray, VoiceSituation},
    view_model::Page,
};
use gateway_core::connection::phase::Phase;
use std::{path::Path, time::Duration};
use tokio::time::sleep;

/// How long a panel may be away before the window is shown instead; a restarting one needs a second
/// or two.
pub(super) const TRAY_RETURNS: Duration = Duration::from_secs(10);

impl Controller {
    pub(super) fn menu_clicked(&mut self, action: MenuAction) -> Next {
        match action {
            MenuAction::OpenChat => self.open(Page::Chat),
            MenuAction::QuickChat => self.show_quick_chat(),
            MenuAction::CheckServer => {
                self.open(Page::Server);
                self.run_check();
            }
            MenuAction::Connect => self.order(Order::Connect),
            MenuAction::Disconnect => self.order(Order::Disconnect),
            MenuAction::VoiceWake => self.switch_voice_wake(),
            MenuAction::ReconnectNow => self.order(Order::ReconnectNow),
            MenuAction::CopyLocalAddress => {
                let port = self.connection.snapshots.borrow().local_port.clone();
                if let Some(port) = port {
                    self.desktop.copy(format!("ws://127.0.0.1:{}", port.port));
                }
            }
            MenuAction::OpenLogs => self.show_folder(&self.places.logs()),
            MenuAction::OpenConfig => self.show_folder(self.places.config_dir()),
            MenuAction::ResetTunnel => {
                self.order(Order::Disconnect);
                self.order(Order::Connect);
            }
            MenuAction::Settings => self.open(Page::Settings),
            MenuAction::About => self.open(Page::About),
            MenuAction::Quit => return Next::End,
        }
        Next::Continue
    }

    fn show_folder(&self, folder: &Path) {
        if let Err(problem) = self.desktop.open_folder(folder) {
            tracing::warn!(problem, "the folder could not be shown");
        }
    }

    pub(super) fn tray_host_changed(&mut self, present: bool) {
        self.tray_host = present;
        self.tray = None;
        self.draw_tray();
        if !present {
            self.work.spawn(async {
                sleep(TRAY_RETURNS).await;
                Outcome::TrayGraceOver
            });
        }
        if !self.launch.hidden {
            return;
        }
        // Started hidden: the tray shows that the app runs, and without one the window must.
        self.launch.hidden = false;
        if present {
            self.announce(false);
        } else {
            self.show_window();
        }
    }

    /// Whether the tray changes by itself as time passes.
    pub(super) fn tray_moves(&self) -> bool {
        let phase = self.connection.snapshots.borrow().phase;
        self.tray_host && (phase.is_attempting() || phase == Phase::RetryWait)
    }

    pub(super) fn draw_tray(&mut self) {
        if !self.tray_host {
            return;
        }
        let waiting = self.agent_requests.count();
        let gateways = self.settings.menu_gateways();
        let (voice_is_on, voice_can_be_on) = self.voice.switch();
        let is = Situation {
            view: &self.view(),
            voice: VoiceSituation {
                is_on: voice_is_on,
                can_be_on: voice_can_be_on,
                hears: self.voice.hears(),
            },
            report: self.gateway_report.view(),
            waiting,
            gateways: &gateways,
            tongue: self.settings.tongue(),
            now_ms: now_ms(),
        };
        let tray = Tray::of(&is, self.turn);
        if self.tray.as_ref() != Some(&tray) {
            self.desktop.show_tray(&tray);
            self.tray = Some(tray);
        }
    }
}
