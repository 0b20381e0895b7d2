//! The tray's menu as a value.
//!
//! On Linux a tray icon reports no clicks of its own, so the first row that can be clicked opens
//! the window.

use super::{Situation, words};
use crate::tongue::Tongue;
use gateway_core::{config::ProfileId, connection::phase::Phase};

/// The rows, from top to bottom, and the language they are in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu {
    /// The language of what can be clicked.
    pub tongue: Tongue,
    /// The rows.
    pub rows: Vec<MenuItem>,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MenuItem {
    /// A row that only says something.
    Text(String),
    /// A row that does something.
    Action(MenuAction),
    /// A row that switches something; greyed where it cannot be switched.
    Switch {
        /// What it does.
        action: MenuAction,
        /// Whether it is on.
        is_on: bool,
        /// Why it cannot be switched, if it cannot.
        why_not: Option<String>,
    },
    /// A row that opens to more, which are all there is to it.
    Group(MenuGroup, Vec<MenuAction>),
    /// A row that opens to the gateways there are, one of which is in use.
    Gateways(Vec<MenuGateway>),
    /// A line.
    Separator,
}

/// A gateway that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MenuGateway {
    /// Which.
    pub id: ProfileId,
    /// What the user calls it; empty while nothing is known of it.
    pub name: String,
    /// Whether it is the one in use.
    pub in_use: bool,
}

impl MenuGateway {
    const ID_BEGINS: &str = "gateway/";

    /// Returns what the row says that opens to them.
    pub fn heading(tongue: Tongue) -> String {
        tongue.say("Gateways", "Gateways")
    }

    /// Returns what its own row says.
    pub fn label(&self, tongue: Tongue) -> String {
        match self.name.as_str() {
            "" => tongue.say("New gateway", "Ny gateway"),
            name => name.to_owned(),
        }
    }

    /// Returns the name by which the desktop reports a click on it.
    pub fn row_id(&self) -> String {
        format!("{}{}", Self::ID_BEGINS, self.id)
    }

    /// Returns the gateway whose row has that name.
    pub fn from_row_id(id: &str) -> Option<ProfileId> {
        ProfileId::parse(id.strip_prefix(Self::ID_BEGINS)?)
    }
}

/// What rows are put together under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MenuGroup {
    /// What helps when something does not work.
    Diagnostics,
}

impl MenuGroup {
    /// Returns what the row says.
    pub fn label(self, tongue: Tongue) -> String {
        match self {
            Self::Diagnostics => tongue.say("Diagnostics", "Diagnostik"),
        }
    }
}

/// What a row does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MenuAction {
    /// Shows the window at the conversation.
    OpenChat,
    /// Shows the small window for one question.
    QuickChat,
    /// Shows the window at the server and runs the check.
    CheckServer,
    /// Connects.
    Connect,
    /// Disconnects.
    Disconnect,
    /// Starts the next attempt now.
    ReconnectNow,
    /// Listens for triggers, or stops.
    VoiceWake,
    /// Puts the address for local programs on the clipboard.
    CopyLocalAddress,
    /// Shows our log files.
    OpenLogs,
    /// Shows the folder of our settings.
    OpenConfig,
    /// Takes the connection down and makes it anew.
    ResetTunnel,
    /// Shows the window at the settings.
    Settings,
    /// Shows the window where it says what this app is.
    About,
    /// Ends the app.
    Quit,
}

impl MenuAction {
    /// Every action.
    pub const ALL: [Self; 14] = [
        Self::OpenChat,
        Self::QuickChat,
        Self::CheckServer,
        Self::Connect,
        Self::Disconnect,
        Self::ReconnectNow,
        Self::VoiceWake,
        Self::CopyLocalAddress,
        Self::OpenLogs,
        Self::OpenConfig,
        Self::ResetTunnel,
        Self::Settings,
        Self::About,
        Self::Quit,
    ];

    /// Returns the name by which the desktop reports a click.
    pub fn id(self) -> &'static str {
        match self {
            Self::OpenChat => "open-chat",
            Self::QuickChat => "quick-chat",
            Self::CheckServer => "check-server",
            Self::Connect => "connect",
            Self::Disconnect => "disconnect",
            Self::ReconnectNow => "reconnect-now",
            Self::VoiceWake => "voice-wake",
            Self::CopyLocalAddress => "copy-local-address",
            Self::OpenLogs => "open-logs",
            Self::OpenConfig => "open-config",
            Self::ResetTunnel => "reset-tunnel",
            Self::Settings => "settings",
            Self::About => "about",
            Self::Quit => "quit",
        }
    }

    /// Returns the action of that name.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.id() == id)
    }

    /// Returns what the row says.
    pub fn label(self, tongue: Tongue) -> String {
        let (english, danish) = match self {
            Self::OpenChat => ("Open Chat", "Åbn chat"),
            Self::QuickChat => ("Quick Chat…", "Hurtig chat…"),
            Self::CheckServer => ("Check My Server", "Tjek min server"),
            Self::Connect => ("Connect", "Forbind"),
            Self::Disconnect => ("Disconnect", "Afbryd"),
            Self::ReconnectNow => ("Reconnect Now", "Forbind igen nu"),
            Self::VoiceWake => ("Voice Wake", "Stemmevækning"),
            Self::CopyLocalAddress => ("Copy Local Address", "Kopiér lokal adresse"),
            Self::OpenLogs => ("Open Log Folder", "Åbn logmappen"),
            Self::OpenConfig => ("Open Settings Folder", "Åbn indstillingsmappen"),
            Self::ResetTunnel => ("Reset Tunnel", "Nulstil tunnelen"),
            Self::Settings => ("Settings…", "Indstillinger…"),
            Self::About => ("About", "Om"),
            Self::Quit => ("Quit", "Afslut"),
        };
        tongue.say(english, danish)
    }
}

impl Menu {
    /// Returns the menu for a situation.
    pub fn of(is: &Situation<'_>) -> Self {
        let phase = is.view.phase;
        let said = [
            Some(words::state(is)),
            words::health(is),
            words::requests(is.waiting, is.tongue),
        ];
        let mut rows: Vec<_> = said.into_iter().flatten().map(MenuItem::Text).collect();
        let resting = matches!(phase, Phase::Off | Phase::Stopped);
        rows.extend([
            MenuItem::Separator,
            MenuItem::Action(MenuAction::OpenChat),
            MenuItem::Action(MenuAction::QuickChat),
            MenuItem::Action(MenuAction::CheckServer),
            MenuItem::Action(if resting {
                MenuAction::Connect
            } else {
                MenuAction::Disconnect
            }),
        ]);
        if phase == Phase::RetryWait {
            rows.push(MenuItem::Action(MenuAction::ReconnectNow));
        }
        rows.push(MenuItem::Separator);
        rows.push(MenuItem::Switch {
            action: MenuAction::VoiceWake,
            is_on: is.voice.is_on,
            why_not: (!is.voice.can_be_on)
                .then(|| is.tongue.say("no speech engine", "ingen talegenkendelse")),
        });
        // With one, there is nothing to choose.
        if is.gateways.len() > 1 {
            rows.push(MenuItem::Gateways(is.gateways.to_vec()));
        }
        // The port stays ours while nobody is connected, and leads nowhere then.
        if is.view.local_port.is_some() && !resting {
            rows.push(MenuItem::Action(MenuAction::CopyLocalAddress));
        }
        let mut helps = vec![MenuAction::OpenLogs, MenuAction::OpenConfig];
        if !resting {
            helps.push(MenuAction::ResetTunnel);
        }
        rows.extend([
            MenuItem::Group(MenuGroup::Diagnostics, helps),
            MenuItem::Action(MenuAction::Settings),
            MenuItem::Action(MenuAction::About),
            MenuItem::Action(MenuAction::Quit),
        ]);
        Self {
            tongue: is.tongue,
            rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tray::VoiceSituation;
    use crate::view_model::{ConnectionView, LocalPortView};

    fn rows(view: &ConnectionView, waiting: usize) -> Vec<MenuItem> {
        let is = Situation {
            view,
            report: None,
            voice: VoiceSituation::default(),
            waiting,
            gateways: &[],
            tongue: Tongue::English,
            now_ms: 0.0,
        };
        Menu::of(&is).rows
    }

    fn menu(phase: Phase) -> Vec<MenuItem> {
        let view = ConnectionView {
            phase,
            ..ConnectionView::off()
        };
        rows(&view, 0)
    }

    #[test]
    fn the_first_row_that_can_be_clicked_opens_the_chat_in_every_phase() {
        for phase in Phase::ALL {
            let first = menu(phase)
                .into_iter()
                .find(|row| matches!(row, MenuItem::Action(_) | MenuItem::Group(..)));

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
    fn an_address_can_be_copied_while_there_is_one() {
        let copy = MenuItem::Action(MenuAction::CopyLocalAddress);
        let open = ConnectionView {
            phase: Phase::Up,
            local_port: Some(LocalPortView {
                port: 18_789,
                wanted: None,
                holder: None,
            }),
            ..ConnectionView::off()
        };

        let off = ConnectionView {
            phase: Phase::Off,
            ..open.clone()
        };

        assert!(rows(&open, 0).contains(&copy));
        assert!(!rows(&off, 0).contains(&copy));
        assert!(!rows(&ConnectionView::off(), 0).contains(&copy));
    }

    #[test]
    fn a_tunnel_is_reset_only_where_one_is_wanted() {
        for phase in Phase::ALL {
            let resets = menu(phase).into_iter().any(|row| match row {
                MenuItem::Group(MenuGroup::Diagnostics, rows) => {
                    rows.contains(&MenuAction::ResetTunnel)
                }
                MenuItem::Text(_)
                | MenuItem::Action(_)
                | MenuItem::Switch { .. }
                | MenuItem::Gateways(_)
                | MenuItem::Separator => false,
            });

            assert_ne!(resets, matches!(phase, Phase::Off | Phase::Stopped));
        }
    }

    #[test]
    fn gateways_are_offered_where_there_are_several_and_found_again_by_their_rows() {
        let gateway = |name: &str, in_use| MenuGateway {
            id: ProfileId::parse(name).unwrap(),
            name: name.to_owned(),
            in_use,
        };
        let both = [gateway("home", true), gateway("office", false)];
        let offered = |gateways: &[MenuGateway]| {
            let view = ConnectionView::off();
            let is = Situation {
                view: &view,
                report: None,
                voice: VoiceSituation::default(),
                waiting: 0,
                gateways,
                tongue: Tongue::Danish,
                now_ms: 0.0,
            };
            Menu::of(&is)
                .rows
                .contains(&MenuItem::Gateways(gateways.to_vec()))
        };

        assert!(offered(&both));
        assert!(!offered(&both[..1]));
        assert_eq!(
            MenuGateway::from_row_id(&both[1].row_id()),
            Some(both[1].id.clone())
        );
        assert_eq!(MenuGateway::from_row_id("office"), None);
        assert_eq!(MenuAction::from_id(&both[1].row_id()), None);
    }

    #[test]
    fn voice_wake_is_switched_where_it_can_be_and_says_why_not_elsewhere() {
        let row = |voice| {
            let view = ConnectionView::off();
            let is = Situation {
                view: &view,
                report: None,
                voice,
                waiting: 0,
                gateways: &[],
                tongue: Tongue::English,
                now_ms: 0.0,
            };
            let switch = |row: &MenuItem| matches!(row, MenuItem::Switch { .. });
            Menu::of(&is).rows.into_iter().find(switch)
        };
        let on = VoiceSituation {
            is_on: true,
            can_be_on: true,
            ..VoiceSituation::default()
        };
        let (action, is_on) = (MenuAction::VoiceWake, true);

        let why_not = None;
        assert_eq!(
            row(on),
            Some(MenuItem::Switch {
                action,
                is_on,
                why_not
            })
        );
        let why_not = Some("no speech engine".to_owned());
        let is_on = false;
        let switch = MenuItem::Switch {
            action,
            is_on,
            why_not,
        };
        assert_eq!(row(VoiceSituation::default()), Some(switch));
    }

    #[test]
    fn what_agents_wait_for_stands_below_the_state() {
        let row = |waiting| rows(&ConnectionView::off(), waiting).remove(1);

        assert_eq!(row(0), MenuItem::Separator);
        assert_eq!(row(1), MenuItem::Text("1 request waits for you".to_owned()));
        assert_eq!(row(2), MenuItem::Text("2 requests wait for you".to_owned()));
    }

    #[test]
    fn every_action_is_found_again_by_its_name_and_has_words_in_each_language() {
        for action in MenuAction::ALL {
            assert_eq!(MenuAction::from_id(action.id()), Some(action));
            assert_ne!(
                action.label(Tongue::English),
                action.label(Tongue::Danish),
                "{action:?}"
            );
        }
        assert_eq!(MenuAction::from_id("nothing"), None);
    }
}
