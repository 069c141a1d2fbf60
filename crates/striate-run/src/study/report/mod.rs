//! From finished steps to the report. Invariant: nothing is computed here that a
//! step could have computed; here results are only put together over seeds.

mod attacks;
mod neural;
mod paired;
mod pictures;
mod published;
mod reconstruction;
mod regression;
mod robustness;
mod saliency;
mod similarity;
mod summary;
mod training;

use std::path::Path;

use candle_core::Device;
use striate_report::{ReportData, Uncertainty};

use super::Study;
use super::dataset::Dataset;
use crate::engine::{Finished, Key, Machine, StepId, Summary};
use crate::protocol::Protocols;
use crate::{Error, ModelName, Recipe, Result};

/// What the parts of the report are made from.
pub(super) struct Source<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) study: &'a Study,
    pub(super) summary: &'a Summary,
}

impl Source<'_> {
    /// The result of a step.
    pub(super) fn step(&self, id: StepId) -> Result<&Finished> {
        self.summary.results.get(&id).ok_or_else(|| Error::NoInput {
            name: format!("step {id:?}"),
        })
    }

    /// The models of the run, in the study's order.
    pub(super) fn models(&self) -> Vec<ModelName> {
        let all = ModelName::ALL.into_iter();
        all.filter(|m| self.recipe.models.contains(m)).collect()
    }
}

/// Writes `report.html`, `figures/` and `results/`, and gives the hash of the results.
pub(crate) fn write(
    recipe: &Recipe,
    study: &Study,
    summary: &Summary,
    machine: &Machine,
    device: &Device,
    out: &Path,
) -> Result<String> {
    let source = Source {
        recipe,
        study,
        summary,
    };
    let mut protocols = Protocols::default();
    let data = Dataset::open(source.step(study.data)?)?;
    let accuracy = robustness::accuracy(&source, &mut protocols)?;
    let robustness::Scored {
        mut scores,
        runs,
        increment,
    } = robustness::scores(&source, &accuracy)?;
    if let Some(scores) = &mut scores {
        scores.regressions = Some(regression::regressions(&source, &runs)?);
    }
    let mut report = ReportData {
        title: "Robust vision by multi-task learning on visual cortex: a reproduction".to_owned(),
        recipe: recipe.name.clone(),
        protocol: summary::protocol(&source, machine, device)?,
        simulated: summary::simulated(recipe),
        differences: summary::differences(recipe),
        notes: summary::notes(&source)?,
        uncertainty: Uncertainty {
            seeds: recipe.seeds.len(),
            interval: if recipe.seeds.len() > 1 {
                format!(
                    "95 % percentile bootstrap over seeds, {} draws",
                    recipe.robustness.bootstrap
                )
            } else {
                String::new()
            },
        },
        findings: increment.into_iter().collect(),
        published: published::values(&source, &accuracy, scores.as_ref())?,
        models: training::models(&source, &accuracy)?,
        examples: Some(pictures::examples(recipe, &data)?),
        training: Some(training::curves(&source, &data)?),
        attacks: attacks::attacks(&source, &mut protocols)?,
        neural: Some(neural::neural(&source, &runs, &mut protocols)?),
        rsa: Some(similarity::similarity(&source, &mut protocols)?),
        reconstruction: Some(reconstruction::reconstruction(
            &source,
            &data,
            &mut protocols,
        )?),
        saliency: Some(saliency::saliency(&source, &data, &mut protocols)?),
        ..ReportData::default()
    };
    // The hash covers all numbers and no clock, machine or revision.
    let hash = Key::of_value(&(
        accuracy
            .rows
            .iter()
            .map(|r| (&r.model, r.seed, &r.corruption, r.severity, r.accuracy))
            .collect::<Vec<_>>(),
        &scores,
        &report.attacks,
        &report.neural,
        &report.rsa,
        &report.reconstruction,
        &report.saliency,
    ))?;
    report.accuracy = Some(accuracy);
    report.scores = scores;
    report
        .protocol
        .push(("hash of results".to_owned(), hash.short().to_owned()));
    striate_report::write(&report, out)?;
    protocols.write(&out.join("results"))?;
    training::write_events(&source, &out.join("results/tensorboard"))?;
    Ok(hash.short().to_owned())
}
