//! Training curves of both tasks.
//!
//! Invariant: each seed is a thin line, their mean a thick one, as far as all
//! seeds trained; a model with one seed has the thick line only.

use super::{legend, models_of};
use crate::data::{EpochRow, Training, TrainingCurve, model_label};
use crate::figure::{
    Axis, Body, Entry, Figure, Look, Panel, Point, Reference, Series, Sign, Size, XyChart,
};

type Measure = fn(&EpochRow) -> Option<f64>;

/// One figure of up to four panels.
pub(crate) fn training(data: &Training) -> Vec<Figure> {
    let accuracy = Axis::new("Validation accuracy (%)").percent();
    let panels: Vec<Panel> = [
        panel(data, "Classification: accuracy", accuracy, |e| {
            e.validation_accuracy
        }),
        panel(
            data,
            "V1 responses: correlation",
            Axis::new("Validation correlation"),
            |e| e.validation_correlation,
        ),
        panel(
            data,
            "Classification: loss",
            Axis::new("Cross-entropy (nats)"),
            |e| e.classification_loss,
        ),
        panel(
            data,
            "V1 responses: loss",
            Axis::new("Mean squared error"),
            |e| e.neural_loss,
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    if panels.is_empty() {
        return Vec::new();
    }
    let models = models_of(data.curves.iter().map(|c| &c.model));
    let phases = models_of(data.curves.iter().map(|c| &c.phase));
    let split = if phases.len() > 1 {
        " A model that is trained in phases has one line per phase."
    } else {
        ""
    };
    let mut entries: Vec<Entry> = legend(&models, Sign::Curve);
    entries.iter_mut().for_each(|e| e.sign = Sign::Box);
    vec![Figure {
        id: "training".to_owned(),
        title: "Training of both tasks".to_owned(),
        caption: format!(
            "Measures on validation images and losses on training images after each epoch. \
             Thick lines: mean over seeds, as far as all seeds were trained; thin lines: single \
             seeds.{split}"
        ),
        axes: String::new(),
        legend: entries,
        bar: None,
        body: Body::Panels(panels),
        tables: vec!["training"],
    }]
}

fn panel(data: &Training, title: &str, y: Axis, measure: Measure) -> Option<Panel> {
    let mut series = Vec::new();
    let models = models_of(data.curves.iter().map(|c| &c.model));
    for model in &models {
        let curves: Vec<_> = data.curves.iter().filter(|c| c.model == *model).collect();
        for phase in models_of(curves.iter().map(|c| &c.phase)) {
            let seeds: Vec<_> = curves.iter().filter(|c| c.phase == phase).collect();
            let label = if phase.is_empty() {
                model_label(model)
            } else {
                format!("{}, {phase}", model_label(model))
            };
            let lines: Vec<Vec<Point>> = seeds.iter().map(|c| points(c, measure)).collect();
            let common = lines.iter().map(Vec::len).min().unwrap_or(0);
            let mean = (0..common).map(|i| {
                let sum: f64 = lines.iter().map(|l| l[i].y.value).sum();
                Point::new(lines[0][i].x.value, sum / lines.len() as f64)
            });
            let mean = mean.collect();
            let add = |look, points| Series {
                model: model.clone(),
                label: label.clone(),
                look,
                points,
            };
            if lines.len() > 1 {
                series.extend(lines.into_iter().map(|l| add(Look::Faint, l)));
            }
            series.push(add(Look::Band, mean));
        }
    }
    // Thick lines above all thin ones.
    series.sort_by_key(|s: &Series| s.look != Look::Faint);
    if series.iter().all(|s| s.points.is_empty()) {
        return None;
    }
    let is_accuracy = title.ends_with("accuracy");
    let references = data
        .chance_accuracy
        .filter(|_| is_accuracy)
        .map(|c| Reference::Y(c, "chance".to_owned()));
    let chart = XyChart {
        title: title.to_owned(),
        description: "One line per model, against epochs".to_owned(),
        x: Axis::new("Epoch"),
        y,
        series,
        references: references.into_iter().collect(),
        fits: Vec::new(),
    };
    Some(chart.draw(Size {
        width: 344.0,
        height: 230.0,
    }))
}

fn points(curve: &TrainingCurve, measure: Measure) -> Vec<Point> {
    let point = |e: &EpochRow| measure(e).map(|y| Point::new(f64::from(e.epoch), y));
    curve.epochs.iter().filter_map(point).collect()
}
