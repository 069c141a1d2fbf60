//! Where a network is sensitive: the four maps, one way for the study's networks and for
//! anybody's. Invariant: a map depends on the image's number and the seed, not on its
//! company.

use std::ops::ControlFlow;

use candle_core::Tensor;
use striate_random::Seed;
use striate_reconstruct::{Budget, ReconstructConfig, Task as Job, reconstruct};
use striate_saliency::{
    ContrastConfig, JacobianConfig, Sensitivity, SensitivityMap, class_gradient, contrast_change,
    jacobian_energy, reconstruction_energy,
};

use crate::recipe::SaliencyConfig;
use crate::{Error, Result};

/// All maps, the one first that every picture and table begins with.
pub(crate) const SENSITIVITIES: [Sensitivity; 4] = [
    Sensitivity::JacobianEnergy,
    Sensitivity::ReconstructionEnergy,
    Sensitivity::ContrastChange,
    Sensitivity::ClassGradient,
];

/// A network as a function of normalised images.
type Function<'a> = dyn Fn(&Tensor) -> candle_core::Result<Tensor> + 'a;

/// A network to map, and images to map it on.
pub(crate) struct Subject<'a> {
    /// From `[batch, height, width, channels]` to any features.
    pub(crate) features: &'a Function<'a>,
    /// To class scores; the class gradient alone needs it.
    pub(crate) logits: &'a Function<'a>,
    /// `[images, height, width, channels]`, normalised.
    pub(crate) images: &'a Tensor,
    /// Their classes, for the class gradient.
    pub(crate) labels: &'a [u32],
    /// Images of one pass at most.
    pub(crate) batch: usize,
}

/// Maps every image; `None` if the observer, which hears of the share that is done, breaks.
pub(crate) fn map_sensitivity(
    kind: Sensitivity,
    subject: &Subject<'_>,
    config: &SaliencyConfig,
    optimiser: &ReconstructConfig,
    seed: &Seed,
    observer: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Result<Option<Vec<SensitivityMap>>> {
    let Subject { images, labels, .. } = *subject;
    let (features, smoothing_px) = (subject.features, config.smoothing_px);
    let ids: Vec<u64> = (0..images.dim(0)? as u64).collect();
    if observer(0.0).is_break() {
        return Ok(None);
    }
    let maps = match kind {
        Sensitivity::JacobianEnergy => {
            let default = JacobianConfig::default();
            let config = JacobianConfig {
                vectors: config.vectors,
                smoothing_px,
                batch: default.batch.min(subject.batch),
            };
            jacobian_energy(features, images, &ids, &config, &seed.child("sensitivity"))?
        }
        Sensitivity::ReconstructionEnergy => {
            let optimiser = ReconstructConfig {
                restarts: config.restarts,
                batch: optimiser.batch.min(subject.batch),
                ..optimiser.clone()
            };
            let budgets = [Budget::fraction(config.budget)?];
            let job = Job {
                images,
                ids: &ids,
                budgets: &budgets,
                seed: seed.child("sensitivity reconstruction"),
            };
            let mut progress = |p: &striate_reconstruct::Progress<'_>| {
                let batch = p.step as f64 / p.max_steps as f64;
                observer((p.finished as f64 + batch) / p.total as f64)
            };
            let found = match reconstruct(features, &job, &optimiser, &mut progress) {
                Err(striate_reconstruct::Error::Interrupted { .. }) => return Ok(None),
                other => other?,
            };
            let (height, width) = (images.dim(1)?, images.dim(2)?);
            let maps = found.chunks(config.restarts.max(1)).map(|of_image| {
                let restarts: Vec<&[f32]> = of_image.iter().map(|r| &r.pixels[..]).collect();
                reconstruction_energy(&restarts, height, width, smoothing_px).map_err(Error::from)
            });
            maps.collect::<Result<_>>()?
        }
        Sensitivity::ContrastChange => {
            let default = ContrastConfig::default();
            let config = ContrastConfig {
                smoothing_px,
                batch: default.batch.min(subject.batch),
                ..default
            };
            contrast_change(features, images, &config)?
        }
        Sensitivity::ClassGradient => {
            let mut maps = Vec::new();
            for (start, labels) in (0..)
                .step_by(subject.batch)
                .zip(labels.chunks(subject.batch))
            {
                let images = images.narrow(0, start, labels.len())?;
                maps.extend(class_gradient(
                    subject.logits,
                    &images,
                    labels,
                    smoothing_px,
                )?);
            }
            maps
        }
    };
    Ok(Some(maps))
}
