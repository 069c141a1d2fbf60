//! Where the shared layers are sensitive, against where images are salient.

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use striate_models::VggConfig;
use striate_random::Seed;
use striate_saliency::{
    JacobianConfig, Map, SpectralResidualConfig, jacobian_energy, metrics, spectral_residual,
};

use super::benchmark::{inputs, spread};
use super::dataset::Dataset;
use super::network::Network;
use super::tensors::{TensorFile, Tensors};
use crate::Result;
use crate::engine::{Estimate, Finished, Status, StepContext, Task};
use crate::recipe::SaliencyConfig;

const FOUND: &str = "saliency.json";
const MAPS: &str = "maps.safetensors";

/// Maps the sensitivity of the shared layers on test images, and compares.
#[derive(Serialize)]
pub(crate) struct MapSensitivity {
    pub(crate) network: VggConfig,
    pub(crate) config: SaliencyConfig,
    pub(crate) seed: u64,
}

/// What the step found, means over images.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SaliencyFound {
    pub(crate) images: usize,
    /// Split-half reliability of the sensitivity maps.
    pub(crate) reliability: f64,
    pub(crate) rows: Vec<MetricRow>,
}

/// One measure of agreement.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MetricRow {
    pub(crate) metric: String,
    pub(crate) value: f64,
    /// With the saliency map of another image.
    pub(crate) shuffled: Option<f64>,
}

impl Task for MapSensitivity {
    const KIND: &'static str = "saliency";
    const VERSION: u32 = 1;

    fn estimate(&self) -> Estimate {
        let passes = (self.config.images * self.config.vectors) as f64;
        Estimate {
            operations: passes * 2.0 * super::cost::shared(&self.network),
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
        let ids: Vec<u64> = (0..count as u64).collect();
        let config = JacobianConfig {
            vectors: self.config.vectors,
            smoothing_px: self.config.smoothing_px,
            ..JacobianConfig::default()
        };
        let function = |x: &Tensor| network.features_of(x);
        let seed = Seed::new(self.seed).child("sensitivity");
        let maps = jacobian_energy(&function, &images, &ids, &config, &seed)?;
        cx.progress(0.8, "saliency");
        let len = size * size;
        let saliency = (0..count)
            .map(|i| {
                let map = Map::from_f32(size, size, &pixels[i * len..(i + 1) * len])?;
                Ok(spectral_residual(&map, &SpectralResidualConfig::default())?.density)
            })
            .collect::<Result<Vec<_>>>()?;
        let distance = metrics::centre_distance(size, size)?;
        let mut found: Vec<metrics::Comparison> = Vec::new();
        for (i, map) in maps.iter().enumerate() {
            let contrast = metrics::rms_contrast(
                &pixels[i * len..(i + 1) * len],
                size,
                size,
                self.config.smoothing_px,
            )?;
            let other = &saliency[(i + count / 2) % count];
            found.push(metrics::compare(
                &map.density,
                &saliency[i],
                other,
                &[&contrast, &distance],
            )?);
        }
        let mean = |value: fn(&metrics::Comparison) -> f64| {
            found.iter().map(value).sum::<f64>() / count.max(1) as f64
        };
        let row = |metric: &str, value: fn(&metrics::Comparison) -> f64| MetricRow {
            metric: metric.to_owned(),
            value: mean(value),
            shuffled: None,
        };
        let mut rows = vec![
            row("CC", |c| c.correlation),
            row("partial CC", |c| c.partial_correlation),
            row("Spearman", |c| c.spearman),
            row("SIM", |c| c.similarity),
            row("KL", |c| c.kl_divergence),
            row("AUC", |c| c.auc_judd),
            row("NSS", |c| c.nss),
            row("information gain", |c| c.information_gain),
        ];
        rows[0].shuffled = Some(mean(|c| c.correlation_shuffled));
        let reliabilities: Vec<f64> = maps.iter().filter_map(|m| m.reliability).collect();
        let reliability = reliabilities.iter().sum::<f64>() / reliabilities.len().max(1) as f64;
        let flat = |values: Vec<&[f64]>| -> Vec<f32> {
            values.concat().into_iter().map(|v| v as f32).collect()
        };
        let mut tensors = Tensors::default();
        let shape = [count, size, size];
        tensors.f32("images", &shape, &pixels);
        let densities = maps.iter().map(|m| m.density.values()).collect();
        tensors.f32("sensitivity", &shape, &flat(densities));
        tensors.f32(
            "saliency",
            &shape,
            &flat(saliency.iter().map(|d| d.values()).collect()),
        );
        tensors.write(&cx.file(MAPS))?;
        cx.write_json(
            FOUND,
            &SaliencyFound {
                images: count,
                reliability,
                rows,
            },
        )?;
        Ok(Status::Done)
    }
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
