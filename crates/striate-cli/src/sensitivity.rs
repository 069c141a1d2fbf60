//! `striate sensitivity`: where a trained network is sensitive in anybody's images.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use striate_data::array::{Array, Values, write_npz};
use striate_data::{Images, Normalize, Preprocess};
use striate_run::{Error, SaliencyConfig, SensitivityGoal, spread};
use striate_saliency::Sensitivity;

use crate::apply::Subject;
use crate::display::Display;
use crate::{failure, interrupt};

/// The npz file holds `ids`, the images in gray (`gray`, 0 to 1) and a density for each
/// kind of map, all of images x height x width: `striate saliency REFERENCE
/// maps.npz:jacobian_energy --images maps.npz:gray` compares one with saliency maps.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// Kinds of maps, with commas between them [default: all].
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    map: Vec<Kind>,
    /// Of a network of PyTorch: the output whose features count; of one that was trained here
    /// they are those of the shared layers.
    #[arg(long, default_value = "logits")]
    output: String,
    /// Map at most so many images, spread evenly over the set [default: all].
    #[arg(long, value_name = "IMAGES")]
    limit: Option<usize>,
    /// Random vectors of the Jacobian energy, an even number.
    #[arg(long, default_value_t = 32)]
    vectors: usize,
    /// Budget of the reconstructions, as a fraction of the image's norm.
    #[arg(long, default_value_t = 0.1)]
    budget: f64,
    /// Reconstructions of each image.
    #[arg(long, default_value_t = 2)]
    restarts: usize,
    /// Steps of a reconstruction at most.
    #[arg(long, default_value_t = 500)]
    steps: usize,
    /// Standard deviation of the maps' smoothing in pixels.
    #[arg(long, default_value_t = 2.0)]
    smoothing: f64,
    /// The seed of vectors and starts.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The npz file.
    #[arg(long)]
    out: PathBuf,
}

/// How sensitivity is measured.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Kind {
    /// Squared derivatives of the features with respect to each pixel.
    JacobianEnergy,
    /// Local energy of reconstructions under a small contrast budget.
    ReconstructionEnergy,
    /// Change of the features when the local contrast is halved.
    ContrastChange,
    /// Absolute gradient of the right class's score.
    ClassGradient,
}

impl Kind {
    const ALL: [Self; 4] = [
        Self::JacobianEnergy,
        Self::ReconstructionEnergy,
        Self::ContrastChange,
        Self::ClassGradient,
    ];

    fn measure(self) -> (&'static str, Sensitivity) {
        match self {
            Self::JacobianEnergy => ("jacobian_energy", Sensitivity::JacobianEnergy),
            Self::ReconstructionEnergy => {
                ("reconstruction_energy", Sensitivity::ReconstructionEnergy)
            }
            Self::ContrastChange => ("contrast_change", Sensitivity::ContrastChange),
            Self::ClassGradient => ("class_gradient", Sensitivity::ClassGradient),
        }
    }
}

/// Maps the images, and prints how reliable each kind of map is.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Error> {
    let stop = interrupt::flag();
    let (network, set) = arguments.subject.open()?;
    let set = spread(&set, arguments.limit.unwrap_or(0))?;
    let (count, height, width) = (set.len(), set.images.height, set.images.width);
    let config = SaliencyConfig {
        images: count,
        vectors: arguments.vectors,
        smoothing_px: arguments.smoothing,
        budget: arguments.budget,
        restarts: arguments.restarts,
    };
    let stack = |values| Array::new(vec![count, height, width], Values::F32(values));
    let ids = Array::new(vec![count], Values::Text(set.ids.clone()))?;
    let mut arrays = BTreeMap::from([
        ("ids".to_owned(), ids),
        ("gray".to_owned(), stack(gray(&set.images)?)?),
    ]);
    let kinds = match arguments.map.as_slice() {
        [] => &Kind::ALL,
        some => some,
    };
    let mut said = Vec::new();
    for kind in kinds {
        let (name, measure) = kind.measure();
        let goal = SensitivityGoal {
            kind: measure,
            output: &arguments.output,
            config: &config,
            steps: arguments.steps,
            seed: arguments.seed,
        };
        let mut display = Display::new(false);
        let mut observer = |share: f64| {
            if display.is_due() {
                let done = (1000.0 * share) as u64;
                let left = display.left(done, 1000 - done.min(1000));
                let text = format!("{}: at most {left:#} left", measure.name());
                display.show(done, 1000, text);
            }
            match stop.is_raised() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        let maps = network.sensitivity(&set, &goal, &mut observer);
        display.clear();
        let Some(maps) = maps? else {
            return Ok(failure::interrupted());
        };
        let values = maps.iter().flat_map(|map| map.density.values());
        arrays.insert(name.to_owned(), stack(values.map(|v| *v as f32).collect())?);
        let reliable: Vec<f64> = maps.iter().filter_map(|map| map.reliability).collect();
        let mean = reliable.iter().sum::<f64>() / reliable.len() as f64;
        said.push(match reliable.is_empty() {
            true => format!("{name}: not random"),
            false => format!("{name}: split-half reliability {mean:.3}"),
        });
    }
    write_npz(&arguments.out, &arrays)?;
    println!("{count} images, {}", arguments.out.display());
    said.iter().for_each(|line| println!("{line}"));
    Ok(ExitCode::SUCCESS)
}

/// Images in gray from 0 to 1.
fn gray(images: &Images) -> Result<Vec<f32>, Error> {
    let preprocess = Preprocess {
        gray: true,
        normalize: Normalize {
            mean: vec![0.0],
            std: vec![1.0],
        },
    };
    let mut gray = vec![0.0; images.count * images.height * images.width];
    let pixels = gray.chunks_exact_mut(images.height * images.width);
    for (i, pixels) in pixels.enumerate() {
        preprocess.apply(images.get(i), images.channels, pixels)?;
    }
    Ok(gray)
}
