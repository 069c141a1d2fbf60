//! Reconstructions under a budget.
//!
//! Invariant: budgets are fractions of the original's norm, from 0 to 1.

use super::{grids, in_order, legend, models_of};
use crate::data::{CrossRow, Estimate, MeasureRow, Reconstruction, model_label};
use crate::figure::{
    Axis, Bar, BarChart, BarSeries, Body, Entry, Figure, Look, Panel, Point, Reference, SMALL,
    Series, Sign, XyChart, fluid, table,
};

/// Grids, feature error against budget, content and noise, likeness, spectra and
/// recognition.
pub(crate) fn reconstruction(data: &Reconstruction) -> Vec<Figure> {
    let title = "Reconstructions under a contrast budget";
    let mut out = grids(&data.grids, "reconstructions", title);
    let models = models_of(data.measures.iter().map(|r| &r.model));
    let has = |measure: &str| data.measures.iter().any(|r| r.measure == measure);
    if has("feature_error") {
        out.push(fit(data, &models));
    }
    if has("content") {
        out.push(content(data, &models));
    }
    out.extend(likeness(data, &models));
    if !data.spectrum.is_empty() {
        out.push(spectra(data));
    }
    out.extend(recognition(data));
    out
}

/// Budgets of some rows, rising.
fn budgets(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut budgets: Vec<f64> = values.collect();
    budgets.sort_by(f64::total_cmp);
    budgets.dedup();
    budgets
}

fn percent(budget: f64) -> String {
    format!("{:.0} %", 100.0 * budget)
}

/// One measure against the budget, a curve for each model.
fn curves(data: &Reconstruction, models: &[String], measure: &str) -> Vec<Series> {
    let series = models.iter().map(|model| {
        let of = |r: &&MeasureRow| r.model == *model && r.measure == measure;
        let mut rows: Vec<&MeasureRow> = data.measures.iter().filter(of).collect();
        rows.sort_by(|a, b| a.budget.total_cmp(&b.budget));
        Series {
            model: model.clone(),
            label: model_label(model),
            look: Look::Curve,
            points: rows.iter().map(|r| Point::new(r.budget, r.value)).collect(),
        }
    });
    series.filter(|s| !s.points.is_empty()).collect()
}

fn fit(data: &Reconstruction, models: &[String]) -> Figure {
    let chart = XyChart {
        title: String::new(),
        description: "One curve per model".to_owned(),
        x: Axis::new("Budget (% of the original's norm)").percent(),
        y: Axis::new("Feature error (mean squared error / variance)"),
        series: curves(data, models, "feature_error"),
        ..XyChart::default()
    };
    Figure {
        id: "reconstruction_fit".to_owned(),
        title: "Feature error against budget".to_owned(),
        caption: format!(
            "How well the reconstruction's features match the image's at {}{}. Lower is better; 1 \
             is no better than the mean.",
            if data.layer.is_empty() {
                "the layer"
            } else {
                &data.layer
            },
            images(data)
        ),
        axes: String::new(),
        legend: legend(models, Sign::Curve),
        bar: None,
        body: fluid(280.0, |size| chart.draw(size)),
        tables: vec!["reconstruction"],
    }
}

fn images(data: &Reconstruction) -> String {
    if data.images == 0 {
        String::new()
    } else {
        format!(", mean over {} images", data.images)
    }
}

/// Content and noise at each budget; pairs of bars per model.
fn content(data: &Reconstruction, models: &[String]) -> Figure {
    let budgets = budgets(data.measures.iter().map(|r| r.budget));
    let series = |model: &String, pale: bool, measure: &str| BarSeries {
        model: model.clone(),
        label: format!("{}, {measure}", model_label(model)),
        bars: budgets
            .iter()
            .map(|budget| {
                let of = |r: &&MeasureRow| {
                    r.model == *model && r.budget == *budget && r.measure == measure
                };
                data.measures.iter().find(of).map(|r| Bar {
                    value: r.value,
                    published: None,
                })
            })
            .collect(),
        pale,
    };
    let pairs = models
        .iter()
        .flat_map(|m| [series(m, false, "content"), series(m, true, "noise")]);
    let chart = BarChart {
        title: String::new(),
        description: "Pairs of bars: content (dark) and noise (pale)".to_owned(),
        y: Axis::new("Coefficient in the reconstruction"),
        origin: 0.0,
        groups: budgets.iter().map(|b| percent(*b)).collect(),
        series: pairs.collect(),
        reference: None,
    };
    let mut entries = legend(models, Sign::Box);
    entries.push(Entry::new("v1", "content", Sign::Box));
    entries.push(Entry::new("v1", "noise", Sign::PaleBox));
    Figure {
        id: "reconstruction_content".to_owned(),
        title: "Content and noise in reconstructions of corrupted images".to_owned(),
        caption: format!(
            "Least-squares coefficients of the clean image (content) and of the corruption's \
             residual (noise) in the reconstruction, by budget{}. A representation that favours \
             content has a large dark and a small pale bar.",
            images(data)
        ),
        axes: String::new(),
        legend: entries,
        bar: None,
        body: fluid(300.0, |size| chart.draw(size)),
        tables: vec!["reconstruction"],
    }
}

/// What else was measured at each budget, a panel for each.
fn likeness(data: &Reconstruction, models: &[String]) -> Option<Figure> {
    const MEASURES: [(&str, &str); 4] = [
        ("content_share", "Content share |a| / (|a| + |b|)"),
        ("ssim", "SSIM with the original"),
        ("psnr_db", "PSNR with the original (dB)"),
        ("accuracy", "Recognised by the same model (%)"),
    ];
    let panel = |(measure, title): &(&str, &str)| -> Option<Panel> {
        let series = curves(data, models, measure);
        let y = match *measure {
            "accuracy" => Axis::default().percent(),
            _ => Axis::default(),
        };
        let chart = XyChart {
            title: (*title).to_owned(),
            description: "One curve per model".to_owned(),
            x: Axis::default().percent(),
            y,
            series,
            ..XyChart::default()
        };
        (!chart.series.is_empty()).then(|| chart.draw(SMALL))
    };
    let panels: Vec<Panel> = MEASURES.iter().filter_map(panel).collect();
    (!panels.is_empty()).then(|| Figure {
        id: "reconstruction_likeness".to_owned(),
        title: "How much of the image is in its reconstruction".to_owned(),
        caption: format!(
            "The content share is measured on reconstructions of corrupted images: above one \
             half, content weighs more than noise. SSIM and PSNR compare reconstructions of clean \
             images with these, after both have one mean and norm. Recognition: reconstructions \
             of clean images, scaled to the original's norm, classified by the model that they \
             come from{}.",
            images(data)
        ),
        axes: "Across: budget (% of the original's norm)".to_owned(),
        legend: legend(models, Sign::Curve),
        bar: None,
        body: Body::Panels(panels),
        tables: vec!["reconstruction"],
    })
}

/// Power over the original's, a panel for each budget.
fn spectra(data: &Reconstruction) -> Figure {
    let models = models_of(data.spectrum.iter().map(|r| &r.model));
    let panel = |budget: &f64| {
        let series = models.iter().map(|model| {
            let of = data
                .spectrum
                .iter()
                .filter(|r| r.model == *model && r.budget == *budget);
            Series {
                model: model.clone(),
                label: model_label(model),
                look: Look::Band,
                points: of
                    .map(|r| Point::new(r.cycles_per_pixel, r.ratio_db))
                    .collect(),
            }
        });
        XyChart {
            title: format!("Budget {}", percent(*budget)),
            description: "One curve per model over spatial frequency".to_owned(),
            x: Axis::default(),
            y: Axis::default(),
            series: series.collect(),
            references: vec![Reference::Y(
                20.0 * budget.log10(),
                "spent evenly".to_owned(),
            )],
            ..XyChart::default()
        }
        .draw(SMALL)
    };
    let panels = budgets(data.spectrum.iter().map(|r| r.budget));
    Figure {
        id: "reconstruction_spectrum".to_owned(),
        title: "Where in the spectrum the contrast goes".to_owned(),
        caption: format!(
            "Power of the reconstruction of a clean image over that of the image, in rings of \
             spatial frequency{}. A reconstruction that spent its budget evenly would lie on the \
             dashed line; above it, a frequency is preferred.",
            images(data)
        ),
        axes: "Across: cycles per pixel. Up: power ratio (dB)".to_owned(),
        legend: legend(&models, Sign::Curve),
        bar: None,
        body: Body::Panels(panels.iter().map(panel).collect()),
        tables: vec!["reconstruction_spectrum"],
    }
}

/// Who recognises what was reconstructed from whom: one table for each budget, a figure
/// for clean and one for corrupted images.
fn recognition(data: &Reconstruction) -> Vec<Figure> {
    let conditions = in_order(data.cross.iter().map(|r| &r.condition));
    let figure = |condition: &String| {
        let rows: Vec<&CrossRow> = data
            .cross
            .iter()
            .filter(|r| r.condition == *condition)
            .collect();
        let models = models_of(rows.iter().map(|r| &r.reconstructed_from));
        let names: Vec<String> = models.iter().map(|m| model_label(m)).collect();
        let panel = |budget: &f64| {
            let cell = |from: &String, by: &String| {
                let of = |r: &&&CrossRow| {
                    r.reconstructed_from == *from && r.classified_by == *by && r.budget == *budget
                };
                let found: Option<Estimate> = rows.iter().find(of).map(|r| r.accuracy);
                found.map_or(f64::NAN, |a| a.value)
            };
            let values: Vec<f64> = models
                .iter()
                .flat_map(|from| models.iter().map(move |by| cell(from, by)))
                .collect();
            let title = format!("Budget {}", percent(*budget));
            let width = 84.0 + 52.0 * names.len() as f64;
            table(&title, &title, &names, &values, width)
        };
        let budgets = budgets(rows.iter().map(|r| r.budget));
        Figure {
            id: format!("reconstruction_cross_{condition}"),
            title: format!(
                "Which model recognises reconstructions of {} images",
                condition.replace('_', " ")
            ),
            caption: format!(
                "Share of reconstructions that are classified as the original's class, after \
                 they were scaled to the original's norm{}. Rows: the model whose features were \
                 reconstructed; columns: the model that classified.",
                images(data)
            ),
            axes: String::new(),
            legend: Vec::new(),
            bar: None,
            body: Body::Panels(budgets.iter().map(panel).collect()),
            tables: vec!["reconstruction_cross"],
        }
    };
    conditions.iter().map(figure).collect()
}
