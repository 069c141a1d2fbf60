use candle_core::{Device, Tensor, Var};
use striate_random::Seed;
use striate_testkit::{Differences, Golden, assert_close, finite_differences};

use super::*;
use crate::testing::{assert_tensor, flat, map, random, tensor, with_threads};
use crate::{Context, Gradients, Param, Params};

/// f32 sums of up to a few hundred products against f64.
const ATOL: f64 = 2e-5;
const RTOL: f64 = 2e-5;

fn contexts(train: bool) -> [Context; 2] {
    let cx = if train {
        Context::train(Seed::new(1).stream())
    } else {
        Context::eval()
    };
    [cx.clone(), cx.reference()]
}

/// Runs backward with the golden weights and checks the gradients of the parameters.
fn check_backward(golden: &Golden, y: &Tensor, params: &[(&str, &Var)], atol: f64) {
    assert_tensor(y, &map(golden, "y"), atol, RTOL);
    let weighted = (y * map(golden, "weights")).unwrap();
    let store = weighted.sum_all().unwrap().backward().unwrap();
    for (name, var) in params {
        println!("gradient of {name}");
        let expected = map(golden, &format!("grad_{name}"));
        assert_tensor(store.get(var).unwrap(), &expected, atol, RTOL);
    }
}

#[test]
fn batch_norm_agrees_with_torch() {
    for mode in ["train", "eval", "frozen"] {
        for mut cx in contexts(mode != "eval") {
            let golden = Golden::open(&format!("nn/batch_norm_{mode}"));
            let params = Params::new(&Device::Cpu);
            let config = BatchNormConfig::new(4);
            let layer = BatchNorm::new(config, &params.root(), &mut Seed::new(1).stream()).unwrap();
            layer.set_frozen(mode == "frozen");
            layer.weight.var().set(&tensor(&golden, "weight")).unwrap();
            layer.bias.var().set(&tensor(&golden, "bias")).unwrap();
            layer
                .running_mean
                .set(&tensor(&golden, "mean_before"))
                .unwrap();
            layer
                .running_var
                .set(&tensor(&golden, "var_before"))
                .unwrap();
            let x = Var::from_tensor(&map(&golden, "x")).unwrap();
            let y = layer.forward(x.as_tensor(), &mut cx).unwrap();
            let vars = [
                ("x", &x),
                ("weight", layer.weight.var()),
                ("bias", layer.bias.var()),
            ];
            check_backward(&golden, &y, &vars, ATOL);
            assert_tensor(
                &layer.running_mean,
                &tensor(&golden, "mean_after"),
                ATOL,
                RTOL,
            );
            assert_tensor(
                &layer.running_var,
                &tensor(&golden, "var_after"),
                ATOL,
                RTOL,
            );
        }
    }
}

#[test]
fn the_conv_block_agrees_with_torch() {
    let golden = Golden::open("nn/conv_block");
    for mut cx in contexts(true) {
        let params = Params::new(&Device::Cpu);
        let config = ConvBlockConfig {
            in_channels: 4,
            out_channels: 8,
            batch_norm: true,
            pool: true,
        };
        let block = ConvBlock::new(config, &params.root(), &mut Seed::new(1).stream()).unwrap();
        let bn = block.bn.as_ref().unwrap();
        let x = Var::from_tensor(&map(&golden, "x")).unwrap();
        let vars = [
            ("x", &x),
            ("weight", block.conv.weight.var()),
            ("bias", block.conv.bias.as_ref().map(Param::var).unwrap()),
            ("gamma", bn.weight.var()),
            ("beta", bn.bias.var()),
        ];
        for (name, var) in vars {
            var.set(&map(&golden, name)).unwrap();
        }
        let y = block.forward(x.as_tensor(), &mut cx).unwrap();
        // The bias cancels in the batch's mean: torch's f64 leaves 1e-16, f32 1e-6.
        check_backward(&golden, &y, &vars, 1e-4);
        assert_tensor(&bn.running_mean, &tensor(&golden, "mean_after"), ATOL, RTOL);
        assert_tensor(&bn.running_var, &tensor(&golden, "var_after"), ATOL, RTOL);
    }
}

fn readout(golden: &Golden) -> GaussianReadout {
    let config = GaussianReadoutConfig::new(5, vec![0.0; 6]);
    let scope = Params::new(&Device::Cpu).root().sub("readout");
    let readout = GaussianReadout::new(config, &scope, &mut Seed::new(1).stream()).unwrap();
    for (param, name) in [
        (&readout.mu, "mu_before"),
        (&readout.sigma, "sigma_before"),
        (&readout.features, "features"),
        (&readout.bias, "bias"),
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
                ("features", readout.features.var()),
                ("bias", readout.bias.var()),
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
    let config = GaussianReadoutConfig::new(2, vec![1.2]);
    let scope = Params::new(&Device::Cpu).root();
    let readout = GaussianReadout::new(config, &scope, &mut Seed::new(1).stream()).unwrap();
    let set = |param: &Param, values: &[f32]| {
        let shape = param.var().shape().clone();
        let value = Tensor::from_slice(values, shape, &Device::Cpu).unwrap();
        param.var().set(&value).unwrap();
    };
    set(&readout.mu, &[0.25, -0.4]);
    set(&readout.features, &[0.5, -0.25]);
    for mut cx in contexts(false) {
        let rate = flat(&readout.forward(&map, &mut cx).unwrap());
        // exp of a sum of terms of size 10 in f32.
        assert_close(&rate, &[0.012_486_278_0], 0.0, 5e-6);
    }
}

#[test]
fn a_neuron_on_the_border_keeps_its_gradient() {
    // mu = 1 and sigma = 0: the position is exactly at the bound (reference 4.2).
    let config = GaussianReadoutConfig::new(1, vec![2.0]);
    let scope = Params::new(&Device::Cpu).root();
    let readout = GaussianReadout::new(config, &scope, &mut Seed::new(1).stream()).unwrap();
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
        &readout.features,
        &readout.bias,
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
    let config = GaussianReadoutConfig::new(16, vec![0.5; 40]);
    let run = |threads| {
        with_threads(threads, || {
            let params = Params::new(&Device::Cpu);
            let mut stream = Seed::new(2).stream();
            let readout =
                GaussianReadout::new(config.clone(), &params.root(), &mut stream).unwrap();
            let mut cx = Context::train(Seed::new(3).stream());
            let y = readout
                .forward(&random(&[8, 6, 6, 16], 4), &mut cx)
                .unwrap();
            let mut gradients = Gradients::new(&params.trained());
            gradients
                .add(&y.sqr().unwrap().mean_all().unwrap())
                .unwrap();
            ["mu", "sigma", "features", "bias"].map(|name| flat(gradients.get(name).unwrap()))
        })
    };
    assert_eq!(run(1), run(2));
}

#[test]
fn dropout_does_nothing_in_evaluation() {
    let dropout = Dropout::new(DropoutConfig { probability: 0.5 }).unwrap();
    let x = random(&[4, 5], 0);
    let y = dropout.forward(&x, &mut Context::eval()).unwrap();
    assert_tensor(&y, &x, 0.0, 0.0);
    let y = dropout
        .forward(&x, &mut Context::train(Seed::new(1).stream()))
        .unwrap();
    assert!(flat(&y).contains(&0.0));
    assert!(Dropout::new(DropoutConfig { probability: 1.0 }).is_err());
}

#[test]
fn impossible_settings_are_refused_with_the_layers_name() {
    let scope = Params::new(&Device::Cpu).root().sub("fc6");
    let mut stream = Seed::new(1).stream();
    let message = Linear::new(LinearConfig::new(0, 3), &scope, &mut stream)
        .unwrap_err()
        .to_string();
    assert!(
        message.starts_with("fc6: expected features of at least 1"),
        "{message}"
    );
    let config = GaussianReadoutConfig {
        neurons: 3,
        ..GaussianReadoutConfig::new(4, vec![0.0; 2])
    };
    assert!(GaussianReadout::new(config, &scope, &mut stream).is_err());
    let config = BatchNormConfig {
        eps: 0.0,
        ..BatchNormConfig::new(4)
    };
    assert!(BatchNorm::new(config, &scope, &mut stream).is_err());
}
