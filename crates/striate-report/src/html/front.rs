//! The front of the page: summary, what was run, what is simulated.
//!
//! Invariant: with one seed the page says that there are no intervals, and why.

use maud::{Markup, html};

use super::parts::number_table;
use crate::data::{Estimate, Level, ReportData, ScoreRow, Verdict, model_label};
use crate::findings::{findings, show};
use crate::plots;

/// Anchors and names of the parts of this module that the page has.
pub(super) fn contents(data: &ReportData) -> Vec<(&'static str, &'static str)> {
    let mut parts = vec![("summary", "Summary"), ("protocol", "What was run")];
    if super::whole(data) {
        parts.push(("simulated", "What is simulated"));
    }
    parts
}

/// Protocol entries that matter most, in one line under the title.
pub(super) fn byline(data: &ReportData) -> Markup {
    let wanted = ["date", "machine", "device", "seeds", "time", "revision"];
    let entries = data.protocol.iter().filter(|(name, _)| {
        let name = name.to_lowercase();
        wanted.iter().any(|w| name.contains(w))
    });
    html! { p.byline { @for (name, value) in entries.take(5) { span { (name) ": " b { (value) } } } } }
}

/// Key figures and verdicts.
pub(super) fn summary(data: &ReportData) -> Markup {
    let whole = super::whole(data);
    let findings = if whole {
        findings(data)
    } else {
        data.findings.clone()
    };
    html! {
        section id="summary" {
            h2 { "Summary" }
            (tiles(data))
            @if findings.is_empty() && whole { p.missing { "Nothing was measured that bears on a claim." } }
            ul.findings {
                @for finding in &findings {
                    @let (class, word) = match finding.verdict {
                        Verdict::Supported => ("yes", "Supported"),
                        Verdict::Contradicted => ("no", "Contradicted"),
                        Verdict::Undecided => ("open", "Undecided"),
                        Verdict::Noted => ("noted", "Noted"),
                    };
                    li class=(class) {
                        span.verdict { (word) }
                        div { p { (finding.claim) } p.evidence { (finding.evidence) "." } }
                    }
                }
            }
            @if data.uncertainty.seeds == 1 {
                p.remark {
                    "One seed was run, so there are no error bars over seeds: how much the scores "
                    "vary between trainings of the same model cannot be known from one training. "
                    "Run more seeds before you believe a difference between models."
                }
            } @else if !data.uncertainty.interval.is_empty() {
                p.remark {
                    "Intervals in brackets: " (data.uncertainty.interval) "."
                    @if whole { " “Supported” and “Contradicted” mean that the interval lies on one side; no correction for the number of claims." }
                }
            }
            @for note in &data.notes { p.remark { (note) } }
        }
    }
}

fn tiles(data: &ReportData) -> Markup {
    let mut tiles: Vec<(String, String, String)> = Vec::new();
    let mut add = |name: &str, value: &Estimate, factor, unit, beside: String| {
        let plain = Estimate::point(value.value);
        tiles.push((name.to_owned(), show(&plain, factor, unit), beside));
    };
    if let Some(model) = data.models.iter().find(|m| m.name == "baseline")
        && let Some(accuracy) = &model.clean_accuracy
    {
        let chance = data.accuracy.as_ref().and_then(|a| a.chance);
        let beside = chance.map_or_else(String::new, |c| format!("chance {:.1} %", 100.0 * c));
        add("Baseline, clean images", accuracy, 100.0, " %", beside);
    }
    if let Some(scores) = &data.scores {
        let shown = if super::whole(data) {
            ["mtl_monkey", "mtl_shuffled", "mtl_oracle", "oracle"]
                .map(String::from)
                .to_vec()
        } else {
            plots::models_of(scores.rows.iter().map(|r| &r.model))
        };
        for model in &shown {
            let of = |r: &&ScoreRow| r.model == *model && r.level == Level::Overall;
            let published = scores
                .published
                .iter()
                .find(|p| p.model == *model && p.level == Level::Overall);
            if let Some(row) = scores.rows.iter().find(of) {
                let beside = published.map_or_else(String::new, |p| {
                    format!("published {:.1} %", 100.0 * p.score)
                });
                let name = format!("{} / Baseline", model_label(model));
                add(&name, &row.score, 100.0, " %", beside);
            }
        }
    }
    html! {
        dl.tiles {
            @for (name, value, beside) in &tiles {
                div { dt { (name) } dd { (value) @if !beside.is_empty() { small { (beside) } } } }
            }
        }
    }
}

/// Protocol and models.
pub(super) fn protocol(data: &ReportData) -> Markup {
    let mut head = vec!["Model", "Clean accuracy", "Seeds"];
    // Networks trained elsewhere come without a training.
    if super::whole(data) {
        head.extend(["Epochs", "Parameters", "Training (s)", "Hash"]);
    }
    let models: Vec<Vec<String>> = data
        .models
        .iter()
        .map(|m| {
            let blank = || "–".to_owned();
            let seeds: Vec<_> = m.seeds.iter().map(u64::to_string).collect();
            let mut row = vec![
                model_label(&m.name),
                m.clean_accuracy
                    .map_or_else(blank, |a| show(&a, 100.0, " %")),
                seeds.join(", "),
                m.epochs.map_or_else(blank, |e| format!("{e:.0}")),
                m.parameters.map_or_else(blank, |p| p.to_string()),
                m.seconds.map_or_else(blank, |s| format!("{s:.0}")),
                if m.hash.is_empty() {
                    blank()
                } else {
                    m.hash.clone()
                },
            ];
            row.truncate(head.len());
            row
        })
        .collect();
    html! {
        section id="protocol" {
            h2 { "What was run" }
            @if data.protocol.is_empty() { p.missing { "The run recorded no protocol." } }
            dl.protocol {
                @for (name, value) in &data.protocol { div { dt { (name) } dd { (value) } } }
            }
            @if !models.is_empty() {
                dl.models {
                    @for model in &data.models {
                        @if !model.description.is_empty() {
                            div { dt { (model_label(&model.name)) } dd { (model.description) } }
                        }
                    }
                }
                (number_table(
                    "Models",
                    &head,
                    &models,
                ))
            }
        }
    }
}

/// What is made up, and what is not as in the paper.
pub(super) fn simulated(data: &ReportData) -> Markup {
    html! {
        section id="simulated" {
            h2 { "What is simulated, and what differs from the paper" }
            @if data.simulated.is_empty() {
                p { "Nothing was declared as simulated." }
            } @else {
                h3 { "Simulated" }
                ul { @for text in &data.simulated { li { (text) } } }
            }
            @if !data.differences.is_empty() {
                h3 { "Different from the paper" }
                ul { @for text in &data.differences { li { (text) } } }
            }
        }
    }
}
