//! Writing one slice from several threads, and reusable scratch memory.
//! Invariant: [`SharedMut`] only hands out ranges inside its slice; that ranges
//! of different threads are disjoint is each caller's `SAFETY` duty.

use std::cell::RefCell;
use std::marker::PhantomData;

/// A mutable slice that several threads write at disjoint places.
#[derive(Clone, Copy)]
pub(crate) struct SharedMut<'a> {
    start: *mut f32,
    len: usize,
    slice: PhantomData<&'a mut [f32]>,
}

// SAFETY: it is a pointer to f32 values, which any thread may write; disjointness is
// promised by the callers of the unsafe methods.
unsafe impl Send for SharedMut<'_> {}
// SAFETY: as above.
unsafe impl Sync for SharedMut<'_> {}

impl<'a> SharedMut<'a> {
    pub(crate) fn new(slice: &'a mut [f32]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            len: slice.len(),
            slice: PhantomData,
        }
    }

    /// A pointer to element `offset`, for the `count` elements from there on.
    ///
    /// # Safety
    ///
    /// While the pointer is in use, no other thread touches the elements that
    /// are accessed through it.
    #[inline(always)]
    pub(crate) unsafe fn at(self, offset: usize, count: usize) -> *mut f32 {
        debug_assert!(offset + count <= self.len);
        // SAFETY: the callers stay inside the slice, as asserted.
        unsafe { self.start.add(offset) }
    }
}

thread_local! {
    static SCRATCH: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Scratch memory above this many values (128 MiB) is given back after use.
const KEEP: usize = 32 << 20;

/// Calls `work` with `len` scratch values of unknown (but initialised) content.
///
/// The memory belongs to the thread and is kept for its next call, so no page
/// is cleared or faulted in twice. Calls nest.
pub(crate) fn with_scratch<R>(len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    let mut buffer = SCRATCH
        .with_borrow_mut(|free| free.pop())
        .unwrap_or_default();
    if buffer.len() < len {
        // Not `resize`: the old content need not be copied.
        buffer = vec![0.0; len];
    }
    let result = work(&mut buffer[..len]);
    if buffer.len() <= KEEP {
        SCRATCH.with_borrow_mut(|free| free.push(buffer));
    }
    result
}
