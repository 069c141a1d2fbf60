//! Marks of data points: one shape per model, so that colour is not needed to
//! tell them apart.
//!
//! Invariant: all shapes look about equally large at the same radius.

use super::canvas::{Canvas, number};

/// The shape of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    Circle,
    Square,
    Up,
    Diamond,
    Down,
    Left,
    Right,
    Hexagon,
    Pentagon,
    Star,
    Bar,
    Plate,
    Cross,
    Hourglass,
}

impl Marker {
    /// The shape that belongs to a model.
    pub(crate) fn of(model: &str) -> Self {
        match model {
            "baseline" => Self::Circle,
            "mtl_monkey" => Self::Square,
            "mtl_shuffled" => Self::Up,
            "mtl_oracle" => Self::Diamond,
            "oracle" => Self::Down,
            "baseline_blurred" => Self::Pentagon,
            "mtl_recorded" => Self::Cross,
            "mtl_gaussian" => Self::Left,
            "mtl_shuffled_within" => Self::Right,
            "mtl_pixels" => Self::Hexagon,
            "mtl_random" => Self::Star,
            "mtl_gabor" => Self::Bar,
            "mtl_scrambled" => Self::Plate,
            "baseline_lowpass" => Self::Hourglass,
            _ => Self::Cross,
        }
    }

    /// Draws the mark in the current colour, filled or hollow.
    pub(crate) fn draw(
        self,
        canvas: &mut Canvas,
        at: (f64, f64),
        radius: f64,
        hollow: bool,
        tip: &str,
    ) {
        let unit: &[(f64, f64)] = match self {
            Self::Circle => {
                let class = class(hollow);
                let attributes = [
                    ("cx", at.0.into()),
                    ("cy", at.1.into()),
                    ("r", radius.into()),
                    ("class", class.into()),
                ];
                return canvas.element_with_tip("circle", &attributes, tip);
            }
            Self::Square => &[(-0.89, -0.89), (0.89, -0.89), (0.89, 0.89), (-0.89, 0.89)],
            Self::Up => &[(0.0, -1.25), (1.15, 0.8), (-1.15, 0.8)],
            Self::Down => &[(0.0, 1.25), (1.15, -0.8), (-1.15, -0.8)],
            Self::Left => &[(-1.25, 0.0), (0.8, 1.15), (0.8, -1.15)],
            Self::Right => &[(1.25, 0.0), (-0.8, 1.15), (-0.8, -1.15)],
            Self::Hexagon => &[
                (-1.05, 0.0),
                (-0.52, -0.91),
                (0.52, -0.91),
                (1.05, 0.0),
                (0.52, 0.91),
                (-0.52, 0.91),
            ],
            Self::Pentagon => &[
                (0.0, -1.15),
                (1.09, -0.36),
                (0.68, 0.93),
                (-0.68, 0.93),
                (-1.09, -0.36),
            ],
            Self::Star => &[
                (0.0, -1.4),
                (0.4, -0.4),
                (1.4, 0.0),
                (0.4, 0.4),
                (0.0, 1.4),
                (-0.4, 0.4),
                (-1.4, 0.0),
                (-0.4, -0.4),
            ],
            Self::Bar => &[(-0.55, -1.3), (0.55, -1.3), (0.55, 1.3), (-0.55, 1.3)],
            Self::Plate => &[(-1.3, -0.55), (1.3, -0.55), (1.3, 0.55), (-1.3, 0.55)],
            Self::Hourglass => &[(-1.0, -1.1), (1.0, -1.1), (-1.0, 1.1), (1.0, 1.1)],
            Self::Diamond => &[(0.0, -1.3), (1.1, 0.0), (0.0, 1.3), (-1.1, 0.0)],
            Self::Cross => &[
                (-0.35, -1.1),
                (0.35, -1.1),
                (0.35, -0.35),
                (1.1, -0.35),
                (1.1, 0.35),
                (0.35, 0.35),
                (0.35, 1.1),
                (-0.35, 1.1),
                (-0.35, 0.35),
                (-1.1, 0.35),
                (-1.1, -0.35),
                (-0.35, -0.35),
            ],
        };
        let mut path = String::new();
        for (i, (x, y)) in unit.iter().enumerate() {
            path.push(if i == 0 { 'M' } else { 'L' });
            path.push_str(&number(at.0 + x * radius));
            path.push(' ');
            path.push_str(&number(at.1 + y * radius));
        }
        path.push('Z');
        let attributes = [("d", (&path).into()), ("class", class(hollow).into())];
        canvas.element_with_tip("path", &attributes, tip);
    }
}

fn class(hollow: bool) -> &'static str {
    if hollow { "s-hollow" } else { "s-mark" }
}
