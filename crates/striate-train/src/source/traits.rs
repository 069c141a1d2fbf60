//! The two kinds of source.

use striate_random::Stream;

use crate::error::SourceError;

/// Labelled images, augmented as they are loaded.
pub trait ImageSource: Send + Sync {
    /// Number of images.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Height, width and channels of every loaded image.
    fn shape(&self) -> [usize; 3];
    /// Number of classes.
    fn classes(&self) -> usize;
    /// The class of an image, below `classes`.
    fn label(&self, index: usize) -> u32;
    /// Writes the normalised image, height x width x channels, into `out`. Random
    /// choices (augmentation, corruption) are drawn from `stream`.
    ///
    /// # Errors
    ///
    /// If the image cannot be had.
    fn load(&self, index: usize, stream: &mut Stream, out: &mut [f32]) -> Result<(), SourceError>;
}

/// The trials of one recording session.
pub trait ResponseSource: Send + Sync {
    /// Number of trials.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Height, width and channels of every loaded stimulus.
    fn shape(&self) -> [usize; 3];
    /// Number of neurons.
    fn neurons(&self) -> usize;
    /// The session's name, the one of its readout.
    fn session(&self) -> &str;
    /// The responses of a trial, one per neuron, spikes per stimulus; NaN where the
    /// neuron was not recorded.
    fn responses(&self, index: usize) -> &[f32];
    /// Writes the normalised stimulus of a trial, height x width x channels, into `out`.
    ///
    /// # Errors
    ///
    /// If the stimulus cannot be had.
    fn load(&self, index: usize, out: &mut [f32]) -> Result<(), SourceError>;
}

/// The mean response of each neuron over the trials in which it was recorded (0 where
/// there is none): the initial bias of a readout. The study takes the mean over the first batch alone (training.md 4.2); the whole
/// set has less noise and needs no agreed order.
pub fn mean_responses(source: &dyn ResponseSource) -> Vec<f32> {
    let mut sums = vec![(0f64, 0usize); source.neurons()];
    for index in 0..source.len() {
        for ((sum, count), response) in sums.iter_mut().zip(source.responses(index)) {
            if !response.is_nan() {
                *sum += f64::from(*response);
                *count += 1;
            }
        }
    }
    let mean = |(sum, count): (f64, usize)| (sum / count.max(1) as f64) as f32;
    sums.into_iter().map(mean).collect()
}
