//! The study's optimiser. Invariant: evaluate, gradient, blur, update, project, in this order, a fixed number of times.

use candle_core::Tensor;

use crate::objective::evaluate;
use crate::problem::{Monitor, Problem, Solved};
use crate::{Error, Result};

/// Runs `steps` updates on all images of the problem (analyses.md 3.3).
///
/// The first evaluation sees the initial image as drawn, not projected.
pub(crate) fn solve(
    problem: &Problem<'_>,
    steps: usize,
    log_every: usize,
    monitor: &mut Monitor<'_>,
) -> Result<Vec<Solved>> {
    let mut x = problem.start.clone();
    let mut curves: Vec<Vec<(u32, f64)>> = vec![Vec::new(); problem.len()];
    let mut last = Vec::new();
    for step in 0..steps {
        let evaluation = evaluate(problem.network, &x, &problem.target)?;
        if step % log_every == 0 || step + 1 == steps {
            last = losses(&evaluation.loss)?;
            if let Some(image) = last.iter().position(|loss| !loss.is_finite()) {
                return Err(Error::NotFinite {
                    id: problem.labels[image].0,
                    budget: problem.labels[image].1.to_string(),
                    step,
                });
            }
            for (curve, loss) in curves.iter_mut().zip(&last) {
                curve.push((step as u32, *loss));
            }
            monitor(step, &last)?;
        }
        let gradient = problem.smooth(&evaluation.gradient)?;
        x = problem
            .projection
            .apply(&x.sub(&(gradient * problem.learning_rate)?)?)?;
    }
    curves
        .into_iter()
        .zip(last)
        .enumerate()
        .map(|(image, (curve, score))| {
            Ok(Solved {
                image: x.narrow(0, image, 1)?,
                score,
                curve,
                steps,
            })
        })
        .collect()
}

pub(crate) fn losses(loss: &Tensor) -> Result<Vec<f64>> {
    Ok(loss.to_vec1::<f32>()?.into_iter().map(f64::from).collect())
}
