//! Times steps of a reconstruction in the study's exact mode from the last convolution
//! of a VGG with batch norm: forward, gradient of the images, its blur, step, projection.
//!
//! `cargo bench -p striate-reconstruct --bench reconstruct -- NETWORK BATCH STEPS`, where
//! NETWORK is `narrow` (widths 16 to 128, 32x32 gray) or `vgg19` (64x64 gray). Printed
//! are, in one line, the mean CPU time and wall time of a step in milliseconds and the
//! peak memory of the process in MB. `cargo xtask bench reconstruct` sets PyTorch beside it.

#[path = "../../../benches/shared/difference.rs"]
mod difference;
#[path = "../../../benches/shared/steps.rs"]
mod steps;

use std::ops::ControlFlow;

use candle_core::{Device, Tensor};
use difference::step_of;
use steps::{Arguments, Result};
use striate_nn::{Context, ConvBlock, Params, init};
use striate_random::Seed;
use striate_reconstruct::{Budget, Mode, ReconstructConfig, Task, reconstruct};

fn main() -> Result<()> {
    steps::run(measure)
}

fn measure(arguments: &Arguments) -> Result<[f64; 2]> {
    let (batch, size) = (arguments.batch, arguments.size());
    let seed = Seed::new(1);
    let mut stream = seed.child("init").stream();
    let params = Params::new(&Device::Cpu);
    let (layers, _) = arguments.blocks(1, &params, &mut stream)?;
    params.set_trainable("", false);
    let network = |x: &Tensor| {
        Ok(ConvBlock::forward_all(
            &layers,
            x,
            &mut Context::eval().single_backward(),
        )?)
    };

    let images = init::normal((batch, size, size, 1), 1.0, &mut stream, &Device::Cpu)?;
    let ids: Vec<u64> = (0..batch as u64).collect();
    step_of(arguments, |steps| {
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
    })
}
