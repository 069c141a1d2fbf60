//! What the trainings of the study share: the trainer with its checkpoints in the
//! step's folder, and the tasks.

use striate_corruptions::{Augmentation, Corruptor, ImageRef};
use striate_data::augment::AugmentConfig;
use striate_data::split::{STUDY_SEED, neural_split};
use striate_data::{ImageSet, Preprocess};
use striate_models::{MultiTaskNet, ReadoutInit};
use striate_random::{Seed, Stream};
use striate_train::{
    CheckpointPolicy, MemoryResponses, Observer, Outcome, Progress, ResponseSource, SetImages,
    SourceError, Tasks, TrainConfig, Trainer, mean_responses,
};

use super::network::SESSION;
use crate::Result;
use crate::engine::StepContext;

/// The epochs of a training, for the report.
pub(super) const HISTORY: &str = "history.json";
/// Where the trainer saves; the name lets the store drop it when the step is done.
const CHECKPOINTS: &str = "resume.checkpoints";

/// Trains a network and writes its history; `false` if it was interrupted, and then
/// the next call on the same folder goes on.
pub(super) fn train(
    net: &MultiTaskNet,
    tasks: Tasks<'_>,
    config: &TrainConfig,
    seed: Seed,
    cx: &mut StepContext<'_>,
) -> Result<bool> {
    let policy = CheckpointPolicy {
        every_seconds: Some(20.0),
        ..CheckpointPolicy::default()
    };
    let mut trainer = Trainer::new(net, tasks, config.clone(), seed)?
        .with_checkpoints(cx.file(CHECKPOINTS), policy)?;
    let stop = cx.stop_flag();
    let outcome = trainer.run(&mut Report(cx), &stop)?;
    if outcome == Outcome::Interrupted {
        return Ok(false);
    }
    cx.write_json(HISTORY, trainer.history())?;
    Ok(true)
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
pub(super) struct Trials {
    pub(super) train: MemoryResponses,
    pub(super) validation: MemoryResponses,
}

impl Trials {
    /// Splits one response per stimulus; `inputs` `[n, size, size, 1]`, `responses`
    /// `[n, neurons]`.
    pub(super) fn new(
        inputs: Vec<f32>,
        size: usize,
        responses: &[f32],
        neurons: usize,
        train_fraction: f64,
    ) -> Result<Self> {
        let count = responses.len() / neurons.max(1);
        let split = neural_split(count, train_fraction, STUDY_SEED)?;
        let pixels = std::sync::Arc::new(inputs);
        // The split's ids count from 1, as those of the recordings do.
        let part = |ids: &[usize]| -> Result<MemoryResponses> {
            let rows = ids
                .iter()
                .flat_map(|id| responses[(id - 1) * neurons..id * neurons].iter().copied())
                .collect();
            let images = ids.iter().map(|id| *id as u32 - 1).collect();
            Ok(MemoryResponses::new(
                SESSION,
                std::sync::Arc::clone(&pixels),
                [size, size, 1],
                images,
                rows,
                neurons,
            )?)
        };
        Ok(Self {
            train: part(&split.train)?,
            validation: part(&split.validation)?,
        })
    }

    /// Gives a network its readout, with the mean responses as bias.
    pub(super) fn add_readout(&self, net: &mut MultiTaskNet, seed: &Seed) -> Result<()> {
        let bias = mean_responses(&self.train as &dyn ResponseSource);
        Ok(net.add_readout(SESSION, &bias, ReadoutInit::default(), seed)?)
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
