use super::*;

fn cosine(epochs: usize) -> Schedule {
    Schedule::Cosine {
        epochs,
        warmup_epochs: 1.0,
        validation: Validation::default(),
    }
}

fn run(config: TrainConfig, images: bool, neural: bool) -> (MultiTaskNet, History) {
    let (problem, net) = (Problem::new(), network(1));
    let tasks = problem.tasks(images, neural);
    let mut trainer = Trainer::new(&net, tasks, config, Seed::new(2)).unwrap();
    let outcome = trainer.run(&mut Silent, &StopFlag::new()).unwrap();
    assert!(matches!(outcome, Outcome::Finished(_)));
    let history = trainer.history().clone();
    drop(trainer);
    (net, history)
}

#[test]
fn both_tasks_are_learned_together() {
    let config = TrainConfig {
        schedule: cosine(25),
        ..mtl(1.0, 25)
    };
    let (_, history) = run(config, true, true);
    let last = history.epochs.last().unwrap();
    assert!(last.scores["accuracy"] > 95.0, "{last:?}");
    assert!(last.scores["correlation"] > 0.6, "{last:?}");
    assert!(
        last.s_n.unwrap() < 0.0 && last.s_c.unwrap() < 0.0,
        "{last:?}"
    );
    assert_eq!(last.steps, 6);
    // A cosine ends near zero, and begins after a warm-up.
    assert!(last.lr < 1e-3 && history.epochs[1].lr < 0.05);
}

#[test]
fn one_task_alone_leaves_the_other_part_alone() {
    let before = network(1).params().state().unwrap();
    let images = TrainConfig {
        cycler: Cycler::default(),
        learned_weights: false,
        schedule: cosine(3),
        ..mtl(1.0, 3)
    };
    let (net, history) = run(images, true, false);
    assert!(history.epochs[3].neural_loss.is_none() && history.epochs[3].s_n.is_none());
    let changed = |net: &MultiTaskNet, prefix: &str| {
        net.params().state().unwrap().iter().any(|(name, tensor)| {
            let values =
                |t: &candle_core::Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            name.starts_with(prefix) && values(tensor) != values(&before[name])
        })
    };
    assert!(changed(&net, "head") && !changed(&net, "readout"));

    let v1 = TrainConfig {
        neural_batch_size: 8,
        schedule: cosine(40),
        optimizer: OptimizerConfig::Adam {
            lr: 5e-3,
            weight_decay: 5e-4,
        },
        gamma_readout: 0.01,
        ..TrainConfig::study_v1()
    };
    let (net, history) = run(v1, false, true);
    assert!(changed(&net, "readout") && !changed(&net, "head"));
    let last = history.epochs.last().unwrap();
    assert!(last.scores["correlation"] > 0.6, "{last:?}");
    assert!(last.image_loss.is_none());
}

#[test]
fn frozen_shared_layers_stay() {
    let (problem, net) = (Problem::new(), network(1));
    net.freeze_shared(true);
    let before = net.params().state().unwrap();
    let tasks = problem.tasks(true, true);
    let mut trainer = Trainer::new(&net, tasks, mtl(1.0, 2), Seed::new(2)).unwrap();
    trainer.run(&mut Silent, &StopFlag::new()).unwrap();
    for (name, tensor) in net.params().state().unwrap() {
        let values = |t: &candle_core::Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        if name.starts_with("shared") {
            assert_eq!(values(&tensor), values(&before[&name]), "{name}");
        }
    }
}

#[test]
fn the_run_ends_with_its_best_weights() {
    let (problem, net) = (Problem::new(), network(1));
    let tasks = problem.tasks(true, true);
    let mut trainer = Trainer::new(&net, tasks, mtl(1.0, 12), Seed::new(2)).unwrap();
    let Outcome::Finished(summary) = trainer.run(&mut Silent, &StopFlag::new()).unwrap() else {
        panic!("nobody asked it to stop");
    };
    let (score, epoch) = summary.kept.unwrap();
    assert_eq!(trainer.history().epochs[epoch].scores["accuracy"], score);
    assert_eq!(
        trainer.validate().unwrap(),
        trainer.history().epochs[epoch].scores
    );
    let best = trainer.history().epochs[1..]
        .iter()
        .map(|record| record.scores["accuracy"])
        .fold(0.0, f64::max);
    assert_eq!(score, best);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let (net, history) = run(mtl(2.0, 2), true, true);
            (state_bits(&net), history.without_times())
        })
    };
    assert_eq!(with(1), with(3));
}

pub(super) fn state_bits(net: &MultiTaskNet) -> Vec<(String, Vec<u32>)> {
    let state = net.params().state().unwrap();
    state
        .into_iter()
        .map(|(name, tensor)| {
            let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            (name, values.into_iter().map(f32::to_bits).collect())
        })
        .collect()
}

#[test]
fn the_negative_binomial_loss_trains_with_its_dispersion() {
    let config = TrainConfig {
        neural_loss: NeuralLoss::NegativeBinomial,
        schedule: cosine(10),
        ..mtl(1.0, 10)
    };
    let (_, history) = run(config, true, true);
    let (first, last) = (&history.epochs[1], &history.epochs[10]);
    assert!(last.neural_loss < first.neural_loss, "{first:?} {last:?}");
    assert_ne!(last.s_n, Some(0.0));
}

#[test]
fn representations_are_matched_without_a_readout() {
    let config = TrainConfig {
        neural_loss: NeuralLoss::Similarity,
        schedule: cosine(12),
        ..mtl(1.0, 12)
    };
    let before = network(1).params().state().unwrap();
    let (net, history) = run(config, true, true);
    let losses: Vec<f64> = history.epochs[1..]
        .iter()
        .filter_map(|record| record.neural_loss)
        .collect();
    assert!(losses[losses.len() - 1] < 0.7 * losses[0], "{losses:?}");
    // Weight decay moves the readout, its positions no gradient did.
    let after = net.params().state().unwrap();
    let values = |t: &candle_core::Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let name = "readout.simulated.mu";
    let (before, after) = (values(&before[name]), values(&after[name]));
    assert!(
        before
            .iter()
            .zip(&after)
            .all(|(b, a)| (b - a).abs() <= 0.05 * b.abs())
    );
}
