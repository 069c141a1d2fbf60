//! `striate train`, `evaluate` and `predict` as a user runs them.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

#[path = "support/command.rs"]
mod command;

use std::fs;
use std::path::Path;

use command::{fails, runs};
use striate_data::array::{Values, read_npz};
use striate_data::{ImageSet, Images};

/// Images of the classes, in another order of the classes, as `.npz`.
fn images(path: &Path, classes: &[String], size: usize) {
    let count = 2 * classes.len();
    let pixels = (0..count * size * size * 3).map(|i| (i * i % 251) as u8);
    let images = Images::new(count, size, size, 3, pixels.collect()).unwrap();
    let names: Vec<String> = classes.iter().rev().cloned().collect();
    let labels = (0..count).map(|i| (i % classes.len()) as u32).collect();
    let ids = (0..count).map(|i| format!("image {i}")).collect();
    let set = ImageSet::new(images, labels, names, ids).unwrap();
    set.write_npz(path).unwrap();
}

/// The classes and the input size that a file of weights states.
fn header(path: &Path) -> (Vec<String>, usize) {
    let bytes = fs::read(path).unwrap();
    let len = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let head: serde_json::Value = serde_json::from_slice(&bytes[8..8 + len]).unwrap();
    let text = head["__metadata__"]["striate"].as_str().unwrap();
    let header: serde_json::Value = serde_json::from_str(text).unwrap();
    let classes = serde_json::from_value(header["class_names"].clone()).unwrap();
    let size = header["network"]["input_size"].as_u64().unwrap();
    (classes, size as usize)
}

/// Trains a network, and writes images for it to `set.npz`; its file, its classes and its
/// images' size.
fn baseline(folder: &Path) -> (&'static str, Vec<String>, usize) {
    runs(
        folder,
        &["train", "smoke", "--model", "baseline", "--quiet"],
    );
    let network = "runs/smoke/networks/baseline-1.safetensors";
    let (classes, size) = header(&folder.join(network));
    images(&folder.join("set.npz"), &classes, size);
    (network, classes, size)
}

#[test]
fn a_network_is_trained_and_used_on_other_images() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let train = ["train", "smoke", "--model", "mtl_monkey", "--quiet"];
    runs(folder, &train);
    let network = "runs/smoke/networks/mtl_monkey-1.safetensors";
    let first = fs::read(folder.join(network)).unwrap();
    // Nothing is trained again, and the same file is written.
    runs(folder, &train);
    assert_eq!(fs::read(folder.join(network)).unwrap(), first);

    let (classes, size) = header(&folder.join(network));
    images(&folder.join("set.npz"), &classes, size);
    let predict = ["predict", network, "--images", "set.npz", "--out", "p.npz"];
    runs(folder, &predict);
    let found = read_npz(&folder.join("p.npz")).unwrap();
    let count = 2 * classes.len();
    assert_eq!(found["logits"].shape, [count, classes.len()]);
    assert_eq!(found["responses"].shape[0], count);
    let (Values::F32(logits), Values::I64(labels)) =
        (&found["logits"].values, &found["labels"].values)
    else {
        unreachable!("types of the arrays")
    };
    // The set counts its classes backwards; the file does not.
    assert_eq!(labels[0], classes.len() as i64 - 1);
    let rows = logits.chunks_exact(classes.len()).zip(labels);
    let correct = rows
        .filter(|(row, label)| {
            let best = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            row.iter().position(|v| *v == best) == Some(**label as usize)
        })
        .count();

    let evaluate = ["evaluate", network, "--images", "set.npz"];
    let table = runs(
        folder,
        &[&evaluate[..], &["--corruption", "contrast"]].concat(),
    );
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 7, "{table}");
    assert_eq!(lines[0], "corruption,severity,accuracy,correct,images");
    assert!(lines[1].starts_with("clean,0,"), "{table}");
    assert!(
        lines[1].ends_with(&format!(",{correct},{count}")),
        "{table}"
    );
    assert!(lines[6].starts_with("contrast,5,"), "{table}");

    // Images of another size, brought to the network's.
    images(&folder.join("large.npz"), &classes, size + 9);
    let large = ["evaluate", network, "--images", "large.npz"];
    fails(folder, &large, 3, &["the network takes"]);
    let table = runs(folder, &[&large[..], &["--resize", "36"]].concat());
    assert!(
        table
            .lines()
            .nth(1)
            .unwrap()
            .ends_with(&format!(",{count}"))
    );
    fails(
        folder,
        &[&large[..], &["--resize", "8"]].concat(),
        3,
        &["crop_px: expected from 1 to resize_px = 8, found 32"],
    );
}

#[test]
fn a_network_is_mapped_and_compared_with_saliency() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (network, _, size) = baseline(folder);
    let maps = |out: &str, more: &[&str]| {
        let map = ["sensitivity", network, "--images", "set.npz", "--out", out];
        runs(folder, &[&map[..], more].concat())
    };
    let said = maps("maps.npz", &["--limit", "3", "--steps", "20"]);
    assert!(
        said.contains("jacobian_energy: split-half reliability"),
        "{said}"
    );
    assert!(said.contains("class_gradient: not random"), "{said}");
    let found = read_npz(&folder.join("maps.npz")).unwrap();
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    let kinds = [
        "class_gradient",
        "contrast_change",
        "jacobian_energy",
        "reconstruction_energy",
    ];
    assert_eq!(names, [&kinds[..2], &["gray", "ids"], &kinds[2..]].concat());
    for kind in kinds {
        assert_eq!(found[kind].shape, [3, size, size], "{kind}");
        let values = found[kind].to_f32(kind).unwrap();
        for map in values.chunks_exact(size * size) {
            let sum: f64 = map.iter().map(|v| f64::from(*v)).sum();
            // Rounded to f32.
            assert!((sum - 1.0).abs() < 1e-5, "{kind}: {sum}");
            assert!(map.iter().all(|v| *v >= 0.0), "{kind}");
        }
    }
    // The same command, the same maps; other vectors, other maps.
    let one = ["--limit", "3", "--map", "jacobian-energy"];
    maps("again.npz", &one);
    let again = read_npz(&folder.join("again.npz")).unwrap();
    assert_eq!(again["jacobian_energy"], found["jacobian_energy"]);
    maps("other.npz", &[&one[..], &["--seed", "7"]].concat());
    let other = read_npz(&folder.join("other.npz")).unwrap();
    assert_ne!(other["jacobian_energy"], found["jacobian_energy"]);

    let compare = ["saliency", "maps.npz:contrast_change"];
    let with = ["maps.npz:contrast_change", "maps.npz:jacobian_energy"];
    let control = ["--images", "maps.npz:gray", "--json"];
    let text = runs(folder, &[&compare[..], &with[..], &control[..]].concat());
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let cc = |file: usize| json[file]["means"][0][1]["value"].as_f64().unwrap();
    assert!((cc(0) - 1.0).abs() < 1e-9, "{text}");
    assert!(cc(1).abs() < 1.0, "{text}");
    let odd = ["--limit", "3", "--vectors", "3"];
    let map = ["sensitivity", network, "--images", "set.npz", "--out", "x"];
    fails(folder, &[&map[..], &odd[..]].concat(), 3, &["vectors"]);
}

/// The cells of a CSV table below its header, row by row.
fn cells(table: &str) -> Vec<Vec<&str>> {
    let rows = table.lines().skip(1);
    rows.map(|row| row.split(',').collect()).collect()
}

#[test]
fn a_network_is_attacked() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (network, ..) = baseline(folder);
    let evaluate = ["evaluate", network, "--images", "set.npz"];
    let attack = |more: &[&str]| runs(folder, &[&evaluate[..], more].concat());
    let all = [
        "--attack",
        "all",
        "--epsilon",
        "1/255,0.2",
        "--epsilon-l2",
        "0.1,3",
    ];
    let few = ["--steps", "5", "--restarts", "2", "--boundary-steps", "30"];
    let table = attack(&[&all[..], &few].concat());
    assert_eq!(
        table.lines().next().unwrap(),
        "corruption,severity,accuracy,correct,images,attack,epsilon,median_distance,zero_gradients"
    );
    let rows = cells(&table);
    assert_eq!(rows.len(), 1 + 5 * 3, "{table}");
    assert!(rows.iter().all(|row| row.len() == 9), "{table}");
    assert_eq!(&rows[0][5..], ["", "", "", ""]);
    for attack in rows[1..].chunks(3) {
        // The images as they are, then with small and with large changes.
        assert_eq!(attack[0][6], "0");
        assert_eq!(attack[0][2..5], rows[0][2..5], "{table}");
        let correct = |row: usize| attack[row][3].parse::<u64>().unwrap();
        assert!(correct(0) >= correct(1), "{table}");
        assert!(attack[0][5].starts_with("fgsm") || correct(1) >= correct(2));
        assert_eq!(attack[2][7].is_empty(), attack[2][5] != "boundary");
        assert_eq!(attack[2][8].is_empty(), attack[2][5] == "boundary");
    }
    assert_eq!(attack(&[&all[..], &few].concat()), table);

    let limited = attack(&["--attack", "pgd-linf", "--limit", "3"]);
    let limited = cells(&limited);
    assert_eq!((limited[0][4], limited[1][4]), (rows[0][4], "3"));
    let wrong = [&evaluate[..], &["--attack", "pgd"]].concat();
    fails(folder, &wrong, 2, &["fgsm-linf", "found pgd"]);
    let wrong = [&evaluate[..], &["--attack", "pgd-l2", "--epsilon", "1/0"]].concat();
    fails(folder, &wrong, 2, &["8/255"]);
    let wrong = [&evaluate[..], &["--attack", "pgd-l2", "--steps", "0"]].concat();
    fails(folder, &wrong, 3, &["steps: expected at least 1"]);
}

#[test]
fn what_does_not_fit_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (network, classes, size) = baseline(folder);

    images(&folder.join("large.npz"), &classes, 2 * size);
    let evaluate = |images| ["evaluate", network, "--images", images];
    let takes = format!("takes {size} x {size}");
    fails(folder, &evaluate("large.npz"), 3, &[&takes]);

    let mut others = classes.clone();
    others[0] = "okapi".to_owned();
    images(&folder.join("others.npz"), &others, size);
    fails(folder, &evaluate("others.npz"), 3, &["okapi", &classes[0]]);

    fails(folder, &evaluate("absent.npz"), 3, &["absent.npz"]);
    let text = ["evaluate", "large.npz", "--images", "large.npz"];
    fails(folder, &text, 3, &["large.npz"]);
    let whole = fs::read(folder.join(network)).unwrap();
    fs::write(folder.join("cut.safetensors"), &whole[..whole.len() - 9]).unwrap();
    let cut = ["evaluate", "cut.safetensors", "--images", "others.npz"];
    fails(folder, &cut, 3, &["cut.safetensors"]);
    let unknown = ["train", "smoke", "--model", "monkey"];
    fails(folder, &unknown, 2, &["monkey"]);
}

#[test]
fn the_v1_model_is_trained_alone_and_predicts_responses_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let train = ["train", "smoke", "--model", "v1", "--seed", "3", "--quiet"];
    let said = runs(at, &train);
    let file = "runs/smoke/networks/v1-3.safetensors";
    assert!(said.contains(file), "{said}");
    let (classes, size) = header(&at.join(file));
    assert_eq!((classes.len(), size), (0, 32));
    let names: Vec<String> = ["b", "a"].map(str::to_owned).to_vec();
    images(&at.join("images.npz"), &names, size);
    let out = ["--images", "images.npz", "--out", "found.npz"];
    runs(at, &[&["predict", file], &out[..]].concat());
    let found = read_npz(&at.join("found.npz")).unwrap();
    assert!(!found.contains_key("logits"));
    let responses = &found["responses"];
    assert_eq!(responses.shape, [4, 24]);
    let Values::F32(rates) = &responses.values else {
        panic!("{responses:?}");
    };
    assert!(rates.iter().all(|rate| *rate > 0.0 && rate.is_finite()));
    // Accuracy needs classes.
    fails(
        at,
        &["evaluate", file, "--images", "images.npz"],
        3,
        &["no classes", "striate predict"],
    );
    fails(at, &["train", "smoke", "--model", "v2"], 2, &["v2", "v1"]);
}

/// The group's other V1 model, in small: another core, another readout, another regulariser.
#[test]
fn a_v1_model_may_have_a_core_and_a_readout_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let smoke = include_str!("../../striate-run/recipes/smoke.toml");
    let own = "[v1_network]
readout = { kind = \"point_pooled\" }
core = { channels = 8, input_kernel = 9, hidden_kernel = 3, se_reduction = 4 }

[v1]
gamma_input = 10.0
";
    fs::write(at.join("se.toml"), smoke.replacen("[v1]\n", own, 1)).unwrap();
    runs(at, &["train", "se.toml", "--model", "v1", "--quiet"]);
    let file = "runs/smoke/networks/v1-1.safetensors";
    images(&at.join("images.npz"), &["a".to_owned()], 32);
    let out = ["--images", "images.npz", "--out", "found.npz"];
    runs(at, &[&["predict", file], &out[..]].concat());
    assert_eq!(
        read_npz(&at.join("found.npz")).unwrap()["responses"].shape,
        [2, 24]
    );
    // It is no VGG, and its map has a size of its own.
    fails(
        at,
        &["convert", file, "out.safetensors"],
        3,
        &["core", "a VGG"],
    );
    let wrong = own.replace("input_kernel = 9", "input_kernel = 33");
    fs::write(at.join("wrong.toml"), smoke.replacen("[v1]\n", &wrong, 1)).unwrap();
    let parts = ["v1_network: core.input_kernel", "33"];
    fails(at, &["train", "wrong.toml", "--model", "v1"], 3, &parts);
    // Its predictions teach the other networks.
    let train = ["train", "se.toml", "--model", "mtl_scrambled", "--quiet"];
    assert!(runs(at, &train).contains("mtl_scrambled-1.safetensors"));
}
