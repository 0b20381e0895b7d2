//! The tray's icon: one shape for each state, so that it reads without colour, and its pixels.

use super::{Hears, Situation};
use gateway_core::connection::phase::Phase;
use std::f32::consts::TAU;
use tiny_skia::{
    FillRule, LineCap, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, StrokeDash, Transform,
};

/// The side of the icon in pixels; panels scale it down, and 44 is exact for the common 22.
pub const SIZE: u32 = 44;

/// The steps of the filling pie; more could not be told apart at 22 pixels.
const PIE_STEPS: u8 = 8;

/// The longest wait between attempts, which the pie shows as empty: 30 s.
const LONGEST_WAIT_MS: f64 = 30_000.0;

/// The steps of one turn of the dashed ring.
const TURN_STEPS: u32 = 6;

/// The shape that stands for a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Off.
    Ring,
    /// Connecting; the number is the step of its turn.
    TurningRing(u8),
    /// A person is needed.
    Triangle,
    /// Connected.
    Disc,
    /// The server is up, its gateway is not.
    HalfDisc,
    /// Waiting for the next attempt; the number is the filled eighths.
    Pie(u8),
    /// Stopped.
    Square,
    /// Connected, and listening for triggers.
    Listening,
    /// Somebody is being listened to.
    Capturing,
}

/// A drawn icon: rows from the top, four bytes a pixel, alpha not multiplied in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    /// Red, green, blue, alpha.
    pub rgba: Vec<u8>,
    /// Width and height.
    pub side: u32,
}

impl Shape {
    /// Returns the shape for a situation; `turn` counts the steps of the turning ring. Whoever speaks
    /// sees that they are heard, whatever the connection does meanwhile.
    pub fn of(is: &Situation<'_>, turn: u32) -> Self {
        let (view, waiting) = (is.view, is.waiting);
        match view.phase {
            _ if is.voice.hears == Hears::Words => Self::Capturing,
            Phase::Off => Self::Ring,
            Phase::Resolving
            | Phase::Connecting
            | Phase::Authenticating
            | Phase::Forwarding
            | Phase::GatewayCheck => Self::TurningRing((turn % TURN_STEPS) as u8),
            Phase::HostKey | Phase::AuthPrompt | Phase::Paused => Self::Triangle,
            Phase::Up | Phase::Suspect if waiting > 0 => Self::Triangle,
            Phase::Up | Phase::Suspect if is.voice.hears == Hears::Triggers => Self::Listening,
            Phase::Up | Phase::Suspect => Self::Disc,
            Phase::UpGatewayDown => Self::HalfDisc,
            Phase::RetryWait => {
                let left = view.next_attempt_at_ms.map_or(0.0, |at| at - is.now_ms);
                let waited = 1.0 - (left / LONGEST_WAIT_MS).clamp(0.0, 1.0);
                Self::Pie((waited * f64::from(PIE_STEPS)).floor() as u8)
            }
            Phase::Stopped => Self::Square,
        }
    }

    /// Draws the shape; `None` only if memory for it cannot be had.
    pub fn draw(self) -> Option<Pixels> {
        let mut pixmap = Pixmap::new(SIZE, SIZE)?;
        let mut paint = Paint {
            anti_alias: true,
            ..Paint::default()
        };
        let [red, green, blue] = self.colour();
        paint.set_color_rgba8(red, green, blue, 0xFF);
        for part in self.parts()? {
            match part {
                Part::Fill(path) => pixmap.fill_path(
                    &path,
                    &paint,
                    FillRule::Winding,
                    Transform::identity(),
                    None,
                ),
                Part::Line(path, stroke) => {
                    pixmap.stroke_path(&path, &paint, &stroke, Transform::identity(), None);
                }
            }
        }
        let rgba = pixmap
            .pixels()
            .iter()
            .flat_map(|pixel| {
                let colour = pixel.demultiply();
                [colour.red(), colour.green(), colour.blue(), colour.alpha()]
            })
            .collect();
        Some(Pixels { rgba, side: SIZE })
    }

    fn parts(self) -> Option<Vec<Part>> {
        let (middle, radius) = (SIZE as f32 / 2.0, SIZE as f32 * 0.34);
        let circle = PathBuilder::from_circle(middle, middle, radius)?;
        let thick = Stroke {
            width: SIZE as f32 * 0.11,
            ..Stroke::default()
        };
        Some(match self {
            Self::Ring => vec![Part::Line(circle, thick)],
            Self::TurningRing(step) => {
                let dash = TAU * radius / TURN_STEPS as f32;
                // One full turn moves the dashes by their own length: the picture then repeats.
                let offset = dash * f32::from(step) / TURN_STEPS as f32;
                let dashed = Stroke {
                    dash: StrokeDash::new(vec![dash * 0.55, dash * 0.45], offset),
                    line_cap: LineCap::Butt,
                    ..thick
                };
                vec![Part::Line(circle, dashed)]
            }
            Self::Triangle => vec![Part::Fill(triangle(middle, SIZE as f32 * 0.42)?)],
            Self::Disc => vec![Part::Fill(PathBuilder::from_circle(
                middle,
                middle,
                SIZE as f32 * 0.4,
            )?)],
            Self::HalfDisc => vec![
                Part::Line(circle, thick),
                Part::Fill(sector(middle, radius, 0.25, 0.5)?),
            ],
            Self::Pie(steps) => {
                let share = f32::from(steps.min(PIE_STEPS)) / f32::from(PIE_STEPS);
                let rim = Stroke {
                    width: SIZE as f32 * 0.06,
                    ..thick
                };
                let mut parts = vec![Part::Line(circle, rim)];
                if steps > 0 {
                    parts.push(Part::Fill(sector(middle, radius * 0.78, -0.25, share)?));
                }
                parts
            }
            Self::Listening => vec![
                Part::Line(circle, thick),
                Part::Fill(PathBuilder::from_circle(
                    middle,
                    middle,
                    SIZE as f32 * 0.15,
                )?),
            ],
            Self::Capturing => {
                let wave = Stroke {
                    width: SIZE as f32 * 0.09,
                    line_cap: LineCap::Round,
                    ..Stroke::default()
                };
                let mut parts = vec![Part::Fill(PathBuilder::from_circle(
                    middle,
                    middle,
                    SIZE as f32 * 0.2,
                )?)];
                for start in [-0.14, 0.36] {
                    let ear = arc(middle, SIZE as f32 * 0.4, start, 0.28)?;
                    parts.push(Part::Line(ear, wave.clone()));
                }
                parts
            }
            Self::Square => {
                let side = SIZE as f32 * 0.6;
                let corner = middle - side / 2.0;
                vec![Part::Fill(PathBuilder::from_rect(Rect::from_xywh(
                    corner, corner, side, side,
                )?))]
            }
        })
    }

    /// Colour says the state a second time; the shape alone is enough.
    ///
    /// No panel tells its own colour, so these are mid-tones that stand out on light and on dark.
    fn colour(self) -> [u8; 3] {
        match self {
            Self::Ring | Self::TurningRing(_) => [0x85, 0x7D, 0x74],
            Self::Disc | Self::Listening | Self::Capturing => [0x23, 0x94, 0x5F],
            Self::Triangle | Self::HalfDisc | Self::Pie(_) => [0xB0, 0x7A, 0x10],
            Self::Square => [0xD9, 0x4A, 0x3A],
        }
    }
}

enum Part {
    Fill(Path),
    Line(Path, Stroke),
}

fn triangle(middle: f32, reach: f32) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.move_to(middle, middle - reach);
    path.line_to(middle + reach, middle + reach * 0.8);
    path.line_to(middle - reach, middle + reach * 0.8);
    path.close();
    path.finish()
}

/// A slice of a disc: `start` and `share` are in turns, clockwise from three o'clock.
fn sector(middle: f32, radius: f32, start: f32, share: f32) -> Option<Path> {
    /// Enough corners that the rim looks round at this size.
    const CORNERS: u16 = 48;
    let mut path = PathBuilder::new();
    path.move_to(middle, middle);
    for corner in 0..=CORNERS {
        let angle = TAU * (start + share * f32::from(corner) / f32::from(CORNERS));
        path.line_to(middle + radius * angle.cos(), middle + radius * angle.sin());
    }
    path.close();
    path.finish()
}

/// A part of a circle's line, in turns as [`sector`].
fn arc(middle: f32, radius: f32, start: f32, share: f32) -> Option<Path> {
    const CORNERS: u16 = 24;
    let mut path = PathBuilder::new();
    for corner in 0..=CORNERS {
        let angle = TAU * (start + share * f32::from(corner) / f32::from(CORNERS));
        let (x, y) = (middle + radius * angle.cos(), middle + radius * angle.sin());
        match corner {
            0 => path.move_to(x, y),
            _ => path.line_to(x, y),
        }
    }
    path.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{tongue::Tongue, tray::VoiceSituation, view_model::ConnectionView};

    fn shape(view: &ConnectionView, now_ms: f64, waiting: usize, hears: Hears) -> Shape {
        let is = Situation {
            view,
            report: None,
            voice: VoiceSituation {
                hears,
                ..VoiceSituation::default()
            },
            waiting,
            gateways: &[],
            tongue: Tongue::English,
            now_ms,
        };
        Shape::of(&is, 0)
    }

    const ALL: [Shape; 11] = [
        Shape::Ring,
        Shape::TurningRing(0),
        Shape::TurningRing(3),
        Shape::Triangle,
        Shape::Disc,
        Shape::HalfDisc,
        Shape::Pie(2),
        Shape::Pie(6),
        Shape::Square,
        Shape::Listening,
        Shape::Capturing,
    ];

    /// The share of the icon's pixels in which two shapes differ, colour left out.
    fn difference(one: Shape, other: Shape) -> f32 {
        let alpha = |shape: Shape| shape.draw().unwrap().rgba;
        let (one, other) = (alpha(one), alpha(other));
        let differing = one
            .chunks_exact(4)
            .zip(other.chunks_exact(4))
            .filter(|(a, b)| a[3].abs_diff(b[3]) > 0x80)
            .count();
        differing as f32 / (SIZE * SIZE) as f32
    }

    #[test]
    fn every_two_shapes_can_be_told_apart_without_colour() {
        for (index, one) in ALL.into_iter().enumerate() {
            for other in ALL.into_iter().skip(index + 1) {
                let differing = difference(one, other);

                assert!(differing > 0.03, "{one:?} and {other:?}: {differing}");
            }
        }
    }

    /// The relative luminance of WCAG 2.
    fn luminance(colour: [u8; 3]) -> f64 {
        let [red, green, blue] = colour.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    #[test]
    fn every_colour_stands_out_on_light_and_on_dark_panels() {
        for shape in ALL {
            for panel in [[0xF6, 0xF5, 0xF4], [0x1F, 0x1D, 0x1B]] {
                let (one, other) = (luminance(shape.colour()), luminance(panel));

                let contrast = (one.max(other) + 0.05) / (one.min(other) + 0.05);

                assert!(contrast >= 3.0, "{shape:?} on {panel:?}: {contrast:.2}");
            }
        }
    }

    #[test]
    fn the_pie_fills_as_the_wait_runs_out() {
        let view = ConnectionView {
            phase: Phase::RetryWait,
            next_attempt_at_ms: Some(30_000.0),
            ..ConnectionView::off()
        };

        assert_eq!(shape(&view, 0.0, 0, Hears::Triggers), Shape::Pie(0));
        assert_eq!(shape(&view, 15_000.0, 0, Hears::Triggers), Shape::Pie(4));
        assert_eq!(shape(&view, 31_000.0, 0, Hears::Triggers), Shape::Pie(8));
    }

    #[test]
    fn listening_shows_while_nothing_else_matters_more_and_being_heard_always() {
        let up = ConnectionView {
            phase: Phase::Up,
            ..ConnectionView::off()
        };

        assert_eq!(shape(&up, 0.0, 0, Hears::Nothing), Shape::Disc);
        assert_eq!(shape(&up, 0.0, 0, Hears::Triggers), Shape::Listening);
        assert_eq!(shape(&up, 0.0, 1, Hears::Triggers), Shape::Triangle);
        assert_eq!(shape(&up, 0.0, 1, Hears::Words), Shape::Capturing);
        let off = ConnectionView::off();
        assert_eq!(shape(&off, 0.0, 0, Hears::Triggers), Shape::Ring);
        assert_eq!(shape(&off, 0.0, 0, Hears::Words), Shape::Capturing);
    }
}
