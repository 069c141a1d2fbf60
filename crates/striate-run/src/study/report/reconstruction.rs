//! Reconstructions under a contrast budget.

use std::collections::BTreeMap;

use striate_reconstruct::metrics::area_under_fit;
use striate_report::{
    CrossRow, Estimate, MeasureRow, Picture, PictureGrid, Reconstruction, Shading, SpectrumRow,
    model_label,
};

use super::Source;
use super::paired::{PerImage, differences};
use super::pictures::gray;
use super::robustness::protocol;
use crate::protocol::Protocols;
use crate::study::cross::CrossClassify;
use crate::study::dataset::Dataset;
use crate::study::reconstruction::{Pictures, Reconstruct, ReconstructionRow};
use crate::{ModelName, Result};

/// Images shown.
const SHOWN: usize = 3;
/// A measure's name, whether it is compared with Baseline's, and the measure.
type Measure = (&'static str, bool, fn(&ReconstructionRow) -> f64);

/// The measures of every image and budget.
const MEASURES: [Measure; 10] = [
    ("feature_error", true, |r| r.feature_fit),
    ("feature_error_corrupted", false, |r| {
        r.feature_fit_corrupted
    }),
    ("content", false, |r| r.split.joint.content),
    ("noise", false, |r| r.split.joint.noise),
    ("content_share", true, ReconstructionRow::content_share),
    ("r2", false, |r| r.split.r2),
    ("cosine_content", false, |r| r.split.cosine_content),
    ("cosine_noise", false, |r| r.split.cosine_noise),
    ("ssim", true, |r| r.ssim.unwrap_or(f64::NAN)),
    ("psnr_db", false, |r| r.psnr_db),
];

/// The rows of every network.
type Rows = BTreeMap<(ModelName, u64), Vec<ReconstructionRow>>;

/// Reconstructions over budgets.
pub(super) fn reconstruction(
    source: &Source<'_>,
    data: &Dataset,
    protocols: &mut Protocols,
) -> Result<Reconstruction> {
    let config = &source.recipe.reconstruction;
    let mut rows: Rows = BTreeMap::new();
    let mut shown: Vec<(ModelName, Pictures)> = Vec::new();
    for ((model, seed), steps) in &source.study.networks {
        let step = steps.reconstruction;
        protocols.add(protocol(source, "reconstruction", *model, *seed, step)?)?;
        rows.insert((*model, *seed), Reconstruct::open(source.step(step)?)?);
        if Some(seed) == source.recipe.seeds.first() {
            shown.push((*model, Reconstruct::pictures(source.step(step)?)?));
        }
    }
    let images = shown.first().map_or(0, |(_, pictures)| pictures.images);
    let cross = cross(source)?;
    let mut measures = measures(&rows, &config.budgets);
    measures.extend(own_accuracy(&cross));
    let restarts = match config.optimiser.restarts {
        0 | 1 => String::new(),
        n => format!(" Values are means over {n} starts from different noise."),
    };
    Ok(Reconstruction {
        grids: grids(&shown, &config.budgets, data)?,
        layer: source.recipe.network.split.to_string(),
        images,
        spectrum: spectrum(&rows, &config.budgets, source.recipe.network.input_size),
        measures,
        cross,
        differences: compared(&rows, &config.budgets, source.recipe.robustness.bootstrap)?,
        note: format!(
            "Content and noise are the coefficients of the clean image and of the corruption's difference \
             in the reconstruction of an image corrupted by {} at severity {}.{restarts}",
            config.corruption.name().replace('_', " "),
            config.severity
        ),
    })
}

/// A measure of each image at a budget, mean over starts.
fn per_image(
    rows: &[ReconstructionRow],
    budget: f64,
    value: impl Fn(&ReconstructionRow) -> f64,
) -> Vec<f64> {
    let mut images: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for row in rows.iter().filter(|r| r.budget == budget) {
        images.entry(row.image).or_default().push(value(row));
    }
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    images.into_values().map(mean).collect()
}

/// Mean over the images that have a value; `None` if none has.
fn mean(values: &[f64]) -> Option<f64> {
    let finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    (!finite.is_empty()).then(|| finite.iter().sum::<f64>() / finite.len() as f64)
}

/// Over the seeds of each model, the means over images.
fn over_seeds(
    rows: &Rows,
    budget: f64,
    value: impl Fn(&ReconstructionRow) -> f64,
) -> Vec<(String, Estimate)> {
    let mut means: BTreeMap<ModelName, Vec<f64>> = BTreeMap::new();
    for ((model, _), rows) in rows {
        means
            .entry(*model)
            .or_default()
            .extend(mean(&per_image(rows, budget, &value)));
    }
    let estimates = means.into_iter();
    estimates
        .filter_map(|(model, values)| Some((model.name().to_owned(), Estimate::of(&values)?)))
        .collect()
}

fn measures(rows: &Rows, budgets: &[f64]) -> Vec<MeasureRow> {
    let mut out = Vec::new();
    for (measure, _, value) in MEASURES {
        for budget in budgets {
            let found = over_seeds(rows, *budget, value).into_iter();
            out.extend(found.map(|(model, value)| MeasureRow {
                model,
                budget: *budget,
                measure: measure.to_owned(),
                value,
            }));
        }
    }
    out
}

/// How often a model recognises its own reconstructions of clean images.
fn own_accuracy(cross: &[CrossRow]) -> impl Iterator<Item = MeasureRow> + '_ {
    let own = |r: &&CrossRow| r.reconstructed_from == r.classified_by && r.condition == "clean";
    cross.iter().filter(own).map(|row| MeasureRow {
        model: row.classified_by.clone(),
        budget: row.budget,
        measure: "accuracy".to_owned(),
        value: row.accuracy,
    })
}

fn spectrum(rows: &Rows, budgets: &[f64], size: usize) -> Vec<SpectrumRow> {
    let rings = rows.values().flatten().map(|r| r.spectrum.len());
    let rings = rings.min().unwrap_or(0);
    let mut out = Vec::new();
    for budget in budgets {
        for ring in 0..rings {
            // In dB: where an image has hardly any power, the ratio itself is huge.
            let db = |r: &ReconstructionRow| {
                let ratio = r.spectrum[ring].unwrap_or(f64::NAN);
                10.0 * ratio.log10()
            };
            let found = over_seeds(rows, *budget, db).into_iter();
            out.extend(found.map(|(model, ratio_db)| SpectrumRow {
                model,
                budget: *budget,
                cycles_per_pixel: ring as f64 / size as f64,
                ratio_db,
            }));
        }
    }
    out
}

/// Every model's recognition of every model's reconstructions, over seeds.
fn cross(source: &Source<'_>) -> Result<Vec<CrossRow>> {
    // From, by, whether corrupted, and which budget.
    let mut shares: BTreeMap<(ModelName, ModelName, bool, usize), Vec<f64>> = BTreeMap::new();
    let config = &source.recipe.reconstruction;
    for step in source.study.cross.values() {
        for cell in CrossClassify::open(source.step(*step)?)? {
            let budget = config.budgets.iter().position(|b| *b == cell.budget);
            let key = (
                cell.reconstructed_from,
                cell.classified_by,
                cell.corrupted,
                budget.unwrap_or(0),
            );
            let share = cell.correct as f64 / cell.images as f64;
            shares.entry(key).or_default().push(share);
        }
    }
    let rows = shares.into_iter().filter_map(|(key, values)| {
        let (from, by, corrupted, budget) = key;
        Some(CrossRow {
            reconstructed_from: from.name().to_owned(),
            classified_by: by.name().to_owned(),
            condition: match corrupted {
                true => config.corruption.name().to_owned(),
                false => "clean".to_owned(),
            },
            budget: config.budgets[budget],
            accuracy: Estimate::of(&values)?,
        })
    });
    Ok(rows.collect())
}

/// The differences from Baseline that are asked for.
fn compared(
    rows: &Rows,
    budgets: &[f64],
    replicates: usize,
) -> Result<Vec<striate_report::PairedRow>> {
    let mut out = Vec::new();
    for (measure, _, value) in MEASURES.iter().filter(|(_, compared, _)| *compared) {
        for budget in budgets {
            let values: PerImage = rows
                .iter()
                .map(|(key, rows)| (*key, per_image(rows, *budget, value)))
                .collect();
            let circumstance = format!("budget {:.0} %", 100.0 * budget);
            let words = measure.replace('_', " ");
            out.extend(differences(&values, &words, &circumstance, replicates)?);
        }
    }
    let area = |rows: &[ReconstructionRow]| -> Result<Vec<f64>> {
        let fits: Vec<Vec<f64>> = budgets
            .iter()
            .map(|b| per_image(rows, *b, |r| r.feature_fit))
            .collect();
        let images = 0..fits.iter().map(Vec::len).min().unwrap_or(0);
        images
            .map(|i| {
                let points = budgets.iter().zip(&fits).map(|(b, fit)| (*b, fit[i]));
                Ok(area_under_fit(&points.collect::<Vec<_>>())?)
            })
            .collect()
    };
    if budgets.len() > 1 {
        let values: Result<PerImage> = rows
            .iter()
            .map(|(key, rows)| Ok((*key, area(rows)?)))
            .collect();
        out.extend(differences(
            &values?,
            "area under the feature error",
            "all budgets",
            replicates,
        )?);
    }
    Ok(out)
}

/// One grid per image, and one of where the smallest budget is spent.
fn grids(
    shown: &[(ModelName, Pictures)],
    budgets: &[f64],
    data: &Dataset,
) -> Result<Vec<PictureGrid>> {
    let Some((_, first)) = shown.first() else {
        return Ok(Vec::new());
    };
    let picture = |pixels: &[f32]| gray(&data.info.normalize, pixels, first.size);
    let mut grids = Vec::new();
    for image in 0..first.images.min(SHOWN) {
        let mut grid = PictureGrid {
            caption: format!("Patch {} from the shared layers of each model", image + 1),
            column_title: "contrast budget, share of the original's norm".to_owned(),
            columns: std::iter::once("original".to_owned())
                .chain(budgets.iter().map(f64::to_string))
                .collect(),
            ..PictureGrid::default()
        };
        for (model, pictures) in shown {
            grid.rows.push(model_label(model.name()));
            grid.pictures.push(Some(picture(pictures.original(image))?));
            for budget in 0..pictures.budgets {
                let found = pictures.of_clean(image, budget);
                grid.pictures.push(Some(picture(found)?));
            }
        }
        grids.push(grid);
    }
    grids.push(spending(shown, budgets, data)?);
    Ok(grids)
}

/// Where each model spends the smallest budget: local energy of the reconstruction over
/// that of the image.
fn spending(
    shown: &[(ModelName, Pictures)],
    budgets: &[f64],
    data: &Dataset,
) -> Result<PictureGrid> {
    let smallest = budgets.iter().copied().fold(f64::INFINITY, f64::min);
    let mut grid = PictureGrid {
        caption: format!(
            "Where each model spends a budget of {}: local energy of the reconstruction over \
             that of the image, each map on its own scale",
            smallest
        ),
        columns: std::iter::once("original".to_owned())
            .chain(shown.iter().map(|(model, _)| model_label(model.name())))
            .collect(),
        ..PictureGrid::default()
    };
    let Some((_, first)) = shown.first() else {
        return Ok(grid);
    };
    for image in 0..first.images.min(SHOWN) {
        grid.rows.push(format!("patch {}", image + 1));
        let original = first.original(image);
        grid.pictures
            .push(Some(gray(&data.info.normalize, original, first.size)?));
        for (_, pictures) in shown {
            let (size, map) = (pictures.size, pictures.spending(image));
            let shaded = Picture::from_values(size, size, map, Shading::FromZero)?;
            grid.pictures.push(Some(shaded));
        }
    }
    Ok(grid)
}
