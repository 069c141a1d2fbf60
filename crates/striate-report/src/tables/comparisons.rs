//! Tables of regressions and of published values.
//!
//! Invariant: a fit that could not be made and a value that cannot be compared have
//! their row, with the reason in it.

use super::{estimate, or_nan, whole};
use crate::data::{Level, PublishedValue, RegressionFit, RegressionTerm, Standing};
use crate::{Result, Table};

/// One row per coefficient or correlation; one for a fit that is missing.
pub(super) fn regressions(fits: &[RegressionFit]) -> Result<Table> {
    let mut rows: Vec<(&RegressionFit, Option<&RegressionTerm>)> = Vec::new();
    for fit in fits {
        if fit.terms.is_empty() {
            rows.push((fit, None));
        }
        rows.extend(fit.terms.iter().map(|term| (fit, Some(term))));
    }
    let number = |f: fn(&RegressionTerm) -> Option<f64>| {
        let of_rows = rows.iter().map(|(_, term)| or_nan(term.and_then(f)));
        of_rows.collect::<Vec<f64>>()
    };
    let table = Table::new("regressions")
        .utf8("predictor", rows.iter().map(|(f, _)| f.predictor.clone()))?
        .utf8("fit", rows.iter().map(|(f, _)| f.fit.clone()))?
        .utf8(
            "term",
            rows.iter()
                .map(|(_, t)| t.map_or_else(String::new, |t| t.name.clone())),
        )?;
    let values = rows.iter().map(|(_, t)| t.map(|t| t.value)).collect();
    estimate(table, "estimate", values)?
        .f64("standard_error", number(|t| t.standard_error))?
        .f64("t", number(|t| t.t))?
        .f64("p", number(|t| t.p))?
        .i64("rows", rows.iter().map(|(f, _)| whole(f.rows)))?
        .f64(
            "residual_degrees",
            rows.iter()
                .map(|(f, _)| or_nan(f.residual_degrees.map(|d| d as f64))),
        )?
        .f64("r2", rows.iter().map(|(f, _)| or_nan(f.r2)))?
        .utf8(
            "missing",
            rows.iter()
                .map(|(f, _)| f.missing.clone().unwrap_or_default()),
        )
}

/// One row per published value.
pub(super) fn published_values(rows: &[PublishedValue]) -> Result<Table> {
    let text = |f: fn(&PublishedValue) -> &String| rows.iter().map(move |r| f(r).clone());
    let reasons = |r: &PublishedValue| match r.standing() {
        Standing::NotComparable(reasons) => reasons.join("; "),
        Standing::Inside | Standing::Outside => String::new(),
    };
    let table = Table::new("published_values")
        .utf8("quantity", text(|r| &r.quantity))?
        .utf8("model", text(|r| &r.model))?
        .utf8(
            "level",
            rows.iter().map(|r| r.level.map_or("", Level::name)),
        )?
        .utf8("name", text(|r| &r.name))?
        .f64("published", rows.iter().map(|r| or_nan(r.published)))?
        .f64("published_error", rows.iter().map(|r| or_nan(r.error)))?;
    estimate(table, "own", rows.iter().map(|r| r.own).collect())?
        .utf8(
            "published_lies",
            rows.iter().map(|r| r.side().unwrap_or_default()),
        )?
        .utf8("verdict", rows.iter().map(|r| r.standing().name()))?
        .utf8("reasons", rows.iter().map(reasons))?
        .utf8("published_protocol", text(|r| &r.published_protocol))?
        .utf8("own_protocol", text(|r| &r.own_protocol))
}
