//! The boundary attack (Brendel et al. 2018). Invariant: the current image of a walk is
//! always one that the network gets wrong, and its distance never grows.

mod start;
mod walk;

use crate::job::{Job, Monitor};
use crate::network::classify;
use crate::{Attacked, Result};
use walk::Walk;

/// Part of the work that the search for starts is counted as.
const START_SHARE: f64 = 0.02;

/// Searches the nearest image that is classified otherwise, for each of `rows`.
pub(crate) fn search(
    job: &Job<'_>,
    rows: &[usize],
    records: &mut [Attacked],
    monitor: &mut Monitor<'_>,
) -> Result<()> {
    let settings = &job.config.boundary;
    for (done, batch) in rows.chunks(job.config.batch).enumerate() {
        let finished = done * job.config.batch;
        let mut watch = |part: f64| {
            let images = finished as f64 + part * batch.len() as f64;
            monitor(images / rows.len() as f64, finished)
        };
        watch(0.0)?;
        let mut walks = start::find(job, batch, records)?;
        for step in 0..settings.steps {
            watch(START_SHARE + (1.0 - START_SHARE) * step as f64 / settings.steps as f64)?;
            let mut active: Vec<&mut Walk<'_>> = walks
                .iter_mut()
                .filter(|walk| walk.source_step() >= settings.tolerance)
                .collect();
            if active.is_empty() {
                break;
            }
            advance(job, &mut active, records)?;
        }
        for walk in &walks {
            job.note(&mut records[walk.row], walk.row, walk.image());
        }
        for row in batch {
            let record = &mut records[*row];
            if let Some(distance) = record.distance {
                for (withstands, epsilon) in record.withstands.iter_mut().zip(job.epsilons) {
                    *withstands = distance > *epsilon;
                }
            }
        }
    }
    Ok(())
}

/// One step of each walk: around the image, and where that is still wrong, towards it.
fn advance(job: &Job<'_>, active: &mut [&mut Walk<'_>], records: &mut [Attacked]) -> Result<()> {
    let around: Vec<Vec<f32>> = active.iter_mut().map(|walk| walk.around()).collect();
    let rows: Vec<usize> = active.iter().map(|walk| walk.row).collect();
    let wrong = misses(job, &rows, &around, records)?;
    let (mut places, mut towards) = (Vec::new(), Vec::new());
    for (place, (wrong, image)) in wrong.into_iter().zip(around).enumerate() {
        if active[place].went_around(image, wrong) {
            places.push(place);
            towards.push(active[place].towards());
        }
    }
    let rows: Vec<usize> = places.iter().map(|place| active[*place].row).collect();
    let wrong = misses(job, &rows, &towards, records)?;
    for ((place, image), wrong) in places.into_iter().zip(towards).zip(wrong) {
        active[place].went_towards(image, wrong);
    }
    Ok(())
}

/// Whether the network gets each image wrong; `images[i]` is one of row `rows[i]`.
fn misses(
    job: &Job<'_>,
    rows: &[usize],
    images: &[Vec<f32>],
    records: &mut [Attacked],
) -> Result<Vec<bool>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let x = job.batch(images.iter().map(|image| &image[..]), rows.len())?;
    let classes = classify(job.network, &x, &job.ids(rows))?;
    for row in rows {
        records[*row].queries += 1;
    }
    let pairs = rows.iter().zip(classes);
    Ok(pairs
        .map(|(row, class)| class != job.task.labels[*row])
        .collect())
}
