//! Times the corruptions of one RGB picture.
//!
//!     cargo bench -p striate-corruptions -- SIZE...       (default 64 224)
//!
//! prints one line per size, corruption and severity, microseconds per call:
//! `size corruption severity counter numpy`.
//!
//! With `--serve` it reads requests from standard input, so that
//! `benches/peers/corruptions.py` can take turns with it and look at its clock:
//!
//! * `picture SIZE`: answers the picture's bytes in hexadecimal;
//! * `calls SIZE CORRUPTION SEVERITY counter|numpy N`: makes N calls, answers `done`;
//! * `batch SIZE CORRUPTION THREADS N`: makes N batches of 64 images at each
//!   severity, answers the least seconds of one.

use std::error::Error;
use std::hint::black_box;
use std::io::BufRead;
use std::time::Instant;

use striate_corruptions::{
    BatchCorruptor, BatchRef, Corruption, Corruptor, ImageRef, Random, Severity, Table,
};
use striate_random::Seed;

#[path = "../tests/support/picture.rs"]
mod picture;
use picture::picture;

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result {
    // `cargo bench` adds a flag of its own.
    let mut arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    if arguments.iter().any(|a| a == "--serve") {
        return serve();
    }
    if arguments.is_empty() {
        arguments = vec!["64".into(), "224".into()];
    }
    for side in arguments {
        let mut run = Run::new(side.parse()?);
        for corruption in Corruption::ALL {
            for severity in Severity::ALL {
                let (counter, numpy) = run.both(corruption, severity)?;
                println!("{side} {corruption} {severity} {counter:.2} {numpy:.2}");
            }
        }
    }
    Ok(())
}

fn serve() -> Result {
    let mut run = Run::new(16);
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["picture", side] => {
                let pixels = square(side.parse()?);
                let hex: String = pixels.iter().map(|v| format!("{v:02x}")).collect();
                println!("{hex}");
            }
            ["calls", side, corruption, severity, mode, calls] => {
                let side = side.parse()?;
                if run.side != side {
                    run = Run::new(side);
                }
                let (corruption, severity) = (corruption.parse()?, severity.parse()?);
                for _ in 0..calls.parse()? {
                    run.call(corruption, severity, mode == "numpy")?;
                }
                println!("done");
            }
            ["batch", side, corruption, threads, calls] => {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(threads.parse()?)
                    .build()?;
                let (side, corruption) = (side.parse()?, corruption.parse()?);
                let calls = calls.parse()?;
                println!("{:.6}", pool.install(|| batches(side, corruption, calls))?);
            }
            _ => return Err(format!("request {line:?}").into()),
        }
    }
    Ok(())
}

fn square(side: usize) -> Vec<u8> {
    picture(side, side, 3, 1)
}

struct Run {
    side: usize,
    pixels: Vec<u8>,
    out: Vec<u8>,
    corruptor: Corruptor,
    calls: u64,
}

impl Run {
    fn new(side: usize) -> Self {
        let pixels = square(side);
        Self {
            side,
            out: vec![0; pixels.len()],
            pixels,
            corruptor: Corruptor::new(Table::ImageCorruptions),
            calls: 0,
        }
    }

    /// Microseconds per call in counter mode and in NumPy mode.
    fn both(&mut self, corruption: Corruption, severity: Severity) -> Result<(f64, f64)> {
        let mut time = |numpy| least(6, || self.call(corruption, severity, numpy));
        Ok((time(false)?, time(true)?))
    }

    /// Each call has other random numbers.
    fn call(&mut self, corruption: Corruption, severity: Severity, numpy: bool) -> Result {
        let id = self.calls;
        self.calls += 1;
        let image = ImageRef::new(&self.pixels, self.side, self.side, 3)?;
        let mut random = if numpy {
            Random::numpy(id as u32)
        } else {
            Random::counter(&Seed::new(3), id, corruption, severity)
        };
        self.corruptor
            .corrupt(image, corruption, severity, &mut random, &mut self.out)?;
        black_box(&self.out);
        Ok(())
    }
}

/// The least seconds of a batch of 64 images at each severity.
fn batches(side: usize, corruption: Corruption, calls: u32) -> Result<f64> {
    let pixels = picture(side * 64, side, 3, 1);
    let batch = BatchRef {
        pixels_u8: &pixels,
        height: side,
        width: side,
        channels: 3,
    };
    let mut out = vec![0; pixels.len()];
    let corruptor = BatchCorruptor::new(Table::ImageCorruptions);
    let mut least = f64::INFINITY;
    for _ in 0..calls {
        let start = Instant::now();
        for severity in Severity::ALL {
            let random = |i| Random::counter(&Seed::new(3), i as u64, corruption, severity);
            corruptor.corrupt(batch, corruption, severity, random, &mut out)?;
        }
        black_box(&out);
        least = least.min(start.elapsed().as_secs_f64());
    }
    Ok(least)
}

/// Microseconds per call: the least of several batches of at least 3 ms.
fn least(batches: usize, mut call: impl FnMut() -> Result) -> Result<f64> {
    call()?;
    let start = Instant::now();
    call()?;
    let calls = (0.003 / start.elapsed().as_secs_f64()).clamp(1.0, 2000.0) as u32;
    let mut least = f64::INFINITY;
    for _ in 0..batches {
        let start = Instant::now();
        for _ in 0..calls {
            call()?;
        }
        least = least.min(start.elapsed().as_secs_f64() / f64::from(calls));
    }
    Ok(least * 1e6)
}
