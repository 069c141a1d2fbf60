//! Where walks begin. Invariant: a walk begins at an image that the network gets wrong,
//! near the boundary of its class.

use crate::Attacked;
use crate::Result;
use crate::geometry::distance;
use crate::job::Job;

use super::misses;
use super::walk::Walk;

/// Halvings of the line between an image and its start, each one query: what is left
/// is a 4,096th of the distance.
const HALVINGS: usize = 12;

/// A walk for each of `rows` that has a start: uniform noise that is classified
/// otherwise (Brendel et al. 2018, section 2.1), or else the nearest image of the task
/// that is; then moved along the line to the original up to the boundary.
pub(super) fn find<'a>(
    job: &'a Job<'_>,
    rows: &[usize],
    records: &mut [Attacked],
) -> Result<Vec<Walk<'a>>> {
    let mut found = noise(job, rows, records)?;
    for row in rows {
        if !found.iter().any(|(other, _)| other == row)
            && let Some(image) = nearest(job, *row)
        {
            found.push((*row, image));
        }
    }
    found.sort_by_key(|(row, _)| *row);
    let rows: Vec<usize> = found.iter().map(|(row, _)| *row).collect();
    let mut ends: Vec<Vec<f32>> = found.into_iter().map(|(_, image)| image).collect();
    let mut insides: Vec<Vec<f32>> = rows.iter().map(|row| job.pixels[*row].clone()).collect();
    for _ in 0..HALVINGS {
        let middles: Vec<Vec<f32>> = insides
            .iter()
            .zip(&ends)
            .map(|(inside, end)| inside.iter().zip(end).map(|(a, b)| 0.5 * (a + b)).collect())
            .collect();
        let wrong = misses(job, &rows, &middles, records)?;
        for (place, (middle, wrong)) in middles.into_iter().zip(wrong).enumerate() {
            let end = if wrong { &mut ends } else { &mut insides };
            end[place] = middle;
        }
    }
    let starts = rows.into_iter().zip(ends);
    Ok(starts
        .map(|(row, image)| {
            let stream = job.seed(row).child("walk").stream();
            Walk::new(row, &job.pixels[row], image, &job.config.boundary, stream)
        })
        .collect())
}

/// Uniform noise that the network gets wrong, for the rows where a draw finds it.
fn noise(
    job: &Job<'_>,
    rows: &[usize],
    records: &mut [Attacked],
) -> Result<Vec<(usize, Vec<f32>)>> {
    let (mut found, mut open) = (Vec::new(), rows.to_vec());
    for draw in 0..job.config.boundary.noise_draws {
        let images: Vec<Vec<f32>> = open
            .iter()
            .map(|row| {
                let mut stream = job.seed(*row).child("noise").index(draw as u64).stream();
                let pixels = job.pixels[*row].len();
                (0..pixels).map(|_| stream.uniform_f32()).collect()
            })
            .collect();
        let wrong = misses(job, &open, &images, records)?;
        let mut left = Vec::new();
        for ((row, image), wrong) in open.into_iter().zip(images).zip(wrong) {
            if wrong {
                found.push((row, image));
            } else {
                left.push(row);
            }
        }
        open = left;
    }
    Ok(found)
}

/// The nearest image of the task that the network sees as another class than `row`'s.
fn nearest(job: &Job<'_>, row: usize) -> Option<Vec<f32>> {
    let others = job.classes.iter().zip(&job.pixels);
    let others = others.filter(|(class, _)| **class != job.task.labels[row]);
    let distances = others.map(|(_, pixels)| {
        let far = distance(job.attack.norm(), pixels, &job.pixels[row]);
        (far, pixels)
    });
    let nearest = distances.min_by(|a, b| a.0.total_cmp(&b.0));
    nearest.map(|(_, pixels)| pixels.clone())
}
