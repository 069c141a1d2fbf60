//! `striate fetch`: a public data set, into the shared cache.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use indicatif::DecimalBytes;
use striate_fetch::{
    Error, Fault, FetchConfig, FetchReport, Lock, Manifest, Progress, Source, fetch,
};
use striate_run::ErrorKind;

use crate::display::Display;
use crate::{failure, interrupt};

#[derive(clap::Args)]
#[command(after_help = "\
Files go to STRIATE_CACHE, else to striate/ in the cache folder of the user, one folder for each
data set; fetch-lock.json in it records their SHA-256. A fetch that was interrupted goes on when
the same command is given again. Standard output has the paths of the files alone. For gated data,
set HF_TOKEN or log in with the Hub's own tool; HF_ENDPOINT and HF_HUB_OFFLINE are heard.")]
pub struct Arguments {
    /// The name of a data set (see --list), or a manifest of your own that ends with .toml.
    #[arg(required_unless_present = "list")]
    name: Option<String>,
    /// List the data sets that are known.
    #[arg(long, conflicts_with_all = ["name", "only", "verify", "update"])]
    list: bool,
    /// Only files whose names fit; * stands for any characters.
    #[arg(long, value_name = "PATTERN")]
    only: Option<String>,
    /// Use what is in the cache, and no network.
    #[arg(long)]
    offline: bool,
    /// Read the files that are there again, and check them.
    #[arg(long)]
    verify: bool,
    /// Ask for the newest revision, rather than the one that the first fetch recorded.
    #[arg(long, conflicts_with = "offline")]
    update: bool,
    /// The folder of all data sets.
    #[arg(long, value_name = "FOLDER")]
    cache: Option<PathBuf>,
    /// Files that are loaded at the same time.
    #[arg(long, value_name = "N", default_value = "4")]
    connections: NonZeroUsize,
    /// Say nothing but the licence and what went wrong.
    #[arg(long)]
    quiet: bool,
}

pub fn run(arguments: &Arguments) -> ExitCode {
    match try_run(arguments) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(Error::Stopped) => {
            eprintln!("striate: {}", Error::Stopped);
            failure::interrupted()
        }
        Err(error) => failure::report_as(
            &error,
            match error.fault() {
                Fault::Input => ErrorKind::Input,
                Fault::Store => ErrorKind::Store,
                Fault::Remote => ErrorKind::Work,
            },
        ),
    }
}

fn try_run(arguments: &Arguments) -> Result<String, Error> {
    let mut config = FetchConfig::from_environment(arguments.cache.clone())?;
    let Some(name) = &arguments.name else {
        return list(&config);
    };
    config.offline |= arguments.offline;
    config.only.clone_from(&arguments.only);
    config.verify = arguments.verify;
    config.update = arguments.update;
    config.connections = arguments.connections.get();
    let manifest = Manifest::load(name)?;
    eprint!("{}", describe(&manifest));
    let stop = interrupt::flag();
    let mut display = Display::new(arguments.quiet);
    let report = fetch(
        &manifest,
        &config,
        &mut |progress| show(&mut display, progress),
        &|| stop.is_raised(),
    );
    display.clear();
    let report = report?;
    if !arguments.quiet {
        eprintln!("{}", summary(&report));
    }
    let paths = report.files.iter();
    Ok(paths.map(|f| format!("{}\n", f.path.display())).collect())
}

/// What the data are, and under which terms they may be used.
fn describe(manifest: &Manifest) -> String {
    let Manifest {
        title,
        licence,
        citation,
        page,
        notes,
        ..
    } = manifest;
    let mut text =
        format!("{title}\n  licence: {licence}\n  cite:    {citation}\n  page:    {page}\n");
    if let Some(notes) = notes {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  notes:   {notes}");
    }
    text
}

fn show(display: &mut Display, progress: &Progress) {
    if !display.is_due() {
        return;
    }
    let Progress {
        files,
        files_total,
        bytes,
        bytes_total,
        bytes_loaded,
    } = *progress;
    let mut text = format!("{files} of {files_total} files, {}", DecimalBytes(bytes));
    let known = bytes_total.filter(|total| *total > 0);
    if let Some(total) = known {
        let left = total.saturating_sub(bytes);
        let time = display.left(bytes_loaded, left);
        let unknown = bytes_loaded == 0 && left > 0;
        let time = if unknown {
            "? ".to_owned()
        } else {
            time.to_string()
        };
        text += &format!(" of {}, {time} left", DecimalBytes(total));
    }
    display.show(bytes, known.unwrap_or(bytes.max(1)), text);
}

fn summary(report: &FetchReport) -> String {
    let files = report.files.len();
    let fresh = report.files.iter().filter(|f| f.fresh).count();
    let unpublished = report
        .files
        .iter()
        .filter(|f| !f.published_checksum)
        .count();
    let bytes: u64 = report.files.iter().map(|f| f.size).sum();
    let mut text = format!(
        "{files} files, {} ({fresh} loaded now, {})",
        DecimalBytes(bytes),
        DecimalBytes(report.bytes_loaded)
    );
    if let Some(revision) = &report.revision {
        text += &format!(", revision {revision}");
    }
    if unpublished > 0 {
        text += &format!(
            "; {unpublished} without a published checksum: what came first is recorded, and \
            later fetches are compared with it"
        );
    }
    text
}

/// All data sets that are known, and which are in the cache.
fn list(config: &FetchConfig) -> Result<String, Error> {
    let mut text = String::new();
    for manifest in Manifest::catalogue()? {
        let lock = Lock::load(&config.cache.join(&manifest.name)).unwrap_or_default();
        let size = manifest.size().map(|size| DecimalBytes(size).to_string());
        let kind = match &manifest.source {
            Source::Manual(_) => "by hand".to_owned(),
            _ if manifest.gated => "gated".to_owned(),
            Source::Files(_) => size.unwrap_or_else(|| "size unknown".to_owned()),
            Source::Hub(_) => "Hugging Face".to_owned(),
            Source::Figshare(_) => "figshare".to_owned(),
        };
        let cached = match lock.files.len() {
            0 => String::new(),
            1 => ", 1 file in the cache".to_owned(),
            n => format!(", {n} files in the cache"),
        };
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{:22} {} ({kind}{cached})\n{:22} {}",
            manifest.name, manifest.title, "", manifest.licence
        );
    }
    let _ = writeln!(text, "cache: {}", config.cache.display());
    Ok(text)
}
