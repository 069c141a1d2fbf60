//! Against sums in f64, on every instruction set.

use proptest::prelude::*;

use super::*;
use crate::testing::{everywhere, values};

/// The output, and the gradients of `sum(grad_y * y)`, in f64.
fn direct(shape: &DepthwiseShape, x: &[f32], weight: &[f32], grad_y: &[f32]) -> [Vec<f64>; 3] {
    let ([batch, height, width, channels], [_, rows, columns, _]) =
        (shape.input.dims(), shape.output.dims());
    let (k, stride) = (shape.kernel, shape.stride);
    let (padding, dilation) = (shape.padding, shape.dilation);
    let mut y = vec![0.0; shape.output.len()];
    let mut grad_x = vec![0.0; x.len()];
    let mut grad_weight = vec![0.0; weight.len()];
    for b in 0..batch {
        for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
            for (u, v) in (0..k).flat_map(|u| (0..k).map(move |v| (u, v))) {
                let (r, s) = (i * stride + u * dilation, j * stride + v * dilation);
                if r < padding || s < padding || r - padding >= height || s - padding >= width {
                    continue;
                }
                for c in 0..channels {
                    let at = ((b * height + r - padding) * width + s - padding) * channels + c;
                    let out = ((b * rows + i) * columns + j) * channels + c;
                    let tap = (u * k + v) * channels + c;
                    y[out] += f64::from(x[at]) * f64::from(weight[tap]);
                    grad_x[at] += f64::from(grad_y[out]) * f64::from(weight[tap]);
                    grad_weight[tap] += f64::from(grad_y[out]) * f64::from(x[at]);
                }
            }
        }
    }
    [y, grad_x, grad_weight]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn values_and_gradients_agree_with_the_definition(
        seed in 0..1000u64,
        dims in (1..=3usize, 1..=9usize, 1..=21usize, 1..=37usize),
        kernel in 1..=7usize,
        stride in 1..=3usize,
        padding in 0..=6usize,
        dilation in 1..=3usize,
    ) {
        let (batch, height, width, channels) = dims;
        let dims = [batch, height, width, channels];
        let Ok(shape) = DepthwiseShape::new(dims, kernel, stride, padding, dilation) else {
            let span = (kernel - 1) * dilation + 1;
            prop_assert!(height.min(width) + 2 * padding < span);
            return Ok(());
        };
        let x = values(seed, "x", shape.input().len());
        let weight = values(seed, "weight", shape.weight_len());
        let grad_y = values(seed, "grad", shape.output().len());
        let [expected_y, expected_x, expected_weight] = direct(&shape, &x, &weight, &grad_y);
        let results = everywhere(|| {
            let mut y = vec![f32::NAN; grad_y.len()];
            let mut grad_x = vec![f32::NAN; x.len()];
            let mut grad_weight = vec![f32::NAN; weight.len()];
            depthwise_forward(&shape, &x, &weight, &mut y).unwrap();
            depthwise_backward_input(&shape, &grad_y, &weight, &mut grad_x).unwrap();
            depthwise_backward_weight(&shape, &x, &grad_y, &mut grad_weight).unwrap();
            [y, grad_x, grad_weight].concat()
        });
        let expected = [expected_y, expected_x, expected_weight].concat();
        for (_, found) in results {
            // Sums of at most 49 products, and of 567 of a weight's gradient.
            striate_testkit::assert_close(&found, &expected, 2e-5, 2e-5);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let message = |dims, kernel, stride, padding, dilation| {
        DepthwiseShape::new(dims, kernel, stride, padding, dilation)
            .unwrap_err()
            .to_string()
    };
    assert!(message([1, 4, 4, 0], 3, 1, 1, 1).contains("channels"));
    assert!(message([1, 4, 4, 2], 0, 1, 1, 1).contains("kernel"));
    assert!(message([1, 4, 4, 2], 3, 0, 1, 1).contains("stride"));
    assert!(message([1, 4, 4, 2], 3, 1, 1, 0).contains("dilation"));
    assert!(message([1, 4, 4, 2], 9, 1, 1, 2).contains("padded input"));
    assert!(message([1, 4, 4, 2], usize::MAX, 1, 1, usize::MAX).contains("padded input"));
    assert!(message([1, 4, 4, 2], 1 << 32, 1, 1 << 32, 1).contains("fits memory"));
    assert!(message([1, 4, 4, 2], 1, 1 << 60, 1 << 60, 1).contains("padding is"));
    let shape = DepthwiseShape::new([1, 4, 4, 2], 3, 1, 1, 1).unwrap();
    assert_eq!(shape.output().dims(), [1, 4, 4, 2]);
    let short = depthwise_forward(&shape, &[0.0; 3], &[0.0; 18], &mut [0.0; 32]);
    assert!(short.unwrap_err().to_string().contains("x holds 3"));
}
