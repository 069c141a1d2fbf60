//! `striate doctor`: this machine, and the speed of the kernels on it.

use std::process::ExitCode;

use striate_run::{Error, Recipe, doctor};

#[derive(clap::Args)]
pub struct Arguments {
    /// The recipe whose network is measured: one that ships with Striate, or a file.
    #[arg(long, default_value = "mini")]
    recipe: String,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Error> {
    print!("{}", doctor(&Recipe::load(&arguments.recipe)?)?);
    Ok(ExitCode::SUCCESS)
}
