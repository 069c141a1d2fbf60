//! Recordings: responses of neurons to images, trial by trial.
//!
//! Invariant: a [`Recording`] has one image id, one repeat number and one row of
//! responses for each trial; NaN means that the neuron was not recorded in that
//! trial, and nothing else; no response is infinite.

mod cadena;
mod csv;
mod folder;
mod nwb;
mod session;
mod stimuli;
mod store;
mod textures;
mod things;

pub use cadena::{Cadena, CadenaConfig};
pub use folder::{has_public_sessions, read_public_sessions, read_sessions, session_pickles};
pub use nwb::{NwbConfig, NwbRecording, read_nwb};
pub use session::{SessionConfig, SessionRecording};
pub use stimuli::{Stimuli, StimulusConfig};
pub(crate) use stimuli::{join as join_stimuli, prepare as prepare_stimulus};
pub use textures::{TEXTURE_FAMILIES, TextureConfig, read_textures, texture_file};
pub use things::{ThingsConfig, ThingsImages, read_things, read_things_images};

use std::collections::{BTreeMap, BTreeSet};

use crate::{Error, Result};

/// Responses of the neurons of one session.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// What the session is called.
    pub session: String,
    /// Number of neurons.
    pub neurons: usize,
    /// What each neuron is called.
    pub neuron_ids: Vec<String>,
    /// The image of each trial.
    pub image_of_trial: Vec<u32>,
    /// How often the image was shown before, in this recording: 0 at first.
    pub repeat_of_trial: Vec<u32>,
    /// `[trials, neurons]`: spike counts or rates; NaN where there is no response.
    pub responses: Vec<f32>,
}

/// Responses averaged over the repeats of each image.
#[derive(Clone, Debug, PartialEq)]
pub struct MeanResponses {
    /// The images, in rising order of their ids.
    pub image_ids: Vec<u32>,
    /// `[images, neurons]`: the mean over the trials with a response; NaN where none has one.
    pub mean: Vec<f32>,
    /// `[images, neurons]`: the number of trials with a response.
    pub repeats: Vec<u32>,
}

impl Recording {
    /// A recording from its trials, in the order of presentation. Neurons are
    /// called by their number.
    ///
    /// # Shapes
    ///
    /// `responses` is `[image_of_trial.len(), neurons]`.
    ///
    /// # Errors
    ///
    /// If the lengths do not fit, or a response is infinite.
    pub fn new(
        session: impl Into<String>,
        neurons: usize,
        image_of_trial: Vec<u32>,
        responses: Vec<f32>,
    ) -> Result<Self> {
        let session = session.into();
        let trials = image_of_trial.len();
        if trials.checked_mul(neurons) != Some(responses.len()) {
            return Err(Error::argument(
                format!("responses of session {session}"),
                format!("{trials} trials x {neurons} neurons"),
                format!("{} values", responses.len()),
            ));
        }
        if let Some(place) = responses.iter().position(|r| r.is_infinite()) {
            return Err(Error::argument(
                format!(
                    "response of session {session}, trial {}, neuron {}",
                    place / neurons,
                    place % neurons
                ),
                "a finite number, or NaN for none",
                responses[place],
            ));
        }
        let mut shown = BTreeMap::<u32, u32>::new();
        let repeat_of_trial = image_of_trial
            .iter()
            .map(|image| {
                let count = shown.entry(*image).or_default();
                *count += 1;
                *count - 1
            })
            .collect();
        Ok(Self {
            session,
            neurons,
            neuron_ids: (0..neurons).map(|n| n.to_string()).collect(),
            image_of_trial,
            repeat_of_trial,
            responses,
        })
    }

    /// The same recording with names for its neurons.
    ///
    /// # Errors
    ///
    /// If there is not one name for each neuron, or one comes twice.
    pub fn with_neuron_ids(mut self, neuron_ids: Vec<String>) -> Result<Self> {
        let unique: BTreeSet<&String> = neuron_ids.iter().collect();
        if neuron_ids.len() != self.neurons || unique.len() != self.neurons {
            return Err(Error::argument(
                format!("neuron ids of session {}", self.session),
                format!("{} different ones", self.neurons),
                format!("{}, {} of them different", neuron_ids.len(), unique.len()),
            ));
        }
        self.neuron_ids = neuron_ids;
        Ok(self)
    }

    /// Number of trials.
    pub fn trials(&self) -> usize {
        self.image_of_trial.len()
    }

    /// The responses of one trial, `[neurons]`; empty when there is no such trial.
    pub fn trial(&self, index: usize) -> &[f32] {
        let start = index.saturating_mul(self.neurons);
        self.responses
            .get(start..start.saturating_add(self.neurons))
            .unwrap_or_default()
    }

    /// The different images, in rising order of their ids.
    pub fn image_ids(&self) -> Vec<u32> {
        let ids: BTreeSet<u32> = self.image_of_trial.iter().copied().collect();
        ids.into_iter().collect()
    }

    /// The trials for which `keep` says yes to the image, in their order. Repeat
    /// numbers stay what they are.
    #[must_use]
    pub fn select_images(&self, keep: impl Fn(u32) -> bool) -> Self {
        let chosen: Vec<usize> = (0..self.trials())
            .filter(|trial| keep(self.image_of_trial[*trial]))
            .collect();
        Self {
            session: self.session.clone(),
            neurons: self.neurons,
            neuron_ids: self.neuron_ids.clone(),
            image_of_trial: chosen.iter().map(|t| self.image_of_trial[*t]).collect(),
            repeat_of_trial: chosen.iter().map(|t| self.repeat_of_trial[*t]).collect(),
            responses: chosen
                .iter()
                .flat_map(|t| self.trial(*t))
                .copied()
                .collect(),
        }
    }

    /// Training and validation trials: a trial belongs where its image belongs
    /// (training.md 1.2; ids as [`crate::split::neural_split`] gives them).
    ///
    /// # Errors
    ///
    /// If the image of a trial is in neither part: the first such trial is named.
    pub fn split(&self, parts: &crate::split::Split) -> Result<(Self, Self)> {
        let set = |ids: &[usize]| ids.iter().copied().collect::<BTreeSet<usize>>();
        let (train, validation) = (set(&parts.train), set(&parts.validation));
        for (trial, image) in self.image_of_trial.iter().enumerate() {
            let image = *image as usize;
            if !train.contains(&image) && !validation.contains(&image) {
                return Err(Error::argument(
                    format!("image of session {}, trial {trial}", self.session),
                    "an id in the training or the validation part",
                    image,
                ));
            }
        }
        Ok((
            self.select_images(|image| train.contains(&(image as usize))),
            self.select_images(|image| validation.contains(&(image as usize))),
        ))
    }

    /// Averages over the repeats of each image, leaving out missing responses.
    pub fn repeat_mean(&self) -> MeanResponses {
        let image_ids = self.image_ids();
        let row_of: BTreeMap<u32, usize> = image_ids
            .iter()
            .enumerate()
            .map(|(row, id)| (*id, row))
            .collect();
        let mut sums = vec![0.0f64; image_ids.len() * self.neurons];
        let mut repeats = vec![0u32; sums.len()];
        for (trial, image) in self.image_of_trial.iter().enumerate() {
            let start = row_of[image] * self.neurons;
            for (neuron, response) in self.trial(trial).iter().enumerate() {
                if !response.is_nan() {
                    sums[start + neuron] += f64::from(*response);
                    repeats[start + neuron] += 1;
                }
            }
        }
        let mean = sums
            .iter()
            .zip(&repeats)
            .map(|(sum, n)| (sum / f64::from(*n)) as f32)
            .collect();
        MeanResponses {
            image_ids,
            mean,
            repeats,
        }
    }

    /// The mean of each neuron over its trials, `[neurons]`; NaN where it has none.
    pub fn neuron_mean(&self) -> Vec<f32> {
        let mut sums = vec![(0.0f64, 0u32); self.neurons];
        for row in self.responses.chunks_exact(self.neurons.max(1)) {
            for ((sum, n), response) in sums.iter_mut().zip(row) {
                if !response.is_nan() {
                    *sum += f64::from(*response);
                    *n += 1;
                }
            }
        }
        sums.iter()
            .map(|(sum, n)| (sum / f64::from(*n)) as f32)
            .collect()
    }

    /// Number of responses that are missing.
    pub fn missing(&self) -> usize {
        self.responses.iter().filter(|r| r.is_nan()).count()
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_hdf5;
