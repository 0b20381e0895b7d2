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
    /// How many requests of agents wait.
    pub waiting: usize,
    /// The gateways there are.
    pub gateways: &'a [MenuGateway],
    /// The language.
    pub tongue: Tongue,
    /// The moment, in milliseconds since the Unix epoch.
    pub now_ms: f64,
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
            shape: Shape::of(is.view, is.waiting, is.now_ms, turn),
            tooltip: words::tooltip(is),
            menu: Menu::of(is),
        }
    }
}
