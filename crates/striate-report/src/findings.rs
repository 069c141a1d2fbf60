//! What the numbers say about the study's claims.
//!
//! Invariant: a claim counts as supported or contradicted only where an interval
//! lies on one side; without an interval it stays undecided, and a claim without
//! its data is not mentioned.

use crate::data::{
    DifferenceRow, Estimate, Finding, Level, ReportData, ScoreRow, Scores, Verdict, model_label,
};

/// The verdict on "greater than `limit`".
fn greater(value: &Estimate, limit: f64) -> Verdict {
    match value.interval {
        Some((low, _)) if low > limit => Verdict::Supported,
        Some((_, high)) if high < limit => Verdict::Contradicted,
        _ => Verdict::Undecided,
    }
}

/// A value and its interval times `factor` with one decimal.
pub(crate) fn show(value: &Estimate, factor: f64, unit: &str) -> String {
    let number = |v: f64| format!("{:.1}", v * factor).replace('-', "\u{2212}");
    match value.interval {
        Some((low, high)) => format!(
            "{}{unit} [{}, {}]",
            number(value.value),
            number(low),
            number(high)
        ),
        None => format!("{}{unit}", number(value.value)),
    }
}

/// All findings that the data allow, the pipeline's own after them.
pub fn findings(data: &ReportData) -> Vec<Finding> {
    let mut out = Vec::new();
    out.extend(clean(data));
    out.extend(overall(data, "mtl_monkey"));
    out.extend(difference(data, "mtl_monkey", "mtl_shuffled"));
    out.extend(overall(data, "mtl_oracle"));
    out.extend(overall(data, "oracle"));
    out.extend(neural(data));
    out.extend(rsa(data));
    out.extend(data.findings.iter().cloned());
    out
}

/// A hint that one seed cannot decide.
fn with_hint(evidence: String, value: &Estimate) -> String {
    if value.interval.is_none() {
        format!("{evidence}; one seed gives no interval, so this decides nothing")
    } else {
        evidence
    }
}

fn clean(data: &ReportData) -> Option<Finding> {
    let model = data.models.iter().find(|m| m.name == "baseline")?;
    let accuracy = model.clean_accuracy?;
    let chance = data.accuracy.as_ref().and_then(|a| a.chance)?;
    let verdict = match (accuracy.interval, accuracy.value > 2.0 * chance) {
        (Some(_), _) => greater(&accuracy, chance),
        // No interval over seeds is needed to tell twice the chance level.
        (None, true) => Verdict::Supported,
        (None, false) => Verdict::Undecided,
    };
    Some(Finding {
        verdict,
        claim: "Baseline classifies clean images well above chance.".to_owned(),
        evidence: format!(
            "{} against {:.1} % by guessing",
            show(&accuracy, 100.0, " %"),
            100.0 * chance
        ),
    })
}

/// What the seeds of two models could have shown, as the end of a sentence.
fn could_show(scores: &Scores, model: &str, reference: &str) -> String {
    let of = |r: &&DifferenceRow| {
        r.model == model && r.reference == reference && r.level == Level::Overall
    };
    let found = scores.differences.iter().find(of);
    found
        .and_then(|r| r.detectable)
        .map_or_else(String::new, |d| {
            format!(
                "; {} seeds could have shown a difference of {:.1} points",
                d.seeds,
                100.0 * d.unpaired
            )
        })
}

fn overall(data: &ReportData, model: &str) -> Option<Finding> {
    let scores = data.scores.as_ref()?;
    let of = |r: &&ScoreRow| r.model == model && r.level == Level::Overall;
    let score = scores.rows.iter().find(of)?.score;
    let published = scores
        .published
        .iter()
        .find(|p| p.model == model && p.level == Level::Overall);
    let beside = published.map_or_else(String::new, |p| {
        let error = p
            .error
            .map_or_else(String::new, |e| format!(" ± {:.1}", 100.0 * e));
        format!(
            " (published, on other data: {:.1}{error} %)",
            100.0 * p.score
        )
    });
    let evidence = format!(
        "{} of Baseline's accuracy{beside}",
        show(&score, 100.0, " %")
    );
    let evidence = with_hint(evidence, &score) + &could_show(scores, model, "baseline");
    Some(Finding {
        verdict: greater(&score, 1.0),
        claim: format!("{} is more robust than Baseline.", model_label(model)),
        evidence,
    })
}

fn difference(data: &ReportData, model: &str, reference: &str) -> Option<Finding> {
    let scores = data.scores.as_ref()?;
    let of = |r: &&DifferenceRow| {
        r.model == model && r.reference == reference && r.level == Level::Overall
    };
    let difference = scores.differences.iter().find(of)?.difference;
    let published = |m: &str| {
        let of = |p: &&crate::PublishedScore| p.model == m && p.level == Level::Overall;
        scores.published.iter().find(of).map(|p| p.score)
    };
    let beside = match (published(model), published(reference)) {
        (Some(a), Some(b)) => format!(" (published: {:.1})", 100.0 * (a - b)),
        _ => String::new(),
    };
    let evidence = format!("{} points{beside}", show(&difference, 100.0, ""));
    Some(Finding {
        verdict: greater(&difference, 0.0),
        claim: format!(
            "The gain is specific to the responses' content: {} is more robust than {}.",
            model_label(model),
            model_label(reference)
        ),
        evidence: with_hint(evidence, &difference) + &could_show(scores, model, reference),
    })
}

fn neural(data: &ReportData) -> Option<Finding> {
    let neural = data.neural.as_ref()?;
    let ceiling = neural.ceiling?;
    let rows = neural.rows.iter();
    let rows = rows.filter(|r| r.model == "v1" && r.target.contains("recordings"));
    let values: Vec<f64> = rows.map(|r| r.correlation).collect();
    let reached = Estimate::of(&values)?;
    Some(Finding {
        verdict: Verdict::Noted,
        claim: "How close the V1 model comes to the noise ceiling of the recordings.".to_owned(),
        evidence: format!(
            "correlation {:.3}, ceiling {:.3} ({:.0} %)",
            reached.value,
            ceiling.value,
            100.0 * reached.value / ceiling.value
        ),
    })
}

fn rsa(data: &ReportData) -> Option<Finding> {
    let rows = &data.rsa.as_ref()?.agreement;
    let find = |model: &str| {
        rows.iter()
            .find(|r| r.model == model && r.reference == "v1" && r.condition == "clean")
    };
    let (base, monkey) = (find("baseline")?, find("mtl_monkey")?);
    let verdict = match (base.value.interval, monkey.value.interval) {
        (Some(b), Some(m)) if m.0 > b.1 => Verdict::Supported,
        (Some(b), Some(m)) if m.1 < b.0 => Verdict::Contradicted,
        _ => Verdict::Undecided,
    };
    Some(Finding {
        verdict,
        claim: "Co-training makes the shared representation more like V1's.".to_owned(),
        evidence: format!(
            "{} agreement {:.3} (MTL-Monkey) against {:.3} (Baseline); verdict by separate intervals",
            monkey.comparator, monkey.value.value, base.value.value
        ),
    })
}
