//! `striate saliency`: how maps over images agree with saliency maps.
//!
//! Invariant: maps are matched by the ids of their images and compared in their own size;
//! nothing is resized.

mod maps;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;
use striate_saliency::metrics::{Comparison, centre_distance, compare, rms_contrast};
use striate_saliency::{Density, Map, SMOOTHING_PX};

use self::maps::Maps;
use crate::input::{self, Error, Result};

/// Compares maps over images, e.g. of where a network is sensitive, with saliency maps.
///
/// Maps are gray PNG files in a folder, named after their images, or a .npz file: one
/// array of images x height x width (FILE.npz:NAME, with `ids` if there), or one array of
/// height x width for each image. Each is divided by its sum; a partial correlation takes
/// out the distance from the centre, and with --images the local contrast.
#[derive(clap::Args)]
pub struct Arguments {
    /// The saliency maps, e.g. DeepGaze's.
    reference: PathBuf,
    /// Maps to compare with them, of the same images in the same size.
    #[arg(required = true, num_args = 1..)]
    files: Vec<PathBuf>,
    /// The saliency maps are logarithms of densities, as DeepGaze gives them.
    #[arg(long)]
    log_density: bool,
    /// The images themselves, gray, as maps are given: their local contrast is taken out.
    #[arg(long, value_name = "PATH")]
    images: Option<PathBuf>,
    /// Print JSON, with the values of each image, instead of a table.
    #[arg(long)]
    json: bool,
}

/// One file against the saliency maps.
#[derive(Serialize)]
struct Agreement {
    file: String,
    name: String,
    /// By the name of the metric.
    means: Vec<(&'static str, Mean)>,
    /// By the image's id.
    images: BTreeMap<String, Comparison>,
}

/// Over images.
#[derive(Clone, Copy, Serialize)]
struct Mean {
    value: f64,
    /// Of the mean.
    standard_error: f64,
    images: usize,
}

/// The metrics, and where they stand in a comparison.
type Metric = (&'static str, fn(&Comparison) -> Option<f64>);

const METRICS: [Metric; 10] = [
    ("CC", |c| Some(c.correlation)),
    ("CC with another image's map", |c| {
        Some(c.correlation_shuffled)
    }),
    ("partial CC", |c| Some(c.partial_correlation)),
    ("Spearman", |c| Some(c.spearman)),
    ("SIM", |c| Some(c.similarity)),
    ("KL (nats)", |c| Some(c.kl_divergence)),
    ("AUC", |c| Some(c.auc_judd)),
    ("shuffled AUC", |c| c.auc_shuffled),
    ("NSS", |c| Some(c.nss)),
    ("information gain (bits)", |c| Some(c.information_gain)),
];

/// Runs the command and gives its exit code.
pub fn run(arguments: &Arguments) -> ExitCode {
    match saliency(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => input::report(&error),
    }
}

fn saliency(arguments: &Arguments) -> Result<()> {
    let reference = Maps::open(&arguments.reference)?;
    let images = arguments.images.as_ref().map(|path| Maps::open(path));
    let images = images.transpose()?;
    if let Some(images) = &images {
        reference.check(images)?;
    }
    let densities = densities(&reference, arguments.log_density)?;
    let mut found = Vec::new();
    for path in &arguments.files {
        let maps = Maps::open(path)?;
        reference.check(&maps)?;
        found.push(agreement(&reference, &densities, &maps, images.as_ref())?);
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&found)?);
    } else {
        print!("{}", text(&reference, &found));
    }
    Ok(())
}

/// The maps as densities, in the order of their ids.
fn densities(maps: &Maps, logarithms: bool) -> Result<Vec<Density>> {
    let density = |(id, map): (&String, &Map)| {
        let density = match logarithms {
            true => Density::from_log_probabilities(map),
            false => map.to_density(),
        };
        density.map_err(|e| Error::saliency(maps.place(id), e))
    };
    maps.maps.iter().map(density).collect()
}

fn agreement(
    reference: &Maps,
    saliency: &[Density],
    maps: &Maps,
    images: Option<&Maps>,
) -> Result<Agreement> {
    let own = densities(maps, false)?;
    let mut found = BTreeMap::new();
    for (i, (id, map)) in maps.maps.iter().enumerate() {
        let (height, width) = (map.height(), map.width());
        let one = || -> striate_saliency::Result<Option<Comparison>> {
            let mut controls = vec![centre_distance(height, width)?];
            if let Some(image) = images.and_then(|images| images.maps.get(id)) {
                let pixels: Vec<f32> = image.values().iter().map(|v| *v as f32).collect();
                controls.push(rms_contrast(&pixels, height, width, SMOOTHING_PX)?);
            }
            let controls: Vec<&Map> = controls.iter().collect();
            match other(saliency, i) {
                Some(other) => compare(&own[i], &saliency[i], other, &controls).map(Some),
                None => Ok(None),
            }
        };
        let place = || format!("{} and {}", reference.file, maps.place(id));
        let comparison = one().map_err(|e| Error::saliency(place(), e))?;
        let comparison = comparison.ok_or_else(|| {
            let expected = format!("a second map of {height} x {width}, to shuffle with");
            Error::content(&reference.file, expected, "none")
        })?;
        found.insert(id.clone(), comparison);
    }
    let means = METRICS.iter().filter_map(|(name, value)| {
        let values: Vec<f64> = found.values().filter_map(value).collect();
        Some((*name, mean(&values)?))
    });
    Ok(Agreement {
        file: maps.file.clone(),
        name: maps.name.clone(),
        means: means.collect(),
        images: found,
    })
}

/// The saliency map of another image of the same size, half the set further on or the
/// next one after that.
fn other(saliency: &[Density], place: usize) -> Option<&Density> {
    let count = saliency.len();
    let size = |density: &Density| (density.map().height(), density.map().width());
    let wanted = size(&saliency[place]);
    let further = (0..count).map(|k| (place + count / 2 + k) % count);
    let mut others = further.filter(|k| *k != place).map(|k| &saliency[k]);
    others.find(|other| size(other) == wanted)
}

/// None without values.
fn mean(values: &[f64]) -> Option<Mean> {
    let count = values.len() as f64;
    let value = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|v| (v - value).powi(2)).sum();
    (!values.is_empty()).then_some(Mean {
        value,
        standard_error: (squares / (count - 1.0).max(1.0) / count).sqrt(),
        images: values.len(),
    })
}

fn text(reference: &Maps, found: &[Agreement]) -> String {
    let mut out = format!(
        "{} images, against {}\n",
        reference.maps.len(),
        reference.file
    );
    for agreement in found {
        let _ = writeln!(out, "\n{}", agreement.file);
        for (name, mean) in &agreement.means {
            let _ = write!(
                out,
                "  {name:28}{:9.4}  s.e. {:.4}",
                mean.value, mean.standard_error
            );
            if mean.images < reference.maps.len() {
                let _ = write!(out, "  (of {} images)", mean.images);
            }
            out.push('\n');
        }
    }
    out
}
