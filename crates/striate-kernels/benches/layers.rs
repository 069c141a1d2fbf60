//! Speed of each convolution of the narrow and the wide VGG, and of the fused
//! batch norm, beside the multiply-add peak measured in the same run.
//!
//! `cargo bench -p striate-kernels --bench layers -- [narrow|wide|choose] [repetitions]`
//!
//! `-- shape BATCH SIZE IN OUT REPETITIONS` times one 3x3 convolution and prints, in one
//! line, the peak in GFLOP/s, the algorithm of the forward pass, and the milliseconds of
//! forward, input gradient and weight gradient: `cargo xtask bench conv` sets PyTorch
//! beside it.
//!
//! GFLOP/s count the direct convolution, so Winograd may exceed the peak. Times
//! are CPU time of the process (all threads) for a call, the fastest of the repetitions.

use std::time::Instant;

use striate_kernels::{
    Activation, Algorithm, ConvShape, MapShape, NormBlock, NormParameters, Pooling, Product,
    Result, algorithm, batch_norm_backward_training, batch_norm_forward, batch_norm_statistics,
    conv2d_backward_input, conv2d_backward_weight, conv2d_forward, cpu, with_algorithm,
};
use striate_testkit::cpu_seconds;

/// The fewest CPU seconds (wall seconds where the system does not tell) of a call. The
/// system brings the times of running threads up to date every few milliseconds, so a
/// repetition makes as many calls as take a tenth of a second.
fn time(repetitions: usize, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    work()?;
    let start = Instant::now();
    work()?;
    let calls = (0.1 / start.elapsed().as_secs_f64()).ceil().clamp(1.0, 1e6) as usize;
    let mut best = f64::INFINITY;
    for _ in 0..repetitions {
        let (cpu, wall) = (cpu_seconds(), Instant::now());
        for _ in 0..calls {
            work()?;
        }
        let spent = match (cpu, cpu_seconds()) {
            (Some(start), Some(end)) => end - start,
            _ => wall.elapsed().as_secs_f64(),
        };
        best = best.min(spent / calls as f64);
    }
    Ok(best)
}

fn data(len: usize) -> Vec<f32> {
    (0..len)
        .map(|i| ((i * 7919) % 1009) as f32 * 1e-3 - 0.5)
        .collect()
}

struct Layer {
    shape: ConvShape,
    input: Vec<f32>,
    weight: Vec<f32>,
    output: Vec<f32>,
}

impl Layer {
    fn new(map: [usize; 4], out: usize, kernel: usize) -> Result<Self> {
        let shape = ConvShape::same(map, out, kernel)?;
        Ok(Self {
            shape,
            input: data(shape.input_len()),
            weight: data(shape.weight_len()),
            output: data(shape.output_len()),
        })
    }

    /// Seconds of forward, input gradient and weight gradient.
    fn times(&self, repetitions: usize) -> Result<[f64; 3]> {
        let Self {
            shape,
            input,
            weight,
            output,
        } = self;
        let mut y = vec![0.0; shape.output_len()];
        let forward = time(repetitions, || {
            conv2d_forward(shape, input, weight, None, &mut y)
        })?;
        let mut dx = vec![0.0; shape.input_len()];
        let backward = time(repetitions, || {
            conv2d_backward_input(shape, weight, output, &mut dx)
        })?;
        let mut dw = vec![0.0; shape.weight_len()];
        let gradient = time(repetitions, || {
            conv2d_backward_weight(shape, input, output, &mut dw, None)
        })?;
        Ok([forward, backward, gradient])
    }
}

/// Milliseconds of statistics, fused forward and fused backward.
fn norm_times(map: [usize; 4], pooling: Pooling, repetitions: usize) -> Result<[f64; 3]> {
    let block = NormBlock {
        shape: MapShape::new(map)?,
        activation: Activation::Relu,
        pooling,
    };
    let x = data(block.shape.len());
    let channels = map[3];
    let (mut mean, mut variance) = (vec![0.0; channels], vec![0.0; channels]);
    let statistics = time(repetitions, || {
        batch_norm_statistics(&block.shape, &x, &mut mean, &mut variance)
    })?;
    let (gamma, beta) = (vec![1.0; channels], vec![0.1; channels]);
    let parameters = NormParameters {
        mean: &mean,
        variance: &variance,
        gamma: &gamma,
        beta: &beta,
        epsilon: 1e-5,
    };
    let mut y = vec![0.0; block.output_len()];
    let forward = time(repetitions, || {
        batch_norm_forward(&block, &x, &parameters, &mut y)
    })?;
    let mut dx = x.clone();
    let (mut dgamma, mut dbeta) = (vec![0.0; channels], vec![0.0; channels]);
    let backward = time(repetitions, || {
        batch_norm_backward_training(&block, &mut dx, &parameters, &y, &mut dgamma, &mut dbeta)
    })?;
    Ok([statistics * 1e3, forward * 1e3, backward * 1e3])
}

/// The 3x3 layers (map size, in, out, pool behind it) of a VGG with two layers
/// per block.
fn vgg(size: usize, in_channels: usize, widths: &[usize]) -> Vec<(usize, usize, usize, bool)> {
    let mut layers = Vec::new();
    let (mut size, mut last) = (size, in_channels);
    for width in widths {
        layers.push((size, last, *width, false));
        layers.push((size, *width, *width, true));
        last = *width;
        size /= 2;
    }
    layers
}

fn network(batch: usize, layers: &[(usize, usize, usize, bool)], repetitions: usize) -> Result<()> {
    let peak = cpu::fma_peak();
    println!(
        "{}; peak {peak:.0} GFLOP/s per thread; batch {batch}",
        cpu::describe()
    );
    println!(
        "layer                   algorithm     forward     d input    d weight    [GFLOP/s per CPU second, of peak]   norm [ms]: stats  forward  backward"
    );
    let (mut total, mut total_norm) = (0.0, 0.0);
    for &(size, input, out, pool) in layers {
        let layer = Layer::new([batch, size, size, input], out, 3)?;
        let times = layer.times(repetitions)?;
        let speeds = times.map(|t| {
            let speed = layer.shape.direct_flop() / t / 1e9;
            format!("{speed:5.0} ({:3.0}%)", 100.0 * speed / peak)
        });
        let pooling = if pool { Pooling::Max2x2 } else { Pooling::None };
        let norm = norm_times([batch, size, size, out], pooling, repetitions)?;
        println!(
            "{input:4} -> {out:4} @ {size:3}x{size:<3}   {:10} {} {:7.2} ms   {:6.2} {:6.2} {:6.2}",
            format!("{:?}", algorithm(&layer.shape, Product::Forward)),
            speeds.join(" "),
            times.iter().sum::<f64>() * 1e3,
            norm[0],
            norm[1],
            norm[2],
        );
        total += times.iter().sum::<f64>() * 1e3;
        total_norm += norm.iter().sum::<f64>();
    }
    println!("all: convolutions {total:.1} ms, norms {total_norm:.1} ms of CPU time");
    Ok(())
}

/// Direct against Winograd over few channels, to set the heuristic.
fn choose(repetitions: usize) -> Result<()> {
    println!("CPU ms (forward, d input, d weight): direct | Winograd");
    for (batch, size, input, out) in [
        (64, 32, 1, 16),
        (64, 32, 3, 16),
        (64, 32, 3, 64),
        (64, 32, 4, 16),
        (64, 32, 8, 8),
        (64, 32, 8, 16),
        (64, 32, 16, 16),
        (64, 8, 16, 16),
        (64, 4, 64, 64),
        (64, 2, 64, 64),
        (64, 3, 64, 64),
        (8, 2, 512, 512),
        (32, 4, 512, 512),
        (1, 4, 512, 512),
        (1, 64, 64, 64),
    ] {
        let layer = Layer::new([batch, size, size, input], out, 3)?;
        let by = |algorithm| with_algorithm(algorithm, || layer.times(repetitions));
        let (direct, winograd) = (by(Algorithm::Direct)?, by(Algorithm::Winograd)?);
        let show = |t: [f64; 3]| t.map(|t| format!("{:7.2}", t * 1e3)).join(" ");
        println!(
            "{batch:3} x {input:3} -> {out:3} @ {size:2}: {} | {}",
            show(direct),
            show(winograd)
        );
    }
    Ok(())
}

/// One shape, for the comparison with a peer.
fn shape(numbers: &[usize]) -> Result<()> {
    let &[batch, size, input, out, repetitions] = numbers else {
        println!("expected: shape BATCH SIZE IN OUT REPETITIONS");
        return Ok(());
    };
    let layer = Layer::new([batch, size, size, input], out, 3)?;
    let [forward, backward, gradient] = layer.times(repetitions)?.map(|t| t * 1e3);
    println!(
        "peak {:.0} {:?} {forward:.4} {backward:.4} {gradient:.4}",
        cpu::fma_peak(),
        algorithm(&layer.shape, Product::Forward),
    );
    Ok(())
}

fn main() -> Result<()> {
    // A thread of the pool need not be woken up by it, as in a training step.
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
    let numbers: Vec<usize> = arguments.iter().filter_map(|a| a.parse().ok()).collect();
    let repetitions = arguments.iter().find_map(|a| a.parse().ok()).unwrap_or(5);
    let asked = |name: &str| arguments.iter().any(|a| a == name);
    if asked("shape") {
        return shape(&numbers);
    }
    if asked("choose") {
        choose(repetitions)?;
    }
    if asked("wide") {
        network(32, &vgg(64, 3, &[64, 128, 256, 512, 512]), repetitions)?;
    }
    if asked("narrow") || arguments.iter().all(|a| a.parse::<usize>().is_ok()) {
        network(64, &vgg(32, 1, &[16, 32, 64, 128]), repetitions)?;
    }
    Ok(())
}
