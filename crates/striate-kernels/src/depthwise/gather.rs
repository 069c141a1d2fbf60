//! Each pixel as the sum over a window, in registers: the output, and at stride 1 the
//! gradient of the input.

use std::ops::Range;

use crate::map::MapShape;
use crate::simd::{Simd, Task, load_some, store_some};

/// How pixels of a target see a source through windows of `kernel x kernel` taps.
#[derive(Clone, Copy)]
pub(super) struct Windows {
    pub(super) source: MapShape,
    pub(super) target: MapShape,
    pub(super) kernel: usize,
    /// Source pixels from window to window.
    pub(super) step: usize,
    /// Source pixels from tap to tap.
    pub(super) dilation: usize,
    /// Zeros before the source; negative where the first window starts inside of it.
    pub(super) before: isize,
}

impl Windows {
    /// The source coordinate that a tap of a target coordinate sees, along one axis.
    #[inline(always)]
    pub(super) fn source(&self, target: usize, tap: usize, size: usize) -> Option<usize> {
        let at = (target * self.step + tap * self.dilation) as isize - self.before;
        usize::try_from(at).ok().filter(|at| *at < size)
    }

    /// The target coordinates for which a tap lies inside of the source, along one axis.
    #[inline(always)]
    pub(super) fn inside(&self, tap: usize, source: usize, target: usize) -> Range<usize> {
        let offset = (tap * self.dilation) as isize - self.before;
        let start = offset.min(0).unsigned_abs().div_ceil(self.step);
        // The last source pixel, less the offset.
        let room = source as isize - offset;
        let end = usize::try_from(room).map_or(0, |room| room.div_ceil(self.step));
        let end = end.min(target);
        start.min(end)..end
    }

    /// The target coordinates for which all taps lie inside of the source, along one axis.
    #[inline(always)]
    pub(super) fn whole(&self, source: usize, target: usize) -> Range<usize> {
        let first = self.inside(0, source, target);
        let last = self.inside(self.kernel - 1, source, target);
        let end = first.end.min(last.end);
        first.start.max(last.start).min(end)..end
    }
}

/// One row of the target.
pub(super) struct Row<'a> {
    pub(super) windows: Windows,
    /// One image.
    pub(super) source: &'a [f32],
    /// `[kernel, kernel, channels]`
    pub(super) weight: &'a [f32],
    pub(super) row: usize,
    pub(super) target: &'a mut [f32],
}

impl Task for Row<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self {
            windows,
            source,
            weight,
            row,
            target,
        } = self;
        let Windows {
            kernel, dilation, ..
        } = windows;
        let (channels, width) = (windows.source.channels, windows.source.width);
        let inside = |u: &usize| windows.source(row, *u, windows.source.height).is_some();
        // The taps inside of the image follow one another.
        let first = (0..kernel).find(inside).unwrap_or(0);
        let rows = (first..kernel).take_while(inside).count();
        let top = windows
            .source(row, first, windows.source.height)
            .unwrap_or(0);
        let lines = Lines {
            source: source[top * width * channels..].as_ptr(),
            line: dilation * width * channels,
            tap: dilation * channels,
            pixel: windows.step * channels,
            weight: weight[first * kernel * channels..].as_ptr(),
            weights: kernel * channels,
            rows,
            channels,
        };
        let whole = windows.whole(width, windows.target.width);
        let target = target.as_mut_ptr();
        let mut pixel = 0;
        while pixel < windows.target.width {
            let taps = 0..kernel;
            // SAFETY: the pixels are those of the target's row; all of the taps that are
            // read are inside of the source's rows.
            unsafe {
                let to = target.add(pixel * channels);
                if !whole.contains(&pixel) {
                    let inside = |v: &usize| windows.source(pixel, *v, width).is_some();
                    let start = taps.clone().find(inside).unwrap_or(0);
                    let count = (start..kernel).take_while(inside).count();
                    let column = windows.source(pixel, start, width).unwrap_or(0);
                    lines.sums::<S, 1>(column, start..start + count, to);
                    pixel += 1;
                    continue;
                }
                let column = windows.source(pixel, 0, width).unwrap_or(0);
                let left = whole.end - pixel;
                if left >= 8 {
                    lines.sums::<S, 8>(column, taps, to);
                    pixel += 8;
                } else if left >= 4 {
                    lines.sums::<S, 4>(column, taps, to);
                    pixel += 4;
                } else if left >= 2 {
                    lines.sums::<S, 2>(column, taps, to);
                    pixel += 2;
                } else {
                    lines.sums::<S, 1>(column, taps, to);
                    pixel += 1;
                }
            }
        }
    }
}

/// The rows of the source and of the weights that a row of the target sees.
struct Lines {
    /// The first pixel of the first of these rows.
    source: *const f32,
    /// Distances between rows, taps and windows in the source.
    line: usize,
    tap: usize,
    pixel: usize,
    /// The first of these rows' weights, and the distance between rows.
    weight: *const f32,
    weights: usize,
    rows: usize,
    channels: usize,
}

impl Lines {
    /// `N` pixels side by side, whose first window's first tap of `taps` sees `column`.
    ///
    /// # Safety
    ///
    /// Below `dispatch` for `S`; the windows' taps are inside of the source's rows, and
    /// `N` pixels of the target's row follow `target`.
    #[inline(always)]
    unsafe fn sums<S: Simd, const N: usize>(
        &self,
        column: usize,
        taps: Range<usize>,
        target: *mut f32,
    ) {
        let source = self.source.wrapping_add(column * self.channels);
        let mut c = 0;
        while c < self.channels {
            let (source, to) = (source.wrapping_add(c), target.wrapping_add(c));
            let count = self.channels - c;
            // SAFETY: by the caller; `count` channels of each pixel follow `c`.
            unsafe {
                if count >= S::LANES {
                    self.vector::<S, N, true>(source, c, count, taps.clone(), to);
                } else {
                    self.vector::<S, N, false>(source, c, count, taps.clone(), to);
                }
            }
            c += S::LANES;
        }
    }

    /// As many of the `count` channels from `c` on as a vector holds; all, if `WHOLE`.
    #[inline(always)]
    unsafe fn vector<S: Simd, const N: usize, const WHOLE: bool>(
        &self,
        source: *const f32,
        c: usize,
        count: usize,
        taps: Range<usize>,
        target: *mut f32,
    ) {
        let count = if WHOLE { S::LANES } else { count };
        // SAFETY: as the caller.
        unsafe {
            let mut sum = [S::splat(0.0); N];
            for u in 0..self.rows {
                let mut from = source.wrapping_add(u * self.line);
                let weights = self.weight.wrapping_add(u * self.weights + c);
                for v in taps.clone() {
                    let w = load_some::<S>(weights.add(v * self.channels), count);
                    for n in 0..N {
                        let x = load_some::<S>(from.add(n * self.pixel), count);
                        sum[n] = S::fma(x, w, sum[n]);
                    }
                    from = from.wrapping_add(self.tap);
                }
            }
            for n in 0..N {
                store_some::<S>(target.add(n * self.channels), sum[n], count);
            }
        }
    }
}
