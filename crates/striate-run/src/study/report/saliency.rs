//! Sensitivity maps against saliency maps.

use std::collections::BTreeMap;

use striate_report::{
    Estimate, PairedRow, Picture, PictureGrid, Saliency, SaliencyRow, Shading, model_label,
};
use striate_saliency::metrics::Comparison;

use super::Source;
use super::paired::{PerImage, differences};
use super::pictures::gray;
use super::robustness::protocol;
use crate::protocol::Protocols;
use crate::study::dataset::Dataset;
use crate::study::saliency::{
    CENTRE_BIAS, MapSensitivity, Maps, PairFound, REFERENCES, SaliencyFound,
};
use crate::study::sensitivity::SENSITIVITIES;
use crate::{ModelName, Result};

/// Images shown.
const SHOWN: usize = 6;

/// A metric's name, whether it is compared with Baseline's, and the metric.
type Metric = (&'static str, bool, fn(&Comparison) -> f64);

/// The metrics of every image and pair of maps.
const METRICS: [Metric; 8] = [
    ("CC", true, |c| c.correlation),
    ("partial CC", true, |c| c.partial_correlation),
    ("Spearman", false, |c| c.spearman),
    ("SIM", false, |c| c.similarity),
    ("KL", false, |c| c.kl_divergence),
    ("AUC", false, |c| c.auc_judd),
    ("NSS", false, |c| c.nss),
    ("information gain", false, |c| c.information_gain),
];

/// What was found, by network.
type Found = BTreeMap<(ModelName, u64), SaliencyFound>;

/// Sensitivity maps against saliency maps.
pub(super) fn saliency(
    source: &Source<'_>,
    data: &Dataset,
    protocols: &mut Protocols,
) -> Result<Saliency> {
    let mut found: Found = BTreeMap::new();
    let mut shown: Vec<(ModelName, Maps)> = Vec::new();
    for ((model, seed), steps) in &source.study.networks {
        protocols.add(protocol(source, "saliency", *model, *seed, steps.saliency)?)?;
        let step = source.step(steps.saliency)?;
        found.insert((*model, *seed), MapSensitivity::open(step)?);
        if Some(seed) == source.recipe.seeds.first() {
            shown.push((*model, MapSensitivity::maps(step)?));
        }
    }
    let images = found.values().map(|f| f.images).min().unwrap_or(0);
    let config = &source.recipe.saliency;
    Ok(Saliency {
        grids: vec![grid(&shown, images.min(SHOWN), data)?],
        reference: REFERENCES[0].to_owned(),
        sensitivity: SENSITIVITIES[0].name().to_owned(),
        note: format!(
            "Of the four sensitivity maps of {}, the Jacobian energy is estimated with {} random \
             vectors, the reconstruction energy from {} reconstructions at a budget of {}. \
             Saliency is computed: spectral residual (Hou and Zhang 2007), centre-surround \
             differences (Itti, Koch and Niebur 1998), a centre bias. Partial correlations take \
             out local contrast and the distance from the centre (for the centre bias, local \
             contrast alone).",
            source.recipe.network.split, config.vectors, config.restarts, config.budget
        ),
        images,
        rows: rows(&found),
        differences: compared(&found, source.recipe.robustness.bootstrap)?,
    })
}

/// One metric of one pair of maps, per image.
fn values(
    found: &SaliencyFound,
    (sensitivity, reference): (usize, usize),
    metric: fn(&Comparison) -> f64,
) -> Vec<f64> {
    let of = |p: &&PairFound| p.sensitivity == sensitivity && p.reference == reference;
    let pair = found.pairs.iter().find(of);
    pair.map_or(Vec::new(), |p| p.comparisons.iter().map(metric).collect())
}

/// All pairs of maps.
fn pairs() -> impl Iterator<Item = (usize, usize)> {
    (0..SENSITIVITIES.len()).flat_map(|s| (0..REFERENCES.len()).map(move |r| (s, r)))
}

fn rows(found: &Found) -> Vec<SaliencyRow> {
    let mut rows = Vec::new();
    for pair in pairs() {
        for (metric, _, value) in METRICS {
            for model in ModelName::ALL {
                let seeds = || found.iter().filter(|((m, _), _)| *m == model);
                let mean = |value| -> Vec<f64> {
                    let means = seeds().map(|(_, f)| {
                        let values = values(f, pair, value);
                        values.iter().sum::<f64>() / values.len() as f64
                    });
                    means.collect()
                };
                let Some(estimate) = Estimate::of(&mean(value)) else {
                    continue;
                };
                let shuffled = match metric {
                    "CC" => Estimate::of(&mean(|c| c.correlation_shuffled)),
                    _ => None,
                };
                let reliable: Vec<f64> =
                    seeds().filter_map(|(_, f)| f.reliability[pair.0]).collect();
                rows.push(SaliencyRow {
                    model: model.name().to_owned(),
                    sensitivity: SENSITIVITIES[pair.0].name().to_owned(),
                    reference: REFERENCES[pair.1].to_owned(),
                    metric: metric.to_owned(),
                    value: estimate,
                    shuffled,
                    reliability: Estimate::of(&reliable).map(|e| e.value),
                });
            }
        }
    }
    rows
}

/// The primary outcome (analyses.md 4): how much more a model's sensitivity agrees with
/// saliency than Baseline's does, over the same images and seeds.
fn compared(found: &Found, replicates: usize) -> Result<Vec<PairedRow>> {
    let mut out = Vec::new();
    for (metric, _, value) in METRICS.into_iter().filter(|(_, compared, _)| *compared) {
        // The centre bias says the same of every image.
        for pair in pairs().filter(|(_, reference)| *reference != CENTRE_BIAS) {
            let values: PerImage = found
                .iter()
                .map(|(key, found)| (*key, values(found, pair, value)))
                .collect();
            let circumstance = format!("{}, {}", SENSITIVITIES[pair.0].name(), REFERENCES[pair.1]);
            out.extend(differences(&values, metric, &circumstance, replicates)?);
        }
    }
    Ok(out)
}

/// Images, their saliency and the sensitivity of each model.
fn grid(shown: &[(ModelName, Maps)], count: usize, data: &Dataset) -> Result<PictureGrid> {
    let mut columns: Vec<(String, Vec<Picture>)> = Vec::new();
    if let Some((_, first)) = shown.first() {
        let pictures = (0..count)
            .map(|i| gray(&data.info.normalize, first.image(i), first.size))
            .collect::<Result<_>>()?;
        columns.push(("image".to_owned(), pictures));
        let saliency = shade(first, count, |m, i| m.saliency(i))?;
        columns.push(("saliency".to_owned(), saliency));
    }
    for (model, maps) in shown {
        let pictures = shade(maps, count, |m, i| m.sensitivity(i))?;
        columns.push((model_label(model.name()), pictures));
    }
    Ok(PictureGrid {
        caption: format!(
            "Where each model's shared layers are sensitive ({}), beside the saliency map ({})",
            SENSITIVITIES[0].name(),
            REFERENCES[0]
        ),
        column_title: String::new(),
        columns: columns.iter().map(|(name, _)| name.clone()).collect(),
        rows: (1..=count).map(|i| format!("image {i}")).collect(),
        pictures: (0..count)
            .flat_map(|i| {
                columns
                    .iter()
                    .map(move |(_, pictures)| pictures.get(i).cloned())
            })
            .collect(),
    })
}

fn shade(maps: &Maps, shown: usize, map: impl Fn(&Maps, usize) -> &[f32]) -> Result<Vec<Picture>> {
    (0..shown)
        .map(|i| {
            Ok(Picture::from_values(
                maps.size,
                maps.size,
                map(maps, i),
                Shading::FromZero,
            )?)
        })
        .collect()
}
