//! The fast path: the project's kernels as candle operations on f32 tensors of
//! the CPU. Invariant: every sum has one order, given by the shapes alone, so
//! the bits do not depend on the number of threads.

mod conv2d;
mod conv_block;
mod depthwise;
mod leaves;
mod pool;
mod readout;
mod relu;
mod sample;
mod update;

use std::sync::{Mutex, PoisonError};

use candle_core::{CpuStorage, DType, Device, Layout, Shape, Storage, Tensor};

pub(crate) use conv_block::{Block, Map, Normalisation, Statistics, conv_block};
pub(crate) use conv2d::{conv2d, linear};
pub(crate) use depthwise::depthwise_conv2d;
pub(crate) use leaves::collect;
use leaves::leaf_gradient;
pub(crate) use pool::{global_max_pool, max_pool_2x2};
pub(crate) use readout::weighted_sum;
pub(crate) use relu::relu;
pub(crate) use sample::bilinear_sample;
pub(crate) use update::{accumulate, update, with_gradient};

use crate::Backend;

/// Whether the kernels can compute an operation on these tensors.
pub(crate) fn applies(backend: Backend, tensors: &[&Tensor]) -> bool {
    backend == Backend::Auto
        && tensors
            .iter()
            .all(|t| t.device().is_cpu() && t.dtype() == DType::F32 && t.elem_count() > 0)
}

/// The values of a contiguous argument of a custom operation.
fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> candle_core::Result<&'a [f32]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        candle_core::bail!("a kernel's argument is not contiguous");
    };
    Ok(&storage.as_slice::<f32>()?[start..end])
}

/// Calls `work` with the values of a contiguous CPU tensor, without a copy.
fn with_values<R>(
    tensor: &Tensor,
    work: impl FnOnce(&[f32]) -> candle_core::Result<R>,
) -> candle_core::Result<R> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => work(values(storage, layout)?),
        _ => candle_core::bail!("a kernel's argument is not on the CPU"),
    }
}

/// The result of a kernel as the storage of a custom operation.
fn stored(values: Vec<f32>, shape: impl Into<Shape>) -> (CpuStorage, Shape) {
    (CpuStorage::F32(values), shape.into())
}

/// The result of a kernel as a gradient.
fn gradient(values: Vec<f32>, of: &Tensor) -> candle_core::Result<Option<Tensor>> {
    Tensor::from_vec(values, of.shape(), &Device::Cpu).map(Some)
}

/// The result of a kernel as a gradient, if there is one.
fn some_gradient(values: Option<Vec<f32>>, of: &Tensor) -> candle_core::Result<Option<Tensor>> {
    values.map_or(Ok(None), |values| gradient(values, of))
}

/// The error of a kernel in candle's terms.
pub(crate) fn failed(
    place: &'static str,
) -> impl FnOnce(striate_kernels::Error) -> candle_core::Error {
    move |error| {
        crate::Error::Kernel {
            place,
            message: error.to_string(),
        }
        .into()
    }
}

/// What a forward pass keeps for the backward pass.
struct Saved<T>(Mutex<Option<T>>);

impl<T> Saved<T> {
    fn empty() -> Self {
        Self(Mutex::new(None))
    }

    fn keep(&self, value: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }

    fn with<R>(&self, work: impl FnOnce(&T) -> candle_core::Result<R>) -> candle_core::Result<R> {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(value) => work(value),
            None => candle_core::bail!("a backward pass without its forward pass"),
        }
    }
}
