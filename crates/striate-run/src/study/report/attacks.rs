//! Accuracy under attack, from the steps that attacked.

use striate_attack::Attack;
use striate_report::{AttackRow, Attacks};

use super::Source;
use super::robustness::protocol;
use crate::protocol::Protocols;
use crate::study::attacks::AttackNetwork;
use crate::{AttacksConfig, Result};

/// All accuracies under attack, each with the hash of its protocol; none if the recipe
/// has no attacks.
pub(super) fn attacks(source: &Source<'_>, protocols: &mut Protocols) -> Result<Option<Attacks>> {
    let Some(config) = &source.recipe.attacks else {
        return Ok(None);
    };
    let mut rows = Vec::new();
    for ((model, seed), steps) in &source.study.networks {
        let Some(step) = steps.attacks else { continue };
        let hash = protocols.add(protocol(source, "attacks", *model, *seed, step)?)?;
        for found in AttackNetwork::open(source.step(step)?)? {
            let walk = found.attack == Attack::Boundary;
            let sizes = std::iter::once((0.0, found.clean));
            rows.extend(
                sizes
                    .chain(found.correct)
                    .map(|(epsilon, correct)| AttackRow {
                        model: model.name().to_owned(),
                        seed: *seed,
                        attack: found.attack.name().to_owned(),
                        epsilon,
                        accuracy: correct as f64 / found.images.max(1) as f64,
                        images: found.images,
                        median_distance: found.median_distance.filter(|_| walk && epsilon > 0.0),
                        zero_gradients: Some(found.zero_gradients)
                            .filter(|_| !walk && epsilon > 0.0),
                        protocol: hash.clone(),
                    }),
            );
        }
    }
    Ok(Some(Attacks {
        rows,
        note: note(config),
    }))
}

fn note(config: &AttacksConfig) -> String {
    let settings = &config.settings;
    let has = |name: &str| config.attacks.iter().any(|a| a.name().starts_with(name));
    let mut text = format!("{} images per network.", config.images);
    if has("pgd") {
        text.push_str(&format!(
            " PGD: {} steps, {} random start{}.",
            settings.steps,
            settings.restarts,
            if settings.restarts == 1 { "" } else { "s" },
        ));
    }
    if config.attacks.contains(&Attack::Boundary) {
        text.push_str(&format!(
            " Boundary: at most {} steps; its accuracy is the share of images for which it found \
             no nearer change.",
            settings.boundary.steps
        ));
    }
    text
}
