//! Where in a photograph the three parts lie. Invariant: regions are disjoint,
//! at least the gap apart, and each holds the largest crop.

use striate_random::Stream;

use super::MiniConfig;
use crate::resize::Rect;

/// The regions of one photograph.
///
/// The longer side is cut at `train_fraction`: one piece is for training. The
/// other piece is cut in the middle, across: one half is for validation, one for
/// testing. A strip of `gap_px` is left out along each cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Regions {
    /// For training patches.
    pub train: Rect,
    /// For validation patches.
    pub validation: Rect,
    /// For test patches.
    pub test: Rect,
}

impl Regions {
    /// Cuts a photograph of `(height, width)` pixels; `None` when a region would not
    /// hold the largest crop.
    ///
    /// Which end is for training, and which half for testing, is drawn: so test
    /// patches are not always at the right and below, where photographs differ
    /// systematically from the rest.
    pub fn cut(size: (usize, usize), config: &MiniConfig, stream: &mut Stream) -> Option<Self> {
        let train_first = stream.chance(0.5);
        let validation_first = stream.chance(0.5);
        let (height, width) = size;
        let (long, short) = (height.max(width), height.min(width));
        let train_len = (config.train_fraction * long as f64).round() as usize;
        let rest = long.checked_sub(train_len + config.gap_px)?;
        let half = short.checked_sub(config.gap_px)? / 2;
        if train_len.min(rest).min(half).min(short) < config.crop_max_px.max(1) {
            return None;
        }
        let (train_at, rest_at) = if train_first {
            (0, long - rest)
        } else {
            (long - train_len, 0)
        };
        let (validation_at, test_at) = if validation_first {
            (0, short - half)
        } else {
            (short - half, 0)
        };
        // (along the long side, its length, along the short side, its length)
        let place = |along: usize, len: usize, across: usize, breadth: usize| {
            if width >= height {
                Rect {
                    y: across,
                    x: along,
                    height: breadth,
                    width: len,
                }
            } else {
                Rect {
                    y: along,
                    x: across,
                    height: len,
                    width: breadth,
                }
            }
        };
        Some(Self {
            train: place(train_at, train_len, 0, short),
            validation: place(rest_at, rest, validation_at, half),
            test: place(rest_at, rest, test_at, half),
        })
    }

    /// The regions with the names of their parts.
    pub fn named(&self) -> [(&'static str, Rect); 3] {
        [
            ("train", self.train),
            ("validation", self.validation),
            ("test", self.test),
        ]
    }
}
