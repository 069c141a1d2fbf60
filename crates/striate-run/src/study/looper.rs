//! The training loop. Invariant: epoch `e` depends on the state before it and on
//! the seed, the epoch and the batch alone; so a run that goes on from the last
//! saved epoch equals one that was never interrupted, bit for bit.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use candle_core::{Device, Tensor, Var};
use serde::{Deserialize, Serialize};
use striate_models::MultiTaskNet;
use striate_nn::loss::{self, Reduction};
use striate_nn::{Adam, AdamConfig, Context, Gradients, Optimizer, Sgd, SgdConfig};
use striate_random::Seed;

use super::measures;
use super::network::SESSION;
use super::sources::TrainingImages;
use crate::engine::{StepContext, write_atomic};
use crate::recipe::{OptimizerConfig, TrainConfig};
use crate::{Error, Result};

const STATE: &str = "resume.safetensors";
const HISTORY: &str = "resume.json";
/// State is saved at the end of an epoch if this has passed since it last was.
const SAVE_EVERY: Duration = Duration::from_secs(10);

/// The classification task of a training.
pub(super) struct Classification<'a> {
    pub(super) train: TrainingImages<'a>,
    pub(super) validation: TrainingImages<'a>,
}

/// The neural task of a training.
pub(super) struct Neural<'a> {
    /// All stimuli as inputs, `[n, size * size]`.
    pub(super) inputs: &'a [f32],
    /// Their responses, `[n, neurons]`.
    pub(super) responses: &'a [f32],
    pub(super) neurons: usize,
    pub(super) train: Vec<usize>,
    pub(super) validation: Vec<usize>,
    pub(super) objective: Objective,
}

/// What the neural task minimises.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Objective {
    /// Mean squared error with a learned weight (reference/training.md 5.1).
    WeightedMse,
    /// Poisson loss, summed, times sqrt(N / B), plus the readout's L1
    /// (reference/training.md 2.1).
    Poisson { l1: f64 },
}

/// One epoch of a training.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct EpochRecord {
    /// From 1.
    pub(crate) epoch: usize,
    pub(crate) classification_loss: Option<f64>,
    pub(crate) neural_loss: Option<f64>,
    pub(crate) validation_accuracy: Option<f64>,
    pub(crate) validation_correlation: Option<f64>,
    pub(crate) learning_rate: f64,
    /// `s_c` of the learned weight.
    pub(crate) log_variance_classification: Option<f64>,
    /// `s_n` of the learned weight.
    pub(crate) log_variance_neural: Option<f64>,
    pub(crate) seconds: f64,
}

/// A training.
pub(super) struct Looper<'a> {
    pub(super) net: &'a MultiTaskNet,
    pub(super) config: &'a TrainConfig,
    pub(super) classification: Option<Classification<'a>>,
    pub(super) neural: Option<Neural<'a>>,
    pub(super) seed: Seed,
}

impl Looper<'_> {
    /// Trains; `None` if it was interrupted.
    pub(super) fn run(&self, cx: &mut StepContext<'_>) -> Result<Option<Vec<EpochRecord>>> {
        let device = cx.device().clone();
        let both = self.classification.is_some() && self.neural.is_some();
        let weights = if both {
            let zero = || Var::zeros(1, candle_core::DType::F32, &device);
            Some([("loss.s_c".to_owned(), zero()?), ("loss.s_n".to_owned(), zero()?)])
        } else {
            None
        };
        let mut vars = self.net.params().trained();
        vars.extend(weights.iter().flatten().cloned());
        let mut optimizer = self.optimizer(vars.clone())?;
        let mut history: Vec<EpochRecord> = Vec::new();
        if cx.file(STATE).exists() && cx.file(HISTORY).exists() {
            history = self.restore(cx, weights.as_ref(), optimizer.as_mut())?;
        }
        let mut gradients = Gradients::new(&vars);
        let mut saved = Instant::now();
        while history.len() < self.config.epochs {
            let epoch = history.len();
            let start = Instant::now();
            let seed = self.seed.child("epoch").index(epoch as u64);
            let Some(mut record) =
                self.epoch(cx, epoch, &seed, weights.as_ref(), optimizer.as_mut(), &mut gradients)?
            else {
                return Ok(None);
            };
            let last = epoch + 1 == self.config.epochs;
            if last || (epoch + 1).is_multiple_of(self.config.validate_every.max(1)) {
                self.validate(&mut record, &device)?;
            }
            record.seconds = start.elapsed().as_secs_f64();
            history.push(record);
            if saved.elapsed() > SAVE_EVERY && !last {
                self.save(cx, weights.as_ref(), optimizer.as_ref(), &history)?;
                saved = Instant::now();
            }
        }
        Ok(Some(history))
    }

    fn optimizer(&self, vars: Vec<(String, Var)>) -> Result<Box<dyn Optimizer>> {
        Ok(match self.config.optimizer {
            OptimizerConfig::Sgd { momentum, weight_decay } => {
                Box::new(Sgd::new(SgdConfig { momentum, weight_decay }, vars)?)
            }
            OptimizerConfig::Adam { weight_decay } => {
                Box::new(Adam::new(AdamConfig { weight_decay, ..AdamConfig::default() }, vars)?)
            }
        })
    }

    /// One epoch; `None` if it was interrupted.
    fn epoch(
        &self,
        cx: &mut StepContext<'_>,
        epoch: usize,
        seed: &Seed,
        weights: Option<&[(String, Var); 2]>,
        optimizer: &mut dyn Optimizer,
        gradients: &mut Gradients,
    ) -> Result<Option<EpochRecord>> {
        let device = cx.device().clone();
        let size = self.config.batch;
        let images = self.classification.as_ref().map(|c| {
            seed.child("image order").stream().permutation(c.train.set.len())
        });
        let stimuli = self.neural.as_ref().map(|n| {
            let order = seed.child("stimulus order").stream().permutation(n.train.len());
            order.into_iter().map(|i| n.train[i]).collect::<Vec<_>>()
        });
        let main = images.as_ref().or(stimuli.as_ref()).map_or(0, Vec::len);
        let steps = main / size;
        let (mut ce_sum, mut neural_sum) = (0.0, 0.0);
        let mut rate = self.config.learning_rate;
        for step in 0..steps {
            if cx.stopped() {
                return Ok(None);
            }
            let share = (epoch * steps + step) as f64 / (self.config.epochs * steps) as f64;
            rate = self.config.learning_rate * self.config.schedule.factor(share);
            let pass = seed.child("pass").index(step as u64);
            gradients.clear();
            if let (Some(neural), Some(order)) = (&self.neural, &stimuli) {
                // The neural stream starts again when it is exhausted.
                let indices: Vec<usize> =
                    (0..size).map(|k| order[(step * size + k) % order.len()]).collect();
                let mut pass = Context::train(pass.child("neural").stream());
                let loss = self.neural_loss(neural, &indices, &mut pass, &device)?;
                neural_sum += finite(&loss, "neural", epoch, step)?;
                let loss = match weights {
                    Some([_, s]) => loss::weighted_regression(&loss, s.1.as_tensor())?.sum_all()?,
                    None => loss,
                };
                gradients.add(&loss)?;
            }
            if let (Some(task), Some(order)) = (&self.classification, &images) {
                let indices = &order[step * size..(step + 1) * size];
                let pixels = task.train.batch(indices, &seed.child("augment"))?;
                let side = self.net.plan().config().input_size;
                let x = Tensor::from_vec(pixels, (size, side, side, 1), &device)?;
                let labels: Vec<u32> = indices.iter().map(|i| task.train.set.labels[*i]).collect();
                let labels = Tensor::from_vec(labels, size, &device)?;
                let mut pass = Context::train(pass.child("classification").stream());
                let loss = loss::cross_entropy(&self.net.logits(&x, &mut pass)?, &labels)?;
                ce_sum += finite(&loss, "classification", epoch, step)?;
                let loss = match weights {
                    Some([s, _]) => loss::weighted_classification(&loss, s.1.as_tensor())?.sum_all()?,
                    None => loss,
                };
                gradients.add(&loss)?;
            }
            optimizer.step(gradients, rate)?;
            cx.progress(share, &format!("epoch {}/{}", epoch + 1, self.config.epochs));
        }
        let value = |i: usize| -> Result<Option<f64>> {
            weights
                .map(|w| Ok(f64::from(w[i].1.as_tensor().to_vec1::<f32>()?[0])))
                .transpose()
        };
        let mean = |sum: f64| sum / steps.max(1) as f64;
        Ok(Some(EpochRecord {
            epoch: epoch + 1,
            classification_loss: self.classification.as_ref().map(|_| mean(ce_sum)),
            neural_loss: self.neural.as_ref().map(|_| mean(neural_sum)),
            learning_rate: rate,
            log_variance_classification: value(0)?,
            log_variance_neural: value(1)?,
            ..EpochRecord::default()
        }))
    }

    fn neural_loss(
        &self,
        task: &Neural<'_>,
        indices: &[usize],
        pass: &mut Context,
        device: &Device,
    ) -> Result<Tensor> {
        let (x, target) = batch(task, indices, self.net.plan().config().input_size, device)?;
        let predicted = self.net.responses(SESSION, &x, pass)?;
        Ok(match task.objective {
            Objective::WeightedMse => loss::mse(&predicted, &target)?,
            Objective::Poisson { l1 } => {
                let sum = loss::poisson(&predicted, &target, 1e-12, Reduction::Sum)?;
                let scale = (task.train.len() as f64 / indices.len() as f64).sqrt();
                let penalty = (self.net.readout(SESSION)?.l1()? * l1)?;
                ((sum * scale)? + penalty)?
            }
        })
    }

    fn validate(&self, record: &mut EpochRecord, device: &Device) -> Result<()> {
        let side = self.net.plan().config().input_size;
        if let Some(task) = &self.classification {
            let all: Vec<usize> = (0..task.validation.set.len()).collect();
            let mut correct = 0;
            for indices in all.chunks(128) {
                // Validation of the Oracle's first stage is corrupted too, always alike.
                let pixels = task.validation.batch(indices, &self.seed.child("validation"))?;
                let x = Tensor::from_vec(pixels, (indices.len(), side, side, 1), device)?;
                let found = self.net.logits(&x, &mut Context::eval())?.argmax(1)?.to_vec1::<u32>()?;
                let labels = indices.iter().map(|i| task.validation.set.labels[*i]);
                correct += found.into_iter().zip(labels).filter(|(f, l)| f == l).count();
            }
            record.validation_accuracy = Some(correct as f64 / all.len().max(1) as f64);
        }
        if let Some(task) = &self.neural {
            let mut predicted = Vec::new();
            let mut observed = Vec::new();
            for indices in task.validation.chunks(128) {
                let (x, target) = batch(task, indices, side, device)?;
                let rates = self.net.responses(SESSION, &x, &mut Context::eval())?;
                predicted.extend(rates.flatten_all()?.to_vec1::<f32>()?);
                observed.extend(target.flatten_all()?.to_vec1::<f32>()?);
            }
            let found = measures::correlation(&predicted, &observed, task.neurons)?;
            record.validation_correlation = Some(measures::mean(&found));
        }
        Ok(())
    }

    fn save(
        &self,
        cx: &StepContext<'_>,
        weights: Option<&[(String, Var); 2]>,
        optimizer: &dyn Optimizer,
        history: &[EpochRecord],
    ) -> Result<()> {
        let mut state = BTreeMap::new();
        for (name, tensor) in self.net.params().state()? {
            state.insert(format!("net/{name}"), tensor);
        }
        for (name, tensor) in optimizer.state()? {
            state.insert(format!("optimizer/{name}"), tensor);
        }
        for (name, var) in weights.into_iter().flatten() {
            state.insert(format!("weight/{name}"), var.as_detached_tensor());
        }
        // The number of epochs in the state tells a history that does not belong to it.
        let epochs = Tensor::new(&[history.len() as u32], cx.device())?;
        state.insert("epochs".to_owned(), epochs);
        let path = cx.file(STATE);
        cx.write_json(HISTORY, &history)?;
        let bytes = safetensors::serialize(state.iter(), None)
            .map_err(|e| Error::Tensors { path: path.clone(), problem: e.to_string() })?;
        write_atomic(&path, &bytes)
    }

    fn restore(
        &self,
        cx: &StepContext<'_>,
        weights: Option<&[(String, Var); 2]>,
        optimizer: &mut dyn Optimizer,
    ) -> Result<Vec<EpochRecord>> {
        let path = cx.file(STATE);
        let damaged = |problem: String| Error::Damaged { path: path.clone(), problem };
        let all = candle_core::safetensors::load(&path, cx.device())
            .map_err(|e| damaged(e.to_string()))?;
        let all: BTreeMap<String, Tensor> = all.into_iter().collect();
        let part = |prefix: &str| -> BTreeMap<String, Tensor> {
            all.iter()
                .filter_map(|(name, t)| Some((name.strip_prefix(prefix)?.to_owned(), t.clone())))
                .collect()
        };
        self.net.params().load_state(&part("net/"))?;
        optimizer.load_state(&part("optimizer/"))?;
        let saved = part("weight/");
        for (name, var) in weights.into_iter().flatten() {
            let value = saved.get(name).ok_or_else(|| damaged(format!("no {name}")))?;
            var.set(value)?;
        }
        let text = std::fs::read(cx.file(HISTORY)).map_err(|e| Error::io("read", &cx.file(HISTORY), e))?;
        let mut history: Vec<EpochRecord> =
            serde_json::from_slice(&text).map_err(|e| damaged(e.to_string()))?;
        // The history is written first; a kill between the two leaves it one save ahead.
        let epochs = all.get("epochs").ok_or_else(|| damaged("no epochs".to_owned()))?;
        history.truncate(epochs.to_vec1::<u32>()?[0] as usize);
        Ok(history)
    }
}

/// A batch of the neural task.
fn batch(task: &Neural<'_>, indices: &[usize], side: usize, device: &Device) -> Result<(Tensor, Tensor)> {
    let len = side * side;
    let rows = |values: &[f32], len: usize| -> Vec<f32> {
        indices.iter().flat_map(|i| values[i * len..(i + 1) * len].iter().copied()).collect()
    };
    let x = Tensor::from_vec(rows(task.inputs, len), (indices.len(), side, side, 1), device)?;
    let shape = (indices.len(), task.neurons);
    Ok((x, Tensor::from_vec(rows(task.responses, task.neurons), shape, device)?))
}

fn finite(loss: &Tensor, task: &'static str, epoch: usize, step: usize) -> Result<f64> {
    let value = f64::from(loss.to_scalar::<f32>()?);
    if value.is_finite() {
        Ok(value)
    } else {
        Err(Error::Diverged { task, epoch: epoch + 1, step: step + 1, value })
    }
}
