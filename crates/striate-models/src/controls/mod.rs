//! Targets that stand in for the responses of a brain, each with less of it: what
//! co-training gains with them, it does not gain from the brain. The ladder, from the
//! least to the most:
//!
//! | target | what it keeps of the responses |
//! |---|---|
//! | [`gaussian_like`] | mean and covariance over images, nothing of the images |
//! | [`permuted`] | every response pattern, not which image evokes it |
//! | [`permuted`] within groups | the same, and roughly which image |
//! | [`project_pixels`] | that images alike in their pixels evoke alike responses |
//! | [`random_network`] | that, through layers of the same kind without training |
//! | a Gabor bank ([`Population`](crate::population::Population)) | orientation and spatial frequency |
//! | responses to [`phase_scrambled`] images | the model of the brain, at images without structure |
//!
//! [`Moments::match_to`] brings any of them to the mean and the deviation of each neuron.
//!
//! Invariant: what an image gets depends on the image, the reference and the seed alone,
//! not on threads or on the order of calls.

mod gaussian;
mod network;
mod scramble;
#[cfg(test)]
mod tests;

use striate_random::{Seed, Stream};

pub use gaussian::gaussian_like;
pub use network::random_network;
pub use scramble::phase_scrambled;

use crate::Error;

/// Permutes rows; with `groups`, one for each row, only among the rows of one group.
///
/// # Shapes
///
/// `rows` `[images, width]`, and the result.
///
/// # Errors
///
/// If `rows` are not whole, or there is not one group for each.
pub fn permuted(
    rows: &[f32],
    width: usize,
    groups: Option<&[u32]>,
    stream: &mut Stream,
) -> Result<Vec<f32>, Error> {
    let count = whole("responses", rows, width)?;
    let mut order: Vec<usize> = (0..count).collect();
    match groups {
        None => order = stream.permutation(count),
        Some(groups) if groups.len() != count => {
            return Err(Error::Shape {
                what: "groups",
                expected: format!("one for each of {count} images"),
                found: groups.len().to_string(),
            });
        }
        Some(groups) => {
            let mut kinds = groups.to_vec();
            kinds.sort_unstable();
            kinds.dedup();
            for kind in kinds {
                let places: Vec<usize> = (0..count).filter(|i| groups[*i] == kind).collect();
                let mut from = places.clone();
                stream.shuffle(&mut from);
                for (place, from) in places.into_iter().zip(from) {
                    order[place] = from;
                }
            }
        }
    }
    Ok(order
        .iter()
        .flat_map(|i| rows[i * width..(i + 1) * width].iter().copied())
        .collect())
}

/// Random projections of the pixels: their distances are those of the images, in
/// expectation (Johnson and Lindenstrauss 1984).
///
/// # Shapes
///
/// `images` `[images, pixels]`; the result `[images, neurons]`.
///
/// # Errors
///
/// If the images are not whole.
pub fn project_pixels(
    images: &[f32],
    pixels: usize,
    neurons: usize,
    seed: &Seed,
) -> Result<Vec<f32>, Error> {
    let count = whole("images", images, pixels)?;
    let seed = seed.child("project pixels");
    let scale = 1.0 / (pixels as f64).sqrt();
    let mut out = vec![0.0; count * neurons];
    for neuron in 0..neurons {
        let mut stream = seed.index(neuron as u64).stream();
        let weights: Vec<f64> = (0..pixels).map(|_| scale * stream.normal()).collect();
        for (image, row) in images
            .chunks_exact(pixels)
            .zip(out.chunks_exact_mut(neurons))
        {
            let sum: f64 = image
                .iter()
                .zip(&weights)
                .map(|(x, w)| f64::from(*x) * w)
                .sum();
            row[neuron] = sum as f32;
        }
    }
    Ok(out)
}

/// Mean and standard deviation of each neuron over images.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// `[neurons]`.
    pub mean: Vec<f64>,
    /// `[neurons]`; divided by the number of images.
    pub deviation: Vec<f64>,
}

impl Moments {
    /// The moments of responses.
    ///
    /// # Shapes
    ///
    /// `responses` `[images, neurons]`.
    ///
    /// # Errors
    ///
    /// If they are not whole, or there are none.
    pub fn of(responses: &[f32], neurons: usize) -> Result<Self, Error> {
        let count = whole("responses", responses, neurons)? as f64;
        let mut mean = vec![0.0; neurons];
        for row in responses.chunks_exact(neurons) {
            for (sum, value) in mean.iter_mut().zip(row) {
                *sum += f64::from(*value) / count;
            }
        }
        let mut deviation = vec![0.0; neurons];
        for row in responses.chunks_exact(neurons) {
            for ((sum, value), mean) in deviation.iter_mut().zip(row).zip(&mean) {
                *sum += (f64::from(*value) - mean).powi(2) / count;
            }
        }
        for variance in &mut deviation {
            *variance = variance.sqrt();
        }
        Ok(Self { mean, deviation })
    }

    /// Brings responses that have these moments to those of `target`, neuron by neuron.
    /// Rates below 0 become 0; gives the share of them. A neuron that does not vary beyond
    /// rounding gets the mean of the target.
    ///
    /// # Errors
    ///
    /// If the responses are not whole, or the target has other neurons.
    pub fn match_to(&self, target: &Self, responses: &mut [f32]) -> Result<f64, Error> {
        let neurons = self.mean.len();
        whole("responses", responses, neurons)?;
        if target.mean.len() != neurons {
            return Err(Error::Shape {
                what: "moments of the target",
                expected: format!("{neurons} neurons"),
                found: format!("{}", target.mean.len()),
            });
        }
        let mut below = 0usize;
        for row in responses.chunks_exact_mut(neurons) {
            for (i, value) in row.iter_mut().enumerate() {
                let varies = self.deviation[i] > f64::from(f32::EPSILON) * self.mean[i].abs();
                let scale = if varies {
                    target.deviation[i] / self.deviation[i]
                } else {
                    0.0
                };
                let moved = target.mean[i] + scale * (f64::from(*value) - self.mean[i]);
                below += usize::from(moved < 0.0);
                *value = moved.max(0.0) as f32;
            }
        }
        Ok(below as f64 / responses.len() as f64)
    }
}

/// The number of rows.
fn whole(what: &'static str, values: &[f32], width: usize) -> Result<usize, Error> {
    if width > 0 && !values.is_empty() && values.len().is_multiple_of(width) {
        return Ok(values.len() / width);
    }
    Err(Error::Shape {
        what,
        expected: format!("whole rows of {width}, at least one"),
        found: format!("{} values", values.len()),
    })
}
