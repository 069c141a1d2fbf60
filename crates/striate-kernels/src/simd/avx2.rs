//! AVX2 with fused multiply-add: 16 registers of eight values.

use std::arch::x86_64::{
    __m256, _MM_HINT_T0, _MM_HINT_T1, _mm_prefetch, _mm256_add_ps, _mm256_castpd_ps,
    _mm256_castps_pd, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_max_ps, _mm256_mul_ps,
    _mm256_permute2f128_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps, _mm256_sub_ps,
    _mm256_unpackhi_pd, _mm256_unpackhi_ps, _mm256_unpacklo_pd, _mm256_unpacklo_ps,
};

use super::{PANEL, Simd, Task};

#[derive(Clone, Copy)]
pub(crate) struct Avx2;

/// Runs `task` as compiled for this instruction set.
///
/// # Safety
///
/// The processor has the features named here.
#[target_feature(enable = "avx2,fma")]
pub(crate) unsafe fn enter<T: Task>(task: T) -> T::Output {
    // SAFETY: this is the entry of the instruction set.
    unsafe { task.run::<Avx2>() }
}

impl Simd for Avx2 {
    type V = __m256;
    const LANES: usize = 8;
    const ROWS: usize = 6;
    const PANELS: usize = 1;

    #[inline(always)]
    unsafe fn transpose(from: *const f32, stride: usize, to: *mut f32, to_stride: usize) {
        for row in (0..PANEL).step_by(Self::LANES) {
            for column in (0..PANEL).step_by(Self::LANES) {
                // SAFETY: below `enter`; the caller gives PANEL rows of PANEL values each way.
                unsafe {
                    let from = from.add(row * stride + column);
                    transpose_block(from, stride, to.add(column * to_stride + row), to_stride);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self::V {
        // SAFETY: only called below `enter`, where the features are there.
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: only called below `enter`, where the features are there.
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: only called below `enter`, where the features are there.
        unsafe { _mm256_sub_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: only called below `enter`, where the features are there.
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn rectify(a: Self::V) -> Self::V {
        // SAFETY: only called below `enter`, where the features are there.
        // Of a NaN and a number, the second argument is the result.
        unsafe { _mm256_max_ps(_mm256_setzero_ps(), a) }
    }

    #[inline(always)]
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // SAFETY: only called below `enter`, where the features are there.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self::V {
        // SAFETY: below `enter`; the caller gives a pointer to LANES values.
        unsafe { _mm256_loadu_ps(p) }
    }

    #[inline(always)]
    fn prefetch_near(p: *const f32) {
        // SAFETY: a hint; no address faults, and every x86-64 has the instruction.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) };
    }

    #[inline(always)]
    fn prefetch(p: *const f32) {
        // SAFETY: a hint; no address faults, and every x86-64 has the instruction.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(p.cast()) };
    }

    #[inline(always)]
    unsafe fn store(p: *mut f32, v: Self::V) {
        // SAFETY: as in `load`.
        unsafe { _mm256_storeu_ps(p, v) }
    }
}

/// As [`Simd::transpose`], of 8 rows of 8 values.
#[inline(always)]
unsafe fn transpose_block(from: *const f32, stride: usize, to: *mut f32, to_stride: usize) {
    // Halves of two vectors: the lower ones, and the upper ones.
    const LOWER: i32 = 0x20;
    const UPPER: i32 = 0x31;
    // SAFETY: below `enter`; the caller gives 8 rows of 8 values each way.
    unsafe {
        // No closures: they would be compiled for the base instruction set.
        let mut r = [_mm256_setzero_ps(); 8];
        for (i, row) in r.iter_mut().enumerate() {
            *row = _mm256_loadu_ps(from.add(i * stride));
        }
        // In each half, pairs of two rows.
        for i in 0..4 {
            let (a, b) = (r[2 * i], r[2 * i + 1]);
            r[2 * i] = _mm256_unpacklo_ps(a, b);
            r[2 * i + 1] = _mm256_unpackhi_ps(a, b);
        }
        // Half `h` of `r[4 * i + j]` is now column `4 * h + j` of rows `4 * i..4 * i + 4`.
        for i in 0..2 {
            let a = _mm256_castps_pd(r[4 * i]);
            let b = _mm256_castps_pd(r[4 * i + 1]);
            let c = _mm256_castps_pd(r[4 * i + 2]);
            let d = _mm256_castps_pd(r[4 * i + 3]);
            r[4 * i] = _mm256_castpd_ps(_mm256_unpacklo_pd(a, c));
            r[4 * i + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(a, c));
            r[4 * i + 2] = _mm256_castpd_ps(_mm256_unpacklo_pd(b, d));
            r[4 * i + 3] = _mm256_castpd_ps(_mm256_unpackhi_pd(b, d));
        }
        for j in 0..4 {
            let to = to.add(j * to_stride);
            let lower = _mm256_permute2f128_ps::<LOWER>(r[j], r[4 + j]);
            let upper = _mm256_permute2f128_ps::<UPPER>(r[j], r[4 + j]);
            _mm256_storeu_ps(to, lower);
            _mm256_storeu_ps(to.add(4 * to_stride), upper);
        }
    }
}
