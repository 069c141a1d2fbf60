//! Maximum pooling.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use striate_kernels as kernels;
use striate_kernels::MapShape;

use super::{Saved, failed, gradient, stored, values, with_values};

/// As [`crate::ops::max_pool_2x2`].
pub(crate) fn max_pool_2x2(x: &Tensor, dims: [usize; 4]) -> Result<Tensor> {
    let shape = MapShape::new(dims).map_err(failed("max_pool_2x2"))?;
    x.contiguous()?.apply_op1(Pool2x2(shape))
}

/// As [`crate::ops::global_max_pool`].
pub(crate) fn global_max_pool(x: &Tensor, dims: [usize; 4]) -> Result<Tensor> {
    let shape = MapShape::new(dims).map_err(failed("global_max_pool"))?;
    x.contiguous()?.apply_op1(GlobalPool {
        shape,
        pixel: Saved::empty(),
    })
}

struct Pool2x2(MapShape);

impl CustomOp1 for Pool2x2 {
    fn name(&self) -> &'static str {
        "max_pool_2x2"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut y = vec![0.0; self.0.pooled_len()];
        kernels::max_pool_2x2_forward(&self.0, values(x, layout)?, &mut y)
            .map_err(failed("max_pool_2x2"))?;
        let [b, h, w, c] = self.0.dims();
        Ok(stored(y, (b, h / 2, w / 2, c)))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let mut grad_x = vec![0.0; self.0.len()];
        with_values(&grad.contiguous()?, |grad| {
            with_values(x, |x| {
                kernels::max_pool_2x2_backward(&self.0, x, grad, &mut grad_x)
                    .map_err(failed("max_pool_2x2"))
            })
        })?;
        gradient(grad_x, x)
    }
}

struct GlobalPool {
    shape: MapShape,
    /// Which pixel was the largest.
    pixel: Saved<Vec<u32>>,
}

impl CustomOp1 for GlobalPool {
    fn name(&self) -> &'static str {
        "global_max_pool"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let [batch, _, _, channels] = self.shape.dims();
        let mut y = vec![0.0; batch * channels];
        let mut pixel = vec![0; batch * channels];
        kernels::global_max_pool_forward(&self.shape, values(x, layout)?, &mut y, &mut pixel)
            .map_err(failed("global_max_pool"))?;
        self.pixel.keep(pixel);
        Ok(stored(y, (batch, channels)))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let mut grad_x = vec![0.0; self.shape.len()];
        with_values(&grad.contiguous()?, |grad| {
            self.pixel.with(|pixel| {
                kernels::global_max_pool_backward(&self.shape, grad, pixel, &mut grad_x)
                    .map_err(failed("global_max_pool"))
            })
        })?;
        gradient(grad_x, x)
    }
}
