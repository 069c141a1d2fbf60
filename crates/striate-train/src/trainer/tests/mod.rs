//! What the trainer's tests share: a small two-task problem.

mod errors;
mod golden;
mod learning;
mod resume;

use candle_core::Device;
use striate_models::{Head, MultiTaskNet, VggConfig};
use striate_random::Seed;

use crate::*;

/// Stripes across or along, with noise: two classes; and responses to their contrast.
pub(super) struct Problem {
    pub(super) train: MemoryImages,
    pub(super) validation: MemoryImages,
    pub(super) trials: MemoryResponses,
    pub(super) held_out: MemoryResponses,
}

const SIZE: usize = 8;
pub(super) const NEURONS: usize = 3;

fn image(class: usize, seed: &Seed) -> Vec<f32> {
    let mut stream = seed.stream();
    let gain = stream.range(0.5, 1.5);
    (0..SIZE * SIZE)
        .map(|i| {
            let place = if class == 0 { i / SIZE } else { i % SIZE };
            let stripe = if place % 2 == 0 { 1.0 } else { -1.0 };
            (gain * stripe + 0.3 * stream.normal()) as f32
        })
        .collect()
}

fn images(count: usize, seed: &Seed) -> (Vec<f32>, Vec<u32>) {
    let labels: Vec<u32> = (0..count).map(|i| (i % 2) as u32).collect();
    let pixels = (0..count)
        .flat_map(|i| image(i % 2, &seed.index(i as u64)))
        .collect();
    (pixels, labels)
}

/// Mean absolute difference along x, along y, and their sum: what stripes drive.
fn responses(pixels: &[f32]) -> Vec<f32> {
    pixels
        .chunks_exact(SIZE * SIZE)
        .flat_map(|image| {
            let at = |x: usize, y: usize| image[y * SIZE + x];
            let (mut dx, mut dy) = (0.0, 0.0);
            for y in 1..SIZE {
                for x in 1..SIZE {
                    dx += (at(x, y) - at(x - 1, y)).abs();
                    dy += (at(x, y) - at(x, y - 1)).abs();
                }
            }
            [dx / 49.0, dy / 49.0, (dx + dy) / 98.0]
        })
        .collect()
}

impl Problem {
    pub(super) fn new() -> Self {
        let part = |count: usize, name: &str| {
            let seed = Seed::new(5).child(name);
            let (pixels, labels) = images(count, &seed.child("images"));
            let (stimuli, _) = images(count / 2, &seed.child("stimuli"));
            let targets = responses(&stimuli);
            let shape = [SIZE, SIZE, 1];
            let trials = (0..(count / 2) as u32).collect();
            (
                MemoryImages::new(pixels, shape, labels, 2).unwrap(),
                MemoryResponses::new("simulated", stimuli, shape, trials, targets, NEURONS)
                    .unwrap(),
            )
        };
        let (train, trials) = part(46, "train");
        let (validation, held_out) = part(40, "validation");
        Self {
            train,
            validation,
            trials,
            held_out,
        }
    }

    pub(super) fn tasks(&self, images: bool, neural: bool) -> Tasks<'_> {
        let neural_task = NeuralTask {
            train: &self.trials,
            validation: &self.held_out,
        };
        Tasks {
            images: images.then_some(ImageTask {
                train: &self.train,
                validation: &self.validation,
            }),
            neural: if neural { vec![neural_task] } else { vec![] },
        }
    }
}

pub(super) fn network(seed: u64) -> MultiTaskNet {
    let config = VggConfig {
        in_channels: 1,
        blocks: vec![vec![6], vec![8]],
        split: "conv1_1".parse().unwrap(),
        head: Head::Conv {
            hidden: vec![8],
            dropout: 0.25,
        },
        classes: 2,
        input_size: SIZE,
        ..VggConfig::default()
    };
    let seed = Seed::new(seed);
    let mut net = MultiTaskNet::new(&config, &Device::Cpu, &seed).unwrap();
    net.add_readout("simulated", &[1.0; NEURONS], &seed)
        .unwrap();
    net
}

/// The study's multi-task recipe, small and short.
pub(super) fn mtl(ratio: f64, max_epochs: usize) -> TrainConfig {
    let study = TrainConfig::study_mtl(Ratio::new(ratio).unwrap());
    let Schedule::Rounds { plateau, stopping } = study.schedule.clone() else {
        panic!("the study trains in rounds");
    };
    TrainConfig {
        batch_size: 8,
        neural_batch_size: 8,
        optimizer: OptimizerConfig::Sgd {
            lr: 0.05,
            momentum: 0.75,
            weight_decay: 5e-4,
        },
        schedule: Schedule::Rounds {
            plateau,
            stopping: EarlyStoppingConfig {
                patience: 1,
                rounds: 3,
                max_epochs,
                ..stopping
            },
        },
        ..study
    }
}
