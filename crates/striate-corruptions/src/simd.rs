//! Loops compiled for the best instruction set that the machine has.
//!
//! Invariant: the instruction set changes speed only. Rust never contracts a
//! product and a sum into one rounding, so the bits are the same everywhere.

/// Runs `body`, compiled for the machine's vector instructions.
///
/// Only what is inlined into `body` profits, and only if `body` itself is inlined:
/// it must be a closure marked `#[inline(always)]`.
#[inline(always)]
pub(crate) fn vectorised<R>(body: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(body)
}

/// The first `len` elements of a scratch vector, which grows when it must.
pub(crate) fn sized<T: Clone + Default>(buffer: &mut Vec<T>, len: usize) -> &mut [T] {
    if buffer.len() < len {
        buffer.resize(len, T::default());
    }
    &mut buffer[..len]
}

/// As [`sized`], with room for `most` elements: for a length that the random
/// draws decide, so that a later draw allocates nothing.
pub(crate) fn sized_within<T: Clone + Default>(
    buffer: &mut Vec<T>,
    len: usize,
    most: usize,
) -> &mut [T] {
    buffer.reserve(most.saturating_sub(buffer.len()));
    sized(buffer, len)
}
