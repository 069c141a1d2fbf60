//! Convolutions as matrix products over strips: any kernel, stride and padding.

use rayon::prelude::*;

use super::strip::Strips;
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
        rows(strips, input, packed, bias, shape.out_channels, output);
    });
}

pub(super) fn backward_input(
    shape: &ConvShape,
    weight: &[f32],
    grad_output: &[f32],
    grad_input: &mut [f32],
) {
    let strips = Strips::backward(shape);
    with_scratch(packed_len(strips.depth(), shape.in_channels), |packed| {
        let row = |k| {
            let [ky, kx, out] = strips.depth_order(k);
            let (ky, kx) = (shape.kernel_h - 1 - ky, shape.kernel_w - 1 - kx);
            ((out * shape.kernel_h + ky) * shape.kernel_w + kx) * shape.in_channels
        };
        pack_rows(strips.depth(), shape.in_channels, weight, row, packed);
        rows(
            strips,
            grad_output,
            packed,
            None,
            shape.in_channels,
            grad_input,
        );
    });
}

/// Computes all output rows, some of them per task.
fn rows(
    strips: Strips,
    source: &[f32],
    packed: &[f32],
    bias: Option<&[f32]>,
    columns: usize,
    output: &mut [f32],
) {
    let isa = Isa::current();
    let bias = pack_bias(columns, bias);
    let image_len =
        source.len() / (output.len() / (strips.out_height * strips.out_width * columns));
    let row_len = strips.out_width * columns;
    // About 128 pixels: the packed weights are read once for all of them.
    let count = (128 / strips.out_width).max(1);
    let tasks = output.par_chunks_mut(count * row_len).enumerate();
    tasks.for_each(|(task, output)| {
        let len = output.len() / row_len * strips.strip_len();
        with_scratch(len, |scratch| {
            dispatch(
                isa,
                Rows {
                    strips,
                    source,
                    image_len,
                    packed,
                    bias: bias.as_deref(),
                    columns,
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
    strips: Strips,
    source: &'a [f32],
    image_len: usize,
    packed: &'a [f32],
    bias: Option<&'a [f32]>,
    columns: usize,
    first: usize,
    scratch: &'a mut [f32],
    output: &'a mut [f32],
}

impl Task for Rows<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self {
            strips, columns, ..
        } = self;
        let (depth, row_len) = (strips.depth(), strips.out_width * columns);
        let strip_len = strips.strip_len();
        for (i, strip) in self.scratch.chunks_exact_mut(strip_len).enumerate() {
            let row = self.first + i;
            let image = &self.source[row / strips.out_height * self.image_len..];
            strips.cut(&image[..self.image_len], row % strips.out_height, strip);
        }
        let block = S::PANELS * PANEL;
        // Where the weights stay in the first-level cache: some pixels at a time, with all
        // their channels, so that the output is written from its start to its end.
        let (pixels, block) = if columns > block && depth * columns <= FEW {
            (S::ROWS, columns.next_multiple_of(PANEL))
        } else {
            (strips.out_width, block)
        };
        for column in (0..columns).step_by(block) {
            let start = self
                .bias
                .map_or(Start::Zero, |bias| Start::Bias(bias[column..].as_ptr()));
            let b = Panels {
                start: self.packed[column * depth..].as_ptr(),
                stride: PANEL,
                panel: depth * PANEL,
            };
            let strips_of_rows = self.scratch.chunks_exact(strip_len);
            for (strip, output) in strips_of_rows.zip(self.output.chunks_exact_mut(row_len)) {
                for first in (0..strips.out_width).step_by(pixels) {
                    let size = Size {
                        rows: pixels.min(strips.out_width - first),
                        columns: block.min(columns - column),
                        depth,
                    };
                    let a = Left::Rows {
                        start: strip[first * strips.patch_stride()..].as_ptr(),
                        stride: strips.patch_stride(),
                        panel: PANEL,
                    };
                    let c = Target {
                        start: output[first * columns + column..].as_mut_ptr(),
                        stride: columns,
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
                        image_len: shape.height * shape.width * shape.in_channels,
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
    image_len: usize,
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
            let image = &self.input[row / strips.out_height * self.image_len..];
            strips.cut(
                &image[..self.image_len],
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
