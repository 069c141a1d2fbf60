//! `striate train`: one network of a recipe, as a file.

use std::path::PathBuf;
use std::process::ExitCode;

use striate_run::{DeviceKind, Error, ModelName, Options, Outcome, Recipe, train};

use crate::real_data::RealData;

#[derive(clap::Args)]
#[command(after_help = "\
Steps that the run at --out has finished are used again, and a training that was interrupted
goes on where it stood. The file is safetensors; its header says recipe, model, seed,
architecture, normalisation, classes and revision.")]
pub struct Arguments {
    /// A recipe that ships with Striate (smoke, mini, tiny), or the path of a TOML file.
    recipe: String,
    /// baseline, mtl_monkey, mtl_shuffled, oracle or mtl_oracle.
    #[arg(long)]
    model: ModelName,
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
    let (model, seed) = (arguments.model, arguments.seed);
    let out = arguments
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("runs").join(&recipe.name));
    let file = arguments.file.clone().unwrap_or_else(|| {
        out.join("networks")
            .join(format!("{}-{seed}.safetensors", model.name()))
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
