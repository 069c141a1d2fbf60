//! Changes of tensors in place.

use std::cell::RefCell;

use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Tensor};

use super::with_values;

/// Calls `work` with the values of a contiguous f32 CPU tensor, to change them in place.
pub(crate) fn update(tensor: &Tensor, work: impl FnMut(&mut [f32]) -> Result<()>) -> Result<()> {
    tensor.inplace_op1(&Update(RefCell::new(work)))
}

/// `sum += term`, in place.
pub(crate) fn accumulate(sum: &Tensor, term: &Tensor) -> Result<()> {
    let term = term.contiguous()?;
    with_values(&term, |term| {
        update(sum, |sum| {
            if sum.len() != term.len() {
                candle_core::bail!(
                    "a gradient of {} values, expected {}",
                    term.len(),
                    sum.len()
                );
            }
            for (sum, term) in sum.iter_mut().zip(term) {
                *sum += term;
            }
            Ok(())
        })
    })
}

/// Calls `work` with the values of the gradient of `var`.
pub(crate) fn with_gradient(
    var: &Tensor,
    gradient: &Tensor,
    work: impl FnOnce(&[f32]) -> Result<()>,
) -> Result<()> {
    if var.dims() != gradient.dims() {
        candle_core::bail!(
            "a gradient of shape {:?} for a variable of shape {:?}",
            gradient.dims(),
            var.dims()
        );
    }
    with_values(&gradient.contiguous()?, work)
}

struct Update<F>(RefCell<F>);

impl<F: FnMut(&mut [f32]) -> Result<()>> InplaceOp1 for Update<F> {
    fn name(&self) -> &'static str {
        "update"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let (CpuStorage::F32(values), Some((start, end))) = (storage, layout.contiguous_offsets())
        else {
            candle_core::bail!("an update of a tensor that is not contiguous f32");
        };
        (self.0.borrow_mut())(&mut values[start..end])
    }
}
