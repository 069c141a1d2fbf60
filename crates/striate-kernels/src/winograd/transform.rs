//! The one-dimensional transforms of F(4, 3) with the points 0, 1, -1, 2, -2 and
//! infinity, and their application along both axes of a tile.

use crate::simd::Simd;

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

/// The transform along both axes: I x I to O x O values.
///
/// # Safety
///
/// As the methods of [`Simd`].
#[inline(always)]
pub(super) unsafe fn both_axes<S: Simd, T: Transform<I, O>, const I: usize, const O: usize>(
    x: [[S::V; I]; I],
) -> [[S::V; O]; O] {
    // SAFETY: as the caller.
    unsafe {
        let zero = S::splat(0.0);
        let mut half = [[zero; I]; O];
        for column in 0..I {
            let mut along = [zero; I];
            for row in 0..I {
                along[row] = x[row][column];
            }
            let along = T::apply::<S>(along);
            for row in 0..O {
                half[row][column] = along[row];
            }
        }
        let mut y = [[zero; O]; O];
        for row in 0..O {
            y[row] = T::apply::<S>(half[row]);
        }
        y
    }
}

/// Loads `count` values, zeros behind them.
///
/// # Safety
///
/// As the methods of [`Simd`]; `count` values behind the pointer.
#[inline(always)]
pub(super) unsafe fn load<S: Simd>(p: *const f32, count: usize) -> S::V {
    // SAFETY: as the caller; only `count` values are read.
    unsafe {
        if count >= S::LANES {
            return S::load(p);
        }
        let mut buffer = [0.0; crate::simd::PANEL];
        std::ptr::copy_nonoverlapping(p, buffer.as_mut_ptr(), count);
        S::load(buffer.as_ptr())
    }
}

/// Stores the first `count` values.
///
/// # Safety
///
/// As the methods of [`Simd`]; `count` values behind the pointer.
#[inline(always)]
pub(super) unsafe fn store<S: Simd>(p: *mut f32, v: S::V, count: usize) {
    // SAFETY: as the caller; only `count` values are written.
    unsafe {
        if count >= S::LANES {
            return S::store(p, v);
        }
        let mut buffer = [0.0; crate::simd::PANEL];
        S::store(buffer.as_mut_ptr(), v);
        std::ptr::copy_nonoverlapping(buffer.as_ptr(), p, count);
    }
}
