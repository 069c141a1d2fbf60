//! AVX-512: 32 registers of sixteen values.

use std::arch::x86_64::{
    __m512, _MM_HINT_T0, _MM_HINT_T1, _mm_prefetch, _mm512_add_ps, _mm512_castpd_ps,
    _mm512_castps_pd, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_max_ps, _mm512_mul_ps,
    _mm512_set1_ps, _mm512_setzero_ps, _mm512_shuffle_f32x4, _mm512_storeu_ps, _mm512_sub_ps,
    _mm512_unpackhi_pd, _mm512_unpackhi_ps, _mm512_unpacklo_pd, _mm512_unpacklo_ps,
};

use super::{Simd, Task};

#[derive(Clone, Copy)]
pub(crate) struct Avx512;

/// Runs `task` as compiled for this instruction set.
///
/// # Safety
///
/// The processor has the features named here.
#[target_feature(enable = "avx512f,avx2,fma")]
pub(crate) unsafe fn enter<T: Task>(task: T) -> T::Output {
    // SAFETY: this is the entry of the instruction set.
    unsafe { task.run::<Avx512>() }
}

impl Simd for Avx512 {
    type V = __m512;
    const LANES: usize = 16;
    const ROWS: usize = 14;
    const PANELS: usize = 2;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self::V {
        // SAFETY: only called below `enter`, where the features are there.
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: only called below `enter`, where the features are there.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: only called below `enter`, where the features are there.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: only called below `enter`, where the features are there.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn rectify(a: Self::V) -> Self::V {
        // SAFETY: only called below `enter`, where the features are there.
        // Of a NaN and a number, the second argument is the result.
        unsafe { _mm512_max_ps(_mm512_setzero_ps(), a) }
    }

    #[inline(always)]
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // SAFETY: only called below `enter`, where the features are there.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self::V {
        // SAFETY: below `enter`; the caller gives a pointer to LANES values.
        unsafe { _mm512_loadu_ps(p) }
    }

    #[inline(always)]
    unsafe fn transpose(from: *const f32, stride: usize, to: *mut f32, to_stride: usize) {
        // Lanes of 128 bits: the even and the odd ones of `a`, then of `b`.
        const EVEN: i32 = 0b10_00_10_00;
        const ODD: i32 = 0b11_01_11_01;
        // SAFETY: below `enter`; the caller gives 16 rows of 16 values each way.
        unsafe {
            // No closures: they would be compiled for the base instruction set.
            let mut r = [_mm512_setzero_ps(); 16];
            for (i, row) in r.iter_mut().enumerate() {
                *row = _mm512_loadu_ps(from.add(i * stride));
            }
            // In each lane, pairs of two rows.
            for i in 0..8 {
                let (a, b) = (r[2 * i], r[2 * i + 1]);
                r[2 * i] = _mm512_unpacklo_ps(a, b);
                r[2 * i + 1] = _mm512_unpackhi_ps(a, b);
            }
            // Lane `l` of `r[4 * i + j]` is now column `4 * l + j` of rows `4 * i..4 * i + 4`.
            for i in 0..4 {
                let a = _mm512_castps_pd(r[4 * i]);
                let b = _mm512_castps_pd(r[4 * i + 1]);
                let c = _mm512_castps_pd(r[4 * i + 2]);
                let d = _mm512_castps_pd(r[4 * i + 3]);
                r[4 * i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
                r[4 * i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
                r[4 * i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
                r[4 * i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
            }
            for j in 0..4 {
                let a = _mm512_shuffle_f32x4::<EVEN>(r[j], r[4 + j]);
                let b = _mm512_shuffle_f32x4::<ODD>(r[j], r[4 + j]);
                let c = _mm512_shuffle_f32x4::<EVEN>(r[8 + j], r[12 + j]);
                let d = _mm512_shuffle_f32x4::<ODD>(r[8 + j], r[12 + j]);
                let to = to.add(j * to_stride);
                _mm512_storeu_ps(to, _mm512_shuffle_f32x4::<EVEN>(a, c));
                _mm512_storeu_ps(to.add(4 * to_stride), _mm512_shuffle_f32x4::<EVEN>(b, d));
                _mm512_storeu_ps(to.add(8 * to_stride), _mm512_shuffle_f32x4::<ODD>(a, c));
                _mm512_storeu_ps(to.add(12 * to_stride), _mm512_shuffle_f32x4::<ODD>(b, d));
            }
        }
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
        unsafe { _mm512_storeu_ps(p, v) }
    }
}
