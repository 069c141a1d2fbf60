//! The operations of the format. Invariant: an operation's attributes are checked when the
//! graph is read, not when it is run.

use serde::{Deserialize, Serialize};

/// One operation; an image is `[batch, channels, height, width]`, as in PyTorch.
///
/// In the file an operation is the field `op` (these names in snake case) with its attributes
/// in the field `with`. `n` inputs are noted as `(a, b, ...)`; those after the first may be constants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "op",
    content = "with",
    rename_all = "snake_case",
    deny_unknown_fields
)]
pub enum Op {
    /// `(x, weight [out, height, width, in / groups], bias [out] or none)`: cross-correlation
    /// with zero padding.
    #[serde(rename = "conv2d")]
    Conv2d {
        /// Along height and width.
        stride: [usize; 2],
        /// Zeros on both sides of height and of width.
        padding: [usize; 2],
        /// Along height and width.
        dilation: [usize; 2],
        /// Groups of channels.
        groups: usize,
    },
    /// `(x, scale [channels], shift [channels])` along axis 1: a batch norm in evaluation.
    Affine,
    /// `(x, scale, shift)` or `(x)`, the statistics taken over the last axes.
    LayerNorm {
        /// How many axes.
        axes: usize,
        /// Added to the variance.
        epsilon: f64,
    },
    /// `max(x, 0)`.
    Relu,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `x sigmoid(x)`.
    Silu,
    /// `x` times the normal distribution function of `x`.
    Gelu,
    /// Its approximation by a hyperbolic tangent.
    GeluTanh,
    /// `x clamp(x + 3, 0, 6) / 6`.
    Hardswish,
    /// `clamp(x + 3, 0, 6) / 6`.
    Hardsigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// The error function.
    Erf,
    /// `e^x`.
    Exp,
    /// The natural logarithm.
    Log,
    /// The square root.
    Sqrt,
    /// `1 / sqrt(x)`.
    Rsqrt,
    /// `1 / x`.
    Reciprocal,
    /// `-x`.
    Neg,
    /// `|x|`.
    Abs,
    /// The sine.
    Sin,
    /// The cosine.
    Cos,
    /// `ln(1 + exp(beta x)) / beta`, `x` where `beta x > threshold`.
    Softplus {
        /// Steepness.
        beta: f64,
        /// Above it the function is the identity.
        threshold: f64,
    },
    /// `x`, `slope x` below 0.
    LeakyRelu {
        /// The slope below 0.
        slope: f64,
    },
    /// `x`, `alpha (exp(x) - 1)` below 0.
    Elu {
        /// The limit at minus infinity, negated.
        alpha: f64,
    },
    /// `min(max(x, low), high)`; the gradient is 0 outside and at the bounds.
    Clamp {
        /// The lower bound.
        low: Option<f64>,
        /// The upper bound.
        high: Option<f64>,
    },
    /// `x^exponent`.
    Pow {
        /// The exponent.
        exponent: f64,
    },
    /// `factor x + add`.
    Scale {
        /// The factor.
        factor: f64,
        /// The summand.
        add: f64,
    },
    /// `(a, b)`, broadcast.
    Add,
    /// `(a, b)`, broadcast.
    Sub,
    /// `(a, b)`, broadcast.
    Mul,
    /// `(a, b)`, broadcast.
    Div,
    /// `(a, b)`, broadcast; at equal values the gradient goes to `a`.
    Maximum,
    /// `(a, b)`, broadcast; at equal values the gradient goes to `a`.
    Minimum,
    /// `(x [.., in], weight [out, in], bias [out] or none)`.
    Linear,
    /// `(a [.., n, k], b [.., k, m])`, the axes before the last two broadcast.
    Matmul,
    /// The maximum of each window; what is outside never is the maximum.
    #[serde(rename = "max_pool2d")]
    MaxPool2d {
        /// Height and width of a window.
        kernel: [usize; 2],
        /// Step between windows.
        stride: [usize; 2],
        /// On both sides of height and of width.
        padding: [usize; 2],
    },
    /// The mean of each window.
    #[serde(rename = "avg_pool2d")]
    AvgPool2d {
        /// Height and width of a window.
        kernel: [usize; 2],
        /// Step between windows.
        stride: [usize; 2],
        /// On both sides of height and of width.
        padding: [usize; 2],
        /// Whether zeros of the padding count.
        count_padding: bool,
    },
    /// The mean over axes, which stay with length 1.
    Mean {
        /// Which axes.
        axes: Vec<usize>,
    },
    /// The sum over axes, which stay with length 1.
    Sum {
        /// Which axes.
        axes: Vec<usize>,
    },
    /// The maximum over axes, which stay with length 1.
    Amax {
        /// Which axes.
        axes: Vec<usize>,
    },
    /// The logarithm of the sum of exponentials over axes, which stay with length 1.
    Logsumexp {
        /// Which axes.
        axes: Vec<usize>,
    },
    /// Exponentials, normalised along an axis.
    Softmax {
        /// Which axis.
        axis: usize,
    },
    /// The logarithm of the softmax along an axis.
    LogSoftmax {
        /// Which axis.
        axis: usize,
    },
    /// `(a, b, ...)` one after the other along an axis.
    Cat {
        /// Which axis.
        axis: usize,
    },
    /// A part of an axis.
    Slice {
        /// Which axis.
        axis: usize,
        /// The first element.
        start: usize,
        /// The element after the last.
        end: usize,
    },
    /// The same elements in the shape of the node.
    Reshape,
    /// The axes in another order.
    Permute {
        /// Which axis comes at each place.
        axes: Vec<usize>,
    },
    /// Axes of length 1 repeated, to the shape of the node.
    Expand,
    /// A constant before and after an axis.
    Pad {
        /// Which axis.
        axis: usize,
        /// Elements before.
        before: usize,
        /// Elements after.
        after: usize,
        /// The constant.
        value: f64,
    },
    /// Elements of an axis: flips, rolls, mirrored borders, nearest neighbours.
    IndexSelect {
        /// Which axis.
        axis: usize,
        /// Which elements.
        index: Vec<u32>,
    },
    /// `(1 - weight) x[lower] + weight x[upper]` along an axis: bilinear interpolation.
    Resample {
        /// Which axis.
        axis: usize,
        /// The first element of each mixture.
        lower: Vec<u32>,
        /// The second.
        upper: Vec<u32>,
        /// The weight of the second.
        weight: Vec<f32>,
    },
    /// `(x, matrix [out, in])`: a linear map along an axis, such as an average over windows.
    Along {
        /// Which axis.
        axis: usize,
    },
}

impl Op {
    /// The number of inputs that it takes: at least, at most.
    pub(crate) fn arity(&self) -> (usize, usize) {
        match self {
            Self::Conv2d { .. } | Self::Linear => (2, 3),
            Self::LayerNorm { .. } => (1, 3),
            Self::Affine => (3, 3),
            Self::Add
            | Self::Sub
            | Self::Mul
            | Self::Div
            | Self::Maximum
            | Self::Minimum
            | Self::Matmul
            | Self::Along { .. } => (2, 2),
            Self::Cat { .. } => (1, usize::MAX),
            _ => (1, 1),
        }
    }

    /// The axes that it names, which must exist.
    pub(crate) fn axes(&self) -> Vec<usize> {
        match self {
            Self::Softmax { axis }
            | Self::LogSoftmax { axis }
            | Self::Cat { axis }
            | Self::Slice { axis, .. }
            | Self::Pad { axis, .. }
            | Self::IndexSelect { axis, .. }
            | Self::Resample { axis, .. }
            | Self::Along { axis } => vec![*axis],
            Self::Mean { axes }
            | Self::Sum { axes }
            | Self::Amax { axes }
            | Self::Logsumexp { axes }
            | Self::Permute { axes } => axes.clone(),
            _ => Vec::new(),
        }
    }

    /// What the types cannot say of its attributes.
    pub(crate) fn check(&self) -> Result<(), String> {
        let positive = |what: &str, values: &[usize]| match values.contains(&0) {
            true => Err(format!("{what}: expected at least 1, found {values:?}")),
            false => Ok(()),
        };
        match self {
            Self::Conv2d {
                stride,
                dilation,
                groups,
                ..
            } => {
                positive("stride", stride)?;
                positive("dilation", dilation)?;
                positive("groups", &[*groups])?;
                if stride[0] != stride[1] || dilation[0] != dilation[1] {
                    return Err(format!(
                        "expected the same stride and dilation along both axes, found {stride:?} and {dilation:?}"
                    ));
                }
            }
            Self::MaxPool2d {
                kernel,
                stride,
                padding,
            }
            | Self::AvgPool2d {
                kernel,
                stride,
                padding,
                ..
            } => {
                positive("kernel", kernel)?;
                positive("stride", stride)?;
                if padding[0] * 2 > kernel[0] || padding[1] * 2 > kernel[1] {
                    return Err(format!(
                        "padding: expected at most half of the window {kernel:?}, found {padding:?}"
                    ));
                }
            }
            Self::Resample {
                lower,
                upper,
                weight,
                ..
            } if lower.len() != upper.len() || lower.len() != weight.len() => {
                return Err("lower, upper and weight differ in length".to_owned());
            }
            Self::Slice { start, end, .. } if start >= end => {
                return Err(format!("expected start below end, found {start}..{end}"));
            }
            _ => {}
        }
        Ok(())
    }
}
