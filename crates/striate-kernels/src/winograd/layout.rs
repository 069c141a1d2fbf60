//! Where tiles lie in maps and in transformed memory.

use std::ops::Range;

use super::POSITIONS;
use super::transform::{Input, Output, OutputAdjoint, Transform, both_axes, load, store};
use crate::conv::{Reading, Rectifier};
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
    map: &'a [f32],
    /// A pixel outside of it.
    outside: &'a [f32],
    /// What is done to its values, and those outside.
    rectifier: Option<&'a Rectifier>,
}

impl<'a> Source<'a> {
    /// A map, with at least as many zeros as it has channels.
    pub(super) fn plain(map: &'a [f32], zeros: &'a [f32]) -> Self {
        Self {
            map,
            outside: zeros,
            rectifier: None,
        }
    }

    /// What a convolution reads, as for [`Source::plain`].
    pub(super) fn reading(reading: &'a Reading<'_>, zeros: &'a [f32]) -> Self {
        let rectifier = reading.rectifier.as_ref();
        Self {
            map: &reading.map,
            outside: rectifier.map_or(zeros, |r| &r.outside),
            rectifier,
        }
    }
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
    unsafe {
        match source.rectifier {
            None => enter::<S, Input, 6, false>(tiles, range, 1, source, domain, target),
            Some(_) => enter::<S, Input, 6, true>(tiles, range, 1, source, domain, target),
        }
    }
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
    unsafe { enter::<S, OutputAdjoint, 4, false>(tiles, range, 0, source, domain, target) }
}

/// Tiles that are transformed together where there are many channels: a panel of channels
/// of all of them, then the next panel, so that the 36 matrices are read and written line
/// after line.
const GROUP: usize = 16;

/// With few channels a tile's pixels are better read to their end.
fn group(channels: usize) -> usize {
    if channels < 128 { 1 } else { GROUP }
}

#[inline(always)]
unsafe fn enter<S: Simd, T: Transform<N, 6>, const N: usize, const RECTIFY: bool>(
    tiles: &Tiles,
    range: Range<usize>,
    before: usize,
    source: Source<'_>,
    domain: &Domain,
    target: *mut f32,
) {
    let mut pixels = [[[source.outside.as_ptr(); N]; N]; GROUP];
    let most = group(domain.channels);
    for start in range.clone().step_by(most) {
        let group = most.min(range.end - start);
        for (tile, pixels) in pixels[..group].iter_mut().enumerate() {
            let window = tiles.window::<N>(start + tile, before);
            let first = window.first.wrapping_mul(domain.channels);
            let whole = window.is_inside();
            for (i, line) in pixels.iter_mut().enumerate() {
                for (j, pixel) in line.iter_mut().enumerate() {
                    // Not to be read where it wraps.
                    let at = first.wrapping_add((i * tiles.width + j) * domain.channels);
                    *pixel = match whole || window.contains(i, j) {
                        true => source.map.as_ptr().wrapping_add(at),
                        false => source.outside.as_ptr(),
                    };
                }
            }
        }
        for c in (0..domain.padded()).step_by(S::LANES) {
            for (tile, pixels) in pixels[..group].iter().enumerate() {
                let to = domain.place(start - range.start + tile, c);
                // SAFETY: the row of the target belongs to the caller; pixels inside of
                // the map, and those outside, hold `channels` values.
                unsafe {
                    let mut x = load_tile::<S, N>(pixels, c, domain);
                    if RECTIFY && let Some(rectifier) = source.rectifier {
                        rectify::<S, N>(&mut x, c, rectifier);
                    }
                    enter_tile::<S, T, N>(x, domain, target.add(to));
                }
            }
        }
    }
}

/// The channels of a tile from `c` on, as many as a vector holds.
#[inline(always)]
unsafe fn load_tile<S: Simd, const N: usize>(
    pixels: &[[*const f32; N]; N],
    c: usize,
    domain: &Domain,
) -> [[S::V; N]; N] {
    let count = domain.channels.saturating_sub(c);
    // SAFETY: `count` channels of each pixel follow `c`.
    unsafe {
        let mut x = [[S::splat(0.0); N]; N];
        if count >= S::LANES {
            for i in 0..N {
                for j in 0..N {
                    x[i][j] = S::load(pixels[i][j].add(c));
                }
            }
        } else if count > 0 {
            for i in 0..N {
                for j in 0..N {
                    x[i][j] = load::<S>(pixels[i][j].add(c), count);
                }
            }
        }
        x
    }
}

/// `max(scale x + shift, 0)`, as [`batch_norm_forward`](crate::batch_norm_forward) has it.
#[inline(always)]
unsafe fn rectify<S: Simd, const N: usize>(
    x: &mut [[S::V; N]; N],
    c: usize,
    rectifier: &Rectifier,
) {
    // SAFETY: scale and shift hold whole panels.
    unsafe {
        let scale = S::load(rectifier.scale.as_ptr().add(c));
        let shift = S::load(rectifier.shift.as_ptr().add(c));
        for row in x {
            for x in row {
                *x = S::rectify(S::add(S::mul(*x, scale), shift));
            }
        }
    }
}

/// Transforms the channels of a tile.
#[inline(always)]
unsafe fn enter_tile<S: Simd, T: Transform<N, 6>, const N: usize>(
    x: [[S::V; N]; N],
    domain: &Domain,
    to: *mut f32,
) {
    // SAFETY: the row of the target holds whole panels.
    unsafe {
        let x = both_axes::<S, T, N, 6>(x);
        for i in 0..6 {
            for j in 0..6 {
                let to = to.add((i * 6 + j) * domain.position);
                // The next tile's: 36 streams are more than the processor follows.
                S::prefetch_near(to.wrapping_add(PANEL));
                S::store(to, x[i][j]);
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
    let mut windows = [Outputs::default(); GROUP];
    let mut before = 0;
    let most = group(domain.channels);
    for start in range.clone().step_by(most) {
        let group = most.min(range.end - start);
        for (tile, outputs) in windows[..group].iter_mut().enumerate() {
            let window = tiles.window::<4>(start + tile, 0);
            outputs.before = before;
            outputs.count = window.rows.len() * window.columns.len();
            before += outputs.count;
            let whole = window.is_inside();
            for (i, line) in outputs.pixels.iter_mut().enumerate() {
                for (j, pixel) in line.iter_mut().enumerate() {
                    let inside = whole || window.contains(i, j);
                    *pixel = inside.then_some(window.first.wrapping_add(i * tiles.width + j));
                }
            }
        }
        for c in (0..domain.channels).step_by(S::LANES) {
            for (tile, outputs) in windows[..group].iter().enumerate() {
                let row = domain.place(start - range.start + tile, c);
                // SAFETY: pixels inside of the map hold its channels; rows of `from` and
                // the bias hold whole panels.
                unsafe { leave_tile::<S>(outputs, c, domain, from.add(row), bias, map) };
            }
        }
    }
    before
}

/// Where the outputs of a tile go.
#[derive(Clone, Copy, Default)]
struct Outputs {
    /// Numbers of pixels in the batch; none outside of the map.
    pixels: [[Option<usize>; 4]; 4],
    /// Pixels inside of the map, and those of the tiles before.
    count: usize,
    before: usize,
}

/// The channels of a tile from `c` on, as many as a vector holds.
#[inline(always)]
unsafe fn leave_tile<S: Simd>(
    outputs: &Outputs,
    c: usize,
    domain: &Domain,
    from: *const f32,
    bias: Option<&[f32]>,
    map: Map,
) {
    // SAFETY: the channels of each pixel follow `c`; rows of `from` and the bias hold
    // whole panels.
    unsafe {
        let mut m = [[S::splat(0.0); 6]; 6];
        for i in 0..6 {
            for j in 0..6 {
                let from = from.add((i * 6 + j) * domain.position);
                S::prefetch_near(from.wrapping_add(PANEL));
                m[i][j] = S::load(from);
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
                match outputs.pixels[i][j] {
                    Some(pixel) if rest >= S::LANES => S::store(to(pixel), y[i][j]),
                    Some(pixel) => store::<S>(to(pixel), y[i][j], rest),
                    None => {}
                }
            }
        }
        if let Some(moments) = map.moments {
            let squares = moments.add(domain.padded() + c);
            add_moments::<S>(&y, outputs, moments.add(c), squares);
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
    outputs: &Outputs,
    mean: *mut f32,
    squares: *mut f32,
) {
    let (before, count) = (outputs.before, outputs.count);
    // SAFETY: as the caller.
    unsafe {
        let mut sum = S::splat(0.0);
        for i in 0..4 {
            for j in 0..4 {
                if outputs.pixels[i][j].is_some() {
                    sum = S::add(sum, y[i][j]);
                }
            }
        }
        let own = S::mul(sum, S::splat(1.0 / count as f32));
        let mut deviations = S::splat(0.0);
        for i in 0..4 {
            for j in 0..4 {
                if outputs.pixels[i][j].is_some() {
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
