use striate_random::Stream;

use super::*;

/// Gives an image that is not a number from the given load on.
struct Spoiled<'a> {
    inner: &'a MemoryImages,
    bad: usize,
}

impl ImageSource for Spoiled<'_> {
    fn len(&self) -> usize {
        self.inner.len()
    }

    fn shape(&self) -> [usize; 3] {
        self.inner.shape()
    }

    fn classes(&self) -> usize {
        self.inner.classes()
    }

    fn label(&self, index: usize) -> u32 {
        self.inner.label(index)
    }

    fn load(&self, index: usize, stream: &mut Stream, out: &mut [f32]) -> Result<(), SourceError> {
        if index == usize::MAX - self.bad {
            return Err("the file is gone".into());
        }
        self.inner.load(index, stream, out)?;
        if index == self.bad {
            out.fill(f32::NAN);
        }
        Ok(())
    }
}

fn message(result: Result<Outcome>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_loss_that_is_not_a_number_names_task_and_step_and_keeps_the_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let (problem, net) = (Problem::new(), network(1));
    let spoiled = Spoiled {
        inner: &problem.train,
        bad: 7,
    };
    let mut tasks = problem.tasks(true, true);
    tasks.images = Some(ImageTask {
        train: &spoiled,
        validation: &problem.validation,
    });
    let mut trainer = Trainer::new(&net, tasks, mtl(1.0, 2), Seed::new(2))
        .unwrap()
        .with_checkpoints(folder.path(), CheckpointPolicy::default())
        .unwrap();
    let found = message(trainer.run(&mut Silent, &StopFlag::new()));
    assert!(
        found.contains("image classification is NaN at step"),
        "{found}"
    );
    assert!(
        found.contains("of epoch 1") && found.contains("last.safetensors"),
        "{found}"
    );
    let store = CheckpointStore::open(folder.path()).unwrap();
    let kept = store.load(&store.last(), &Device::Cpu).unwrap().unwrap();
    for (name, tensor) in kept.part("network") {
        let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(values.iter().all(|v| v.is_finite()), "{name}");
    }
}

#[test]
fn a_source_that_fails_is_named() {
    let (problem, net) = (Problem::new(), network(1));
    let gone = Spoiled {
        inner: &problem.train,
        bad: usize::MAX - 3,
    };
    let mut tasks = problem.tasks(true, true);
    tasks.images = Some(ImageTask {
        train: &gone,
        validation: &problem.validation,
    });
    let mut trainer = Trainer::new(&net, tasks, mtl(1.0, 2), Seed::new(2)).unwrap();
    let found = message(trainer.run(&mut Silent, &StopFlag::new()));
    assert_eq!(
        found,
        "load item 3 of the training images: the file is gone"
    );
}

#[test]
fn what_does_not_fit_is_known_before_training() {
    let (problem, net) = (Problem::new(), network(1));
    let refused = |tasks: Tasks<'_>, config: TrainConfig| {
        Trainer::new(&net, tasks, config, Seed::new(2))
            .err()
            .unwrap()
            .to_string()
    };
    let three = MemoryImages::new(vec![0.0; 64], [8, 8, 1], vec![2], 3).unwrap();
    let tasks = Tasks {
        images: Some(ImageTask {
            train: &three,
            validation: &three,
        }),
        neural: vec![],
    };
    assert!(refused(tasks, TrainConfig::default()).contains("classes of the training images"));
    assert!(refused(Tasks::default(), mtl(1.0, 1)).contains("tasks"));
    let other =
        MemoryResponses::new("other", vec![0.0; 64], [8, 8, 1], vec![0], vec![1.0], 1).unwrap();
    let tasks = Tasks {
        images: None,
        neural: vec![NeuralTask {
            train: &other,
            validation: &other,
        }],
    };
    assert!(refused(tasks, TrainConfig::study_v1()).contains("\"other\""));
    let poisson = TrainConfig {
        neural_loss: NeuralLoss::PoissonSum,
        ..mtl(1.0, 1)
    };
    assert!(refused(problem.tasks(true, true), poisson).contains("neural_loss"));
    assert!(refused(problem.tasks(false, true), mtl(1.0, 1)).contains("cycler.kind"));
    let missing = toml_like("{\"batch_sise\": 3}");
    assert!(missing.contains("batch_sise"), "{missing}");
}

fn toml_like(text: &str) -> String {
    serde_json::from_str::<TrainConfig>(text)
        .err()
        .unwrap()
        .to_string()
}

#[test]
fn configurations_go_through_text() {
    for config in [
        TrainConfig::default(),
        TrainConfig::study_v1(),
        mtl(1.0 / 15.0, 3),
    ] {
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<TrainConfig>(&text).unwrap(), config);
    }
}
