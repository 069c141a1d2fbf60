//! Vectors of f32 behind one trait, and the call of code compiled for an
//! instruction set. Invariant: code generic over [`Simd`] is inlined into
//! [`dispatch`], the only place where an instruction set is entered.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use crate::cpu::{Isa, Kind};

/// Columns of one panel: what a micro-kernel computes side by side, and the
/// channels that a transform handles together.
pub(crate) const PANEL: usize = 16;

/// Vectors of one instruction set.
///
/// All methods are `unsafe` for the same reason: they may run only inside code
/// that was entered by [`dispatch`] with an [`Isa`] of the implementor. Loads
/// and stores also need `LANES` values behind their pointer.
pub(crate) trait Simd: Copy + 'static {
    /// A vector of `LANES` values.
    type V: Copy;
    /// Values in a vector; divides [`PANEL`].
    const LANES: usize;
    /// Rows of the micro-kernel: as many as the registers hold.
    const ROWS: usize;
    /// Panels that the micro-kernel computes side by side: two vectors in all.
    const PANELS: usize;

    unsafe fn splat(x: f32) -> Self::V;
    unsafe fn load(p: *const f32) -> Self::V;
    unsafe fn store(p: *mut f32, v: Self::V);
    /// Asks for the cache line of `p`, which need not be valid, in the second-level cache.
    fn prefetch(p: *const f32);
    /// As [`prefetch`](Self::prefetch), in the first-level cache.
    fn prefetch_near(p: *const f32);
    /// Writes the `PANEL x PANEL` values that lie in rows `stride` apart as columns: row `i`
    /// of the result, `to_stride` apart, holds value `i` of every row.
    #[inline(always)]
    unsafe fn transpose(from: *const f32, stride: usize, to: *mut f32, to_stride: usize) {
        for row in 0..PANEL {
            for column in 0..PANEL {
                // SAFETY: by the caller, both hold PANEL rows of PANEL values.
                unsafe {
                    *to.add(column * to_stride + row) = *from.add(row * stride + column);
                }
            }
        }
    }
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    /// `max(a, 0)`; a NaN stays one.
    unsafe fn rectify(a: Self::V) -> Self::V;
    /// `a * b + c`
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
}

/// Loads `count` values, at most a vector of them, with zeros behind fewer.
///
/// # Safety
///
/// As the methods of [`Simd`]; `count` values behind the pointer.
#[inline(always)]
pub(crate) unsafe fn load_some<S: Simd>(p: *const f32, count: usize) -> S::V {
    // SAFETY: as the caller; only `count` values are read.
    unsafe {
        if count >= S::LANES {
            return S::load(p);
        }
        let mut buffer = [0.0; PANEL];
        std::ptr::copy_nonoverlapping(p, buffer.as_mut_ptr(), count);
        S::load(buffer.as_ptr())
    }
}

/// Stores the first `count` values, at most the whole vector.
///
/// # Safety
///
/// As the methods of [`Simd`]; `count` values behind the pointer.
#[inline(always)]
pub(crate) unsafe fn store_some<S: Simd>(p: *mut f32, v: S::V, count: usize) {
    // SAFETY: as the caller; only `count` values are written.
    unsafe {
        if count >= S::LANES {
            return S::store(p, v);
        }
        let mut buffer = [0.0; PANEL];
        S::store(buffer.as_mut_ptr(), v);
        std::ptr::copy_nonoverlapping(buffer.as_ptr(), p, count);
    }
}

/// Work that is compiled once for every instruction set.
pub(crate) trait Task {
    type Output;

    /// Does the work. Implementations are `#[inline(always)]`, else they would
    /// be compiled for the base instruction set.
    ///
    /// # Safety
    ///
    /// Called by [`dispatch`] only.
    unsafe fn run<S: Simd>(self) -> Self::Output;
}

/// Runs `task` as compiled for `isa`.
pub(crate) fn dispatch<T: Task>(isa: Isa, task: T) -> T::Output {
    match isa.0 {
        // SAFETY: the portable vectors need no instruction set.
        Kind::Portable => unsafe { task.run::<portable::Portable>() },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a value of Isa exists only for detected instruction sets.
        Kind::Avx2 => unsafe { avx2::enter(task) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Kind::Avx512 => unsafe { avx512::enter(task) },
    }
}

/// Defines a function whose plain loops are compiled for each instruction set; the first
/// argument of a call chooses. In the body, `LANES` is the number of values in a vector.
macro_rules! vectorised {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $body:block) => {
        $(#[$doc])*
        $vis fn $name(isa: crate::cpu::Isa, $($arg: $type),*) {
            #[inline(always)]
            fn base<const LANES: usize>($($arg: $type),*) $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($arg: $type),*) {
                base::<8>($($arg),*);
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx2,fma")]
            fn avx512($($arg: $type),*) {
                base::<16>($($arg),*);
            }

            match isa.0 {
                crate::cpu::Kind::Portable => base::<8>($($arg),*),
                #[cfg(target_arch = "x86_64")]
                // SAFETY: the other values of Isa exist only where these were detected.
                crate::cpu::Kind::Avx2 => unsafe { avx2($($arg),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                crate::cpu::Kind::Avx512 => unsafe { avx512($($arg),*) },
            }
        }
    };
}
pub(crate) use vectorised;
