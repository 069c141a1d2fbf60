//! `striate corrupt`: an image or a tree of images, in the published folder layout.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use striate_corruptions::tree::{
    Format, Progress, RandomMode, TreeConfig, TreeReport, corrupt_tree,
};
use striate_corruptions::{Corruption, Error, Severity, Table};
use striate_run::ErrorKind;

use crate::display::Display;
use crate::{failure, interrupt};

#[derive(clap::Args)]
#[command(after_help = "\
The results are OUT/<corruption>/<severity>/<path below IN>, and OUT/manifest.jsonl holds the
parameters and the SHA-256 of each source and result. A run that was interrupted goes on when
the same command is given again, and ends with the same bytes. Files that cannot be used (16
bits per channel, CMYK, damaged, below 16x16 px) are listed at the end, with exit code 1.")]
pub struct Arguments {
    /// A PNG or JPEG image, or a folder of them with folders in it.
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// The folder for the results; it must not lie inside IN.
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// Names with commas between them, or all (19), common (15), study (14, without
    /// glass_blur), extra (4).
    #[arg(long, value_name = "NAMES", default_value = "common", value_parser = selected)]
    corruption: Corruptions,
    /// Numbers from 1 (weak) to 5 (strong) with commas between them, or all.
    #[arg(long, value_name = "LEVELS", default_value = "all", value_parser = severities)]
    severity: Severities,
    /// The constants: imagecorruptions, tiny-imagenet-c or cifar-c.
    #[arg(long, default_value_t = Table::ImageCorruptions)]
    table: Table,
    /// The seed of the random numbers.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// counter: a stream per image (by its path), corruption and severity; numpy: what the
    /// Python package gives after numpy.random.seed(SEED + place in the sorted list).
    #[arg(long, value_name = "MODE", default_value = "counter")]
    rng: RandomMode,
    /// png, or jpeg:Q with quality Q from 1 to 100 (one more loss on top).
    #[arg(long, default_value = "png")]
    format: Format,
    /// Threads to compute with [default: all cores]. Results do not depend on it.
    #[arg(long)]
    threads: Option<NonZeroUsize>,
    /// Say nothing but what went wrong.
    #[arg(long)]
    quiet: bool,
}

/// A list for clap, which would take a plain vector for a repeated option.
#[derive(Clone)]
struct Corruptions(Vec<Corruption>);

#[derive(Clone)]
struct Severities(Vec<Severity>);

fn selected(list: &str) -> Result<Corruptions, Error> {
    Corruption::select(list).map(Corruptions)
}

fn severities(list: &str) -> Result<Severities, Error> {
    Severity::select(list).map(Severities)
}

pub fn run(arguments: &Arguments) -> ExitCode {
    let threads = arguments.threads.map_or(0, NonZeroUsize::get);
    let pool = match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool,
        Err(error) => return failure::report_as(&error, ErrorKind::Work),
    };
    let stop = interrupt::flag();
    let config = TreeConfig {
        table: arguments.table,
        corruptions: arguments.corruption.0.clone(),
        severities: arguments.severity.0.clone(),
        seed: arguments.seed,
        random: arguments.rng,
        format: arguments.format,
    };
    let mut display = Display::new(arguments.quiet);
    let result = pool.install(|| {
        corrupt_tree(
            &arguments.input,
            &arguments.output,
            &config,
            &mut |progress| show(&mut display, progress),
            &|| stop.is_raised(),
        )
    });
    display.clear();
    match result {
        Ok(report) => finish(arguments, &report),
        Err(error) => failure::report_as(&error, kind(&error)),
    }
}

/// Says how it ended.
fn finish(arguments: &Arguments, report: &TreeReport) -> ExitCode {
    let Progress {
        done,
        total,
        resumed,
        bad,
        made,
        ..
    } = report.progress;
    if !arguments.quiet {
        let verb = if report.stopped { "stopped" } else { "done" };
        println!(
            "{verb}: {} of {total} images ({resumed} of them by earlier runs), {made} results made now; {}",
            done - bad,
            report.manifest.display()
        );
    }
    if !report.bad.is_empty() {
        let files = if bad == 1 { "file" } else { "files" };
        eprintln!("striate: {bad} {files} could not be used:");
        for file in &report.bad {
            eprintln!("  {}: {}", file.path.display(), file.reason);
        }
    }
    if report.stopped {
        failure::interrupted()
    } else if report.bad.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Who can mend an error.
fn kind(error: &Error) -> ErrorKind {
    match error {
        Error::Io { action, .. } if matches!(*action, "read" | "list") => ErrorKind::Input,
        Error::Io { .. }
        | Error::Manifest { .. }
        | Error::OtherConfiguration { .. }
        | Error::Output { .. } => ErrorKind::Store,
        Error::OutputInsideInput { .. } | Error::NoImages { .. } | Error::NumpySeed { .. } => {
            ErrorKind::Input
        }
        _ => ErrorKind::Work,
    }
}

/// One line of how far it is, with the time that is left.
fn show(display: &mut Display, progress: Progress) {
    if !display.is_due() {
        return;
    }
    let Progress {
        done,
        total,
        bad,
        results,
        results_total,
        made,
        ..
    } = progress;
    // By the results that this run has made: those that it found cost nothing.
    let left = display.left(made as u64, (results_total - results) as u64);
    let unusable = if bad > 0 {
        format!(", {bad} unusable")
    } else {
        String::new()
    };
    let text = format!(
        "{done} of {total} images, {results} of {results_total} results{unusable}, {left} left"
    );
    display.show(results as u64, results_total as u64, text);
}
