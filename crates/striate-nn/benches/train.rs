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

use std::time::Instant;

use candle_core::{Device, Tensor};
use striate_nn::{
    Context, ConvBlock, ConvBlockConfig, Gradients, Linear, LinearConfig, Optimizer, Params,
    Result, Sgd, SgdConfig, init, loss, ops,
};
use striate_random::Seed;
use striate_testkit::{cpu_seconds, peak_mb};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Widths of the layers of each block, and the size of the images.
fn network(name: &str) -> (Vec<Vec<usize>>, usize) {
    match name {
        "vgg19" => {
            let widths = [(2, 64), (2, 128), (4, 256), (4, 512), (4, 512)];
            (
                widths.map(|(layers, width)| vec![width; layers]).to_vec(),
                64,
            )
        }
        _ => ([16, 32, 64, 128].map(|width| vec![width; 2]).to_vec(), 32),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() -> Result<()> {
    striate_nn::restart_with_one_pool();
    // As `striate reproduce` does: a thread of the pool need not wait for the pool.
    match rayon::ThreadPoolBuilder::new().build() {
        Ok(pool) => pool.install(measure),
        Err(_) => measure(),
    }
}

fn measure() -> Result<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let name = arguments.first().map_or("narrow", String::as_str);
    let number = |place: usize, or: usize| {
        let given = arguments.get(place).and_then(|a| a.parse().ok());
        given.unwrap_or(or)
    };
    let (batch, steps) = (number(1, 64), number(2, 20));
    let asked = |mode: &str| arguments.iter().any(|a| a == mode);
    let (reference, evaluate) = (asked("reference"), asked("evaluate"));
    let (blocks, size) = network(name);

    let seed = Seed::new(1);
    let mut stream = seed.child("init").stream();
    let params = Params::new(&Device::Cpu);
    let mut layers = Vec::new();
    let mut in_channels = 1;
    for (i, widths) in blocks.iter().enumerate() {
        for (j, width) in widths.iter().enumerate() {
            let config = ConvBlockConfig {
                in_channels,
                out_channels: *width,
                batch_norm: true,
                statistics: 1,
                pool: j + 1 == widths.len(),
            };
            let scope = params.root().sub(&format!("conv{}_{}", i + 1, j + 1));
            layers.push(ConvBlock::new(config, &scope, &mut stream)?);
            in_channels = *width;
        }
    }
    let head = LinearConfig::new(in_channels, 200);
    let head = Linear::new(head, &params.root().sub("head"), &mut stream)?;
    if evaluate {
        params.set_trainable("", false);
    }
    let mut optimizer = Sgd::new(SgdConfig::default(), params.trained())?;
    let mut gradients = Gradients::new(&params.trained());
    let x = init::normal((batch, size, size, 1), 1.0, &mut stream, &Device::Cpu)?;
    let labels = Tensor::arange(0u32, batch as u32, &Device::Cpu)?;
    let (mut cpu, mut wall) = (Vec::new(), Vec::new());
    // The first step takes memory and is not counted.
    for step in 0..=steps {
        let (start, cpu_start) = (Instant::now(), cpu_seconds());
        let mut cx = if evaluate {
            Context::eval()
        } else {
            Context::train(seed.child("step").index(step as u64).stream())
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
        if step > 0 {
            wall.push(start.elapsed().as_secs_f64() * 1e3);
            let spent = cpu_seconds().zip(cpu_start);
            let spent = spent.map(|(end, start)| (end - start) * 1e3);
            cpu.push(spent.unwrap_or(f64::NAN));
        }
    }
    println!(
        "{:.1} {:.1} {:.0}",
        median(cpu),
        median(wall),
        peak_mb().unwrap_or(f64::NAN)
    );
    Ok(())
}
