//! Times each corruption on one core, in both random modes, and prints one line
//! per (size, corruption, severity): `size corruption severity counter_us numpy_us`.
//! `benches/peers/corruptions.py` runs it and the Python package, and prints the table.
//!
//!     cargo bench -p striate-corruptions -- SIZE...
//!
//! With `--one CORRUPTION SIZE ROUNDS` it runs that corruption only, for callgrind.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use striate_corruptions::{Corruption, Corruptor, ImageRef, Random, Severity, Table};
use striate_random::Seed;

/// A picture with edges, gradients and texture.
fn picture(side: usize) -> Vec<u8> {
    let mut stream = Seed::new(1).child("picture").stream();
    (0..side * side * 3)
        .map(|i| {
            let (y, x, c) = (i / 3 / side, i / 3 % side, i % 3);
            let block = (x * 5 / side + y * 4 / side + c) % 4 * 40;
            let slope = (x * 60 / side + y * 30 / side) as f64;
            (block as f64 + slope + stream.range(0.0, 20.0)) as u8
        })
        .collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo bench` adds a flag of its own.
    let mut arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    if let [flag, name, side, rounds] = arguments.as_slice()
        && flag == "--one"
    {
        let mut run = Run::new(side.parse()?);
        for i in 0..rounds.parse::<u64>()? {
            for severity in Severity::ALL {
                run.call(name.parse()?, severity, false, i)?;
            }
        }
        return Ok(());
    }
    if arguments.is_empty() {
        arguments = vec!["64".into(), "224".into()];
    }
    for side in arguments {
        let side: usize = side.parse()?;
        let mut run = Run::new(side);
        for corruption in Corruption::ALL {
            for severity in Severity::ALL {
                let counter = run.time(corruption, severity, false)?;
                let numpy = run.time(corruption, severity, true)?;
                println!("{side} {corruption} {severity} {counter:.2} {numpy:.2}");
            }
        }
    }
    Ok(())
}

struct Run {
    side: usize,
    pixels: Vec<u8>,
    out: Vec<u8>,
    corruptor: Corruptor,
}

impl Run {
    fn new(side: usize) -> Self {
        let pixels = picture(side);
        Self {
            side,
            out: vec![0; pixels.len()],
            pixels,
            corruptor: Corruptor::new(Table::ImageCorruptions),
        }
    }

    fn call(
        &mut self,
        corruption: Corruption,
        severity: Severity,
        numpy: bool,
        id: u64,
    ) -> striate_corruptions::Result<()> {
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

    /// Microseconds per call: the least of several batches.
    fn time(
        &mut self,
        corruption: Corruption,
        severity: Severity,
        numpy: bool,
    ) -> striate_corruptions::Result<f64> {
        self.call(corruption, severity, numpy, 0)?;
        let start = Instant::now();
        self.call(corruption, severity, numpy, 1)?;
        let once = start.elapsed().as_secs_f64();
        let calls = (0.003 / once).clamp(1.0, 2000.0) as u64;
        let mut least = f64::INFINITY;
        for batch in 0..6 {
            let start = Instant::now();
            for i in 0..calls {
                self.call(corruption, severity, numpy, batch * calls + i)?;
            }
            least = least.min(start.elapsed().as_secs_f64() / calls as f64);
        }
        Ok(least * 1e6)
    }
}
