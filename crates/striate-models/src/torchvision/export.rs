//! Writing in torchvision's names. Invariant: what is written is what
//! `load_state_dict(strict=True)` of the same network takes.

use std::collections::BTreeMap;

use candle_core::Tensor;

use super::layout::layout;
use crate::{Error, Plan};

/// The weights and statistics of a network in torchvision's names and layout. Readouts
/// and the statistics of stimuli, which torchvision does not know, are left out; a head of
/// 1x1 convolutions stands under `classifier`, too.
///
/// ```
/// use candle_core::Device;
/// use striate_models::{MultiTaskNet, VggConfig, torchvision};
/// use striate_random::Seed;
///
/// let config = VggConfig {
///     blocks: vec![vec![4], vec![6, 6]],
///     split: "conv2_1".parse()?,
///     input_size: 16,
///     ..VggConfig::default()
/// };
/// let net = MultiTaskNet::new(&config, &Device::Cpu, &Seed::new(1))?;
/// let theirs = torchvision::export(net.plan(), &net.params().state()?)?;
/// assert_eq!(theirs["features.7.weight"].dims(), [6, 6, 3, 3]); // conv2_2
/// # Ok::<(), striate_models::Error>(())
/// ```
///
/// # Errors
///
/// If the state lacks a tensor of the network, or one has another shape, or the network is
/// no VGG.
pub fn export(
    plan: &Plan,
    state: &BTreeMap<String, Tensor>,
) -> Result<BTreeMap<String, Tensor>, Error> {
    if plan.config().core.is_some() {
        return Err(Error::Field {
            field: "core".to_owned(),
            expected: "a VGG, as torchvision has it".to_owned(),
            found: "a squeeze-excitation core".to_owned(),
        });
    }
    let (mut theirs, mut missing) = (BTreeMap::new(), Vec::new());
    for entry in layout(plan) {
        match state.get(&entry.ours) {
            Some(tensor) => {
                let tensor = entry.to_theirs(tensor)?;
                if tensor.dims() != entry.shape {
                    return Err(Error::Field {
                        field: entry.theirs,
                        expected: format!("{:?}", entry.shape),
                        found: format!("{:?}", tensor.dims()),
                    });
                }
                theirs.insert(entry.theirs, tensor);
            }
            None => missing.push(entry.ours),
        }
    }
    if missing.is_empty() {
        return Ok(theirs);
    }
    Err(Error::Nn(striate_nn::Error::State {
        place: "the network to write",
        missing,
        unexpected: Vec::new(),
        shapes: Vec::new(),
    }))
}
