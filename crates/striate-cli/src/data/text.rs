//! A summary as lines of text.

use std::fmt::Write as _;

use striate_data::inspect::{ImageSummary, RecordingSummary, Summary};

use super::reliability::{Neuron, spread};

/// The whole summary.
pub fn describe(name: &str, summary: &Summary, neurons: &[Neuron]) -> String {
    let mut out = format!("{name}: {}\n", summary.format);
    for (title, value) in facts(summary, neurons) {
        let _ = writeln!(out, "  {title}: {value}");
    }
    match summary.problems.count {
        0 => out.push_str("no problem found\n"),
        1 => out.push_str("1 problem:\n"),
        n => {
            let _ = writeln!(out, "{n} problems:");
        }
    }
    for problem in &summary.problems.first {
        let _ = writeln!(out, "  {problem}");
    }
    if summary.problems.first.len() < summary.problems.count {
        out.push_str("  ...\n");
    }
    out
}

/// What can be said of each part: a title, and a line.
pub fn facts(summary: &Summary, neurons: &[Neuron]) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    for part in &summary.images {
        facts.push((format!("images, {}", part.part), images(part)));
    }
    for (index, part) in summary.recordings.iter().enumerate() {
        let title = format!("session {}, {}", part.recording.session, part.part);
        facts.push((title.clone(), recording(part)));
        let of_part = || neurons.iter().filter(|n| n.part == index);
        let explainable = spread(of_part().map(|n| n.explainable));
        let oracle = spread(of_part().map(|n| n.oracle));
        let line = match (explainable, oracle) {
            (Some(explainable), Some(oracle)) => format!(
                "explainable variance {}, oracle correlation {}",
                range(explainable),
                range(oracle)
            ),
            _ => "unknown, as no image comes twice".to_string(),
        };
        facts.push((format!("{title}, noise ceiling"), line));
    }
    let sessions = summary.recordings.iter().filter(|r| r.part != "test");
    if sessions.clone().count() > 1 {
        let neurons: usize = sessions.clone().map(|r| r.recording.neurons).sum();
        let line = format!("{} with {neurons} neurons", sessions.count());
        facts.push(("sessions".to_string(), line));
    }
    if let Some(stimuli) = &summary.stimuli {
        let line = match (stimuli.images, stimuli.missing) {
            (0, _) => "none beside the recordings".to_string(),
            (n, 0) => format!("{n} images, among them all that were shown"),
            (n, missing) => format!("{n} images, {missing} that were shown are missing"),
        };
        facts.push(("stimuli".to_string(), line));
    }
    facts
}

fn range((low, median, high): (f64, f64, f64)) -> String {
    format!("median {median:.3} ({low:.3} to {high:.3})")
}

fn images(part: &ImageSummary) -> String {
    let mut line = format!("{}", part.images);
    if !part.class_counts.is_empty() {
        let counts = || part.class_counts.values();
        let (low, high) = (counts().min(), counts().max());
        let (low, high) = (low.copied().unwrap_or(0), high.copied().unwrap_or(0));
        let each = if low == high {
            format!("{low} each")
        } else {
            format!("{low} to {high} each")
        };
        let _ = write!(line, ", {} classes ({each})", part.class_counts.len());
    }
    if part.unlabelled > 0 {
        let _ = write!(line, ", {} without label", part.unlabelled);
    }
    if part.decoded == 0 {
        return line;
    }
    let mut sizes: Vec<_> = part.sizes.iter().collect();
    sizes.sort_by_key(|(size, count)| (std::cmp::Reverse(**count), **size));
    let shown: Vec<String> = sizes
        .iter()
        .take(3)
        .map(|((height, width), count)| format!("{height} x {width} ({count})"))
        .collect();
    let more = match sizes.len().saturating_sub(3) {
        0 => String::new(),
        n => format!(" and {n} other sizes"),
    };
    let _ = write!(
        line,
        "; {} decoded: height x width {}{more}, {:.1} % gray, mean {}, deviation {}",
        part.decoded,
        shown.join(", "),
        100.0 * part.gray as f64 / part.decoded as f64,
        channels(part.mean),
        channels(part.deviation),
    );
    line
}

fn channels(values: [f64; 3]) -> String {
    values.map(|v| format!("{v:.4}")).join(" ")
}

fn recording(part: &RecordingSummary) -> String {
    let (low, high) = part.repeats;
    let repeats = if high == 1 {
        "each once".to_string()
    } else if low == high {
        format!("each {low} times")
    } else {
        format!("each {low} to {high} times")
    };
    format!(
        "{} neurons, {} trials of {} images ({repeats}), {} responses missing, mean {:.4}, \
         deviation {:.4}, range {:.4} to {:.4}",
        part.recording.neurons,
        part.recording.trials(),
        part.images,
        part.missing,
        part.mean,
        part.deviation,
        part.range.0,
        part.range.1,
    )
}
