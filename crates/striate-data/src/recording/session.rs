//! One session of the Sinz lab as a pickle (data-formats.md 2.1, training.md 1.2).

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Recording;
use crate::{
    Error, Result,
    pickle::{Node, Pickle},
};

/// How the responses of a session are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionConfig {
    /// The first so many time bins are summed (the study: 12 bins of 10 ms, from
    /// 40 ms after the image came).
    pub time_bins: usize,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self { time_bins: 12 }
    }
}

/// Both parts of a session.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionRecording {
    /// Trials to train and validate with.
    pub train: Recording,
    /// Trials of the repeated test images.
    pub test: Recording,
}

impl SessionRecording {
    /// Reads a session pickle.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is no such pickle; the axis order is checked
    /// by the number of image ids.
    pub fn open(path: &Path, config: &SessionConfig) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::io(path, e))?;
        Self::from_pickle(
            &Pickle::from_bytes(bytes, &path.display().to_string())?,
            config,
        )
    }

    /// Reads a session from a pickle.
    ///
    /// # Errors
    ///
    /// As [`SessionRecording::open`].
    pub fn from_pickle(pickle: &Pickle, config: &SessionConfig) -> Result<Self> {
        let root = pickle.root();
        let session = name(&root.get("session_id")?)?;
        let part = |part: &str| {
            let ids_node = root.get(&format!("{part}_image_ids"))?;
            let ids = ids_node.array()?.to_ids(ids_node.place())?;
            let node = root.get(&format!("{part}_responses"))?;
            let (neurons, responses) = trials_first(&node, ids.len(), config.time_bins)?;
            Recording::new(session.clone(), neurons, ids, responses)
        };
        let (train, test) = (part("training")?, part("testing")?);
        if train.neurons != test.neurons {
            return Err(Error::format(
                format!("{}, key testing_responses", root.place()),
                format!("{} neurons, as in training_responses", train.neurons),
                test.neurons.to_string(),
            ));
        }
        Ok(Self { train, test })
    }
}

/// The session's name: a number or a text.
fn name(node: &Node<'_>) -> Result<String> {
    node.integer()
        .map(|id| id.to_string())
        .or_else(|_| node.text())
        .map_err(|_| Error::format(node.place(), "a number or a text", node.kind()))
}

/// `[neurons, bins, trials]` summed over the first bins, or `[trials, neurons]` as
/// it is; returned is `[trials, neurons]`.
fn trials_first(node: &Node<'_>, trials: usize, bins: usize) -> Result<(usize, Vec<f32>)> {
    let array = node.array()?;
    let values = array.to_f32(node.place())?;
    match array.shape[..] {
        [neurons, found, last] if last == trials && found >= bins && bins > 0 => {
            let mut out = vec![0.0; trials * neurons];
            for (n, of_neuron) in values.chunks_exact((found * trials).max(1)).enumerate() {
                for of_bin in of_neuron.chunks_exact(trials.max(1)).take(bins) {
                    for (trial, value) in of_bin.iter().enumerate() {
                        out[trial * neurons + n] += value;
                    }
                }
            }
            Ok((neurons, out))
        }
        [first, neurons] if first == trials => Ok((neurons, values)),
        _ => Err(Error::format(
            node.place(),
            format!(
                "responses [neurons, at least {bins} time bins, {trials} trials] or \
                 [{trials} trials, neurons], as there are {trials} image ids"
            ),
            format!("{:?}", array.shape),
        )),
    }
}
