//! What can be said of recordings.

use std::collections::{BTreeMap, BTreeSet};

use super::{InspectConfig, Source, Summary, source::Holds};
use crate::{
    Result,
    recording::{Recording, Stimuli},
};

/// One part of one session.
#[derive(Clone, Debug)]
pub struct RecordingSummary {
    /// `train`, `test` or `all`.
    pub part: &'static str,
    /// The recording itself.
    pub recording: Recording,
    /// Number of different images.
    pub images: usize,
    /// Fewest and most trials of an image.
    pub repeats: (usize, usize),
    /// Responses that are missing.
    pub missing: usize,
    /// Mean over all responses.
    pub mean: f64,
    /// Standard deviation over all responses.
    pub deviation: f64,
    /// Smallest and largest response.
    pub range: (f32, f32),
}

/// The images beside the recordings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StimulusSummary {
    /// Number of images.
    pub images: usize,
    /// Images that were shown but are not there.
    pub missing: usize,
}

impl RecordingSummary {
    fn new(part: &'static str, recording: Recording) -> Self {
        let mut trials = BTreeMap::<u32, usize>::new();
        for image in &recording.image_of_trial {
            *trials.entry(*image).or_default() += 1;
        }
        let present = || recording.responses.iter().filter(|r| !r.is_nan());
        let n = present().count().max(1) as f64;
        let mean = present().map(|r| f64::from(*r)).sum::<f64>() / n;
        let squares = present().map(|r| (f64::from(*r) - mean).powi(2));
        let deviation = (squares.sum::<f64>() / n).sqrt();
        let range = present().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), r| {
            (low.min(*r), high.max(*r))
        });
        Self {
            part,
            images: trials.len(),
            repeats: (
                trials.values().copied().min().unwrap_or(0),
                trials.values().copied().max().unwrap_or(0),
            ),
            missing: recording.missing(),
            mean,
            deviation,
            range,
            recording,
        }
    }
}

pub(super) fn add(source: &Source, config: &InspectConfig, summary: &mut Summary) -> Result<()> {
    for (part, recording) in source.recordings(config)? {
        let found = RecordingSummary::new(part, recording);
        let recording = &found.recording;
        let place = format!("session {}, part {part}", recording.session);
        for neuron in 0..recording.neurons {
            let mut responses = recording
                .responses
                .iter()
                .skip(neuron)
                .step_by(recording.neurons)
                .filter(|r| !r.is_nan());
            let id = &recording.neuron_ids[neuron];
            match responses.next() {
                None => summary
                    .problems
                    .add(format!("{place}: neuron {id} has no response")),
                Some(first) if recording.trials() > 1 && responses.all(|r| r == first) => {
                    let problem = format!("{place}: neuron {id} always responds with {first}");
                    summary.problems.add(problem);
                }
                Some(_) => {}
            }
        }
        summary.recordings.push(found);
    }
    shown_in_both(summary);
    if let Holds::Files(files) = &source.holds {
        let stimuli = Stimuli::find(files)?;
        let shown: BTreeSet<u32> = summary
            .recordings
            .iter()
            .flat_map(|r| r.recording.image_of_trial.iter().copied())
            .collect();
        let missing = stimuli.missing(&shown.iter().copied().collect::<Vec<u32>>());
        if !stimuli.is_empty()
            && let Some(first) = missing.first()
        {
            summary.problems.add(format!(
                "{} of {} images that were shown have no file; the first is {first:06}",
                missing.len(),
                shown.len()
            ));
        }
        summary.stimuli = Some(StimulusSummary {
            images: stimuli.len(),
            missing: missing.len(),
        });
    }
    Ok(())
}

/// Images of the test must not be among those of the training.
fn shown_in_both(summary: &mut Summary) {
    let mut problems = Vec::new();
    for test in summary.recordings.iter().filter(|r| r.part == "test") {
        let session = &test.recording.session;
        let train = summary
            .recordings
            .iter()
            .find(|r| r.part == "train" && &r.recording.session == session);
        let Some(train) = train else { continue };
        let ids: BTreeSet<u32> = train.recording.image_of_trial.iter().copied().collect();
        let both: Vec<u32> = test.recording.image_ids();
        let both: Vec<u32> = both.into_iter().filter(|id| ids.contains(id)).collect();
        if let Some(first) = both.first() {
            problems.push(format!(
                "session {session}: {} images are in training and test; the first is {first}",
                both.len()
            ));
        }
    }
    problems.into_iter().for_each(|p| summary.problems.add(p));
}
