//! Parameter updates in place, with torch's formulas.

use rayon::prelude::*;

use crate::cpu::Isa;
use crate::error::{Result, check_length};
use crate::simd::vectorised;

/// Values in one task.
const CHUNK: usize = 1 << 14;

/// The numbers of a step of stochastic gradient descent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdStep {
    /// Learning rate.
    pub learning_rate: f32,
    /// Factor of the old velocity.
    pub momentum: f32,
    /// Factor of the parameter that is added to its gradient (L2).
    pub weight_decay: f32,
}

/// `v = momentum v + (g + weight_decay p)`, `p = p - learning_rate v`.
///
/// A velocity of zeros before the first step gives torch's first step.
///
/// # Shapes
///
/// All three have the same length.
///
/// # Errors
///
/// Lengths that differ.
pub fn sgd_momentum_step(
    step: &SgdStep,
    parameter: &mut [f32],
    gradient: &[f32],
    velocity: &mut [f32],
) -> Result<()> {
    const NAME: &str = "sgd_momentum_step";
    check_length(NAME, "gradient", gradient.len(), parameter.len())?;
    check_length(NAME, "velocity", velocity.len(), parameter.len())?;
    let isa = Isa::current();
    parameter
        .par_chunks_mut(CHUNK)
        .zip(
            velocity
                .par_chunks_mut(CHUNK)
                .zip(gradient.par_chunks(CHUNK)),
        )
        .for_each(|(p, (v, g))| sgd(isa, step, g, p, v));
    Ok(())
}

vectorised! {
    fn sgd(step: &SgdStep, gradient: &[f32], parameter: &mut [f32], velocity: &mut [f32]) {
        let values = parameter.iter_mut().zip(velocity.iter_mut()).zip(gradient);
        for ((p, v), g) in values {
            let g = g + step.weight_decay * *p;
            *v = step.momentum * *v + g;
            *p -= step.learning_rate * *v;
        }
    }
}

/// The numbers of a step of Adam.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// Learning rate.
    pub learning_rate: f64,
    /// Decay of the first moment (torch: 0.9).
    pub beta1: f64,
    /// Decay of the second moment (torch: 0.999).
    pub beta2: f64,
    /// Added to the root of the second moment (torch: 1e-8).
    pub epsilon: f64,
    /// Factor of the parameter that is added to its gradient (L2, not AdamW).
    pub weight_decay: f64,
    /// Number of this step; the first is 1.
    pub step: u64,
}

/// Adam (Kingma and Ba 2015) with bias correction and L2-coupled weight decay.
///
/// # Shapes
///
/// All four have the same length; the moments are zeros before the first step.
///
/// # Errors
///
/// Lengths that differ.
pub fn adam_step(
    step: &AdamStep,
    parameter: &mut [f32],
    gradient: &[f32],
    first_moment: &mut [f32],
    second_moment: &mut [f32],
) -> Result<()> {
    const NAME: &str = "adam_step";
    check_length(NAME, "gradient", gradient.len(), parameter.len())?;
    check_length(NAME, "first_moment", first_moment.len(), parameter.len())?;
    check_length(NAME, "second_moment", second_moment.len(), parameter.len())?;
    let isa = Isa::current();
    let exponent = step.step as f64;
    let factors = AdamFactors {
        weight_decay: step.weight_decay as f32,
        beta1: step.beta1 as f32,
        one_minus_beta1: (1.0 - step.beta1) as f32,
        beta2: step.beta2 as f32,
        one_minus_beta2: (1.0 - step.beta2) as f32,
        rate: (step.learning_rate / (1.0 - step.beta1.powf(exponent))) as f32,
        inverse_root: (1.0 / (1.0 - step.beta2.powf(exponent)).sqrt()) as f32,
        epsilon: step.epsilon as f32,
    };
    parameter
        .par_chunks_mut(CHUNK)
        .zip(gradient.par_chunks(CHUNK))
        .zip(
            first_moment
                .par_chunks_mut(CHUNK)
                .zip(second_moment.par_chunks_mut(CHUNK)),
        )
        .for_each(|((p, g), (m, v))| adam(isa, &factors, g, p, m, v));
    Ok(())
}

struct AdamFactors {
    weight_decay: f32,
    beta1: f32,
    one_minus_beta1: f32,
    beta2: f32,
    one_minus_beta2: f32,
    rate: f32,
    inverse_root: f32,
    epsilon: f32,
}

vectorised! {
    fn adam(
        f: &AdamFactors,
        gradient: &[f32],
        parameter: &mut [f32],
        first: &mut [f32],
        second: &mut [f32],
    ) {
        let moments = first.iter_mut().zip(second.iter_mut());
        for ((p, g), (m, v)) in parameter.iter_mut().zip(gradient).zip(moments) {
            let g = g + f.weight_decay * *p;
            *m = f.beta1 * *m + f.one_minus_beta1 * g;
            *v = f.beta2 * *v + f.one_minus_beta2 * g * g;
            *p -= f.rate * *m / (v.sqrt() * f.inverse_root + f.epsilon);
        }
    }
}

#[cfg(test)]
mod tests;
