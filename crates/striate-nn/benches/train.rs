//! Times training steps of a VGG with batch norm (forward, cross-entropy, backward and
//! SGD), or its evaluation.
//!
//! `cargo bench -p striate-nn --bench train -- NETWORK BATCH STEPS [evaluate] [reference]`,
//! where NETWORK is `narrow` (widths 16 to 128, 32x32 gray) or `vgg19` (64x64 gray);
//! `evaluate` runs the network forward with running statistics, and nothing else;
//! `reference` computes with candle's operations instead of the kernels. Printed are,
//! in one line, the median CPU time and wall time of a step in milliseconds and the
//! peak memory of the process in MB. `cargo xtask bench train` and `cargo xtask bench
//! evaluate` set PyTorch beside it.

#[path = "../../../benches/shared/steps.rs"]
mod steps;

use candle_core::{Device, Tensor};
use steps::{Arguments, Result, spent};
use striate_nn::{
    Context, ConvBlock, Gradients, Linear, LinearConfig, Optimizer, Params, Sgd, SgdConfig, init,
    loss, ops,
};
use striate_random::Seed;

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() -> Result<()> {
    steps::run(measure)
}

fn measure(arguments: &Arguments) -> Result<[f64; 2]> {
    let (batch, size) = (arguments.batch, arguments.size());
    let asked = |mode: &str| std::env::args().any(|a| a == mode);
    let (reference, evaluate) = (asked("reference"), asked("evaluate"));
    let seed = Seed::new(1);
    let mut stream = seed.child("init").stream();
    let params = Params::new(&Device::Cpu);
    let (layers, width) = arguments.blocks(1, &params, &mut stream)?;
    let head = LinearConfig::new(width, 200);
    let head = Linear::new(head, &params.root().sub("head"), &mut stream)?;
    if evaluate {
        params.set_trainable("", false);
    }
    let mut optimizer = Sgd::new(SgdConfig::default(), params.trained())?;
    let mut gradients = Gradients::new(&params.trained());
    let x = init::normal((batch, size, size, 1), 1.0, &mut stream, &Device::Cpu)?;
    let labels = Tensor::arange(0u32, batch as u32, &Device::Cpu)?;
    let mut times = Vec::new();
    for step in 0..=arguments.steps {
        times.push(spent(|| {
            let mut cx = match evaluate {
                true => Context::eval(),
                false => Context::train(seed.child("step").index(step as u64).stream()),
            };
            if reference {
                cx = cx.reference();
            }
            let y = ConvBlock::forward_all(&layers, &x, &mut cx)?;
            let logits = head.forward(&ops::global_max_pool(&y)?, &mut cx)?;
            let loss = loss::cross_entropy(&logits, &labels)?;
            if !evaluate {
                gradients.clear();
                gradients.add(&loss)?;
                optimizer.step(&gradients, 0.01)?;
            }
            loss.to_scalar::<f32>()?;
            Ok(())
        })?);
    }
    // The first step takes memory and is not counted.
    Ok([0, 1].map(|i| median(times[1..].iter().map(|t| t[i]).collect())))
}
