//! Loops compiled for the best instruction set that the machine has.
//!
//! Invariant: the instruction set changes speed only. Rust never contracts a
//! product and a sum into one rounding, so the bits are the same everywhere.

/// Runs `body`, compiled for the machine's vector instructions.
///
/// Only what is inlined into `body` profits.
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
