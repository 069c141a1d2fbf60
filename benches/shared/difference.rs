//! The time of a step where some work is done once: the difference of two runs. Included
//! by path beside `steps.rs`.

use crate::steps::{Arguments, Result, spent};

/// The CPU and wall milliseconds of a step, from what `run` takes for more and for fewer.
pub fn step_of(arguments: &Arguments, run: impl Fn(usize) -> Result<()>) -> Result<[f64; 2]> {
    // The first run takes memory, too.
    run(1)?;
    let few = spent(|| run(1))?;
    let many = spent(|| run(arguments.steps + 1))?;
    Ok([0, 1].map(|i| (many[i] - few[i]) / arguments.steps as f64))
}
