//! What the trainings of the study share: the trainer with its checkpoints in the
//! step's folder, and the tasks.

use std::sync::Arc;

use striate_corruptions::{Augmentation, Corruptor, ImageRef};
use striate_data::augment::AugmentConfig;
use striate_data::split::{STUDY_SEED, neural_split};
use striate_data::{ImageSet, Preprocess};
use striate_models::MultiTaskNet;
use striate_random::{Seed, Stream};
use striate_train::{
    CheckpointPolicy, History, MemoryResponses, NeuralTask, Observer, Outcome, Progress,
    ResponseSource, SetImages, SourceError, Tasks, TrainConfig, Trainer, mean_responses,
};

use super::record::Trials;
use crate::engine::StepContext;
use crate::{Error, Result};

/// The epochs of a training, for the report.
pub(super) const HISTORY: &str = "history.json";
/// Where the trainer saves; the name lets the store drop it when the step is done.
const CHECKPOINTS: &str = "resume.checkpoints";

/// Trains a network, and writes and gives its history; `None` if it was interrupted, and
/// then the next call on the same folder goes on.
pub(super) fn train(
    net: &MultiTaskNet,
    tasks: Tasks<'_>,
    config: &TrainConfig,
    seed: Seed,
    cx: &mut StepContext<'_>,
) -> Result<Option<History>> {
    let policy = CheckpointPolicy {
        every_seconds: Some(20.0),
        ..CheckpointPolicy::default()
    };
    let mut trainer = Trainer::new(net, tasks, config.clone(), seed)?
        .with_checkpoints(cx.file(CHECKPOINTS), policy)?;
    let stop = cx.stop_flag();
    let outcome = trainer.run(&mut Report(cx), &stop)?;
    if outcome == Outcome::Interrupted {
        return Ok(None);
    }
    cx.write_json(HISTORY, trainer.history())?;
    Ok(Some(trainer.history().clone()))
}

/// Passes the trainer's progress on.
struct Report<'a, 'b>(&'a mut StepContext<'b>);

impl Observer for Report<'_, '_> {
    fn on_step(&mut self, p: &Progress) {
        let epochs = (p.epoch - 1) as f64 + p.step as f64 / p.steps.max(1) as f64;
        let message = format!("epoch {}/{}", p.epoch, p.max_epochs);
        self.0
            .progress(epochs / p.max_epochs.max(1) as f64, &message);
    }
}

/// The stimuli of the neural task with their responses, split by image as the
/// study does (reference/training.md 1.2).
pub(super) struct TrialSplit {
    train: MemoryResponses,
    validation: MemoryResponses,
}

impl TrialSplit {
    /// Splits the trials of a session; `inputs`, which sessions share, `[stimuli, size,
    /// size, 1]`; `responses` `[trials, neurons]`.
    pub(super) fn new(
        session: &str,
        inputs: &Arc<Vec<f32>>,
        size: usize,
        trials: &Trials,
        neurons: usize,
        train_fraction: f64,
    ) -> Result<Self> {
        let count = inputs.len() / (size * size).max(1);
        let split = neural_split(count, train_fraction, STUDY_SEED)?;
        let of_stimuli = trials.of_stimuli(count);
        let part = |name: &str, ids: &[usize]| -> Result<MemoryResponses> {
            // The split's ids count from 1, as those of the recordings do.
            let chosen: Vec<usize> = ids
                .iter()
                .flat_map(|id| of_stimuli[id - 1].iter().copied())
                .collect();
            if chosen.is_empty() {
                return Err(Error::Tensor {
                    name: format!("responses of session {session}"),
                    problem: format!("has no trial of the {} {name} stimuli", ids.len()),
                });
            }
            let row = |trial: &usize| &trials.responses[trial * neurons..(trial + 1) * neurons];
            Ok(MemoryResponses::new(
                session,
                Arc::clone(inputs),
                [size, size, 1],
                chosen.iter().map(|trial| trials.stimuli[*trial]).collect(),
                chosen.iter().flat_map(row).copied().collect(),
                neurons,
            )?)
        };
        Ok(Self {
            train: part("training", &split.train)?,
            validation: part("validation", &split.validation)?,
        })
    }

    /// The task of this session.
    pub(super) fn task(&self) -> NeuralTask<'_> {
        NeuralTask {
            train: &self.train,
            validation: &self.validation,
        }
    }

    /// Gives a network its readout, with the mean responses as bias.
    pub(super) fn add_readout(&self, net: &mut MultiTaskNet, seed: &Seed) -> Result<()> {
        let bias = mean_responses(&self.train as &dyn ResponseSource);
        let session = self.train.session();
        Ok(net.add_readout(session, &bias, seed)?)
    }
}

/// Images of the classification task; `augment` and `corrupted` for training.
pub(super) fn images<'a>(
    set: &'a ImageSet,
    preprocess: &Preprocess,
    augment: Option<&AugmentConfig>,
    corrupted: Option<&'a Augmentation>,
) -> Result<SetImages<'a>> {
    let mut images = SetImages::new(set, preprocess.clone())?;
    if let Some(augment) = augment {
        images = images.with_augmentation(augment.clone())?;
    }
    if let Some(corrupted) = corrupted {
        images = images.with_distortion(Box::new(
            move |image, (height, width), channels, stream, out| {
                corrupt(corrupted, image, height, width, channels, stream, out)
            },
        ));
    }
    Ok(images)
}

fn corrupt(
    augmentation: &Augmentation,
    image: &[u8],
    height: usize,
    width: usize,
    channels: usize,
    stream: &mut Stream,
    out: &mut [u8],
) -> std::result::Result<(), SourceError> {
    thread_local! {
        // The scratch of a thread; it has no say in the result.
        static CORRUPTOR: std::cell::RefCell<Option<Corruptor>> =
            const { std::cell::RefCell::new(None) };
    }
    let node = Seed::new(stream.next_u64());
    CORRUPTOR.with_borrow_mut(|slot| {
        let corruptor = match slot {
            Some(corruptor) if corruptor.table() == augmentation.table() => corruptor,
            _ => slot.insert(Corruptor::new(augmentation.table())),
        };
        let image = ImageRef::new(image, height, width, channels)?;
        augmentation.apply(image, corruptor, &node, out)?;
        Ok(())
    })
}
