//! Functions of one element. Invariant: on the CPU in f32 one pass over memory computes the
//! function, and one its gradient; elsewhere candle's operations do.

use candle_core::{CpuStorage, CustomOp1, DType, Layout, Shape, Tensor, bail};
use rayon::prelude::*;
use striate_nn::ops::relu;

use crate::Result;
use crate::op::Op;

/// Elements of one task: they fit into a core's cache.
const CHUNK: usize = 16 << 10;

/// Computes a function of one element.
pub(crate) fn apply(op: &Op, x: &Tensor) -> Result<Tensor> {
    let on_cpu = x.device().is_cpu() && x.dtype() == DType::F32;
    match Curve::of(op) {
        Some(curve) if on_cpu => Ok(x.apply_op1(curve)?),
        _ => Ok(composed(op, x)?),
    }
}

/// A function with its derivative.
#[derive(Clone, Copy, Debug)]
enum Curve {
    Sigmoid,
    Silu,
    Gelu,
    GeluTanh,
    Hardswish,
    Hardsigmoid,
    Tanh,
    Erf,
    Softplus { beta: f32, threshold: f32 },
    LeakyRelu { slope: f32 },
    Elu { alpha: f32 },
    Clamp { low: f32, high: f32 },
    Scale { factor: f32, add: f32 },
}

impl Curve {
    fn of(op: &Op) -> Option<Self> {
        Some(match *op {
            Op::Sigmoid => Self::Sigmoid,
            Op::Silu => Self::Silu,
            Op::Gelu => Self::Gelu,
            Op::GeluTanh => Self::GeluTanh,
            Op::Hardswish => Self::Hardswish,
            Op::Hardsigmoid => Self::Hardsigmoid,
            Op::Tanh => Self::Tanh,
            Op::Erf => Self::Erf,
            Op::Softplus { beta, threshold } => Self::Softplus {
                beta: beta as f32,
                threshold: threshold as f32,
            },
            Op::LeakyRelu { slope } => Self::LeakyRelu {
                slope: slope as f32,
            },
            Op::Elu { alpha } => Self::Elu {
                alpha: alpha as f32,
            },
            Op::Clamp { low, high } => Self::Clamp {
                low: low.map_or(f32::NEG_INFINITY, |v| v as f32),
                high: high.map_or(f32::INFINITY, |v| v as f32),
            },
            Op::Scale { factor, add } => Self::Scale {
                factor: factor as f32,
                add: add as f32,
            },
            _ => return None,
        })
    }

    fn forward(self, x: &[f32]) -> Vec<f32> {
        match self {
            Self::Sigmoid => map(x, sigmoid),
            Self::Silu => map(x, |v| v * sigmoid(v)),
            Self::Gelu => map(x, |v| v * normal(v)),
            Self::GeluTanh => map(x, |v| 0.5 * v * (1.0 + gelu_inner(v).tanh())),
            Self::Hardswish => map(x, |v| v * hardsigmoid(v)),
            Self::Hardsigmoid => map(x, hardsigmoid),
            Self::Tanh => map(x, f32::tanh),
            Self::Erf => map(x, erf),
            Self::Softplus { beta, threshold } => map(x, |v| match v * beta > threshold {
                true => v,
                false => (v * beta).exp().ln_1p() / beta,
            }),
            Self::LeakyRelu { slope } => map(x, |v| if v > 0.0 { v } else { slope * v }),
            Self::Elu { alpha } => map(x, |v| if v > 0.0 { v } else { alpha * v.exp_m1() }),
            Self::Clamp { low, high } => map(x, |v| v.clamp(low, high)),
            Self::Scale { factor, add } => map(x, |v| v * factor + add),
        }
    }

    fn backward(self, x: &[f32], g: &[f32]) -> Vec<f32> {
        match self {
            Self::Sigmoid => map2(x, g, |v| sigmoid(v) * (1.0 - sigmoid(v))),
            Self::Silu => map2(x, g, |v| {
                let s = sigmoid(v);
                s * (1.0 + v * (1.0 - s))
            }),
            Self::Gelu => map2(x, g, |v| normal(v) + v * INV_SQRT_TAU * exp(-0.5 * v * v)),
            Self::GeluTanh => map2(x, g, |v| {
                let t = gelu_inner(v).tanh();
                let slope = SQRT_2_OVER_PI * (1.0 + 3.0 * 0.044_715 * v * v);
                0.5 * (1.0 + t) + 0.5 * v * (1.0 - t * t) * slope
            }),
            Self::Hardswish => map2(x, g, |v| match v {
                v if v <= -3.0 => 0.0,
                v if v < 3.0 => v / 3.0 + 0.5,
                _ => 1.0,
            }),
            Self::Hardsigmoid => map2(x, g, |v| match v > -3.0 && v < 3.0 {
                true => 1.0 / 6.0,
                false => 0.0,
            }),
            Self::Tanh => map2(x, g, |v| 1.0 - v.tanh() * v.tanh()),
            Self::Erf => map2(x, g, |v| std::f32::consts::FRAC_2_SQRT_PI * exp(-v * v)),
            Self::Softplus { beta, threshold } => map2(x, g, |v| match v * beta > threshold {
                true => 1.0,
                false => sigmoid(v * beta),
            }),
            Self::LeakyRelu { slope } => map2(x, g, |v| if v > 0.0 { 1.0 } else { slope }),
            Self::Elu { alpha } => map2(x, g, |v| if v > 0.0 { 1.0 } else { alpha * exp(v) }),
            Self::Clamp { low, high } => map2(x, g, |v| match v > low && v < high {
                true => 1.0,
                false => 0.0,
            }),
            Self::Scale { factor, .. } => map2(x, g, |_| factor),
        }
    }
}

impl CustomOp1 for Curve {
    fn name(&self) -> &'static str {
        "curve"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let y = self.forward(values(x, layout)?);
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, g: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let (x, g) = (x.contiguous()?, g.contiguous()?);
        with_values(&x, |values| {
            let gradient = with_values(&g, |g| Ok(self.backward(values, g)))?;
            Tensor::from_vec(gradient, x.shape(), x.device()).map(Some)
        })
    }
}

/// The values of a contiguous argument.
pub(super) fn values<'a>(
    storage: &'a CpuStorage,
    layout: &Layout,
) -> candle_core::Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("an operation's argument is not contiguous"),
    }
}

/// Calls `work` with the values of a contiguous tensor of the CPU.
pub(super) fn with_values<R>(
    tensor: &Tensor,
    work: impl FnOnce(&[f32]) -> candle_core::Result<R>,
) -> candle_core::Result<R> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        candle_core::Storage::Cpu(storage) => work(values(storage, layout)?),
        _ => bail!("an operation's argument is not on the CPU"),
    }
}

fn map(x: &[f32], f: impl Fn(f32) -> f32 + Sync) -> Vec<f32> {
    let mut y = vec![0.0; x.len()];
    y.par_chunks_mut(CHUNK)
        .zip(x.par_chunks(CHUNK))
        .for_each(|(y, x)| {
            for (y, x) in y.iter_mut().zip(x) {
                *y = f(*x);
            }
        });
    y
}

/// The gradient: `g` times the derivative at `x`.
fn map2(x: &[f32], g: &[f32], slope: impl Fn(f32) -> f32 + Sync) -> Vec<f32> {
    let mut y = vec![0.0; x.len()];
    y.par_chunks_mut(CHUNK)
        .zip(x.par_chunks(CHUNK).zip(g.par_chunks(CHUNK)))
        .for_each(|(y, (x, g))| {
            for ((y, x), g) in y.iter_mut().zip(x).zip(g) {
                *y = *g * slope(*x);
            }
        });
    y
}

const SQRT_2_OVER_PI: f32 = 0.797_884_6;
const INV_SQRT_TAU: f32 = 0.398_942_3;

/// `e^x` for arguments in -87 to 88, others clipped; to 1e-7 of its value. Unlike the one of the standard library it
/// is no call, so that a loop of it is vectorised (after Cephes).
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Adding 1.5 * 2^23 rounds to an integer, which then stands in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_2e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 0.166_666_66;
    let p = p * r + 0.5;
    let scale = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    (p * r * r + r + 1.0) * scale
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

#[inline(always)]
fn hardsigmoid(x: f32) -> f32 {
    (x + 3.0).clamp(0.0, 6.0) / 6.0
}

/// The error function to 2e-7 (Abramowitz and Stegun 7.1.26).
#[inline(always)]
fn erf(x: f32) -> f32 {
    let a = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * a);
    let p = 1.061_405_4;
    let p = p * t - 1.453_152;
    let p = p * t + 1.421_413_8;
    let p = p * t - 0.284_496_74;
    let p = p * t + 0.254_829_6;
    (1.0 - p * t * exp(-a * a)).copysign(x)
}

/// The normal distribution function.
#[inline(always)]
fn normal(x: f32) -> f32 {
    0.5 * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

#[inline(always)]
fn gelu_inner(x: f32) -> f32 {
    SQRT_2_OVER_PI * (x + 0.044_715 * x * x * x)
}

/// The functions of candle's operations.
pub(super) fn composed(op: &Op, x: &Tensor) -> candle_core::Result<Tensor> {
    let sigmoid = |x: &Tensor| (x.neg()?.exp()? + 1.0)?.recip();
    let hardsigmoid = |x: &Tensor| clamp(&x.affine(1.0 / 6.0, 0.5)?, Some(0.0), Some(1.0));
    match *op {
        Op::Relu => Ok(relu(x)?),
        Op::Sigmoid => sigmoid(x),
        Op::Silu => x * sigmoid(x)?,
        Op::Gelu => x.gelu_erf(),
        Op::GeluTanh => x.gelu(),
        Op::Hardswish => x * hardsigmoid(x)?,
        Op::Hardsigmoid => hardsigmoid(x),
        Op::Tanh => x.tanh(),
        Op::Erf => x.erf(),
        Op::Exp => x.exp(),
        Op::Log => x.log(),
        Op::Sqrt => x.sqrt(),
        Op::Rsqrt => x.sqrt()?.recip(),
        Op::Reciprocal => x.recip(),
        Op::Neg => x.neg(),
        Op::Abs => x.abs(),
        Op::Sin => x.sin(),
        Op::Cos => x.cos(),
        Op::Pow { exponent: 2.0 } => x.sqr(),
        Op::Pow { exponent } => x.powf(exponent),
        Op::Scale { factor, add } => x.affine(factor, add),
        Op::Softplus { beta, threshold } => {
            let z = (x * beta)?;
            // The exponential sees no large argument: inf * 0 would spoil the gradient.
            let large = z.detach().gt(threshold)?;
            let small = large.where_cond(&z.zeros_like()?.detach(), &z)?;
            let curved = ((small.exp()? + 1.0)?.log()? / beta)?;
            large.where_cond(x, &curved)
        }
        Op::LeakyRelu { slope } => x.detach().gt(0.0)?.where_cond(x, &(x * slope)?),
        Op::Elu { alpha } => {
            let positive = x.detach().gt(0.0)?;
            let negative = positive.where_cond(&x.zeros_like()?.detach(), x)?;
            positive.where_cond(x, &((negative.exp()? - 1.0)? * alpha)?)
        }
        Op::Clamp { low, high } => clamp(x, low, high),
        _ => bail!("not a function of one element"),
    }
}

/// Within bounds, with no gradient outside and at them.
fn clamp(x: &Tensor, low: Option<f64>, high: Option<f64>) -> candle_core::Result<Tensor> {
    let constant = x.detach();
    let mut y = x.clone();
    if let Some(low) = low {
        let bound = constant.zeros_like()?.affine(0.0, low)?;
        y = constant.gt(low)?.where_cond(&y, &bound)?;
    }
    if let Some(high) = high {
        let bound = constant.zeros_like()?.affine(0.0, high)?;
        y = constant.lt(high)?.where_cond(&y, &bound)?;
    }
    Ok(y)
}
