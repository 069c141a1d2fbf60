//! Made-up regressions and "published" values.

use striate_report::*;

use super::{CORRUPTIONS, MODELS, noise};

/// Regressions with one that could not be fitted.
pub(super) fn regressions() -> Regressions {
    let fit = |predictor: &str, fit: &str, terms: Vec<RegressionTerm>| RegressionFit {
        predictor: predictor.to_owned(),
        fit: fit.to_owned(),
        rows: 15,
        residual_degrees: Some(12),
        r2: Some(0.42),
        terms,
        missing: None,
    };
    let term = |name: &str, value: f64| RegressionTerm {
        name: name.to_owned(),
        value: Estimate::with_error(value, 0.9 * value.abs()),
        standard_error: Some(0.4 * value.abs()),
        t: Some(2.5 * value.signum()),
        p: Some(0.03),
    };
    let missing = RegressionFit {
        rows: 0,
        residual_degrees: None,
        r2: None,
        missing: Some("needs at least 6 conditions, found 5".to_owned()),
        ..fit("neural prediction", "means of models", Vec::new())
    };
    Regressions {
        note: "Each row is one network, its condition is the model.".to_owned(),
        fits: vec![
            fit(
                "neural prediction",
                "clean + neural",
                vec![
                    term("intercept", -12.0),
                    term("clean", 1.1),
                    term("neural", 48.0),
                ],
            ),
            missing,
            fit(
                "agreement with V1",
                "clean + agreement",
                vec![term("agreement", 31.0)],
            ),
        ],
    }
}

/// "Published" values, as made up as the others.
pub(super) fn published() -> Vec<PublishedValue> {
    let value = |model: &str, level, name: &str, published: f64| PublishedValue {
        quantity: "robustness".to_owned(),
        model: model.to_owned(),
        level: Some(level),
        name: name.to_owned(),
        published: Some(published),
        error: Some(0.04),
        published_protocol: "five seeds of nothing".to_owned(),
        own: Some(Estimate::with_error(published - 0.03, 0.05)),
        own_protocol: "three seeds of nothing".to_owned(),
        differs: Vec::new(),
    };
    let mut values = Vec::new();
    for (model, gain) in &MODELS[1..] {
        values.push(value(model, Level::Overall, "overall", gain + 0.02));
        for (c, (corruption, _)) in CORRUPTIONS.iter().enumerate() {
            let shift = 0.1 * noise(c as u64, 3);
            values.push(value(model, Level::Corruption, corruption, gain + shift));
        }
    }
    values.push(PublishedValue {
        quantity: "neural prediction".to_owned(),
        model: "mtl_monkey".to_owned(),
        published: Some(0.93),
        own: Some(0.7.into()),
        differs: vec!["other targets".to_owned()],
        ..PublishedValue::default()
    });
    values
}

/// The score that a published value is.
pub(super) fn score_of(value: &PublishedValue) -> Option<PublishedScore> {
    Some(PublishedScore {
        model: value.model.clone(),
        level: value.level?,
        name: value.name.clone(),
        score: value.published?,
        error: value.error,
    })
}
