use std::path::{Path, PathBuf};

use super::learning::state_bits;
use super::*;

/// Stops after a number of steps, and keeps a copy of the checkpoint that lay there
/// some steps before, as `kill -9` would leave it.
struct Interrupt {
    after: usize,
    seen: usize,
    stop: StopFlag,
    last: PathBuf,
    copy_at: usize,
}

impl Observer for Interrupt {
    fn on_step(&mut self, _: &Progress) {
        self.seen += 1;
        if self.seen == self.copy_at && self.last.exists() {
            std::fs::copy(&self.last, self.last.with_extension("killed")).unwrap();
        }
        if self.seen == self.after {
            self.stop.raise();
        }
    }
}

fn at_every_step() -> CheckpointPolicy {
    CheckpointPolicy {
        every_steps: Some(2),
        every_seconds: None,
    }
}

type Result3 = (Vec<(String, Vec<u32>)>, History, Outcome);

fn uninterrupted(config: &TrainConfig, images: bool) -> Result3 {
    let (problem, net) = (Problem::new(), network(1));
    let tasks = problem.tasks(images, true);
    let mut trainer = Trainer::new(&net, tasks, config.clone(), Seed::new(2)).unwrap();
    let outcome = trainer.run(&mut Silent, &StopFlag::new()).unwrap();
    (state_bits(&net), trainer.history().without_times(), outcome)
}

/// Runs with interruptions of random distance until it finishes; each time a fresh
/// network with other weights goes on. `kill` puts an older checkpoint in place first.
fn interrupted(
    config: &TrainConfig,
    images: bool,
    folder: &Path,
    seed: u64,
    kill: bool,
) -> Result3 {
    let mut stream = Seed::new(seed).stream();
    for attempt in 0..200 {
        let (problem, net) = (
            Problem::new(),
            network(if attempt == 0 { 1 } else { 100 + attempt }),
        );
        let tasks = problem.tasks(images, true);
        let mut trainer = Trainer::new(&net, tasks, config.clone(), Seed::new(2))
            .unwrap()
            .with_checkpoints(folder, at_every_step())
            .unwrap();
        let after = 4 + stream.below(9);
        let mut observer = Interrupt {
            after,
            seen: 0,
            stop: StopFlag::new(),
            last: folder.join("last.safetensors"),
            copy_at: after - stream.below(2),
        };
        let stop = observer.stop.clone();
        let outcome = trainer.run(&mut observer, &stop).unwrap();
        if matches!(outcome, Outcome::Finished(_)) {
            assert!(attempt > 1, "it was never interrupted");
            return (state_bits(&net), trainer.history().without_times(), outcome);
        }
        let killed = folder.join("last.killed");
        if kill && killed.exists() {
            std::fs::rename(killed, folder.join("last.safetensors")).unwrap();
        }
    }
    panic!("it never finished");
}

#[test]
fn a_resumed_multi_task_run_equals_the_uninterrupted_one() {
    let config = mtl(0.5, 9);
    let expected = uninterrupted(&config, true);
    for seed in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let found = interrupted(&config, true, folder.path(), seed, false);
        assert_eq!(found, expected, "seed {seed}");
    }
}

#[test]
fn a_killed_run_equals_the_uninterrupted_one() {
    let config = TrainConfig {
        restore_loss_weights: true,
        ..mtl(2.0, 6)
    };
    let expected = uninterrupted(&config, true);
    for seed in 10..12 {
        let folder = tempfile::tempdir().unwrap();
        let found = interrupted(&config, true, folder.path(), seed, true);
        assert_eq!(found, expected, "seed {seed}");
    }
}

#[test]
fn a_resumed_v1_run_equals_the_uninterrupted_one() {
    let config = TrainConfig {
        neural_batch_size: 5,
        schedule: Schedule::Cosine {
            epochs: 6,
            warmup_epochs: 0.5,
            validation: Validation {
                every: 2,
                keep_best_by: Some("correlation".into()),
            },
        },
        ..TrainConfig::study_v1()
    };
    let expected = uninterrupted(&config, false);
    let folder = tempfile::tempdir().unwrap();
    let found = interrupted(&config, false, folder.path(), 1, true);
    assert_eq!(found, expected);
    let lines = std::fs::read_to_string(folder.path().join("history.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 7);
}

#[test]
fn a_finished_run_is_not_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let (problem, config) = (Problem::new(), mtl(1.0, 2));
    let run = |seed: u64, observer: &mut dyn Observer| {
        let net = network(seed);
        let mut trainer = Trainer::new(
            &net,
            problem.tasks(true, true),
            config.clone(),
            Seed::new(2),
        )
        .unwrap()
        .with_checkpoints(folder.path(), CheckpointPolicy::default())
        .unwrap();
        let outcome = trainer.run(observer, &StopFlag::new()).unwrap();
        drop(trainer);
        (state_bits(&net), outcome)
    };
    struct Count(usize);
    impl Observer for Count {
        fn on_step(&mut self, _: &Progress) {
            self.0 += 1;
        }
    }
    let (mut first, mut second) = (Count(0), Count(0));
    assert_eq!(run(1, &mut first), run(7, &mut second));
    assert_eq!((first.0, second.0), (12, 0));
}

#[test]
fn another_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (problem, net) = (Problem::new(), network(1));
    let run = |config: TrainConfig, seed: u64, protocol: &str| {
        Trainer::new(&net, problem.tasks(true, true), config, Seed::new(seed))
            .unwrap()
            .with_protocol(serde_json::json!(protocol))
            .with_checkpoints(folder.path(), CheckpointPolicy::default())
            .unwrap()
            .run(&mut Silent, &StopFlag::new())
            .map_err(|error| error.to_string())
    };
    run(mtl(1.0, 1), 2, "a").unwrap();
    let message = run(mtl(2.0, 1), 2, "a").unwrap_err();
    assert!(message.contains("another configuration"), "{message}");
    let message = run(mtl(1.0, 1), 3, "b").unwrap_err();
    assert!(
        message.contains("another seed, another protocol"),
        "{message}"
    );
    assert!(message.contains("last.safetensors"), "{message}");
}
