//! Times steps of PGD (L-inf) on a VGG with batch norm and a linear classifier: forward,
//! gradient of the images, a step, the projection.
//!
//! `cargo bench -p striate-attack --bench attack -- NETWORK BATCH STEPS`, where NETWORK is
//! `narrow` (widths 16 to 128, 32x32 gray) or `vgg19` (64x64 RGB). Printed are, in one
//! line, the mean CPU time and wall time of a step in milliseconds and the peak memory of
//! the process in MB. `cargo xtask bench attack` sets PyTorch beside it.

use std::error::Error;
use std::ops::ControlFlow;
use std::time::Instant;

use candle_core::{D, Device, Tensor};
use striate_attack::{Attack, AttackConfig, Task, attack};
use striate_nn::layers::{Linear, LinearConfig};
use striate_nn::ops::global_max_pool;
use striate_nn::{Context, ConvBlock, ConvBlockConfig, Params};
use striate_random::Seed;
use striate_testkit::{cpu_seconds, peak_mb};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// So small that no image is broken, and every step takes the whole batch.
const EPSILON: f64 = 1e-6;

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
    let (widths, size, channels) = match arguments.first().map(String::as_str) {
        Some("vgg19") => (vec![(2, 64), (2, 128), (4, 256), (4, 512), (4, 512)], 64, 3),
        _ => (vec![(2, 16), (2, 32), (2, 64), (2, 128)], 32, 1),
    };

    let seed = Seed::new(1);
    let mut stream = seed.child("init").stream();
    let params = Params::new(&Device::Cpu);
    let mut blocks = Vec::new();
    let mut in_channels = channels;
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
            blocks.push(ConvBlock::new(config, &scope, &mut stream)?);
            in_channels = width;
        }
    }
    let scope = params.root().sub("classes");
    let classes = Linear::new(LinearConfig::new(in_channels, 200), &scope, &mut stream)?;
    params.set_trainable("", false);
    let scores = |x: &Tensor| -> striate_nn::Result<Tensor> {
        let mut cx = Context::eval();
        let map = ConvBlock::forward_all(&blocks, x, &mut cx)?;
        classes.forward(&global_max_pool(&map)?, &mut cx)
    };
    let network = |x: &Tensor| scores(x).map_err(candle_core::Error::wrap);

    let count = batch * size * size * channels;
    let pixels: Vec<f32> = (0..count).map(|_| stream.uniform_f32()).collect();
    let images = Tensor::from_vec(pixels, (batch, size, size, channels), &Device::Cpu)?;
    let labels: Vec<u32> = network(&images)?.argmax(D::Minus1)?.to_vec1()?;
    let ids: Vec<u64> = (0..batch as u64).collect();
    let run = |steps: usize| -> Result<()> {
        let config = AttackConfig {
            steps,
            batch,
            ..AttackConfig::default()
        };
        let task = Task {
            images: &images,
            labels: &labels,
            ids: &ids,
            seed,
        };
        let mut go = |_: &_| ControlFlow::Continue(());
        let found = attack(
            &network,
            &task,
            Attack::PgdLinf,
            &[EPSILON],
            &config,
            &mut go,
        )?;
        match found.correct(0) == batch {
            true => Ok(()),
            false => Err("an image was broken: the steps after that are cheaper".into()),
        }
    };
    // What is done once, such as the classes of the images, is no part of a step: the
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
