//! The micro-kernel of every matrix product, and the loops around it.
//!
//! Invariant: each element of C is summed over the depth in ascending order, in
//! chunks of [`DEPTH`], whatever its place in the block: results do not depend
//! on how rows and columns are split over threads.

use crate::simd::{PANEL, Simd};

/// Depth of one chunk: a panel of B (16 KiB) stays in the first-level cache.
const DEPTH: usize = 256;

/// Rows of the largest micro-kernel of any instruction set.
const MAX_ROWS: usize = 12;

/// The left matrix.
#[derive(Clone, Copy)]
pub(crate) enum Left {
    /// Element (row, k) at `row * stride + k`.
    Rows { start: *const f32, stride: usize },
    /// Element (row, k) at `k * stride + row`.
    Columns { start: *const f32, stride: usize },
}

/// The right matrix: panels of [`PANEL`] columns, element (k, column) of panel
/// `p` at `p * panel + k * stride + column`.
#[derive(Clone, Copy)]
pub(crate) struct Panels {
    pub(crate) start: *const f32,
    pub(crate) stride: usize,
    pub(crate) panel: usize,
}

/// What the product is added to.
#[derive(Clone, Copy)]
pub(crate) enum Start {
    Zero,
    /// One value for each column, padded to whole panels.
    Bias(*const f32),
    /// What C holds.
    Add,
}

/// C, row by row: element (row, column) at `row * stride + column`.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    pub(crate) start: *mut f32,
    pub(crate) stride: usize,
}

/// Sizes of a product.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) depth: usize,
}

/// C = start + A B.
///
/// # Safety
///
/// Below `dispatch` for `S`. A, B (whole panels), the bias (whole panels) and C
/// are valid for the sizes, and nobody else writes C or writes A and B.
#[inline(always)]
pub(crate) unsafe fn multiply<S: Simd>(size: Size, a: Left, b: Panels, start: Start, c: Target) {
    let mut k = 0;
    loop {
        let depth = DEPTH.min(size.depth - k);
        for n in 0..size.columns.div_ceil(PANEL) {
            let size = Size {
                columns: PANEL.min(size.columns - n * PANEL),
                depth,
                ..size
            };
            // SAFETY: k <= depth and n < number of panels, within the sizes of the contract.
            unsafe {
                let b = Panels {
                    start: b.start.add(n * b.panel + k * b.stride),
                    ..b
                };
                let c = Target {
                    start: c.start.add(n * PANEL),
                    ..c
                };
                let start = match start {
                    _ if k > 0 => Start::Add,
                    Start::Bias(bias) => Start::Bias(bias.add(n * PANEL)),
                    other => other,
                };
                match a {
                    Left::Rows { start: a, stride } => {
                        strip::<S, true>(size, a.add(k), stride, b, start, c);
                    }
                    Left::Columns { start: a, stride } => {
                        strip::<S, false>(size, a.add(k * stride), stride, b, start, c);
                    }
                }
            }
        }
        k += depth;
        if k >= size.depth {
            return;
        }
    }
}

/// One panel of columns, over all rows.
#[inline(always)]
unsafe fn strip<S: Simd, const ROW_MAJOR: bool>(
    size: Size,
    a: *const f32,
    stride: usize,
    b: Panels,
    start: Start,
    c: Target,
) {
    let mut row = 0;
    macro_rules! tiles {
        ($rows:literal) => {
            while S::ROWS >= $rows && size.rows - row >= $rows {
                // SAFETY: rows row..row + $rows exist.
                unsafe {
                    let a = a.add(if ROW_MAJOR { row * stride } else { row });
                    let c = Target {
                        start: c.start.add(row * c.stride),
                        ..c
                    };
                    if size.columns == PANEL {
                        tile::<S, $rows, ROW_MAJOR>(size.depth, a, stride, b, start, c);
                    } else {
                        narrow_tile::<S, $rows, ROW_MAJOR>(size, a, stride, b, start, c);
                    }
                }
                row += $rows;
            }
        };
    }
    tiles!(12);
    tiles!(6);
    if S::ROWS < 6 {
        tiles!(3);
    } else {
        tiles!(5);
        tiles!(4);
        tiles!(3);
    }
    tiles!(2);
    tiles!(1);
}

/// A tile of fewer columns than a panel: through a buffer, so that nothing
/// beyond the columns is touched.
#[inline(always)]
unsafe fn narrow_tile<S: Simd, const R: usize, const ROW_MAJOR: bool>(
    size: Size,
    a: *const f32,
    stride: usize,
    b: Panels,
    start: Start,
    c: Target,
) {
    let mut buffer = [0.0; MAX_ROWS * PANEL];
    let local = Target {
        start: buffer.as_mut_ptr(),
        stride: PANEL,
    };
    // SAFETY: the buffer holds R x PANEL values; of C only existing columns are touched.
    unsafe {
        for row in 0..R {
            for column in 0..size.columns {
                *local.start.add(row * PANEL + column) = *c.start.add(row * c.stride + column);
            }
        }
        tile::<S, R, ROW_MAJOR>(size.depth, a, stride, b, start, local);
        for row in 0..R {
            for column in 0..size.columns {
                *c.start.add(row * c.stride + column) = *local.start.add(row * PANEL + column);
            }
        }
    }
}

/// R rows of one whole panel. All sums stay in registers.
#[inline(always)]
unsafe fn tile<S: Simd, const R: usize, const ROW_MAJOR: bool>(
    depth: usize,
    a: *const f32,
    stride: usize,
    b: Panels,
    start: Start,
    c: Target,
) {
    let vectors = PANEL / S::LANES;
    // SAFETY: by the contract of `multiply`.
    unsafe {
        // With one vector per panel the second half is never touched and vanishes.
        let mut sum = [[S::splat(0.0); 2]; R];
        let mut k = 0;
        macro_rules! step {
            ($k:expr) => {
                let k = $k;
                let row_of_b = b.start.add(k * b.stride);
                let mut right = [S::splat(0.0); 2];
                for v in 0..vectors {
                    right[v] = S::load(row_of_b.add(v * S::LANES));
                }
                for r in 0..R {
                    let left = S::splat(*a.add(if ROW_MAJOR {
                        r * stride + k
                    } else {
                        k * stride + r
                    }));
                    for v in 0..vectors {
                        sum[r][v] = S::fma(left, right[v], sum[r][v]);
                    }
                }
            };
        }
        while k + 4 <= depth {
            step!(k);
            step!(k + 1);
            step!(k + 2);
            step!(k + 3);
            k += 4;
        }
        while k < depth {
            step!(k);
            k += 1;
        }
        for r in 0..R {
            for v in 0..vectors {
                let p = c.start.add(r * c.stride + v * S::LANES);
                let total = match start {
                    Start::Zero => sum[r][v],
                    Start::Bias(bias) => S::add(S::load(bias.add(v * S::LANES)), sum[r][v]),
                    Start::Add => S::add(S::load(p), sum[r][v]),
                };
                S::store(p, total);
            }
        }
    }
}
