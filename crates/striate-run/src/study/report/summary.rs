//! What was run, what is simulated, what differs from the paper.

use std::path::Path;

use candle_core::Device;
use striate_models::VggConfig;
use striate_report::model_label;
use striate_train::{OptimizerConfig, Schedule};

use super::Source;
use crate::engine::{Machine, clock};
use crate::study::blur::MatchBlur;
use crate::study::controls::MakeControl;
use crate::study::dataset::DataInfo;
use crate::study::neural::NeuralPrediction;
use crate::study::record::RecordingInfo;
use crate::{ModelName, Recipe, Result};

/// The table of what was run.
pub(super) fn protocol(
    source: &Source<'_>,
    machine: &Machine,
    device: &Device,
) -> Result<Vec<(String, String)>> {
    let recipe = source.recipe;
    let data = source.step(source.study.data)?;
    let info: DataInfo = data.json("info.json")?;
    let recording: RecordingInfo = source.step(source.study.recording)?.json("info.json")?;
    let seconds: f64 = source
        .summary
        .results
        .values()
        .map(|s| s.manifest().seconds)
        .sum();
    let list = |items: Vec<String>| items.join(", ");
    let rows = [
        ("recipe", format!("{}: {}", recipe.name, recipe.description)),
        (
            "models",
            list(
                source
                    .models()
                    .iter()
                    .map(|m| m.name().to_owned())
                    .collect(),
            ),
        ),
        (
            "seeds",
            list(recipe.seeds.iter().map(u64::to_string).collect()),
        ),
        (
            "images",
            format!(
                "{}{} classes; {} training, {} validation and {} test {} of {} px",
                recipe
                    .images
                    .as_ref()
                    .map_or_else(String::new, |images| origin(&images.path)),
                info.class_names.len(),
                info.counts[0],
                info.counts[1],
                info.counts[2],
                match recipe.data {
                    Some(_) => "patches",
                    None => "images",
                },
                recipe.network.input_size
            ),
        ),
        (recording.title(), recordings(recipe, &info, &recording)),
        (
            "network",
            format!(
                "VGG blocks {:?}, shared up to {}",
                recipe.network.blocks, recipe.network.split
            ),
        ),
        (
            "corruptions",
            format!(
                "{} at severities 1 to 5, table {}",
                recipe.robustness.corruptions.len(),
                recipe.robustness.table.name()
            ),
        ),
        ("images hash", data.manifest().key.short().to_owned()),
        ("code revision", crate::REVISION.to_owned()),
        (
            "machine",
            format!(
                "{}, {} threads, {:.0} GFLOP/s measured",
                machine.processor, machine.threads, machine.gflops
            ),
        ),
        (
            "device",
            if device.is_cuda() {
                "CUDA".to_owned()
            } else {
                "CPU".to_owned()
            },
        ),
        ("computing time of all steps", clock(seconds)),
    ];
    Ok(rows
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect())
}

/// The last part of a path: a report says nothing of the machine's folders.
fn origin(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    format!("{}: ", name.to_string_lossy())
}

fn recordings(recipe: &Recipe, info: &DataInfo, recording: &RecordingInfo) -> String {
    let source = recipe.recording.source.as_ref();
    let origin = source.map_or_else(String::new, |files| origin(&files.path));
    let presentations = match recording.test_repeats {
        (least, most) if least == most => least.to_string(),
        (least, most) => format!("{least} to {most}"),
    };
    let times = if presentations == "1" {
        "once".to_owned()
    } else {
        format!("{presentations} times")
    };
    let sessions = match recording.sessions.len() {
        1 => String::new(),
        sessions => format!(" in {sessions} sessions"),
    };
    let missing = match recording.missing {
        0 => String::new(),
        missing => format!("; {missing} responses missing"),
    };
    format!(
        "{origin}{} neurons{sessions}; {} training stimuli in {} trials, {} test stimuli shown {times}; \
         mean response {:.2}{missing}",
        recording.neurons(),
        info.stimuli[0],
        recording.trials[0],
        info.stimuli[1],
        recording.mean_response
    )
}

/// What is simulated.
pub(super) fn simulated(recipe: &Recipe) -> Vec<String> {
    let Some(population) = &recipe.population else {
        return vec!["Nothing: the recordings come from disk.".to_owned()];
    };
    vec![
        format!(
            "The recordings come from a simulated V1: {} Gabor simple and complex cells with divisive \
             normalisation and Poisson spikes. No animal was recorded for this run.",
            population.neurons
        ),
        "Wherever this page says V1, neurons or responses, it means this simulation; \"Monkey\" is kept \
         only as the name of the model."
            .to_owned(),
    ]
}

/// How the run differs from the paper.
pub(super) fn differences(recipe: &Recipe) -> Vec<String> {
    let (classes, size) = (recipe.network.classes, recipe.network.input_size);
    let task = match recipe.data {
        Some(_) => {
            format!(
                "The task is to tell from which of {classes} photographs a {size} px patch comes"
            )
        }
        None => format!("The images are of {classes} classes and {size} px"),
    };
    let study = VggConfig::default();
    let network = match &recipe.network {
        own if own.core.is_some() => {
            Some("The network has a core of squeeze-excitation blocks".to_owned())
        }
        own if own.blocks != study.blocks => {
            Some(format!("The network is a narrower VGG ({:?})", own.blocks))
        }
        own if own.batch_norm != study.batch_norm => {
            Some("The network is a VGG-19 without batch norm".to_owned())
        }
        _ => None,
    };
    let mut said = vec![format!(
        "{task}; the paper classifies TinyImageNet (200 classes, 64 px)."
    )];
    said.extend(network.map(|n| format!("{n}; the paper's is VGG-19 with batch norm.")));
    said.extend([
        format!(
            "The networks are trained with {} {}; the paper's with SGD (rate 0.1, \
             momentum 0.75) on a plateau schedule with five rounds of early stopping.",
            optimizer(&recipe.multi_task.optimizer),
            schedule(&recipe.multi_task.schedule)
        ),
        "A readout's bias starts at the mean response over the training set; the paper's starts at that of \
         the first batch."
            .to_owned(),
        "The paper's published values beside the scores are those of March 2021; its final table could \
         not be read."
            .to_owned(),
        "MTL-Oracle's targets are predicted by readouts fitted on the frozen shared layers of one Oracle; \
         how the paper made them is not known."
            .to_owned(),
        "The RSA is an analysis of this project; none could be found in the paper's code.".to_owned(),
        "Saliency maps are computed from the images alone; the paper used DeepGaze.".to_owned(),
    ]);
    said
}

fn optimizer(config: &OptimizerConfig) -> String {
    match config {
        OptimizerConfig::Sgd { lr, momentum, .. } => {
            format!("SGD (rate {lr}, momentum {momentum})")
        }
        OptimizerConfig::Adam { lr, .. } => format!("Adam (rate {lr})"),
    }
}

fn schedule(schedule: &Schedule) -> String {
    match schedule {
        Schedule::Rounds { stopping, .. } => {
            format!(
                "on a plateau schedule with {} rounds of early stopping",
                stopping.rounds
            )
        }
        Schedule::Cosine { epochs, .. } => {
            format!("for {epochs} epochs, the rate falling along a cosine")
        }
        Schedule::Steps { epochs, .. } => format!("for {epochs} epochs, the rate falling in steps"),
    }
}

/// What a reader should know before the numbers.
pub(super) fn notes(source: &Source<'_>) -> Result<Vec<String>> {
    let v1 = NeuralPrediction::open(source.step(source.study.v1_scores)?)?;
    let recording: RecordingInfo = source.step(source.study.recording)?.json("info.json")?;
    let ceiling = match v1.ceiling {
        Some(ceiling) if recording.simulated => {
            format!("the true rates of the simulation reach {ceiling:.3} (the noise ceiling)")
        }
        Some(ceiling) => format!("their noise ceiling, from the repeats, is {ceiling:.3}"),
        None => "no test stimulus was repeated, so there is no noise ceiling".to_owned(),
    };
    let models = source.models();
    let mut notes = vec![format!(
        "The single-task V1 model predicts held-out responses with a correlation of {:.3}; {ceiling}.",
        v1.correlation
    )];
    if recording.neurons() < 3 {
        notes.push(
            "Fewer than three neurons were recorded: no dissimilarity matrix of V1 can be made."
                .to_owned(),
        );
    }
    let lowpass = source.recipe.lowpass_sigma_px;
    if let Some(sigma_px) = lowpass.filter(|_| models.contains(&ModelName::BaselineLowpass)) {
        notes.push(format!(
            "{} sees all images, of training and of tests, behind a blur of {sigma_px} px.",
            model_label(ModelName::BaselineLowpass.name())
        ));
    }
    for (seed, step) in &source.study.blurred {
        let found = MatchBlur::open(source.step(*step)?)?;
        let (reached, wanted) = (100.0 * found.reached, 100.0 * found.wanted);
        notes.push(format!(
            "Seed {seed}: behind a blur of {:.2} px Baseline classifies {reached:.1} % of noisy \
             images, MTL-Monkey {wanted:.1} %.",
            found.sigma_px
        ));
    }
    for (model, step) in &source.study.controls {
        let below = MakeControl::info(source.step(*step)?)?.below_zero;
        if below > 0.0 {
            notes.push(format!(
                "Of the targets of {}, {:.1} % lay below 0 and became 0: rates are positive.",
                model_label(model.name()),
                100.0 * below
            ));
        }
    }
    if source.recipe.robustness.split == crate::Split::Validation {
        notes.push(
            "The benchmark used validation images: this run chooses, it does not report."
                .to_owned(),
        );
    }
    Ok(notes)
}
