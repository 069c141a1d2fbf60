use candle_core::{Device, Tensor, Var};
use striate_random::Seed;
use striate_testkit::Golden;

use super::*;
use crate::testing::{
    ATOL, RTOL, assert_tensor, check_backward, contexts, flat, map, random, tensor,
};
use crate::{Context, Param, Params};

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
            let running = &layer.running[0];
            running.mean.set(&tensor(&golden, "mean_before")).unwrap();
            running
                .variance
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
            assert_tensor(&running.mean, &tensor(&golden, "mean_after"), ATOL, RTOL);
            assert_tensor(&running.variance, &tensor(&golden, "var_after"), ATOL, RTOL);
        }
    }
}

/// Two kinds of input in turn: each set is what a layer of one kind alone remembers.
#[test]
fn each_set_of_statistics_sees_its_own_batches() {
    let params = Params::new(&Device::Cpu);
    let mut stream = Seed::new(1).stream();
    let layer = |sets, name: &str| {
        let config = BatchNormConfig {
            sets,
            ..BatchNormConfig::new(3)
        };
        let scope = params.root().sub(name);
        BatchNorm::new(config, &scope, &mut Seed::new(1).stream()).unwrap()
    };
    let both = layer(2, "both");
    let alone = [layer(1, "first"), layer(1, "second")];
    let batch = |stream: &mut striate_random::Stream, kind: usize| {
        let values: Vec<f32> = (0..24)
            .map(|_| (stream.normal() * (1.0 + kind as f64) + 4.0 * kind as f64) as f32)
            .collect();
        Tensor::from_vec(values, (2, 2, 2, 3), &Device::Cpu).unwrap()
    };
    for step in 0..6 {
        let kind = step % 2;
        let x = batch(&mut stream, kind);
        for (layer, set) in [(&both, kind), (&alone[kind], 7)] {
            let mut cx = Context::train(Seed::new(2).stream()).with_statistics(set);
            layer.forward(&x, &mut cx).unwrap();
        }
    }
    let x = batch(&mut stream, 1);
    for (kind, alone) in alone.iter().enumerate() {
        let of = |layer: &BatchNorm| {
            let mut cx = Context::eval().with_statistics(kind);
            let y = layer.forward(&x, &mut cx).unwrap();
            y.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        assert_eq!(of(&both), of(alone), "set {kind}");
    }
    let of_set = |set| both.forward(&x, &mut Context::eval().with_statistics(set));
    let (first, second) = (of_set(0).unwrap(), of_set(1).unwrap());
    let difference = (first - second).unwrap().abs().unwrap().max_all().unwrap();
    assert!(difference.to_scalar::<f32>().unwrap() > 1.0);
    let message = of_set(2).unwrap_err().to_string();
    assert!(message.contains("set 2 of 2"), "{message}");
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
            statistics: 1,
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
        let running = &bn.running[0];
        assert_tensor(&running.mean, &tensor(&golden, "mean_after"), ATOL, RTOL);
        assert_tensor(&running.variance, &tensor(&golden, "var_after"), ATOL, RTOL);
    }
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
    let config = BatchNormConfig {
        eps: 0.0,
        ..BatchNormConfig::new(4)
    };
    assert!(BatchNorm::new(config, &scope, &mut stream).is_err());
}

#[test]
fn squeeze_and_excitation_scales_channels_by_the_whole_map() {
    let config = SqueezeExcitationConfig {
        channels: 6,
        reduction: 2,
    };
    let scope = Params::new(&Device::Cpu).root().sub("se");
    let layer = SqueezeExcitation::new(config, &scope, &mut Seed::new(1).stream()).unwrap();
    let x = random(&[2, 3, 4, 6], 2);
    let y = layer.forward(&x, &mut Context::eval()).unwrap();
    let ratio = flat(&(y / &x).unwrap());
    for (i, ratio) in ratio.iter().enumerate() {
        // One number per image and channel, between 0 and 1.
        let of_first_pixel = (i / 72) * 72 + i % 6;
        let first = layer.forward(&x, &mut Context::eval()).unwrap();
        let first = flat(&first)[of_first_pixel] / flat(&x)[of_first_pixel];
        assert!((ratio - first).abs() < 1e-5, "{ratio} {first}");
        assert!(*ratio > 0.0 && *ratio < 1.0);
    }
    let wrong = SqueezeExcitationConfig {
        channels: 6,
        reduction: 7,
    };
    assert!(SqueezeExcitation::new(wrong, &scope, &mut Seed::new(1).stream()).is_err());
    assert!(
        layer
            .forward(&random(&[2, 3, 4, 5], 1), &mut Context::eval())
            .is_err()
    );
}
