//! Prediction of responses, and whether it goes with robustness.
//!
//! Invariant: the noise ceiling is drawn for recordings only; predictions of a
//! noise-free target have none.

use super::{in_order, legend, models_of};
use crate::data::{Estimate, LineFit, Neural, NeuralRow, model_label, pretty};
use crate::figure::{
    Axis, Bar, BarChart, BarSeries, Ceiling, Figure, Look, Point, Reference, Series, Sign, XyChart,
    fluid,
};

/// Bars of correlations by target, and the scatter against robustness.
pub(crate) fn neural(data: &Neural) -> Vec<Figure> {
    let mut out = Vec::new();
    if !data.rows.is_empty() {
        out.push(prediction(data));
    }
    if !data.points.is_empty() {
        out.push(scatter(data));
    }
    out
}

fn prediction(data: &Neural) -> Figure {
    let models = models_of(data.rows.iter().map(|r| &r.model));
    let targets = in_order(data.rows.iter().map(|r| &r.target));
    let bar = |model: &String, target: &String| {
        let of = |r: &&NeuralRow| r.model == *model && r.target == *target;
        let values: Vec<f64> = data.rows.iter().filter(of).map(|r| r.correlation).collect();
        Estimate::of(&values).map(|value| Bar {
            value,
            published: None,
        })
    };
    let chart = BarChart {
        title: String::new(),
        description: "Bars by target, one per model".to_owned(),
        y: Axis::new("Correlation over test images, mean over neurons"),
        origin: 0.0,
        groups: targets.iter().map(|t| pretty(t)).collect(),
        series: models
            .iter()
            .map(|m| BarSeries {
                model: m.clone(),
                label: model_label(m),
                bars: targets.iter().map(|t| bar(m, t)).collect(),
                pale: false,
            })
            .collect(),
        reference: data.ceiling.map(|c| Ceiling {
            value: c.value,
            label: "noise ceiling".to_owned(),
            group: targets.iter().position(|t| t.contains("recordings")),
        }),
    };
    let ceiling = data.ceiling.map_or_else(String::new, |c| {
        format!(
            " Noise ceiling of the recordings: {:.3}{}{}.",
            c.value,
            if data.ceiling_note.is_empty() {
                ""
            } else {
                ", "
            },
            data.ceiling_note
        )
    });
    Figure {
        id: "neural_prediction".to_owned(),
        title: "Prediction of responses".to_owned(),
        caption: format!(
            "Correlation of predicted and target responses to test images. The ceiling holds for \
             single recordings with their noise, not for targets that a network predicted.{ceiling}"
        ),
        axes: String::new(),
        legend: legend(&models, Sign::Box),
        bar: None,
        body: fluid(300.0, |size| chart.draw(size)),
        tables: vec!["neural"],
    }
}

fn scatter(data: &Neural) -> Figure {
    let models = models_of(data.points.iter().map(|p| &p.model));
    let series = models.iter().map(|model| Series {
        model: model.clone(),
        label: model_label(model),
        look: Look::Scatter,
        points: data
            .points
            .iter()
            .filter(|p| p.model == *model)
            .map(|p| Point {
                x: p.correlation,
                y: p.robustness,
                note: p.label.clone(),
            })
            .collect(),
    });
    let target = if data.points_target.is_empty() {
        "Correlation with the target"
    } else {
        &data.points_target
    };
    let fit = data.fit.clone();
    let fit = fit.or_else(|| LineFit::least_squares(&data.points));
    let ceiling = data
        .points_ceiling
        .map(|c| Reference::X(c, "noise ceiling".to_owned()));
    let baseline = Reference::Y(1.0, "Baseline".to_owned());
    let chart = XyChart {
        title: String::new(),
        description: "One mark per network".to_owned(),
        x: Axis::new(target),
        y: Axis::new("Accuracy relative to Baseline (%)").percent(),
        series: series.collect(),
        references: [baseline].into_iter().chain(ceiling).collect(),
        fits: fit.iter().chain(&data.published_fit).cloned().collect(),
    };
    let fits = fit.iter().map(|f| format!(" Line: {}.", f.note));
    let published = data
        .published_fit
        .iter()
        .map(|f| format!(" Second line: {}.", f.note));
    Figure {
        id: "neural_robustness".to_owned(),
        title: "Neural prediction against robustness".to_owned(),
        caption: format!(
            "Each mark is one trained network.{}",
            fits.chain(published).collect::<String>()
        ),
        axes: String::new(),
        legend: legend(&models, Sign::Mark),
        bar: None,
        body: fluid(340.0, |size| chart.draw(size)),
        tables: vec!["neural_robustness"],
    }
}
