//! Where tiles lie in maps and in transformed memory.

use std::ops::Range;

use super::POSITIONS;
use crate::shape::ConvShape;
use crate::simd::PANEL;

/// The tiles of a batch of maps.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    height: usize,
    pub(super) width: usize,
    rows: usize,
    columns: usize,
    pub(super) count: usize,
}

impl Tiles {
    pub(super) fn new(shape: &ConvShape) -> Self {
        let (rows, columns) = (shape.height.div_ceil(4), shape.width.div_ceil(4));
        Self {
            height: shape.height,
            width: shape.width,
            rows,
            columns,
            count: shape.batch * rows * columns,
        }
    }

    /// The image, and the first output row and column, of a tile.
    #[inline(always)]
    fn place(&self, tile: usize) -> [usize; 3] {
        let (row, column) = (tile / self.columns, tile % self.columns);
        [row / self.rows, row % self.rows * 4, column * 4]
    }

    /// The `N x N` pixels that start at a tile's first output pixel minus `before`.
    #[inline(always)]
    pub(super) fn window<const N: usize>(&self, tile: usize, before: usize) -> Window<N> {
        let [image, y, x] = self.place(tile);
        let inside = |at: usize, size: usize| {
            before.saturating_sub(at)..N.min((size + before).saturating_sub(at))
        };
        Window {
            // Wraps where the first pixel is outside.
            first: (((image * self.height + y).wrapping_sub(before)) * self.width + x)
                .wrapping_sub(before),
            rows: inside(y, self.height),
            columns: inside(x, self.width),
        }
    }
}

/// `N x N` pixels of a map, some of which may lie outside of it.
pub(super) struct Window<const N: usize> {
    /// The number of the first pixel in the batch.
    pub(super) first: usize,
    /// The rows and columns inside of the map.
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
}

impl<const N: usize> Window<N> {
    #[inline(always)]
    pub(super) fn is_inside(&self) -> bool {
        self.rows == (0..N) && self.columns == (0..N)
    }
}

/// Transformed tiles: for each position a matrix `[tiles, channels]` in panels.
#[derive(Clone, Copy)]
pub(super) struct Domain {
    /// Channels of the map.
    pub(super) channels: usize,
    /// Distance between panels of channels; the last one is filled with zeros.
    pub(super) panel: usize,
    /// Distance between positions.
    pub(super) position: usize,
}

impl Domain {
    pub(super) fn new(channels: usize, tiles: usize) -> Self {
        let panel = spread(tiles) * PANEL;
        Self {
            channels,
            panel,
            position: odd_lines(channels.div_ceil(PANEL) * panel),
        }
    }

    /// Values of a transformed block of tiles.
    pub(super) fn len(&self) -> usize {
        POSITIONS * self.position
    }

    /// Channels in whole panels.
    pub(super) fn padded(&self) -> usize {
        self.channels.div_ceil(PANEL) * PANEL
    }

    /// Where the channel of a tile lies at the first position.
    #[inline(always)]
    pub(super) fn place(&self, tile: usize, channel: usize) -> usize {
        channel / PANEL * self.panel + tile * PANEL + channel % PANEL
    }
}

/// At least so many cache lines that runs of them which are read together, so far
/// apart, fall into different cache sets (64 of a line in common first-level caches).
fn spread(lines: usize) -> usize {
    let lines = lines | 1;
    if (lines + 8) % 64 < 16 {
        lines + 12
    } else {
        lines
    }
}

/// The next length that is an odd number of cache lines: the positions of one
/// tile then fall into different cache sets.
pub(super) fn odd_lines(len: usize) -> usize {
    (len.div_ceil(PANEL) | 1) * PANEL
}

/// Tiles that are transformed together where there are many channels: a panel of channels
/// of all of them, then the next panel, so that the 36 matrices are read and written line
/// after line.
pub(super) const GROUP: usize = 16;

/// With few channels a tile's pixels are better read to their end.
pub(super) fn group(channels: usize) -> usize {
    if channels < 128 { 1 } else { GROUP }
}
