//! Reading what torchvision or the study's code named. Invariant: either every tensor has
//! its place, or the error lists all that have none, lack or differ.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use striate_nn::ReadoutConfig;

use super::{
    infer::{Weights, infer},
    layout::{Entry, Kind, layout, readout},
    names::Names,
};
use crate::{Error, LayerName, VggConfig};

/// What is known of the network beforehand.
#[derive(Clone, Debug, Default)]
pub struct ImportConfig {
    /// What the network must be, instead of what its tensors show.
    pub network: Option<VggConfig>,
    /// Height and width of its images in pixels, instead of what a dense head shows.
    pub input_size: Option<usize>,
    /// The last shared layer. By default that of the study's names, else conv3_1, else
    /// the last layer.
    pub split: Option<LayerName>,
}

/// A network that was read.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The architecture.
    pub network: VggConfig,
    /// Weights and statistics for [`Params::load_state`](striate_nn::Params::load_state).
    pub state: BTreeMap<String, Tensor>,
    /// The sessions whose readouts are among them.
    pub sessions: Vec<String>,
    /// What was done beyond renaming, one sentence each.
    pub notes: Vec<String>,
}

/// Reads a network from tensors in torchvision's names.
///
/// # Errors
///
/// If the names show no VGG, something is not shown and not given in `config`, or tensors
/// lack, are left over or have other shapes: all of them are listed.
pub fn import(
    tensors: &BTreeMap<String, Tensor>,
    config: &ImportConfig,
) -> Result<Imported, Error> {
    let names = Names::of(tensors.keys().map(String::as_str))?;
    let flat = if names.timm {
        Some(flattened(&names, tensors)?)
    } else {
        None
    };
    let weights = Weights {
        names: &names,
        tensors: flat.as_ref().unwrap_or(tensors),
    };
    let mut notes = Vec::new();
    let (network, map_size) = match &config.network {
        Some(network) => {
            let mut network = network.clone();
            network.input_size = config.input_size.unwrap_or(network.input_size);
            network.split = config.split.unwrap_or(network.split);
            (network, None)
        }
        None => {
            let shown = infer(&weights, config.input_size, config.split)?;
            (shown.config, shown.map_size)
        }
    };
    // torchvision knows one set of running statistics, the study's code one readout.
    let network = VggConfig {
        readout: ReadoutConfig::study(),
        ..network.single_task()
    };
    let plan = network.check()?;
    let mut entries = layout(&plan);
    for session in &names.sessions {
        let bias = weights.get(&format!("readout.{session}.bias"));
        let neurons = bias.map_or(0, |(_, bias)| bias.elem_count());
        entries.extend(readout(&plan, session, neurons));
    }
    if let Some(from) = map_size.filter(|size| *size != plan.head_size()) {
        if names.timm && plan.head_size() > from {
            return Err(Error::Field {
                field: "input_size".to_owned(),
                expected: format!(
                    "at most {} pixels: beyond, timm moves its head over the map",
                    from * network.input_size / plan.head_size()
                ),
                found: network.input_size.to_string(),
            });
        }
        let (to, px) = (plan.head_size(), network.input_size);
        notes.push(format!(
            "at {px} px the last map is {to}x{to}: torchvision's average pool to {from}x{from} is folded into the classifier"
        ));
        for entry in &mut entries {
            if let Kind::Dense { channels, .. } = entry.kind {
                entry.shape[1] = channels * from * from;
            }
        }
    }
    let conv = |e: &&Entry| e.kind == Kind::Kernel && e.theirs.starts_with("features.");
    let has_bias = |e: &Entry| {
        names
            .known
            .contains_key(&e.theirs.replace("weight", "bias"))
    };
    let without_bias = !entries.iter().filter(conv).any(has_bias);
    if without_bias {
        notes.push("convolutions without bias get one of 0".to_owned());
    }
    let ignored = |name: &str| name.ends_with(".num_batches_tracked");
    let mut unexpected: Vec<String> = names
        .known
        .iter()
        .filter(|(name, _)| !ignored(name) && entries.iter().all(|e| e.theirs != **name))
        .map(|(_, raw)| raw.clone())
        .collect();
    unexpected.extend(names.unknown.iter().cloned());
    let (mut state, mut missing, mut shapes) = (BTreeMap::new(), Vec::new(), Vec::new());
    for entry in &entries {
        let Some((raw, tensor)) = weights.get(&entry.theirs) else {
            if without_bias && entry.ours.ends_with(".conv.bias") {
                let zeros = Tensor::zeros(entry.shape.as_slice(), DType::F32, &Device::Cpu)?;
                state.insert(entry.ours.clone(), zeros);
            } else {
                missing.push(entry.theirs.clone());
            }
            continue;
        };
        if tensor.dims() != entry.shape {
            shapes.push(format!(
                "{raw}: expected {:?}, found {:?}",
                entry.shape,
                tensor.dims()
            ));
            continue;
        }
        let mut tensor = tensor.to_dtype(DType::F32)?;
        if let (Kind::Dense { channels, size }, Some(from)) = (entry.kind, map_size)
            && from != size
        {
            tensor = fold(&tensor, channels, from, size)?;
        }
        state.insert(entry.ours.clone(), entry.to_ours(&tensor)?);
    }
    if !(missing.is_empty() && unexpected.is_empty() && shapes.is_empty()) {
        return Err(Error::Nn(striate_nn::Error::State {
            place: "the network that was read",
            missing,
            unexpected,
            shapes,
        }));
    }
    Ok(Imported {
        network,
        state,
        sessions: names.sessions.iter().cloned().collect(),
        notes,
    })
}

/// The tensors with the kernels of timm's head as dense layers. The first covers the map,
/// so its elements are in the order channel, row, column, as those of a dense layer.
fn flattened(
    names: &Names,
    tensors: &BTreeMap<String, Tensor>,
) -> Result<BTreeMap<String, Tensor>, Error> {
    let mut flat = tensors.clone();
    for (name, raw) in &names.known {
        if name.starts_with("classifier.")
            && let Some(kernel) = flat.get_mut(raw)
            && kernel.rank() == 4
        {
            *kernel = kernel.flatten_from(1)?;
        }
    }
    Ok(flat)
}

/// Folds PyTorch's adaptive average pool, from `to` x `to` to `from` x `from`, into the
/// dense layer behind it: `[out, channels * from * from]` to `[out, channels * to * to]`.
fn fold(weight: &Tensor, channels: usize, from: usize, to: usize) -> Result<Tensor, Error> {
    // Output i averages the inputs from floor(i * to / from) to ceil((i + 1) * to / from).
    let mut pool = vec![0f32; from * to];
    for i in 0..from {
        let (start, end) = (i * to / from, ((i + 1) * to).div_ceil(from));
        pool[i * to + start..i * to + end].fill(1.0 / (end - start) as f32);
    }
    let pool = Tensor::from_vec(pool, (from, to), weight.device())?;
    let out = weight.dims()[0];
    let maps = out * channels;
    let columns = weight.reshape((maps * from, from))?.matmul(&pool)?;
    let turned = columns
        .reshape((maps, from, to))?
        .transpose(1, 2)?
        .contiguous()?;
    let rows = turned.reshape((maps * to, from))?.matmul(&pool)?;
    let turned = rows
        .reshape((maps, to, to))?
        .transpose(1, 2)?
        .contiguous()?;
    Ok(turned.reshape((out, channels * to * to))?)
}
