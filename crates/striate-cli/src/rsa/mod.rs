//! `striate rsa`: representational similarity of features of any network.
//!
//! Invariant: features are read a block of columns at a time, so memory grows
//! with the square of the images and not with the features (but for `.npz`,
//! `--cka`, `mahalanobis` and `crossnobis`, which hold a file's features, and netCDF-4,
//! of which a file up to 1 GiB is held while it is opened).

mod analyse;
mod features;
mod matrix;
mod netcdf;
mod npy;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use striate_rsa::{Comparator, Resample, Shrinkage};

use crate::input::{self, Error, Result};

/// Compares representations by their dissimilarity matrices.
///
/// A file has one row per image: a .npy array (further axes are flattened), an
/// array of a .npz file (FILE.npz:NAME, with `ids` if there), a variable of a
/// netCDF file (FILE.nc:NAME, with `image_id` or `stimulus_id` along its first
/// dimension if there), or a parquet file with a list column `features` or one
/// column per feature, and optionally image_id. Rows with the same id are repeats
/// of one image.
#[derive(clap::Args)]
pub struct Arguments {
    /// Files of features, images in rows.
    #[arg(required = true, num_args = 1..)]
    files: Vec<PathBuf>,
    /// correlation, cosine, centred-cosine, euclidean, squared-euclidean,
    /// poisson-kl, mahalanobis or crossnobis (the last two need repeats).
    #[arg(long, default_value = "correlation")]
    dissimilarity: String,
    /// pearson, cosine, spearman, tau-a, tau-b, rho-a, corr-cov, cosine-cov, arctanh.
    #[arg(long, value_delimiter = ',', default_value = "spearman")]
    compare: Vec<String>,
    /// Image ids, one a line: one file for all, or one for each file of features.
    #[arg(long, value_name = "FILE")]
    ids: Vec<PathBuf>,
    /// How many of the first files are subjects of one system; with two or more
    /// the others are compared with all of them, under a noise ceiling.
    #[arg(long, default_value_t = 1, value_name = "N")]
    subjects: usize,
    /// Features whose matrix is taken out of each comparison, e.g. pixels.
    #[arg(long, value_name = "FILE")]
    partial: Option<PathBuf>,
    /// Also linear CKA, as it is and debiased.
    #[arg(long)]
    cka: bool,
    /// Replicates of a bootstrap over images (0: none).
    #[arg(long, default_value_t = 0, value_name = "N")]
    bootstrap: usize,
    /// What a replicate draws.
    #[arg(long, value_enum, default_value_t = Drawn::Images)]
    resample: Drawn,
    /// Of the noise covariance, for mahalanobis and crossnobis.
    #[arg(long, value_enum, default_value_t = Shrink::Diagonal)]
    shrinkage: Shrink,
    /// Root of the random numbers.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Write tables, figures and a page into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Drawn {
    Images,
    Subjects,
    /// Images and subjects, with the dual-bootstrap correction.
    Both,
}

impl Drawn {
    fn resample(self) -> Resample {
        match self {
            Self::Images => Resample::Images,
            Self::Subjects => Resample::Subjects,
            Self::Both => Resample::ImagesAndSubjects,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Shrink {
    None,
    Diagonal,
    Identity,
}

impl Shrink {
    fn shrinkage(self) -> Shrinkage {
        match self {
            Self::None => Shrinkage::None,
            Self::Diagonal => Shrinkage::Diagonal,
            Self::Identity => Shrinkage::Identity,
        }
    }
}

/// Runs the command and gives its exit code.
pub fn run(arguments: &Arguments) -> ExitCode {
    match rsa(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => input::report(&error),
    }
}

fn rsa(arguments: &Arguments) -> Result<()> {
    let usage = |error: striate_rsa::Error| Error::Usage(error.to_string());
    let comparators = arguments
        .compare
        .iter()
        .map(|name| name.trim().parse())
        .collect::<std::result::Result<Vec<Comparator>, _>>()
        .map_err(usage)?;
    let kind = matrix::Kind::parse(&arguments.dissimilarity).map_err(usage)?;
    if arguments.files.len() < 2 {
        return Err(Error::Usage(
            "rsa: expected at least 2 files of features, found 1".to_owned(),
        ));
    }
    if arguments.subjects == 0 || arguments.subjects >= arguments.files.len() {
        return Err(Error::Usage(format!(
            "--subjects: expected 1 to {}, so that a file is left to compare, found {}",
            arguments.files.len() - 1,
            arguments.subjects
        )));
    }
    if arguments.bootstrap == 1 {
        return Err(Error::Usage(
            "--bootstrap: expected 0 or at least 2 replicates, found 1".to_owned(),
        ));
    }
    let analysis = analyse::analyse(arguments, kind, &comparators)?;
    if let Some(out) = &arguments.out {
        report::write(&analysis, out)?;
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&analysis)?);
    } else {
        print!("{}", report::text(&analysis));
        if let Some(out) = &arguments.out {
            println!("\nwrote {}", out.join("report.html").display());
        }
    }
    Ok(())
}
