//! The tray's menu as a value.
//!
//! On Linux a tray icon reports no clicks of its own, so the first row that can be clicked opens
//! the window.

use super::words;
use crate::view_model::ConnectionView;
use gateway_core::connection::phase::Phase;

/// The rows, from top to bottom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu(pub Vec<MenuItem>);

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MenuItem {
    /// A row that only says something.
    Text(String),
    /// A row that does something.
    Action(MenuAction),
    /// A line.
    Separator,
}

/// What a row does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MenuAction {
    /// Shows the window at the conversation.
    OpenChat,
    /// Shows the window at the server and runs the check.
    CheckServer,
    /// Connects.
    Connect,
    /// Disconnects.
    Disconnect,
    /// Starts the next attempt now.
    ReconnectNow,
    /// Shows the window at the settings.
    Settings,
    /// Ends the app.
    Quit,
}

impl MenuAction {
    /// Every action.
    pub const ALL: [Self; 7] = [
        Self::OpenChat,
        Self::CheckServer,
        Self::Connect,
        Self::Disconnect,
        Self::ReconnectNow,
        Self::Settings,
        Self::Quit,
    ];

    /// Returns the name by which the desktop reports a click.
    pub fn id(self) -> &'static str {
        match self {
            Self::OpenChat => "open-chat",
            Self::CheckServer => "check-server",
            Self::Connect => "connect",
            Self::Disconnect => "disconnect",
            Self::ReconnectNow => "reconnect-now",
            Self::Settings => "settings",
            Self::Quit => "quit",
        }
    }

    /// Returns the action of that name.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.id() == id)
    }

    /// Returns what the row says.
    pub fn label(self) -> &'static str {
        match self {
            Self::OpenChat => "Open Chat",
            Self::CheckServer => "Check My Server",
            Self::Connect => "Connect",
            Self::Disconnect => "Disconnect",
            Self::ReconnectNow => "Reconnect Now",
            Self::Settings => "Settings…",
            Self::Quit => "Quit",
        }
    }
}

impl Menu {
    /// Returns the menu for a connection at a moment (milliseconds since the Unix epoch), with as
    /// many requests of agents waiting.
    pub fn of(view: &ConnectionView, waiting: usize, now_ms: f64) -> Self {
        let mut rows = vec![MenuItem::Text(words::state(view, now_ms))];
        rows.extend(words::requests(waiting).map(MenuItem::Text));
        rows.extend([
            MenuItem::Separator,
            MenuItem::Action(MenuAction::OpenChat),
            MenuItem::Action(MenuAction::CheckServer),
            MenuItem::Action(if matches!(view.phase, Phase::Off | Phase::Stopped) {
                MenuAction::Connect
            } else {
                MenuAction::Disconnect
            }),
        ]);
        if view.phase == Phase::RetryWait {
            rows.push(MenuItem::Action(MenuAction::ReconnectNow));
        }
        rows.extend([
            MenuItem::Separator,
            MenuItem::Action(MenuAction::Settings),
            MenuItem::Action(MenuAction::Quit),
        ]);
        Self(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn menu(phase: Phase) -> Vec<MenuItem> {
        let view = ConnectionView {
            phase,
            ..ConnectionView::off()
        };
        Menu::of(&view, 0, 0.0).0
    }

    #[test]
    fn the_first_row_that_can_be_clicked_opens_the_chat_in_every_phase() {
        for phase in Phase::ALL {
            let first = menu(phase)
                .into_iter()
                .find(|row| matches!(row, MenuItem::Action(_)));

            assert_eq!(first, Some(MenuItem::Action(MenuAction::OpenChat)));
        }
    }

    #[test]
    fn it_offers_the_one_of_connect_and_disconnect_that_applies() {
        for phase in Phase::ALL {
            let rows = menu(phase);

            let connect = rows.contains(&MenuItem::Action(MenuAction::Connect));
            let disconnect = rows.contains(&MenuItem::Action(MenuAction::Disconnect));

            assert_ne!(connect, disconnect, "{phase:?}");
            assert_eq!(connect, matches!(phase, Phase::Off | Phase::Stopped));
        }
    }

    #[test]
    fn a_wait_can_be_cut_short() {
        let rows = menu(Phase::RetryWait);

        assert!(rows.contains(&MenuItem::Action(MenuAction::ReconnectNow)));
    }

    #[test]
    fn what_agents_wait_for_stands_below_the_state() {
        let row = |waiting| Menu::of(&ConnectionView::off(), waiting, 0.0).0.remove(1);

        assert_eq!(row(0), MenuItem::Separator);
        assert_eq!(row(1), MenuItem::Text("1 request waits for you".to_owned()));
        assert_eq!(row(2), MenuItem::Text("2 requests wait for you".to_owned()));
    }

    #[test]
    fn every_action_is_found_again_by_its_name() {
        for action in MenuAction::ALL {
            assert_eq!(MenuAction::from_id(action.id()), Some(action));
        }
        assert_eq!(MenuAction::from_id("nothing"), None);
    }
}
