//! What a network costs, for the estimates of a plan.

use striate_models::{Head, VggConfig};

/// Operations of one image's forward pass through all layers, direct count.
pub(crate) fn forward(config: &VggConfig) -> f64 {
    layers(config)
        .iter()
        .map(|(_, operations)| operations)
        .sum()
}

/// Operations of one image's forward pass through the shared layers.
pub(crate) fn shared(config: &VggConfig) -> f64 {
    layers(config)
        .iter()
        .filter(|(shared, _)| *shared)
        .map(|(_, operations)| operations)
        .sum()
}

/// Bytes that a training step takes, data and program left out: each parameter with its
/// gradient and two states of the optimiser, and each map of a batch with its gradient.
/// (VGG-19 at batch 128: 1.9 GB, as measured in docs/results/train.md.)
pub(crate) fn training_bytes(config: &VggConfig, batch: usize) -> u64 {
    const FLOAT: f64 = 4.0;
    let (mut side, mut inputs) = (config.input_size as f64, config.in_channels as f64);
    let (mut parameters, mut maps) = (0.0, 0.0);
    let last = (config.split.block(), config.split.layer());
    for (b, block) in config.blocks.iter().enumerate() {
        for (l, width) in block.iter().enumerate() {
            // A network without head ends at the split.
            if config.head != Head::None || (b + 1, l + 1) <= last {
                let width = *width as f64;
                parameters += 9.0 * inputs * width;
                maps += side * side * width;
                inputs = width;
            }
        }
        side /= 2.0;
    }
    if let Head::Conv { hidden, .. } | Head::Dense { hidden, .. } = &config.head {
        if matches!(config.head, Head::Dense { .. }) {
            inputs *= side * side;
        }
        for width in hidden.iter().chain([&config.classes]) {
            parameters += inputs * *width as f64;
            inputs = *width as f64;
        }
    }
    (FLOAT * (4.0 * parameters + 2.0 * maps * batch as f64)) as u64
}

/// For each convolution, whether it is shared, and its operations.
fn layers(config: &VggConfig) -> Vec<(bool, f64)> {
    if let Some(core) = &config.core {
        let square = |side: usize| (side * side) as f64;
        let map = square((config.input_size + 1).saturating_sub(core.input_kernel));
        let wide = core.channels as f64;
        let first = square(core.input_kernel) * config.in_channels as f64;
        let hidden = 2.0 * wide + square(core.hidden_kernel);
        let all = first + core.layers.saturating_sub(1) as f64 * hidden;
        return vec![(true, 2.0 * map * wide * all)];
    }
    let mut side = config.input_size as f64;
    let mut inputs = config.in_channels as f64;
    let mut layers = Vec::new();
    for (b, block) in config.blocks.iter().enumerate() {
        for (l, width) in block.iter().enumerate() {
            let place = (b + 1, l + 1);
            let shared = place <= (config.split.block(), config.split.layer());
            layers.push((shared, 18.0 * side * side * inputs * *width as f64));
            inputs = *width as f64;
        }
        side /= 2.0;
    }
    layers
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The peaks of docs/results/train.md, to a third.
    #[test]
    fn the_memory_of_a_step_is_about_what_was_measured() {
        let study = VggConfig::default();
        for (batch, measured_mb) in [(128, 1911.0), (32, 869.0)] {
            let mb = training_bytes(&study, batch) as f64 / 1e6;
            assert!((mb / measured_mb - 1.0).abs() < 0.34, "{batch}: {mb}");
        }
    }
}
