//! Differences from Baseline on the same images with the same seeds. Invariant: a model
//! without a Baseline of each of its seeds has none.

use std::collections::BTreeMap;

use striate_report::{Estimate, PairedRow};
use striate_robustness::{Bootstrap, paired_difference};

use crate::{ModelName, Result};

/// A measure of every image, by network.
pub(super) type PerImage = BTreeMap<(ModelName, u64), Vec<f64>>;

/// Each model's difference from Baseline. Images on which some network has no value are
/// left out for all of them.
pub(super) fn differences(
    values: &PerImage,
    measure: &str,
    circumstance: &str,
    replicates: usize,
) -> Result<Vec<PairedRow>> {
    let images = values.values().map(Vec::len).min().unwrap_or(0);
    let known: Vec<usize> = (0..images)
        .filter(|i| values.values().all(|v| v[*i].is_finite()))
        .collect();
    let bootstrap = Bootstrap {
        replicates,
        ..Bootstrap::default()
    };
    let mut rows = Vec::new();
    for model in ModelName::ALL {
        let seeds: Vec<u64> = values
            .keys()
            .filter(|(m, seed)| *m == model && values.contains_key(&(ModelName::Baseline, *seed)))
            .map(|(_, seed)| *seed)
            .collect();
        if model == ModelName::Baseline || seeds.is_empty() || known.len() < 2 {
            continue;
        }
        let of = |model: ModelName| -> Vec<Vec<f64>> {
            let rows = seeds.iter().map(|seed| &values[&(model, *seed)]);
            rows.map(|row| known.iter().map(|i| row[*i]).collect())
                .collect()
        };
        let found = paired_difference(&of(model), &of(ModelName::Baseline), &bootstrap)?;
        rows.push(PairedRow {
            model: model.name().to_owned(),
            circumstance: circumstance.to_owned(),
            measure: measure.to_owned(),
            difference: Estimate::with_interval(
                found.difference,
                found.bootstrap.low,
                found.bootstrap.high,
            ),
            p: found.wilcoxon.map(|w| w.p),
        });
    }
    Ok(rows)
}
