//! Training of one network.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use striate_corruptions::Augmentation;
use striate_data::augment::AugmentConfig;
use striate_models::{MultiTaskNet, VggConfig, part};
use striate_random::Seed;
use striate_train::{History, ImageTask, NeuralLoss, Tasks, TrainConfig, measures};

use super::benchmark::inputs;
use super::dataset::{Dataset, Sizes};
use super::network::{SESSION, WEIGHTS, responses, save, state_of};
use super::record::{Recordings, Trials};
use super::targets::Targets;
use super::training::{HISTORY, TrialSplit, images, train};
use crate::Result;
use crate::engine::{Estimate, Finished, Status, StepContext, Task};

const INFO: &str = "info.json";

/// Trains a network on images, and on neural targets if it has an input `targets`, or on
/// the recordings if it has an input `recording` (with both, on the targets of each
/// session for itself). With an input `frozen`, the shared layers are taken from there and
/// frozen, statistics of their batch norms included.
#[derive(Clone, Serialize)]
pub(crate) struct TrainNetwork {
    pub(crate) network: VggConfig,
    pub(crate) train: TrainConfig,
    pub(crate) augment: AugmentConfig,
    pub(crate) corrupted: Option<Augmentation>,
    pub(crate) train_fraction: f64,
    pub(crate) seed: u64,
    /// Whether there is a neural task, for the estimate.
    #[serde(skip)]
    pub(crate) multi_task: bool,
    #[serde(skip)]
    pub(crate) sizes: Sizes,
}

/// What is said of a trained network.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TrainInfo {
    pub(crate) parameters: usize,
    pub(crate) epochs: usize,
    /// Mean over neurons of the correlation of predicted and target responses to
    /// the test stimuli; none where no readout is trained.
    pub(crate) target_correlation: Option<f64>,
}

impl Task for TrainNetwork {
    const KIND: &'static str = "train";
    const VERSION: u32 = 2;

    fn estimate(&self) -> Estimate {
        let all = super::cost::forward(&self.network);
        let shared = super::cost::shared(&self.network);
        let neural = if self.multi_task { shared } else { 0.0 };
        let passes = (self.sizes.images[0] * self.train.schedule.max_epochs()) as f64;
        Estimate {
            operations: passes * 3.0 * (all + neural),
            seconds: passes * 3e-5,
            memory_bytes: super::cost::training_bytes(&self.network, self.train.batch_size)
                + (300 << 20),
            disk_bytes: 4 << 20,
        }
    }

    fn run(&self, cx: &mut StepContext<'_>) -> Result<Status> {
        let data = Dataset::open(cx.input("data")?)?;
        let preprocess = data.preprocess();
        let seed = Seed::new(self.seed).child("network");
        let mut net = MultiTaskNet::new(&self.network, cx.device(), &seed)?;
        if let Some(frozen) = cx.inputs().get("frozen") {
            net.params()
                .load_state_of(part::SHARED, &state_of(frozen, cx.device())?)?;
            net.freeze_shared(true);
        }
        let taught = self.taught(&data, cx)?;
        let sessions = taught.as_ref().map_or(&[][..], |taught| &taught.sessions);
        for session in sessions {
            session.add_readout(&mut net, &seed.child("readout"))?;
        }
        let corrupted = self.corrupted.as_ref();
        let training = images(&data.train, &preprocess, Some(&self.augment), corrupted)?;
        let validation = images(&data.validation, &preprocess, None, corrupted)?;
        let tasks = Tasks {
            images: Some(ImageTask {
                train: &training,
                validation: &validation,
            }),
            neural: sessions.iter().map(TrialSplit::task).collect(),
        };
        let Some(history) = train(&net, tasks, &self.train, seed.child("training"), cx)? else {
            return Ok(Status::Interrupted);
        };
        // Representation matching trains no readout: what one says means nothing.
        let has_readout = self.train.neural_loss != NeuralLoss::Similarity;
        let target_correlation = match &taught {
            Some(taught) if has_readout => {
                let stimuli = inputs(&data.stimuli_test, &data.stimuli_preprocess())?;
                let predicted = responses(&net, &stimuli, cx.device())?;
                let found = measures::correlation(&predicted, &taught.test, taught.neurons)?;
                Some(measures::mean(&found))
            }
            _ => None,
        };
        save(&net, &cx.file(WEIGHTS))?;
        cx.write_json(
            INFO,
            &TrainInfo {
                parameters: net.params().count(),
                epochs: history.trained(),
                target_correlation,
            },
        )?;
        Ok(Status::Done)
    }
}

/// What the neural task learns.
struct Taught {
    sessions: Vec<TrialSplit>,
    /// `[test stimuli, neurons]`; NaN where there is no response.
    test: Vec<f32>,
    neurons: usize,
}

impl TrainNetwork {
    /// The targets (session by session, if the recordings are given, too), or the
    /// recordings themselves, trial by trial.
    fn taught(&self, data: &Dataset, cx: &StepContext<'_>) -> Result<Option<Taught>> {
        let targets = cx.inputs().get("targets").map(Targets::open).transpose()?;
        let recordings = cx
            .inputs()
            .get("recording")
            .map(Recordings::open)
            .transpose()?;
        let all = match (targets, recordings) {
            (Some(targets), Some(recordings)) => {
                let mut first = 0;
                let sessions = recordings.sessions.into_iter().map(|session| {
                    let columns = first..first + session.neurons;
                    first = columns.end;
                    let rows = targets.train.chunks_exact(targets.neurons.max(1));
                    let trials = Trials {
                        stimuli: (0..data.stimuli_train.count as u32).collect(),
                        responses: rows
                            .flat_map(|row| &row[columns.clone()])
                            .copied()
                            .collect(),
                    };
                    (session.name, session.neurons, trials)
                });
                (sessions.collect(), targets.test, targets.neurons)
            }
            (Some(targets), None) => {
                let trials = Trials {
                    stimuli: (0..data.stimuli_train.count as u32).collect(),
                    responses: targets.train,
                };
                let session = (SESSION.to_owned(), targets.neurons, trials);
                (vec![session], targets.test, targets.neurons)
            }
            (None, Some(recordings)) => {
                let (test, neurons) = (recordings.test_means(), recordings.info.neurons());
                let sessions = recordings.sessions.into_iter();
                let sessions = sessions.map(|s| (s.name, s.neurons, s.train)).collect();
                (sessions, test, neurons)
            }
            (None, None) => return Ok(None),
        };
        let (sessions, test, neurons) = all;
        let stimuli = Arc::new(inputs(&data.stimuli_train, &data.stimuli_preprocess())?);
        let (size, fraction) = (self.network.input_size, self.train_fraction);
        let sessions = sessions
            .iter()
            .map(|(name, neurons, trials)| {
                TrialSplit::new(name, &stimuli, size, trials, *neurons, fraction)
            })
            .collect::<Result<_>>()?;
        Ok(Some(Taught {
            sessions,
            test,
            neurons,
        }))
    }

    /// Reads what is said of the network.
    pub(crate) fn info(step: &Finished) -> Result<TrainInfo> {
        step.json(INFO)
    }

    /// Reads its epochs.
    pub(crate) fn history(step: &Finished) -> Result<History> {
        step.json(HISTORY)
    }
}
