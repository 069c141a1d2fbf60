//! The attacks that follow gradients. Invariant: an image that is broken at one size
//! of perturbation counts as broken at every larger one in PGD, since the ball holds
//! the smaller ball; FGSM is judged by its one image at each size.

use candle_core::Tensor;

use crate::geometry::{ball_point, direction, largest, project};
use crate::job::{Job, Monitor};
use crate::network::{classify, evaluate};
use crate::{Attacked, Error, Norm, Result};

/// FGSM for `rows`: `x + epsilon * direction`, clipped to `[0, 1]`
/// (Goodfellow et al. 2015, section 4, for the maximum norm).
pub(crate) fn fgsm(
    job: &Job<'_>,
    rows: &[usize],
    records: &mut [Attacked],
    monitor: &mut Monitor<'_>,
) -> Result<()> {
    let norm = job.attack.norm();
    for (done, batch) in rows.chunks(job.config.batch).enumerate() {
        let finished = done * job.config.batch;
        monitor(finished as f64 / rows.len() as f64, finished)?;
        let x = job.originals(batch)?;
        let gradient = ascend(job, batch, &x, records)?.1;
        let direction = direction(norm, &gradient)?;
        for (which, epsilon) in job.epsilons.iter().enumerate() {
            let perturbed = project(norm, &x, &(&direction * *epsilon)?, *epsilon)?;
            let classes = classify(job.network, &perturbed, &job.ids(batch))?;
            let pixels = perturbed.flatten_from(1)?.to_vec2::<f32>()?;
            for ((row, class), image) in batch.iter().zip(classes).zip(pixels) {
                let record = &mut records[*row];
                record.queries += 1;
                if class != record.label {
                    record.withstands[which] = false;
                    job.note(record, *row, &image);
                }
            }
        }
    }
    Ok(())
}

/// PGD for `rows` (Madry et al. 2018, section 2.1, equation for `x^(t+1)`; for the L2
/// norm with the gradient over its length).
///
/// An image is done at its first perturbed version that the network gets wrong, a
/// random start included.
pub(crate) fn pgd(
    job: &Job<'_>,
    rows: &[usize],
    records: &mut [Attacked],
    monitor: &mut Monitor<'_>,
) -> Result<()> {
    let config = job.config;
    let mut order: Vec<usize> = (0..job.epsilons.len()).collect();
    order.sort_by(|a, b| job.epsilons[*a].total_cmp(&job.epsilons[*b]));
    let rounds = (order.len() * config.restarts).max(1);
    for (done, batch) in rows.chunks(config.batch).enumerate() {
        let finished = done * config.batch;
        let mut standing = batch.to_vec();
        let mut round = 0;
        for (place, which) in order.iter().enumerate() {
            let epsilon = job.epsilons[*which];
            for restart in 0..config.restarts {
                let mut watch = |step: usize| {
                    let inner =
                        (round as f64 + step as f64 / (config.steps + 1) as f64) / rounds as f64;
                    let images = finished as f64 + inner * batch.len() as f64;
                    monitor(images / rows.len() as f64, finished)
                };
                let broken = climb(job, &standing, epsilon, restart, records, &mut watch)?;
                for row in &broken {
                    for larger in &order[place..] {
                        records[*row].withstands[*larger] = false;
                    }
                }
                standing.retain(|row| !broken.contains(row));
                round += 1;
            }
        }
    }
    Ok(())
}

/// One random start of PGD; the rows that it broke.
fn climb(
    job: &Job<'_>,
    rows: &[usize],
    epsilon: f64,
    restart: usize,
    records: &mut [Attacked],
    watch: &mut dyn FnMut(usize) -> Result<()>,
) -> Result<Vec<usize>> {
    let mut standing = rows.to_vec();
    let mut broken = Vec::new();
    if standing.is_empty() {
        return Ok(broken);
    }
    let norm = job.attack.norm();
    let mut origin = job.originals(rows)?;
    let mut x = start(job, rows, &origin, epsilon, restart)?;
    for step in 0..=job.config.steps {
        watch(step)?;
        let (classes, gradient) = if step < job.config.steps {
            let (classes, gradient) = ascend(job, &standing, &x, records)?;
            (classes, Some(gradient))
        } else {
            for row in &standing {
                records[*row].queries += 1;
            }
            (classify(job.network, &x, &job.ids(&standing))?, None)
        };
        let (lost, kept): (Vec<usize>, Vec<usize>) = (0..standing.len())
            .partition(|place| classes[*place] != job.task.labels[standing[*place]]);
        for place in &lost {
            let row = standing[*place];
            let image = x.get(*place)?.flatten_all()?.to_vec1::<f32>()?;
            job.note(&mut records[row], row, &image);
            broken.push(row);
        }
        let Some(gradient) = gradient else { break };
        if kept.is_empty() {
            break;
        }
        let mut gradient = gradient;
        if !lost.is_empty() {
            standing = kept.iter().map(|place| standing[*place]).collect();
            let kept: Vec<u32> = kept.iter().map(|place| *place as u32).collect();
            let kept = Tensor::from_slice(&kept, kept.len(), x.device())?;
            origin = origin.index_select(&kept, 0)?;
            x = x.index_select(&kept, 0)?;
            gradient = gradient.index_select(&kept, 0)?;
        }
        let length = job.config.step_size * epsilon / job.config.steps as f64;
        x = take_step(norm, &origin, &x, &gradient, length, epsilon)?;
    }
    Ok(broken)
}

/// One projected step of the given length from `x`, in the ball around `origin`.
pub(crate) fn take_step(
    norm: Norm,
    origin: &Tensor,
    x: &Tensor,
    gradient: &Tensor,
    length: f64,
    epsilon: f64,
) -> Result<Tensor> {
    let moved = ((x - origin)? + (direction(norm, gradient)? * length)?)?;
    project(norm, origin, &moved, epsilon)
}

/// A random point of the ball around each image, clipped to `[0, 1]`. The same point
/// of the unit ball serves all epsilons.
fn start(
    job: &Job<'_>,
    rows: &[usize],
    origin: &Tensor,
    epsilon: f64,
    restart: usize,
) -> Result<Tensor> {
    let norm = job.attack.norm();
    let points: Vec<Vec<f32>> = rows
        .iter()
        .map(|row| {
            let mut stream = job.seed(*row).index(restart as u64).stream();
            ball_point(norm, job.pixels[*row].len(), &mut stream)
        })
        .collect();
    let points = job.batch(points.iter().map(|p| &p[..]), rows.len())?;
    project(norm, origin, &(points * epsilon)?, epsilon)
}

/// Classes and gradients at `x`; notes queries and images without gradient.
fn ascend(
    job: &Job<'_>,
    rows: &[usize],
    x: &Tensor,
    records: &mut [Attacked],
) -> Result<(Vec<u32>, Tensor)> {
    let ids = job.ids(rows);
    let found = evaluate(job.network, x, &job.labels(rows), &ids)?;
    let sizes = largest(&found.gradient.flatten_from(1)?)?;
    let sizes = sizes.flatten_all()?.to_vec1::<f32>()?;
    for (row, size) in rows.iter().zip(sizes) {
        if !size.is_finite() {
            return Err(Error::NotFinite {
                what: "gradient",
                id: job.task.ids[*row],
            });
        }
        records[*row].queries += 1;
        records[*row].zero_gradient |= size == 0.0;
    }
    Ok((found.classes, found.gradient))
}
