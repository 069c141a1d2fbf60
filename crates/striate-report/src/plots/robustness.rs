//! Accuracy against severity, and scores relative to Baseline.
//!
//! Invariant: clean accuracy is severity 0 of every curve; published values are
//! hollow marks and never share a line with measured ones.

use super::{in_order, legend, models_of};
use crate::data::{
    AccuracyGrid, Estimate, Level, ScoreRow, Scores, Uncertainty, model_label, pretty,
};
use crate::figure::{
    Axis, Bar, BarChart, BarSeries, Body, DotChart, Entry, Figure, Look, NARROW, Panel, Point,
    SMALL, Series, Sign, WIDE, XyChart, fluid,
};

/// Small multiples: one panel per corruption.
pub(crate) fn accuracy(data: &AccuracyGrid, uncertainty: &Uncertainty) -> Vec<Figure> {
    let models = models_of(data.rows.iter().map(|r| &r.model));
    let corruptions = in_order(data.rows.iter().map(|r| &r.corruption));
    let highest = data.rows.iter().map(|r| r.accuracy).fold(0.0, f64::max);
    // All panels share one axis, in steps of a tenth.
    let top = ((highest * 10.0 + 0.3).ceil() / 10.0).clamp(0.1, 1.0);
    let panels: Vec<Panel> = corruptions
        .iter()
        .filter(|c| *c != "clean")
        .map(|c| corruption_panel(data, &models, c, top))
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
    let chance = data.chance.map_or_else(String::new, |c| {
        format!(" Dashed: accuracy by guessing ({:.1} %).", 100.0 * c)
    });
    vec![Figure {
        id: "accuracy_severity".to_owned(),
        title: "Accuracy against severity, for each corruption".to_owned(),
        caption: format!("{bars} Severity 0 is the clean test set.{chance}"),
        axes: "Vertical: accuracy (%). Horizontal: severity.".to_owned(),
        legend: legend(&models, Sign::Curve),
        bar: None,
        body: Body::Panels(panels),
        tables: vec!["robustness"],
    }]
}

fn corruption_panel(data: &AccuracyGrid, models: &[String], corruption: &str, top: f64) -> Panel {
    let point = |model: &String, severity: u8| {
        let name = if severity == 0 { "clean" } else { corruption };
        let of = |r: &&crate::AccuracyRow| {
            r.model == *model && r.corruption == name && (severity == 0 || r.severity == severity)
        };
        let values: Vec<f64> = data.rows.iter().filter(of).map(|r| r.accuracy).collect();
        Estimate::of(&values).map(|y| Point::new(f64::from(severity), y))
    };
    let series = models.iter().map(|model| Series {
        model: model.clone(),
        label: model_label(model),
        look: Look::Curve,
        points: (0..=5).filter_map(|s| point(model, s)).collect(),
    });
    let reference = data
        .chance
        .map(|c| crate::figure::Reference::Y(c, String::new()));
    XyChart {
        title: pretty(corruption),
        description: "Accuracy of each model at severities 0 to 5".to_owned(),
        x: Axis::default()
            .range(-0.25, 5.25)
            .ticks((0..=5).map(f64::from)),
        y: Axis::default().percent().range(0.0, top),
        series: series.collect(),
        references: reference.into_iter().collect(),
        fits: Vec::new(),
    }
    .draw(SMALL)
}

/// Bars by group and overall, and dots by corruption.
pub(crate) fn scores(data: &Scores, uncertainty: &Uncertainty) -> Vec<Figure> {
    let mut models = models_of(data.rows.iter().map(|r| &r.model));
    // Baseline is the line at 100 %.
    models.retain(|m| m != "baseline");
    let names = |level: Level| {
        let rows = data.rows.iter().filter(|r| r.level == level);
        in_order(rows.map(|r| &r.name))
    };
    let series = |keys: &[(Level, String)]| -> Vec<BarSeries> {
        let of = |model: &String| BarSeries {
            model: model.clone(),
            label: model_label(model),
            bars: keys.iter().map(|k| bar(data, model, k)).collect(),
            pale: false,
        };
        models.iter().map(of).collect()
    };
    let mut out = Vec::new();
    let keys = |levels: &[Level]| -> Vec<(Level, String)> {
        let of = |l: &Level| names(*l).into_iter().map(|n| (*l, n)).collect::<Vec<_>>();
        levels.iter().flat_map(of).collect()
    };
    let labels = |keys: &[(Level, String)]| keys.iter().map(|k| pretty(&k.1)).collect();
    let caption = caption(data, uncertainty);
    let groups = keys(&[Level::Group, Level::Overall]);
    if !groups.is_empty() {
        let chart = BarChart {
            title: String::new(),
            description: "Bars start at 100 %, the accuracy of Baseline".to_owned(),
            y: Axis::new("Accuracy relative to Baseline (%)").percent(),
            origin: 1.0,
            groups: labels(&groups),
            series: series(&groups),
            reference: None,
        };
        let body = fluid(330.0, |size| chart.draw(size));
        let title = "Robustness by group and overall";
        out.push(figure(
            "robustness_groups",
            title,
            &caption,
            &models,
            Sign::Box,
            data,
            body,
        ));
    }
    let rows = keys(&[Level::Corruption]);
    if !rows.is_empty() {
        let chart = DotChart {
            title: String::new(),
            description: "One row per corruption, one mark per model".to_owned(),
            x: Axis::new("Accuracy relative to Baseline (%)").percent(),
            origin: 1.0,
            rows: labels(&rows),
            series: series(&rows),
        };
        let body = Body::Fluid {
            wide: Box::new(chart.draw(WIDE)),
            narrow: Box::new(chart.draw(NARROW)),
        };
        let title = "Robustness by corruption";
        out.push(figure(
            "robustness_corruptions",
            title,
            &caption,
            &models,
            Sign::Mark,
            data,
            body,
        ));
    }
    out
}

fn figure(
    id: &str,
    title: &str,
    caption: &str,
    models: &[String],
    sign: Sign,
    data: &Scores,
    body: Body,
) -> Figure {
    let mut entries = legend(models, sign);
    let mut tables = vec!["scores"];
    if !data.differences.is_empty() {
        tables.push("score_differences");
    }
    if !data.published.is_empty() {
        entries.push(Entry::new("v1", "published (other data)", Sign::Hollow));
        tables.push("published_scores");
    }
    Figure {
        id: id.to_owned(),
        title: title.to_owned(),
        caption: caption.to_owned(),
        axes: String::new(),
        legend: entries,
        bar: None,
        body,
        tables,
    }
}

fn bar(data: &Scores, model: &str, (level, name): &(Level, String)) -> Option<Bar> {
    let of = |r: &&ScoreRow| r.model == model && r.level == *level && r.name == *name;
    let published = data
        .published
        .iter()
        .find(|p| p.model == model && p.level == *level && p.name == *name)
        .map(|p| match p.error {
            Some(error) => Estimate::with_error(p.score, error),
            None => Estimate::point(p.score),
        });
    data.rows.iter().find(of).map(|row| Bar {
        value: row.score,
        published,
    })
}

fn caption(data: &Scores, uncertainty: &Uncertainty) -> String {
    let mut parts = Vec::new();
    if !data.pooling.is_empty() {
        parts.push(format!("Severities pooled by {}.", data.pooling));
    }
    if !data.corruptions.is_empty() {
        parts.push(format!("Corruptions: {}.", data.corruptions));
    }
    let drawn = data.rows.iter().any(|r| r.score.interval.is_some());
    parts.push(match (drawn, uncertainty.interval.is_empty()) {
        (false, _) => "No error bars: they need at least two seeds.".to_owned(),
        (true, true) => "Error bars as in the table.".to_owned(),
        (true, false) => format!("Error bars: {}.", uncertainty.interval),
    });
    if !data.published.is_empty() {
        parts.push(
            "Hollow marks: published values, measured on other data, networks and recordings; \
             compare directions, not sizes."
                .to_owned(),
        );
    }
    parts.join(" ")
}
