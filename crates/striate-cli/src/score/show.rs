//! The scores as text. Invariant: models in columns, one number per cell,
//! intervals in brackets where there are any.

use std::fmt::Write as _;

use striate_robustness::SeedUncertainty;
use striate_robustness::frequency::FrequencyScore;
use striate_robustness::images::Level;

use super::analyse::{Analysis, error_name};

/// The table that is printed.
pub(super) fn text(analysis: &Analysis) -> String {
    let mut out = String::new();
    let models: Vec<&str> = analysis.models.iter().map(|m| m.name.as_str()).collect();
    let severities: Vec<String> = analysis.severities.iter().map(u8::to_string).collect();
    let _ = writeln!(
        out,
        "{} rows: {} models, {} corruptions at severities {}, {} images each\n",
        analysis.rows,
        models.len(),
        analysis.corruptions.len(),
        severities.join(" "),
        analysis.images,
    );
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    let seeds = analysis.models.iter().map(|m| m.seeds.len().to_string());
    lines.push(("seeds".to_owned(), seeds.collect()));
    accuracies(analysis, &models, &mut lines);
    errors(analysis, &models, &mut lines);
    calibration(analysis, &models, &mut lines);
    relative(analysis, &models, &mut lines);
    columns(&mut out, &models, &lines);
    if let Some(found) = analysis.image_bootstrap.last() {
        let what = match found.level {
            Level::Images => "images",
            Level::SeedsAndImages => "seeds and images",
        };
        let _ = writeln!(
            out,
            "\ndifferences of overall robustness (%), bootstrap over {what}:"
        );
        let overall = |name: &str| {
            let score = analysis.main_scores().and_then(|s| s.score(name));
            score.map_or(f64::NAN, |s| s.overall.value)
        };
        for (model, minus, summary) in &found.differences {
            let _ = writeln!(
                out,
                "  {model} - {minus}: {:+.1} [{:+.1}, {:+.1}], p = {:.3}",
                100.0 * (overall(model) - overall(minus)),
                100.0 * summary.low,
                100.0 * summary.high,
                summary.p_value()
            );
        }
        if found.differences.is_empty() {
            let _ = writeln!(out, "  none: only one model besides the baseline");
        }
    }
    for note in &analysis.notes {
        let _ = writeln!(out, "\nnote: {note}");
    }
    out
}

type Lines = Vec<(String, Vec<String>)>;

fn accuracies(analysis: &Analysis, models: &[&str], lines: &mut Lines) {
    lines.push(("accuracy (%)".to_owned(), Vec::new()));
    let means = &analysis.mean_accuracy.means;
    let mut names = vec!["clean"];
    names.extend(analysis.corruptions.iter().map(String::as_str));
    names.push("overall");
    for name in names {
        let cell = |model: &&str| {
            let found = means.iter().find(|m| m.model == **model && m.over == name);
            found.map_or_else(String::new, |m| {
                format!(
                    "{:.1} [{:.1}, {:.1}]",
                    100.0 * m.value,
                    100.0 * m.images.low,
                    100.0 * m.images.high
                )
            })
        };
        let cells: Vec<String> = models.iter().map(cell).collect();
        if cells.iter().any(|c| !c.is_empty()) {
            lines.push((format!("  {name}"), cells));
        }
    }
}

fn errors(analysis: &Analysis, models: &[&str], lines: &mut Lines) {
    lines.push(("errors (%)".to_owned(), Vec::new()));
    let mut names: Vec<&'static str> = Vec::new();
    for error in &analysis.corruption_errors {
        let name = error_name(&error.normaliser);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for name in names {
        let cell = |model: &&str| {
            let found = analysis.mean_errors(model).find(|(n, _)| *n == name);
            found.map_or_else(String::new, |(_, e)| match &e.seeds {
                Some(s) => format!(
                    "{:.1} [{:.1}, {:.1}]",
                    100.0 * e.mean,
                    100.0 * s.low,
                    100.0 * s.high
                ),
                None => format!("{:.1}", 100.0 * e.mean),
            })
        };
        lines.push((format!("  {name}"), models.iter().map(cell).collect()));
    }
}

fn calibration(analysis: &Analysis, models: &[&str], lines: &mut Lines) {
    let mean = |model: &str, clean: bool| {
        let values: Vec<f64> = analysis
            .accuracy
            .iter()
            .filter(|a| a.model == model && (a.severity == 0) == clean)
            .filter_map(|a| a.expected_calibration_error)
            .collect();
        if values.is_empty() {
            return String::new();
        }
        format!(
            "{:.1}",
            100.0 * values.iter().sum::<f64>() / values.len() as f64
        )
    };
    let rows = [("  clean", true), ("  corrupted, mean", false)];
    let rows = rows.map(|(name, clean)| {
        let cells: Vec<String> = models.iter().map(|m| mean(m, clean)).collect();
        (name.to_owned(), cells)
    });
    if rows
        .iter()
        .any(|(_, cells)| cells.iter().any(|c| !c.is_empty()))
    {
        lines.push(("expected calibration error (%)".to_owned(), Vec::new()));
        lines.extend(rows);
    }
}

fn relative(analysis: &Analysis, models: &[&str], lines: &mut Lines) {
    let Some(scores) = analysis.main_scores() else {
        return;
    };
    lines.push((
        "relative robustness (%), ratio of sums".to_owned(),
        Vec::new(),
    ));
    let show = |estimate: &striate_robustness::Estimate| match &estimate.seeds {
        SeedUncertainty::Bootstrap(b) => format!(
            "{:.1} [{:.1}, {:.1}]",
            100.0 * estimate.value,
            100.0 * b.low,
            100.0 * b.high
        ),
        _ => format!("{:.1}", 100.0 * estimate.value),
    };
    let of = |model: &&str| scores.score(model);
    let groups = scores
        .scores
        .first()
        .map_or(&[][..], |s| s.groups.as_slice());
    for (k, group) in groups.iter().enumerate() {
        let cells = models
            .iter()
            .map(|m| of(m).map_or_else(String::new, |s| show(&s.groups[k].estimate)));
        lines.push((format!("  {}", group.group.name()), cells.collect()));
    }
    let cells = models
        .iter()
        .map(|m| of(m).map_or_else(String::new, |s| show(&s.overall)));
    lines.push(("  overall, over seeds".to_owned(), cells.collect()));
    for found in &analysis.image_bootstrap {
        let what = match found.level {
            Level::Images => "images",
            Level::SeedsAndImages => "seeds and images",
        };
        let cell = |model: &&str| {
            let summary = found.scores.iter().find(|(name, _)| name == *model);
            summary.map_or_else(String::new, |(_, s)| {
                format!("[{:.1}, {:.1}]", 100.0 * s.low, 100.0 * s.high)
            })
        };
        lines.push((
            format!("  overall, over {what}"),
            models.iter().map(cell).collect(),
        ));
    }
    if let Some(split) = &analysis.frequency {
        let cells = |show: &dyn Fn(&FrequencyScore) -> String| -> Vec<String> {
            let of = |m: &&str| split.scores.iter().find(|s| s.model == **m);
            let cell = |m: &&str| of(m).map_or_else(String::new, show);
            models.iter().map(cell).collect()
        };
        let percent = |v: f64| format!("{:.1}", 100.0 * v);
        lines.push((
            format!("  {} low-frequency corruptions", split.low.len()),
            cells(&|s| percent(s.low)),
        ));
        lines.push((
            format!("  {} high-frequency corruptions", split.high.len()),
            cells(&|s| percent(s.high)),
        ));
        lines.push((
            "  high minus low, over seeds".to_owned(),
            cells(&|s| match s.difference {
                Some(d) => format!(
                    "{:+.1} [{:+.1}, {:+.1}]",
                    100.0 * (s.high - s.low),
                    100.0 * d.low,
                    100.0 * d.high
                ),
                None => format!("{:+.1}", 100.0 * (s.high - s.low)),
            }),
        ));
    }
    if let Some(other) = analysis
        .robustness
        .iter()
        .find(|r| r.config.pooling == striate_robustness::Pooling::MeanOfRatios)
    {
        let cells = models.iter().map(|m| {
            let found = other.score(m);
            found.map_or_else(String::new, |s| show(&s.overall))
        });
        lines.push(("  overall, mean of ratios".to_owned(), cells.collect()));
    }
    if !analysis.minimal_detectable_effects.is_empty() {
        let cell = |model: &&str| {
            let all = &analysis.minimal_detectable_effects;
            let found = all.iter().find(|d| d.model == **model);
            found.map_or_else(String::new, |d| format!("{:.1}", 100.0 * d.effect))
        };
        let name = "  smallest difference that seeds can show".to_owned();
        lines.push((name, models.iter().map(cell).collect()));
    }
}

fn columns(out: &mut String, models: &[&str], lines: &Lines) {
    let first = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let widths: Vec<usize> = models
        .iter()
        .enumerate()
        .map(|(k, model)| {
            let cells = lines.iter().filter_map(|(_, cells)| cells.get(k));
            cells
                .map(String::len)
                .chain([model.len()])
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut row = |name: &str, cells: &mut dyn Iterator<Item = &str>| {
        let mut line = format!("{name:first$}");
        for (cell, width) in cells.zip(&widths) {
            let _ = write!(line, "  {cell:>width$}");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    };
    row("", &mut models.iter().copied());
    for (name, cells) in lines {
        row(name, &mut cells.iter().map(String::as_str));
    }
}
