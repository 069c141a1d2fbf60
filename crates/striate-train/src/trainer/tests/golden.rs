//! A whole multi-task run against PyTorch (tests/golden/train.py): 20 steps from given
//! weights, with the trainer's own batch order and readout noise.

use std::collections::BTreeMap;

use candle_core::Tensor;
use striate_testkit::{Golden, assert_close};

use super::*;

/// Records the losses of every step.
#[derive(Default)]
struct Losses(Vec<f64>);

impl Observer for Losses {
    fn on_step(&mut self, progress: &Progress) {
        self.0.extend([
            progress.neural_loss.unwrap_or(f64::NAN),
            progress.image_loss.unwrap_or(f64::NAN),
            progress.gradient_norm,
        ]);
    }
}

#[test]
fn twenty_steps_equal_pytorchs() {
    let golden = Golden::open("train/trajectory");
    let config = VggConfig {
        in_channels: 1,
        blocks: vec![vec![8, 8], vec![16, 16]],
        split: "conv1_2".parse().unwrap(),
        head: Head::Conv {
            hidden: vec![12],
            dropout: 0.0,
        },
        classes: 4,
        input_size: 16,
        ..VggConfig::default()
    };
    let seed = Seed::new(1);
    let mut net = MultiTaskNet::new(&config, &Device::Cpu, &seed).unwrap();
    net.add_readout("simulated", &[0.0; 5], &seed).unwrap();
    let start: BTreeMap<String, Tensor> = golden
        .names()
        .iter()
        .filter_map(|name| {
            let (shape, values) = golden.f32(name);
            let tensor = Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
            Some((name.strip_prefix("start/")?.to_owned(), tensor))
        })
        .collect();
    net.params().load_state(&start).unwrap();

    let shape = [16, 16, 1];
    let images = MemoryImages::new(golden.f32("images").1, shape, golden.u32("labels"), 4).unwrap();
    let trials = MemoryResponses::new(
        "simulated",
        golden.f32("stimuli").1,
        shape,
        (0..24).collect(),
        golden.f32("responses").1,
        5,
    )
    .unwrap();
    let tasks = Tasks {
        images: Some(ImageTask {
            train: &images,
            validation: &images,
        }),
        neural: vec![NeuralTask {
            train: &trials,
            validation: &trials,
        }],
    };
    let train = TrainConfig {
        batch_size: 8,
        neural_batch_size: 8,
        optimizer: OptimizerConfig::Sgd {
            lr: 0.02,
            momentum: 0.75,
            weight_decay: 5e-3,
        },
        schedule: Schedule::Steps {
            epochs: 4,
            milestones: vec![],
            factor: 0.1,
            validation: Validation::default(),
        },
        ..mtl(1.0, 4)
    };
    let mut trainer = Trainer::new(&net, tasks, train, Seed::new(2)).unwrap();
    let mut losses = Losses::default();
    trainer.run(&mut losses, &StopFlag::new()).unwrap();

    // PyTorch ran in f64. Run in f32, it differs from that by at most 4e-6 in the
    // losses, 3e-7 in `s` and 2.2e-6 in the end state.
    let expected = golden.f64("losses").1;
    assert_close(&losses.0, &expected, 0.0, 2e-5);
    let (s_c, s_n) = trainer.weights.values().unwrap();
    let s = [s_c.unwrap(), s_n.unwrap()];
    assert_close(&s, &golden.f64("end_s").1, 2e-6, 0.0);
    for (name, tensor) in net.params().state().unwrap() {
        let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let (_, mut expected) = golden.f64(&format!("end/{name}"));
        if name.ends_with(".mu") {
            // The validation after the last epoch has clamped it once more.
            expected.iter_mut().for_each(|mu| *mu = mu.clamp(-1.0, 1.0));
        }
        assert_close(&values, &expected, 1e-5, 1e-5);
    }
}
