//! The micro-kernel of every matrix product, and the loops around it.
//!
//! All matrices may lie in panels of [`PANEL`] columns, one behind the other: in this
//! form a tile of rows is one run of cache lines, whatever the size of the matrix. A
//! plain matrix is one whose panels are `PANEL` apart.
//!
//! Invariant: each element of C is summed over the depth in ascending order, in
//! chunks of [`DEPTH`], whatever its place in the block: results do not depend
//! on how rows and columns are split over threads.

use crate::simd::{PANEL, Simd};

/// Depth of one chunk: two panels of B (32 KiB) stay in the first-level cache.
/// A multiple of [`PANEL`].
const DEPTH: usize = 256;

/// Rows of the largest micro-kernel of any instruction set.
const MAX_ROWS: usize = 14;

/// The left matrix.
#[derive(Clone, Copy)]
pub(crate) enum Left {
    /// Element (row, k) at `k / PANEL * panel + row * stride + k % PANEL`.
    Rows {
        start: *const f32,
        stride: usize,
        panel: usize,
    },
    /// Element (row, k) at `row / PANEL * panel + k * stride + row % PANEL`.
    Columns {
        start: *const f32,
        stride: usize,
        panel: usize,
    },
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

/// C: element (row, column) at `column / PANEL * panel + row * stride + column % PANEL`.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    pub(crate) start: *mut f32,
    pub(crate) stride: usize,
    pub(crate) panel: usize,
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
        let mut column = 0;
        while column < size.columns {
            let whole = (size.columns - column) / PANEL;
            // SAFETY: k < depth and column < columns, within the sizes of the contract.
            unsafe {
                let b = Panels {
                    start: b.start.add(column / PANEL * b.panel + k * b.stride),
                    ..b
                };
                let c = Target {
                    start: c.start.add(column / PANEL * c.panel),
                    ..c
                };
                let start = match start {
                    _ if k > 0 => Start::Add,
                    Start::Bias(bias) => Start::Bias(bias.add(column)),
                    other => other,
                };
                if S::PANELS == 2 && whole >= 2 {
                    strip::<S, 2>(size.rows, 2 * PANEL, k..k + depth, a, b, start, c);
                    column += 2 * PANEL;
                } else {
                    let columns = PANEL.min(size.columns - column);
                    strip::<S, 1>(size.rows, columns, k..k + depth, a, b, start, c);
                    column += PANEL;
                }
            }
        }
        k += depth;
        if k >= size.depth {
            return;
        }
    }
}

/// How the micro-kernel reads A.
mod form {
    /// Rows, any distance apart.
    pub(super) const ROWS: u8 = 0;
    /// Rows of a matrix in panels: a cache line apart.
    pub(super) const PANEL_ROWS: u8 = 1;
    /// Columns.
    pub(super) const COLUMNS: u8 = 2;
}

/// What a tile reads of A: from its first element on.
#[derive(Clone, Copy)]
struct Block {
    start: *const f32,
    stride: usize,
    /// From one run of [`PANEL`] values of the depth to the next.
    next: usize,
}

/// One or two panels of columns, over all rows.
#[inline(always)]
unsafe fn strip<S: Simd, const P: usize>(
    rows: usize,
    columns: usize,
    k: std::ops::Range<usize>,
    a: Left,
    b: Panels,
    start: Start,
    c: Target,
) {
    // SAFETY: the depth starts at a multiple of PANEL, inside of A.
    unsafe {
        match a {
            Left::Rows {
                start: from,
                stride,
                panel,
            } => {
                let a = Block {
                    start: from.add(k.start / PANEL * panel),
                    stride,
                    next: panel,
                };
                if stride == PANEL {
                    tiles::<S, P, { form::PANEL_ROWS }>(0..rows, columns, k.len(), a, b, start, c);
                } else {
                    tiles::<S, P, { form::ROWS }>(0..rows, columns, k.len(), a, b, start, c);
                }
            }
            Left::Columns {
                start: from,
                stride,
                panel,
            } => {
                let from = from.add(k.start * stride);
                // A plain matrix has no borders between panels.
                let run = if panel == PANEL { rows } else { PANEL };
                for first in (0..rows).step_by(run) {
                    let a = Block {
                        start: from.add(first / PANEL * panel),
                        stride,
                        next: PANEL * stride,
                    };
                    let rows = first..rows.min(first + run);
                    tiles::<S, P, { form::COLUMNS }>(rows, columns, k.len(), a, b, start, c);
                }
            }
        }
    }
}

/// The tiles of some rows of C; A starts at the first of them.
#[inline(always)]
unsafe fn tiles<S: Simd, const P: usize, const FORM: u8>(
    rows: std::ops::Range<usize>,
    columns: usize,
    depth: usize,
    a: Block,
    b: Panels,
    start: Start,
    c: Target,
) {
    let mut row = rows.start;
    macro_rules! tiles {
        ($rows:literal) => {
            while S::ROWS >= $rows && rows.end - row >= $rows {
                let before = row - rows.start;
                // SAFETY: rows row..row + $rows exist.
                unsafe {
                    let a = Block {
                        start: a.start.add(match FORM {
                            form::COLUMNS => before,
                            _ => before * a.stride,
                        }),
                        ..a
                    };
                    let c = Target {
                        start: c.start.add(row * c.stride),
                        ..c
                    };
                    if columns == P * PANEL {
                        tile::<S, $rows, P, FORM>(depth, a, b, start, c);
                    } else {
                        narrow_tile::<S, $rows, FORM>(columns, depth, a, b, start, c);
                    }
                }
                row += $rows;
            }
        };
    }
    // A panel of 16 rows is better divided into 8 and 8 than into 14 and 2.
    if rows.len() != PANEL {
        tiles!(14);
    }
    if S::ROWS >= 8 {
        tiles!(8);
    } else {
        tiles!(6);
    }
    if S::ROWS < 4 {
        tiles!(3);
    } else {
        tiles!(4);
    }
    tiles!(2);
    tiles!(1);
}

/// A tile of fewer columns than a panel: through a buffer, so that nothing
/// beyond the columns is touched.
#[inline(always)]
unsafe fn narrow_tile<S: Simd, const R: usize, const FORM: u8>(
    columns: usize,
    depth: usize,
    a: Block,
    b: Panels,
    start: Start,
    c: Target,
) {
    let mut buffer = [0.0; MAX_ROWS * PANEL];
    let local = Target {
        start: buffer.as_mut_ptr(),
        stride: PANEL,
        panel: PANEL,
    };
    // SAFETY: the buffer holds R x PANEL values; of C only existing columns are touched.
    unsafe {
        if matches!(start, Start::Add) {
            for row in 0..R {
                for column in 0..columns {
                    *local.start.add(row * PANEL + column) = *c.start.add(row * c.stride + column);
                }
            }
        }
        tile::<S, R, 1, FORM>(depth, a, b, start, local);
        for row in 0..R {
            for column in 0..columns {
                *c.start.add(row * c.stride + column) = *local.start.add(row * PANEL + column);
            }
        }
    }
}

/// R rows of P whole panels. All sums stay in registers.
#[inline(always)]
unsafe fn tile<S: Simd, const R: usize, const P: usize, const FORM: u8>(
    depth: usize,
    a: Block,
    b: Panels,
    start: Start,
    c: Target,
) {
    let vectors = P * PANEL / S::LANES;
    let place = |v: usize, panel: usize| v * S::LANES / PANEL * panel + v * S::LANES % PANEL;
    // SAFETY: by the contract of `multiply`.
    unsafe {
        // With one vector in all, the second half is never touched and vanishes.
        let mut sum = [[S::splat(0.0); 2]; R];
        let (mut left, mut right) = (a.start, b.start);
        let mut rest = depth;
        macro_rules! step {
            ($k:expr) => {
                let row_of_b = right.add($k * b.stride);
                let mut values = [S::splat(0.0); 2];
                for v in 0..vectors {
                    values[v] = S::load(row_of_b.add(place(v, b.panel)));
                }
                for r in 0..R {
                    let value = S::splat(*left.add(match FORM {
                        form::ROWS => r * a.stride + $k,
                        form::PANEL_ROWS => r * PANEL + $k,
                        _ => $k * a.stride + r,
                    }));
                    for v in 0..vectors {
                        sum[r][v] = S::fma(value, values[v], sum[r][v]);
                    }
                }
            };
        }
        while rest > 0 {
            let steps = rest.min(PANEL);
            if FORM == form::PANEL_ROWS {
                // The same columns of the next tile.
                for r in R..2 * R {
                    S::prefetch(left.wrapping_add(r * PANEL));
                }
            }
            let mut k = 0;
            while k + 4 <= steps {
                step!(k);
                step!(k + 1);
                step!(k + 2);
                step!(k + 3);
                k += 4;
            }
            while k < steps {
                step!(k);
                k += 1;
            }
            rest -= steps;
            // The last step leaves the matrices.
            left = left.wrapping_add(a.next);
            right = right.wrapping_add(PANEL * b.stride);
        }
        for r in 0..R {
            for v in 0..vectors {
                let p = c.start.add(r * c.stride + place(v, c.panel));
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
