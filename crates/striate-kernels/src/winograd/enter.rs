//! From maps into the transformed domain.

use std::ops::Range;

use super::layout::{Domain, GROUP, Tiles, Window, group};
use super::transform::{
    Input, OutputAdjoint, Strided, Tile, Transform, along_columns, store_positions,
};
use crate::conv::{Reading, Rectifier};
use crate::simd::{PANEL, Simd, load_some};

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

#[inline(always)]
unsafe fn enter<S: Simd, T: Transform<N, 6>, const N: usize, const RECTIFY: bool>(
    tiles: &Tiles,
    range: Range<usize>,
    before: usize,
    source: Source<'_>,
    domain: &Domain,
    target: *mut f32,
) {
    let mut inputs = [Inputs::<N>::default(); GROUP];
    let most = group(domain.channels);
    let line = tiles.width * domain.channels;
    for start in range.clone().step_by(most) {
        let group = most.min(range.end - start);
        for (tile, inputs) in inputs[..group].iter_mut().enumerate() {
            let window = tiles.window::<N>(start + tile, before);
            inputs.place(&window, line, domain.channels, &source);
        }
        for c in (0..domain.padded()).step_by(S::LANES) {
            for (tile, inputs) in inputs[..group].iter().enumerate() {
                let to = domain.place(start - range.start + tile, c);
                // SAFETY: the row of the target belongs to the caller; pixels inside of
                // the map, and those outside, hold `channels` values.
                unsafe {
                    let to = target.add(to);
                    if let Some(first) = inputs.whole {
                        let tile = Strided {
                            start: first.add(c),
                            row: line,
                            column: domain.channels,
                        };
                        enter_tile::<S, T, N, RECTIFY>(tile, c, source, domain, to);
                    } else {
                        let tile = Listed {
                            pixels: &inputs.pixels,
                            first: c,
                            count: domain.channels.saturating_sub(c),
                        };
                        enter_tile::<S, T, N, RECTIFY>(tile, c, source, domain, to);
                    }
                }
            }
        }
    }
}

/// Transforms the channels of a tile from `c` on, as many as a vector holds.
#[inline(always)]
unsafe fn enter_tile<S: Simd, T: Transform<N, 6>, const N: usize, const RECTIFY: bool>(
    tile: impl Tile<S>,
    c: usize,
    source: Source<'_>,
    domain: &Domain,
    to: *mut f32,
) {
    // SAFETY: scale and shift, and the row of the target, hold whole panels.
    unsafe {
        let half = match source.rectifier {
            Some(rectifier) if RECTIFY => along_columns::<S, T, N, 6>(&Rectified::<S, _> {
                tile,
                scale: S::load(rectifier.scale.as_ptr().add(c)),
                shift: S::load(rectifier.shift.as_ptr().add(c)),
            }),
            _ => along_columns::<S, T, N, 6>(&tile),
        };
        store_positions::<S, T, N>(half, to, domain.position);
    }
}

/// `max(scale x + shift, 0)`, as [`batch_norm_forward`](crate::batch_norm_forward) has it.
struct Rectified<S: Simd, T> {
    tile: T,
    scale: S::V,
    shift: S::V,
}

impl<S: Simd, T: Tile<S>> Tile<S> for Rectified<S, T> {
    #[inline(always)]
    unsafe fn load(&self, row: usize, column: usize) -> S::V {
        // SAFETY: as the caller.
        unsafe {
            let x = self.tile.load(row, column);
            S::rectify(S::add(S::mul(x, self.scale), self.shift))
        }
    }
}

/// The channels of a list of pixels from the first on: as many as are left.
struct Listed<'a, const N: usize> {
    pixels: &'a [[*const f32; N]; N],
    first: usize,
    count: usize,
}

impl<S: Simd, const N: usize> Tile<S> for Listed<'_, N> {
    #[inline(always)]
    unsafe fn load(&self, row: usize, column: usize) -> S::V {
        // SAFETY: as the caller: `count` channels of each pixel follow the first.
        unsafe {
            load_some::<S>(
                self.pixels[row][column].wrapping_add(self.first),
                self.count,
            )
        }
    }
}

/// Where the pixels of a tile are read.
#[derive(Clone, Copy)]
struct Inputs<const N: usize> {
    /// The first pixel, if all are inside of the map and hold whole panels.
    whole: Option<*const f32>,
    /// Each pixel of the other tiles.
    pixels: [[*const f32; N]; N],
}

impl<const N: usize> Default for Inputs<N> {
    fn default() -> Self {
        Self {
            whole: None,
            pixels: [[std::ptr::null(); N]; N],
        }
    }
}

impl<const N: usize> Inputs<N> {
    /// `line` is the distance between rows of the map.
    #[inline(always)]
    fn place(&mut self, window: &Window<N>, line: usize, channels: usize, source: &Source<'_>) {
        let map = source.map.as_ptr();
        // Not to be read where it wraps.
        let first = window.first.wrapping_mul(channels);
        let whole = window.is_inside() && channels.is_multiple_of(PANEL);
        self.whole = whole.then(|| map.wrapping_add(first));
        if self.whole.is_some() {
            return;
        }
        for (i, pixels) in self.pixels.iter_mut().enumerate() {
            let inside = window.rows.contains(&i);
            for (j, pixel) in pixels.iter_mut().enumerate() {
                *pixel = match inside && window.columns.contains(&j) {
                    true => map.wrapping_add(first.wrapping_add(i * line + j * channels)),
                    false => source.outside.as_ptr(),
                };
            }
        }
    }
}
