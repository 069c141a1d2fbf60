//! Sensitivity maps beside saliency maps.
//!
//! Invariant: each agreement stands beside its control, the agreement with the
//! map of another image.

use super::{grids, in_order, legend, models_of};
use crate::data::{Saliency, SaliencyRow, model_label};
use crate::figure::{Axis, Bar, BarChart, BarSeries, Body, Entry, Figure, Panel, Sign, Size};

/// Grids of maps, bars of agreement of the first pair of maps with a panel per metric,
/// and of all pairs with a panel per saliency map.
pub(crate) fn saliency(data: &Saliency) -> Vec<Figure> {
    let mut out = grids(
        &data.grids,
        "saliency_maps",
        "Where the networks are sensitive",
    );
    let first =
        |r: &&SaliencyRow| r.sensitivity == data.sensitivity && r.reference == data.reference;
    let models = models_of(data.rows.iter().map(|r| &r.model));
    let metrics = in_order(data.rows.iter().filter(first).map(|r| &r.metric));
    let panels: Vec<Panel> = metrics.iter().map(|m| metric(data, &models, m)).collect();
    let images = match data.images {
        0 => String::new(),
        n => format!(", mean over {n} images"),
    };
    if !panels.is_empty() {
        let mut entries = legend(&models, Sign::Box);
        if data.rows.iter().filter(first).any(|r| r.shuffled.is_some()) {
            entries.push(Entry::new("v1", "map of another image", Sign::PaleBox));
        }
        out.push(Figure {
            id: "saliency_agreement".to_owned(),
            title: "Agreement of sensitivity with saliency".to_owned(),
            caption: format!(
                "Sensitivity: {}. Saliency: {}. Dark: with the image's own saliency map; pale: \
                 with that of another image{images}.",
                data.sensitivity, data.reference
            ),
            axes: String::new(),
            legend: entries,
            bar: None,
            body: Body::Panels(panels),
            tables: vec!["saliency"],
        });
    }
    out.extend(pairs(data, &models, &images));
    out
}

/// The correlations of all sensitivity maps with all saliency maps, where there are
/// several.
fn pairs(data: &Saliency, models: &[String], images: &str) -> Option<Figure> {
    let rows: Vec<&SaliencyRow> = data.rows.iter().filter(|r| r.metric == "CC").collect();
    let references = in_order(rows.iter().map(|r| &r.reference));
    let kinds = in_order(rows.iter().map(|r| &r.sensitivity));
    if references.len() * kinds.len() < 2 {
        return None;
    }
    let panel = |reference: &String| {
        let series = models.iter().map(|model| {
            let bar = |kind: &String| {
                let of = |r: &&&SaliencyRow| {
                    r.model == *model && r.reference == *reference && r.sensitivity == *kind
                };
                rows.iter().find(of).map(|r| Bar {
                    value: r.value,
                    published: None,
                })
            };
            BarSeries {
                model: model.clone(),
                label: model_label(model),
                bars: kinds.iter().map(bar).collect(),
                pale: false,
            }
        });
        BarChart {
            title: reference.clone(),
            description: "One group per sensitivity map, one bar per model".to_owned(),
            y: Axis::default(),
            origin: 0.0,
            groups: (1..=kinds.len()).map(|i| i.to_string()).collect(),
            series: series.collect(),
            reference: None,
        }
        .draw(Size {
            width: 230.0,
            height: 190.0,
        })
    };
    let numbered = kinds.iter().enumerate();
    let kinds_text: Vec<String> = numbered.map(|(i, k)| format!("{}: {k}", i + 1)).collect();
    Some(Figure {
        id: "saliency_pairs".to_owned(),
        title: "Every sensitivity map with every saliency map".to_owned(),
        caption: format!(
            "Correlation (CC){images}; a panel for each saliency map. {}.",
            kinds_text.join("; ")
        ),
        axes: String::new(),
        legend: legend(models, Sign::Box),
        bar: None,
        body: Body::Panels(references.iter().map(panel).collect()),
        tables: vec!["saliency"],
    })
}

fn metric(data: &Saliency, models: &[String], metric: &str) -> Panel {
    let find = |model: &String| {
        let of = |r: &&SaliencyRow| {
            r.model == *model
                && r.metric == metric
                && r.sensitivity == data.sensitivity
                && r.reference == data.reference
        };
        data.rows.iter().find(of)
    };
    let pair = |m: &String| {
        let series = |pale, value: Option<_>| BarSeries {
            model: m.clone(),
            label: if pale {
                format!("{}, map of another image", model_label(m))
            } else {
                model_label(m)
            },
            bars: vec![value.map(|value| Bar {
                value,
                published: None,
            })],
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
