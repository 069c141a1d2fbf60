//! Copying the right matrix of a product into panels. Invariant: columns beyond
//! the last one are zero, so whole panels can be read and multiplied.

use rayon::prelude::*;

use crate::simd::PANEL;

/// Length of the packed form of a `depth x columns` matrix.
pub(crate) fn packed_len(depth: usize, columns: usize) -> usize {
    depth * columns.div_ceil(PANEL) * PANEL
}

/// Packs B given as `[depth][columns]`, or any order of rows: `row(k)` is where
/// row `k` starts in `b`.
pub(crate) fn pack_rows(
    depth: usize,
    columns: usize,
    b: &[f32],
    row: impl Fn(usize) -> usize + Sync,
    packed: &mut [f32],
) {
    let panels = packed.par_chunks_exact_mut(depth * PANEL).enumerate();
    panels.for_each(|(panel, packed)| {
        let first = panel * PANEL;
        let count = PANEL.min(columns - first);
        for (k, packed) in packed.chunks_exact_mut(PANEL).enumerate() {
            let from = row(k) + first;
            packed[..count].copy_from_slice(&b[from..from + count]);
            packed[count..].fill(0.0);
        }
    });
}

/// Packs B given column by column: element `k` of column `n` at `n * depth + place(k)`.
pub(crate) fn pack_columns(
    depth: usize,
    columns: usize,
    b: &[f32],
    place: impl Fn(usize) -> usize + Sync,
    packed: &mut [f32],
) {
    let panels = packed.par_chunks_exact_mut(depth * PANEL).enumerate();
    panels.for_each(|(panel, packed)| {
        let first = panel * PANEL;
        let count = PANEL.min(columns - first);
        for (k, packed) in packed.chunks_exact_mut(PANEL).enumerate() {
            let from = &b[first * depth + place(k)..];
            for (column, value) in packed.iter_mut().enumerate() {
                *value = if column < count {
                    from[column * depth]
                } else {
                    0.0
                };
            }
        }
    });
}

/// The bias, padded to whole panels.
pub(crate) fn pack_bias(columns: usize, bias: Option<&[f32]>) -> Option<Vec<f32>> {
    bias.map(|bias| {
        let mut padded = bias.to_vec();
        padded.resize(columns.div_ceil(PANEL) * PANEL, 0.0);
        padded
    })
}
