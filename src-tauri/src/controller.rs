//! The loop that owns what the app knows; the only place that decides.
//!
//! Everything arrives here as a [`Request`] or as a change of the connection, and leaves as views
//! for the window, a tray for the panel and orders for the connection. It knows no Tauri: the
//! screen is a [`Desktop`], the connection a [`ConnectionPort`].

mod ports;
mod request;

pub use ports::{ConnectionPort, NoConnection, Order};
pub use request::{ControllerHandle, Reply, Request, WhenEnding};

use crate::{
    desktop::Desktop,
    events::WindowEvent,
    launch::Launch,
    tray::{MenuAction, Tray},
    view_model::{CheckView, ConnectionView, Page, UiError},
};
use gateway_core::connection::phase::Phase;
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval, timeout},
};

/// How often the tray is drawn again while it moves (the turning ring, the countdown).
const TRAY_STEP: Duration = Duration::from_millis(500);

/// What closing the connection may take when quitting; the whole of quitting has 2 s.
const CLOSING: Duration = Duration::from_millis(1500);

/// Everything the controller works with.
pub struct Controller {
    desktop: Arc<dyn Desktop>,
    connection: Arc<dyn ConnectionPort>,
    views: watch::Receiver<ConnectionView>,
    requests: mpsc::Receiver<Request>,
    page: Page,
    tray_host: bool,
    tray: Option<Tray>,
    turn: u32,
    launch: Launch,
    ready: bool,
}

/// Whether the loop goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Continue,
    End,
}

impl Controller {
    /// Returns a controller that has decided nothing yet.
    pub fn new(
        desktop: Arc<dyn Desktop>,
        connection: Arc<dyn ConnectionPort>,
        requests: mpsc::Receiver<Request>,
        launch: Launch,
    ) -> Self {
        let views = connection.view();
        Self {
            desktop,
            connection,
            views,
            requests,
            page: Page::Chat,
            tray_host: false,
            tray: None,
            turn: 0,
            launch,
            ready: false,
        }
    }

    /// Runs until the app is to end, then closes what is open and ends the process.
    pub async fn run(mut self) {
        if !self.launch.hidden {
            self.desktop.show_window();
        }
        let mut steps = interval(TRAY_STEP);
        steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let moving = self.tray_moves();
            let next = tokio::select! {
                biased;
                request = self.requests.recv() => match request {
                    Some(request) => self.answer(request),
                    None => Next::End, // Every handle is gone; nobody can ask for anything again.
                },
                changed = self.views.changed() => match changed {
                    Ok(()) => self.connection_changed(),
                    Err(_) => Next::End,
                },
                _ = steps.tick(), if moving => {
                    self.turn = self.turn.wrapping_add(1);
                    self.draw_tray();
                    Next::Continue
                }
            };
            if next == Next::End {
                break;
            }
        }
        self.end().await;
    }

    fn answer(&mut self, request: Request) -> Next {
        match request {
            Request::ResendAll => self.send_everything(),
            Request::Connect => self.connection.order(Order::Connect),
            Request::Disconnect => self.connection.order(Order::Disconnect),
            Request::ReconnectNow => self.connection.order(Order::ReconnectNow),
            Request::TrustHostKey { id } => self.connection.order(Order::TrustHostKey { id }),
            Request::CancelQuestion { id } => self.connection.order(Order::CancelQuestion { id }),
            Request::MenuClicked(action) => return self.menu_clicked(action),
            Request::WindowClosed => {
                if !self.tray_host {
                    return Next::End;
                }
                self.desktop.close_window();
            }
            Request::LaunchedAgain => self.desktop.show_window(),
            Request::TrayHost(present) => self.tray_host_changed(present),
            Request::Quit => return Next::End,
            Request::RunCheck | Request::CancelCheck | Request::FinishFirstRun => {}
            Request::SaveSettings { reply, .. } => drop(reply.send(Ok(()))),
            Request::CheckAddress { text, reply } => drop(reply.send(Ok(text))),
            Request::AnswerQuestion { reply, .. }
            | Request::SendChat { reply, .. }
            | Request::AbortChat { reply, .. }
            | Request::UseFoundConfig { reply } => drop(reply.send(Err(not_connected()))),
            Request::ChatHistory { reply, .. } => drop(reply.send(Err(not_connected()))),
            Request::ChooseIdentityFile { reply } => drop(reply.send(Ok(None))),
        }
        Next::Continue
    }

    fn tray_host_changed(&mut self, present: bool) {
        self.tray_host = present;
        self.tray = None;
        self.draw_tray();
        if !self.launch.hidden {
            return;
        }
        // Started hidden: the tray shows that the app runs, and without one the window must.
        self.launch.hidden = false;
        if present {
            self.announce(false);
        } else {
            self.desktop.show_window();
        }
    }

    fn announce(&mut self, window: bool) {
        if !self.ready {
            self.ready = true;
            self.desktop.ready(window);
        }
    }

    fn menu_clicked(&mut self, action: MenuAction) -> Next {
        match action {
            MenuAction::OpenChat => self.open(Page::Chat),
            MenuAction::CheckServer => {
                self.open(Page::Server);
                return self.answer(Request::RunCheck);
            }
            MenuAction::Connect => self.connection.order(Order::Connect),
            MenuAction::Disconnect => self.connection.order(Order::Disconnect),
            MenuAction::ReconnectNow => self.connection.order(Order::ReconnectNow),
            MenuAction::Settings => self.open(Page::Settings),
            MenuAction::Quit => return Next::End,
        }
        Next::Continue
    }

    /// Shows the window at a page; a window that is still loading asks for the page when it has.
    fn open(&mut self, page: Page) {
        self.page = page;
        self.desktop.show_window();
        self.desktop.send(WindowEvent::Page(page));
    }

    fn connection_changed(&mut self) -> Next {
        let view = self.views.borrow_and_update().clone();
        self.desktop.send(WindowEvent::Connection(view));
        self.draw_tray();
        Next::Continue
    }

    fn send_everything(&mut self) {
        self.announce(true);
        let connection = self.views.borrow().clone();
        self.desktop.send(WindowEvent::Connection(connection));
        self.desktop.send(WindowEvent::Check(CheckView::not_run()));
        self.desktop.send(WindowEvent::Page(self.page));
    }

    /// Whether the tray changes by itself as time passes.
    fn tray_moves(&self) -> bool {
        let phase = self.views.borrow().phase;
        self.tray_host && (phase.is_attempting() || phase == Phase::RetryWait)
    }

    fn draw_tray(&mut self) {
        if !self.tray_host {
            return;
        }
        let tray = Tray::of(&self.views.borrow(), now_ms(), self.turn);
        if self.tray.as_ref() != Some(&tray) {
            self.desktop.show_tray(&tray);
            self.tray = Some(tray);
        }
    }

    async fn end(self) {
        self.desktop.close_window();
        if timeout(CLOSING, self.connection.close()).await.is_err() {
            tracing::warn!("the connection did not close in time");
        }
        self.desktop.exit();
    }
}

fn now_ms() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
        * 1000.0
}

fn not_connected() -> UiError {
    UiError {
        code: "notConnected".to_owned(),
        message: "There is no connection to the gateway.".to_owned(),
        action: None,
    }
}
