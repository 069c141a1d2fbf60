use candle_core::{Device, Tensor, Var};
use striate_testkit::assert_close;

use super::pool::{Kind, Windows};
use super::{conv, curve};
use crate::op::Op;
use crate::value::Value;

/// Values that differ, between -4 and 4.
fn ramp(dims: &[usize]) -> Tensor {
    let count: usize = dims.iter().product();
    let values = (0..count).map(|i| ((i * 7919 % 997) as f32 / 997.0 - 0.5) * 8.0);
    Tensor::from_iter(values, &Device::Cpu)
        .unwrap()
        .reshape(dims)
        .unwrap()
}

fn flat(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

/// A result and the gradient of its sum weighted by a ramp.
fn with_gradient(x: &Tensor, f: impl Fn(&Tensor) -> Tensor) -> (Vec<f32>, Vec<f32>) {
    let x = Var::from_tensor(x).unwrap();
    let y = f(&x);
    let loss = (&y * ramp(y.dims())).unwrap().sum_all().unwrap();
    let gradients = loss.backward().unwrap();
    (flat(&y), flat(gradients.get(&x).unwrap()))
}

#[test]
fn one_pass_gives_what_candles_operations_give() {
    let x = ramp(&[2, 3, 50]);
    let softplus = Op::Softplus {
        beta: 2.0,
        threshold: 5.0,
    };
    let clamp = Op::Clamp {
        low: Some(-1.0),
        high: Some(2.5),
    };
    for op in [
        Op::Sigmoid,
        Op::Silu,
        Op::Gelu,
        Op::GeluTanh,
        Op::Hardswish,
        Op::Hardsigmoid,
        Op::Tanh,
        Op::Erf,
        softplus,
        Op::LeakyRelu { slope: 0.1 },
        Op::Elu { alpha: 1.5 },
        clamp,
        Op::Clamp {
            low: None,
            high: Some(1.0),
        },
        Op::Scale {
            factor: -2.0,
            add: 0.5,
        },
    ] {
        let (y, dy) = with_gradient(&x, |x| curve::apply(&op, x).unwrap());
        let (expected, slope) = with_gradient(&x, |x| curve::composed(&op, x).unwrap());
        println!("{op:?}");
        // The error function is good to 2e-7, and values go up to 10.
        assert_close(&y, &expected, 2e-6, 2e-6);
        assert_close(&dy, &slope, 1e-5, 1e-5);
    }
}

#[test]
fn curves_keep_to_their_limits() {
    let x = Tensor::new(&[-1e30f32, -200.0, -90.0, 90.0, 200.0, 1e30], &Device::Cpu).unwrap();
    let y = flat(&curve::apply(&Op::Sigmoid, &x).unwrap());
    assert_close(&y, &[0.0, 0.0, 0.0, 1.0, 1.0, 1.0], 1e-7, 0.0);
    let y = flat(&curve::apply(&Op::Silu, &x.narrow(0, 1, 4).unwrap()).unwrap());
    assert_close(&y, &[0.0, 0.0, 90.0, 200.0], 1e-6, 0.0);
    let y = flat(&curve::apply(&Op::Gelu, &x).unwrap());
    assert_close(&y[..3], &[0.0; 3], 1e-6, 0.0);
    assert_close(&y[3..], &[90.0, 200.0, 1e30], 0.0, 1e-6);
    let not = Tensor::new(&[f32::NAN], &Device::Cpu).unwrap();
    for op in [Op::Sigmoid, Op::Gelu, Op::Hardswish] {
        assert!(flat(&curve::apply(&op, &not).unwrap())[0].is_nan());
    }
}

#[test]
fn pools_give_what_candles_operations_give() {
    for kind in [Kind::Max, Kind::Mean, Kind::MeanWithPadding] {
        for (kernel, stride, padding, output) in [
            ([2, 2], [2, 2], [0, 0], [3, 4]),
            ([3, 3], [2, 2], [1, 1], [4, 5]),
            ([3, 2], [1, 3], [1, 0], [7, 3]),
            // As with ceil_mode: the last window reaches over the border.
            ([2, 2], [2, 2], [0, 0], [4, 5]),
        ] {
            let op = Windows {
                kind,
                kernel,
                stride,
                padding,
                input: [2, 7, 9, 3],
                output,
            };
            // Ties among them: the first of the largest gets the gradient.
            let x = ramp(&[2, 7, 9, 3]).round().unwrap();
            let (y, dy) = with_gradient(&x, |x| x.apply_op1(op).unwrap());
            let (expected, slope) = with_gradient(&x, |x| op.composed(x).unwrap());
            assert_close(&y, &expected, 1e-6, 1e-6);
            assert_close(&dy, &slope, 1e-5, 1e-5);
        }
    }
}

#[test]
fn groups_and_dilation_give_what_candles_convolution_gives() {
    let x = ramp(&[2, 12, 9, 11]);
    for (out, groups, kernel, stride, padding, dilation) in [
        (8, 1, 3, 1, 1, 1),
        (8, 1, 3, 2, 1, 2),
        (6, 3, 3, 1, 1, 1),
        (8, 4, 3, 2, 0, 1),
        (12, 12, 3, 1, 1, 1),
        (12, 12, 5, 2, 2, 1),
        (24, 12, 3, 1, 2, 2),
    ] {
        let weight = ramp(&[out, kernel, kernel, 12 / groups]);
        let turned = weight.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap();
        let bias = ramp(&[out]);
        let rest = [weight, bias.clone()].map(|t| Value::plain(t).unwrap());
        let (y, dy) = with_gradient(&x, |x| {
            let x = Value::plain(x.clone()).unwrap();
            let y = conv::conv2d(&x, &rest, stride, [padding; 2], dilation, groups);
            y.unwrap().to_plain().unwrap()
        });
        let whole = |x: &Tensor| {
            // Cropped so that nothing is left over behind the last window (candle's gradient).
            let span = (kernel - 1) * dilation + 1;
            let used = |n: usize| (n + 2 * padding - span) / stride * stride + span;
            let x = x.pad_with_zeros(2, padding, padding).unwrap();
            let x = x.pad_with_zeros(3, padding, padding).unwrap();
            let x = x
                .narrow(2, 0, used(9))
                .unwrap()
                .narrow(3, 0, used(11))
                .unwrap();
            let y = x
                .contiguous()
                .unwrap()
                .conv2d(&turned, 0, stride, dilation, groups);
            let bias = bias.reshape((1, out, 1, 1)).unwrap();
            y.unwrap().broadcast_add(&bias).unwrap()
        };
        let (expected, slope) = with_gradient(&x, whole);
        println!("{out} {groups} {kernel} {stride} {padding} {dilation}");
        // Sums of up to 108 products of up to 16, in another order.
        assert_close(&y, &expected, 1e-3, 1e-5);
        assert_close(&dy, &slope, 1e-3, 1e-5);
    }
}
