//! Matrix products for linear layers and 1x1 convolutions. Invariant: each
//! element is summed in one fixed order, whatever the number of threads.

use rayon::prelude::*;

use crate::cpu::Isa;
use crate::error::{Result, check_length, check_volume};
use crate::pack::{pack_bias, pack_columns, pack_rows, packed_len};
use crate::shared::{SharedMut, with_scratch};
use crate::simd::{PANEL, Simd, Task, dispatch};
use crate::tile::{Left, Panels, Size, Start, Target, multiply};

/// The sizes of a matrix product `C = A B`, after any transposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GemmShape {
    /// Rows of A and C.
    pub rows: usize,
    /// Columns of B and C.
    pub columns: usize,
    /// Columns of A, rows of B.
    pub depth: usize,
}

impl GemmShape {
    fn check(
        &self,
        kernel: &'static str,
        [a, b, c]: [usize; 3],
        bias: Option<&[f32]>,
    ) -> Result<()> {
        const NAME: &str = "GemmShape";
        let (rows, columns, depth) = (
            ("rows", self.rows),
            ("columns", self.columns),
            ("depth", self.depth),
        );
        check_length(kernel, "a", a, check_volume(NAME, &[rows, depth])?)?;
        check_length(kernel, "b", b, check_volume(NAME, &[depth, columns])?)?;
        check_length(kernel, "c", c, check_volume(NAME, &[rows, columns])?)?;
        bias.map_or(Ok(()), |bias| {
            check_length(kernel, "bias", bias.len(), self.columns)
        })
    }
}

/// `C = A B + bias`: the input gradient of a linear layer (`A` the output's
/// gradient, `B` the weights `[out, in]`).
///
/// # Shapes
///
/// `a` `[rows, depth]`, `b` `[depth, columns]`, `bias` `[columns]`, `c` `[rows, columns]`.
///
/// # Errors
///
/// A length that does not fit, or a zero dimension.
pub fn gemm_nn(
    shape: GemmShape,
    a: &[f32],
    b: &[f32],
    bias: Option<&[f32]>,
    c: &mut [f32],
) -> Result<()> {
    shape.check("gemm_nn", [a.len(), b.len(), c.len()], bias)?;
    with_scratch(packed_len(shape.depth, shape.columns), |packed| {
        pack_rows(shape.depth, shape.columns, b, |k| k * shape.columns, packed);
        product(shape, a, true, packed, bias, c);
    });
    Ok(())
}

/// `C = A B^T + bias`: a linear layer (`A` the input, `B` the weights `[out, in]`).
///
/// # Shapes
///
/// `a` `[rows, depth]`, `b` `[columns, depth]`, `bias` `[columns]`, `c` `[rows, columns]`.
///
/// # Errors
///
/// As [`gemm_nn`].
pub fn gemm_nt(
    shape: GemmShape,
    a: &[f32],
    b: &[f32],
    bias: Option<&[f32]>,
    c: &mut [f32],
) -> Result<()> {
    shape.check("gemm_nt", [a.len(), b.len(), c.len()], bias)?;
    with_scratch(packed_len(shape.depth, shape.columns), |packed| {
        pack_columns(shape.depth, shape.columns, b, |k| k, packed);
        product(shape, a, true, packed, bias, c);
    });
    Ok(())
}

/// `C = A^T B`: the weight gradient of a linear layer (`A` the output's
/// gradient `[batch, out]`, `B` the input `[batch, in]`, `C` `[out, in]`).
///
/// # Shapes
///
/// `a` `[depth, rows]`, `b` `[depth, columns]`, `c` `[rows, columns]`.
///
/// # Errors
///
/// As [`gemm_nn`].
pub fn gemm_tn(shape: GemmShape, a: &[f32], b: &[f32], c: &mut [f32]) -> Result<()> {
    shape.check("gemm_tn", [a.len(), b.len(), c.len()], None)?;
    with_scratch(packed_len(shape.depth, shape.columns), |packed| {
        pack_rows(shape.depth, shape.columns, b, |k| k * shape.columns, packed);
        product(shape, a, false, packed, None, c);
    });
    Ok(())
}

/// Rows of C in one task.
const ROWS: usize = 96;

/// Panels of C in one task.
const PANELS: usize = 8;

fn product(
    shape: GemmShape,
    a: &[f32],
    a_is_rows: bool,
    packed: &[f32],
    bias: Option<&[f32]>,
    c: &mut [f32],
) {
    let isa = Isa::current();
    let bias = pack_bias(shape.columns, bias);
    let groups = shape.columns.div_ceil(PANELS * PANEL);
    let c = SharedMut::new(c);
    let tasks = shape.rows.div_ceil(ROWS) * groups;
    (0..tasks).into_par_iter().for_each(|task| {
        dispatch(
            isa,
            Block {
                shape,
                a,
                a_is_rows,
                packed,
                bias: bias.as_deref(),
                c,
                row: task / groups * ROWS,
                panel: task % groups * PANELS,
            },
        );
    });
}

/// One block of C.
struct Block<'a> {
    shape: GemmShape,
    a: &'a [f32],
    a_is_rows: bool,
    packed: &'a [f32],
    bias: Option<&'a [f32]>,
    c: SharedMut<'a>,
    row: usize,
    panel: usize,
}

impl Task for Block<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let GemmShape {
            rows,
            columns,
            depth,
        } = self.shape;
        let column = self.panel * PANEL;
        let size = Size {
            rows: ROWS.min(rows - self.row),
            columns: (PANELS * PANEL).min(columns - column),
            depth,
        };
        let a = if self.a_is_rows {
            Left::Rows {
                start: self.a[self.row * depth..].as_ptr(),
                stride: depth,
                panel: PANEL,
            }
        } else {
            Left::Columns {
                start: self.a[self.row..].as_ptr(),
                stride: rows,
                panel: PANEL,
            }
        };
        let b = Panels {
            start: self.packed[column * depth..].as_ptr(),
            stride: PANEL,
            panel: depth * PANEL,
        };
        let start = self
            .bias
            .map_or(Start::Zero, |bias| Start::Bias(bias[column..].as_ptr()));
        let offset = self.row * columns + column;
        // SAFETY: lengths were checked against the shape, B and the bias are packed to
        // whole panels, and each task has its own rows and columns of C.
        unsafe {
            let c = Target {
                start: self.c.at(offset, (size.rows - 1) * columns + size.columns),
                stride: columns,
                panel: PANEL,
            };
            multiply::<S>(size, a, b, start, c);
        }
    }
}

#[cfg(test)]
mod tests;
