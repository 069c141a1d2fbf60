//! `striate convert` as a user runs it, on what PyTorch wrote.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

#[path = "support/command.rs"]
mod command;

use std::fs;
use std::path::{Path, PathBuf};

use command::{fails, runs};
use striate_data::array::{Values, read_npz};
use striate_data::{ImageSet, Images};
use striate_testkit::{Golden, assert_close};

const IMAGENET: [&str; 4] = ["--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225"];
const CLASSES: [&str; 5] = ["ant", "bee", "cat", "dog", "eel"];

fn golden(name: &str) -> String {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../tests/golden/interop"]
        .iter()
        .collect();
    folder.join(name).to_str().unwrap().to_owned()
}

/// The golden images with labels in the order of [`CLASSES`].
fn write_images(path: &Path) {
    let (shape, values) = Golden::open("interop/expected").f64("images");
    let pixels = values.iter().map(|v| *v as u8).collect();
    let images = Images::new(shape[0], shape[1], shape[2], 3, pixels).unwrap();
    let labels = (0..shape[0]).map(|i| (i % CLASSES.len()) as u32).collect();
    let ids = (0..shape[0]).map(|i| format!("image {i}")).collect();
    let names = CLASSES.map(str::to_owned).to_vec();
    ImageSet::new(images, labels, names, ids)
        .unwrap()
        .write_npz(path)
        .unwrap();
}

fn logits(folder: &Path, network: &str) -> Vec<f32> {
    runs(
        folder,
        &["predict", network, "--images", "set.npz", "--out", "p.npz"],
    );
    match &read_npz(&folder.join("p.npz")).unwrap()["logits"].values {
        Values::F32(values) => values.clone(),
        other => unreachable!("logits as {}", other.kind()),
    }
}

#[test]
fn a_checkpoint_is_used_and_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_images(&folder.join("set.npz"));
    fs::write(folder.join("names.txt"), CLASSES.join("\n")).unwrap();
    let checkpoint = golden("plain.pth");
    let convert = [
        "convert",
        &checkpoint,
        "net.safetensors",
        "--classes",
        "names.txt",
    ];
    let said = runs(folder, &[&convert[..], &IMAGENET].concat());
    assert_eq!(
        said,
        "network net.safetensors: blocks [4, 4] [6] with batch norm, 5 classes, colour images of 16 px\n"
    );
    let found = logits(folder, "net.safetensors");
    let (_, expected) = Golden::open("interop/expected").f32("plain");
    // Sums in another order than PyTorch's.
    assert_close(&found, &expected, 1e-5, 1e-5);
    let table = runs(
        folder,
        &[
            "evaluate",
            "net.safetensors",
            "--images",
            "set.npz",
            "--corruption",
            "contrast",
        ],
    );
    assert_eq!(table.lines().count(), 7, "{table}");

    // To torchvision's names, and from there without any option: the same bits.
    let said = runs(
        folder,
        &[
            "convert",
            "net.safetensors",
            "tv.safetensors",
            "--to",
            "torchvision",
        ],
    );
    assert_eq!(said, "22 tensors, tv.safetensors\n");
    runs(folder, &["convert", "tv.safetensors", "again.safetensors"]);
    assert_eq!(logits(folder, "again.safetensors"), found);
    // Another file of the same architecture, with what that network's file says.
    let legacy = golden("legacy.pth");
    runs(
        folder,
        &[
            "convert",
            &legacy,
            "legacy.safetensors",
            "--like",
            "net.safetensors",
        ],
    );
    let (_, expected) = Golden::open("interop/expected").f32("legacy");
    assert_close(&logits(folder, "legacy.safetensors"), &expected, 1e-5, 1e-5);
}

#[test]
fn names_of_classes_come_from_many_places() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_images(&folder.join("set.npz"));
    for name in CLASSES.iter().rev() {
        fs::create_dir_all(folder.join("train").join(name)).unwrap();
    }
    fs::write(folder.join("names.json"), format!("{CLASSES:?}")).unwrap();
    let checkpoint = golden("study.pth");
    for names in [&CLASSES.join(","), "train", "names.json"] {
        let options = ["--mean", "0.45", "--std", "0.22", "--input-size", "16"];
        let convert = ["convert", &checkpoint, "n.safetensors", "--classes", names];
        runs(folder, &[&convert[..], &options].concat());
        let (_, expected) = Golden::open("interop/expected").f32("study");
        assert_close(&logits(folder, "n.safetensors"), &expected, 1e-5, 1e-5);
    }
    let found = &read_npz(&folder.join("p.npz")).unwrap()["responses"];
    let (shape, _) = Golden::open("interop/expected").f32("study.responses");
    assert_eq!(found.shape, shape);
}

#[test]
fn what_does_not_fit_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (plain, nested) = (golden("plain.pth"), golden("nested.pth"));
    fails(
        folder,
        &["convert", &plain, "n.safetensors"],
        3,
        &["plain.pth", "--mean"],
    );
    fails(
        folder,
        &["convert", &plain, "n.pth"],
        3,
        &["n.pth", ".safetensors"],
    );
    let nested = [
        "convert",
        &nested,
        "n.safetensors",
        "--mean",
        "0.5",
        "--std",
        "0.2",
    ];
    fails(folder, &nested, 3, &["nested.pth", "input_size"]);
    let part = [&nested[..], &["--input-size", "16", "--part", "ema"]].concat();
    fails(folder, &part, 3, &["a dict of weights ema", "state_dict"]);
    let mixed = golden("mixed_legacy.pth");
    fails(
        folder,
        &["convert", &mixed, "n.safetensors"],
        3,
        &["ema, model"],
    );
    fs::write(folder.join("text.pth"), "no checkpoint").unwrap();
    fails(
        folder,
        &["convert", "text.pth", "n.safetensors"],
        3,
        &["text.pth", "begins with"],
    );
    fs::write(folder.join("cut.safetensors"), "no tensors").unwrap();
    fails(
        folder,
        &["convert", "cut.safetensors", "n.safetensors"],
        3,
        &["cut.safetensors"],
    );
    fails(
        folder,
        &["convert", "absent.pth", "n.safetensors"],
        3,
        &["absent.pth"],
    );
    let to = ["convert", &plain, "n.safetensors", "--to", "torchvision"];
    fails(folder, &to, 3, &["no network's file"]);
    assert!(!folder.join("n.safetensors").exists());
}
