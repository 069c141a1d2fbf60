//! One network as a file of its own: weights in safetensors, and a header that says what
//! they are. Invariant: whatever reads the file needs no recipe and
//! no run store.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use striate_data::Normalize;
use striate_models::VggConfig;
use striate_train::Checkpoint;

use crate::engine::{Machine, Outcome, Progress, RunStore, clock, run, write_atomic};
use crate::reproduce::{Options, on_device, plan_text, say_interrupted};
use crate::study::dataset::DataInfo;
use crate::study::network::state_of;
use crate::study::{Study, train::TrainNetwork};
use crate::{Error, ModelName, Recipe, Result, Trainable};

/// The layout of the header; another number is not read.
pub(crate) const LAYOUT: u32 = 1;

/// What a file of weights is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NetworkHeader {
    pub(crate) layout: u32,
    /// The recipe's name; of a converted network, what it was converted from.
    pub recipe: String,
    /// Which model of the study it is, if any. None for the V1 model.
    pub model: Option<ModelName>,
    /// The seed of the network, if it was trained here.
    pub seed: Option<u64>,
    /// The architecture.
    pub network: VggConfig,
    /// The statistics that normalise its images: of one channel for a network that sees
    /// gray, of three for one that sees colour.
    pub normalize: Normalize,
    /// The classes, in the order of the class scores; none for the V1 model.
    pub class_names: Vec<String>,
    /// How it was trained or converted: the step's key, configuration and inputs, or the
    /// file's hash and what was said of it.
    pub training: Value,
    /// The revision of the code that wrote it first.
    pub revision: String,
}

impl NetworkHeader {
    /// Whether the network sees its images in colour.
    pub fn colour(&self) -> bool {
        self.normalize.mean.len() == 3
    }
}

/// Reads header and tensors of a network's file.
pub(crate) fn read(
    file: &Path,
    device: &Device,
) -> Result<(NetworkHeader, BTreeMap<String, Tensor>)> {
    let wrong = |problem: String| Error::network_file(file, problem);
    let bytes = std::fs::read(file).map_err(|e| wrong(format!("could not be read: {e}")))?;
    let checkpoint = Checkpoint::from_bytes(&bytes, device).map_err(wrong)?;
    let header: NetworkHeader = serde_json::from_str(&checkpoint.header)
        .map_err(|e| wrong(format!("the header is not that of a network: {e}")))?;
    if header.layout != LAYOUT {
        let found = header.layout;
        return Err(wrong(format!("expected layout {LAYOUT}, found {found}")));
    }
    Ok((header, checkpoint.tensors))
}

/// Writes a network's file, and the folders above it.
pub(crate) fn write(
    file: &Path,
    header: &NetworkHeader,
    tensors: BTreeMap<String, Tensor>,
) -> Result<()> {
    let checkpoint = Checkpoint {
        header: serde_json::to_string(header).map_err(|e| Error::json("the header", e))?,
        tensors,
    };
    let bytes = checkpoint.to_bytes().map_err(|problem| Error::Tensors {
        path: file.to_owned(),
        problem,
    })?;
    write_whole(file, &bytes)
}

/// Writes a file whole or not at all, and the folders above it.
pub(crate) fn write_whole(file: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|e| Error::io("create", folder, e))?;
    }
    write_atomic(file, bytes)
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
    model: Trainable,
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
        let (model, network, normalize, class_names) = match model {
            Trainable::Model(model) => {
                let network = recipe.network_of(model);
                (Some(model), network, images.normalize, images.class_names)
            }
            Trainable::V1 => {
                let network = recipe.network_of_v1();
                (None, network, images.stimuli_normalize, Vec::new())
            }
        };
        let header = NetworkHeader {
            layout: LAYOUT,
            recipe: recipe.name.clone(),
            model,
            seed: Some(seed),
            network,
            normalize,
            class_names,
            training: json!({
                "key": manifest.key, "config": manifest.config, "inputs": manifest.inputs,
            }),
            revision: manifest.revision.clone(),
        };
        let state = state_of(trained, device)?;
        // Statistics are no parameters.
        let parameters: usize = state
            .iter()
            .filter(|(name, _)| !name.contains(".bn.running_"))
            .map(|(_, tensor)| tensor.elem_count())
            .sum();
        write(file, &header, state)?;
        let history = TrainNetwork::history(trained)?;
        println!("network {}", file.display());
        progress.line(&format!(
            "{parameters} parameters, {} epochs, done in {}",
            history.trained(),
            clock(summary.seconds)
        ));
        Ok(Outcome::Finished)
    })
}
