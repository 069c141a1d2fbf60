use candle_core::Device;
use striate_random::Seed;
use striate_testkit::Differences;

use super::*;
use crate::testing::{assert_tensor, check_gradients, flat, random, with_threads};
use crate::{Gradients, Params};

const MODES: [&str; 3] = ["train", "frozen", "eval"];

fn block(config: ConvBlockConfig) -> (Params, ConvBlock) {
    let params = Params::new(&Device::Cpu);
    let mut stream = Seed::new(3).stream();
    let block = ConvBlock::new(config, &params.root(), &mut stream).unwrap();
    // Statistics, scales and shifts other than the initial ones.
    for (i, (name, var)) in params
        .trained()
        .into_iter()
        .chain(params.buffers())
        .enumerate()
    {
        let noise = random(var.dims(), 50 + i as u64);
        let value = if name.contains("running_var") {
            (noise.sqr().unwrap() + 0.5).unwrap()
        } else {
            (noise * 0.5).unwrap()
        };
        var.set(&value).unwrap();
    }
    (params, block)
}

fn context(mode: &str, block: &ConvBlock) -> Context {
    block.set_frozen(mode == "frozen");
    match mode {
        "eval" => Context::eval(),
        _ => Context::train(Seed::new(4).stream()),
    }
}

fn configs() -> Vec<(ConvBlockConfig, [usize; 3])> {
    let config = |in_channels, out_channels, pool, batch_norm| ConvBlockConfig {
        in_channels,
        out_channels,
        batch_norm,
        statistics: 2,
        pool,
    };
    vec![
        (config(1, 4, false, true), [2, 6, 6]),
        (config(3, 8, true, true), [2, 8, 6]),
        (config(4, 5, true, true), [3, 7, 5]),
        (config(16, 16, true, true), [4, 8, 8]),
        (config(2, 3, true, false), [2, 4, 4]),
    ]
}

/// Value, input gradient, parameter gradients and running statistics of one pass.
fn pass(
    config: ConvBlockConfig,
    mode: &str,
    x: &Tensor,
    reference: bool,
    input_gradient: bool,
) -> Vec<(String, Tensor)> {
    let (params, block) = block(config);
    let mut cx = context(mode, &block);
    if reference {
        cx = cx.reference();
    }
    let input = candle_core::Var::from_tensor(x).unwrap();
    let x = if input_gradient {
        input.as_tensor().clone()
    } else {
        x.clone()
    };
    let y = block.forward(&x, &mut cx).unwrap();
    let weights = random(y.dims(), 999);
    let mut vars = params.trained();
    vars.push(("input".to_owned(), input));
    let mut gradients = Gradients::new(&vars);
    gradients
        .add(&(&y * weights).unwrap().sum_all().unwrap())
        .unwrap();
    let mut all = vec![("output".to_owned(), y.detach())];
    for (name, _) in &vars {
        if let Some(gradient) = gradients.get(name) {
            all.push((format!("gradient of {name}"), gradient.clone()));
        }
    }
    for (name, var) in params.buffers() {
        all.push((name, var.as_detached_tensor()));
    }
    all
}

#[test]
fn the_kernels_agree_with_the_reference() {
    for (i, (config, [b, h, w])) in configs().into_iter().enumerate() {
        let x = random(&[b, h, w, config.in_channels], i as u64);
        for mode in MODES {
            for input_gradient in [true, false] {
                let fast = pass(config, mode, &x, false, input_gradient);
                let slow = pass(config, mode, &x, true, input_gradient);
                assert_eq!(fast.len(), slow.len());
                for ((name, fast), (_, slow)) in fast.iter().zip(&slow) {
                    println!("{config:?} {mode} {name}");
                    // Sums of up to a few thousand products in another order.
                    assert_tensor(fast, slow, 2e-4, 2e-4);
                }
            }
        }
    }
}

#[test]
fn gradients_agree_with_differences() {
    let options = Differences {
        step: 2e-3,
        stride: 1,
    };
    for (config, [b, h, w]) in configs().into_iter().take(3) {
        let x = random(&[b, h, w, config.in_channels], 7);
        for mode in MODES {
            let (_, block) = block(config);
            let inputs = [x.clone(), block.conv.weight.var().as_detached_tensor()];
            check_gradients(&inputs, options, 0.03, |args| {
                // The running statistics move in training; the value does not depend on them.
                let mut cx = context(mode, &block);
                let geometry = block.conv.check(&args[0], &args[1], None)?;
                let bn = block.bn.as_ref().unwrap();
                let normalisation = if bn.uses_batch(&cx) {
                    Normalisation::Batch
                } else {
                    Normalisation::Given(Statistics {
                        mean: bn.running[0].mean.to_vec1()?,
                        variance: bn.running[0].variance.to_vec1()?,
                    })
                };
                let affine = Tensor::cat(
                    &[
                        block.conv.bias.as_ref().unwrap().tensor(),
                        bn.weight.tensor(),
                        bn.bias.tensor(),
                    ],
                    0,
                )?;
                cx.stream();
                let settings = cpu::Block {
                    geometry: &geometry,
                    eps: 1e-5,
                    pool: false,
                    hide: false,
                    single_backward: false,
                };
                let x = Map::Tensor(args[0].clone());
                let (y, _) = cpu::conv_block(&x, &args[1], &affine, &settings, normalisation)?;
                Ok(y.stand_in()?)
            });
        }
    }
}

#[test]
fn a_frozen_block_gives_only_the_input_gradient() {
    let (params, block) = block(configs()[1].0);
    block.set_trainable(false);
    let x = candle_core::Var::from_tensor(&random(&[2, 8, 6, 3], 1)).unwrap();
    let y = block.forward(x.as_tensor(), &mut Context::eval()).unwrap();
    let store = y.sum_all().unwrap().backward().unwrap();
    assert!(flat(store.get(&x).unwrap()).iter().any(|g| *g != 0.0));
    for (name, var) in params.buffers() {
        assert!(store.get(&var).is_none(), "{name}");
    }
    let bn = block.bn.as_ref().unwrap();
    assert!(store.get(block.conv.weight.var()).is_none());
    assert!(store.get(bn.weight.var()).is_none());
    assert!(params.trained().is_empty());
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let config = configs()[3].0;
    let x = random(&[16, 16, 16, 16], 2);
    for mode in MODES {
        let run = |threads| {
            with_threads(threads, || {
                pass(config, mode, &x, false, true)
                    .iter()
                    .map(|(_, t)| flat(t).iter().map(|v| v.to_bits()).collect())
                    .collect::<Vec<Vec<u32>>>()
            })
        };
        assert_eq!(run(1), run(2), "{mode}");
    }
}

#[test]
fn a_wrong_input_names_the_layer() {
    let params = Params::new(&Device::Cpu);
    let scope = params.root().sub("conv3_1");
    let block = ConvBlock::new(configs()[1].0, &scope, &mut Seed::new(1).stream()).unwrap();
    for mut cx in [Context::eval(), Context::eval().reference()] {
        let error = block
            .forward(&random(&[2, 8, 6, 4], 0), &mut cx)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "conv3_1.conv: expected an input of shape [batch, height, width, 3], found [2, 8, 6, 4]"
        );
    }
}

#[test]
fn a_fused_pass_uses_and_updates_the_set_of_its_context() {
    let (config, [b, h, w]) = configs()[2];
    let x = random(&[b, h, w, config.in_channels], 3);
    for set in [0, 1] {
        let (params, block) = block(config);
        let before = params.state().unwrap();
        let pass = |reference: bool, mut cx: Context| {
            if reference {
                cx = cx.reference();
            }
            flat(&block.forward(&x, &mut cx.with_statistics(set)).unwrap())
        };
        let fast = pass(false, Context::eval());
        for (a, b) in fast.iter().zip(pass(true, Context::eval())) {
            assert!((a - b).abs() <= 2e-4 + 2e-4 * b.abs(), "{a} {b}");
        }
        pass(false, Context::train(Seed::new(4).stream()));
        for (name, value) in params.state().unwrap() {
            let moved = flat(&value) != flat(&before[&name]);
            let of_set = name.contains("running") && name.ends_with("_1") == (set == 1);
            assert_eq!(moved, of_set, "{name}, set {set}");
        }
    }
}

/// The layers of a small VGG; one without batch norm, which is no fused block, stands
/// among them.
fn row() -> (Params, Vec<ConvBlock>) {
    let params = Params::new(&Device::Cpu);
    let mut stream = Seed::new(3).stream();
    let sizes = [
        (2, 16, true, true),
        (16, 16, false, true),
        (16, 9, false, false),
        (9, 5, false, true),
        (5, 8, true, true),
    ];
    let blocks = sizes.into_iter().enumerate();
    let blocks = blocks.map(|(i, (in_channels, out_channels, pool, batch_norm))| {
        let config = ConvBlockConfig {
            in_channels,
            out_channels,
            batch_norm,
            statistics: 1,
            pool,
        };
        let scope = params.root().sub(&format!("block{i}"));
        ConvBlock::new(config, &scope, &mut stream).unwrap()
    });
    let blocks = blocks.collect();
    (params, blocks)
}

#[test]
fn a_row_of_blocks_is_its_blocks() {
    let x = random(&[3, 12, 10, 2], 5);
    let all = |mode: &str, trained: usize, at_once: bool| {
        let (params, blocks) = row();
        // Frozen layers at the beginning need no gradient of their maps.
        for block in &blocks[..blocks.len() - trained] {
            block.set_trainable(false);
        }
        let mut cx = match mode {
            "eval" => Context::eval(),
            _ => Context::train(Seed::new(4).stream()),
        };
        for block in &blocks {
            block.set_frozen(mode == "frozen");
        }
        let mut forward = || {
            let y = if at_once {
                ConvBlock::forward_all(&blocks, &x, &mut cx).unwrap()
            } else {
                let one = |x: Tensor, block: &ConvBlock| block.forward(&x, &mut cx).unwrap();
                blocks.iter().fold(x.clone(), one)
            };
            let weights = random(y.dims(), 999);
            let loss = (&y * weights).unwrap().sum_all().unwrap();
            (y, loss)
        };
        let mut gradients = Gradients::new(&params.trained());
        gradients.add(&forward().1).unwrap();
        let (y, loss) = forward();
        let store = loss.backward().unwrap();
        let again = loss.backward();
        if mode == "eval" {
            let again = again.unwrap();
            for (name, var) in params.trained() {
                let [first, again] = [&store, &again].map(|s| flat(s.get(&var).unwrap()));
                assert_eq!(first, again, "{name}");
            }
        } else {
            let error = again.unwrap_err().to_string();
            assert!(error.contains("add several losses up first"), "{error}");
        }
        let mut found = vec![("output".to_owned(), flat(&y))];
        for (name, var) in params.trained() {
            let summed = gradients.get(&name).unwrap();
            assert_eq!(flat(summed), flat(store.get(&var).unwrap()), "{name}");
            found.push((name, flat(summed)));
        }
        for (name, var) in params.buffers() {
            found.push((name, flat(&var.as_detached_tensor())));
        }
        found
    };
    for mode in MODES {
        for trained in [1, 3, 5] {
            let (row, single) = (all(mode, trained, true), all(mode, trained, false));
            assert!(row.len() > 3 * trained);
            for ((name, row), (_, single)) in row.iter().zip(&single) {
                assert_eq!(row, single, "{mode} {trained} {name}");
            }
        }
    }
}

#[test]
fn a_row_of_blocks_gives_the_gradient_of_its_input() {
    let (params, blocks) = row();
    params.set_trainable("", false);
    let x = candle_core::Var::from_tensor(&random(&[2, 8, 8, 2], 6)).unwrap();
    let gradient = |cx: Context| {
        let mut cx = cx;
        let y = ConvBlock::forward_all(&blocks, x.as_tensor(), &mut cx).unwrap();
        let store = (&y * random(y.dims(), 7)).unwrap().sum_all().unwrap();
        store.backward().unwrap().get(&x).unwrap().clone()
    };
    let (fast, slow) = (
        gradient(Context::eval()),
        gradient(Context::eval().reference()),
    );
    assert!(flat(&slow).iter().any(|g| *g != 0.0));
    assert_tensor(&fast, &slow, 1e-5, 1e-4);
}
