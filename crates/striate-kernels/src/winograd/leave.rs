//! From the transformed domain back to maps.

use std::ops::Range;

use super::layout::{Domain, GROUP, Tiles, group};
use super::transform::{Output, Positions, Transform, along_columns};
use crate::simd::{Simd, store_some};

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
            let count = window.rows.len() * window.columns.len();
            *outputs = Outputs {
                first: window.first,
                rows: window.rows.end,
                columns: window.columns.end,
                count,
                before,
            };
            before += count;
        }
        for c in (0..domain.channels).step_by(S::LANES) {
            for (tile, outputs) in windows[..group].iter().enumerate() {
                let row = domain.place(start - range.start + tile, c);
                // SAFETY: pixels inside of the map hold its channels; rows of `from` and
                // the bias hold whole panels.
                unsafe {
                    let from = from.add(row);
                    if outputs.count == 16 {
                        leave_tile::<S, true>(outputs, tiles.width, c, domain, from, bias, map);
                    } else {
                        leave_tile::<S, false>(outputs, tiles.width, c, domain, from, bias, map);
                    }
                }
            }
        }
    }
    before
}

/// Where the outputs of a tile go.
#[derive(Clone, Copy, Default)]
struct Outputs {
    /// The number of the first pixel in the batch.
    first: usize,
    /// Rows and columns inside of the map: a tile starts there.
    rows: usize,
    columns: usize,
    /// Pixels inside of the map, and those of the tiles before.
    count: usize,
    before: usize,
}

impl Outputs {
    /// Whether a pixel is inside of the map, as all of a whole tile's are.
    #[inline(always)]
    fn contains<const WHOLE: bool>(&self, row: usize, column: usize) -> bool {
        WHOLE || (row < self.rows && column < self.columns)
    }
}

/// The channels of a tile from `c` on, as many as a vector holds.
#[inline(always)]
unsafe fn leave_tile<S: Simd, const WHOLE: bool>(
    outputs: &Outputs,
    width: usize,
    c: usize,
    domain: &Domain,
    from: *const f32,
    bias: Option<&[f32]>,
    map: Map,
) {
    // SAFETY: the channels of each pixel follow `c`; rows of `from` and the bias hold
    // whole panels.
    unsafe {
        let half = along_columns::<S, Output, 6, 4>(&Positions {
            start: from,
            position: domain.position,
        });
        let channel = map.first + c;
        let bias = bias.map(|bias| bias.as_ptr().wrapping_add(channel));
        let first = map.start.add(outputs.first * map.channels + channel);
        let rest = domain.channels - c;
        let mut y = [[S::splat(0.0); 4]; 4];
        for i in 0..4 {
            y[i] = Output::apply::<S>(half[i]);
            if let Some(bias) = bias {
                let bias = S::load(bias);
                for j in 0..4 {
                    y[i][j] = S::add(y[i][j], bias);
                }
            }
            for j in 0..4 {
                if !outputs.contains::<WHOLE>(i, j) {
                    continue;
                }
                let to = first.add((i * width + j) * map.channels);
                if rest >= S::LANES {
                    S::store(to, y[i][j]);
                } else {
                    store_some::<S>(to, y[i][j], rest);
                }
            }
        }
        if let Some(moments) = map.moments {
            let squares = moments.add(domain.padded() + c);
            add_moments::<S, WHOLE>(&y, outputs, moments.add(c), squares);
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
unsafe fn add_moments<S: Simd, const WHOLE: bool>(
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
                if outputs.contains::<WHOLE>(i, j) {
                    sum = S::add(sum, y[i][j]);
                }
            }
        }
        let own = S::mul(sum, S::splat(1.0 / count as f32));
        let mut deviations = S::splat(0.0);
        for i in 0..4 {
            for j in 0..4 {
                if outputs.contains::<WHOLE>(i, j) {
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
