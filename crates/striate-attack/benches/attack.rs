//! Times steps of PGD (L-inf) on a VGG with batch norm and a linear classifier: forward,
//! gradient of the images, a step, the projection.
//!
//! `cargo bench -p striate-attack --bench attack -- NETWORK BATCH STEPS`, where NETWORK is
//! `narrow` (widths 16 to 128, 32x32 gray) or `vgg19` (64x64 RGB). Printed are, in one
//! line, the mean CPU time and wall time of a step in milliseconds and the peak memory of
//! the process in MB. `cargo xtask bench attack` sets PyTorch beside it.

#[path = "../../../benches/shared/difference.rs"]
mod difference;
#[path = "../../../benches/shared/steps.rs"]
mod steps;

use std::ops::ControlFlow;

use candle_core::{D, Device, Tensor};
use difference::step_of;
use steps::{Arguments, Result};
use striate_attack::{Attack, AttackConfig, Task, attack};
use striate_nn::ops::global_max_pool;
use striate_nn::{Context, ConvBlock, Linear, LinearConfig, Params};
use striate_random::Seed;

/// So small that no image is broken, and every step takes the whole batch.
const EPSILON: f64 = 1e-6;

fn main() -> Result<()> {
    steps::run(measure)
}

fn measure(arguments: &Arguments) -> Result<[f64; 2]> {
    let (batch, size) = (arguments.batch, arguments.size());
    let channels = if arguments.vgg19 { 3 } else { 1 };
    let seed = Seed::new(1);
    let mut stream = seed.child("init").stream();
    let params = Params::new(&Device::Cpu);
    let (blocks, width) = arguments.blocks(channels, &params, &mut stream)?;
    let scope = params.root().sub("classes");
    let classes = Linear::new(LinearConfig::new(width, 200), &scope, &mut stream)?;
    params.set_trainable("", false);
    let scores = |x: &Tensor| -> striate_nn::Result<Tensor> {
        let mut cx = Context::eval().single_backward();
        let map = ConvBlock::forward_all(&blocks, x, &mut cx)?;
        classes.forward(&global_max_pool(&map)?, &mut cx)
    };
    let network = |x: &Tensor| scores(x).map_err(candle_core::Error::wrap);

    let count = batch * size * size * channels;
    let pixels: Vec<f32> = (0..count).map(|_| stream.uniform_f32()).collect();
    let images = Tensor::from_vec(pixels, (batch, size, size, channels), &Device::Cpu)?;
    let labels: Vec<u32> = network(&images)?.argmax(D::Minus1)?.to_vec1()?;
    let ids: Vec<u64> = (0..batch as u64).collect();
    step_of(arguments, |steps| {
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
    })
}
