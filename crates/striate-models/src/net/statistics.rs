//! The sets of running statistics of a network whose shared layers keep one for each
//! task ([`VggConfig::statistics_per_task`](crate::VggConfig::statistics_per_task)).

use std::collections::BTreeMap;

use candle_core::Tensor;

/// Of the classified images.
pub const IMAGES: usize = 0;
/// Of the images shown to the neurons.
pub const STIMULI: usize = 1;

/// The variables of a network as one of the neural task alone has them: those of the
/// stimuli take the place of the images' statistics. A network with one set for both
/// tasks stays as it is.
pub fn of_stimuli(mut state: BTreeMap<String, Tensor>) -> BTreeMap<String, Tensor> {
    let suffix = format!("_{STIMULI}");
    let names: Vec<String> = state
        .keys()
        .filter(|name| name.contains(".bn.running_") && name.ends_with(&suffix))
        .cloned()
        .collect();
    for name in names {
        if let Some(value) = state.remove(&name) {
            state.insert(name.trim_end_matches(&suffix).to_owned(), value);
        }
    }
    state
}
