//! AVX2 with fused multiply-add: 16 registers of eight values.

use std::arch::x86_64::{
    __m256, _MM_HINT_T0, _MM_HINT_T1, _mm_prefetch, _mm256_add_ps, _mm256_fmadd_ps,
    _mm256_loadu_ps, _mm256_max_ps, _mm256_mul_ps, _mm256_set1_ps, _mm256_setzero_ps,
    _mm256_storeu_ps, _mm256_sub_ps,
};

use super::{Simd, Task};

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
