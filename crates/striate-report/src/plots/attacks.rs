//! Accuracy against the size of adversarial perturbations.
//!
//! Invariant: a panel holds one attack, and all panels share the vertical axis.

use super::{in_order, legend, models_of};
use crate::data::{AttackRow, Attacks, Estimate, Uncertainty, model_label};
use crate::figure::{
    Axis, Body, Figure, Look, Panel, Point, Reference, SMALL, Series, Sign, XyChart,
};

/// Gray levels of the range of gray.
const LEVELS: f64 = 255.0;

/// Small multiples: one panel per attack.
pub(crate) fn attacks(
    data: &Attacks,
    chance: Option<f64>,
    uncertainty: &Uncertainty,
) -> Vec<Figure> {
    let models = models_of(data.rows.iter().map(|r| &r.model));
    let highest = data.rows.iter().map(|r| r.accuracy).fold(0.0, f64::max);
    let top = ((highest * 10.0 + 0.3).ceil() / 10.0).clamp(0.1, 1.0);
    let names = in_order(data.rows.iter().map(|r| &r.attack));
    let panels: Vec<Panel> = names
        .iter()
        .map(|name| panel(data, &models, name, top, chance))
        .collect();
    if panels.is_empty() {
        return Vec::new();
    }
    let bars = if uncertainty.seeds > 1 {
        format!(
            "Marks: mean over {} seeds; bars: standard error of the mean.",
            uncertainty.seeds
        )
    } else {
        "One seed, hence no error bars.".to_owned()
    };
    let guessing = chance.map_or("", |_| " Dashed: accuracy by guessing.");
    vec![Figure {
        id: "attack_accuracy".to_owned(),
        title: "Accuracy under attack".to_owned(),
        caption: format!(
            "{bars} Sizes are in gray levels of 255 for linf attacks (the largest change of a \
             pixel), else L2 norms in units of the range of gray; 0: the same images as they \
             are.{guessing} {}",
            data.note
        ),
        axes: "Vertical: accuracy (%). Horizontal: size of the change.".to_owned(),
        legend: legend(&models, Sign::Curve),
        bar: None,
        body: Body::Panels(panels),
        tables: vec!["attacks"],
    }]
}

fn panel(data: &Attacks, models: &[String], attack: &str, top: f64, chance: Option<f64>) -> Panel {
    let series = models.iter().map(|model| Series {
        model: model.clone(),
        label: model_label(model),
        look: Look::Curve,
        points: sizes(data, attack)
            .into_iter()
            .filter_map(|size| {
                let scale = if attack.ends_with("-linf") {
                    LEVELS
                } else {
                    1.0
                };
                accuracy(data, model, attack, size).map(|y| Point::new(size * scale, y))
            })
            .collect(),
    });
    XyChart {
        title: attack.to_owned(),
        description: "Accuracy of each model under perturbations up to a size".to_owned(),
        x: Axis::default(),
        y: Axis::default().percent().range(0.0, top),
        series: series.collect(),
        references: chance
            .map(|c| Reference::Y(c, String::new()))
            .into_iter()
            .collect(),
        fits: Vec::new(),
    }
    .draw(SMALL)
}

/// The sizes of an attack, smallest first.
pub(crate) fn sizes(data: &Attacks, attack: &str) -> Vec<f64> {
    let rows = data.rows.iter().filter(|r| r.attack == attack);
    let mut sizes: Vec<f64> = rows.map(|r| r.epsilon).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    sizes
}

/// The accuracy of a model over seeds.
pub(crate) fn accuracy(
    data: &Attacks,
    model: &str,
    attack: &str,
    epsilon: f64,
) -> Option<Estimate> {
    let of = |r: &&AttackRow| r.model == model && r.attack == attack && r.epsilon == epsilon;
    let values: Vec<f64> = data.rows.iter().filter(of).map(|r| r.accuracy).collect();
    Estimate::of(&values)
}
