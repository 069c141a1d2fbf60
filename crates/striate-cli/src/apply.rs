//! `striate evaluate` and `striate predict`: a trained network on anybody's images.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use striate_corruptions::{Corruption, Severity, Table};
use striate_data::array::{Array, Values, write_npz};
use striate_data::inspect::Source;
use striate_data::{ImageSet, ResizeCrop};
use striate_run::{DeviceKind, Error, TrainedNetwork, open_device};

use crate::attack::Attacks;
use crate::{failure, interrupt};

/// A network and the images it is to see.
#[derive(clap::Args)]
pub struct Subject {
    /// A file that `striate train` wrote, or a network of PyTorch (docs/torch.md).
    network: PathBuf,
    /// Labelled images in any layout that `striate data inspect` knows: class folders
    /// or TinyImageNet (folder, tar, zip), Hugging Face parquet, npz.
    #[arg(long)]
    images: PathBuf,
    /// The part of the images [default: validation, or the only one].
    #[arg(long)]
    part: Option<String>,
    /// Resize the images' shorter side to so many pixels, then cut out the centre in the
    /// network's size, as torchvision does [default: the images have that size].
    #[arg(long, value_name = "PX")]
    resize: Option<usize>,
    /// Where to compute.
    #[arg(long, default_value = "cpu")]
    device: DeviceKind,
}

#[derive(clap::Args)]
pub struct Evaluate {
    #[command(flatten)]
    subject: Subject,
    /// Corruptions beside the clean images: names with commas between them, or all
    /// (19), common (15), study (14), extra (4); each at severities 1 to 5.
    #[arg(long, value_name = "NAMES")]
    corruption: Option<String>,
    /// Their constants: imagecorruptions, tiny-imagenet-c or cifar-c.
    #[arg(long, default_value_t = Table::ImageCorruptions)]
    table: Table,
    /// The seed of the random numbers of corruptions and attacks.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    attacks: Attacks,
}

#[derive(clap::Args)]
pub struct Predict {
    #[command(flatten)]
    subject: Subject,
    /// The npz file: ids, labels, class_names, logits [images, classes] (not of the V1
    /// model) and, of a network with readouts, responses [images, neurons]; of a network of
    /// PyTorch all that it gives, each under its name.
    #[arg(long)]
    out: PathBuf,
}

impl Subject {
    /// Reads the network, and the images with labels in the order of its classes.
    pub fn open(&self) -> Result<(TrainedNetwork, ImageSet), Error> {
        let network = TrainedNetwork::open(&self.network, &open_device(self.device))?;
        let fit = match (self.resize, network.input_size()) {
            (None, _) => None,
            (Some(resize_px), (crop_px, width)) if crop_px == width => {
                Some(ResizeCrop { resize_px, crop_px })
            }
            (Some(_), (height, width)) => {
                return Err(Error::Tensor {
                    name: "images".to_owned(),
                    problem: format!(
                        "cannot be cut to {height} x {width} px: --resize makes squares"
                    ),
                });
            }
        };
        let source = Source::detect(&self.images)?.with_fit(fit);
        let parts = source.image_parts();
        let usual = || parts.iter().find(|part| *part == "validation");
        let part = match (&self.part, &parts[..]) {
            (Some(part), _) => part.clone(),
            (None, [only]) => only.clone(),
            (None, _) => usual().cloned().unwrap_or_default(),
        };
        let set = network.fit_labels(source.image_set(&part)?)?;
        Ok((network, set))
    }
}

/// Prints accuracies as CSV, each row as soon as it is known.
///
/// Columns: corruption (or `clean`), severity (0 for clean images), accuracy, correct,
/// images; with attacks also attack, epsilon (0 for the images as they are),
/// median_distance (of boundary: the median L2 norm of the smallest change found for
/// images that are classified correctly) and zero_gradients (of the others: the share
/// of these images that had no gradient somewhere).
pub fn evaluate(arguments: &Evaluate) -> Result<ExitCode, Error> {
    let stop = interrupt::flag();
    let mut conditions = vec![None];
    if let Some(list) = &arguments.corruption {
        for corruption in Corruption::select(list)? {
            let severities = Severity::ALL.into_iter();
            conditions.extend(severities.map(|s| Some((corruption, s, arguments.table))));
        }
    }
    let (network, set) = arguments.subject.open()?;
    let (columns, empty) = match arguments.attacks.any() {
        true => (",attack,epsilon,median_distance,zero_gradients", ",,,,"),
        false => ("", ""),
    };
    println!("corruption,severity,accuracy,correct,images{columns}");
    for condition in conditions {
        if stop.is_raised() {
            return Ok(failure::interrupted());
        }
        let correct = network.correct(&set, condition, arguments.seed)?;
        let (name, severity) = match condition {
            None => ("clean", 0),
            Some((corruption, severity, _)) => (corruption.name(), severity.get()),
        };
        let (images, share) = (set.len(), correct as f64 / set.len().max(1) as f64);
        println!("{name},{severity},{share},{correct},{images}{empty}");
    }
    let attacks = &arguments.attacks;
    if !attacks.run(&network, &set, arguments.seed, &stop)? {
        return Ok(failure::interrupted());
    }
    Ok(ExitCode::SUCCESS)
}

/// Class scores, responses and whatever else a network gives for every image, in one npz file.
pub fn predict(arguments: &Predict) -> Result<ExitCode, Error> {
    let (network, set) = arguments.subject.open()?;
    let count = set.len();
    let labels = set.labels.iter().map(|l| i64::from(*l)).collect();
    let mut arrays = BTreeMap::from([
        (
            "labels".to_owned(),
            Array::new(vec![count], Values::I64(labels))?,
        ),
        (
            "class_names".to_owned(),
            Array::new(vec![set.classes()], Values::Text(set.class_names.clone()))?,
        ),
        (
            "ids".to_owned(),
            Array::new(vec![count], Values::Text(set.ids.clone()))?,
        ),
    ]);
    for output in network.outputs(&set.images)? {
        let shape = [&[count], &output.shape[..]].concat();
        let array = Array::new(shape, Values::F32(output.values))?;
        if arrays.insert(output.name.clone(), array).is_some() {
            return Err(Error::Tensor {
                name: output.name,
                problem: "cannot be written: the images' own array bears this name".to_owned(),
            });
        }
    }
    write_npz(&arguments.out, &arrays)?;
    println!("{count} images, {}", arguments.out.display());
    Ok(ExitCode::SUCCESS)
}
