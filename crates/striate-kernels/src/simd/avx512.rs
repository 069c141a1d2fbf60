//! AVX-512: 32 registers of sixteen values.

use std::arch::x86_64::{
    __m512, _MM_HINT_T1, _mm_prefetch, _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_mul_ps, _mm512_set1_ps, _mm512_storeu_ps, _mm512_sub_ps,
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
