//! Gradients of variables beside candle's graph.
//!
//! Candle adds each gradient to zeros: memory is cleared, read and written once more for
//! each. While [`collect`] runs a backward pass,
//! an operation that computes the gradient of a variable keeps it here instead.
//! Invariant: a gradient is kept either here or by candle, never in both.

use std::cell::RefCell;
use std::collections::HashMap;

use candle_core::{Device, Result, Tensor, TensorId};

use super::{accumulate, gradient};

/// The variables whose gradients are kept, and those that there are.
type Leaves = HashMap<TensorId, Option<Tensor>>;

thread_local! {
    static LEAVES: RefCell<Option<Leaves>> = const { RefCell::new(None) };
}

/// Runs a backward pass. Besides its result: the gradients of `variables` that operations
/// of this module computed in it; candle does not know of them.
pub(crate) fn collect<R>(
    variables: impl Iterator<Item = TensorId>,
    pass: impl FnOnce() -> R,
) -> (R, HashMap<TensorId, Tensor>) {
    struct Restore(Option<Leaves>);
    impl Drop for Restore {
        fn drop(&mut self) {
            LEAVES.replace(self.0.take());
        }
    }
    let restore = Restore(LEAVES.replace(Some(variables.map(|id| (id, None)).collect())));
    let result = pass();
    let leaves = LEAVES.take().unwrap_or_default();
    drop(restore);
    let found = leaves.into_iter().filter_map(|(id, sum)| Some((id, sum?)));
    (result, found.collect())
}

/// The gradient of an argument for candle; none if it is a variable whose gradients are
/// kept here.
pub(super) fn leaf_gradient(values: Vec<f32>, of: &Tensor) -> Result<Option<Tensor>> {
    LEAVES.with_borrow_mut(|leaves| {
        let Some(sum) = leaves.as_mut().and_then(|leaves| leaves.get_mut(&of.id())) else {
            return gradient(values, of);
        };
        let term = Tensor::from_vec(values, of.shape(), &Device::Cpu)?;
        match sum {
            Some(sum) => accumulate(sum, &term)?,
            None => *sum = Some(term),
        }
        Ok(None)
    })
}
