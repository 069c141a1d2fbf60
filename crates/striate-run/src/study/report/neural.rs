//! Neural prediction.

use striate_report::{Estimate, Neural, NeuralPoint, NeuralRow};
use striate_robustness::RunScore;

use super::Source;
use super::robustness::protocol;
use crate::protocol::Protocols;
use crate::study::neural::NeuralPrediction;
use crate::study::record::RecordingInfo;
use crate::study::train::TrainNetwork;
use crate::{ModelName, Result};

/// Prediction of the recordings and of the targets of co-training.
pub(super) fn neural(
    source: &Source<'_>,
    runs: &[RunScore],
    protocols: &mut Protocols,
) -> Result<Neural> {
    let mut rows = Vec::new();
    let recording: RecordingInfo = source.step(source.study.recording)?.json("info.json")?;
    let v1 = NeuralPrediction::open(source.step(source.study.v1_scores)?)?;
    rows.push(NeuralRow {
        model: "v1".to_owned(),
        seed: source.recipe.shared_seed,
        target: recording.title().to_owned(),
        correlation: v1.correlation,
        fraction_of_ceiling: v1.fraction_of_ceiling,
        feve: v1.feve,
        neurons: v1.neurons as u64,
    });
    let mut points = Vec::new();
    for ((model, seed), steps) in &source.study.networks {
        protocols.add(protocol(source, "neural", *model, *seed, steps.neural)?)?;
        let found = NeuralPrediction::open(source.step(steps.neural)?)?;
        rows.push(NeuralRow {
            model: model.name().to_owned(),
            seed: *seed,
            target: recording.title().to_owned(),
            correlation: found.correlation,
            fraction_of_ceiling: found.fraction_of_ceiling,
            feve: found.feve,
            neurons: found.neurons as u64,
        });
        let trained = TrainNetwork::info(source.step(steps.train)?)?;
        if let Some(correlation) = trained.target_correlation {
            rows.push(NeuralRow {
                model: model.name().to_owned(),
                seed: *seed,
                target: "its own targets".to_owned(),
                correlation,
                fraction_of_ceiling: None,
                feve: None,
                neurons: found.neurons as u64,
            });
        }
        if let Some(robustness) = overall(runs, *model, *seed) {
            points.push(NeuralPoint {
                model: model.name().to_owned(),
                label: format!("seed {seed}"),
                correlation: Estimate::point(found.correlation),
                robustness: Estimate::point(robustness),
            });
        }
    }
    Ok(Neural {
        rows,
        ceiling: v1.ceiling.map(Estimate::point),
        ceiling_note: match recording.simulated {
            true => "correlation of the simulation's true rates with the mean over repeats",
            false => "largest correlation with the mean over repeats, from their variance",
        }
        .to_owned(),
        points,
        points_ceiling: v1.ceiling,
        points_target: format!(
            "correlation with the {}, readouts fitted on the frozen shared layers",
            recording.title()
        ),
        fit: None,
        published_fit: None,
    })
}

/// The overall score of one network.
fn overall(runs: &[RunScore], model: ModelName, seed: u64) -> Option<f64> {
    runs.iter()
        .find(|r| r.model == model.name() && r.seed == seed)
        .map(|r| r.score)
}
