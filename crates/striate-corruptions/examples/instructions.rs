//! One corruption of a 64x64 RGB picture at the five severities, for callgrind:
//! `cargo xtask bench corruptions --instructions` counts what [`measured`] executes.
//!
//!     cargo run --release -p striate-corruptions --example instructions -- CORRUPTION

use std::error::Error;
use std::hint::black_box;

use striate_corruptions::{Corruption, Corruptor, ImageRef, Random, Severity, Table};
use striate_random::Seed;

#[path = "../tests/support/picture.rs"]
mod picture;

const SIDE: usize = 64;
/// Images per severity: their random draws differ.
const IMAGES: u64 = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let Some(name) = std::env::args().nth(1) else {
        for corruption in Corruption::ALL {
            println!("{corruption}");
        }
        return Ok(());
    };
    let corruption = name.parse()?;
    let pixels = picture::picture(SIDE, SIDE, 3, 1);
    let image = ImageRef::new(&pixels, SIDE, SIDE, 3)?;
    let mut corruptor = Corruptor::new(Table::ImageCorruptions);
    let mut out = vec![0; pixels.len()];
    // Once to make the tables, once to be counted.
    round(&mut corruptor, corruption, image, &mut out)?;
    measured(&mut corruptor, corruption, image, &mut out)?;
    black_box(&out);
    Ok(())
}

/// Callgrind collects in here. By its symbol, so it must have one.
#[inline(never)]
fn measured(
    corruptor: &mut Corruptor,
    corruption: Corruption,
    image: ImageRef<'_>,
    out: &mut [u8],
) -> striate_corruptions::Result<()> {
    // Not a tail call, which would end the collection before it began.
    black_box(round(corruptor, corruption, image, out))
}

fn round(
    corruptor: &mut Corruptor,
    corruption: Corruption,
    image: ImageRef<'_>,
    out: &mut [u8],
) -> striate_corruptions::Result<()> {
    for severity in Severity::ALL {
        for id in 0..IMAGES {
            let mut random = Random::counter(&Seed::new(3), id, corruption, severity);
            corruptor.corrupt(image, corruption, severity, &mut random, out)?;
            black_box(&*out);
        }
    }
    Ok(())
}
