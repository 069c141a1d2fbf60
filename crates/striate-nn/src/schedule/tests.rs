use striate_testkit::Golden;

use super::*;

#[test]
fn the_studys_rates_follow_a_plateau() {
    // Reference 11: rising until epoch 3, then flat: the rate drops after
    // epochs 9, 15, 21 and 27 to 0.04, 0.016, 0.0064 and 0.00256.
    let config = PlateauConfig {
        factor: 0.4,
        ..PlateauConfig::default()
    };
    let mut schedule = ReduceOnPlateau::new(config, 0.1);
    let mut drops = Vec::new();
    for epoch in 0..33 {
        if schedule.step(f64::from(epoch.min(3))) {
            drops.push((epoch, schedule.lr()));
        }
    }
    let epochs: Vec<i32> = drops.iter().map(|drop| drop.0).collect();
    let rates: Vec<f64> = drops.iter().map(|drop| drop.1).collect();
    assert_eq!(epochs, [9, 15, 21, 27]);
    // Products of decimal fractions: rounding of f64 only.
    striate_testkit::assert_close(&rates, &[0.04, 0.016, 0.0064, 0.00256], 0.0, 1e-14);
}

#[test]
fn a_schedule_survives_serialisation() {
    let mut schedule = ReduceOnPlateau::new(PlateauConfig::default(), 0.1);
    schedule.step(1.0);
    schedule.step(f64::NAN);
    let text = serde_json::to_string(&schedule).unwrap();
    assert_eq!(
        serde_json::from_str::<ReduceOnPlateau>(&text).unwrap(),
        schedule
    );
}

#[test]
fn the_rates_are_torchs() {
    for (goal_name, goal) in [("max", Goal::Max), ("min", Goal::Min)] {
        for (mode_name, threshold_mode) in
            [("rel", ThresholdMode::Rel), ("abs", ThresholdMode::Abs)]
        {
            let golden = Golden::open(&format!("nn/plateau_{goal_name}_{mode_name}"));
            let config = PlateauConfig {
                goal,
                factor: 0.3,
                patience: 2,
                threshold: 0.1,
                threshold_mode,
                cooldown: 1,
                min_lr: 1e-3,
                eps: 1e-8,
            };
            let mut schedule = ReduceOnPlateau::new(config, 0.1);
            let (_, values) = golden.f64("values");
            let rates: Vec<f64> = values
                .into_iter()
                .map(|value| {
                    schedule.step(value);
                    schedule.lr()
                })
                .collect();
            // The same f64 operations.
            striate_testkit::assert_close(&rates, &golden.f64("rates").1, 0.0, 0.0);
        }
    }
}
