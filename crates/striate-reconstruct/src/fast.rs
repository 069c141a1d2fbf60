//! Accelerated projected gradient descent with a step size per image.
//! Invariant: the objective of an image never rises from one kept image to the next.

use candle_core::Tensor;

use crate::exact::losses;
use crate::objective::evaluate;
use crate::problem::{Monitor, Problem, Solved};
use crate::projection::Projection;
use crate::{Error, Result};

/// When an image is finished.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) max_steps: usize,
    pub(crate) window: usize,
    pub(crate) tolerance: f64,
    pub(crate) log_every: usize,
}

/// Growth of the step after [`CALM`] kept steps in a row.
const GROWTH: f64 = 1.5;
/// Kept steps in a row before the step size is tried larger.
const CALM: usize = 10;

/// What is known about one image that is still in work.
struct Row {
    /// Its row in the problem.
    index: usize,
    rate: f64,
    /// Kept steps since the momentum was last dropped.
    momentum: usize,
    /// Kept steps since the step size last changed.
    calm: usize,
    /// Objective of the kept image.
    best: f64,
    /// Best objective after each evaluation.
    history: Vec<f64>,
    curve: Vec<(u32, f64)>,
}

/// The tensors of the images still in work, one row each.
struct State {
    target: Tensor,
    projection: Projection,
    /// The image to evaluate next; it satisfies its budget.
    proposal: Tensor,
    /// The plain step behind the proposal, before the momentum.
    step: Tensor,
    /// The plain step before that.
    previous: Tensor,
    /// The kept image and its smoothed gradient.
    kept: Tensor,
    gradient: Tensor,
}

impl State {
    fn select(&self, indices: &Tensor) -> Result<Self> {
        let pick = |tensor: &Tensor| tensor.index_select(indices, 0);
        Ok(Self {
            target: pick(&self.target)?,
            projection: self.projection.select(indices)?,
            proposal: pick(&self.proposal)?,
            step: pick(&self.step)?,
            previous: pick(&self.previous)?,
            kept: pick(&self.kept)?,
            gradient: pick(&self.gradient)?,
        })
    }
}

/// Minimises the objective of each image (Nesterov's momentum with the
/// function restart of O'Donoghue and Candès 2015, and a step size that is
/// halved where a plain step from the kept image does not lower the objective).
///
/// Each iteration evaluates the network once, for all images still in work.
pub(crate) fn solve(
    problem: &Problem<'_>,
    limits: Limits,
    monitor: &mut Monitor<'_>,
) -> Result<Vec<Solved>> {
    let first = problem.projection.apply(&problem.start)?;
    let mut rows: Vec<Row> = (0..problem.len())
        .map(|index| Row {
            index,
            rate: problem.learning_rate,
            momentum: 0,
            calm: 0,
            best: f64::INFINITY,
            history: Vec::new(),
            curve: Vec::new(),
        })
        .collect();
    let mut state = State {
        target: problem.target.clone(),
        projection: problem.projection.clone(),
        step: first.clone(),
        previous: first.clone(),
        kept: first.clone(),
        gradient: first.zeros_like()?,
        proposal: first,
    };
    let mut solved: Vec<Option<Solved>> = (0..problem.len()).map(|_| None).collect();
    for evaluated in 0..limits.max_steps {
        let keep = judge(problem, &mut state, &mut rows, evaluated)?;
        let logged = evaluated % limits.log_every == 0;
        if logged {
            for row in &mut rows {
                row.curve.push((evaluated as u32, row.best));
            }
            let best: Vec<f64> = rows.iter().map(|row| row.best).collect();
            monitor(evaluated, &best)?;
        }
        // Finished images leave the batch where the curve is logged, so that
        // the rows are not copied at every step.
        if logged || evaluated + 1 == limits.max_steps {
            let last = evaluated + 1 == limits.max_steps;
            let (done, active): (Vec<usize>, Vec<usize>) =
                (0..rows.len()).partition(|i| last || finished(&rows[*i], limits, problem));
            if !done.is_empty() {
                for &i in &done {
                    solved[rows[i].index] = Some(close(&state, &rows[i], i, evaluated)?);
                }
                if active.is_empty() {
                    break;
                }
                state = state.select(&indices(&active, &state.kept)?)?;
                let mut position = 0;
                rows.retain(|_| {
                    position += 1;
                    active.binary_search(&(position - 1)).is_ok()
                });
                let keep: Vec<bool> = active.iter().map(|&i| keep[i]).collect();
                propose(&mut state, &mut rows, &keep)?;
                continue;
            }
        }
        propose(&mut state, &mut rows, &keep)?;
    }
    Ok(solved.into_iter().flatten().collect())
}

/// Evaluates the proposals and keeps those that lower the objective.
fn judge(
    problem: &Problem<'_>,
    state: &mut State,
    rows: &mut [Row],
    evaluated: usize,
) -> Result<Vec<bool>> {
    let evaluation = evaluate(problem.network, &state.proposal, &state.target)?;
    let found = losses(&evaluation.loss)?;
    let keep: Vec<bool> = rows
        .iter()
        .zip(&found)
        .map(|(row, loss)| *loss < row.best)
        .collect();
    for ((row, loss), keep) in rows.iter_mut().zip(&found).zip(&keep) {
        if *keep {
            row.best = *loss;
            row.momentum += 1;
            row.calm += 1;
            if row.calm == CALM {
                row.calm = 0;
                row.rate *= GROWTH;
            }
        } else if row.best.is_infinite() {
            let (id, budget) = problem.labels[row.index];
            return Err(Error::NotFinite {
                id,
                budget: budget.to_string(),
                step: evaluated,
            });
        } else {
            row.calm = 0;
            // First the momentum goes; only if the plain step failed too, the step size.
            if row.momentum == 0 {
                row.rate *= 0.5;
            }
            row.momentum = 0;
        }
        row.history.push(row.best);
    }
    if keep.iter().any(|keep| *keep) {
        let gradient = problem.smooth(&evaluation.gradient)?;
        state.kept = choose(&keep, &state.proposal, &state.kept)?;
        state.gradient = choose(&keep, &gradient, &state.gradient)?;
        state.previous = choose(&keep, &state.step, &state.previous)?;
    }
    Ok(keep)
}

/// Makes the next proposals: a step from the kept image, then the momentum.
fn propose(state: &mut State, rows: &mut [Row], keep: &[bool]) -> Result<()> {
    let column = |value: &dyn Fn(usize) -> f64| {
        let values: Vec<f32> = (0..rows.len()).map(|i| value(i) as f32).collect();
        Tensor::from_vec(values, (rows.len(), 1, 1, 1), state.kept.device())
    };
    let rates = column(&|i| rows[i].rate)?;
    let momenta = column(&|i| {
        if keep[i] {
            // The first kept step after a restart has no earlier step to go on from.
            let k = rows[i].momentum.saturating_sub(1) as f64;
            k / (k + 3.0)
        } else {
            0.0
        }
    })?;
    let step = state.gradient.broadcast_mul(&rates)?;
    state.step = state.projection.apply(&state.kept.sub(&step)?)?;
    let ahead = state.step.sub(&state.previous)?.broadcast_mul(&momenta)?;
    state.proposal = state.projection.apply(&state.step.add(&ahead)?)?;
    Ok(())
}

fn finished(row: &Row, limits: Limits, problem: &Problem<'_>) -> bool {
    if row.best == 0.0 {
        return true;
    }
    let Some(start) = row.history.len().checked_sub(limits.window + 1) else {
        return false;
    };
    let before = row.history[start];
    let scale = before.max(0.3 * problem.variances[row.index]);
    before - row.best < limits.tolerance * scale
}

fn close(state: &State, row: &Row, position: usize, evaluated: usize) -> Result<Solved> {
    let mut curve = row.curve.clone();
    if curve
        .last()
        .is_none_or(|(step, _)| *step as usize != evaluated)
    {
        curve.push((evaluated as u32, row.best));
    }
    Ok(Solved {
        image: state.kept.narrow(0, position, 1)?,
        score: row.best,
        curve,
        steps: evaluated + 1,
    })
}

/// Rows of `yes` where `keep`, of `no` elsewhere.
fn choose(keep: &[bool], yes: &Tensor, no: &Tensor) -> Result<Tensor> {
    if keep.iter().all(|keep| *keep) {
        return Ok(yes.clone());
    }
    let mask: Vec<u8> = keep.iter().map(|keep| u8::from(*keep)).collect();
    let mask = Tensor::from_vec(mask, (keep.len(), 1, 1, 1), yes.device())?;
    Ok(mask.broadcast_as(yes.shape())?.where_cond(yes, no)?)
}

fn indices(active: &[usize], like: &Tensor) -> Result<Tensor> {
    let indices: Vec<u32> = active.iter().map(|&i| i as u32).collect();
    Ok(Tensor::from_vec(indices, active.len(), like.device())?)
}
