//! Representational similarity: matrices, and the agreement of the shared layers and of
//! every layer with V1.

use std::collections::BTreeMap;

use striate_models::LayerName;
use striate_report::{AgreementRow, Estimate, Rsa, RsaMatrix, Similarity, model_label};

use super::Source;
use super::robustness::protocol;
use crate::protocol::Protocols;
use crate::study::similarity::{Agreement, COMPARATORS, CompareRepresentations, DISSIMILARITY};
use crate::{ModelName, Recipe, Result};

/// Dissimilarity matrices and their agreement.
pub(super) fn similarity(source: &Source<'_>, protocols: &mut Protocols) -> Result<Rsa> {
    let mut values: BTreeMap<(ModelName, String, String, String), Vec<f64>> = BTreeMap::new();
    let mut intervals = BTreeMap::new();
    let mut matrices = Vec::new();
    let mut rdms: Vec<(String, Vec<f32>)> = Vec::new();
    let (mut images, mut ceiling) = (0, None);
    let mut of_layers = LayerValues::default();
    for ((model, seed), steps) in &source.study.networks {
        protocols.add(protocol(source, "rsa", *model, *seed, steps.similarity)?)?;
        let step = source.step(steps.similarity)?;
        let found = CompareRepresentations::open(step)?;
        images = found.images;
        ceiling = found.ceiling;
        if rdms.is_empty() {
            let v1 = match source.recipe.population {
                Some(_) => "simulated V1",
                None => "V1",
            };
            let references = [("v1", v1), ("pixels", "pixels")];
            let there = usize::from(found.v1_neurons.is_none());
            for (name, caption) in references.into_iter().skip(there) {
                let (size, matrix) = CompareRepresentations::matrix(step, name)?;
                matrices.push(RsaMatrix {
                    model: name.to_owned(),
                    caption: caption.to_owned(),
                    size,
                    values: matrix.clone(),
                });
                rdms.push((caption.to_owned(), matrix));
            }
        }
        if Some(seed) == source.recipe.seeds.first() {
            let (size, matrix) = CompareRepresentations::matrix(step, "model")?;
            matrices.push(RsaMatrix {
                model: model.name().to_owned(),
                caption: format!(
                    "{}, {}",
                    model_label(model.name()),
                    source.recipe.network.split
                ),
                size,
                values: matrix.clone(),
            });
            rdms.push((model_label(model.name()), matrix));
        }
        of_layers.add(*model, *seed, found.layers, &found.undefined);
        for a in found.agreements {
            let key = (*model, a.condition, a.reference, a.comparator);
            if let Some(interval) = a.interval {
                intervals.insert(key.clone(), interval);
            }
            values.entry(key).or_default().push(a.value);
        }
    }
    let agreement = values
        .into_iter()
        .filter_map(|(key, values)| {
            let mut value = Estimate::of(&values)?;
            // With one seed the bootstrap over images is what there is.
            if values.len() == 1 {
                value.interval = intervals.get(&key).copied();
            }
            let (model, condition, reference, comparator) = key;
            Some(AgreementRow {
                model: model.name().to_owned(),
                layer: source.recipe.network.split.to_string(),
                condition,
                reference,
                comparator,
                value,
            })
        })
        .collect();
    Ok(Rsa {
        matrices,
        agreement,
        layers: of_layers.rows(),
        split: source.recipe.network.split.to_string(),
        responses: match source.recipe.population {
            Some(_) => "simulated responses",
            None => "recorded responses",
        }
        .to_owned(),
        layers_note: of_layers.note(source.recipe),
        ceiling,
        similarity: Some(table(&rdms)?),
        dissimilarity: format!("{} of the shared layers' output", DISSIMILARITY.name()),
        order: match source.recipe.population {
            Some(_) => "as drawn; photographs in turn",
            None => "by the ids of the stimuli",
        }
        .to_owned(),
        images,
    })
}

/// A model, a layer, a condition, a reference and a comparator.
type LayerKey = (ModelName, LayerName, String, String, String);

/// The values of seeds, and the noise ceiling's bounds.
type LayerValue = (Vec<f64>, Option<(f64, f64)>);

/// The agreement of every layer with V1, over seeds.
#[derive(Default)]
struct LayerValues {
    values: BTreeMap<LayerKey, LayerValue>,
    /// The conditions in the order of the recipe.
    conditions: Vec<String>,
    /// What has no values, and of which network.
    undefined: Vec<String>,
}

impl LayerValues {
    fn add(
        &mut self,
        model: ModelName,
        seed: u64,
        found: Vec<(LayerName, Agreement)>,
        undefined: &[String],
    ) {
        let network = model_label(model.name());
        let named = undefined
            .iter()
            .map(|what| format!("{network}, seed {seed}: {what}"));
        self.undefined.extend(named);
        for (layer, a) in found {
            if !self.conditions.contains(&a.condition) {
                self.conditions.push(a.condition.clone());
            }
            let key = (model, layer, a.condition, a.reference, a.comparator);
            let entry = self.values.entry(key).or_default();
            entry.0.push(a.value);
            entry.1 = a.interval;
        }
    }

    /// Means over seeds; with one seed the bootstrap over images is what there is.
    fn rows(&self) -> Vec<AgreementRow> {
        let mut rows = Vec::new();
        for condition in &self.conditions {
            let of = self.values.iter().filter(|(key, _)| key.2 == *condition);
            rows.extend(of.filter_map(|(key, (values, interval))| {
                let mut value = Estimate::of(values)?;
                if values.len() == 1 {
                    value.interval = *interval;
                }
                let (model, layer, condition, reference, comparator) = key.clone();
                Some(AgreementRow {
                    model: model.name().to_owned(),
                    layer: layer.to_string(),
                    condition,
                    reference,
                    comparator,
                    value,
                })
            }));
        }
        rows
    }

    /// What the bars are, and what is left out.
    fn note(&self, recipe: &Recipe) -> String {
        let bars = match recipe.seeds.len() {
            1 => "Bars: 95 % interval over images.".to_owned(),
            seeds => format!("Bars: standard error of the mean over {seeds} seeds."),
        };
        match self.undefined.is_empty() {
            true => bars,
            false => format!(
                "{bars} Left out, because an image is there like the mean of all: {}.",
                self.undefined.join("; ")
            ),
        }
    }
}

/// The agreement of all matrices with each other.
fn table(rdms: &[(String, Vec<f32>)]) -> Result<Similarity> {
    let comparator = COMPARATORS[0];
    let parsed: Vec<striate_rsa::Rdm> = rdms
        .iter()
        .map(|(_, m)| {
            let square: Vec<f64> = m.iter().map(|v| f64::from(*v)).collect();
            let size = square.len().isqrt();
            striate_rsa::Rdm::from_square(&square, size)
        })
        .collect::<std::result::Result<_, _>>()?;
    let mut values = Vec::new();
    for a in &parsed {
        for b in &parsed {
            values.push(striate_rsa::compare(a, b, comparator)?);
        }
    }
    Ok(Similarity {
        names: rdms.iter().map(|(name, _)| name.clone()).collect(),
        values,
        comparator: comparator.name().to_owned(),
    })
}
