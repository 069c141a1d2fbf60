//! The graph against PyTorch: outputs, gradients, other batch sizes (`golden/make.py`).

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::collections::HashMap;
use std::path::PathBuf;

use candle_core::{Device, Tensor, Var};
use striate_graph::{Axis, Error, Graph};
use striate_testkit::assert_close;

const NETWORKS: [&str; 8] = [
    "resnet",
    "densenet",
    "efficientnet",
    "convnext",
    "vit",
    "odds",
    "watched",
    "deepgaze",
];

fn path(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "golden", file]
        .iter()
        .collect()
}

fn open(name: &str) -> (Graph, HashMap<String, Tensor>) {
    let graph = Graph::open(&path(&format!("{name}.striate")), &Device::Cpu).unwrap();
    let golden = path(&format!("{name}.safetensors"));
    let golden = candle_core::safetensors::load(golden, &Device::Cpu).unwrap();
    (graph, golden)
}

fn flat(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

fn largest(x: &Tensor) -> f64 {
    flat(x).iter().fold(0.0, |a, b| f64::from(b.abs()).max(a))
}

#[test]
fn every_sample_is_reproduced() {
    for name in NETWORKS {
        let (graph, _) = open(name);
        let check = graph.ensure().unwrap();
        println!("{name}: {:?}", check.deviations);
        assert_eq!(check.deviations.len(), graph.outputs().count());
        // Small networks are much closer than the tolerance for large ones.
        assert!(check.deviations[0].relative < 5e-6, "{name}");
    }
}

#[test]
fn outputs_and_gradients_of_other_batches_are_pytorchs() {
    for name in NETWORKS {
        let (graph, golden) = open(name);
        for output in graph.outputs() {
            let Some(value) = golden.get(&format!("{output}.value")) else {
                continue;
            };
            let images = Var::from_tensor(&golden["images"]).unwrap();
            let y = graph.run_one(output, &images).unwrap();
            assert_eq!(y.dims(), value.dims(), "{name} {output}");
            // Sums of a few hundred products in another order.
            let scale = largest(value);
            println!("{name} {output}: {scale}");
            assert_close(&flat(&y), &flat(value), 5e-6 * scale, 1e-5);
            let loss = (y * &golden[&format!("{output}.weight")]).unwrap();
            let gradients = loss.sum_all().unwrap().backward().unwrap();
            let expected = &golden[&format!("{output}.gradient")];
            let scale = largest(expected);
            let found = gradients.get(&images).unwrap();
            assert_close(&flat(found), &flat(expected), 2e-5 * scale, 2e-5);
        }
    }
}

#[test]
fn an_image_is_the_same_in_any_batch() {
    for name in NETWORKS {
        let (graph, golden) = open(name);
        let names: Vec<&str> = graph.outputs().collect();
        let images = &golden["images"];
        let doubled = Tensor::cat(&[images, images, images], 0).unwrap();
        let whole = graph.run(&names, &doubled).unwrap();
        let single = graph.run(&names, &images.narrow(0, 0, 1).unwrap()).unwrap();
        for ((output, whole), single) in names.iter().zip(&whole).zip(&single) {
            let last = whole.narrow(0, 2 * images.dim(0).unwrap(), 1).unwrap();
            let scale = 1e-6 * largest(single);
            println!("{name} {output}");
            assert_close(&flat(&last), &flat(single), scale, 1e-6);
        }
    }
}

#[test]
fn the_gradient_is_that_of_finite_differences() {
    let (graph, golden) = open("deepgaze");
    let images = golden["images"].narrow(0, 0, 1).unwrap();
    let weight = golden["log_density.weight"].narrow(0, 0, 1).unwrap();
    let value = |images: &Tensor| {
        let y = graph.run_one("log_density", images).unwrap();
        (y * &weight).unwrap().sum_all().unwrap()
    };
    let at = Var::from_tensor(&images).unwrap();
    let gradients = value(&at).backward().unwrap();
    let gradient = flat(gradients.get(&at).unwrap());
    // Along the gradient the function grows by its squared length.
    let length: f32 = gradient.iter().map(|g| g * g).sum::<f32>().sqrt();
    let step = 1e-2 / length;
    let direction = gradients.get(&at).unwrap();
    let moved = |by: f32| {
        let images = (&images + (direction * f64::from(by)).unwrap()).unwrap();
        value(&images).to_vec0::<f32>().unwrap()
    };
    let slope = (moved(step) - moved(-step)) / (2.0 * step) / (length * length);
    // The step is small against the curvature, and large against rounding.
    assert!((slope - 1.0).abs() < 5e-3, "{slope}");
}

#[test]
fn what_the_file_says_is_told() {
    let (graph, _) = open("resnet");
    assert_eq!(graph.name(), "resnet");
    assert!(graph.made_with().starts_with("torch 2."));
    assert_eq!(graph.input().dims(), (3, 32, 32));
    assert_eq!(graph.class_names(), ["ant", "bee", "cat", "dog", "eel"]);
    assert_eq!(graph.classes(), Some(5));
    assert_eq!(graph.outputs().collect::<Vec<_>>(), ["layer1", "logits"]);
    let batch = Axis::Batch { batch: 1 };
    let expected = [batch, Axis::Fixed(16), Axis::Fixed(8), Axis::Fixed(8)];
    assert_eq!(graph.output_shape("layer1"), Some(&expected[..]));
    assert_eq!(graph.batch_within(&["logits"], 0).unwrap(), 1);
    // The image, scaled and shifted, is the most at once: 2 x 3 x 32 x 32 values.
    assert_eq!(
        graph
            .batch_within(&["logits"], 40 * 2 * 3 * 1024 * 4)
            .unwrap(),
        40
    );
    assert_eq!(graph.gradient_batch_within("logits", 1 << 40), 128);
    let images = Tensor::zeros((1, 3, 32, 30), candle_core::DType::F32, &Device::Cpu).unwrap();
    let error = graph.run_one("logits", &images).unwrap_err();
    assert!(matches!(error, Error::Input { .. }));
    assert_eq!(
        error.to_string(),
        "the network takes images [3, 32, 32] (channels, height, width), found [1, 3, 32, 30]"
    );
    let images = Tensor::zeros((1, 3, 32, 32), candle_core::DType::F32, &Device::Cpu).unwrap();
    assert_eq!(
        graph.run_one("layer7", &images).unwrap_err().to_string(),
        "there is no output \"layer7\" (there are layer1, logits)"
    );
}

#[test]
fn a_density_sums_to_one() {
    let (graph, golden) = open("deepgaze");
    let y = graph.run_one("log_density", &golden["images"]).unwrap();
    let sums = y
        .exp()
        .unwrap()
        .sum((1, 2))
        .unwrap()
        .to_vec1::<f32>()
        .unwrap();
    assert_close(&sums, &vec![1.0; sums.len()], 1e-5, 0.0);
}
