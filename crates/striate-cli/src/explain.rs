//! `striate explain`: how a result row came about.

use std::path::PathBuf;
use std::process::ExitCode;

use striate_run::{Error, explain};

#[derive(clap::Args)]
pub struct Arguments {
    /// The protocol hash of the row (its first digits are enough), or `list`.
    row: String,
    /// The folder of the run.
    #[arg(long, default_value = "runs/mini")]
    out: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Error> {
    print!("{}", explain(&arguments.out, &arguments.row)?);
    Ok(ExitCode::SUCCESS)
}
