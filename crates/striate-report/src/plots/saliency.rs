//! Sensitivity maps beside saliency maps.
//!
//! Invariant: each agreement stands beside its control, the agreement with the
//! map of another image.

use super::{grids, in_order, legend, models_of};
use crate::data::{Estimate, Saliency, SaliencyRow, model_label};
use crate::figure::{Axis, Bar, BarChart, BarSeries, Body, Entry, Figure, Panel, Sign, Size};

/// Grids of maps, and bars of agreement with a panel per metric.
pub(crate) fn saliency(data: &Saliency) -> Vec<Figure> {
    let mut out = grids(
        &data.grids,
        "saliency_maps",
        "Where the networks are sensitive",
    );
    let models = models_of(data.rows.iter().map(|r| &r.model));
    let metrics = in_order(data.rows.iter().map(|r| &r.metric));
    let panels: Vec<Panel> = metrics.iter().map(|m| metric(data, &models, m)).collect();
    if !panels.is_empty() {
        let mut entries = legend(&models, Sign::Box);
        if data.rows.iter().any(|r| r.shuffled.is_some()) {
            entries.push(Entry::new("v1", "map of another image", Sign::PaleBox));
        }
        let images = match data.images {
            0 => String::new(),
            n => format!(", mean over {n} images"),
        };
        out.push(Figure {
            id: "saliency_agreement".to_owned(),
            title: "Agreement of sensitivity with saliency".to_owned(),
            caption: format!(
                "Dark: with the image's own saliency map; pale: with that of another image{images}."
            ),
            axes: String::new(),
            legend: entries,
            bar: None,
            body: Body::Panels(panels),
            tables: vec!["saliency"],
        });
    }
    out
}

fn metric(data: &Saliency, models: &[String], metric: &str) -> Panel {
    let find = |model: &String| {
        let of = |r: &&SaliencyRow| r.model == *model && r.metric == metric;
        data.rows.iter().find(of)
    };
    let bar = |value: Option<Estimate>| {
        value.map(|value| Bar {
            value,
            published: None,
        })
    };
    let pair = |m: &String| {
        let series = |pale, value| BarSeries {
            model: m.clone(),
            label: if pale {
                format!("{}, map of another image", model_label(m))
            } else {
                model_label(m)
            },
            bars: vec![bar(value)],
            pale,
        };
        [
            series(false, find(m).map(|r| r.value)),
            series(true, find(m).and_then(|r| r.shuffled)),
        ]
    };
    let series: Vec<BarSeries> = models
        .iter()
        .flat_map(pair)
        .filter(|s| s.bars[0].is_some())
        .collect();
    let chart = BarChart {
        title: metric.to_owned(),
        description: "Pairs of bars, one pair per model".to_owned(),
        y: Axis::default(),
        origin: 0.0,
        groups: vec![String::new()],
        series,
        reference: None,
    };
    chart.draw(Size {
        width: 200.0,
        height: 190.0,
    })
}
