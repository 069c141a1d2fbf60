//! `striate data`: what lies at a path, and converting it.

use std::path::PathBuf;
use std::process::ExitCode;

use striate_data::inspect::{InspectConfig, inspect};

mod convert;
mod html;
mod reliability;
mod text;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Detect the format of a file, folder or archive, and say what it holds.
    Inspect(Inspect),
    /// Write a recording as npz or parquet, or images as npz.
    Convert(convert::Arguments),
}

#[derive(clap::Args)]
struct Inspect {
    /// The file, folder or archive (tar, zip).
    path: PathBuf,
    /// Also write a page with sample images, histograms and neurons.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Decode at most so many images of each part (all are counted).
    #[arg(long, default_value_t = InspectConfig::default().decode)]
    decode: usize,
    /// Sum so many time bins of session recordings.
    #[arg(long, default_value_t = 12)]
    time_bins: usize,
}

/// A data command fails on its input alone: exit code 3.
const INPUT: u8 = 3;

pub fn run(arguments: &Arguments) -> ExitCode {
    let result = match &arguments.command {
        Command::Inspect(arguments) => run_inspect(arguments),
        Command::Convert(arguments) => convert::run(arguments),
    };
    match result {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("striate: {error}");
            ExitCode::from(INPUT)
        }
    }
}

fn run_inspect(arguments: &Inspect) -> Result<String, Box<dyn std::error::Error>> {
    let mut config = InspectConfig {
        decode: arguments.decode,
        ..InspectConfig::default()
    };
    config.session.time_bins = arguments.time_bins;
    let summary = inspect(&arguments.path, &config)?;
    let reliability = reliability::of(&summary)?;
    let name = arguments.path.display().to_string();
    if let Some(path) = &arguments.html {
        let page = html::page(&name, &summary, &reliability)?;
        std::fs::write(path, page).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(text::describe(&name, &summary, &reliability))
}
