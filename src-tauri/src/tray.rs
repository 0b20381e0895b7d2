//! The tray: what it says and how it looks, as values computed from the state.

pub mod icon;
pub mod menu;
pub mod words;

pub use icon::Shape;
pub use menu::{Menu, MenuAction, MenuItem};

use crate::view_model::ConnectionView;

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
    /// Returns the tray for a connection at a moment, with as many requests of agents waiting.
    ///
    /// `now_ms` is in milliseconds since the Unix epoch; `turn` counts the steps of the turning ring.
    pub fn of(view: &ConnectionView, waiting: usize, now_ms: f64, turn: u32) -> Self {
        Self {
            shape: Shape::of(view, waiting, now_ms, turn),
            tooltip: words::tooltip(view, waiting, now_ms),
            menu: Menu::of(view, waiting, now_ms),
        }
    }
}
