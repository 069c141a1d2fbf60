//! Times steps of a reconstruction in the study's exact mode from the last convolution
//! of a VGG with batch norm: forward, gradient of the images, its blur, step, projection.
//!
//! `cargo bench -p striate-reconstruct --bench reconstruct -- NETWORK BATCH STEPS`, where
//! NETWORK is `narrow` (widths 16 to 128, 32x32 gray) or `vgg19` (64x64 gray). Printed
//! are, in one line, the mean CPU time and wall time of a step in milliseconds and the
//! peak memory of the process in MB. `cargo xtask bench reconstruct` sets PyTorch beside it.

use std::error::Error;
use std::ops::ControlFlow;
use std::time::Instant;

use candle_core::{Device, Tensor};
use striate_nn::{Context, ConvBlock, ConvBlockConfig, Params, init};
use striate_random::Seed;
use striate_reconstruct::{Budget, Mode, ReconstructConfig, Task, reconstruct};
use striate_testkit::{cpu_seconds, peak_mb};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

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
    let number = |place: usize, or: usize| {
        let given = arguments.get(place).and_then(|a| a.parse().ok());
        given.unwrap_or(or)
    };
    let (batch, steps) = (number(1, 64), number(2, 20));
    let (widths, size) = match arguments.first().map(String::as_str) {
        Some("vgg19") => (vec![(2, 64), (2, 128), (4, 256), (4, 512), (4, 512)], 64),
        _ => (vec![(2, 16), (2, 32), (2, 64), (2, 128)], 32),
    };

    let seed = Seed::new(1);
    let mut stream = seed.child("init").stream();
    let params = Params::new(&Device::Cpu);
    let mut layers = Vec::new();
    let mut in_channels = 1;
    for (block, (count, width)) in widths.into_iter().enumerate() {
        for layer in 0..count {
            let config = ConvBlockConfig {
                in_channels,
                out_channels: width,
                batch_norm: true,
                statistics: 1,
                pool: layer + 1 == count,
            };
            let scope = params.root().sub(&format!("conv{block}_{layer}"));
            layers.push(ConvBlock::new(config, &scope, &mut stream)?);
            in_channels = width;
        }
    }
    params.set_trainable("", false);
    let network = |x: &Tensor| Ok(ConvBlock::forward_all(&layers, x, &mut Context::eval())?);

    let images = init::normal((batch, size, size, 1), 1.0, &mut stream, &Device::Cpu)?;
    let ids: Vec<u64> = (0..batch as u64).collect();
    let run = |steps: usize| -> Result<()> {
        let config = ReconstructConfig {
            mode: Mode::Exact { steps },
            batch,
            ..ReconstructConfig::default()
        };
        let task = Task {
            images: &images,
            ids: &ids,
            budgets: &[Budget::fraction(0.5)?],
            seed,
        };
        reconstruct(&network, &task, &config, &mut |_| ControlFlow::Continue(()))?;
        Ok(())
    };
    // What is done once, such as the features of the originals, is no part of a step: the
    // difference of two runs. The first takes memory, too.
    let mut spent = Vec::new();
    for steps in [1, 1, steps + 1] {
        let (start, cpu) = (Instant::now(), cpu_seconds());
        run(steps)?;
        let cpu = cpu_seconds()
            .zip(cpu)
            .map(|(end, start)| (end - start) * 1e3);
        let wall = start.elapsed().as_secs_f64() * 1e3;
        spent.push([cpu.unwrap_or(f64::NAN), wall]);
    }
    let [cpu, wall] = [0, 1].map(|i| (spent[2][i] - spent[1][i]) / steps as f64);
    println!("{cpu:.1} {wall:.1} {:.0}", peak_mb().unwrap_or(f64::NAN));
    Ok(())
}
