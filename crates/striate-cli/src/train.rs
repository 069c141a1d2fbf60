//! `striate train`: one network of a recipe, as a file.

use std::path::PathBuf;
use std::process::ExitCode;

use striate_run::{DeviceKind, Error, Options, Outcome, Ratio, Recipe, Trainable, train};

use crate::real_data::RealData;

#[derive(clap::Args)]
#[command(after_help = "\
Steps that the run at --out has finished are used again, and a training that was interrupted
goes on where it stood. The file is safetensors; its header says recipe, model, seed,
architecture, normalisation, classes and revision.")]
pub struct Arguments {
    /// A recipe that ships with Striate (smoke, mini, tiny, paper), or the path of a TOML file.
    recipe: String,
    /// baseline, mtl_monkey, mtl_shuffled, oracle, mtl_oracle, mtl_recorded, or another control:
    /// mtl_gaussian, mtl_shuffled_within, mtl_pixels, mtl_random, mtl_gabor, mtl_scrambled,
    /// baseline_lowpass; or v1, the model of the recordings, which predicts responses alone.
    #[arg(long)]
    model: Trainable,
    /// The seed of the network.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    data: RealData,
    /// Where the run is kept [default: `runs/RECIPE`].
    #[arg(long)]
    out: Option<PathBuf>,
    /// The file to write [default: `OUT/networks/MODEL-SEED.safetensors`].
    #[arg(long)]
    file: Option<PathBuf>,
    /// Neural to image batches in co-training, instead of the recipe's: 1:15, 1:1, 5:1.
    #[arg(long)]
    ratio: Option<Ratio>,
    /// Where to compute.
    #[arg(long, default_value = "cpu")]
    device: DeviceKind,
    /// Threads to compute with [default: all cores]. Results do not depend on it.
    #[arg(long)]
    threads: Option<usize>,
    /// Print the plan with its estimates, and stop.
    #[arg(long)]
    dry_run: bool,
    /// Say nothing but the result.
    #[arg(long)]
    quiet: bool,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Error> {
    let mut recipe = Recipe::load(&arguments.recipe)?;
    arguments.data.apply(&mut recipe)?;
    if let Some(ratio) = arguments.ratio {
        recipe.set_ratio(ratio)?;
    }
    let (model, seed) = (arguments.model, arguments.seed);
    let out = arguments
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("runs").join(&recipe.name));
    let file = arguments.file.clone().unwrap_or_else(|| {
        out.join("networks")
            .join(format!("{model}-{seed}.safetensors"))
    });
    let options = Options {
        out,
        device: arguments.device,
        threads: arguments.threads,
        dry_run: arguments.dry_run,
        quiet: arguments.quiet,
        stop: crate::interrupt::flag(),
    };
    Ok(match train(&recipe, model, seed, &options, &file)? {
        Outcome::Finished => ExitCode::SUCCESS,
        Outcome::Interrupted => crate::failure::interrupted(),
    })
}
