//! ReLU.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::{gradient, stored, values, with_values};

/// Values in one task.
const CHUNK: usize = 1 << 14;

/// As [`crate::ops::relu`].
pub(crate) fn relu(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Relu)
}

struct Relu;

impl CustomOp1 for Relu {
    fn name(&self) -> &'static str {
        "relu"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(x, layout)?;
        let mut y = vec![0.0; x.len()];
        y.par_chunks_mut(CHUNK)
            .zip(x.par_chunks(CHUNK))
            .for_each(|(y, x)| {
                for (y, x) in y.iter_mut().zip(x) {
                    // A NaN stays one.
                    *y = if *x <= 0.0 { 0.0 } else { *x };
                }
            });
        Ok(stored(y, layout.shape()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let mut grad_x = vec![0.0; x.elem_count()];
        with_values(&grad.contiguous()?, |grad| {
            with_values(y, |y| {
                grad_x
                    .par_chunks_mut(CHUNK)
                    .zip(grad.par_chunks(CHUNK).zip(y.par_chunks(CHUNK)))
                    .for_each(|(grad_x, (grad, y))| {
                        for ((grad_x, g), y) in grad_x.iter_mut().zip(grad).zip(y) {
                            *grad_x = if *y > 0.0 { *g } else { 0.0 };
                        }
                    });
                Ok(())
            })
        })?;
        gradient(grad_x, x)
    }
}
