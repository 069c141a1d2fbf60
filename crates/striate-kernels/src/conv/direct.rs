//! Convolutions as matrix products over strips: any kernel, stride and padding.

use rayon::prelude::*;

use super::strip::{Phase, Strips};
use crate::cpu::Isa;
use crate::pack::{pack_bias, pack_columns, pack_rows, packed_len};
use crate::shape::ConvShape;
use crate::shared::with_scratch;
use crate::simd::{PANEL, Simd, Task, dispatch};
use crate::tile::{Left, Panels, Size, Start, Target, multiply};

pub(super) fn forward(
    shape: &ConvShape,
    input: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    output: &mut [f32],
) {
    let strips = Strips::forward(shape);
    let (kernel_w, channels) = (shape.kernel_w, shape.in_channels);
    with_scratch(packed_len(strips.depth(), shape.out_channels), |packed| {
        let place = |k| {
            let [ky, kx, channel] = strips.depth_order(k);
            (ky * kernel_w + kx) * channels + channel
        };
        pack_columns(strips.depth(), shape.out_channels, weight, place, packed);
        let part = Part {
            strips,
            first: [0, 0],
            packed,
        };
        let target = Pixels {
            height: shape.out_height(),
            width: shape.out_width(),
            columns: shape.out_channels,
            step: 1,
        };
        rows(target, &[part], input, bias, output);
    });
}

/// At a stride, input pixels get different taps by their place: each part is a convolution
/// with some of the taps, for every `stride`th pixel along both axes.
pub(super) fn backward_input(
    shape: &ConvShape,
    weight: &[f32],
    grad_output: &[f32],
    grad_input: &mut [f32],
) {
    let ConvShape {
        height,
        width,
        kernel_h,
        kernel_w,
        stride,
        padding,
        in_channels,
        ..
    } = *shape;
    let columns = Phase::all(width, kernel_w, stride, padding);
    let phases = Phase::all(height, kernel_h, stride, padding)
        .into_iter()
        .flat_map(|y| columns.iter().map(move |x| [y, *x]));
    let parts: Vec<_> = phases.map(|p| (p, Strips::backward(shape, p))).collect();
    let len = |strips: &Strips| packed_len(strips.depth(), in_channels);
    with_scratch(parts.iter().map(|(_, s)| len(s)).sum(), |mut packed| {
        let mut ready = Vec::with_capacity(parts.len());
        for ([y, x], strips) in &parts {
            let (own, rest) = packed.split_at_mut(len(strips));
            packed = rest;
            if strips.depth() > 0 {
                let row = |k| {
                    let [m, n, out] = strips.depth_order(k);
                    let ky = y.tap + (y.taps - 1 - m) * stride;
                    let kx = x.tap + (x.taps - 1 - n) * stride;
                    ((out * kernel_h + ky) * kernel_w + kx) * in_channels
                };
                pack_rows(strips.depth(), in_channels, weight, row, own);
            }
            ready.push(Part {
                strips: *strips,
                first: [y.first, x.first],
                packed: own,
            });
        }
        let target = Pixels {
            height,
            width,
            columns: in_channels,
            // Beyond the size of the map, one stride is as good as another.
            step: stride.min(height.max(width)),
        };
        rows(target, &ready, grad_output, None, grad_input);
    });
}

/// The pixels that are computed.
#[derive(Clone, Copy)]
struct Pixels {
    height: usize,
    width: usize,
    /// Values of each.
    columns: usize,
    /// Distance between the pixels of a part, along both axes.
    step: usize,
}

/// Some of the pixels, `step` apart.
struct Part<'a> {
    strips: Strips,
    /// The first row and column.
    first: [usize; 2],
    packed: &'a [f32],
}

/// Computes all output rows, some of them per task.
fn rows(
    pixels: Pixels,
    parts: &[Part<'_>],
    source: &[f32],
    bias: Option<&[f32]>,
    output: &mut [f32],
) {
    let isa = Isa::current();
    let bias = pack_bias(pixels.columns, bias);
    let row_len = pixels.width * pixels.columns;
    // About 128 pixels of a part: the packed weights are read once for all of them.
    let count = (128 * pixels.step / pixels.width).max(1) * pixels.step;
    let most = parts.iter().map(|part| part.strips.strip_len()).max();
    let tasks = output.par_chunks_mut(count * row_len).enumerate();
    tasks.for_each(|(task, output)| {
        // Not all rows are of one part, but most may be where images have few.
        let len = output.len() / row_len * most.unwrap_or(0);
        with_scratch(len, |scratch| {
            dispatch(
                isa,
                Rows {
                    pixels,
                    parts,
                    source,
                    bias: bias.as_deref(),
                    first: task * count,
                    scratch,
                    output,
                },
            );
        });
    });
}

/// Some rows of output pixels.
struct Rows<'a> {
    pixels: Pixels,
    parts: &'a [Part<'a>],
    source: &'a [f32],
    bias: Option<&'a [f32]>,
    first: usize,
    scratch: &'a mut [f32],
    output: &'a mut [f32],
}

impl Task for Rows<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Pixels {
            height,
            width,
            columns,
            step,
        } = self.pixels;
        let row_len = width * columns;
        let rows = self.first..self.first + self.output.len() / row_len;
        for part in self.parts {
            let (strips, depth) = (part.strips, part.strips.depth());
            let (strip_len, source_len) = (strips.strip_len(), strips.source_len());
            let own = |row: &usize| row % height % step == part.first[0];
            // No taps reach some parts, which are then zeros.
            let reached = rows.clone().filter(|row| depth > 0 && own(row));
            for (i, row) in reached.enumerate() {
                let image = &self.source[row / height * source_len..][..source_len];
                let strip = &mut self.scratch[i * strip_len..][..strip_len];
                strips.cut(image, row % height / step, strip);
            }
            let block = S::PANELS * PANEL;
            // Where the weights stay in the first-level cache: some pixels at a time, with
            // all their channels, so that the output is written from its start to its end.
            let (group, block) = if columns > block && depth * columns <= FEW {
                (S::ROWS, columns.next_multiple_of(PANEL))
            } else {
                (strips.out_width, block)
            };
            for column in (0..columns).step_by(block) {
                let start = self
                    .bias
                    .map_or(Start::Zero, |bias| Start::Bias(bias[column..].as_ptr()));
                let b = Panels {
                    start: part.packed[column * depth..].as_ptr(),
                    stride: PANEL,
                    panel: depth * PANEL,
                };
                for (i, row) in rows.clone().filter(own).enumerate() {
                    let strip = &self.scratch[i * strip_len..][..strip_len];
                    let output = &mut self.output[(row - rows.start) * row_len..][..row_len];
                    for first in (0..strips.out_width).step_by(group) {
                        let size = Size {
                            rows: group.min(strips.out_width - first),
                            columns: block.min(columns - column),
                            depth,
                        };
                        let a = Left::Rows {
                            start: strip[first * strips.patch_stride()..].as_ptr(),
                            stride: strips.patch_stride(),
                            panel: PANEL,
                        };
                        let pixel = part.first[1] + first * step;
                        let c = Target {
                            start: output[pixel * columns + column..].as_mut_ptr(),
                            stride: step * columns,
                            panel: PANEL,
                        };
                        // SAFETY: a strip holds the patches of out_width pixels, B and the
                        // bias are packed to whole panels, and the row of C is borrowed.
                        unsafe { multiply::<S>(size, a, b, start, c) };
                    }
                }
            }
        }
    }
}

/// Values of the weights that stay in the first-level cache (16 KiB).
const FEW: usize = 4 << 10;

/// Values that the partial weight gradients together may hold (64 MiB).
const PARTIALS: usize = 16 << 20;

pub(super) fn backward_weight(
    shape: &ConvShape,
    input: &[f32],
    grad_output: &[f32],
    grad_weight: &mut [f32],
) {
    let isa = Isa::current();
    let strips = Strips::forward(shape);
    let (depth, out) = (strips.depth(), shape.out_channels);
    let stride = depth.div_ceil(PANEL) * PANEL;
    let rows = shape.batch * shape.out_height();
    // The split depends on the shape only, so the order of the sums does too.
    let segments = (PARTIALS / (out * stride)).clamp(4, 32).min(rows);
    with_scratch(segments * out * stride, |partial| {
        let tasks = partial.par_chunks_exact_mut(out * stride).enumerate();
        tasks.for_each(|(segment, partial)| {
            partial.fill(0.0);
            // Whole panels are read: up to a panel beyond the last patch.
            with_scratch(strips.strip_len() + PANEL, |strip| {
                strip[strips.strip_len()..].fill(0.0);
                dispatch(
                    isa,
                    Segment {
                        strips,
                        input,
                        grad_output,
                        out,
                        stride,
                        rows: rows * segment / segments..rows * (segment + 1) / segments,
                        strip,
                        partial,
                    },
                );
            });
        });
        let partial = &*partial;
        let outputs = grad_weight.par_chunks_exact_mut(depth).enumerate();
        outputs.for_each(|(o, weight)| {
            for k in 0..depth {
                let [ky, kx, channel] = strips.depth_order(k);
                let parts = (0..segments).map(|s| partial[(s * out + o) * stride + k]);
                weight[(ky * shape.kernel_w + kx) * shape.in_channels + channel] =
                    parts.sum::<f32>();
            }
        });
    });
}

/// The weight gradient of some rows of output pixels.
struct Segment<'a> {
    strips: Strips,
    input: &'a [f32],
    grad_output: &'a [f32],
    out: usize,
    stride: usize,
    rows: std::ops::Range<usize>,
    strip: &'a mut [f32],
    partial: &'a mut [f32],
}

impl Task for Segment<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let strips = self.strips;
        let row_len = strips.out_width * self.out;
        let strip_len = strips.strip_len();
        for row in self.rows {
            let image = &self.input[row / strips.out_height * strips.source_len()..];
            strips.cut(
                &image[..strips.source_len()],
                row % strips.out_height,
                &mut self.strip[..strip_len],
            );
            let size = Size {
                rows: self.out,
                columns: self.stride,
                depth: strips.out_width,
            };
            let a = Left::Columns {
                start: self.grad_output[row * row_len..][..row_len].as_ptr(),
                stride: self.out,
                panel: PANEL,
            };
            let b = Panels {
                start: self.strip.as_ptr(),
                stride: strips.patch_stride(),
                panel: PANEL,
            };
            let c = Target {
                start: self.partial.as_mut_ptr(),
                stride: self.stride,
                panel: PANEL,
            };
            // SAFETY: the row of the gradient holds out_width x out values, the strip
            // a panel more than its patches, the partial sums out x stride values.
            unsafe { multiply::<S>(size, a, b, Start::Add, c) };
        }
    }
}
