//! The one-dimensional transforms of F(4, 3) with the points 0, 1, -1, 2, -2 and
//! infinity, and their application along both axes of a tile.

use crate::simd::{PANEL, Simd};

/// A linear map from I to O values, applied along one axis.
pub(super) trait Transform<const I: usize, const O: usize> {
    /// # Safety
    ///
    /// As the methods of [`Simd`].
    unsafe fn apply<S: Simd>(x: [S::V; I]) -> [S::V; O];
}

/// `B^T`: six inputs of a tile.
pub(super) struct Input;
/// `A^T`: to the four outputs of a tile.
pub(super) struct Output;
/// `A`: the adjoint of [`Output`].
pub(super) struct OutputAdjoint;
/// `G`: the three weights.
pub(super) struct Weights;
/// `G^T`: the adjoint of [`Weights`].
pub(super) struct WeightsAdjoint;

impl Transform<6, 6> for Input {
    #[inline(always)]
    unsafe fn apply<S: Simd>(x: [S::V; 6]) -> [S::V; 6] {
        // SAFETY: as the caller.
        unsafe {
            let (four, five) = (S::splat(-4.0), S::splat(-5.0));
            let even = S::fma(four, x[2], x[4]);
            let odd = S::fma(four, x[1], x[3]);
            let near = S::sub(x[4], x[2]);
            let half = S::sub(x[3], x[1]);
            let far = S::add(half, half);
            let plus = S::splat(4.0);
            [
                S::fma(plus, x[0], S::fma(five, x[2], x[4])),
                S::add(even, odd),
                S::sub(even, odd),
                S::add(near, far),
                S::sub(near, far),
                S::fma(plus, x[1], S::fma(five, x[3], x[5])),
            ]
        }
    }
}

impl Transform<6, 4> for Output {
    #[inline(always)]
    unsafe fn apply<S: Simd>(x: [S::V; 6]) -> [S::V; 4] {
        // SAFETY: as the caller.
        unsafe {
            let (sum1, difference1) = (S::add(x[1], x[2]), S::sub(x[1], x[2]));
            let (sum2, difference2) = (S::add(x[3], x[4]), S::sub(x[3], x[4]));
            [
                S::add(x[0], S::add(sum1, sum2)),
                S::fma(S::splat(2.0), difference2, difference1),
                S::fma(S::splat(4.0), sum2, sum1),
                S::add(x[5], S::fma(S::splat(8.0), difference2, difference1)),
            ]
        }
    }
}

impl Transform<4, 6> for OutputAdjoint {
    #[inline(always)]
    unsafe fn apply<S: Simd>(y: [S::V; 4]) -> [S::V; 6] {
        // SAFETY: as the caller.
        unsafe {
            let (even, odd) = (S::add(y[0], y[2]), S::add(y[1], y[3]));
            let even2 = S::fma(S::splat(4.0), y[2], y[0]);
            let odd2 = S::fma(S::splat(8.0), y[3], S::add(y[1], y[1]));
            [
                y[0],
                S::add(even, odd),
                S::sub(even, odd),
                S::add(even2, odd2),
                S::sub(even2, odd2),
                y[3],
            ]
        }
    }
}

impl Transform<3, 6> for Weights {
    #[inline(always)]
    unsafe fn apply<S: Simd>(w: [S::V; 3]) -> [S::V; 6] {
        // SAFETY: as the caller.
        unsafe {
            let sixth = S::splat(-1.0 / 6.0);
            let ends = S::add(w[0], w[2]);
            let even = S::fma(
                S::splat(1.0 / 24.0),
                w[0],
                S::mul(S::splat(1.0 / 6.0), w[2]),
            );
            let odd = S::mul(S::splat(1.0 / 12.0), w[1]);
            [
                S::mul(S::splat(0.25), w[0]),
                S::mul(sixth, S::add(ends, w[1])),
                S::mul(sixth, S::sub(ends, w[1])),
                S::add(even, odd),
                S::sub(even, odd),
                w[2],
            ]
        }
    }
}

impl Transform<6, 3> for WeightsAdjoint {
    #[inline(always)]
    unsafe fn apply<S: Simd>(x: [S::V; 6]) -> [S::V; 3] {
        // SAFETY: as the caller.
        unsafe {
            let sixth = S::splat(1.0 / 6.0);
            let (sum1, difference1) = (S::add(x[1], x[2]), S::sub(x[2], x[1]));
            let (sum2, difference2) = (S::add(x[3], x[4]), S::sub(x[3], x[4]));
            let minus = S::splat(-1.0 / 6.0);
            [
                S::fma(
                    S::splat(0.25),
                    x[0],
                    S::fma(S::splat(1.0 / 24.0), sum2, S::mul(minus, sum1)),
                ),
                S::fma(
                    S::splat(1.0 / 12.0),
                    difference2,
                    S::mul(sixth, difference1),
                ),
                S::fma(sixth, S::sub(sum2, sum1), x[5]),
            ]
        }
    }
}

/// A square of values that is read vector by vector.
pub(super) trait Tile<S: Simd> {
    /// # Safety
    ///
    /// As the methods of [`Simd`].
    unsafe fn load(&self, row: usize, column: usize) -> S::V;
}

/// Values at fixed distances.
#[derive(Clone, Copy)]
pub(super) struct Strided {
    pub(super) start: *const f32,
    pub(super) row: usize,
    pub(super) column: usize,
}

impl<S: Simd> Tile<S> for Strided {
    #[inline(always)]
    unsafe fn load(&self, row: usize, column: usize) -> S::V {
        // SAFETY: as the caller.
        unsafe { S::load(self.start.add(row * self.row + column * self.column)) }
    }
}

/// One value at each of the 36 positions, `position` apart; what follows them is read next.
#[derive(Clone, Copy)]
pub(super) struct Positions {
    pub(super) start: *const f32,
    pub(super) position: usize,
}

impl<S: Simd> Tile<S> for Positions {
    #[inline(always)]
    unsafe fn load(&self, row: usize, column: usize) -> S::V {
        // SAFETY: as the caller.
        unsafe {
            let from = self.start.add((row * 6 + column) * self.position);
            // 36 streams are more than the processor follows.
            S::prefetch_near(from.wrapping_add(PANEL));
            S::load(from)
        }
    }
}

/// The transform along the columns: I x I to O x I values. Each column is read when it is
/// transformed, and each row is to be transformed when it is written: all values of a tile
/// are more than the registers hold.
///
/// # Safety
///
/// As the methods of [`Simd`].
#[inline(always)]
pub(super) unsafe fn along_columns<S: Simd, T: Transform<I, O>, const I: usize, const O: usize>(
    tile: &impl Tile<S>,
) -> [[S::V; I]; O] {
    // SAFETY: as the caller.
    unsafe {
        let zero = S::splat(0.0);
        let mut half = [[zero; I]; O];
        for column in 0..I {
            let mut along = [zero; I];
            for row in 0..I {
                along[row] = tile.load(row, column);
            }
            let along = T::apply::<S>(along);
            for row in 0..O {
                half[row][column] = along[row];
            }
        }
        half
    }
}

/// Stores the second half of a transform to 36 positions, `position` apart.
///
/// # Safety
///
/// As the methods of [`Simd`].
#[inline(always)]
pub(super) unsafe fn store_positions<S: Simd, T: Transform<I, 6>, const I: usize>(
    half: [[S::V; I]; 6],
    to: *mut f32,
    position: usize,
) {
    // SAFETY: as the caller.
    unsafe {
        for row in 0..6 {
            let y = T::apply::<S>(half[row]);
            for column in 0..6 {
                let to = to.add((row * 6 + column) * position);
                // What is stored next: 36 streams are more than the processor follows.
                S::prefetch_near(to.wrapping_add(PANEL));
                S::store(to, y[column]);
            }
        }
    }
}
