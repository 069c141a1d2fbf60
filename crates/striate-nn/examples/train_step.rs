//! Times one training step of a narrow VGG with the CPU kernels and with candle's operations.
//!
//! `cargo run --release -p striate-nn --example train_step [reference] [steps]`

use std::time::Instant;

use candle_core::{Device, Tensor};
use striate_nn::{
    Context, ConvBlock, ConvBlockConfig, Gradients, Linear, LinearConfig, Optimizer, Params,
    Result, Sgd, SgdConfig, init, loss, ops,
};
use striate_random::Seed;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let reference = arguments.iter().any(|a| a == "reference");
    let steps: usize = arguments.iter().find_map(|a| a.parse().ok()).unwrap_or(20);
    let seed = Seed::new(1);
    let mut stream = seed.child("init").stream();
    let params = Params::new(&Device::Cpu);
    let mut blocks = Vec::new();
    let mut in_channels = 1;
    for (i, width) in [16, 32, 64, 128].into_iter().enumerate() {
        for (j, pool) in [false, true].into_iter().enumerate() {
            let config = ConvBlockConfig {
                in_channels,
                out_channels: width,
                batch_norm: true,
                pool,
            };
            let scope = params.root().sub(&format!("conv{}_{}", i + 1, j + 1));
            blocks.push(ConvBlock::new(config, &scope, &mut stream)?);
            in_channels = width;
        }
    }
    let head = Linear::new(
        LinearConfig::new(128, 100),
        &params.root().sub("head"),
        &mut stream,
    )?;
    let mut optimizer = Sgd::new(SgdConfig::default(), params.trained())?;
    let mut gradients = Gradients::new(&params.trained());
    let x = init::normal((64, 32, 32, 1), 1.0, &mut stream, &Device::Cpu)?;
    let labels = Tensor::arange(0u32, 64, &Device::Cpu)?;
    let mut times = Vec::new();
    let mut last = f32::NAN;
    for step in 0..steps {
        let start = Instant::now();
        let mut cx = Context::train(seed.child("step").index(step as u64).stream());
        if reference {
            cx = cx.reference();
        }
        let mut y = x.clone();
        for block in &blocks {
            y = block.forward(&y, &mut cx)?;
        }
        let logits = head.forward(&ops::global_max_pool(&y)?, &mut cx)?;
        let loss = loss::cross_entropy(&logits, &labels)?;
        gradients.clear();
        gradients.add(&loss)?;
        optimizer.step(&gradients, 0.01)?;
        last = loss.to_scalar()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    println!(
        "{} step: median {:.1} ms, best {:.1} ms, loss {last}",
        if reference { "reference" } else { "kernels" },
        times[times.len() / 2],
        times[0],
    );
    Ok(())
}
