//! Where tiles lie in maps and in transformed memory.

use std::ops::Range;

use super::POSITIONS;
use super::transform::{Input, Output, OutputAdjoint, Transform, both_axes, load, store};
use crate::shape::ConvShape;
use crate::simd::{PANEL, Simd};

/// The tiles of a batch of maps.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    height: usize,
    width: usize,
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
    fn window<const N: usize>(&self, tile: usize, before: usize) -> Window<N> {
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
struct Window<const N: usize> {
    /// The number of the first pixel in the batch.
    first: usize,
    /// The rows and columns inside of the map.
    rows: Range<usize>,
    columns: Range<usize>,
}

impl<const N: usize> Window<N> {
    #[inline(always)]
    fn is_inside(&self) -> bool {
        self.rows == (0..N) && self.columns == (0..N)
    }

    #[inline(always)]
    fn contains(&self, row: usize, column: usize) -> bool {
        self.rows.contains(&row) && self.columns.contains(&column)
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

/// A map that tiles are read from.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) map: &'a [f32],
    /// As many zeros as the map has channels: what lies outside of it.
    pub(super) zeros: &'a [f32],
}

/// Transforms inputs: `B^T x B` for each tile.
///
/// # Safety
///
/// Below `dispatch` for `S`; `target` is valid for the tiles from 0 on in
/// `domain`, and nobody else uses these rows of it. The map has `domain.channels`.
#[inline(always)]
pub(super) unsafe fn enter_inputs<S: Simd>(
    tiles: &Tiles,
    range: Range<usize>,
    source: Source<'_>,
    domain: &Domain,
    target: *mut f32,
) {
    // SAFETY: as the caller.
    unsafe { enter::<S, Input, 6>(tiles, range, 1, source, domain, target) }
}

/// Transforms gradients of outputs: `A y A^T` for each tile.
///
/// # Safety
///
/// As [`enter_inputs`].
#[inline(always)]
pub(super) unsafe fn enter_gradients<S: Simd>(
    tiles: &Tiles,
    range: Range<usize>,
    source: Source<'_>,
    domain: &Domain,
    target: *mut f32,
) {
    // SAFETY: as the caller.
    unsafe { enter::<S, OutputAdjoint, 4>(tiles, range, 0, source, domain, target) }
}

#[inline(always)]
unsafe fn enter<S: Simd, T: Transform<N, 6>, const N: usize>(
    tiles: &Tiles,
    range: Range<usize>,
    before: usize,
    source: Source<'_>,
    domain: &Domain,
    target: *mut f32,
) {
    let channels = domain.channels;
    let line = tiles.width * channels;
    for (row, tile) in range.enumerate() {
        let window = tiles.window::<N>(tile, before);
        // Not to be read where it wraps.
        let first = source
            .map
            .as_ptr()
            .wrapping_add(window.first.wrapping_mul(channels));
        let pixel = |i: usize, j: usize| first.wrapping_add(i * line + j * channels);
        // SAFETY: the row of the target belongs to the caller; pixels inside of the map,
        // and the zeros, hold `channels` values.
        unsafe {
            let to = target.add(row * PANEL);
            if window.is_inside() {
                enter_tile::<S, T, N>(pixel, domain, to);
            } else {
                let mut from = [[source.zeros.as_ptr(); N]; N];
                for (i, from) in from.iter_mut().enumerate() {
                    for (j, from) in from.iter_mut().enumerate() {
                        if window.contains(i, j) {
                            *from = pixel(i, j);
                        }
                    }
                }
                enter_tile::<S, T, N>(|i, j| from[i][j], domain, to);
            }
        }
    }
}

/// All channels of a tile whose pixels start where `pixel` says.
#[inline(always)]
unsafe fn enter_tile<S: Simd, T: Transform<N, 6>, const N: usize>(
    pixel: impl Fn(usize, usize) -> *const f32,
    domain: &Domain,
    target: *mut f32,
) {
    for c in (0..domain.padded()).step_by(S::LANES) {
        let count = domain.channels.saturating_sub(c);
        // SAFETY: `count` channels of each pixel follow `c`; the row of the target holds
        // whole panels.
        unsafe {
            let mut x = [[S::splat(0.0); N]; N];
            if count >= S::LANES {
                for i in 0..N {
                    for j in 0..N {
                        x[i][j] = S::load(pixel(i, j).add(c));
                    }
                }
            } else if count > 0 {
                for i in 0..N {
                    for j in 0..N {
                        x[i][j] = load::<S>(pixel(i, j).add(c), count);
                    }
                }
            }
            let x = both_axes::<S, T, N, 6>(x);
            let to = target.add(domain.place(0, c));
            for i in 0..6 {
                for j in 0..6 {
                    S::store(to.add((i * 6 + j) * domain.position), x[i][j]);
                }
            }
        }
    }
}

/// Transforms back: `A^T m A + bias` for each tile, into the channels of the map
/// from `first` on. Returns how many pixels were written.
///
/// # Safety
///
/// Below `dispatch` for `S`; `from` is valid for the tiles from 0 on in
/// `domain`, `map` for the whole batch, `bias` for whole panels, the moments for
/// `domain`, and nobody else uses these, nor these channels of the pixels of these
/// tiles.
#[inline(always)]
pub(super) unsafe fn leave<S: Simd>(
    tiles: &Tiles,
    range: Range<usize>,
    domain: &Domain,
    from: *const f32,
    bias: Option<&[f32]>,
    map: Map,
) -> usize {
    let mut before = 0;
    for (row, tile) in range.enumerate() {
        let window = tiles.window::<4>(tile, 0);
        let pixel = |i: usize, j: usize| window.first + i * tiles.width + j;
        // SAFETY: pixels inside of the map hold its channels; rows of `from` and the bias
        // hold whole panels.
        unsafe {
            let from = from.add(row * PANEL);
            if window.is_inside() {
                leave_tile::<S>(
                    |i, j| Some(pixel(i, j)),
                    domain,
                    from,
                    bias,
                    map,
                    before,
                    16,
                );
                before += 16;
            } else {
                let inside = |i, j| window.contains(i, j).then(|| pixel(i, j));
                let count = window.rows.len() * window.columns.len();
                leave_tile::<S>(inside, domain, from, bias, map, before, count);
                before += count;
            }
        }
    }
    before
}

/// All channels of a tile whose outputs are the `count` pixels that `pixel` says, after
/// `before` others.
#[inline(always)]
unsafe fn leave_tile<S: Simd>(
    pixel: impl Fn(usize, usize) -> Option<usize>,
    domain: &Domain,
    from: *const f32,
    bias: Option<&[f32]>,
    map: Map,
    before: usize,
    count: usize,
) {
    for c in (0..domain.channels).step_by(S::LANES) {
        // SAFETY: `count` channels of each pixel follow `c`; rows of `from` and the
        // bias hold whole panels.
        unsafe {
            let from = from.add(domain.place(0, c));
            let mut m = [[S::splat(0.0); 6]; 6];
            for i in 0..6 {
                for j in 0..6 {
                    m[i][j] = S::load(from.add((i * 6 + j) * domain.position));
                }
            }
            let mut y = both_axes::<S, Output, 6, 4>(m);
            let channel = map.first + c;
            if let Some(bias) = bias {
                let bias = S::load(bias.as_ptr().add(channel));
                for value in y.iter_mut().flatten() {
                    *value = S::add(*value, bias);
                }
            }
            let to = |pixel: usize| map.start.add(pixel * map.channels + channel);
            let rest = domain.channels - c;
            for i in 0..4 {
                for j in 0..4 {
                    match pixel(i, j) {
                        Some(pixel) if rest >= S::LANES => S::store(to(pixel), y[i][j]),
                        Some(pixel) => store::<S>(to(pixel), y[i][j], rest),
                        None => {}
                    }
                }
            }
            if let Some(moments) = map.moments {
                let inside = |i, j| pixel(i, j).is_some();
                let squares = moments.add(domain.padded() + c);
                add_moments::<S>(&y, inside, [before, count], moments.add(c), squares);
            }
        }
    }
}

/// Adds `count` pixels to the mean and the sum of the squared deviations from it of
/// `before` others (Chan, Golub and LeVeque 1983).
///
/// # Safety
///
/// As the methods of [`Simd`].
#[inline(always)]
unsafe fn add_moments<S: Simd>(
    y: &[[S::V; 4]; 4],
    inside: impl Fn(usize, usize) -> bool,
    [before, count]: [usize; 2],
    mean: *mut f32,
    squares: *mut f32,
) {
    // SAFETY: as the caller.
    unsafe {
        let mut sum = S::splat(0.0);
        for i in 0..4 {
            for j in 0..4 {
                if inside(i, j) {
                    sum = S::add(sum, y[i][j]);
                }
            }
        }
        let own = S::mul(sum, S::splat(1.0 / count as f32));
        let mut deviations = S::splat(0.0);
        for i in 0..4 {
            for j in 0..4 {
                if inside(i, j) {
                    let deviation = S::sub(y[i][j], own);
                    deviations = S::fma(deviation, deviation, deviations);
                }
            }
        }
        if before == 0 {
            S::store(mean, own);
            S::store(squares, deviations);
            return;
        }
        let share = count as f32 / (before + count) as f32;
        let old = S::load(mean);
        let difference = S::sub(own, old);
        S::store(mean, S::fma(difference, S::splat(share), old));
        let between = S::mul(difference, S::splat(share * before as f32));
        let all = S::fma(between, difference, S::add(S::load(squares), deviations));
        S::store(squares, all);
    }
}

/// A map that tiles are written to.
#[derive(Clone, Copy)]
pub(super) struct Map {
    pub(super) start: *mut f32,
    pub(super) channels: usize,
    /// The first channel that is written.
    pub(super) first: usize,
    /// Where the mean of each channel that is written and, behind these, the sum of the
    /// squared deviations from it go, in whole panels, if they are wanted.
    pub(super) moments: Option<*mut f32>,
}
