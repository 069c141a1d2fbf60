//! Reconstructions under a budget.
//!
//! Invariant: budgets are fractions of the original's norm, from 0 to 1.

use super::{grids, legend, models_of};
use crate::data::{ContentRow, CurveRow, Estimate, Reconstruction, model_label};
use crate::figure::{
    Axis, Bar, BarChart, BarSeries, Entry, Figure, Look, Point, Series, Sign, XyChart, fluid,
};

/// Grids, feature error against budget, content and noise.
pub(crate) fn reconstruction(data: &Reconstruction) -> Vec<Figure> {
    let title = "Reconstructions under a contrast budget";
    let mut out = grids(&data.grids, "reconstructions", title);
    if !data.fit.is_empty() {
        out.push(fit(data));
    }
    if !data.content.is_empty() {
        out.push(content(data));
    }
    out
}

fn fit(data: &Reconstruction) -> Figure {
    let models = models_of(data.fit.iter().map(|r| &r.model));
    let series = models.iter().map(|model| {
        let mut rows: Vec<&CurveRow> = data.fit.iter().filter(|r| r.model == *model).collect();
        rows.sort_by(|a, b| a.budget.total_cmp(&b.budget));
        Series {
            model: model.clone(),
            label: model_label(model),
            look: Look::Curve,
            points: rows.iter().map(|r| Point::new(r.budget, r.value)).collect(),
        }
    });
    let chart = XyChart {
        title: String::new(),
        description: "One curve per model".to_owned(),
        x: Axis::new("Budget (% of the original's norm)").percent(),
        y: Axis::new("Feature error (mean squared error / variance)"),
        series: series.collect(),
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
        legend: legend(&models, Sign::Curve),
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
fn content(data: &Reconstruction) -> Figure {
    let models = models_of(data.content.iter().map(|r| &r.model));
    let mut budgets: Vec<f64> = data.content.iter().map(|r| r.budget).collect();
    budgets.sort_by(f64::total_cmp);
    budgets.dedup();
    let series = |model: &String, pale: bool, pick: fn(&ContentRow) -> Estimate| BarSeries {
        model: model.clone(),
        label: format!(
            "{}, {}",
            model_label(model),
            if pale { "noise" } else { "content" }
        ),
        bars: budgets
            .iter()
            .map(|budget| {
                let of = |r: &&ContentRow| r.model == *model && r.budget == *budget;
                data.content.iter().find(of).map(|r| Bar {
                    value: pick(r),
                    published: None,
                })
            })
            .collect(),
        pale,
    };
    let pairs = models.iter().flat_map(|m| {
        [
            series(m, false, |r| r.content),
            series(m, true, |r| r.noise),
        ]
    });
    let chart = BarChart {
        title: String::new(),
        description: "Pairs of bars: content (dark) and noise (pale)".to_owned(),
        y: Axis::new("Coefficient in the reconstruction"),
        origin: 0.0,
        groups: budgets
            .iter()
            .map(|b| format!("{:.0} %", 100.0 * b))
            .collect(),
        series: pairs.collect(),
        reference: None,
    };
    let mut entries = legend(&models, Sign::Box);
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
