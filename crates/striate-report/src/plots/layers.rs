//! Agreement of every layer with V1, as curves over layers.
//!
//! Invariant: the noise ceiling is drawn for V1's responses only; predictions of the V1
//! model have none. All panels of a figure share one axis.

use super::{in_order, legend, models_of};
use crate::data::{AgreementRow, Rsa, model_label, pretty};
use crate::figure::{
    Axis, Body, Figure, Look, Panel, Point, Reference, SMALL, Series, Sign, Size, XyChart, fluid,
};

/// For each reference a figure of the clean images, and one of the corrupted.
pub(super) fn layers(data: &Rsa) -> Vec<Figure> {
    let mut out = Vec::new();
    let Some(comparator) = data.layers.first().map(|r| &r.comparator) else {
        return out;
    };
    for reference in in_order(data.layers.iter().map(|r| &r.reference)) {
        let rows: Vec<&AgreementRow> = data
            .layers
            .iter()
            .filter(|r| r.reference == reference && r.comparator == *comparator)
            .collect();
        let curves = Curves {
            data,
            models: models_of(rows.iter().map(|r| &r.model)),
            names: layer_names(data),
            ceiling: data.ceiling.filter(|_| reference == "v1"),
            comparator,
            of: match reference.as_str() {
                "v1" => data.responses.clone(),
                _ => "predictions of the V1 model".to_owned(),
            },
            responses: match reference.as_str() {
                "v1" => data.responses.clone(),
                _ => format!(
                    "what the V1 model, fitted to the {}, predicts",
                    data.responses
                ),
            },
            id: format!("rsa_layers_{}", reference.replace(' ', "_")),
            rows,
        };
        out.push(curves.clean());
        out.extend(curves.corrupted());
    }
    out
}

/// The names of all layers in their order, which is that of their block and number.
fn layer_names(data: &Rsa) -> Vec<String> {
    let mut names = in_order(data.layers.iter().map(|r| &r.layer));
    let place = |name: &String| -> Vec<u64> {
        let digits = name.split(|c: char| !c.is_ascii_digit());
        digits.filter_map(|d| d.parse().ok()).collect()
    };
    names.sort_by_cached_key(place);
    names
}

/// The curves of one reference.
struct Curves<'a> {
    data: &'a Rsa,
    rows: Vec<&'a AgreementRow>,
    models: Vec<String>,
    names: Vec<String>,
    ceiling: Option<(f64, f64)>,
    comparator: &'a str,
    /// Which responses V1's matrix is of, for the title.
    of: String,
    /// The same for the caption.
    responses: String,
    id: String,
}

impl Curves<'_> {
    fn clean(&self) -> Figure {
        let y = Axis::new(&format!("Agreement with V1 ({})", pretty(self.comparator)));
        let draw = |size: Size| {
            let split = self.names.iter().position(|n| *n == self.data.split);
            let split = split.map(|at| Reference::X(at as f64, "last shared layer".to_owned()));
            let chart = self.chart("clean", y.clone(), split);
            chart.draw(size)
        };
        let ceiling = self.ceiling.map_or_else(String::new, |(low, high)| {
            format!(" Noise ceiling: {low:.3} (lower, drawn) to {high:.3} (upper).")
        });
        Figure {
            id: self.id.clone(),
            title: format!("Agreement of every layer with V1: {}", self.of),
            caption: format!(
                "Agreement of the dissimilarity matrix of each convolution, after its ReLU, with \
                 that of {}, on clean images ({}, strict upper triangle). {}{ceiling}",
                self.responses,
                pretty(self.comparator),
                self.data.layers_note
            ),
            axes: String::new(),
            legend: legend(&self.models, Sign::Curve),
            bar: None,
            body: fluid(300.0, draw),
            tables: vec!["rsa_layers"],
        }
    }

    fn corrupted(&self) -> Option<Figure> {
        let conditions = in_order(self.rows.iter().map(|r| &r.condition));
        let ends = |r: &&AgreementRow| [r.value.value, r.value.low(), r.value.high()];
        let shown = self.rows.iter().flat_map(ends);
        let ceiling = self.ceiling.map(|c| c.0);
        let range = Axis::default().resolve(shown.chain(ceiling), 5);
        let panels: Vec<Panel> = conditions
            .iter()
            .filter(|c| *c != "clean")
            .map(|condition| {
                let y = Axis::default().range(range.0, range.1);
                let mut chart = self.chart(condition, y, None);
                chart.title = pretty(condition);
                chart.x.label.clear();
                chart.draw(SMALL)
            })
            .collect();
        (!panels.is_empty()).then(|| Figure {
            id: format!("{}_corrupted", self.id),
            title: format!("The same on corrupted images: {}", self.of),
            caption: format!(
                "The network sees corrupted images; V1's matrix is of the clean ones, from {}.",
                self.responses
            ),
            axes: format!(
                "Vertical: agreement with V1 ({}). Horizontal: convolution.",
                pretty(self.comparator)
            ),
            legend: legend(&self.models, Sign::Curve),
            bar: None,
            body: Body::Panels(panels),
            tables: vec!["rsa_layers"],
        })
    }

    fn chart(&self, condition: &str, y: Axis, split: Option<Reference>) -> XyChart {
        let middle = 0.5 * (self.models.len() as f64 - 1.0);
        let series = self.models.iter().enumerate().map(|(i, model)| {
            // Side by side, so that bars do not hide each other.
            let aside = 0.05 * (i as f64 - middle);
            // A layer that was left out is a gap.
            let point = |(place, name): (usize, &String)| {
                let of = |r: &&&AgreementRow| {
                    r.model == *model && r.layer == *name && r.condition == condition
                };
                let value = self.rows.iter().find(of).map(|r| r.value);
                let gap = crate::Estimate::point(f64::NAN);
                Point::new(place as f64 + aside, value.unwrap_or(gap))
            };
            Series {
                model: model.clone(),
                label: model_label(model),
                look: Look::Curve,
                points: self.names.iter().enumerate().map(point).collect(),
            }
        });
        let label = match split.is_some() {
            true => "lower noise ceiling".to_owned(),
            false => String::new(),
        };
        let ceiling = self.ceiling.map(|c| Reference::Y(c.0, label));
        let short = self.names.iter().map(|n| n.trim_start_matches("conv"));
        XyChart {
            description: "One curve per model over the layers".to_owned(),
            x: Axis::new("Convolution, from the image on")
                .names(short.map(str::to_owned).collect()),
            y,
            series: series.collect(),
            references: ceiling.into_iter().chain(split).collect(),
            ..XyChart::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Estimate;

    fn row(layer: &str, condition: &str, reference: &str, value: f64) -> AgreementRow {
        AgreementRow {
            model: "baseline".to_owned(),
            layer: layer.to_owned(),
            condition: condition.to_owned(),
            reference: reference.to_owned(),
            comparator: "pearson".to_owned(),
            value: Estimate::point(value),
        }
    }

    #[test]
    fn curves_run_over_the_layers_in_their_order_and_keep_gaps() {
        let data = Rsa {
            layers: vec![
                row("conv10_1", "clean", "v1", 0.5),
                row("conv1_1", "clean", "v1", 0.1),
                row("conv2_1", "clean", "v1", 0.3),
                row("conv1_1", "fog", "v1", 0.2),
                row("conv10_1", "fog", "v1", 0.4),
                row("conv1_1", "clean", "v1 model", 0.6),
            ],
            split: "conv2_1".to_owned(),
            responses: "simulated responses".to_owned(),
            layers_note: "A note.".to_owned(),
            ceiling: Some((0.7, 0.8)),
            ..Rsa::default()
        };
        assert_eq!(layer_names(&data), ["conv1_1", "conv2_1", "conv10_1"]);
        let figures = layers(&data);
        let ids: Vec<&str> = figures.iter().map(|f| f.id.as_str()).collect();
        let expected = [
            "rsa_layers_v1",
            "rsa_layers_v1_corrupted",
            "rsa_layers_v1_model",
        ];
        assert_eq!(ids, expected);
        assert!(figures[0].caption.contains("simulated responses"));
        assert!(figures[0].caption.contains("A note. Noise ceiling: 0.700"));
        assert!(!figures[2].caption.contains("ceiling"));
        let Body::Fluid { wide, .. } = &figures[0].body else {
            panic!("the clean images have one chart");
        };
        for part in [
            "Baseline: 2_1 → 0.300",
            "last shared layer",
            "lower noise ceiling",
        ] {
            assert!(wide.body.contains(part), "{part}");
        }
        let Body::Panels(panels) = &figures[1].body else {
            panic!("corruptions are panels");
        };
        assert_eq!(panels.len(), 1);
        // conv2_1 was left out: two lone marks, no line between them.
        assert!(!panels[0].body.contains("s-line"), "{}", panels[0].body);
        assert!(layers(&Rsa::default()).is_empty());
    }
}
