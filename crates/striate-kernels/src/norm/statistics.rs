//! Mean and variance of each channel.

use rayon::prelude::*;

use crate::cpu::Isa;
use crate::error::{Result, check_length};
use crate::map::MapShape;
use crate::reduce::chunk_rows;
use crate::simd::vectorised;

/// The mean and the biased variance of each channel over batch and pixels.
///
/// Chunks of at most 256 pixels are summed about their own mean in f32, corrected
/// for its rounding and merged in f64 (Chan, Golub and LeVeque 1983), so a mean that is large beside
/// the deviation costs no precision.
///
/// # Shapes
///
/// `x` as `shape`; `mean` and `variance` `[channels]` (overwritten).
///
/// # Errors
///
/// A length that does not fit `shape`.
pub fn batch_norm_statistics(
    shape: &MapShape,
    x: &[f32],
    mean: &mut [f32],
    variance: &mut [f32],
) -> Result<()> {
    const NAME: &str = "batch_norm_statistics";
    let channels = shape.channels;
    check_length(NAME, "x", x.len(), shape.len())?;
    check_length(NAME, "mean", mean.len(), channels)?;
    check_length(NAME, "variance", variance.len(), channels)?;
    let isa = Isa::current();
    let chunk = chunk_rows(channels) * channels;
    let partial: Vec<Vec<f32>> = x
        .par_chunks(chunk)
        .map(|rows| {
            let mut moments = vec![0.0; 3 * channels];
            let (centre, sums) = moments.split_at_mut(channels);
            let (deviations, squares) = sums.split_at_mut(channels);
            chunk_moments(isa, rows, centre, deviations, squares);
            moments
        })
        .collect();
    let mut total = Moments::new(channels);
    for (moments, rows) in partial.iter().zip(x.chunks(chunk)) {
        let count = (rows.len() / channels) as f64;
        for c in 0..channels {
            let correction = f64::from(moments[channels + c]) / count;
            let mean = f64::from(moments[c]) + correction;
            let squares = f64::from(moments[2 * channels + c]) - correction * correction * count;
            total.add(c, count, mean, squares);
        }
    }
    total.store(mean, variance);
    Ok(())
}

/// The first two moments of channels, to which parts of a map are added.
pub(crate) struct Moments(Vec<Channel>);

#[derive(Clone, Copy, Default)]
struct Channel {
    count: f64,
    mean: f64,
    /// The sum of the squared deviations from the mean.
    squares: f64,
}

/// The moments of a part of a map.
pub(crate) struct Part {
    first: usize,
    /// Pixels.
    pub(crate) count: usize,
    /// The means of its channels and, behind these, the sums of squared deviations.
    pub(crate) values: Vec<f32>,
}

impl Part {
    /// For so many channels from `first` on; more than there are, as panels are whole.
    pub(crate) fn new(first: usize, channels: usize) -> Self {
        Self {
            first,
            count: 0,
            values: vec![0.0; 2 * channels],
        }
    }

    /// To the channels that were written, if they are fewer.
    pub(crate) fn truncate(&mut self, channels: usize) {
        self.values.truncate(2 * channels);
    }
}

impl Moments {
    pub(crate) fn new(channels: usize) -> Self {
        Self(vec![Channel::default(); channels])
    }

    /// Adds `count` values of a channel.
    fn add(&mut self, channel: usize, count: f64, mean: f64, squares: f64) {
        let total = &mut self.0[channel];
        let weight = count / (total.count + count);
        let difference = mean - total.mean;
        total.mean += difference * weight;
        total.squares += squares + difference * difference * total.count * weight;
        total.count += count;
    }

    pub(crate) fn add_part(&mut self, part: &Part) {
        let (means, squares) = part.values.split_at(part.values.len() / 2);
        let last = self.0.len().min(part.first + means.len());
        for (channel, (mean, squares)) in (part.first..last).zip(means.iter().zip(squares)) {
            let count = part.count as f64;
            self.add(channel, count, f64::from(*mean), f64::from(*squares));
        }
    }

    /// Stores mean and biased variance of each channel.
    pub(crate) fn store(&self, mean: &mut [f32], variance: &mut [f32]) {
        for (channel, (mean, variance)) in self.0.iter().zip(mean.iter_mut().zip(variance)) {
            *mean = channel.mean as f32;
            *variance = (channel.squares / channel.count).max(0.0) as f32;
        }
    }
}

vectorised! {
    /// About the mean of some rows as f32 gives it: the sum of the deviations
    /// from it, which corrects its rounding, and of their squares.
    fn chunk_moments(rows: &[f32], centre: &mut [f32], deviations: &mut [f32], squares: &mut [f32]) {
        let channels = centre.len();
        let (deviations, squares) = (&mut deviations[..channels], &mut squares[..channels]);
        for row in rows.chunks_exact(channels) {
            for (sum, x) in centre.iter_mut().zip(row) {
                *sum += x;
            }
        }
        let count = (rows.len() / channels) as f32;
        for sum in centre.iter_mut() {
            *sum /= count;
        }
        for row in rows.chunks_exact(channels) {
            for c in 0..channels {
                let deviation = row[c] - centre[c];
                deviations[c] += deviation;
                squares[c] += deviation * deviation;
            }
        }
    }
}
