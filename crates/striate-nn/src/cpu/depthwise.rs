//! Depthwise convolution.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use striate_kernels as kernels;
use striate_kernels::DepthwiseShape;

use super::{failed, some_gradient, stored, values, with_values};
use crate::ops::DepthwiseGeometry;

const PLACE: &str = "depthwise_conv2d";

/// As [`crate::ops::depthwise_conv2d`].
pub(crate) fn depthwise_conv2d(
    x: &Tensor,
    weight: &Tensor,
    geometry: &DepthwiseGeometry,
) -> Result<Tensor> {
    let DepthwiseGeometry {
        input,
        kernel,
        stride,
        padding,
        dilation,
        ..
    } = *geometry;
    let shape =
        DepthwiseShape::new(input, kernel, stride, padding, dilation).map_err(failed(PLACE))?;
    x.contiguous()?
        .apply_op2(&weight.contiguous()?, Depthwise(shape))
}

struct Depthwise(DepthwiseShape);

impl CustomOp2 for Depthwise {
    fn name(&self) -> &'static str {
        PLACE
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let mut y = vec![0.0; self.0.output().len()];
        let (x, weight) = (values(x, x_layout)?, values(weight, weight_layout)?);
        kernels::depthwise_forward(&self.0, x, weight, &mut y).map_err(failed(PLACE))?;
        Ok(stored(y, self.0.output().dims().to_vec()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _y: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let grad = grad.contiguous()?;
        let zeros = |of: &Tensor| of.track_op().then(|| vec![0.0; of.elem_count()]);
        let (mut grad_x, mut grad_weight) = (zeros(x), zeros(weight));
        with_values(&grad, |grad| {
            if let Some(grad_x) = &mut grad_x {
                with_values(weight, |weight| {
                    kernels::depthwise_backward_input(&self.0, grad, weight, grad_x)
                        .map_err(failed(PLACE))
                })?;
            }
            if let Some(grad_weight) = &mut grad_weight {
                with_values(x, |x| {
                    kernels::depthwise_backward_weight(&self.0, x, grad, grad_weight)
                        .map_err(failed(PLACE))
                })?;
            }
            Ok(())
        })?;
        Ok((
            some_gradient(grad_x, x)?,
            some_gradient(grad_weight, weight)?,
        ))
    }
}
