//! Where the window stood, kept for its next opening, and corrected where its screen is gone.
//!
//! All figures are logical pixels, so that a screen of another density shows the same window.

use gateway_core::config::private_file::{self, PrivateFileError};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The height of the strip a window is moved by, as most desktops draw it.
const TITLE_BAR: i32 = 32;

/// So much of that strip has to be on a screen to be taken hold of.
const GRIP: i32 = 96;

/// What the window is at least, as `tauri.conf.json` says too.
const LEAST: (i32, i32) = (400, 560);

/// The window as its user left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WindowPlace {
    /// Its left and upper edge; absent where it has no say in that.
    pub position: Option<(i32, i32)>,
    /// Its width and height when it is not maximised.
    pub size: (i32, i32),
    /// Whether it fills its screen.
    pub maximized: bool,
}

/// The part of a screen that windows may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// Its left and upper edge.
    pub position: (i32, i32),
    /// Its width and height.
    pub size: (i32, i32),
}

impl WindowPlace {
    /// Returns it as it fits the screens there are now: no larger than its screen, wholly on it, and
    /// without a position where no screen shows enough of it to move it by.
    #[must_use]
    pub fn fitted(self, screens: &[Screen]) -> Self {
        let home = self.position.and_then(|position| {
            screens
                .iter()
                .copied()
                .filter_map(|screen| Some((grip(position, self.size, screen)?, screen)))
                .max_by_key(|(grip, _)| *grip)
                .map(|(_, screen)| (position, screen))
        });
        match (home, screens.first()) {
            (Some((position, screen)), _) => {
                let size = bounded(self.size, screen.size);
                Self {
                    position: Some((
                        inside(position.0, size.0, screen.position.0, screen.size.0),
                        inside(position.1, size.1, screen.position.1, screen.size.1),
                    )),
                    size,
                    ..self
                }
            }
            (None, screen) => Self {
                position: None,
                size: screen.map_or(self.size, |screen| bounded(self.size, screen.size)),
                ..self
            },
        }
    }

    /// Reads what was kept; a file that cannot be understood is as good as none.
    pub fn read(file: &Path) -> Option<Self> {
        let text = private_file::read(file).ok()??;
        serde_json::from_str(&text).ok()
    }

    /// Keeps it.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be written.
    pub fn write(&self, file: &Path) -> Result<(), PrivateFileError> {
        let text = serde_json::to_string(self).unwrap_or_default();
        private_file::replace(file, &text)
    }
}

/// Returns how much of a window's upper edge a screen shows, if that is enough to move it by.
fn grip(position: (i32, i32), size: (i32, i32), screen: Screen) -> Option<i32> {
    let shown = |from: i32, length: i32, low: i32, extent: i32| {
        let end = from.saturating_add(length).min(low.saturating_add(extent));
        end.saturating_sub(from.max(low))
    };
    let across = shown(position.0, size.0, screen.position.0, screen.size.0);
    let down = shown(position.1, TITLE_BAR, screen.position.1, screen.size.1);
    (across >= GRIP.min(size.0) && down >= TITLE_BAR / 2).then_some(across)
}

/// Returns a size that a screen has room for, and that is no smaller than the least unless the screen is.
fn bounded(size: (i32, i32), screen: (i32, i32)) -> (i32, i32) {
    (
        size.0.max(LEAST.0).min(screen.0),
        size.1.max(LEAST.1).min(screen.1),
    )
}

/// Moves a stretch that has room on a screen wholly onto it.
fn inside(from: i32, length: i32, low: i32, extent: i32) -> i32 {
    let last = low.saturating_add(extent).saturating_sub(length);
    from.min(last).max(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAPTOP: Screen = Screen {
        position: (0, 0),
        size: (1440, 900),
    };
    /// Left of the laptop's and higher.
    const DESK: Screen = Screen {
        position: (-2560, -200),
        size: (2560, 1400),
    };

    fn at(position: (i32, i32), size: (i32, i32)) -> WindowPlace {
        WindowPlace {
            position: Some(position),
            size,
            maximized: false,
        }
    }

    #[test]
    fn a_window_stays_where_it_was_or_comes_back_onto_a_screen() {
        let size = (980, 700);
        let both = [LAPTOP, DESK];
        let cases: [(&str, WindowPlace, &[Screen], WindowPlace); 9] = [
            ("as it was", at((100, 50), size), &both, at((100, 50), size)),
            (
                "on the other screen",
                at((-2000, -100), size),
                &both,
                at((-2000, -100), size),
            ),
            (
                "its screen is gone",
                at((-2000, -100), size),
                &[LAPTOP],
                WindowPlace {
                    position: None,
                    ..at((0, 0), size)
                },
            ),
            (
                "half over the right edge",
                at((1000, 100), size),
                &[LAPTOP],
                at((460, 100), size),
            ),
            (
                "over the lower edge",
                at((100, 860), size),
                &[LAPTOP],
                at((100, 200), size),
            ),
            (
                "its title above the screen",
                at((100, -300), size),
                &[LAPTOP],
                WindowPlace {
                    position: None,
                    ..at((0, 0), size)
                },
            ),
            (
                "larger than its screen",
                at((10, 10), (2400, 1300)),
                &[LAPTOP],
                at((0, 0), (1440, 900)),
            ),
            (
                "smaller than it may be",
                at((10, 10), (3, -4)),
                &[LAPTOP],
                at((10, 10), (400, 560)),
            ),
            (
                "between both: the one that shows more of it",
                at((-200, 100), size),
                &both,
                at((0, 100), size),
            ),
        ];
        for (name, kept, screens, expected) in cases {
            assert_eq!(kept.fitted(screens), expected, "{name}");
        }
    }

    #[test]
    fn figures_of_a_file_that_was_tampered_with_overflow_nothing() {
        let far = at((i32::MAX, i32::MIN), (i32::MAX, i32::MIN));

        let fitted = far.fitted(&[LAPTOP, DESK]);

        assert_eq!((fitted.position, fitted.size), (None, (1440, 560)));
        assert_eq!(far.fitted(&[]).position, None);
    }

    #[test]
    fn what_was_kept_is_read_back_and_what_is_broken_is_as_good_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("window.json");
        assert_eq!(WindowPlace::read(&file), None);
        let place = WindowPlace {
            maximized: true,
            ..at((-5, 7), (980, 700))
        };

        place.write(&file).unwrap();
        assert_eq!(WindowPlace::read(&file), Some(place));

        std::fs::write(&file, "{\"size\": [1]}").unwrap();
        assert_eq!(WindowPlace::read(&file), None);
    }
}
