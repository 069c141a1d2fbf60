//! The sections of the analyses.
//!
//! Invariant: each analysis that the page is about has its section, in the same
//! order, whether it was run or not.

use maud::{Markup, html};

use super::comparison::comparison;
use super::parts::number_table;
use crate::Result;
use crate::data::{
    Estimate, FrequencySplit, Level, PublishedScore, PublishedValue, ReportData, ScoreRow, Scores,
    Standing, model_label, pretty,
};
use crate::figure::Figure;
use crate::findings::show;
use crate::plots;

/// One section of the page.
pub(crate) struct Section {
    /// Anchor, and key in [`ReportData::not_run`].
    pub(crate) id: &'static str,
    /// Heading.
    pub(crate) title: &'static str,
    /// Paragraphs before the figures.
    pub(crate) text: Vec<String>,
    /// Figures in order.
    pub(crate) figures: Vec<Figure>,
    /// Tables after the figures.
    pub(crate) extra: Vec<Markup>,
    /// Why there is nothing to show.
    pub(crate) missing: Option<String>,
}

type Content = (Vec<String>, Vec<Figure>, Vec<Markup>);

fn section(
    data: &ReportData,
    id: &'static str,
    title: &'static str,
    content: Option<Content>,
) -> Section {
    let reason = || {
        let stated = data.not_run.get(id).cloned();
        stated.unwrap_or_else(|| "This analysis is not part of the recipe.".to_owned())
    };
    let (missing, (text, figures, extra)) = match content {
        Some(content) => (None, content),
        None => (Some(reason()), Content::default()),
    };
    Section {
        id,
        title,
        text,
        figures,
        extra,
        missing,
    }
}

/// All sections of the analyses.
///
/// # Errors
///
/// If a matrix or a table does not fit its size.
pub(crate) fn sections(data: &ReportData) -> Result<Vec<Section>> {
    let examples = data.examples.as_ref().map(|grids| {
        let figures = plots::grids(grids, "examples", "Example images and their corruptions");
        (Vec::new(), figures, Vec::new())
    });
    let training = data.training.as_ref();
    let training = training.map(|t| (Vec::new(), plots::training(t), Vec::new()));
    let accuracy = data.accuracy.as_ref().map(|a| {
        let table = match a.corruption_table.as_str() {
            "" => Vec::new(),
            name => vec![format!("Severities as in the table “{name}”.")],
        };
        (table, plots::accuracy(a, &data.uncertainty), Vec::new())
    });
    let robustness = data.scores.as_ref().map(|s| {
        let text = match s.published_source.as_str() {
            "" => Vec::new(),
            source => vec![format!("Published values: {source}")],
        };
        let extra = comparison(s)
            .into_iter()
            .chain([score_table(s, &data.published)])
            .chain(super::differences::differences(s))
            .chain(s.frequency.as_ref().map(frequency_table))
            .chain(s.regressions.as_ref().map(super::regressions::regressions))
            .chain(super::published::published(&data.published))
            .collect();
        (text, plots::scores(s, &data.uncertainty), extra)
    });
    let attacks = data.attacks.as_ref().map(|a| {
        let text = "How often is a small change of the image enough to make a network err? The \
                    attacks change the gray image that the network sees. Gradient attacks \
                    overrate a network that hides its gradient; boundary sees decisions only.";
        let chance = data.accuracy.as_ref().and_then(|grid| grid.chance);
        let figures = plots::attacks(a, chance, &data.uncertainty);
        (
            vec![text.to_owned()],
            figures,
            vec![super::attacks::table(a)],
        )
    });
    let neural = data.neural.as_ref();
    let neural = neural.map(|n| (Vec::new(), plots::neural(n), Vec::new()));
    let whole = super::whole(data);
    let rsa = match &data.rsa {
        Some(r) if !whole => Some((Vec::new(), plots::rsa(r)?, Vec::new())),
        Some(r) => {
            let text = "The paper reports no representational similarity analysis that could be \
                        verified; this one is an addition, so there is no published value to \
                        compare with.";
            Some((vec![text.to_owned()], plots::rsa(r)?, Vec::new()))
        }
        None => None,
    };
    let reconstruction = data.reconstruction.as_ref().map(|r| {
        let note = Some(r.note.clone()).filter(|n| !n.is_empty());
        let text = "Each image is rebuilt from the features of one layer, with a limited \
                    contrast: a network that can afford little contrast must spend it on what \
                    the layer is most sensitive to."
            .to_owned();
        let text = [Some(text), note].into_iter().flatten().collect();
        let seeds = data.uncertainty.seeds;
        let paired = super::paired::table(&r.differences, seeds, "reconstruction_differences");
        let paired = paired.into_iter().collect();
        (text, plots::reconstruction(r), paired)
    });
    let saliency = data.saliency.as_ref().map(|s| {
        let mut text = Vec::new();
        if !s.reference.is_empty() || !s.sensitivity.is_empty() {
            text.push(format!(
                "Sensitivity: {}. Saliency: {}.",
                s.sensitivity, s.reference
            ));
        }
        text.extend(Some(s.note.clone()).filter(|n| !n.is_empty()));
        let seeds = data.uncertainty.seeds;
        let paired = super::paired::table(&s.differences, seeds, "saliency_differences");
        (text, plots::saliency(s), paired.into_iter().collect())
    });
    let mut all = vec![
        section(data, "examples", "Example images", examples),
        section(data, "training", "Training", training),
        section(data, "accuracy", "Accuracy on corrupted images", accuracy),
        section(
            data,
            "robustness",
            if whole {
                "Robustness beside the published values"
            } else {
                "Robustness relative to Baseline"
            },
            robustness,
        ),
        section(data, "attacks", "Accuracy under attack", attacks),
        section(data, "neural", "Neural prediction and robustness", neural),
        section(
            data,
            "rsa",
            if whole {
                "Representational similarity with V1"
            } else {
                "Representational similarity"
            },
            rsa,
        ),
        section(
            data,
            "reconstruction",
            "Reconstruction under a contrast budget",
            reconstruction,
        ),
        section(data, "saliency", "Sensitivity and saliency", saliency),
    ];
    all.retain(|s| whole || data.sections.iter().any(|name| name == s.id));
    Ok(all)
}

/// Scores by the spatial frequency of the corruptions.
fn frequency_table(split: &FrequencySplit) -> Markup {
    let percent = |value: f64| show(&Estimate::point(value), 100.0, "");
    let rows: Vec<Vec<String>> = split
        .rows
        .iter()
        .map(|row| {
            let correlation = row
                .correlation
                .map_or_else(|| "–".to_owned(), |c| format!("{c:.2}"));
            vec![
                model_label(&row.model),
                percent(row.low),
                percent(row.high),
                show(&row.difference, 100.0, ""),
                correlation,
            ]
        })
        .collect();
    let low = format!("low ({})", split.low.len());
    let high = format!("high ({})", split.high.len());
    let head = [
        "Model",
        &low,
        &high,
        "high − low",
        "rank correlation with frequency",
    ];
    html! {
        (number_table(
            "Accuracy relative to Baseline (%) on corruptions of low and of high spatial frequency",
            &head,
            &rows,
        ))
        p.remark {
            "The halves are split at the median of the frequencies that the corruptions change. A \
             network that merely prefers low frequencies gains on the high half. Low: "
            (split.low.iter().map(|name| pretty(name)).collect::<Vec<_>>().join(", "))
            ". High: "
            (split.high.iter().map(|name| pretty(name)).collect::<Vec<_>>().join(", "))
            ". "
            a href="results/score_frequency.csv" { "CSV" }
        }
    }
}

/// Scores overall, by group and by corruption, beside the published ones.
fn score_table(scores: &Scores, verdicts: &[PublishedValue]) -> Markup {
    let mut models = plots::models_of(scores.rows.iter().map(|r| &r.model));
    models.retain(|m| m != "baseline");
    let has_published = |model: &String| scores.published.iter().any(|p| p.model == *model);
    let of = |level: Level| {
        let rows = scores.rows.iter().filter(move |r| r.level == level);
        plots::in_order(rows.map(|r| &r.name))
            .into_iter()
            .map(move |n| (level, n))
    };
    let keys = [Level::Overall, Level::Group, Level::Corruption]
        .into_iter()
        .flat_map(of);
    let rows: Vec<Vec<String>> = keys
        .map(|(level, name)| {
            let mut row = vec![pretty(&name)];
            for model in &models {
                let same = |r: &&ScoreRow| r.model == *model && r.level == level && r.name == name;
                let ours = scores.rows.iter().find(same);
                row.push(ours.map_or_else(|| "–".to_owned(), |r| show(&r.score, 100.0, "")));
                if has_published(model) {
                    let theirs = scores
                        .published
                        .iter()
                        .find(|p| p.model == *model && p.level == level && p.name == name);
                    row.push(theirs.map_or_else(
                        || "–".to_owned(),
                        |p| {
                            let error = p
                                .error
                                .map_or_else(String::new, |e| format!(" ± {:.1}", 100.0 * e));
                            let verdict = verdict_on(p, verdicts);
                            format!("{:.1}{error}{verdict}", 100.0 * p.score)
                        },
                    ));
                }
            }
            row
        })
        .collect();
    let mut head = vec!["Corruption".to_owned()];
    for model in &models {
        head.push(model_label(model));
        if has_published(model) {
            head.push("published".to_owned());
        }
    }
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    number_table(
        "Accuracy relative to Baseline (%), with intervals in brackets",
        &head,
        &rows,
    )
}

/// `, inside` or `, outside`, where a published score can be compared.
fn verdict_on(score: &PublishedScore, verdicts: &[PublishedValue]) -> String {
    let of = |v: &&PublishedValue| {
        v.model == score.model && v.level == Some(score.level) && v.name == score.name
    };
    match verdicts.iter().find(of).map(PublishedValue::standing) {
        Some(standing @ (Standing::Inside | Standing::Outside)) => format!(", {}", standing.name()),
        Some(Standing::NotComparable(_)) | None => String::new(),
    }
}
