//! The gradient of the weights. Rows of the output's gradient are divided among segments,
//! whose number the shape gives; their sums are added in order.

use rayon::prelude::*;

use super::gather::Windows;
use crate::cpu::Isa;
use crate::shared::with_scratch;
use crate::simd::{Simd, Task, dispatch, load_some, store_some};

/// The most segments.
const SEGMENTS: usize = 16;

pub(super) fn gradient(windows: Windows, x: &[f32], grad_y: &[f32], grad_weight: &mut [f32]) {
    let isa = Isa::current();
    let rows = windows.target.batch * windows.target.height;
    let (segments, len) = (SEGMENTS.min(rows), grad_weight.len());
    with_scratch(segments * len, |parts| {
        let tasks = parts.par_chunks_exact_mut(len).enumerate();
        tasks.for_each(|(segment, sums)| {
            sums.fill(0.0);
            let task = Segment {
                windows,
                x,
                grad_y,
                rows: rows * segment / segments..rows * (segment + 1) / segments,
                sums,
            };
            dispatch(isa, task);
        });
        for (i, value) in grad_weight.iter_mut().enumerate() {
            *value = parts.iter().skip(i).step_by(len).sum();
        }
    });
}

/// The sums over some rows of the output's gradient.
struct Segment<'a> {
    windows: Windows,
    x: &'a [f32],
    grad_y: &'a [f32],
    rows: std::ops::Range<usize>,
    /// `[kernel, kernel, channels]`
    sums: &'a mut [f32],
}

impl Task for Segment<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let windows = &self.windows;
        let (source, target) = (&windows.source, &windows.target);
        let (kernel, channels) = (windows.kernel, source.channels);
        let whole = windows.whole(source.width, target.width);
        for row in self.rows {
            let (image, i) = (row / target.height, row % target.height);
            let gradients = &self.grad_y[row * target.row_len()..][..target.row_len()];
            for u in 0..kernel {
                let Some(line) = windows.source(i, u, source.height) else {
                    continue;
                };
                let line = image * source.image_len() + line * source.row_len();
                let line = &self.x[line..][..source.row_len()];
                let sums = &mut self.sums[u * kernel * channels..][..kernel * channels];
                // Pixels some of whose taps lie outside.
                for pixel in (0..whole.start).chain(whole.end..target.width) {
                    for v in 0..kernel {
                        if let Some(column) = windows.source(pixel, v, source.width) {
                            let sums = sums[v * channels..][..channels].iter_mut();
                            let x = &line[column * channels..][..channels];
                            let gradient = &gradients[pixel * channels..][..channels];
                            for ((sum, x), gradient) in sums.zip(x).zip(gradient) {
                                *sum += x * gradient;
                            }
                        }
                    }
                }
                let Some(column) = windows.source(whole.start, 0, source.width) else {
                    continue;
                };
                let pixels = Pixels {
                    x: line[column * channels..].as_ptr(),
                    step: windows.step * channels,
                    tap: windows.dilation * channels,
                    gradient: gradients[whole.start * channels..].as_ptr(),
                    count: whole.len(),
                    channels,
                };
                let mut v = 0;
                while v < kernel {
                    // SAFETY: all taps of these pixels are inside of the line, and the sums
                    // hold `kernel` taps.
                    unsafe {
                        let sums = sums[v * channels..].as_mut_ptr();
                        match kernel - v {
                            1 => pixels.add::<S, 1>(v, sums),
                            2 => pixels.add::<S, 2>(v, sums),
                            3 => pixels.add::<S, 3>(v, sums),
                            4 => pixels.add::<S, 4>(v, sums),
                            _ => pixels.add::<S, 5>(v, sums),
                        }
                    }
                    v += 5;
                }
            }
        }
    }
}

/// Pixels of a row all of whose taps are inside of a line of the input.
struct Pixels {
    /// What the first tap of the first pixel sees.
    x: *const f32,
    /// From window to window, and from tap to tap.
    step: usize,
    tap: usize,
    /// The first pixel's gradient.
    gradient: *const f32,
    count: usize,
    channels: usize,
}

impl Pixels {
    /// Adds to the sums of `N` taps from `v` on.
    ///
    /// # Safety
    ///
    /// Below `dispatch` for `S`; `sums` is valid for `N` taps.
    #[inline(always)]
    unsafe fn add<S: Simd, const N: usize>(&self, v: usize, sums: *mut f32) {
        let mut c = 0;
        while c < self.channels {
            let (count, sums) = (self.channels - c, sums.wrapping_add(c));
            // SAFETY: by the caller; `count` channels of each pixel follow `c`.
            unsafe {
                if count >= S::LANES {
                    self.vector::<S, N, true>(v, c, count, sums);
                } else {
                    self.vector::<S, N, false>(v, c, count, sums);
                }
            }
            c += S::LANES;
        }
    }

    /// As many of the `count` channels from `c` on as a vector holds; all, if `WHOLE`. The
    /// sum of the row comes first, so that no long sum loses its last digits.
    #[inline(always)]
    unsafe fn vector<S: Simd, const N: usize, const WHOLE: bool>(
        &self,
        v: usize,
        c: usize,
        count: usize,
        sums: *mut f32,
    ) {
        let count = if WHOLE { S::LANES } else { count };
        // SAFETY: as the caller.
        unsafe {
            let mut of_row = [S::splat(0.0); N];
            for pixel in 0..self.count {
                let gradient = self.gradient.add(pixel * self.channels + c);
                let gradient = load_some::<S>(gradient, count);
                let x = self.x.add(pixel * self.step + v * self.tap + c);
                for n in 0..N {
                    let x = load_some::<S>(x.add(n * self.tap), count);
                    of_row[n] = S::fma(x, gradient, of_row[n]);
                }
            }
            for n in 0..N {
                let sum = sums.add(n * self.channels);
                let total = S::add(load_some::<S>(sum, count), of_row[n]);
                store_some::<S>(sum, total, count);
            }
        }
    }
}
