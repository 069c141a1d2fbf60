//! Convolution and the linear layer.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};
use striate_kernels::{ConvInput, ConvShape, ConvSizes, owned};

use super::{failed, leaf_gradient, some_gradient, stored, values, with_values};
use crate::ops::Conv2dGeometry;

const PLACE: &str = "conv2d";

/// As [`crate::ops::conv2d`].
pub(crate) fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    geometry: &Conv2dGeometry,
) -> Result<Tensor> {
    let op = Conv(shape_of(geometry)?);
    let (x, weight) = (x.contiguous()?, weight.contiguous()?);
    match bias {
        Some(bias) => x.apply_op3(&weight, &bias.contiguous()?, op),
        None => x.apply_op2(&weight, op),
    }
}

/// As [`crate::ops::linear`]: a 1x1 convolution of one row with a pixel for each example.
pub(crate) fn linear(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    [batch, inputs, outputs]: [usize; 3],
) -> Result<Tensor> {
    let geometry = Conv2dGeometry {
        batch: 1,
        height: 1,
        width: batch,
        in_channels: inputs,
        out_channels: outputs,
        kernel_height: 1,
        kernel_width: 1,
        stride: 1,
        padding: 0,
        out_height: 1,
        out_width: batch,
    };
    let x = x.reshape((1, 1, batch, inputs))?;
    let weight = weight.reshape((outputs, 1, 1, inputs))?;
    conv2d(&x, &weight, bias, &geometry)?.reshape((batch, outputs))
}

pub(super) fn shape_of(geometry: &Conv2dGeometry) -> Result<ConvShape> {
    ConvShape::new(ConvSizes {
        batch: geometry.batch,
        height: geometry.height,
        width: geometry.width,
        in_channels: geometry.in_channels,
        out_channels: geometry.out_channels,
        kernel_h: geometry.kernel_height,
        kernel_w: geometry.kernel_width,
        stride: geometry.stride,
        padding: geometry.padding,
    })
    .map_err(failed(PLACE))
}

struct Conv(ConvShape);

impl Conv {
    fn forward(
        &self,
        x: &[f32],
        weight: &[f32],
        bias: Option<&[f32]>,
    ) -> Result<(CpuStorage, Shape)> {
        let x = ConvInput::Map(x);
        let y = owned::conv2d_forward(&self.0, x, weight, bias).map_err(failed(PLACE))?;
        let sizes = self.0.sizes();
        let dims = [
            sizes.batch,
            self.0.out_height(),
            self.0.out_width(),
            sizes.out_channels,
        ];
        Ok(stored(y, &dims))
    }

    fn backward(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: bool,
        grad: &Tensor,
    ) -> Result<ConvGradients> {
        with_values(&grad.contiguous()?, |grad| {
            with_values(x, |values| {
                let x = (ConvInput::Map(values), x.track_op());
                backward(&self.0, x, weight, bias, grad)
            })
        })
    }
}

/// The gradients of the input, the weight and the bias that the graph asks for.
type ConvGradients = (Option<Vec<f32>>, Option<Tensor>, Option<Vec<f32>>);

/// The gradients of a convolution: of the input and the bias if they are wanted, of the
/// weight if the graph asks for it.
pub(super) fn backward(
    shape: &ConvShape,
    (x, wanted): (ConvInput<'_>, bool),
    weight: &Tensor,
    bias: bool,
    grad: &[f32],
) -> Result<ConvGradients> {
    let grad_x = if wanted {
        Some(with_values(weight, |weight| {
            owned::conv2d_backward_input(shape, weight, grad).map_err(failed(PLACE))
        })?)
    } else {
        None
    };
    let mut grad_bias = bias.then(|| vec![0.0; shape.sizes().out_channels]);
    // The kernel sums both from one reading; a bias alone is rare enough not to matter.
    let grad_weight = if weight.track_op() || bias {
        let grad_weight = owned::conv2d_backward_weight(shape, x, grad, grad_bias.as_deref_mut())
            .map_err(failed(PLACE))?;
        leaf_gradient(grad_weight, weight)?
    } else {
        None
    };
    Ok((grad_x, grad_weight, grad_bias))
}

impl CustomOp2 for Conv {
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
        self.forward(values(x, x_layout)?, values(weight, weight_layout)?, None)
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _y: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (x_grad, weight_grad, _) = self.backward(x, weight, false, grad)?;
        Ok((some_gradient(x_grad, x)?, weight_grad))
    }
}

impl CustomOp3 for Conv {
    fn name(&self) -> &'static str {
        PLACE
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.forward(
            values(x, x_layout)?,
            values(weight, weight_layout)?,
            Some(values(bias, bias_layout)?),
        )
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _y: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (x_grad, weight_grad, bias_grad) = self.backward(x, weight, bias.track_op(), grad)?;
        Ok((
            some_gradient(x_grad, x)?,
            weight_grad,
            some_gradient(bias_grad, bias)?,
        ))
    }
}
