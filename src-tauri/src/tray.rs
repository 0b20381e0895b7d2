//! The tray: what it says and how it looks, as values computed from the state.

pub mod icon;
pub mod menu;
pub mod words;

pub use icon::Shape;
pub use menu::{Menu, MenuAction, MenuGateway, MenuItem};

use crate::{
    tongue::Tongue,
    view_model::{ConnectionView, GatewayReportView},
};

/// What the tray is drawn from.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The connection.
    pub view: &'a ConnectionView,
    /// What the gateway said of itself last.
    pub report: Option<&'a GatewayReportView>,
    /// What is listened for on this computer.
    pub voice: VoiceSituation,
    /// How many requests of agents wait.
    pub waiting: usize,
    /// The gateways there are.
    pub gateways: &'a [MenuGateway],
    /// The language.
    pub tongue: Tongue,
    /// The moment, in milliseconds since the Unix epoch.
    pub now_ms: f64,
}

/// What the tray says of voice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VoiceSituation {
    /// Whether voice wake is on.
    pub is_on: bool,
    /// Whether it can be switched.
    pub can_be_on: bool,
    /// What is listened for.
    pub hears: Hears,
}

/// What is listened for on this computer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Hears {
    /// Nothing.
    #[default]
    Nothing,
    /// Triggers: what is said otherwise is not understood.
    Triggers,
    /// What is being said.
    Words,
}

/// The whole tray, as the desktop draws it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tray {
    /// The icon's shape.
    pub shape: Shape,
    /// What hovering says, where the system shows it.
    pub tooltip: String,
    /// The menu.
    pub menu: Menu,
}

impl Tray {
    /// Returns the tray for a situation; `turn` counts the steps of the turning ring.
    pub fn of(is: &Situation<'_>, turn: u32) -> Self {
        Self {
            shape: Shape::of(is, turn),
            tooltip: words::tooltip(is),
            menu: Menu::of(is),
        }
    }
}
