//! Networks from PyTorch, and back: checkpoints (`.pth`, `.pt`) and safetensors in
//! torchvision's names become files that [`TrainedNetwork`](crate::TrainedNetwork)
//! opens, and such files become safetensors in torchvision's names.
//!
//! Invariant: nothing that decides what a network answers is guessed. The architecture
//! and an input size come from the tensors or from the user, the normalisation from the
//! user, or all of it from a file that was written here.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use candle_core::{Device, Tensor};
use serde_json::{Value, json};
use striate_data::array::{Array, Values};
use striate_data::{Normalize, torch::StateDict};
use striate_models::torchvision::{self, ImportConfig};
use striate_models::{LayerName, part};

use crate::engine::hash_file;
use crate::network_file::{self, LAYOUT, NetworkHeader};
use crate::{Error, REVISION, Recipe, Result};

/// The key of the header in what [`export`] writes. It is not the key of a network's
/// file: names and layout are torchvision's.
const EXPORTED: &str = "striate_network";
/// The key of the header in a network's file.
const NETWORK: &str = "striate";
/// The longest list of tensors of a safetensors file that is looked at.
const MAX_HEADER_BYTES: u64 = 100 << 20;

/// What is known of a network beside its tensors.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// A recipe (its name or path) or a network's file (`.safetensors`) that the network
    /// must be like; of a file, normalisation and classes are taken, too.
    pub like: Option<String>,
    /// Which dict of weights of a checkpoint, where there are several.
    pub part: Option<String>,
    /// Height and width of its images in pixels.
    pub input_size: Option<usize>,
    /// The last shared layer.
    pub split: Option<LayerName>,
    /// The statistics that normalise its images; of three channels for colour.
    pub normalize: Option<Normalize>,
    /// The classes, in the order of the class scores. By default their numbers.
    pub class_names: Option<Vec<String>>,
}

/// Whether a file is one that [`train`](crate::train) or [`import`] wrote.
///
/// # Errors
///
/// If the file cannot be read.
pub fn is_network(file: &Path) -> Result<bool> {
    let open = || -> std::io::Result<Vec<u8>> {
        let mut source = File::open(file)?;
        let mut bytes = Vec::new();
        source.by_ref().take(8).read_to_end(&mut bytes)?;
        let len = header_length(&bytes).unwrap_or(0);
        source
            .take(len.min(MAX_HEADER_BYTES))
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = open().map_err(|e| Error::network_file(file, format!("could not be read: {e}")))?;
    Ok(metadata(&bytes, NETWORK).is_some())
}

fn header_length(bytes: &[u8]) -> Option<u64> {
    bytes.first_chunk().map(|len| u64::from_le_bytes(*len))
}

/// A text among the metadata of safetensors, of which the tensors may be missing.
fn metadata(bytes: &[u8], key: &str) -> Option<String> {
    let end = usize::try_from(header_length(bytes)?.checked_add(8)?).ok()?;
    let header: Value = serde_json::from_slice(bytes.get(8..end)?).ok()?;
    Some(header["__metadata__"][key].as_str()?.to_owned())
}

/// Converts a checkpoint, or safetensors in torchvision's names, to a network's file.
/// Gives what there is to say of it, line by line.
///
/// # Errors
///
/// If the input cannot be read or is damaged, does not fit what is known of it, or lacks
/// something that is not given; if the output cannot be written.
pub fn import(input: &Path, output: &Path, options: &ImportOptions) -> Result<Vec<String>> {
    let wrong = |problem: String| Error::network_file(input, problem);
    let (tensors, exported) = foreign(input, options.part.as_deref())?;
    let mut config = ImportConfig {
        network: None,
        input_size: options.input_size,
        split: options.split,
    };
    let mut like = exported;
    match options.like.as_deref() {
        Some(file) if file.ends_with(".safetensors") => {
            like = Some(network_file::read(Path::new(file), &Device::Cpu)?.0);
        }
        Some(recipe) => config.network = Some(Recipe::load(recipe)?.network),
        None => {}
    }
    if let Some(header) = &like
        && config.network.is_none()
    {
        config.network = Some(header.network.clone());
    }
    let found = torchvision::import(&tensors, &config).map_err(|e| wrong(e.to_string()))?;
    let normalize = options
        .normalize
        .clone()
        .or_else(|| like.as_ref().map(|header| header.normalize.clone()));
    let normalize = normalize.ok_or_else(|| {
        wrong(
            "the normalisation of its images is not in the file: give means and deviations \
             (--mean, --std), one for gray or three for colour; those of ImageNet are \
             0.485,0.456,0.406 and 0.229,0.224,0.225"
                .to_owned(),
        )
    })?;
    check_normalize(&normalize, found.network.in_channels).map_err(wrong)?;
    let classes = found.network.classes;
    let mut notes = found.notes;
    let named = options
        .class_names
        .clone()
        .or_else(|| like.as_ref().map(|header| header.class_names.clone()));
    let class_names = named.unwrap_or_else(|| {
        notes.push(format!(
            "the classes are called 0 to {}",
            classes.saturating_sub(1)
        ));
        (0..classes).map(|class| class.to_string()).collect()
    });
    check_classes(&class_names, classes).map_err(wrong)?;
    let name = input.file_name().unwrap_or_default().to_string_lossy();
    let header = NetworkHeader {
        layout: LAYOUT,
        recipe: format!("converted from {name}"),
        model: None,
        seed: None,
        network: found.network,
        normalize,
        class_names,
        training: json!({
            "converted": { "sha256": hash_file(input)?, "part": options.part, "sessions": found.sessions },
        }),
        revision: REVISION.to_owned(),
    };
    network_file::write(output, &header, found.state)?;
    let network = &header.network;
    let blocks: Vec<String> = network.blocks.iter().map(|b| format!("{b:?}")).collect();
    let colour = if header.colour() { "colour" } else { "gray" };
    let mut lines = vec![format!(
        "network {}: blocks {}{}, {classes} classes, {colour} images of {} px",
        output.display(),
        blocks.join(" "),
        if network.batch_norm {
            " with batch norm"
        } else {
            ""
        },
        network.input_size,
    )];
    lines.extend(notes.into_iter().map(|note| format!("note: {note}")));
    Ok(lines)
}

/// Converts a network's file to safetensors in torchvision's names; the header goes with
/// it, so that [`import`] needs no options for the result.
///
/// # Errors
///
/// If the input is no network's file or is damaged, or the output cannot be written.
pub fn export(input: &Path, output: &Path) -> Result<Vec<String>> {
    let (header, state) = network_file::read(input, &Device::Cpu)?;
    let wrong = |problem: String| Error::network_file(input, problem);
    let plan = header.network.check().map_err(|e| wrong(e.to_string()))?;
    let tensors = torchvision::export(&plan, &state).map_err(|e| wrong(e.to_string()))?;
    let text = serde_json::to_string(&header).map_err(|e| Error::json("the header", e))?;
    // "format" is what other readers of safetensors ask for.
    let metadata = [("format", "pt".to_owned()), (EXPORTED, text)];
    let metadata = metadata.map(|(key, text)| (key.to_owned(), text)).into();
    let bytes =
        safetensors::serialize(tensors.iter(), Some(metadata)).map_err(|e| Error::Tensors {
            path: output.to_owned(),
            problem: e.to_string(),
        })?;
    network_file::write_whole(output, &bytes)?;
    let mut lines = vec![format!("{} tensors, {}", tensors.len(), output.display())];
    let sigma_px = header.network.lowpass_sigma_px;
    if sigma_px > 0.0 {
        lines.push(format!(
            "note: the network sees images behind a Gaussian blur of {sigma_px} px, which is no \
             layer there: blur them before"
        ));
    }
    if state.keys().any(|name| name.starts_with(part::READOUT)) {
        let what = if header.network.statistics_per_task {
            "the readouts and the statistics of the stimuli have"
        } else {
            "the readouts have"
        };
        lines.push(format!("note: {what} no names there and are left out"));
    }
    Ok(lines)
}

/// The tensors of a checkpoint or of plain safetensors, and the header that [`export`] put
/// there.
fn foreign(
    file: &Path,
    part: Option<&str>,
) -> Result<(BTreeMap<String, Tensor>, Option<NetworkHeader>)> {
    let wrong = |problem: String| Error::network_file(file, problem);
    if file
        .extension()
        .is_none_or(|extension| extension != "safetensors")
    {
        let weights = StateDict::open(file, part)?;
        let tensors = weights.tensors.into_iter().map(|(name, array)| {
            let tensor = tensor_of(array).map_err(|e| wrong(format!("tensor {name}: {e}")))?;
            Ok((name, tensor))
        });
        return Ok((tensors.collect::<Result<_>>()?, None));
    }
    let bytes = std::fs::read(file).map_err(|e| wrong(format!("could not be read: {e}")))?;
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)
        .map_err(|e| wrong(format!("is no safetensors file that can be read: {e}")))?;
    let header = metadata(&bytes, EXPORTED)
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|e| wrong(format!("the header is not that of a network: {e}")))?;
    Ok((tensors.into_iter().collect(), header))
}

fn tensor_of(array: Array) -> candle_core::Result<Tensor> {
    let shape = array.shape.as_slice();
    match array.values {
        Values::F32(values) => Tensor::from_vec(values, shape, &Device::Cpu),
        Values::F64(values) => Tensor::from_vec(values, shape, &Device::Cpu),
        Values::I64(values) => Tensor::from_vec(values, shape, &Device::Cpu),
        Values::U8(values) => Tensor::from_vec(values, shape, &Device::Cpu),
        Values::Text(_) => Err(candle_core::Error::Msg("text is no tensor".to_owned())),
    }
}

fn check_normalize(normalize: &Normalize, in_channels: usize) -> std::result::Result<(), String> {
    let (means, deviations) = (normalize.mean.len(), normalize.std.len());
    let fits = means == 1 || means == in_channels;
    if !fits || means != deviations {
        let expected = if in_channels == 3 { "1 or 3" } else { "1" };
        return Err(format!(
            "normalisation: expected {expected} means and as many deviations for a network of \
             {in_channels} channels, found {means} and {deviations}"
        ));
    }
    let finite = normalize.mean.iter().all(|v| v.is_finite());
    if !finite || !normalize.std.iter().all(|v| v.is_finite() && *v > 0.0) {
        return Err(format!(
            "normalisation: expected finite means and positive deviations, found {:?} and {:?}",
            normalize.mean, normalize.std
        ));
    }
    Ok(())
}

fn check_classes(names: &[String], classes: usize) -> std::result::Result<(), String> {
    if names.len() != classes {
        return Err(format!(
            "expected {classes} names of classes, found {}",
            names.len()
        ));
    }
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("two classes have the name {:?}", pair[0])),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
