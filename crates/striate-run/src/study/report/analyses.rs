//! Neural prediction, reconstruction, saliency.

use std::collections::BTreeMap;

use striate_report::{
    ContentRow, CurveRow, Estimate, Neural, NeuralPoint, NeuralRow, Picture, PictureGrid,
    Reconstruction, Saliency, SaliencyRow, Shading, model_label,
};

use striate_robustness::RunScore;

use super::Source;
use super::pictures::gray;
use super::robustness::protocol;
use crate::protocol::Protocols;
use crate::study::dataset::Dataset;
use crate::study::neural::NeuralPrediction;
use crate::study::reconstruction::Reconstruct;
use crate::study::record::RecordingInfo;
use crate::study::saliency::{MapSensitivity, Maps};
use crate::study::train::TrainNetwork;
use crate::{ModelName, Result};

/// Prediction of the recordings and of the targets of co-training.
pub(super) fn neural(
    source: &Source<'_>,
    runs: &[RunScore],
    protocols: &mut Protocols,
) -> Result<Neural> {
    let mut rows = Vec::new();
    let recording: RecordingInfo = source.step(source.study.recording)?.json("info.json")?;
    let v1 = NeuralPrediction::open(source.step(source.study.v1_scores)?)?;
    rows.push(NeuralRow {
        model: "v1".to_owned(),
        seed: source.recipe.shared_seed,
        target: recording.title().to_owned(),
        correlation: v1.correlation,
        fraction_of_ceiling: v1.fraction_of_ceiling,
        feve: v1.feve,
        neurons: v1.neurons as u64,
    });
    let mut points = Vec::new();
    for ((model, seed), steps) in &source.study.networks {
        protocols.add(protocol(source, "neural", *model, *seed, steps.neural)?)?;
        let found = NeuralPrediction::open(source.step(steps.neural)?)?;
        rows.push(NeuralRow {
            model: model.name().to_owned(),
            seed: *seed,
            target: recording.title().to_owned(),
            correlation: found.correlation,
            fraction_of_ceiling: found.fraction_of_ceiling,
            feve: found.feve,
            neurons: found.neurons as u64,
        });
        let trained = TrainNetwork::info(source.step(steps.train)?)?;
        if let Some(correlation) = trained.target_correlation {
            rows.push(NeuralRow {
                model: model.name().to_owned(),
                seed: *seed,
                target: "its own targets".to_owned(),
                correlation,
                fraction_of_ceiling: None,
                feve: None,
                neurons: found.neurons as u64,
            });
        }
        if let Some(robustness) = overall(runs, *model, *seed) {
            points.push(NeuralPoint {
                model: model.name().to_owned(),
                label: format!("seed {seed}"),
                correlation: Estimate::point(found.correlation),
                robustness: Estimate::point(robustness),
            });
        }
    }
    Ok(Neural {
        rows,
        ceiling: v1.ceiling.map(Estimate::point),
        ceiling_note: match recording.simulated {
            true => "correlation of the simulation's true rates with the mean over repeats",
            false => "largest correlation with the mean over repeats, from their variance",
        }
        .to_owned(),
        points,
        points_ceiling: v1.ceiling,
        points_target: format!(
            "correlation with the {}, readouts fitted on the frozen shared layers",
            recording.title()
        ),
        fit: None,
        published_fit: None,
    })
}

/// The overall score of one network.
fn overall(runs: &[RunScore], model: ModelName, seed: u64) -> Option<f64> {
    runs.iter()
        .find(|r| r.model == model.name() && r.seed == seed)
        .map(|r| r.score)
}

/// Reconstructions over budgets.
pub(super) fn reconstruction(
    source: &Source<'_>,
    data: &Dataset,
    protocols: &mut Protocols,
) -> Result<Reconstruction> {
    /// Images shown.
    const SHOWN: usize = 3;
    let config = &source.recipe.reconstruction;
    // Per model and budget, one value per network: fit, content, noise.
    let mut values: BTreeMap<(ModelName, usize), [Vec<f64>; 3]> = BTreeMap::new();
    let mut grids: Vec<PictureGrid> = Vec::new();
    let mut images = 0;
    for ((model, seed), steps) in &source.study.networks {
        protocols.add(protocol(
            source,
            "reconstruction",
            *model,
            *seed,
            steps.reconstruction,
        )?)?;
        let step = source.step(steps.reconstruction)?;
        let rows = Reconstruct::open(step)?;
        for (b, budget) in config.budgets.iter().enumerate() {
            let of = |value: fn(&crate::study::reconstruction::ReconstructionRow) -> f64| {
                let found: Vec<f64> = rows
                    .iter()
                    .filter(|r| r.budget == *budget)
                    .map(value)
                    .collect();
                found.iter().sum::<f64>() / found.len().max(1) as f64
            };
            let entry = values.entry((*model, b)).or_default();
            entry[0].push(of(|r| r.feature_fit));
            entry[1].push(of(|r| r.content));
            entry[2].push(of(|r| r.noise));
        }
        if Some(seed) != source.recipe.seeds.first() {
            continue;
        }
        let (shape, originals, reconstructions) = Reconstruct::pictures(step)?;
        let &[count, budgets, size, _] = shape.as_slice() else {
            continue;
        };
        images = count;
        let len = size * size;
        for image in 0..count.min(SHOWN) {
            if grids.len() <= image {
                grids.push(PictureGrid {
                    caption: format!("Patch {} from the shared layers of each model", image + 1),
                    column_title: "contrast budget, share of the original's norm".to_owned(),
                    columns: std::iter::once("original".to_owned())
                        .chain(config.budgets.iter().map(f64::to_string))
                        .collect(),
                    ..PictureGrid::default()
                });
            }
            let grid = &mut grids[image];
            grid.rows.push(model_label(model.name()));
            let original = &originals[image * len..(image + 1) * len];
            grid.pictures
                .push(Some(gray(&data.info.normalize, original, size)?));
            for b in 0..budgets {
                let start = (image * budgets + b) * len;
                let pixels = &reconstructions[start..start + len];
                grid.pictures
                    .push(Some(gray(&data.info.normalize, pixels, size)?));
            }
        }
    }
    let (mut fit, mut content) = (Vec::new(), Vec::new());
    for ((model, b), [fits, contents, noises]) in &values {
        let (model, budget) = (model.name().to_owned(), config.budgets[*b]);
        if let (Some(value), Some(c), Some(n)) = (
            Estimate::of(fits),
            Estimate::of(contents),
            Estimate::of(noises),
        ) {
            fit.push(CurveRow {
                model: model.clone(),
                budget,
                value,
            });
            content.push(ContentRow {
                model,
                budget,
                content: c,
                noise: n,
            });
        }
    }
    Ok(Reconstruction {
        grids,
        layer: source.recipe.network.split.to_string(),
        images,
        fit,
        content,
        note: format!(
            "Content and noise are the coefficients of the clean image and of the corruption's difference \
             in the reconstruction of an image corrupted by {} at severity {}.",
            config.corruption.name().replace('_', " "),
            config.severity
        ),
    })
}

/// Sensitivity maps against saliency maps.
pub(super) fn saliency(
    source: &Source<'_>,
    data: &Dataset,
    protocols: &mut Protocols,
) -> Result<Saliency> {
    /// Images shown.
    const SHOWN: usize = 6;
    let mut values: BTreeMap<(String, String), [Vec<f64>; 3]> = BTreeMap::new();
    let mut columns: Vec<(String, Vec<Picture>)> = Vec::new();
    let mut images = 0;
    for ((model, seed), steps) in &source.study.networks {
        protocols.add(protocol(source, "saliency", *model, *seed, steps.saliency)?)?;
        let step = source.step(steps.saliency)?;
        let found = MapSensitivity::open(step)?;
        images = found.images;
        for row in &found.rows {
            let entry = values
                .entry((model.name().to_owned(), row.metric.clone()))
                .or_default();
            entry[0].push(row.value);
            entry[1].extend(row.shuffled);
            entry[2].push(found.reliability);
        }
        if Some(seed) != source.recipe.seeds.first() {
            continue;
        }
        let maps = MapSensitivity::maps(step)?;
        let shown = images.min(SHOWN);
        if columns.is_empty() {
            let pictures = (0..shown)
                .map(|i| gray(&data.info.normalize, maps.image(i), maps.size))
                .collect::<Result<_>>()?;
            columns.push(("image".to_owned(), pictures));
            columns.push((
                "saliency".to_owned(),
                shade(&maps, shown, |m, i| m.saliency(i))?,
            ));
        }
        columns.push((
            model_label(model.name()),
            shade(&maps, shown, |m, i| m.sensitivity(i))?,
        ));
    }
    let rows = values
        .into_iter()
        .filter_map(|((model, metric), [value, shuffled, reliability])| {
            Some(SaliencyRow {
                model,
                metric,
                value: Estimate::of(&value)?,
                shuffled: Estimate::of(&shuffled),
                reliability: Estimate::of(&reliability).map(|e| e.value),
            })
        })
        .collect();
    let shown = images.min(SHOWN);
    let grid = PictureGrid {
        caption: "Where each model's shared layers are sensitive, beside the saliency map"
            .to_owned(),
        column_title: String::new(),
        columns: columns.iter().map(|(name, _)| name.clone()).collect(),
        rows: (1..=shown).map(|i| format!("image {i}")).collect(),
        pictures: (0..shown)
            .flat_map(|i| {
                columns
                    .iter()
                    .map(move |(_, pictures)| pictures.get(i).cloned())
            })
            .collect(),
    };
    Ok(Saliency {
        grids: vec![grid],
        reference: "spectral residual (Hou and Zhang 2007)".to_owned(),
        sensitivity: format!(
            "Jacobian energy of {}, {} random vectors",
            source.recipe.network.split, source.recipe.saliency.vectors
        ),
        images,
        rows,
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
