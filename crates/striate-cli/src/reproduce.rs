//! `striate reproduce`: the study, end to end.

use std::path::PathBuf;
use std::process::ExitCode;

use striate_run::{DeviceKind, Error, ModelName, Options, Outcome, Ratio, Recipe, reproduce};

use crate::real_data::RealData;

#[derive(clap::Args)]
pub struct Arguments {
    /// A recipe that ships with Striate (smoke, mini, tiny, paper), or the path of a TOML file.
    #[arg(long, default_value = "mini")]
    recipe: String,
    #[command(flatten)]
    data: RealData,
    /// Where the run is kept and the report is written [default: `runs/RECIPE`].
    #[arg(long)]
    out: Option<PathBuf>,
    /// Seeds of the networks, instead of the recipe's: 1,2,3.
    #[arg(long, value_delimiter = ',')]
    seeds: Option<Vec<u64>>,
    /// Models, instead of the recipe's: baseline,mtl_monkey,mtl_shuffled,oracle,mtl_oracle,
    /// mtl_recorded, and the other controls: mtl_gaussian,mtl_shuffled_within,mtl_pixels,mtl_random,
    /// mtl_gabor,mtl_scrambled,baseline_lowpass.
    #[arg(long, value_delimiter = ',')]
    models: Option<Vec<ModelName>>,
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
    if let Some(seeds) = &arguments.seeds {
        recipe.seeds.clone_from(seeds);
    }
    if let Some(models) = &arguments.models {
        recipe.models.clone_from(models);
    }
    let out = arguments
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("runs").join(&recipe.name));
    let options = Options {
        out,
        device: arguments.device,
        threads: arguments.threads,
        dry_run: arguments.dry_run,
        quiet: arguments.quiet,
        stop: crate::interrupt::flag(),
    };
    Ok(match reproduce(&recipe, &options)? {
        Outcome::Finished => ExitCode::SUCCESS,
        Outcome::Interrupted => crate::failure::interrupted(),
    })
}
