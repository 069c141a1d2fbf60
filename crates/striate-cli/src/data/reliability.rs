//! How reliable neurons are over repeats of one image. Invariant: a trial without
//! response of a neuron is left out for that neuron alone.

use striate_data::inspect::{RecordingSummary, Summary};
use striate_train::measures::Repeated;

/// One neuron of one part of a recording.
pub struct Neuron {
    /// Index of the part in the summary.
    pub part: usize,
    /// Its name.
    pub id: String,
    /// Mean response.
    pub mean: f64,
    /// Explainable variance: the share of the variance over trials that the images make.
    pub explainable: f64,
    /// Correlation of each trial with the mean of the other repeats.
    pub oracle: f64,
}

/// The neurons of all parts in which an image comes more than once, the most reliable
/// first within each part.
pub fn of(summary: &Summary) -> striate_train::Result<Vec<Neuron>> {
    let mut neurons = Vec::new();
    for (part, found) in summary.recordings.iter().enumerate() {
        if found.repeats.1 < 2 {
            continue;
        }
        let mut of_part = of_recording(part, found)?;
        of_part.sort_by(|a, b| b.explainable.total_cmp(&a.explainable));
        neurons.extend(of_part);
    }
    Ok(neurons)
}

fn of_recording(part: usize, found: &RecordingSummary) -> striate_train::Result<Vec<Neuron>> {
    let recording = &found.recording;
    let mut neurons = Vec::with_capacity(recording.neurons);
    for (neuron, id) in recording.neuron_ids.iter().enumerate() {
        let column = recording.responses.iter().skip(neuron);
        let column = column
            .step_by(recording.neurons)
            .zip(&recording.image_of_trial);
        let (responses, images): (Vec<f32>, Vec<u32>) = column.filter(|(r, _)| !r.is_nan()).unzip();
        if responses.is_empty() {
            continue;
        }
        let repeated = Repeated::new(&responses, 1, &images)?;
        neurons.push(Neuron {
            part,
            id: id.clone(),
            mean: responses.iter().map(|r| f64::from(*r)).sum::<f64>() / responses.len() as f64,
            explainable: repeated.explainable_variance()[0],
            oracle: repeated.oracle_correlation()[0],
        });
    }
    Ok(neurons)
}

/// Smallest, median and largest value.
pub fn spread(values: impl Iterator<Item = f64>) -> Option<(f64, f64, f64)> {
    let mut values: Vec<f64> = values.filter(|v| v.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let (first, last) = (*values.first()?, *values.last()?);
    let middle = values.len() / 2;
    let median = if values.len().is_multiple_of(2) {
        (values[middle - 1] + values[middle]) / 2.0
    } else {
        values[middle]
    };
    Some((first, median, last))
}
