//! Setting a run up and driving it from epoch to epoch.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use candle_core::{Tensor, Var};
use striate_models::MultiTaskNet;
use striate_nn::{Adam, AdamConfig, Gradients, Optimizer, Sgd, SgdConfig};
use striate_random::Seed;

use super::state::{Identity, State};
use crate::checkpoint::{CheckpointPolicy, CheckpointStore};
use crate::config::{OptimizerConfig, TrainConfig};
use crate::history::{EpochRecord, History};
use crate::objective::LossWeights;
use crate::observer::{Observer, StopFlag};
use crate::source::{ImageSource, ResponseSource};
use crate::stopping::Stop;
use crate::{Error, Result};

/// Image classification: what is trained on and what is validated on.
#[derive(Clone, Copy)]
pub struct ImageTask<'a> {
    /// Training images.
    pub train: &'a dyn ImageSource,
    /// Validation images.
    pub validation: &'a dyn ImageSource,
}

/// Neural prediction of one session.
#[derive(Clone, Copy)]
pub struct NeuralTask<'a> {
    /// Training trials.
    pub train: &'a dyn ResponseSource,
    /// Validation trials.
    pub validation: &'a dyn ResponseSource,
}

/// The tasks of a run: images, sessions, or both.
#[derive(Clone, Default)]
pub struct Tasks<'a> {
    /// The classification, if any.
    pub images: Option<ImageTask<'a>>,
    /// The sessions, in the order of their turns; sort them for a run that does not
    /// depend on the order of a folder.
    pub neural: Vec<NeuralTask<'a>>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It came to its end; the network holds the weights it ends with.
    Finished(Summary),
    /// It was asked to stop and did, after saving (if it has a folder). A new trainer
    /// on the same folder goes on.
    Interrupted,
}

/// A finished run.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Why it ended.
    pub stop: Stop,
    /// Epochs run.
    pub epochs: usize,
    /// The score and the epoch of the weights that it ended with; `None`: the last ones.
    pub kept: Option<(f64, usize)>,
}

/// One training run of a network.
///
/// ```
/// use candle_core::Device;
/// use striate_models::{Head, MultiTaskNet, VggConfig};
/// use striate_random::Seed;
/// use striate_train::{
///     ImageTask, MemoryImages, Outcome, Schedule, Silent, StopFlag, Tasks, TrainConfig, Trainer,
/// };
///
/// let config = VggConfig {
///     in_channels: 1,
///     blocks: vec![vec![4]],
///     split: "conv1_1".parse()?,
///     head: Head::Conv { hidden: vec![], dropout: 0.0 },
///     classes: 2,
///     input_size: 4,
///     ..VggConfig::default()
/// };
/// let seed = Seed::new(1);
/// let net = MultiTaskNet::new(&config, &Device::Cpu, &seed)?;
/// let pixels: Vec<f32> = (0..8 * 16).map(|i| ((i / 16) % 2) as f32).collect();
/// let images = MemoryImages::new(pixels, [4, 4, 1], vec![0, 1, 0, 1, 0, 1, 0, 1], 2)?;
/// let tasks = Tasks {
///     images: Some(ImageTask { train: &images, validation: &images }),
///     neural: vec![],
/// };
/// let train = TrainConfig {
///     batch_size: 4,
///     schedule: Schedule::Cosine { epochs: 3, warmup_epochs: 0.0, validation: Default::default() },
///     ..TrainConfig::default()
/// };
/// let mut trainer = Trainer::new(&net, tasks, train, seed)?;
/// let outcome = trainer.run(&mut Silent, &StopFlag::new())?;
/// assert!(matches!(outcome, Outcome::Finished(_)));
/// assert_eq!(trainer.history().epochs.len(), 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Trainer<'a> {
    pub(super) net: &'a MultiTaskNet,
    pub(super) tasks: Tasks<'a>,
    pub(super) config: TrainConfig,
    pub(super) seed: Seed,
    pub(super) protocol: serde_json::Value,
    pub(super) store: Option<(CheckpointStore, CheckpointPolicy)>,
    pub(super) weights: LossWeights,
    pub(super) trained: Vec<(String, Var)>,
    pub(super) optimizer: Box<dyn Optimizer>,
    pub(super) gradients: Gradients,
    pub(super) state: State,
    /// The best network so far, with its loss weights.
    pub(super) best: Option<BTreeMap<String, Tensor>>,
    pub(super) saved: Option<PathBuf>,
    pub(super) clock: Clock,
}

/// When this process began, saved last, and began the present epoch.
pub(super) struct Clock {
    pub(super) started: Instant,
    pub(super) steps: usize,
    pub(super) last_save: Instant,
    pub(super) mark: Instant,
}

impl<'a> Trainer<'a> {
    /// A run from the network's present weights. What is frozen in the network stays
    /// frozen; freeze before.
    ///
    /// # Errors
    ///
    /// If the configuration does not fit, a source is empty, or the network lacks what a
    /// task needs (head, classes, readout, neurons).
    pub fn new(
        net: &'a MultiTaskNet,
        tasks: Tasks<'a>,
        config: TrainConfig,
        seed: Seed,
    ) -> Result<Self> {
        config.check()?;
        check_tasks(net, &tasks)?;
        let weights = LossWeights::new(
            config.learned_weights && tasks.images.is_some(),
            config.learned_weights && !tasks.neural.is_empty(),
            net.params().device(),
        )?;
        let mut trained = net.params().trained();
        trained.extend(weights.named());
        let optimizer: Box<dyn Optimizer> = match config.optimizer {
            OptimizerConfig::Sgd {
                momentum,
                weight_decay,
                ..
            } => Box::new(Sgd::new(
                SgdConfig {
                    momentum,
                    weight_decay,
                },
                trained.clone(),
            )?),
            OptimizerConfig::Adam { weight_decay, .. } => Box::new(Adam::new(
                AdamConfig {
                    weight_decay,
                    ..AdamConfig::default()
                },
                trained.clone(),
            )?),
        };
        let now = Instant::now();
        let trainer = Self {
            net,
            tasks,
            config,
            seed: seed.child("train"),
            protocol: serde_json::Value::Null,
            store: None,
            weights,
            gradients: Gradients::new(&trained),
            trained,
            optimizer,
            state: State::new(),
            best: None,
            saved: None,
            clock: Clock {
                started: now,
                steps: 0,
                last_save: now,
                mark: now,
            },
        };
        // A cycler that does not fit the tasks is known before the first epoch.
        trainer.turns(1)?;
        Ok(trainer)
    }

    /// Saves to a folder, and goes on from what is there.
    ///
    /// # Errors
    ///
    /// If the folder cannot be made.
    pub fn with_checkpoints(
        mut self,
        folder: impl Into<PathBuf>,
        policy: CheckpointPolicy,
    ) -> Result<Self> {
        self.store = Some((CheckpointStore::open(folder)?, policy));
        Ok(self)
    }

    /// Adds to the checkpoints what this run is (hashes of data and code, say). A
    /// checkpoint with another protocol is refused.
    #[must_use]
    pub fn with_protocol(mut self, protocol: serde_json::Value) -> Self {
        self.protocol = protocol;
        self
    }

    /// Trains to the end or to the stop flag, from the folder's last checkpoint if there
    /// is one.
    ///
    /// # Errors
    ///
    /// If a source, the network or a file fails, a loss or a gradient is not finite, or
    /// the checkpoint belongs to another run. The last good checkpoint stays.
    pub fn run(&mut self, observer: &mut dyn Observer, stop: &StopFlag) -> Result<Outcome> {
        self.resume()?;
        let now = Instant::now();
        self.clock = Clock {
            started: now,
            steps: 0,
            last_save: now,
            mark: now,
        };
        if self.state.history.epochs.is_empty() {
            self.begin(observer)?;
        }
        while self.state.stop.is_none() {
            if stop.is_raised() || !self.epoch(observer, stop)? {
                self.save(observer)?;
                return Ok(Outcome::Interrupted);
            }
            self.end_epoch(observer)?;
        }
        Ok(Outcome::Finished(Summary {
            stop: self.state.stop.unwrap_or(Stop::MaxEpochs),
            epochs: self.state.epoch,
            kept: self.state.pace.kept(),
        }))
    }

    /// What happened so far.
    pub fn history(&self) -> &History {
        &self.state.history
    }

    /// What makes this run this run.
    pub(super) fn identity(&self) -> Identity {
        let mut sizes = Vec::new();
        if let Some(task) = &self.tasks.images {
            sizes.push(("images".to_owned(), task.train.len(), task.validation.len()));
        }
        for task in &self.tasks.neural {
            let name = format!("session {}", task.train.session());
            sizes.push((name, task.train.len(), task.validation.len()));
        }
        Identity {
            config: self.config.clone(),
            seed: format!("{:016x}", self.seed.as_u64()),
            sizes,
            trained: self.trained.iter().map(|(name, _)| name.clone()).collect(),
            protocol: self.protocol.clone(),
        }
    }

    /// Epoch 0: the scores before any training.
    fn begin(&mut self, observer: &mut dyn Observer) -> Result<()> {
        use crate::schedule::{Pace, Schedule};

        let lr = self.config.optimizer.lr();
        let scores = self.validate()?;
        self.state.pace = Pace::start(&self.config.schedule, lr, &scores)?;
        let (s_c, s_n) = self.weights.values()?;
        let fixed = !matches!(self.config.schedule, Schedule::Rounds { .. });
        if fixed && self.config.schedule.max_epochs() == 0 {
            self.state.stop = Some(Stop::MaxEpochs);
        }
        let record = EpochRecord {
            epoch: 0,
            steps: 0,
            lr,
            image_loss: None,
            neural_loss: None,
            scores,
            s_c,
            s_n,
            gradient_norm: None,
            kept: false,
            restored: false,
            seconds: self.lap(),
            waited_seconds: 0.0,
        };
        observer.on_epoch(&record);
        self.state.history.epochs.push(record);
        self.save(observer)
    }

    /// Seconds since the last lap.
    pub(super) fn lap(&mut self) -> f64 {
        let now = Instant::now();
        let seconds = now.duration_since(self.clock.mark).as_secs_f64();
        self.clock.mark = now;
        seconds
    }
}

fn check_tasks(net: &MultiTaskNet, tasks: &Tasks<'_>) -> Result<()> {
    if tasks.images.is_none() && tasks.neural.is_empty() {
        return Err(Error::field("tasks", "images, sessions or both", "none"));
    }
    let size = net.plan().config().input_size;
    let shapes = |of: &str, shape: [usize; 3], len: usize| {
        if len == 0 {
            return Err(Error::shape(of, "at least one item", "none"));
        }
        if shape[0] != size || shape[1] != size {
            return Err(Error::shape(
                of,
                format!("{size} x {size}"),
                format!("{shape:?}"),
            ));
        }
        Ok(())
    };
    if let Some(task) = &tasks.images {
        if !net.has_head() {
            return Err(Error::field(
                "tasks.images",
                "a network with a classification head",
                "none",
            ));
        }
        let classes = net.plan().config().classes;
        for (of, source) in [
            ("the training images", task.train),
            ("the validation images", task.validation),
        ] {
            shapes(of, source.shape(), source.len())?;
            if source.classes() != classes {
                return Err(Error::shape(
                    format!("classes of {of}"),
                    format!("{classes}, those of the network"),
                    source.classes(),
                ));
            }
        }
    }
    for task in &tasks.neural {
        let session = task.train.session();
        let neurons = net.readout(session)?.weights().neurons();
        for (part, source) in [("training", task.train), ("validation", task.validation)] {
            let of = format!("the {part} trials of session {session}");
            shapes(&of, source.shape(), source.len())?;
            if source.neurons() != neurons || source.session() != session {
                return Err(Error::shape(
                    of,
                    format!("{neurons} neurons of session {session}"),
                    format!("{} of session {}", source.neurons(), source.session()),
                ));
            }
        }
    }
    Ok(())
}
