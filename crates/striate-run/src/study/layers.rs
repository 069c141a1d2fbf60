//! The dissimilarity matrices of all convolutions of a network, and how they agree with V1.
//!
//! Invariant: one pass gives the maps of as many layers as [`HELD_VALUES`] allows, and of
//! one at least; a layer that does not tell the images apart is named, not compared.

use striate_models::{LayerName, LayerPlan};
use striate_rsa::{Candidate, Features, Inference, Rdm, compare};

use super::network::Network;
use super::similarity::{Agreement, COMPARATORS, DISSIMILARITY};
use crate::{Error, Result};

/// Values of maps that are held at once, of 4 bytes: VGG-19 on 100 images of 64 pixels is
/// done in one pass.
const HELD_VALUES: usize = 128 << 20;

/// The matrices of a network's layers for some images.
pub(crate) struct Layers {
    /// In the order of the layers.
    matrices: Vec<(LayerName, Rdm)>,
    /// The layers that have none, because an image's features are those of the mean image.
    pub(crate) undefined: Vec<LayerName>,
}

impl Layers {
    /// The matrices of `count` images that are shown to neurons.
    pub(crate) fn of(network: &Network, inputs: &[f32], count: usize) -> Result<Self> {
        let (mut matrices, mut undefined) = (Vec::new(), Vec::new());
        let mut rest = network.layers();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(fitting(rest, count));
            rest = later;
            let names: Vec<LayerName> = now.iter().map(|layer| layer.name).collect();
            let features = network.layer_features(&names, inputs)?;
            for (name, features) in names.into_iter().zip(features) {
                match defined(&features, count)? {
                    Some(rdm) => matrices.push((name, rdm)),
                    None => undefined.push(name),
                }
            }
        }
        Ok(Self {
            matrices,
            undefined,
        })
    }

    /// The matrix of one layer.
    pub(crate) fn matrix(&self, name: LayerName) -> Result<&Rdm> {
        let mut all = self.matrices.iter();
        let found = all.find(|(layer, _)| *layer == name).map(|(_, rdm)| rdm);
        found.ok_or_else(|| Error::Tensor {
            name: name.to_string(),
            problem: "holds the same for an image as for the mean of all: there are no \
                      dissimilarities to compare"
                .to_owned(),
        })
    }

    /// How each layer agrees with each of some named matrices. With a bootstrap, its
    /// comparator gets intervals.
    pub(crate) fn agreements(
        &self,
        condition: &str,
        references: &[(&str, &Rdm)],
        bootstrap: Option<&Inference>,
    ) -> Result<Vec<(LayerName, Agreement)>> {
        let mut out = Vec::new();
        for (reference, rdm) in references {
            for comparator in COMPARATORS {
                let drawn = match bootstrap.filter(|b| b.comparator == comparator) {
                    Some(inference) if !self.matrices.is_empty() => {
                        let models = self.candidates();
                        inference
                            .evaluate(&models, std::slice::from_ref(*rdm))?
                            .models
                    }
                    _ => Vec::new(),
                };
                for (place, (layer, matrix)) in self.matrices.iter().enumerate() {
                    let agreement = Agreement {
                        condition: condition.to_owned(),
                        reference: (*reference).to_owned(),
                        comparator: comparator.name().to_owned(),
                        value: compare(matrix, rdm, comparator)?,
                        interval: drawn.get(place).map(|model| (model.low, model.high)),
                    };
                    out.push((*layer, agreement));
                }
            }
        }
        Ok(out)
    }

    fn candidates(&self) -> Vec<Candidate> {
        let candidate = |(layer, rdm): &(LayerName, Rdm)| Candidate {
            name: layer.to_string(),
            rdms: vec![rdm.clone()],
        };
        self.matrices.iter().map(candidate).collect()
    }
}

/// How many of the first layers' maps of `count` images are held at once.
fn fitting(layers: &[LayerPlan], count: usize) -> usize {
    let mut held = 0;
    let fits = layers.iter().take_while(|layer| {
        held += values(layer) * count;
        held <= HELD_VALUES
    });
    fits.count().max(1)
}

/// Values of a layer's map of one image.
fn values(layer: &LayerPlan) -> usize {
    layer.map_size * layer.map_size * layer.outputs
}

/// Bytes of the maps that are held at once.
pub(crate) fn held_bytes(layers: &[LayerPlan], count: usize) -> u64 {
    let all = layers.iter().map(values).sum::<usize>() * count;
    let widest = layers.iter().map(values).max().unwrap_or(0) * count;
    4 * all.min(HELD_VALUES.max(widest)) as u64
}

/// The matrix of `count` images' features; None if an image's are those of the mean image.
pub(crate) fn defined(values: &[f32], count: usize) -> Result<Option<Rdm>> {
    let features = Features::new(values, count, values.len() / count.max(1))?;
    match Rdm::from_features(&features, DISSIMILARITY) {
        Ok(rdm) => Ok(Some(rdm)),
        Err(striate_rsa::Error::Undefined { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use striate_models::VggConfig;

    use super::*;

    #[test]
    fn the_study_s_network_is_done_in_one_pass_and_a_larger_one_in_several() {
        let plan = VggConfig::default().check().unwrap();
        let layers = plan.layers();
        assert_eq!(fitting(layers, 100), layers.len());
        // 64^2 x 64 x 2, 32^2 x 128 x 2, 16^2 x 256 x 4, 8^2 x 512 x 4, 4^2 x 512 x 4.
        assert_eq!(held_bytes(layers, 100), 400 * 1_212_416);
        let mut passes = Vec::new();
        let mut rest = layers;
        while !rest.is_empty() {
            let taken = fitting(rest, 1000);
            let held: usize = rest[..taken].iter().map(values).sum();
            assert!(taken == 1 || held * 1000 <= HELD_VALUES);
            passes.push(taken);
            rest = &rest[taken..];
        }
        assert_eq!(passes.iter().sum::<usize>(), layers.len());
        assert_eq!(
            passes[..2],
            [1, 1],
            "conv1_1 and conv1_2 exceed the bound alone"
        );
        assert_eq!(held_bytes(layers, 1000), 4 * 1000 * 64 * 64 * 64);
    }

    #[test]
    fn features_without_differences_have_no_matrix() {
        assert!(defined(&[1.0; 12], 4).unwrap().is_none());
        let values: Vec<f32> = (0..12).map(|i| (i * i % 7) as f32).collect();
        assert!(defined(&values, 4).unwrap().is_some());
        assert!(defined(&[f32::NAN; 12], 4).is_err());
    }
}
