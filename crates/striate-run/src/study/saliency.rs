//! Where the shared layers are sensitive, against where images are salient. Invariant:
//! every sensitivity map is compared with every saliency map of the same images.

use std::ops::ControlFlow;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use striate_models::VggConfig;
use striate_random::Seed;
use striate_reconstruct::ReconstructConfig;
use striate_saliency::metrics::{self, Comparison};
use striate_saliency::{
    CentreSurroundConfig, Density, Map, SensitivityMap, SpectralResidualConfig, centre_bias,
    centre_surround, spectral_residual,
};

use super::benchmark::{inputs, spread};
use super::dataset::Dataset;
use super::network::{BATCH, Network};
use super::sensitivity::{SENSITIVITIES, Subject, map_sensitivity};
use super::tensors::{TensorFile, Tensors};
use crate::Result;
use crate::engine::{Estimate, Finished, Status, StepContext, Task};
use crate::recipe::SaliencyConfig;

const FOUND: &str = "saliency.json";
const MAPS: &str = "maps.safetensors";

/// Standard deviation of the centre bias as a share of the image's side.
const CENTRE_SIGMA: f64 = 0.25;

/// The saliency maps, the first one in every picture and table.
pub(crate) const REFERENCES: [&str; 3] = ["spectral residual", "centre-surround", "centre bias"];

/// The place of the centre bias among them.
pub(crate) const CENTRE_BIAS: usize = 2;

/// Maps the sensitivity of the shared layers on test images, and compares.
#[derive(Serialize)]
pub(crate) struct MapSensitivity {
    pub(crate) network: VggConfig,
    pub(crate) config: SaliencyConfig,
    /// Of the reconstructions whose energy is a sensitivity map.
    pub(crate) optimiser: ReconstructConfig,
    pub(crate) seed: u64,
}

/// What the step found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SaliencyFound {
    pub(crate) images: usize,
    /// Split-half reliability of each sensitivity map, mean over images.
    pub(crate) reliability: Vec<Option<f64>>,
    pub(crate) pairs: Vec<PairFound>,
}

/// One sensitivity map against one saliency map.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PairFound {
    /// Places in [`SENSITIVITIES`] and [`REFERENCES`].
    pub(crate) sensitivity: usize,
    pub(crate) reference: usize,
    /// One for each image.
    pub(crate) comparisons: Vec<Comparison>,
}

impl Task for MapSensitivity {
    const KIND: &'static str = "saliency";
    const VERSION: u32 = 2;

    fn estimate(&self) -> Estimate {
        let images = self.config.images as f64;
        // One forward and one backward pass for each vector and each step of a
        // reconstruction (about half of them), one forward pass for each window.
        let steps = (self.config.restarts * self.optimiser.mode.max_steps()) as f64 / 2.0;
        let windows = (self.network.input_size as f64 / 4.0).powi(2);
        let passes = 2.0 * (self.config.vectors as f64 + steps) + windows;
        Estimate {
            operations: images * passes * super::cost::shared(&self.network),
            seconds: 1.0,
            memory_bytes: 200 << 20,
            disk_bytes: 1 << 20,
        }
    }

    fn run(&self, cx: &mut StepContext<'_>) -> Result<Status> {
        let data = Dataset::open(cx.input("data")?)?;
        let network = Network::open(&self.network, cx.input("model")?, cx.device())?;
        let set = spread(&data.test, self.config.images)?;
        let pixels = inputs(&set.images, &data.preprocess())?;
        let (count, size) = (set.len(), network.input_size());
        let images = Tensor::from_slice(&pixels, (count, size, size, 1), cx.device())?;
        let Some(maps) = self.sensitivities(&network, &images, &set.labels, cx)? else {
            return Ok(Status::Interrupted);
        };
        let saliency = references(&pixels, count, size)?;
        let pairs = compare(&maps, &saliency, &pixels, size, self.config.smoothing_px)?;
        let mean = |values: Vec<f64>| {
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        let reliability = maps
            .iter()
            .map(|maps| mean(maps.iter().filter_map(|m| m.reliability).collect()))
            .collect();
        let flat = |densities: Vec<&Density>| -> Vec<f32> {
            let values = densities.iter().flat_map(|d| d.values());
            values.map(|v| *v as f32).collect()
        };
        let mut tensors = Tensors::default();
        let shape = [count, size, size];
        tensors.f32("images", &shape, &pixels);
        let densities = maps[0].iter().map(|m| &m.density).collect();
        tensors.f32("sensitivity", &shape, &flat(densities));
        tensors.f32("saliency", &shape, &flat(saliency[0].iter().collect()));
        tensors.write(&cx.file(MAPS))?;
        cx.write_json(
            FOUND,
            &SaliencyFound {
                images: count,
                reliability,
                pairs,
            },
        )?;
        Ok(Status::Done)
    }
}

impl MapSensitivity {
    /// The maps of all images in the order of [`SENSITIVITIES`]; `None` if interrupted.
    fn sensitivities(
        &self,
        network: &Network,
        images: &Tensor,
        labels: &[u32],
        cx: &mut StepContext<'_>,
    ) -> Result<Option<Vec<Vec<SensitivityMap>>>> {
        let subject = Subject {
            features: &|x| network.features_of(x),
            logits: &|x| network.logits_of(x),
            images,
            labels,
            batch: BATCH,
        };
        let stop = cx.stop_flag();
        let (count, seed) = (SENSITIVITIES.len() as f64, Seed::new(self.seed));
        let mut maps = Vec::new();
        for (k, kind) in SENSITIVITIES.into_iter().enumerate() {
            let mut observer = |share: f64| {
                cx.progress((k as f64 + share) / count, kind.name());
                match stop.is_raised() {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            };
            let (config, optimiser) = (&self.config, &self.optimiser);
            let found = map_sensitivity(kind, &subject, config, optimiser, &seed, &mut observer)?;
            match found {
                Some(found) => maps.push(found),
                None => return Ok(None),
            }
        }
        Ok(Some(maps))
    }
}

/// The saliency maps of all images in the order of [`REFERENCES`].
fn references(pixels: &[f32], count: usize, size: usize) -> Result<[Vec<Density>; 3]> {
    let image = |i: usize| &pixels[i * size * size..(i + 1) * size * size];
    let residual = |i: usize| -> Result<Density> {
        let map = Map::from_f32(size, size, image(i))?;
        Ok(spectral_residual(&map, &SpectralResidualConfig::default())?.density)
    };
    let surround = |i: usize| -> Result<Density> {
        let config = CentreSurroundConfig::default();
        Ok(centre_surround(image(i), size, size, &config)?.density)
    };
    let centre = centre_bias(size, size, CENTRE_SIGMA)?.density;
    Ok([
        (0..count).map(residual).collect::<Result<_>>()?,
        (0..count).map(surround).collect::<Result<_>>()?,
        vec![centre; count],
    ])
}

/// Every sensitivity map against every saliency map.
fn compare(
    maps: &[Vec<SensitivityMap>],
    saliency: &[Vec<Density>; 3],
    pixels: &[f32],
    size: usize,
    smoothing_px: f64,
) -> Result<Vec<PairFound>> {
    let distance = metrics::centre_distance(size, size)?;
    let contrast = |i: usize| {
        let image = &pixels[i * size * size..(i + 1) * size * size];
        metrics::rms_contrast(image, size, size, smoothing_px)
    };
    let count = saliency[0].len();
    let contrasts: Vec<Map> = (0..count)
        .map(contrast)
        .collect::<striate_saliency::Result<_>>()?;
    let mut pairs = Vec::new();
    for (sensitivity, maps) in maps.iter().enumerate() {
        for (reference, saliency) in saliency.iter().enumerate() {
            let comparison = |i: usize| {
                // The centre bias is a function of the distance: given that, nothing of
                // it is left.
                let both = [&contrasts[i], &distance];
                let controls = match reference {
                    CENTRE_BIAS => &both[..1],
                    _ => &both[..],
                };
                let other = &saliency[(i + count / 2) % count];
                metrics::compare(&maps[i].density, &saliency[i], other, controls)
            };
            pairs.push(PairFound {
                sensitivity,
                reference,
                comparisons: (0..count)
                    .map(comparison)
                    .collect::<striate_saliency::Result<_>>()?,
            });
        }
    }
    Ok(pairs)
}

impl MapSensitivity {
    /// Reads the numbers.
    pub(crate) fn open(step: &Finished) -> Result<SaliencyFound> {
        step.json(FOUND)
    }

    /// Reads the maps.
    pub(crate) fn maps(step: &Finished) -> Result<Maps> {
        let tensors = TensorFile::read(&step.file(MAPS))?;
        let (shape, images) = tensors.get_f32("images")?;
        Ok(Maps {
            size: shape[1],
            images,
            saliency: tensors.get_f32("saliency")?.1,
            sensitivity: tensors.get_f32("sensitivity")?.1,
        })
    }
}

/// The maps of a step, one after the other.
pub(crate) struct Maps {
    /// Height and width.
    pub(crate) size: usize,
    images: Vec<f32>,
    saliency: Vec<f32>,
    sensitivity: Vec<f32>,
}

impl Maps {
    fn one<'a>(&self, values: &'a [f32], i: usize) -> &'a [f32] {
        let len = self.size * self.size;
        &values[i * len..(i + 1) * len]
    }

    /// An image, in normalised pixel space.
    pub(crate) fn image(&self, i: usize) -> &[f32] {
        self.one(&self.images, i)
    }

    /// Its saliency map.
    pub(crate) fn saliency(&self, i: usize) -> &[f32] {
        self.one(&self.saliency, i)
    }

    /// Its sensitivity map.
    pub(crate) fn sensitivity(&self, i: usize) -> &[f32] {
        self.one(&self.sensitivity, i)
    }
}
