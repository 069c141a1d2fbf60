//! The fused block against a plain evaluation in f64 and its finite differences.

use proptest::prelude::*;
use striate_testkit::assert_close;

use super::{
    Activation, NormBlock, NormParameters, Pooling, batch_norm_backward_frozen,
    batch_norm_backward_training, batch_norm_forward, batch_norm_statistics,
};
use crate::map::MapShape;
use crate::testing::{everywhere, values};

const EPSILON: f32 = 1e-5;

/// Mean and biased variance of each channel.
fn statistics(channels: usize, x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let n = (x.len() / channels) as f64;
    let mean: Vec<f64> = (0..channels)
        .map(|c| x.iter().skip(c).step_by(channels).sum::<f64>() / n)
        .collect();
    let variance = (0..channels)
        .map(|c| {
            let deviations = x.iter().skip(c).step_by(channels).map(|v| v - mean[c]);
            deviations.map(|d| d * d).sum::<f64>() / n
        })
        .collect();
    (mean, variance)
}

/// The block, plainly.
fn block_f64(
    block: &NormBlock,
    x: &[f64],
    statistics: &(Vec<f64>, Vec<f64>),
    gamma: &[f64],
    beta: &[f64],
) -> Vec<f64> {
    let [batch, height, width, channels] = block.shape.dims();
    let z: Vec<f64> = x
        .iter()
        .enumerate()
        .map(|(i, x)| {
            let c = i % channels;
            let h = (x - statistics.0[c]) / (statistics.1[c] + f64::from(EPSILON)).sqrt();
            let z = gamma[c] * h + beta[c];
            match block.activation {
                Activation::Identity => z,
                Activation::Relu => z.max(0.0),
            }
        })
        .collect();
    if block.pooling == Pooling::None {
        return z;
    }
    let mut y = Vec::new();
    for b in 0..batch {
        for oy in 0..height / 2 {
            for ox in 0..width / 2 {
                for c in 0..channels {
                    let at = |dy: usize, dx: usize| {
                        z[((b * height + 2 * oy + dy) * width + 2 * ox + dx) * channels + c]
                    };
                    y.push(at(0, 0).max(at(0, 1)).max(at(1, 0)).max(at(1, 1)));
                }
            }
        }
    }
    y
}

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|v| f64::from(*v)).collect()
}

fn blocks() -> impl Strategy<Value = NormBlock> {
    let dims = (1..=5usize, 1..=7usize, 1..=7usize, 1..=40usize);
    let activation = prop::sample::select(vec![Activation::Identity, Activation::Relu]);
    let pooling = prop::sample::select(vec![Pooling::None, Pooling::Max2x2]);
    (dims, activation, pooling).prop_map(|((b, h, w, c), activation, pooling)| NormBlock {
        shape: MapShape::new([b, h, w, c]).unwrap(),
        activation,
        pooling,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn forward_agrees_with_the_definition(seed in 0..1000u64, block in blocks()) {
        let [.., channels] = block.shape.dims();
        let x = values(seed, "x", block.shape.len());
        let (gamma, beta) = (values(seed, "gamma", channels), values(seed, "beta", channels));
        let expected_statistics = statistics(channels, &wide(&x));
        for (_, got) in everywhere(|| {
            let (mut mean, mut variance) = (vec![f32::NAN; channels], vec![f32::NAN; channels]);
            batch_norm_statistics(&block.shape, &x, &mut mean, &mut variance).unwrap();
            let mut y = vec![f32::NAN; block.output_len()];
            let parameters = NormParameters { mean: &mean, variance: &variance, gamma: &gamma, beta: &beta, epsilon: EPSILON };
            batch_norm_forward(&block, &x, &parameters, &mut y).unwrap();
            [mean, variance, y].concat()
        }) {
            // Statistics: sums of at most 245 terms of size 1. Output: the channel's
            // deviation may be small, so values are up to 1/sqrt(epsilon) = 316 times larger.
            assert_close(&got[..channels], &expected_statistics.0, 1e-6, 1e-6);
            assert_close(&got[channels..2 * channels], &expected_statistics.1, 1e-6, 2e-6);
            let expected = block_f64(&block, &wide(&x), &expected_statistics, &wide(&gamma), &wide(&beta));
            assert_close(&got[2 * channels..], &expected, 3e-4, 1e-5);
        }
    }

    #[test]
    fn gradients_agree_with_finite_differences(seed in 0..1000u64, block in blocks(), frozen: bool) {
        let [batch, height, width, channels] = block.shape.dims();
        // Fewer values have a variance that the differences would leave quickly.
        prop_assume!(batch * height * width >= 4);
        let x = values(seed, "x", block.shape.len());
        let (gamma, beta) = (values(seed, "gamma", channels), values(seed, "beta", channels));
        let grad_y = values(seed, "grad_y", block.output_len());
        let (mean, variance) = if frozen {
            let variance: Vec<f32> = values(seed, "variance", channels).iter().map(|v| v * v + 0.1).collect();
            (values(seed, "mean", channels), variance)
        } else {
            let (mean, variance) = statistics(channels, &wide(&x));
            (mean.iter().map(|v| *v as f32).collect(), variance.iter().map(|v| *v as f32).collect())
        };
        let parameters = NormParameters { mean: &mean, variance: &variance, gamma: &gamma, beta: &beta, epsilon: EPSILON };
        let results = everywhere(|| {
            let mut dx = x.clone();
            let (mut dgamma, mut dbeta) = (vec![f32::NAN; channels], vec![f32::NAN; channels]);
            if frozen {
                let wanted = Some([&mut dgamma[..], &mut dbeta[..]]);
                batch_norm_backward_frozen(&block, &mut dx, &parameters, &grad_y, wanted).unwrap();
                let mut alone = x.clone();
                batch_norm_backward_frozen(&block, &mut alone, &parameters, &grad_y, None).unwrap();
                assert_eq!(dx, alone);
            } else {
                batch_norm_backward_training(&block, &mut dx, &parameters, &grad_y, &mut dgamma, &mut dbeta).unwrap();
            }
            [dx, dgamma, dbeta].concat()
        });
        // The loss sum(grad_y * y) in f64, as a function of x, gamma and beta together.
        let loss = |point: &[f64]| {
            let (x, affine) = point.split_at(x.len());
            let (gamma, beta) = affine.split_at(channels);
            let s = if frozen { (wide(&mean), wide(&variance)) } else { statistics(channels, x) };
            let y = block_f64(&block, x, &s, gamma, beta);
            y.iter().zip(&grad_y).map(|(y, g)| y * f64::from(*g)).sum::<f64>()
        };
        let mut point = wide(&[x.clone(), gamma.clone(), beta.clone()].concat());
        let all = point.len();
        // Some places of x, and all of gamma and beta.
        let places = (0..x.len()).step_by(x.len() / 40 + 1).chain(x.len()..all);
        for i in places {
            let step = 1e-6;
            let middle = point[i];
            let mut at = |v: f64| { point[i] = v; let l = loss(&point); point[i] = middle; l };
            let (high, here, low) = (at(middle + step), at(middle), at(middle - step));
            let (right, left) = ((high - here) / step, (here - low) / step);
            if (right - left).abs() > 1e-3 * (1.0 + right.abs()) {
                continue; // A kink of ReLU or maximum lies between.
            }
            let expected = (high - low) / (2.0 * step);
            for (isa, got) in &results {
                let error = (f64::from(got[i]) - expected).abs();
                // Terms are up to 1/sqrt(0.01) times the gradients of size 1; f32 sums of them.
                prop_assert!(error <= 2e-4 * (1.0 + expected.abs()), "{isa}: {i}: {} {expected}", got[i]);
            }
        }
    }
}

#[test]
fn a_large_mean_costs_no_precision() {
    let shape = MapShape::new([8, 16, 16, 3]).unwrap();
    let x: Vec<f32> = values(1, "x", shape.len())
        .iter()
        .map(|v| 1000.0 + 0.25 * v)
        .collect();
    let (mut mean, mut variance) = ([0.0; 3], [0.0; 3]);
    batch_norm_statistics(&shape, &x, &mut mean, &mut variance).unwrap();
    let (expected_mean, expected_variance) = statistics(3, &wide(&x));
    // The mean is rounded to f32 once; the variance is a sum of f32 squares.
    assert_close(&mean, &expected_mean, 0.0, 1e-7);
    assert_close(&variance, &expected_variance, 0.0, 2e-6);
}

#[test]
fn nan_is_not_hidden() {
    let shape = MapShape::new([1, 2, 2, 1]).unwrap();
    for place in 0..4 {
        let mut x = [0.5; 4];
        x[place] = f32::NAN;
        let one = [1.0];
        let parameters = NormParameters {
            mean: &[0.0],
            variance: &one,
            gamma: &one,
            beta: &[-9.0],
            epsilon: EPSILON,
        };
        let block = NormBlock {
            shape,
            activation: Activation::Relu,
            pooling: Pooling::Max2x2,
        };
        let mut y = [0.0];
        batch_norm_forward(&block, &x, &parameters, &mut y).unwrap();
        assert!(y[0].is_nan(), "place {place}");
    }
}
