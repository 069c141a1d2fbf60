//! One trained network as a file of its own: weights in safetensors, and a header
//! that says what they are. Invariant: whatever reads the file needs no recipe and
//! no run store.

use std::path::Path;

use candle_core::Device;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use striate_corruptions::{Corruption, Severity, Table};
use striate_data::{ImageSet, Images, Normalize, Preprocess};
use striate_models::VggConfig;
use striate_random::Seed;
use striate_train::Checkpoint;

use crate::engine::{Machine, Outcome, Progress, RunStore, clock, run, write_atomic};
use crate::reproduce::{Options, on_device, plan_text, say_interrupted};
use crate::study::benchmark::{corrupt, inputs};
use crate::study::dataset::DataInfo;
use crate::study::network::{Network, state_of};
use crate::study::{Study, train::TrainNetwork};
use crate::{Error, ModelName, Recipe, Result};

/// The layout of the header; another number is not read.
const LAYOUT: u32 = 1;

/// What a file of weights is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NetworkHeader {
    layout: u32,
    /// The recipe's name.
    pub recipe: String,
    /// Which model of the study it is.
    pub model: ModelName,
    /// The seed of the network.
    pub seed: u64,
    /// The architecture.
    pub network: VggConfig,
    /// The statistics that normalise its gray images.
    pub normalize: Normalize,
    /// The classes, in the order of the class scores.
    pub class_names: Vec<String>,
    /// How it was trained: the step's key, configuration and inputs.
    pub training: Value,
    /// The revision of the code that trained it.
    pub revision: String,
}

/// Trains one network of a recipe, with all that its training needs, and writes it to
/// `file`. What the run store at `options.out` holds is used again, so a run that
/// was interrupted goes on, and a network of [`crate::reproduce()`] is only written.
///
/// # Errors
///
/// A recipe that is not right, a store that cannot be used, the first error of a
/// step, or a file that cannot be written.
pub fn train(
    recipe: &Recipe,
    model: ModelName,
    seed: u64,
    options: &Options,
    file: &Path,
) -> Result<Outcome> {
    on_device(recipe, options, |device| {
        let (plan, data, goal) = Study::training(recipe, model, seed)?;
        let machine = Machine::probe();
        if options.dry_run {
            print!("{}", plan_text(&plan, &machine, options));
            return Ok(Outcome::Finished);
        }
        let store = RunStore::open(&options.out)?;
        let mut progress = Progress::new(options.quiet);
        let summary = run(
            &plan,
            &store,
            &machine,
            device,
            &options.stop,
            &mut progress,
        )?;
        let (Some(data), Some(trained)) = (summary.results.get(&data), summary.results.get(&goal))
        else {
            say_interrupted(&mut progress, &summary, plan.len());
            return Ok(Outcome::Interrupted);
        };
        let images: DataInfo = data.json("info.json")?;
        let manifest = trained.manifest();
        let header = NetworkHeader {
            layout: LAYOUT,
            recipe: recipe.name.clone(),
            model,
            seed,
            network: recipe.network.clone(),
            normalize: images.normalize,
            class_names: images.class_names,
            training: json!({
                "key": manifest.key, "config": manifest.config, "inputs": manifest.inputs,
            }),
            revision: manifest.revision.clone(),
        };
        let checkpoint = Checkpoint {
            header: serde_json::to_string(&header).map_err(|e| Error::json("the header", e))?,
            tensors: state_of(trained, device)?,
        };
        let bytes = checkpoint.to_bytes().map_err(|problem| Error::Tensors {
            path: file.to_owned(),
            problem,
        })?;
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(|e| Error::io("create", folder, e))?;
        }
        write_atomic(file, &bytes)?;
        let info = TrainNetwork::info(trained)?;
        println!("network {}", file.display());
        progress.line(&format!(
            "{} parameters, {} epochs, done in {}",
            info.parameters,
            info.epochs,
            clock(summary.seconds)
        ));
        Ok(Outcome::Finished)
    })
}

/// A network from its file.
pub struct TrainedNetwork {
    header: NetworkHeader,
    network: Network,
}

impl TrainedNetwork {
    /// Reads what [`train`] wrote.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is none of [`train`], or its weights do not fit the
    /// architecture in its header (the tensors that differ are listed).
    pub fn open(file: &Path, device: &Device) -> Result<Self> {
        let wrong = |problem: String| Error::NetworkFile {
            path: file.to_owned(),
            problem,
        };
        let bytes = std::fs::read(file).map_err(|e| wrong(format!("could not be read: {e}")))?;
        let checkpoint = Checkpoint::from_bytes(&bytes, device).map_err(wrong)?;
        let header: NetworkHeader = serde_json::from_str(&checkpoint.header)
            .map_err(|e| wrong(format!("the header is not that of a network: {e}")))?;
        if header.layout != LAYOUT {
            let found = header.layout;
            return Err(wrong(format!("expected layout {LAYOUT}, found {found}")));
        }
        let network = Network::from_state(&header.network, &checkpoint.tensors, device)
            .map_err(|e| wrong(e.to_string()))?;
        Ok(Self { header, network })
    }

    /// What the file says of itself.
    pub fn header(&self) -> &NetworkHeader {
        &self.header
    }

    /// The class scores.
    ///
    /// # Shapes
    ///
    /// Images of the network's input size; the result: images x classes.
    ///
    /// # Errors
    ///
    /// If the images have another size.
    pub fn logits(&self, images: &Images) -> Result<Vec<f32>> {
        self.network.logits(&self.inputs(images)?)
    }

    /// The predicted rates in spikes per stimulus, if it was co-trained.
    ///
    /// # Shapes
    ///
    /// The result: images x neurons.
    ///
    /// # Errors
    ///
    /// If the images have another size than the network's.
    pub fn responses(&self, images: &Images) -> Result<Option<Vec<f32>>> {
        let inputs = self.inputs(images)?;
        let has = self.network.has_readout();
        has.then(|| self.network.responses(&inputs)).transpose()
    }

    /// The images with labels in the order of this network's classes.
    ///
    /// # Errors
    ///
    /// If the two do not have the same classes: those that one lacks are named.
    pub fn fit_labels(&self, mut set: ImageSet) -> Result<ImageSet> {
        let known = &self.header.class_names;
        let missing = |a: &[String], b: &[String]| -> Vec<String> {
            a.iter().filter(|name| !b.contains(name)).cloned().collect()
        };
        let (strange, lacking) = (
            missing(&set.class_names, known),
            missing(known, &set.class_names),
        );
        if !strange.is_empty() || !lacking.is_empty() {
            return Err(Error::Classes { strange, lacking });
        }
        for label in &mut set.labels {
            let name = &set.class_names[*label as usize];
            *label = known.iter().position(|n| n == name).unwrap_or(0) as u32;
        }
        set.class_names.clone_from(known);
        Ok(set)
    }

    /// The number of images that are classified correctly; with a corruption, of their
    /// corrupted copies, each with a random stream of its own.
    ///
    /// # Errors
    ///
    /// If the images have another size, or are too small for the corruption.
    pub fn correct(
        &self,
        set: &ImageSet,
        corrupted: Option<(Corruption, Severity, Table)>,
        seed: u64,
    ) -> Result<u64> {
        let images = match corrupted {
            None => self.inputs(&set.images)?,
            Some((corruption, severity, table)) => {
                let seed = Seed::new(seed).child("benchmark");
                self.inputs(&corrupt(&set.images, table, corruption, severity, &seed)?)?
            }
        };
        self.network.correct(&images, &set.labels)
    }

    fn inputs(&self, images: &Images) -> Result<Vec<f32>> {
        let size = self.network.input_size();
        if (images.height, images.width) != (size, size) {
            return Err(Error::Tensor {
                name: "images".to_owned(),
                problem: format!(
                    "are {} x {} px; the network takes {size} x {size}",
                    images.height, images.width
                ),
            });
        }
        let preprocess = Preprocess {
            gray: true,
            normalize: self.header.normalize.clone(),
        };
        inputs(images, &preprocess)
    }
}
