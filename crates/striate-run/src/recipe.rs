//! Recipes: everything that a run is made of, as a TOML file.
//!
//! Invariant: a recipe that loads is complete and consistent; an unknown key, a
//! model that does not exist or a width that does not fit is an error that names
//! its place.

use std::path::Path;

use serde::{Deserialize, Serialize};
use striate_corruptions::{Augmentation, Corruption, Table};
use striate_data::augment::AugmentConfig;
use striate_data::inspect::Source;
use striate_data::mini::MiniConfig;
use striate_models::population::PopulationConfig;
use striate_models::{ReadoutConfig, SeCoreConfig, VggConfig};
use striate_reconstruct::ReconstructConfig;
use striate_robustness::Selection;
use striate_train::{Cycler, Ratio, TrainConfig};

use crate::sources::{ImagesConfig, RecordingsConfig};
use crate::{AttacksConfig, Error, ModelName, Result};

/// The recipes that ship with Striate, by name.
const SHIPPED: [(&str, &str); 4] = [
    ("smoke", include_str!("../recipes/smoke.toml")),
    ("mini", include_str!("../recipes/mini.toml")),
    ("tiny", include_str!("../recipes/tiny.toml")),
    ("paper", include_str!("../recipes/paper.toml")),
];

/// A run, described.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Names the run's folder and its report.
    pub name: String,
    /// What it is for, one sentence.
    pub description: String,
    /// Seeds of the networks: each model is trained once with each.
    pub seeds: Vec<u64>,
    /// The models to compare; Baseline is always among them.
    pub models: Vec<ModelName>,
    /// Seed of everything that all networks share: images, recordings, targets.
    pub shared_seed: u64,
    /// Seed of the Oracle whose shared layers give the targets of `mtl_oracle`.
    pub teacher_seed: u64,
    /// Deviation, in pixels, of the Gaussian blur that `baseline_lowpass` sees all images
    /// behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowpass_sigma_px: Option<f64>,
    /// The classification task on the photographs that ship with Striate, and stimuli.
    /// Either this or `images`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<MiniConfig>,
    /// The classification task on images from disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<ImagesConfig>,
    /// Augmentation of training images.
    pub augment: AugmentConfig,
    /// The simulated V1. Either this or `recording.source`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub population: Option<PopulationConfig>,
    /// The recordings: from it, or from disk.
    pub recording: RecordingConfig,
    /// The network that all models share.
    pub network: VggConfig,
    /// Where the network of the single-task V1 model differs from the shared layers.
    #[serde(default, skip_serializing_if = "V1Network::is_shared")]
    pub v1_network: V1Network,
    /// The training of the single-task V1 model.
    pub v1: TrainConfig,
    /// Readouts fitted to the recordings on frozen shared layers: the Oracle's for
    /// its targets, every model's for the measure of neural prediction.
    pub readouts: TrainConfig,
    /// Training on classification alone (`baseline`, and both stages of `oracle`).
    pub classification: TrainConfig,
    /// Training on both tasks (`mtl_*`).
    pub multi_task: TrainConfig,
    /// What the Oracle sees.
    pub oracle: Augmentation,
    /// The corruption benchmark.
    pub robustness: RobustnessConfig,
    /// Representational similarity.
    pub rsa: RsaConfig,
    /// Reconstruction under a contrast budget.
    pub reconstruction: ReconstructionConfig,
    /// Sensitivity against saliency.
    pub saliency: SaliencyConfig,
    /// Adversarial attacks, if wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attacks: Option<AttacksConfig>,
}

/// The network of the single-task V1 model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct V1Network {
    /// A squeeze-excitation core instead of the shared layers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub core: Option<SeCoreConfig>,
    /// Another kind of readout than the network's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readout: Option<ReadoutConfig>,
}

impl V1Network {
    fn is_shared(&self) -> bool {
        *self == Self::default()
    }
}

/// The recordings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordingConfig {
    /// Presentations of each test stimulus to the simulated V1; training stimuli are
    /// shown once.
    #[serde(default)]
    pub test_repeats: usize,
    /// The part of the training stimuli that fits models; the rest validates them.
    pub train_fraction: f64,
    /// Recordings from disk, instead of the simulated V1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<RecordingsConfig>,
}

/// Which images a benchmark uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// For choosing a configuration.
    Validation,
    /// For reporting.
    Test,
}

/// The corruption benchmark.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RobustnessConfig {
    /// Which images are corrupted.
    pub split: Split,
    /// The corruptions, each at severities 1 to 5.
    pub corruptions: Vec<Corruption>,
    /// Their constants.
    pub table: Table,
    /// At most this many images, spread evenly over the classes; 0 for all.
    pub images: usize,
    /// Which of the corruptions enter a model's overall score: `study` (14, without
    /// glass blur), `common` (the 15 of ImageNet-C), `all` (those above) or
    /// `{ only = [...] }`.
    #[serde(default)]
    pub overall: Selection,
    /// Draws of the bootstrap over seeds.
    pub bootstrap: usize,
}

/// Representational similarity.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RsaConfig {
    /// Number of test stimuli.
    pub images: usize,
    /// Corruptions of the same images whose matrices are compared too.
    pub corruptions: Vec<Corruption>,
    /// Their severity.
    pub severity: u8,
    /// Draws of the bootstrap over images.
    pub bootstrap: usize,
}

/// Reconstruction under a contrast budget.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReconstructionConfig {
    /// Number of test images.
    pub images: usize,
    /// Budgets as fractions of the original's norm.
    pub budgets: Vec<f64>,
    /// The corruption whose images show what is kept, content or noise.
    pub corruption: Corruption,
    /// Its severity.
    pub severity: u8,
    /// The optimiser.
    pub optimiser: ReconstructConfig,
}

/// Sensitivity against saliency.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaliencyConfig {
    /// Number of test images.
    pub images: usize,
    /// Random vectors of the Jacobian estimate.
    pub vectors: usize,
    /// Standard deviation of the smoothing of sensitivity maps, in pixels.
    pub smoothing_px: f64,
    /// The budget of the reconstructions whose local energy is a sensitivity map, as a
    /// fraction of the original's norm (analyses.md 4 proposes 0.1 to 0.2).
    pub budget: f64,
    /// Reconstructions of each image, from different noise; two halves of them give the
    /// reliability of the map.
    pub restarts: usize,
}

impl Recipe {
    /// The network of one model: statistics per task are for the co-trained ones, a
    /// low-pass is for the control.
    pub(crate) fn network_of(&self, model: ModelName) -> VggConfig {
        let single_task = || self.network.single_task();
        match (model, self.lowpass_sigma_px) {
            (ModelName::BaselineLowpass, Some(lowpass_sigma_px)) => VggConfig {
                lowpass_sigma_px,
                ..single_task()
            },
            _ if model.co_trained() => self.network.clone(),
            _ => single_task(),
        }
    }

    /// Checks what one model needs.
    ///
    /// # Errors
    ///
    /// The field, what is expected, and what was found.
    pub(crate) fn check_model(&self, model: ModelName) -> std::result::Result<(), String> {
        match self.lowpass_sigma_px {
            _ if model != ModelName::BaselineLowpass => Ok(()),
            Some(sigma_px) if sigma_px > 0.0 && sigma_px.is_finite() => Ok(()),
            found => Err(format!(
                "lowpass_sigma_px: expected more than 0 pixels for {model}, found {}",
                found.map_or_else(|| "none".to_owned(), |sigma_px| sigma_px.to_string())
            )),
        }
    }

    /// The network of the single-task V1 model.
    pub(crate) fn network_of_v1(&self) -> VggConfig {
        let headless = self.network.headless();
        VggConfig {
            core: self.v1_network.core,
            readout: self.v1_network.readout.unwrap_or(headless.readout),
            ..headless
        }
    }

    /// Sets how many neural batches co-training takes for each image batch.
    ///
    /// # Errors
    ///
    /// If its batches do not take turns that way.
    pub fn set_ratio(&mut self, ratio: Ratio) -> Result<()> {
        let cycler = &mut self.multi_task.cycler;
        if !matches!(cycler, Cycler::Mtl { .. }) {
            return Err(Error::Recipe {
                name: self.name.clone(),
                problem: format!(
                    "multi_task.cycler: a ratio needs kind = \"mtl\", found {cycler:?}"
                ),
            });
        }
        *cycler = Cycler::mtl(ratio);
        Ok(())
    }

    /// A recipe that ships with Striate, or a file.
    ///
    /// # Errors
    ///
    /// If there is no such recipe, or it is not right.
    pub fn load(name: &str) -> Result<Self> {
        if let Some((_, text)) = SHIPPED.iter().find(|(n, _)| *n == name) {
            return Self::parse(name, text);
        }
        let path = Path::new(name);
        if !path.exists() {
            let known = SHIPPED.map(|(n, _)| n).join(", ");
            return Err(Error::Recipe {
                name: name.to_owned(),
                problem: format!("neither a file nor a shipped recipe ({known})"),
            });
        }
        let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
        Self::parse(name, &text)
    }

    /// Reads the text of a recipe; `name` is for error messages.
    ///
    /// # Errors
    ///
    /// If it is not right; the message names the line or the field.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let recipe: Self = toml::from_str(text).map_err(|e| Error::Recipe {
            name: name.to_owned(),
            problem: e.to_string(),
        })?;
        recipe.check().map_err(|problem| Error::Recipe {
            name: name.to_owned(),
            problem,
        })?;
        Ok(recipe)
    }

    /// Checks what the types cannot.
    ///
    /// # Errors
    ///
    /// The field, what is expected, and what was found.
    pub fn check(&self) -> std::result::Result<(), String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if self.name.is_empty() || !self.name.chars().all(plain) {
            return Err(format!(
                "name: expected letters, digits, - and _, found {:?}",
                self.name
            ));
        }
        if self.seeds.is_empty() {
            return Err("seeds: expected at least one".to_owned());
        }
        if let Some(twice) = first_repeated(&self.seeds) {
            return Err(format!("seeds: {twice} stands there twice"));
        }
        if !self.models.contains(&ModelName::Baseline) {
            return Err("models: baseline is missing; all scores are relative to it".to_owned());
        }
        for model in &self.models {
            self.check_model(*model)?;
        }
        self.network.check().map_err(|e| format!("network: {e}"))?;
        let v1 = self.network_of_v1();
        v1.check().map_err(|e| format!("v1_network: {e}"))?;
        self.check_images()?;
        self.check_recordings()?;
        if let Some(attacks) = &self.attacks {
            attacks.check().map_err(|e| format!("attacks.{e}"))?;
        }
        if self.robustness.corruptions.is_empty() {
            return Err("robustness.corruptions: expected at least one".to_owned());
        }
        let measured: Vec<String> = self
            .robustness
            .corruptions
            .iter()
            .map(ToString::to_string)
            .collect();
        let scored = self.robustness.overall.names(&measured);
        if let Some(missing) = scored.iter().find(|name| !measured.contains(name)) {
            return Err(format!(
                "robustness.overall: expected corruptions that robustness.corruptions holds, found {missing}"
            ));
        }
        Ok(())
    }

    /// Takes the class images from this path: of `[images]`, if the recipe has it, else
    /// instead of the photographs that ship with Striate. The network gets as many
    /// classes as they have.
    ///
    /// # Errors
    ///
    /// If there are no such images.
    pub fn use_images(&mut self, path: &Path) -> Result<&mut ImagesConfig> {
        let mut images = self.images.take().unwrap_or_default();
        path.clone_into(&mut images.path);
        self.network.classes = Source::detect(path)?.image_classes(&images.part)?.len();
        self.data = None;
        Ok(self.images.insert(images))
    }

    /// Takes the recordings from this path: of `[recording.source]`, if the recipe has
    /// it, else instead of the simulated V1.
    pub fn use_recordings(&mut self, path: &Path) -> &mut RecordingsConfig {
        self.population = None;
        let source = self.recording.source.get_or_insert_default();
        path.clone_into(&mut source.path);
        source
    }

    fn check_images(&self) -> std::result::Result<(), String> {
        let size = self.network.input_size;
        match (&self.data, &self.images) {
            (Some(data), None) => {
                data.validate().map_err(|e| format!("data: {e}"))?;
                expect("network.input_size", "data.patch_px", data.patch_px, size)?;
                let classes = self.network.classes;
                expect("network.classes", "data.classes", data.classes, classes)
            }
            (None, Some(images)) => {
                images.check(size)?;
                let simulated = self.population.is_some();
                if simulated && (images.stimuli_train == 0 || images.stimuli_test == 0) {
                    return Err(
                        "images.stimuli_train, images.stimuli_test: expected some for the simulated V1, found 0"
                            .to_owned(),
                    );
                }
                Ok(())
            }
            (Some(_), Some(_)) => {
                Err("data and images: expected one of them, found both".to_owned())
            }
            (None, None) => Err("data or images: expected one of them, found neither".to_owned()),
        }
    }

    fn check_recordings(&self) -> std::result::Result<(), String> {
        match (&self.population, &self.recording.source) {
            (Some(population), None) => {
                population.check().map_err(|e| format!("population: {e}"))?;
                let (size, found) = (self.network.input_size, population.image_size);
                expect("population.image_size", "network.input_size", size, found)?;
                if self.recording.test_repeats == 0 {
                    return Err("recording.test_repeats: expected at least 1, found 0".to_owned());
                }
                Ok(())
            }
            (None, Some(source)) => source.check(),
            (Some(_), Some(_)) => {
                Err("population and recording.source: expected one of them, found both".to_owned())
            }
            (None, None) => Err(
                "population or recording.source: expected one of them, found neither".to_owned(),
            ),
        }
    }
}

fn expect(
    field: &str,
    other: &str,
    expected: usize,
    found: usize,
) -> std::result::Result<(), String> {
    if expected == found {
        Ok(())
    } else {
        Err(format!(
            "{field}: expected {other} = {expected}, found {found}"
        ))
    }
}

fn first_repeated(seeds: &[u64]) -> Option<u64> {
    let mut sorted = seeds.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).find(|w| w[0] == w[1]).map(|w| w[0])
}

#[cfg(test)]
mod tests;
