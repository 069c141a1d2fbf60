use std::path::PathBuf;

use striate_data::Images;
use striate_testkit::{Golden, assert_close};

use super::*;
use crate::TrainedNetwork;

/// Absolute and relative. Sums of some tens of products in another order than PyTorch's:
/// the largest difference measured is 1.2e-5 among scores of up to 11.7.
const TOLERANCE: f64 = 1e-5;

fn golden(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    folder.join("../../tests/golden/interop").join(name)
}

fn imagenet() -> Option<Normalize> {
    Some(Normalize {
        mean: vec![0.485, 0.456, 0.406],
        std: vec![0.229, 0.224, 0.225],
    })
}

fn gray() -> Option<Normalize> {
    Some(Normalize {
        mean: vec![0.45],
        std: vec![0.22],
    })
}

/// Repeats or cuts images, as the script does.
fn resized(images: &[u8], side: usize, px: usize) -> Vec<u8> {
    let image = side * side * 3;
    let mut out = Vec::new();
    for image in images.chunks_exact(image) {
        for y in 0..px {
            for x in 0..px {
                let at = ((y % side) * side + x % side) * 3;
                out.extend_from_slice(&image[at..at + 3]);
            }
        }
    }
    out
}

/// The golden images at a size.
fn images(px: usize) -> Images {
    let (shape, values) = Golden::open("interop/expected").f64("images");
    let pixels: Vec<u8> = values.iter().map(|v| *v as u8).collect();
    Images::new(shape[0], px, px, 3, resized(&pixels, shape[1], px)).unwrap()
}

fn open(name: &str, options: &ImportOptions) -> (tempfile::TempDir, TrainedNetwork, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("network.safetensors");
    let lines = import(&golden(name), &file, options).unwrap();
    assert!(is_network(&file).unwrap());
    let network = TrainedNetwork::open(&file, &Device::Cpu).unwrap();
    (folder, network, lines)
}

fn same(found: &[f32], name: &str) {
    let (_, expected) = Golden::open("interop/expected").f32(name);
    let largest = found
        .iter()
        .zip(&expected)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    println!("{name}: largest difference {largest:.2e}");
    assert_close(found, &expected, TOLERANCE, TOLERANCE);
}

#[test]
fn a_network_in_colour_gives_pytorchs_scores() {
    for name in ["plain", "legacy"] {
        let options = ImportOptions {
            normalize: imagenet(),
            ..ImportOptions::default()
        };
        let (_folder, network, lines) = open(&format!("{name}.pth"), &options);
        let header = network.header().unwrap();
        assert_eq!(header.network.blocks, [vec![4, 4], vec![6]]);
        assert_eq!(
            (header.network.in_channels, header.network.input_size),
            (3, 16)
        );
        assert!(header.network.batch_norm && header.colour() && header.model.is_none());
        assert_eq!(header.class_names, ["0", "1", "2", "3", "4"]);
        assert!(
            lines[0]
                .contains("blocks [4, 4] [6] with batch norm, 5 classes, colour images of 16 px")
        );
        assert_eq!(lines[1], "note: the classes are called 0 to 4");
        same(&network.logits(&images(16)).unwrap().unwrap(), name);
    }
}

/// torchvision's average pool before the classifier, which is not the identity here.
#[test]
fn other_input_sizes_fold_the_pool() {
    for px in [8, 12, 24] {
        let options = ImportOptions {
            normalize: imagenet(),
            input_size: Some(px),
            ..ImportOptions::default()
        };
        let (_folder, network, lines) = open("plain.pth", &options);
        assert!(
            lines.iter().any(|line| line.contains("folded")),
            "{lines:?}"
        );
        same(
            &network.logits(&images(px)).unwrap().unwrap(),
            &format!("plain.{px}px"),
        );
    }
}

#[test]
fn a_checkpoint_on_gray_gives_pytorchs_scores() {
    let options = ImportOptions {
        normalize: gray(),
        input_size: Some(16),
        ..ImportOptions::default()
    };
    let (_folder, network, _) = open("nested.pth", &options);
    let config = &network.header().unwrap().network;
    assert_eq!(config.blocks, [vec![4], vec![6, 6]]);
    assert_eq!((config.in_channels, config.batch_norm), (1, false));
    same(&network.logits(&images(16)).unwrap().unwrap(), "nested");
}

#[test]
fn the_studys_checkpoint_gives_scores_and_responses() {
    let options = ImportOptions {
        normalize: gray(),
        input_size: Some(16),
        class_names: Some(["a", "b", "c", "d", "e"].map(str::to_owned).to_vec()),
        ..ImportOptions::default()
    };
    let (folder, network, _) = open("study.pth", &options);
    assert_eq!(
        network.header().unwrap().network.split.to_string(),
        "conv2_1"
    );
    let images = images(16);
    same(&network.logits(&images).unwrap().unwrap(), "study");
    same(
        &network.responses(&images).unwrap().unwrap(),
        "study.responses",
    );
    // To torchvision and back: the header comes along, the readouts do not.
    let (out, back) = (
        folder.path().join("t.safetensors"),
        folder.path().join("b.safetensors"),
    );
    let lines = export(&folder.path().join("network.safetensors"), &out).unwrap();
    assert!(lines[1].contains("readouts"), "{lines:?}");
    assert!(!is_network(&out).unwrap());
    import(&out, &back, &ImportOptions::default()).unwrap();
    let again = TrainedNetwork::open(&back, &Device::Cpu).unwrap();
    assert_eq!(
        again.logits(&images).unwrap(),
        network.logits(&images).unwrap()
    );
    assert_eq!(
        again.header().unwrap().class_names,
        network.header().unwrap().class_names
    );
    assert!(again.responses(&images).unwrap().is_none());
}

#[test]
fn what_is_not_in_the_file_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("n.safetensors");
    let fails = |name: &str, options: &ImportOptions, parts: &[&str]| {
        let message = import(&golden(name), &out, options)
            .unwrap_err()
            .to_string();
        for part in [&[name], parts].concat() {
            assert!(message.contains(part), "{part:?} is not in {message:?}");
        }
        assert!(!out.exists());
    };
    let none = ImportOptions::default();
    fails("plain.pth", &none, &["normalisation", "0.485,0.456,0.406"]);
    fails(
        "nested.pth",
        &none,
        &["input_size: expected the side of the images"],
    );
    let of_classes = |names: &[&str]| ImportOptions {
        normalize: imagenet(),
        class_names: Some(names.iter().map(|n| (*n).to_owned()).collect()),
        ..ImportOptions::default()
    };
    fails(
        "plain.pth",
        &of_classes(&["a"]),
        &["expected 5 names of classes, found 1"],
    );
    fails(
        "plain.pth",
        &of_classes(&["a", "b", "a", "c", "d"]),
        &["the name \"a\""],
    );
    let colour = ImportOptions {
        normalize: imagenet(),
        input_size: Some(16),
        ..ImportOptions::default()
    };
    fails(
        "nested.pth",
        &colour,
        &["expected 1 means", "1 channels, found 3"],
    );
    let like = ImportOptions {
        like: Some("smoke".to_owned()),
        ..colour
    };
    fails(
        "plain.pth",
        &like,
        &["missing", "unexpected", "features.0.weight"],
    );
    fails("mixed.pth", &none, &["one features.0.weight"]);
    fails("absent.pth", &none, &[]);
}
