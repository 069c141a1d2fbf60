use striate_nn::schedule::{PlateauConfig, ReduceOnPlateau};
use striate_testkit::assert_close;

use super::*;

fn score(value: f64) -> Scores {
    [("accuracy".to_owned(), value)].into()
}

/// The trace of training.md 11: rising until epoch 3, then flat.
#[test]
fn rounds_end_as_in_the_authors_function() {
    let config = EarlyStoppingConfig::default();
    let mut stopping = EarlyStopping::start(config, &score(0.0)).unwrap();
    let plateau = PlateauConfig {
        factor: 0.4,
        ..PlateauConfig::default()
    };
    let mut plateau = ReduceOnPlateau::new(plateau, 0.1);
    plateau.step(0.0);
    let (mut restores, mut drops, mut end) = (vec![], vec![], None);
    for epoch in 1..100 {
        let value = 10.0 * epoch.min(3) as f64;
        let before = plateau.lr();
        plateau.step(value);
        let verdict = stopping.observe(epoch, &score(value)).unwrap();
        assert_eq!(verdict.keep, epoch <= 3, "epoch {epoch}");
        if verdict.restore {
            restores.push(epoch);
        }
        if plateau.lr() < before {
            drops.push((epoch, plateau.lr()));
        }
        if let Some(stop) = verdict.stop {
            end = Some((epoch, stop));
            break;
        }
    }
    assert_eq!(restores, [9, 15, 21, 27, 33]);
    assert_eq!(end, Some((33, Stop::Rounds)));
    // The fifth drop comes with the end and has no effect.
    assert_eq!(
        drops.iter().map(|d| d.0).collect::<Vec<_>>(),
        [9, 15, 21, 27, 33]
    );
    let rates: Vec<f64> = drops.iter().take(4).map(|d| d.1).collect();
    // Products of f64.
    assert_close(&rates, &[0.04, 0.016, 0.0064, 0.00256], 0.0, 1e-12);
    assert_eq!(stopping.kept(), Some((30.0, 3)));
}

#[test]
fn the_first_scores_are_a_bar_but_never_kept() {
    let mut stopping = EarlyStopping::start(EarlyStoppingConfig::default(), &score(50.0)).unwrap();
    let verdict = stopping.observe(1, &score(40.0)).unwrap();
    // Not an improvement over epoch 0, and yet the best weights there are.
    assert!(verdict.keep && !verdict.restore);
}

#[test]
fn a_score_that_is_not_finite_ends_training_and_never_ranks() {
    let mut stopping = EarlyStopping::start(EarlyStoppingConfig::default(), &score(0.0)).unwrap();
    stopping.observe(1, &score(5.0)).unwrap();
    let verdict = stopping.observe(2, &score(f64::NAN)).unwrap();
    let expected = Verdict {
        keep: false,
        restore: true,
        stop: Some(Stop::NotFinite),
    };
    assert_eq!(verdict, expected);
}

#[test]
fn the_largest_epoch_ends_training() {
    let config = EarlyStoppingConfig {
        max_epochs: 3,
        ..EarlyStoppingConfig::default()
    };
    let mut stopping = EarlyStopping::start(config, &score(0.0)).unwrap();
    for epoch in 1..=2 {
        let verdict = stopping.observe(epoch, &score(epoch as f64)).unwrap();
        assert_eq!(verdict.stop, None);
    }
    let verdict = stopping.observe(3, &score(3.0)).unwrap();
    assert_eq!(
        (verdict.stop, verdict.restore),
        (Some(Stop::MaxEpochs), true)
    );
}

#[test]
fn all_monitored_scores_must_improve_at_once() {
    let config = EarlyStoppingConfig {
        monitor: vec!["correlation".into(), "accuracy".into()],
        patience: 1,
        ..EarlyStoppingConfig::default()
    };
    let both = |correlation: f64, accuracy: f64| -> Scores {
        [
            ("accuracy".to_owned(), accuracy),
            ("correlation".to_owned(), correlation),
        ]
        .into()
    };
    let mut stopping = EarlyStopping::start(config.clone(), &both(0.1, 10.0)).unwrap();
    assert!(stopping.observe(1, &both(0.2, 10.0)).unwrap().keep);
    let verdict = stopping.observe(2, &both(0.3, 5.0)).unwrap();
    assert!(
        verdict.restore,
        "the second epoch without improvement ends the round"
    );
    let message = EarlyStopping::start(config, &score(1.0))
        .unwrap_err()
        .to_string();
    assert!(message.contains("correlation"), "{message}");
}

#[test]
fn the_state_goes_through_json() {
    let mut stopping = EarlyStopping::start(EarlyStoppingConfig::default(), &score(0.1)).unwrap();
    for epoch in 1..9 {
        stopping.observe(epoch, &score(1.0 / epoch as f64)).unwrap();
        let text = serde_json::to_string(&stopping).unwrap();
        assert_eq!(
            serde_json::from_str::<EarlyStopping>(&text).unwrap(),
            stopping
        );
    }
}
