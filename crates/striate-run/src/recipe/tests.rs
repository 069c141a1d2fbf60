use striate_models::MultiTaskNet;
use striate_random::Seed;
use striate_train::{OptimizerConfig, Schedule};

use super::*;

/// training.md 0.3 and 11.
#[test]
fn the_papers_recipe_is_the_papers() {
    let mut recipe = Recipe::load("paper").unwrap();
    let device = candle_core::Device::Cpu;
    let net = MultiTaskNet::new(&recipe.network, &device, &Seed::new(1)).unwrap();
    assert_eq!(net.params().count(), 39_737_352);
    assert_eq!(recipe.network, VggConfig::default());
    assert_eq!(recipe.classification, TrainConfig::default());
    assert_eq!(recipe.v1, TrainConfig::study_v1());
    assert_eq!(recipe.readouts, TrainConfig::study_v1());
    let even = Ratio::new(1.0).unwrap();
    assert_eq!(recipe.multi_task, TrainConfig::study_mtl(even));
    let ratio: Ratio = "1:15".parse().unwrap();
    recipe.set_ratio(ratio).unwrap();
    assert_eq!(recipe.multi_task, TrainConfig::study_mtl(ratio));
    recipe.multi_task.cycler = Cycler::default();
    let message = recipe.set_ratio(ratio).unwrap_err().to_string();
    assert!(message.contains("multi_task.cycler"), "{message}");
    // The table itself, not only our reading of it.
    let Schedule::Rounds { plateau, stopping } = &recipe.classification.schedule else {
        panic!("{:?}", recipe.classification.schedule);
    };
    assert_eq!(
        (plateau.factor, plateau.min_lr, plateau.patience),
        (0.4, 1e-4, 5)
    );
    assert_eq!(
        (stopping.rounds, stopping.patience, stopping.max_epochs),
        (5, 5, 400)
    );
    let sgd = OptimizerConfig::Sgd {
        lr: 0.1,
        momentum: 0.75,
        weight_decay: 5e-4,
    };
    assert_eq!(recipe.classification.optimizer, sgd);
}

#[test]
fn a_lowpass_is_named_by_its_deviation_and_is_for_one_model() {
    let mut recipe = Recipe::load("smoke").unwrap();
    let before = recipe.network_of(ModelName::Baseline);
    recipe.models.push(ModelName::BaselineLowpass);
    for (sigma, found) in [(None, "none"), (Some(0.0), "0"), (Some(f64::NAN), "NaN")] {
        recipe.lowpass_sigma_px = sigma;
        let message = recipe.check().unwrap_err();
        let expected = format!("for baseline_lowpass, found {found}");
        assert!(message.contains(&expected), "{message}");
    }
    recipe.lowpass_sigma_px = Some(1.5);
    recipe.check().unwrap();
    let blurred = recipe.network_of(ModelName::BaselineLowpass);
    assert_eq!(blurred.lowpass_sigma_px, 1.5);
    // Nothing of the others changes, nor do the keys of their steps.
    assert_eq!(recipe.network_of(ModelName::Baseline), before);
    let text = serde_json::to_string(&before).unwrap();
    assert!(!text.contains("lowpass"), "{text}");
    assert_eq!(recipe.network_of(ModelName::MtlMonkey), recipe.network);
}

#[test]
fn every_shipped_recipe_is_right() {
    for (name, _) in SHIPPED {
        let recipe = Recipe::load(name).unwrap();
        assert_eq!(recipe.name, name);
    }
}
