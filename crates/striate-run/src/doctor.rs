//! What this machine is, what the kernels run on, and how fast they are here.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use striate_data::JPEG_DECODER;
use striate_kernels::{
    Algorithm, ConvShape, Product, algorithm, conv2d_backward_input, conv2d_backward_weight,
    conv2d_forward, cpu,
};

use crate::engine::Machine;
use crate::{DeviceKind, REVISION, Recipe, Result};

/// How long each product is repeated; the best repetition counts.
const MEASURED: Duration = Duration::from_millis(40);

/// Describes this machine and measures each convolution of a recipe's network, in a
/// few seconds: the algorithm that is chosen for it, its speed, and that speed over
/// what the multiply-add units of all threads could do at most.
///
/// Speeds are in GFLOP/s of the direct convolution, so that Winograd, which needs
/// fewer operations, may exceed the peak.
///
/// # Errors
///
/// If the recipe's network has a layer that the kernels cannot compute.
pub fn doctor(recipe: &Recipe) -> Result<String> {
    let machine = Machine::probe();
    let kernels = cpu::describe();
    let peak = cpu::fma_peak();
    let (_, cuda) = striate_nn::device(DeviceKind::Cuda);
    let mut text = format!(
        "striate     {} ({REVISION})\n\
         processor   {}\n\
         kernels     {kernels}\n\
         peak        {peak:.0} GFLOP/s of multiply-adds on one thread; matrix product on all {:.0}\n\
         CUDA        {}\n\
         JPEG        decoded by {JPEG_DECODER}\n",
        env!("CARGO_PKG_VERSION"),
        machine.processor,
        machine.gflops,
        cuda.as_deref().unwrap_or("device 0 is ready"),
    );
    let batch = recipe.classification.batch_size;
    let _ = writeln!(
        text,
        "\nConvolutions of `{}`, batch {batch}: algorithm, GFLOP/s, and per cent of {:.0} GFLOP/s\n\
         {:<9}{:>8}{:>12}  {:<24}{:<24}{:<24}",
        recipe.name,
        peak * machine.threads as f64,
        "layer",
        "map",
        "channels",
        "forward",
        "input gradient",
        "weight gradient",
    );
    let network = &recipe.network;
    let (mut size, mut inputs) = (network.input_size, network.in_channels);
    text.truncate(text.trim_end().len());
    text.push('\n');
    for (block, widths) in network.blocks.iter().enumerate() {
        for (layer, outputs) in widths.iter().enumerate() {
            let shape = ConvShape::same([batch, size, size, inputs], *outputs, 3)?;
            let _ = write!(
                text,
                "{:<9}{:>8}{:>12}",
                format!("conv{}_{}", block + 1, layer + 1),
                format!("{size}x{size}"),
                format!("{inputs} > {outputs}"),
            );
            for (product, seconds) in times(&shape)? {
                let gflops = shape.direct_flop() / seconds / 1e9;
                let share = 100.0 * gflops / (peak * machine.threads as f64);
                let name = name(algorithm(&shape, product));
                let _ = write!(
                    text,
                    "  {:<22}",
                    format!("{name} {gflops:.0} ({share:.0} %)")
                );
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
            inputs = *outputs;
        }
        size /= 2;
    }
    Ok(text)
}

fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Gemm => "product",
        Algorithm::Direct => "direct",
        Algorithm::Winograd => "winograd",
        _ => "other",
    }
}

/// Best seconds of each of the three products.
fn times(shape: &ConvShape) -> Result<[(Product, f64); 3]> {
    let input = vec![0.5; shape.input_len()];
    let weight = vec![0.25; shape.weight_len()];
    let gradient = vec![0.125; shape.output_len()];
    let (mut y, mut dx, mut dw) = (
        gradient.clone(),
        vec![0.0; shape.input_len()],
        vec![0.0; shape.weight_len()],
    );
    let forward = best(|| conv2d_forward(shape, &input, &weight, None, &mut y))?;
    let to_input = best(|| conv2d_backward_input(shape, &weight, &gradient, &mut dx))?;
    let to_weight = best(|| conv2d_backward_weight(shape, &input, &gradient, &mut dw, None))?;
    Ok([
        (Product::Forward, forward),
        (Product::InputGradient, to_input),
        (Product::WeightGradient, to_weight),
    ])
}

fn best(mut work: impl FnMut() -> striate_kernels::Result<()>) -> Result<f64> {
    let mut best = f64::INFINITY;
    let begin = Instant::now();
    while begin.elapsed() < MEASURED || best.is_infinite() {
        let start = Instant::now();
        work()?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_convolution_of_the_recipe_has_a_line() -> Result<()> {
        let text = doctor(&Recipe::load("smoke")?)?;
        for layer in ["conv1_1", "conv2_1", "conv3_1", "conv3_2"] {
            let line = text.lines().find(|l| l.starts_with(layer)).unwrap_or("");
            assert_eq!(line.matches(" %)").count(), 3, "{layer}: {text}");
        }
        for part in ["kernels ", "CUDA", "JPEG        decoded by "] {
            assert!(text.contains(part), "{part}: {text}");
        }
        Ok(())
    }
}
