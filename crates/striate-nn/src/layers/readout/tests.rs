use candle_core::{Device, Tensor, Var};
use striate_random::Seed;
use striate_testkit::{Differences, Golden, assert_close, finite_differences};

use super::*;
use crate::testing::{
    ATOL, RTOL, assert_tensor, check_backward, contexts, flat, map, random, tensor, with_threads,
};
use crate::{Gradients, Params};

/// The map of the golden files: height, width, channels.
const MAP: [usize; 3] = [9, 7, 5];

fn gaussian(channels: usize, bias: &[f32]) -> GaussianReadout {
    let scope = Params::new(&Device::Cpu).root().sub("readout");
    let (kind, mut stream) = (Covariance::Diagonal, Seed::new(1).stream());
    GaussianReadout::new(kind, (0.3, 0.6), channels, bias, &scope, &mut stream).unwrap()
}

fn kinds() -> [ReadoutConfig; 5] {
    let gaussian = |covariance| ReadoutConfig::Gaussian {
        covariance,
        mu_range: 0.3,
        sigma_range: 0.6,
    };
    [
        gaussian(Covariance::Isotropic),
        gaussian(Covariance::Diagonal),
        gaussian(Covariance::Full),
        ReadoutConfig::PointPooled {
            mu_range: 0.2,
            steps: 2,
            kernel: 2,
        },
        ReadoutConfig::Factorised { deviation: 0.01 },
    ]
}

fn readout_of(config: &ReadoutConfig, map: [usize; 3], bias: &[f32]) -> (Params, Readout) {
    let params = Params::new(&Device::Cpu);
    let mut stream = Seed::new(2).stream();
    let readout = Readout::new(config, map, bias, &params.root(), &mut stream).unwrap();
    (params, readout)
}

fn var(params: &Params, name: &str) -> Var {
    let found = params.trained().into_iter().find(|(n, _)| n == name);
    found.unwrap().1
}

/// The Gaussian with deviations along the axes stands in `readout_train` and `readout_eval`.
#[test]
fn every_kind_agrees_with_neuralpredictors() {
    let [isotropic, _, full, pooled, factorised] = kinds();
    for (name, config, own) in [
        ("isotropic_train", isotropic, "mu sigma"),
        ("isotropic_eval", isotropic, "mu"),
        ("full_train", full, "mu sigma"),
        ("full_eval", full, "mu"),
        ("point_pooled", pooled, "mu"),
        ("factorised", factorised, "mask"),
    ] {
        let golden = Golden::open(&format!("nn/readout_{name}"));
        let train = name.ends_with("train");
        for mut cx in contexts(train) {
            println!("{name}");
            let (params, readout) = readout_of(&config, MAP, &[0.0; 6]);
            let names: Vec<&str> = own.split(' ').chain(["features", "bias"]).collect();
            for name in &names {
                let var = var(&params, name);
                var.set(&theirs(&golden, name, var.dims())).unwrap();
            }
            let x = Var::from_tensor(&map(&golden, "x")).unwrap();
            let y = match &readout {
                Readout::Gaussian(readout) => {
                    let noise = train.then(|| tensor(&golden, "noise"));
                    readout.forward_with_noise(x.as_tensor(), noise.as_ref(), &mut cx)
                }
                _ => readout.forward(x.as_tensor(), &mut cx),
            };
            let y = y.unwrap();
            assert_tensor(&y, &tensor(&golden, "y"), ATOL, RTOL);
            let weighted = (y * tensor(&golden, "weights")).unwrap();
            let store = weighted.sum_all().unwrap().backward().unwrap();
            let found = store.get(&x).unwrap();
            assert_tensor(found, &map(&golden, "grad_x"), ATOL, RTOL);
            for name in names {
                let var = var(&params, name);
                println!("gradient of {name}");
                let expected = theirs(&golden, &format!("grad_{name}"), var.dims());
                assert_tensor(store.get(&var).unwrap(), &expected, ATOL, RTOL);
            }
        }
    }
}

/// A parameter as it lies here: they keep single axes, and features of shape
/// `[1, channels, 1, neurons]` or `[neurons, channels]`.
fn theirs(golden: &Golden, name: &str, dims: &[usize]) -> Tensor {
    let before = format!("{name}_before");
    let name = if golden.names().contains(&before) {
        &before
    } else {
        name
    };
    let value = tensor(golden, name);
    if value.rank() == 2 && value.dims() != dims {
        return value.t().unwrap().contiguous().unwrap();
    }
    value.reshape(dims).unwrap()
}

#[test]
fn gradients_of_every_kind_agree_with_differences() {
    let map = random(&[2, 9, 7, 3], 1);
    let weights = random(&[2, 4], 2);
    for config in kinds() {
        let (params, readout) = readout_of(&config, [9, 7, 3], &[1.5, 2.0, 2.5, 3.0]);
        let value = || {
            // The same noise in every pass.
            let mut cx = Context::train(Seed::new(5).stream());
            let y = readout.forward(&map, &mut cx).unwrap();
            ((y * &weights).unwrap().sum_all().unwrap() + readout.l1().unwrap()).unwrap()
        };
        for (name, var) in params.trained() {
            if name == "mask" {
                // Weights of a size that a step of differences does not turn around.
                var.set(&random(var.dims(), 3)).unwrap();
            }
            if name == "features" {
                let noise = random(var.dims(), 4);
                var.set(&(noise * 0.3).unwrap()).unwrap();
            }
        }
        let store = value().backward().unwrap();
        for (name, var) in params.trained() {
            let initial = flat(&var);
            let options = Differences {
                step: 5e-4,
                stride: 1,
            };
            let set = |values: &[f32]| {
                let value = Tensor::from_slice(values, var.dims(), &Device::Cpu).unwrap();
                var.set(&value).unwrap();
            };
            let expected = finite_differences(&initial, options, |values| {
                set(values);
                f64::from(value().to_scalar::<f32>().unwrap())
            });
            set(&initial);
            println!("{config:?}, {name}");
            let expected: Vec<f64> = expected.into_iter().map(|(_, d)| d).collect();
            // f32 rounding of the values, 1e-6, over a step of 1e-3.
            assert_close(&flat(store.get(&var).unwrap()), &expected, 1e-2, 1e-2);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let scope = Params::new(&Device::Cpu).root().sub("s1");
    let refused = |config: ReadoutConfig, map, bias: &[f32], expected: &str| {
        let mut stream = Seed::new(1).stream();
        let message = Readout::new(&config, map, bias, &scope, &mut stream).unwrap_err();
        let message = message.to_string();
        assert!(message.starts_with("s1: "), "{message}");
        assert!(message.contains(expected), "{message}");
    };
    let [_, diagonal, _, _, factorised] = kinds();
    refused(diagonal, [4, 4, 0], &[1.0], "neurons and channels");
    let wide = ReadoutConfig::Gaussian {
        covariance: Covariance::Full,
        mu_range: 1.5,
        sigma_range: 0.1,
    };
    refused(wide, MAP, &[1.0], "mu_range in 0..=1");
    let pooled = ReadoutConfig::PointPooled {
        mu_range: 0.2,
        steps: 2,
        kernel: 3,
    };
    refused(pooled, [8, 9, 2], &[1.0], "2 steps of 3 on a map of 8x9");
    refused(factorised, [0, 4, 2], &[1.0], "a map that is not empty");
    let (_, readout) = readout_of(&factorised, MAP, &[1.0]);
    let message = readout
        .forward(&random(&[1, 7, 9, 5], 1), &mut Context::eval())
        .unwrap_err()
        .to_string();
    assert!(message.contains("[batch, 9, 7, channels]"), "{message}");
}

fn readout(golden: &Golden) -> GaussianReadout {
    let readout = gaussian(5, &[0.0; 6]);
    for (param, name) in [
        (&readout.mu, "mu_before"),
        (&readout.sigma, "sigma_before"),
        (&readout.weights.features, "features"),
        (&readout.weights.bias, "bias"),
    ] {
        param.var().set(&tensor(golden, name)).unwrap();
    }
    readout
}

#[test]
fn the_readout_agrees_with_torch() {
    for (mode, train) in [("train", true), ("eval", false)] {
        for mut cx in contexts(train) {
            let golden = Golden::open(&format!("nn/readout_{mode}"));
            let readout = readout(&golden);
            let x = Var::from_tensor(&map(&golden, "x")).unwrap();
            let noise = train.then(|| tensor(&golden, "noise"));
            let y = readout
                .forward_with_noise(x.as_tensor(), noise.as_ref(), &mut cx)
                .unwrap();
            let mut vars = vec![
                ("x", &x),
                ("features", readout.weights.features.var()),
                ("bias", readout.weights.bias.var()),
                ("mu", readout.mu.var()),
            ];
            if train {
                vars.push(("sigma", readout.sigma.var()));
            }
            check_backward(&golden, &y, &vars, ATOL);
            // Clamped in place.
            assert_tensor(readout.mu.var(), &tensor(&golden, "mu"), 0.0, 0.0);
            if train {
                assert_tensor(readout.sigma.var(), &tensor(&golden, "sigma"), 0.0, 0.0);
            }
        }
    }
}

#[test]
fn the_readout_gives_the_reference_rate() {
    // Reference 11: samples (4.275, 26.8825), F (0.5, -0.25), bias 1.2.
    let first = Tensor::arange(0f32, 12.0, &Device::Cpu).unwrap();
    let second = (Tensor::arange(12f32, 24.0, &Device::Cpu)
        .unwrap()
        .sqr()
        .unwrap()
        / 10.0)
        .unwrap();
    let map = Tensor::stack(&[first, second], 1)
        .unwrap()
        .reshape((1, 3, 4, 2))
        .unwrap();
    let readout = gaussian(2, &[1.2]);
    let set = |param: &Param, values: &[f32]| {
        let shape = param.var().shape().clone();
        let value = Tensor::from_slice(values, shape, &Device::Cpu).unwrap();
        param.var().set(&value).unwrap();
    };
    set(&readout.mu, &[0.25, -0.4]);
    set(&readout.weights.features, &[0.5, -0.25]);
    for mut cx in contexts(false) {
        let rate = flat(&readout.forward(&map, &mut cx).unwrap());
        // exp of a sum of terms of size 10 in f32.
        assert_close(&rate, &[0.012_486_278_0], 0.0, 5e-6);
    }
}

#[test]
fn a_neuron_on_the_border_keeps_its_gradient() {
    // mu = 1 and sigma = 0: the position is exactly at the bound (reference 4.2).
    let readout = gaussian(1, &[2.0]);
    readout
        .mu
        .var()
        .set(&Tensor::new(&[[1f32, 0.3]], &Device::Cpu).unwrap())
        .unwrap();
    readout
        .sigma
        .var()
        .set(&Tensor::new(&[[0f32, 0.0]], &Device::Cpu).unwrap())
        .unwrap();
    let values: Vec<f32> = (0..9).map(|i| (i % 3) as f32).collect();
    let map = Tensor::from_vec(values, (1, 3, 3, 1), &Device::Cpu).unwrap();
    for mut cx in contexts(true) {
        let y = readout.forward(&map, &mut cx).unwrap();
        let store = y.sum_all().unwrap().backward().unwrap();
        // At the last pixel the neighbour beyond counts as 0, as in torch's grid_sample.
        let gradient = flat(store.get(readout.mu.var()).unwrap());
        assert_eq!(gradient, [-2.0, 0.0]);
    }
}

#[test]
fn readout_gradients_agree_with_differences() {
    let golden = Golden::open("nn/readout_train");
    let readout = readout(&golden);
    let params = [
        &readout.mu,
        &readout.sigma,
        &readout.weights.features,
        &readout.weights.bias,
    ];
    // Away from the clamps and, after 5e-4 of a step, from the pixels' centres.
    let set = |param: &Param, value: &Tensor| param.var().set(&value.detach().copy()?);
    let mu = Tensor::from_slice(
        &[
            0.1f32, -0.2, 0.35, 0.5, -0.45, 0.15, 0.25, -0.6, -0.1, 0.4, 0.05, -0.35,
        ],
        (6, 2),
        &Device::Cpu,
    );
    set(&readout.mu, &mu.unwrap()).unwrap();
    let sigma = Tensor::full(0.11f32, (6, 2), &Device::Cpu).unwrap();
    set(&readout.sigma, &sigma).unwrap();
    let noise = tensor(&golden, "noise");
    let x = map(&golden, "x");
    let weights = random(&[3, 6], 9);
    for cx in contexts(true) {
        let value = |x: &Tensor| {
            let y = readout.forward_with_noise(x, Some(&noise), &mut cx.clone());
            (y.unwrap() * &weights).unwrap()
        };
        let store = value(&x).sum_all().unwrap().backward().unwrap();
        for param in params {
            let initial = flat(param.var());
            let shape = param.var().shape().clone();
            let options = Differences {
                step: 5e-4,
                stride: 1,
            };
            let expected = finite_differences(&initial, options, |values| {
                let changed = Tensor::from_slice(values, shape.clone(), &Device::Cpu).unwrap();
                set(param, &changed).unwrap();
                flat(&value(&x)).iter().map(|v| f64::from(*v)).sum()
            });
            let restored = Tensor::from_slice(&initial, shape.clone(), &Device::Cpu).unwrap();
            set(param, &restored).unwrap();
            let expected: Vec<f64> = expected.into_iter().map(|(_, d)| d).collect();
            // f32 rounding of the values, 1e-7, over a step of 1e-3.
            assert_close(
                &flat(store.get(param.var()).unwrap()),
                &expected,
                5e-3,
                5e-3,
            );
        }
    }
}

#[test]
fn sampled_positions_follow_the_stream_and_not_the_threads() {
    for config in kinds() {
        let run = |threads| {
            with_threads(threads, || {
                let (params, readout) = readout_of(&config, [6, 6, 16], &[0.5; 40]);
                let mut cx = Context::train(Seed::new(3).stream());
                let map = random(&[8, 6, 6, 16], 4);
                let y = readout.forward(&map, &mut cx).unwrap();
                let mut gradients = Gradients::new(&params.trained());
                let loss = y.sqr().unwrap().mean_all().unwrap();
                gradients.add(&loss).unwrap();
                let all = params.trained().into_iter();
                all.map(|(name, _)| flat(gradients.get(&name).unwrap()))
                    .collect::<Vec<_>>()
            })
        };
        assert_eq!(run(1), run(2), "{config:?}");
    }
}
