//! One epoch. Invariant: a run is only interrupted or saved between optimiser steps,
//! when no gradient is pending.

use std::sync::mpsc::Receiver;
use std::time::Instant;

use candle_core::Tensor;
use striate_nn::Context;

use super::Trainer;
use crate::cycler::{Task, Turn};
use crate::history::EpochRecord;
use crate::loader::{Batch, EpochSources, Target};
use crate::objective::{self, Losses, NeuralBatch, Responses};
use crate::observer::{Observer, Progress, StopFlag};
use crate::{Error, Result};

impl Trainer<'_> {
    /// The turns of an epoch, counted from 1.
    pub(super) fn turns(&self, epoch: usize) -> Result<Vec<Turn>> {
        let images = self.tasks.images.as_ref();
        let images = images.map(|task| task.train.len().div_ceil(self.config.batch_size));
        let sessions: Vec<usize> = self
            .tasks
            .neural
            .iter()
            .map(|task| task.train.len().div_ceil(self.config.neural_batch_size))
            .collect();
        self.config.cycler.plan(epoch, images, &sessions)
    }

    /// Trains the rest of the present epoch; `false` if it was asked to stop in it.
    pub(super) fn epoch(&mut self, observer: &mut dyn Observer, stop: &StopFlag) -> Result<bool> {
        let epoch = self.state.epoch + 1;
        let turns = self.turns(epoch)?;
        let sources = EpochSources {
            images: self.tasks.images.map(|task| task.train),
            neural: self.tasks.neural.iter().map(|task| task.train).collect(),
            batch_size: self.config.batch_size,
            neural_batch_size: self.config.neural_batch_size,
            seed: self.seed,
            epoch,
        };
        let done = self.state.turn.min(turns.len());
        sources.with_batches(&turns[done..], |batches| {
            self.take_turns(&turns, done, batches, observer, stop)
        })
    }

    fn take_turns(
        &mut self,
        turns: &[Turn],
        done: usize,
        batches: Receiver<Result<Batch>>,
        observer: &mut dyn Observer,
        stop: &StopFlag,
    ) -> Result<bool> {
        let epoch = self.state.epoch + 1;
        let steps = turns.iter().filter(|turn| turn.step).count();
        self.gradients.clear();
        let (mut image_loss, mut neural_loss) = (None, None);
        for (number, turn) in turns.iter().enumerate().skip(done) {
            let before = Instant::now();
            let batch = batches.recv().map_err(|_| Error::Loader)??;
            self.state.sums.waited += before.elapsed().as_secs_f64();
            let loss = Some(self.accumulate(turn, number, batch)?);
            match turn.task {
                Task::Images => image_loss = loss,
                Task::Neural(_) => neural_loss = loss,
            }
            if !turn.step {
                continue;
            }
            let norm = self.gradients.norm()?;
            self.finite(turn.task, norm)?;
            let part = self.state.step as f64 / steps as f64;
            let first = self.config.optimizer.lr();
            let lr = self
                .state
                .pace
                .lr(&self.config.schedule, first, epoch, part);
            self.optimizer.step(&self.gradients, lr)?;
            self.gradients.clear();
            self.state.sums.norm.add(norm);
            self.state.sums.lr = lr;
            self.state.turn = number + 1;
            self.state.step += 1;
            self.state.total_steps += 1;
            self.clock.steps += 1;
            observer.on_step(&Progress {
                epoch,
                max_epochs: self.config.schedule.max_epochs(),
                step: self.state.step,
                steps,
                total_steps: self.state.total_steps,
                image_loss: image_loss.take(),
                neural_loss: neural_loss.take(),
                gradient_norm: norm,
                seconds_per_step: self.clock.started.elapsed().as_secs_f64()
                    / self.clock.steps as f64,
            });
            if stop.is_raised() {
                return Ok(false);
            }
            if self.save_is_due() && self.state.turn < turns.len() {
                self.save(observer)?;
            }
        }
        Ok(true)
    }

    /// Forward and backward pass of one batch; gives its plain loss.
    fn accumulate(&mut self, turn: &Turn, number: usize, batch: Batch) -> Result<f64> {
        let device = self.net.params().device();
        let x = Tensor::from_vec(batch.pixels, &batch.shape[..], device)?;
        let epoch = (self.state.epoch + 1) as u64;
        let noise = self.seed.child("noise").index(epoch).index(number as u64);
        let mut cx = Context::train(noise.stream());
        let losses = match (turn.task, batch.target) {
            (Task::Images, Target::Labels(labels)) => {
                let labels = Tensor::from_vec(labels, batch.shape[0], device)?;
                objective::images(self.net, &self.weights, &x, &labels, &mut cx)?
            }
            (Task::Neural(session), Target::Responses(responses)) => {
                let source = self.tasks.neural[session].train;
                let shape = (batch.shape[0], source.neurons());
                let batch = NeuralBatch {
                    session: source.session(),
                    trials: source.len(),
                    x: &x,
                    responses: &Responses::new(responses, shape, device)?,
                };
                objective::neural(self.net, &self.config, &self.weights, &batch, &mut cx)?
            }
            _ => return Err(Error::Loader),
        };
        let Losses { objective, plain } = losses;
        self.finite(turn.task, f64::from(objective.to_scalar::<f32>()?))?;
        let plain = f64::from(plain.to_scalar::<f32>()?);
        match turn.task {
            Task::Images => self.state.sums.images.add(plain),
            Task::Neural(_) => self.state.sums.neural.add(plain),
        }
        self.gradients.add(&objective)?;
        Ok(plain)
    }

    /// Validates, decides, records and saves.
    pub(super) fn end_epoch(&mut self, observer: &mut dyn Observer) -> Result<()> {
        let epoch = self.state.epoch + 1;
        let scores = match self.config.schedule.validates(epoch) {
            true => Some(self.validate()?),
            false => None,
        };
        let (s_c, s_n) = self.weights.values()?;
        let verdict = self
            .state
            .pace
            .observe(&self.config.schedule, epoch, scores.as_ref())?;
        if verdict.keep {
            let mut best = self.net.params().state()?;
            best.extend(self.weights.state()?);
            self.best = Some(best);
        }
        if verdict.restore {
            self.restore_best()?;
        }
        let seconds = self.lap();
        let sums = std::mem::take(&mut self.state.sums);
        let record = EpochRecord {
            epoch,
            steps: self.state.step,
            lr: sums.lr,
            image_loss: sums.images.get(),
            neural_loss: sums.neural.get(),
            scores: scores.unwrap_or_default(),
            s_c,
            s_n,
            gradient_norm: sums.norm.get(),
            kept: verdict.keep,
            restored: verdict.restore,
            seconds: sums.seconds + seconds,
            waited_seconds: sums.waited,
        };
        self.state.history.epochs.push(record.clone());
        self.state.epoch = epoch;
        self.state.turn = 0;
        self.state.step = 0;
        self.state.stop = verdict.stop;
        if verdict.keep {
            self.save_best()?;
        }
        self.save(observer)?;
        observer.on_epoch(&record);
        Ok(())
    }

    /// Loads the best network; the loss weights only if so configured, the optimiser
    /// never (training.md 6.4).
    fn restore_best(&self) -> Result<()> {
        let Some(best) = &self.best else {
            return Ok(());
        };
        let mut state = best.clone();
        let mut weights = std::collections::BTreeMap::new();
        for (name, _) in self.weights.named() {
            if let Some(tensor) = state.remove(&name) {
                weights.insert(name, tensor);
            }
        }
        self.net.params().load_state(&state)?;
        if self.config.restore_loss_weights {
            self.weights.load_state(&weights)?;
        }
        Ok(())
    }

    fn finite(&self, task: Task, value: f64) -> Result<()> {
        if value.is_finite() {
            return Ok(());
        }
        Err(Error::NotFinite {
            task,
            epoch: self.state.epoch + 1,
            step: self.state.step + 1,
            value,
            kept: self.saved.clone(),
        })
    }
}
