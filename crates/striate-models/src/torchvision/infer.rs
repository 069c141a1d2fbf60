//! The architecture that the tensors of a file show. Invariant: what is inferred follows
//! from names and shapes alone; what they do not show is asked for.

use std::collections::BTreeMap;

use candle_core::Tensor;

use super::names::Names;
use crate::{Error, Head, LayerName, VggConfig};

/// Probability of dropout in a head that was read: torchvision's and the study's.
const DROPOUT: f32 = 0.5;

/// The tensors of a file under torchvision's names.
pub(super) struct Weights<'a> {
    pub(super) names: &'a Names,
    pub(super) tensors: &'a BTreeMap<String, Tensor>,
}

impl<'a> Weights<'a> {
    /// A tensor with its name in the file.
    pub(super) fn get(&self, name: &str) -> Option<(&'a str, &'a Tensor)> {
        let raw = self.names.known.get(name)?;
        Some((raw, self.tensors.get(raw)?))
    }

    /// The number and the shape of every weight of a part, in the order of the numbers.
    fn weights(&self, part: &str) -> BTreeMap<usize, &'a [usize]> {
        let names = self.names.known.keys();
        let weight = |name: &String| {
            let number = name.strip_prefix(part)?.strip_suffix(".weight")?;
            Some((number.parse().ok()?, self.get(name)?.1.dims()))
        };
        names.filter_map(weight).collect()
    }

    /// The name in the file of a weight, for messages.
    fn raw(&self, name: &str) -> String {
        self.get(name).map_or(name, |(raw, _)| raw).to_owned()
    }
}

/// What the tensors show.
pub(super) struct Shown {
    pub(super) config: VggConfig,
    /// Side of the map that a dense head reads.
    pub(super) map_size: Option<usize>,
}

fn wrong(field: String, expected: impl Into<String>, found: impl Into<String>) -> Error {
    Error::Field {
        field,
        expected: expected.into(),
        found: found.into(),
    }
}

/// Infers the network; `input_size` and `split` go before what the tensors show.
pub(super) fn infer(
    weights: &Weights<'_>,
    input_size: Option<usize>,
    split: Option<LayerName>,
) -> Result<Shown, Error> {
    let features = weights.weights("features.");
    let (mut blocks, mut convs) = (vec![Vec::new()], Vec::new());
    let batch_norm = features.get(&1).is_some_and(|shape| shape.len() == 1);
    // Convolution, batch norm, ReLU.
    let step = if batch_norm { 3 } else { 2 };
    let mut expected = 0;
    for (index, shape) in &features {
        let name = || weights.raw(&format!("features.{index}.weight"));
        match shape.len() {
            4 => {
                let pooled = !convs.is_empty() && *index == expected + 1;
                if *index != expected && !pooled {
                    return Err(wrong(
                        name(),
                        format!(
                            "a convolution at {expected}, or at {} after a pool",
                            expected + 1
                        ),
                        format!("none before {index}"),
                    ));
                }
                if pooled {
                    blocks.push(Vec::new());
                }
                if let Some(block) = blocks.last_mut() {
                    block.push(shape[0]);
                }
                convs.push((
                    *index,
                    LayerName::new(blocks.len(), blocks.last().map_or(1, Vec::len))?,
                ));
                expected = index + step;
            }
            1 if batch_norm && *index + 2 == expected => {}
            _ => {
                let wanted = format!(
                    "[out, in, 3, 3], or [channels] of a batch norm at {}",
                    expected.saturating_sub(2)
                );
                return Err(wrong(name(), wanted, format!("{shape:?}")));
            }
        }
    }
    let in_channels = features
        .first_key_value()
        .map_or(0, |(_, shape)| shape.get(1).copied().unwrap_or(0));
    let pools = blocks.len();
    let channels = blocks.last().and_then(|b| b.last()).copied().unwrap_or(0);
    let (head, classes, map_size) = head(weights, channels)?;
    let input_size = match (input_size, map_size) {
        (Some(size), _) => size,
        (None, Some(size)) => size << pools.min(16),
        (None, None) => {
            return Err(wrong(
                "input_size".to_owned(),
                format!(
                    "the side of the images in pixels, a multiple of {}: a head of 1x1 convolutions does not show it",
                    1 << pools.min(16)
                ),
                "none",
            ));
        }
    };
    // The shared block of the study's names, its layer, or the last one.
    let of_file = |modules: usize| {
        convs
            .iter()
            .find(|(index, _)| index + step == modules)
            .map(|(_, name)| *name)
    };
    let there = |name: LayerName| convs.iter().any(|(_, other)| *other == name);
    let last = convs.last().map_or(LayerName::STUDY, |(_, name)| *name);
    let usual = if there(LayerName::STUDY) {
        LayerName::STUDY
    } else {
        last
    };
    let split = split
        .or_else(|| weights.names.shared_modules.and_then(of_file))
        .unwrap_or(usual);
    Ok(Shown {
        config: VggConfig {
            in_channels,
            blocks,
            batch_norm,
            split,
            head,
            classes,
            input_size,
            ..VggConfig::default()
        },
        map_size,
    })
}

/// The head, the number of classes, and the side of the map that a dense head reads.
fn head(weights: &Weights<'_>, channels: usize) -> Result<(Head, usize, Option<usize>), Error> {
    let layers = weights.weights("classifier.");
    let widths: Vec<usize> = layers
        .values()
        .map(|shape| shape.first().copied().unwrap_or(0))
        .collect();
    let (Some((first, shape)), Some((classes, hidden))) =
        (layers.first_key_value(), widths.split_last())
    else {
        return Err(wrong(
            "classifier".to_owned(),
            "at least one weight",
            "none",
        ));
    };
    let (hidden, dropout) = (hidden.to_vec(), DROPOUT);
    match shape {
        [_, _, 1, 1] => Ok((Head::Conv { hidden, dropout }, *classes, None)),
        [_, inputs] => {
            let size = (inputs / channels.max(1)).isqrt();
            if size == 0 || size * size * channels != *inputs {
                return Err(wrong(
                    weights.raw(&format!("classifier.{first}.weight")),
                    format!("inputs from a square map of {channels} channels"),
                    format!("{inputs} inputs"),
                ));
            }
            Ok((Head::Dense { hidden, dropout }, *classes, Some(size)))
        }
        _ => Err(wrong(
            weights.raw(&format!("classifier.{first}.weight")),
            "[out, in] or [out, in, 1, 1]",
            format!("{shape:?}"),
        )),
    }
}
