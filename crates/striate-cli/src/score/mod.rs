//! `striate score`: robustness from the predictions of any framework.
//!
//! Invariant: nothing is scored before all rows are checked; what could not be
//! computed is said in a note and never left out in silence.

mod analyse;
mod collect;
mod report;
mod rows;
mod show;
mod tables;

use std::path::PathBuf;
use std::process::ExitCode;

use striate_robustness::{Grouping, Selection};

use crate::input::{self, Error, Result};

/// Scores predictions on corrupted images.
///
/// A file has one row per image and condition, with the columns image_id,
/// corruption (`clean` for none), severity (1 to 5, 0 for clean), label, and
/// prediction or logits (a list column, or logit_0, logit_1, ...) or
/// probabilities; model and seed are optional. Each condition must have the same
/// images.
#[derive(clap::Args)]
pub struct Arguments {
    /// Parquet, CSV or TSV files; without a column `model`, a file's name is the model.
    #[arg(required = true)]
    predictions: Vec<PathBuf>,
    /// The model that the others are scored against (default: `baseline`, if there is one).
    #[arg(long)]
    baseline: Option<String>,
    /// Which corruptions enter the overall score (default: `study`, else `all`).
    #[arg(long)]
    overall: Option<Overall>,
    /// How corruptions are grouped in figures (the tables have all groupings).
    #[arg(long, value_enum, default_value_t = Groups::Study)]
    groups: Groups,
    /// Replicates of each bootstrap.
    #[arg(long, default_value_t = 1000, value_name = "N")]
    bootstrap: usize,
    /// Root of the random numbers.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Number of classes, to check labels and predictions (with logits: their number).
    #[arg(long)]
    classes: Option<usize>,
    /// Accept corruptions that are not among the 19 of ImageNet-C.
    #[arg(long)]
    any_corruption: bool,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Write tables, figures and a page into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Overall {
    /// The 14 of the study (without glass blur).
    Study,
    /// The 15 of ImageNet-C.
    Common,
    /// All that the files have.
    All,
}

impl Overall {
    fn selection(self) -> Selection {
        match self {
            Self::Study => Selection::Study,
            Self::Common => Selection::Common,
            Self::All => Selection::All,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Groups {
    /// The study's, with snow in Weather.
    Study,
    /// As plotted in the study: snow in no group.
    AsPlotted,
    /// ImageNet-C: glass blur in Blur.
    ImagenetC,
}

impl Groups {
    fn grouping(self) -> Grouping {
        match self {
            Self::Study => Grouping::Study,
            Self::AsPlotted => Grouping::StudyAsPlotted,
            Self::ImagenetC => Grouping::ImageNetC,
        }
    }
}

/// Runs the command and gives its exit code.
pub fn run(arguments: &Arguments) -> ExitCode {
    match score(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => input::report(&error),
    }
}

fn score(arguments: &Arguments) -> Result<()> {
    if arguments.bootstrap < 2 {
        return Err(Error::Usage(format!(
            "--bootstrap: expected at least 2 replicates, found {}",
            arguments.bootstrap
        )));
    }
    let mut collected = collect::Collected::new(arguments.classes, arguments.any_corruption);
    for path in &arguments.predictions {
        rows::read(path, &mut collected)?;
    }
    let predictions = collected.finish()?;
    let analysis = analyse::analyse(&predictions, arguments)?;
    let mut written = None;
    if let Some(out) = &arguments.out {
        report::write(&analysis, out)?;
        written = Some(out);
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&analysis)?);
    } else {
        print!("{}", show::text(&analysis));
        if let Some(out) = written {
            println!("\nwrote {}", out.join("report.html").display());
        }
    }
    Ok(())
}
