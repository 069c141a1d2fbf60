//! `striate data convert`: one form of a data set into another. Invariant: nothing that
//! exists is written over unless asked for, and each file is written whole or not at all.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use striate_data::Recording;
use striate_data::inspect::{InspectConfig, Source};

#[derive(clap::Args)]
pub struct Arguments {
    /// The file, folder or archive to read.
    input: PathBuf,
    /// A file that ends in .npz or .parquet; or a folder, for several recordings.
    output: PathBuf,
    /// Only this part: train, test, validation, all, or a corruption and its severity.
    #[arg(long)]
    part: Option<String>,
    /// Only this session.
    #[arg(long)]
    session: Option<String>,
    /// Convert the images rather than the recordings, where there are both.
    #[arg(long)]
    images: bool,
    /// What the files in a folder are.
    #[arg(long, value_enum, default_value_t = Form::Npz)]
    format: Form,
    /// Sum so many time bins of session recordings.
    #[arg(long, default_value_t = 12)]
    time_bins: usize,
    /// Write over files that exist.
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    Npz,
    Parquet,
}

impl Form {
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "npz" => Some(Self::Npz),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Npz => "npz",
            Self::Parquet => "parquet",
        }
    }
}

type Error = Box<dyn std::error::Error>;

pub fn run(arguments: &Arguments) -> Result<String, Error> {
    let source = Source::detect(&arguments.input)?;
    let mut config = InspectConfig::default();
    config.session.time_bins = arguments.time_bins;
    let recordings = if arguments.images {
        Vec::new()
    } else {
        source.recordings(&config)?
    };
    if recordings.is_empty() {
        return images(&source, arguments);
    }
    let all: Vec<String> = recordings.iter().map(name_of).collect();
    let wanted: Vec<_> = recordings
        .into_iter()
        .filter(|(part, _)| arguments.part.as_deref().is_none_or(|p| p == *part))
        .filter(|(_, r)| arguments.session.as_ref().is_none_or(|s| *s == r.session))
        .collect();
    if wanted.is_empty() {
        let place = arguments.input.display();
        let all = all.join(", ");
        return Err(format!("{place}: expected one of [{all}], found no such part").into());
    }
    let mut out = String::new();
    match (Form::of(&arguments.output), wanted.as_slice()) {
        (Some(form), [one]) => write(&one.1, &arguments.output, form, arguments.force, &mut out)?,
        (Some(_), several) => {
            let names: Vec<String> = several.iter().map(name_of).collect();
            return Err(format!(
                "{}: expected a folder for {} recordings (or --part and --session for one), \
                 found the name of a file; there are [{}]",
                arguments.output.display(),
                several.len(),
                names.join(", ")
            )
            .into());
        }
        (None, several) => {
            std::fs::create_dir_all(&arguments.output)
                .map_err(|e| format!("{}: {e}", arguments.output.display()))?;
            for one in several {
                let file = format!("{}.{}", name_of(one), arguments.format.ending());
                let path = arguments.output.join(file);
                write(&one.1, &path, arguments.format, arguments.force, &mut out)?;
            }
        }
    }
    Ok(out)
}

/// Session and part, as the name of a file.
fn name_of((part, recording): &(&'static str, Recording)) -> String {
    let plain = |c: char| {
        if c.is_alphanumeric() || c == '.' {
            c
        } else {
            '_'
        }
    };
    let session: String = recording.session.chars().map(plain).collect();
    format!("{session}-{part}")
}

fn may_write(path: &Path, force: bool) -> Result<(), Error> {
    if path.exists() && !force {
        let place = path.display();
        return Err(format!("{place}: expected no such file (or --force), found one").into());
    }
    Ok(())
}

fn write(
    recording: &Recording,
    path: &Path,
    form: Form,
    force: bool,
    out: &mut String,
) -> Result<(), Error> {
    may_write(path, force)?;
    match form {
        Form::Npz => recording.write_npz(path)?,
        Form::Parquet => recording.write_parquet(path)?,
    }
    let _ = writeln!(
        out,
        "{}: {} trials of {} neurons",
        path.display(),
        recording.trials(),
        recording.neurons
    );
    Ok(())
}

fn images(source: &Source, arguments: &Arguments) -> Result<String, Error> {
    let parts = source.image_parts();
    let part = match (&arguments.part, parts.as_slice()) {
        (Some(part), _) => part,
        (None, [one]) => one,
        (None, several) => {
            let (place, several) = (arguments.input.display(), several.join(", "));
            return Err(format!("{place}: expected --part, one of [{several}], found none").into());
        }
    };
    if Form::of(&arguments.output) != Some(Form::Npz) {
        let place = arguments.output.display();
        return Err(format!("{place}: expected a name that ends in .npz for images").into());
    }
    may_write(&arguments.output, arguments.force)?;
    let set = source.image_set(part)?;
    set.write_npz(&arguments.output)?;
    let (place, images) = (arguments.output.display(), &set.images);
    Ok(format!(
        "{place}: {} images of {} x {} pixels in {} classes\n",
        set.len(),
        images.height,
        images.width,
        set.classes()
    ))
}
