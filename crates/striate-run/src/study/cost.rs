//! What a network costs, for the estimates of a plan.

use striate_models::VggConfig;

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
