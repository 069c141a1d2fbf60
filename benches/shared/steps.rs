//! What the benchmarks of steps share: the networks of `benches/peers/steps.py`, the
//! arguments, the pool, and how time is told. Included by path.

use std::error::Error;
use std::time::Instant;

use striate_nn::{ConvBlock, ConvBlockConfig, Params};
use striate_random::Stream;
use striate_testkit::{cpu_seconds, peak_mb};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What was asked for: `NETWORK BATCH STEPS`.
pub struct Arguments {
    pub vgg19: bool,
    pub batch: usize,
    pub steps: usize,
}

impl Arguments {
    fn read() -> Self {
        let words: Vec<String> = std::env::args()
            .skip(1)
            .filter(|a| a != "--bench")
            .collect();
        let number = |place: usize, or: usize| {
            let given = words.get(place).and_then(|a| a.parse().ok());
            given.unwrap_or(or)
        };
        Self {
            vgg19: words.first().is_some_and(|name| name == "vgg19"),
            batch: number(1, 64),
            steps: number(2, 20),
        }
    }

    /// Height and width of the images.
    pub fn size(&self) -> usize {
        if self.vgg19 { 64 } else { 32 }
    }

    /// The convolutions of VGG-19, or of a narrow VGG (widths 16 to 128), and the width of
    /// the last one.
    pub fn blocks(
        &self,
        channels: usize,
        params: &Params,
        stream: &mut Stream,
    ) -> Result<(Vec<ConvBlock>, usize)> {
        let widths = match self.vgg19 {
            true => vec![(2, 64), (2, 128), (4, 256), (4, 512), (4, 512)],
            false => vec![(2, 16), (2, 32), (2, 64), (2, 128)],
        };
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
                blocks.push(ConvBlock::new(config, &scope, stream)?);
                in_channels = width;
            }
        }
        Ok((blocks, in_channels))
    }
}

/// Runs a benchmark as `striate reproduce` computes: a thread of the pool need not wait
/// for the pool. Prints the CPU and wall milliseconds of a step, which `measure` gives, and
/// the peak memory of the process in MB.
pub fn run(measure: impl Fn(&Arguments) -> Result<[f64; 2]> + Send + Sync) -> Result<()> {
    striate_nn::restart_with_one_pool();
    let arguments = Arguments::read();
    let [cpu, wall] = match rayon::ThreadPoolBuilder::new().build() {
        Ok(pool) => pool.install(|| measure(&arguments)),
        Err(_) => measure(&arguments),
    }?;
    println!("{cpu:.1} {wall:.1} {:.0}", peak_mb().unwrap_or(f64::NAN));
    Ok(())
}

/// The CPU and wall milliseconds that some work takes.
pub fn spent(work: impl FnOnce() -> Result<()>) -> Result<[f64; 2]> {
    let (start, cpu) = (Instant::now(), cpu_seconds());
    work()?;
    let cpu = cpu_seconds().zip(cpu).map(|(end, start)| end - start);
    Ok([
        cpu.unwrap_or(f64::NAN) * 1e3,
        start.elapsed().as_secs_f64() * 1e3,
    ])
}
