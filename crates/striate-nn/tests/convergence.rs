//! The kernels train like the reference operations: from the same seed to the same
//! accuracy, up to the noise between seeds.

use std::f32::consts::PI;

use candle_core::{Device, Tensor};
use striate_nn::{
    Context, ConvBlock, ConvBlockConfig, Gradients, Linear, LinearConfig, Optimizer, Params,
    Result, Sgd, SgdConfig, loss, ops,
};
use striate_random::{Seed, Stream};

const CLASSES: usize = 8;
const SIZE: usize = 16;
const BATCH: usize = 32;
const STEPS: usize = 40;

/// Gratings of random phase in noise as strong as they are; the class is the orientation.
fn gratings(count: usize, stream: &mut Stream) -> Result<(Tensor, Vec<u32>)> {
    let mut pixels = Vec::with_capacity(count * SIZE * SIZE);
    let mut labels = Vec::with_capacity(count);
    for _ in 0..count {
        let class = stream.below(CLASSES) as u32;
        let angle = PI * class as f32 / CLASSES as f32;
        let phase = 2.0 * PI * stream.uniform_f32();
        for y in 0..SIZE {
            for x in 0..SIZE {
                let along = x as f32 * angle.cos() + y as f32 * angle.sin();
                let wave = (2.0 * PI * along / 5.0 + phase).cos();
                pixels.push(wave + stream.normal() as f32);
            }
        }
        labels.push(class);
    }
    let images = Tensor::from_vec(pixels, (count, SIZE, SIZE, 1), &Device::Cpu)?;
    Ok((images, labels))
}

struct Network {
    blocks: Vec<ConvBlock>,
    head: Linear,
}

impl Network {
    fn logits(&self, x: &Tensor, cx: &mut Context) -> Result<Tensor> {
        let map = ConvBlock::forward_all(&self.blocks, x, cx)?;
        self.head.forward(&ops::global_max_pool(&map)?, cx)
    }
}

/// The share of new images that a network of this seed gets right after its training.
fn accuracy(seed: u64, reference: bool) -> Result<f64> {
    let context = |cx: Context| if reference { cx.reference() } else { cx };
    let seed = Seed::new(seed);
    let mut stream = seed.child("init").stream();
    let params = Params::new(&Device::Cpu);
    let blocks = [(1, 8, true), (8, 16, false), (16, 16, true)];
    let blocks = blocks.into_iter().enumerate();
    let blocks = blocks.map(|(i, (in_channels, out_channels, pool))| {
        let config = ConvBlockConfig {
            in_channels,
            out_channels,
            batch_norm: true,
            statistics: 1,
            pool,
        };
        ConvBlock::new(
            config,
            &params.root().sub(&format!("block{i}")),
            &mut stream,
        )
    });
    let blocks = blocks.collect::<Result<_>>()?;
    let head = LinearConfig::new(16, CLASSES);
    let head = Linear::new(head, &params.root().sub("head"), &mut stream)?;
    let network = Network { blocks, head };
    let mut optimizer = Sgd::new(SgdConfig::default(), params.trained())?;
    let mut gradients = Gradients::new(&params.trained());
    let mut images = seed.child("images").stream();
    for step in 0..STEPS {
        let (x, labels) = gratings(BATCH, &mut images)?;
        let stream = seed.child("step").index(step as u64).stream();
        let logits = network.logits(&x, &mut context(Context::train(stream)))?;
        gradients.clear();
        gradients.add(&loss::cross_entropy(
            &logits,
            &Tensor::new(labels, &Device::Cpu)?,
        )?)?;
        optimizer.step(&gradients, 0.05)?;
    }
    let (x, labels) = gratings(400, &mut images)?;
    let logits = network.logits(&x, &mut context(Context::eval()))?;
    let found = logits.argmax(1)?.to_vec1::<u32>()?;
    let right = found.iter().zip(&labels).filter(|(a, b)| a == b).count();
    Ok(right as f64 / labels.len() as f64)
}

#[test]
fn the_kernels_train_as_well_as_the_reference() {
    let seeds = 0..4;
    let pairs: Vec<[f64; 2]> = seeds
        .map(|seed| [false, true].map(|reference| accuracy(seed, reference).unwrap()))
        .collect();
    let count = pairs.len() as f64;
    let [kernels, reference] = [0, 1].map(|i| pairs.iter().map(|p| p[i]).sum::<f64>() / count);
    let difference = kernels - reference;
    let spread = pairs.iter().map(|p| (p[0] - p[1] - difference).powi(2));
    let error = (spread.sum::<f64>() / (count - 1.0) / count).sqrt();
    println!("{pairs:?}: {kernels:.3} and {reference:.3}, standard error {error:.3}");
    assert!(reference > 0.6, "the task is not learnt: {reference}");
    // Rounding differs, and grows over the steps; a wrong gradient would cost far more.
    // The floor is 4 of the 400 images, for seeds that happen to agree closely.
    assert!(difference.abs() <= (3.0 * error).max(0.01), "{pairs:?}");
}
