//! The comparisons as text, and as tables, figures and a page. Invariant: an
//! interval is shown only where one was computed.

use std::fmt::Write as _;
use std::path::Path;

use striate_report::{
    AgreementRow, Estimate, Finding, ReportData, Rsa, RsaMatrix, Similarity, Table, Uncertainty,
    Verdict,
};

use super::analyse::{Analysis, Comparison};
use crate::input::Result;

/// Most images whose matrix is drawn and written: beyond it a figure of one
/// pixel per pair helps nobody, and the table has millions of rows.
const DRAWN_IMAGES: usize = 400;

/// What is printed.
pub(super) fn text(analysis: &Analysis) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{} images, {} dissimilarity",
        analysis.images, analysis.dissimilarity
    );
    for file in &analysis.files {
        let repeats = match file.repeats {
            Some(1) => String::new(),
            Some(n) => format!(", {n} repeats"),
            None => ", repeats differ between images".to_owned(),
        };
        let _ = writeln!(out, "  {}: {} features{repeats}", file.file, file.features);
    }
    out.push('\n');
    let pair = |c: &Comparison| format!("{} ~ {}", c.first, c.second);
    let rows = &analysis.comparisons;
    let width = rows.iter().map(|c| pair(c).len()).max().unwrap_or(0);
    let kind = rows.iter().map(|c| c.comparator.len()).max().unwrap_or(0);
    for row in rows {
        let _ = write!(
            out,
            "{:width$}  {:kind$}  {:8.5}",
            pair(row),
            row.comparator,
            row.value
        );
        if let (Some(error), Some((low, high))) = (row.standard_error, row.interval) {
            let _ = write!(out, "  [{low:.5}, {high:.5}]  s.e. {error:.5}");
        }
        out.push('\n');
    }
    for (comparator, ceiling) in &analysis.ceilings {
        let _ = writeln!(
            out,
            "\nnoise ceiling of {} subjects, {}: {:.5} to {:.5}",
            analysis.subjects,
            comparator.name(),
            ceiling.lower,
            ceiling.upper
        );
    }
    for found in &analysis.evaluations {
        let _ = writeln!(
            out,
            "\nagainst the first {} ({}):",
            if analysis.subjects == 1 {
                "file".to_owned()
            } else {
                format!("{} files", analysis.subjects)
            },
            found.config.comparator.name()
        );
        for model in &found.models {
            let _ = writeln!(
                out,
                "  {}  {:.5} [{:.5}, {:.5}]  s.e. {:.5}",
                model.name,
                model.score,
                model.low,
                model.high,
                model.standard_error()
            );
        }
        for d in &found.differences {
            let _ = writeln!(
                out,
                "  {} - {}: {:+.5}, p = {:.4} (Holm {:.4}, FDR {:.4})",
                d.model, d.minus, d.difference, d.p, d.p_holm, d.p_fdr
            );
        }
    }
    for note in &analysis.notes {
        let _ = writeln!(out, "\nnote: {note}");
    }
    out
}

/// Writes `report.html`, `figures/` and `results/` into a folder.
pub(super) fn write(analysis: &Analysis, out: &Path) -> Result<()> {
    striate_report::write(&data(analysis)?, out)?;
    Ok(())
}

fn data(analysis: &Analysis) -> Result<ReportData> {
    let files = analysis.files.iter().map(|f| f.file.as_str());
    let files: Vec<&str> = files.collect();
    let mut notes = analysis.notes.clone();
    let drawn = analysis.images <= DRAWN_IMAGES;
    if !drawn {
        notes.push(format!(
            "The matrices of {} images are not drawn: a figure holds up to {DRAWN_IMAGES}.",
            analysis.images
        ));
    }
    let replicates = analysis.evaluations.first().map(|e| e.config.replicates);
    let mut protocol = vec![
        ("files".to_owned(), files.join(", ")),
        ("images".to_owned(), analysis.images.to_string()),
        (
            "dissimilarity".to_owned(),
            analysis.dissimilarity.to_owned(),
        ),
    ];
    if let Some(replicates) = replicates {
        protocol.push((
            "bootstrap".to_owned(),
            format!("{replicates} replicates over images, 95 % percentile intervals"),
        ));
    }
    Ok(ReportData {
        title: "Representational similarity".to_owned(),
        protocol,
        notes,
        uncertainty: Uncertainty::default(),
        rsa: Some(Rsa {
            matrices: if drawn {
                matrices(analysis)
            } else {
                Vec::new()
            },
            agreement: agreement(analysis),
            similarity: similarity(analysis),
            dissimilarity: format!("{} dissimilarity", analysis.dissimilarity),
            order: "as in the first file".to_owned(),
            images: analysis.images,
            ..Rsa::default()
        }),
        findings: findings(analysis),
        sections: vec!["rsa".to_owned()],
        tables: tables(analysis)?,
        ..ReportData::default()
    })
}

/// The comparisons under the first comparator, in words.
fn findings(analysis: &Analysis) -> Vec<Finding> {
    let first = analysis.comparators.first().map_or("", |c| c.name());
    let of = analysis.comparisons.iter();
    of.filter(|c| c.comparator == first)
        .map(|c| Finding {
            verdict: Verdict::Noted,
            claim: format!(
                "{} and {} agree to {:.3} ({first}).",
                c.first, c.second, c.value
            ),
            evidence: match c.interval {
                Some((low, high)) => format!("95 % interval over images {low:.3} to {high:.3}"),
                None => "no interval: --bootstrap gives one".to_owned(),
            },
        })
        .collect()
}

fn matrices(analysis: &Analysis) -> Vec<RsaMatrix> {
    let files = analysis.files.iter().zip(&analysis.matrices);
    files
        .map(|(file, rdm)| RsaMatrix {
            model: file.name.clone(),
            caption: file.name.clone(),
            size: rdm.images(),
            values: rdm.square().into_iter().map(|v| v as f32).collect(),
        })
        .collect()
}

fn agreement(analysis: &Analysis) -> Vec<AgreementRow> {
    let row = |c: &Comparison| AgreementRow {
        model: c.second.clone(),
        layer: String::new(),
        condition: String::new(),
        reference: c.first.clone(),
        comparator: c.comparator.clone(),
        value: match c.interval {
            Some((low, high)) => Estimate::with_interval(c.value, low, high),
            None => Estimate::point(c.value),
        },
    };
    analysis.comparisons.iter().map(row).collect()
}

/// All pairs under the first comparator.
fn similarity(analysis: &Analysis) -> Option<Similarity> {
    let comparator = analysis.comparators.first()?.name();
    let names: Vec<String> = analysis.files.iter().map(|f| f.name.clone()).collect();
    let n = names.len();
    let mut values = vec![1.0; n * n];
    for c in &analysis.comparisons {
        if c.comparator != comparator {
            continue;
        }
        let place = |name: &String| names.iter().position(|n| n == name);
        if let (Some(a), Some(b)) = (place(&c.first), place(&c.second)) {
            values[a * n + b] = c.value;
            values[b * n + a] = c.value;
        }
    }
    Some(Similarity {
        names,
        values,
        comparator: comparator.to_owned(),
    })
}

fn tables(analysis: &Analysis) -> striate_report::Result<Vec<Table>> {
    let mut tables = Vec::new();
    if !analysis.ceilings.is_empty() {
        let rows = &analysis.ceilings;
        tables.push(
            Table::new("rsa_ceilings")
                .utf8("comparator", rows.iter().map(|r| r.0.name()))?
                .f64("lower", rows.iter().map(|r| r.1.lower))?
                .f64("upper", rows.iter().map(|r| r.1.upper))?,
        );
    }
    let evaluations = &analysis.evaluations;
    let rows: Vec<_> = evaluations
        .iter()
        .flat_map(|e| {
            e.differences
                .iter()
                .map(|d| (e.config.comparator.name(), d))
        })
        .collect();
    if !rows.is_empty() {
        tables.push(
            Table::new("rsa_differences")
                .utf8("comparator", rows.iter().map(|r| r.0))?
                .utf8("model", rows.iter().map(|r| r.1.model.clone()))?
                .utf8("minus", rows.iter().map(|r| r.1.minus.clone()))?
                .f64("difference", rows.iter().map(|r| r.1.difference))?
                .f64("p", rows.iter().map(|r| r.1.p))?
                .f64("p_holm", rows.iter().map(|r| r.1.p_holm))?
                .f64("p_fdr", rows.iter().map(|r| r.1.p_fdr))?,
        );
    }
    Ok(tables)
}
