//! The loop over batches. Invariant: a reconstruction depends on its image, id,
//! budget and restart alone, not on what else is in the task.

use candle_core::{DType, Tensor};
use striate_random::Seed;

use crate::objective::{features, loss};
use crate::problem::{Problem, Solved};
use crate::projection::Projection;
use crate::task::{Observer, Progress, Reconstruction, Task};
use crate::{Amount, Budget, Error, Mode, Network, ReconstructConfig, Result, Start, exact, fast};

/// Reconstructs every image of the task at every budget
/// (analyses.md 3: maximise `-mean_k (f_k(x) - f_k(x0))^2` under a bound on `||x||`).
///
/// The observer is called every `log_every` steps and may stop the work.
/// Results are in the order image, budget, restart.
///
/// # Errors
///
/// If the inputs do not fit each other, a setting is out of its range, the
/// network fails or does not depend on the image, the objective is not finite,
/// or the observer stops the work.
pub fn reconstruct(
    network: &Network<'_>,
    task: &Task<'_>,
    config: &ReconstructConfig,
    observer: &mut Observer<'_>,
) -> Result<Vec<Reconstruction>> {
    let shape = check(task, config)?;
    let norms = norms(task.images)?;
    let jobs: Vec<Job> = (0..task.ids.len())
        .flat_map(|image| task.budgets.iter().map(move |budget| (image, *budget)))
        .flat_map(|(image, budget)| (0..config.restarts).map(move |r| (image, budget, r)))
        .map(|(image, budget, restart)| Job {
            image,
            id: task.ids[image],
            budget,
            restart,
            original_norm: norms[image],
        })
        .collect();
    let mut results = Vec::with_capacity(jobs.len());
    for batch in jobs.chunks(config.batch) {
        let interrupted = Error::Interrupted {
            finished: results.len(),
            total: jobs.len(),
        };
        let (finished, total) = (results.len(), jobs.len());
        let mut interrupted = Some(interrupted);
        let mut monitor = |step: usize, objectives: &[f64]| {
            let progress = Progress {
                finished,
                total,
                step,
                max_steps: config.mode.max_steps(),
                objectives,
            };
            match (observer(&progress).is_break(), interrupted.take()) {
                (true, Some(error)) => Err(error),
                (_, error) => {
                    interrupted = error;
                    Ok(())
                }
            }
        };
        let problem = problem(network, task, config, batch)?;
        let solved = match config.mode {
            Mode::Exact { steps } => exact::solve(&problem, steps, config.log_every, &mut monitor)?,
            Mode::Fast {
                max_steps,
                window,
                tolerance,
            } => {
                let limits = fast::Limits {
                    max_steps,
                    window,
                    tolerance,
                    log_every: config.log_every,
                };
                fast::solve(&problem, limits, &mut monitor)?
            }
        };
        results.extend(finish(&problem, batch, solved, shape)?);
    }
    Ok(results)
}

/// One reconstruction to make.
struct Job {
    image: usize,
    id: u64,
    budget: Budget,
    restart: usize,
    original_norm: f64,
}

fn check(task: &Task<'_>, config: &ReconstructConfig) -> Result<[usize; 3]> {
    let images = task.images;
    let dims = images.dims();
    let &[count, height, width, channels] = dims else {
        return Err(not_images(images));
    };
    if dims.contains(&0) || images.dtype() != DType::F32 {
        return Err(not_images(images));
    }
    config.check(channels)?;
    if task.ids.len() != count {
        return Err(Error::Length {
            what: "ids of the images",
            expected: count,
            found: task.ids.len(),
        });
    }
    if task.budgets.is_empty() {
        return Err(Error::Setting {
            name: "budgets",
            expected: "at least one",
            found: "none".into(),
        });
    }
    Ok([height, width, channels])
}

fn not_images(images: &Tensor) -> Error {
    Error::Images {
        found: format!("{} {:?}", images.dtype().as_str(), images.dims()),
    }
}

fn problem<'a>(
    network: &'a Network<'a>,
    task: &Task<'_>,
    config: &ReconstructConfig,
    jobs: &[Job],
) -> Result<Problem<'a>> {
    let device = task.images.device();
    let (_, height, width, channels) = task.images.dims4()?;
    let rows: Vec<u32> = jobs.iter().map(|job| job.image as u32).collect();
    let rows = Tensor::from_vec(rows, jobs.len(), device)?;
    let originals = task.images.detach().index_select(&rows, 0)?;
    let start = match config.start {
        Start::Original => originals.clone(),
        Start::Noise => {
            let noise: Vec<f32> = jobs
                .iter()
                .flat_map(|job| noise(&task.seed, job, height * width))
                .collect();
            Tensor::from_vec(noise, (jobs.len(), height, width, 1), device)?
                .repeat((1, 1, 1, channels))?
        }
    };
    let limits: Vec<_> = jobs
        .iter()
        .map(|job| {
            let limit = job.budget.resolve(job.original_norm);
            (limit, job.budget.constraint())
        })
        .collect();
    let target = features(network, &originals)?;
    let variances = target.to_vec2::<f32>()?;
    Ok(Problem {
        network,
        start,
        learning_rate: config.learning_rate.resolve(target.dim(1)?),
        target,
        variances: variances.iter().map(|row| spread(row)).collect(),
        projection: Projection::new(&limits, config.valid_range.as_deref(), device)?,
        blur: config.blur,
        labels: jobs.iter().map(|job| (job.id, job.budget)).collect(),
    })
}

/// Standard normal noise of one channel for one reconstruction.
fn noise(seed: &Seed, job: &Job, pixels: usize) -> Vec<f32> {
    let (kind, value) = match job.budget.amount() {
        Amount::Norm(value) => ("norm", value),
        Amount::Fraction(value) => ("fraction", value),
    };
    let mut stream = seed
        .child("reconstruct")
        .index(job.id)
        .child(kind)
        .index(value.to_bits())
        .index(job.restart as u64)
        .stream();
    (0..pixels).map(|_| stream.normal() as f32).collect()
}

fn finish(
    problem: &Problem<'_>,
    jobs: &[Job],
    solved: Vec<Solved>,
    shape: [usize; 3],
) -> Result<Vec<Reconstruction>> {
    let images: Vec<&Tensor> = solved.iter().map(|solved| &solved.image).collect();
    let images = Tensor::cat(&images, 0)?;
    let objectives = exact::losses(&loss(problem.network, &images, &problem.target)?)?;
    let norms = norms(&images)?;
    let pixels = images.flatten_from(1)?.to_vec2::<f32>()?;
    let rows = jobs.iter().zip(solved).zip(pixels).zip(&problem.variances);
    Ok(rows
        .zip(objectives.into_iter().zip(norms))
        .map(
            |((((job, solved), pixels), variance), (objective, norm))| Reconstruction {
                image: job.image,
                id: job.id,
                budget: job.budget,
                restart: job.restart,
                shape,
                pixels,
                norm,
                norm_limit: job.budget.resolve(job.original_norm),
                original_norm: job.original_norm,
                objective,
                score: solved.score,
                feature_variance: *variance,
                curve: solved.curve,
                steps: solved.steps,
            },
        )
        .collect())
}

/// The L2 norm of each image, summed in f64.
fn norms(images: &Tensor) -> Result<Vec<f64>> {
    let rows = images.flatten_from(1)?.to_vec2::<f32>()?;
    let norm = |row: &Vec<f32>| row.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
    Ok(rows.iter().map(|row| norm(row).sqrt()).collect())
}

/// The variance of `values`.
fn spread(values: &[f32]) -> f64 {
    let count = values.len().max(1) as f64;
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / count;
    let squares = values.iter().map(|v| (f64::from(*v) - mean).powi(2));
    squares.sum::<f64>() / count
}
