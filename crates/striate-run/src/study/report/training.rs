//! The models and their training curves.

use std::path::Path;
use std::time::UNIX_EPOCH;

use striate_report::{AccuracyGrid, EpochRow, Estimate, ModelInfo, Training, TrainingCurve};

use striate_train::tensorboard::event_file;

use super::Source;
use crate::engine::{StepId, write_atomic};
use crate::study::dataset::Dataset;
use crate::study::train::{TrainInfo, TrainNetwork};
use crate::study::training::HISTORY;
use crate::{Error, ModelName, Result};

/// One row per model.
pub(super) fn models(source: &Source<'_>, accuracy: &AccuracyGrid) -> Result<Vec<ModelInfo>> {
    let mut models = Vec::new();
    for model in source.models() {
        let mut info = ModelInfo {
            name: model.name().to_owned(),
            description: description(model).to_owned(),
            seeds: source.recipe.seeds.clone(),
            ..ModelInfo::default()
        };
        let clean: Vec<f64> = accuracy
            .rows
            .iter()
            .filter(|r| r.model == model.name() && r.corruption == "clean")
            .map(|r| r.accuracy)
            .collect();
        info.clean_accuracy = Estimate::of(&clean);
        let (mut seconds, mut epochs) = (0.0, 0.0);
        for seed in &source.recipe.seeds {
            let steps = &source.study.networks[&(model, *seed)];
            let step = source.step(steps.train)?;
            let trained: TrainInfo = TrainNetwork::info(step)?;
            seconds += step.manifest().seconds;
            if let Some(first) = steps.first_stage {
                seconds += source.step(first)?.manifest().seconds;
            }
            epochs += trained.epochs as f64;
            info.parameters = Some(trained.parameters as u64);
            step.manifest().key.short().clone_into(&mut info.hash);
        }
        info.epochs = Some(epochs / source.recipe.seeds.len() as f64);
        info.seconds = Some(seconds);
        models.push(info);
    }
    Ok(models)
}

fn description(model: ModelName) -> &'static str {
    match model {
        ModelName::Baseline => "Classification only, clean images.",
        ModelName::BaselineLowpass => {
            "Classification only, of images behind a fixed Gaussian blur, in training and in all tests."
        }
        ModelName::MtlMonkey => {
            "Co-trained on the responses that a model of V1, fitted to the recordings, predicts."
        }
        ModelName::MtlShuffled => "Co-trained on the same responses, permuted over images.",
        ModelName::MtlOracle => {
            "Co-trained on responses predicted from the Oracle's frozen shared layers."
        }
        ModelName::MtlRecorded => "Co-trained on the recorded responses, trial by trial.",
        ModelName::MtlShuffledWithin => {
            "Co-trained on the same responses, permuted among stimuli of one photograph or class."
        }
        ModelName::MtlGaussian => {
            "Co-trained on normal values with the mean and the covariance of the responses."
        }
        ModelName::MtlPixels => {
            "Co-trained on random projections of the pixels, which keep the similarity of images."
        }
        ModelName::MtlRandom => "Co-trained on an untrained network of the same layers.",
        ModelName::MtlGabor => {
            "Co-trained on simulated Gabor cells that are not those of the recordings."
        }
        ModelName::MtlScrambled => {
            "Co-trained on the responses that the V1 model predicts for phase-scrambled stimuli."
        }
        ModelName::Oracle => {
            "Shared layers trained on corrupted images and frozen, the rest retrained on clean ones."
        }
    }
}

/// The curves of every training.
pub(super) fn curves(source: &Source<'_>, data: &Dataset) -> Result<Training> {
    let mut curves = Vec::new();
    for ((model, seed), steps) in &source.study.networks {
        if let Some(first) = steps.first_stage {
            curves.push(curve(source, *model, *seed, "corrupted", first)?);
        }
        let phase = if steps.first_stage.is_some() {
            "clean, shared layers frozen"
        } else {
            ""
        };
        curves.push(curve(source, *model, *seed, phase, steps.train)?);
    }
    Ok(Training {
        curves,
        chance_accuracy: Some(1.0 / data.info.class_names.len() as f64),
    })
}

/// Every training as TensorBoard reads it: `FOLDER/MODEL-SEED/events.out.tfevents.striate`.
pub(super) fn write_events(source: &Source<'_>, folder: &Path) -> Result<()> {
    for ((model, seed), steps) in &source.study.networks {
        let first = steps.first_stage.map(|step| ("-corrupted", step));
        for (phase, step) in first.into_iter().chain([("", steps.train)]) {
            let step = source.step(step)?;
            let history = TrainNetwork::history(step)?;
            let file = step.file(HISTORY);
            let ended = std::fs::metadata(&file)
                .and_then(|about| about.modified())
                .map_err(|e| Error::io("read", &file, e))?;
            let ended = ended.duration_since(UNIX_EPOCH).unwrap_or_default();
            let seconds: f64 = history.epochs.iter().map(|epoch| epoch.seconds).sum();
            let events = event_file(&history, ended.as_secs_f64() - seconds);
            let run = folder.join(format!("{}-{seed}{phase}", model.name()));
            std::fs::create_dir_all(&run).map_err(|e| Error::io("create", &run, e))?;
            write_atomic(&run.join("events.out.tfevents.striate"), &events)?;
        }
    }
    Ok(())
}

fn curve(
    source: &Source<'_>,
    model: ModelName,
    seed: u64,
    phase: &str,
    step: StepId,
) -> Result<TrainingCurve> {
    let history = TrainNetwork::history(source.step(step)?)?;
    Ok(TrainingCurve {
        model: model.name().to_owned(),
        seed,
        phase: phase.to_owned(),
        epochs: history.epochs.into_iter().map(row).collect(),
    })
}

fn row(epoch: striate_train::EpochRecord) -> EpochRow {
    EpochRow {
        epoch: epoch.epoch as u32,
        classification_loss: epoch.image_loss,
        neural_loss: epoch.neural_loss,
        // The trainer's accuracies are in percent.
        validation_accuracy: epoch.scores.get("accuracy").map(|a| a / 100.0),
        validation_correlation: epoch.scores.get("correlation").copied(),
        learning_rate: Some(epoch.lr),
        classification_weight: epoch.s_c.map(|s| (-s).exp()),
        neural_weight: epoch.s_n.map(|s| 0.5 * (-s).exp()),
        seconds: Some(epoch.seconds),
        waited_seconds: Some(epoch.waited_seconds),
    }
}
