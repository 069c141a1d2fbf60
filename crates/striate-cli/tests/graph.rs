//! Networks of PyTorch in `striate evaluate`, `predict` and `saliency`, as a user runs them.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

#[path = "support/command.rs"]
mod command;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use command::{fails, runs, striate};
use striate_data::array::{Array, Values, read_npz, write_npz};
use striate_data::{ImageSet, Images};
use striate_graph::Graph;
use striate_testkit::assert_close;

fn golden(name: &str) -> PathBuf {
    let folder = "../striate-graph/tests/golden";
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(folder)
        .join(name)
}

/// Two images of each class.
fn images(path: &Path, classes: &[&str], (height, width): (usize, usize)) -> Vec<u8> {
    let count = 2 * classes.len();
    let pixels = (0..count * height * width * 3).map(|i| (i * i % 251) as u8);
    let pixels: Vec<u8> = pixels.collect();
    let images = Images::new(count, height, width, 3, pixels.clone()).unwrap();
    let names = classes.iter().map(|name| (*name).to_owned()).collect();
    let labels = (0..count).map(|i| (i % classes.len()) as u32).collect();
    let ids = (0..count).map(|i| format!("image {i}")).collect();
    let set = ImageSet::new(images, labels, names, ids).unwrap();
    set.write_npz(path).unwrap();
    pixels
}

fn arrays(path: &Path) -> BTreeMap<String, Array> {
    read_npz(path).unwrap()
}

fn floats(array: &Array) -> Vec<f32> {
    array.to_f32("maps").unwrap()
}

#[test]
fn a_graph_is_evaluated_attacked_and_predicts_as_a_trained_network_does() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let file = golden("resnet.striate");
    let network = file.to_str().unwrap();
    // The classes in another order than the network's.
    let classes = ["eel", "bee", "ant", "dog", "cat"];
    let pixels = images(&at.join("set.npz"), &classes, (32, 32));

    runs(
        at,
        &["predict", network, "--images", "set.npz", "--out", "p.npz"],
    );
    let found = arrays(&at.join("p.npz"));
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(names, ["class_names", "ids", "labels", "layer1", "logits"]);
    assert_eq!(found["layer1"].shape, [10, 16, 8, 8]);
    assert_eq!(found["logits"].shape, [10, 5]);
    let graph = Graph::open(&file, &Device::Cpu).unwrap();
    let x = pixels.iter().map(|v| f32::from(*v) / 255.0);
    let x = Tensor::from_iter(x, &Device::Cpu).unwrap();
    let x = x
        .reshape((10, 32, 32, 3))
        .unwrap()
        .permute((0, 3, 1, 2))
        .unwrap();
    let expected = graph.run_one("logits", &x).unwrap();
    let rows = expected.to_vec2::<f32>().unwrap();
    let flat: Vec<f32> = rows.iter().flatten().copied().collect();
    // The same sums in the same order.
    assert_close(&floats(&found["logits"]), &flat, 1e-6, 1e-6);

    let best = |row: &[f32]| (0..5).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap();
    let order = ["ant", "bee", "cat", "dog", "eel"];
    let right = rows.iter().enumerate();
    let right = right
        .filter(|(i, row)| order[best(row)] == classes[i % 5])
        .count();
    let evaluate = ["evaluate", network, "--images", "set.npz"];
    let text = runs(at, &[&evaluate[..], &["--corruption", "contrast"]].concat());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "corruption,severity,accuracy,correct,images");
    assert_eq!(
        lines[1],
        format!("clean,0,{},{right},10", right as f64 / 10.0)
    );
    assert_eq!(lines.len(), 7);

    let attack = [
        "--attack",
        "fgsm-linf,pgd-l2",
        "--steps",
        "3",
        "--epsilon",
        "8/255",
    ];
    let text = runs(at, &[&evaluate[..], &attack[..]].concat());
    let first: Vec<&str> = text.lines().filter(|l| l.contains("fgsm-linf")).collect();
    assert_eq!(first.len(), 2, "{text}");
    assert!(first[0].starts_with(&format!(
        "clean,0,{},{right},10,fgsm-linf,0,",
        right as f64 / 10.0
    )));

    images(&at.join("others.npz"), &["ant", "okapi"], (32, 32));
    fails(
        at,
        &["evaluate", network, "--images", "others.npz"],
        3,
        &["okapi", "cat"],
    );
    images(&at.join("small.npz"), &classes, (16, 16));
    let small = ["evaluate", network, "--images", "small.npz"];
    fails(
        at,
        &small,
        3,
        &["are 16 x 16 px; the network takes 32 x 32"],
    );
}

#[test]
fn log_densities_are_compared_with_other_maps() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let file = golden("deepgaze.striate");
    let network = file.to_str().unwrap();
    images(&at.join("set.npz"), &["a", "b"], (20, 24));
    runs(
        at,
        &[
            "predict", network, "--images", "set.npz", "--out", "maps.npz",
        ],
    );
    let found = arrays(&at.join("maps.npz"));
    assert_eq!(found["log_density"].shape, [4, 20, 24]);
    // The same maps as densities, in another order of the images.
    let values = floats(&found["log_density"]);
    let density: Vec<f32> = values.iter().map(|v| v.exp()).collect();
    let order = [2, 0, 3, 1];
    let rows = order.iter().flat_map(|i| &density[i * 480..(i + 1) * 480]);
    let maps = Array::new(vec![4, 20, 24], Values::F32(rows.copied().collect())).unwrap();
    let ids = order.iter().map(|i| format!("image {i}")).collect();
    let ids = Array::new(vec![4], Values::Text(ids)).unwrap();
    let others = BTreeMap::from([("maps".to_owned(), maps), ("ids".to_owned(), ids)]);
    write_npz(&at.join("others.npz"), &others).unwrap();
    let text = runs(
        at,
        &[
            "saliency",
            "maps.npz:log_density",
            "others.npz",
            "--log-density",
            "--json",
        ],
    );
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    for i in 0..4 {
        let found = json[0]["images"][format!("image {i}")]["correlation"].as_f64();
        // Densities that were rounded to f32.
        assert!((found.unwrap() - 1.0).abs() < 1e-5, "{json}");
    }
    fails(
        at,
        &["evaluate", network, "--images", "set.npz"],
        3,
        &["no class scores: none of its outputs (log_density) is named logits"],
    );
    let cut = [
        "predict", network, "--images", "set.npz", "--out", "p.npz", "--resize", "30",
    ];
    fails(at, &cut, 3, &["cannot be cut to 20 x 24 px"]);
}

#[test]
fn a_graph_is_mapped_at_the_output_that_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let file = golden("resnet.striate");
    let network = file.to_str().unwrap();
    images(
        &at.join("set.npz"),
        &["eel", "bee", "ant", "dog", "cat"],
        (32, 32),
    );
    let map = ["sensitivity", network, "--images", "set.npz", "--out"];
    let few = ["--limit", "2", "--vectors", "4", "--steps", "10"];
    let go = |out: &str, more: &[&str]| {
        runs(at, &[&map[..], &[out], &few[..], more].concat());
        arrays(&at.join(out))
    };
    let of_layer = go("layer.npz", &["--output", "layer1"]);
    let of_scores = go("scores.npz", &[]);
    for kind in ["jacobian_energy", "reconstruction_energy"] {
        assert_eq!(of_layer[kind].shape, [2, 32, 32]);
        assert_ne!(of_layer[kind], of_scores[kind], "{kind}");
    }
    // The class gradient is that of the scores, whatever is named.
    assert_eq!(of_layer["class_gradient"], of_scores["class_gradient"]);
    let wrong = [&map[..], &["x.npz", "--output", "layer9"]].concat();
    fails(at, &wrong, 3, &["layer9", "layer1"]);
}

#[test]
fn a_damaged_graph_is_refused_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let bytes = fs::read(golden("resnet.striate")).unwrap();
    fs::write(at.join("cut.striate"), &bytes[..bytes.len() - 1000]).unwrap();
    images(&at.join("set.npz"), &["a"], (32, 32));
    let evaluate = |file| ["evaluate", file, "--images", "set.npz"];
    fails(
        at,
        &evaluate("cut.striate"),
        3,
        &["cut.striate: is no whole safetensors file"],
    );
    // One weight that is not what it was.
    let mut other = bytes;
    let at_weight = other.len() - 20_000;
    other[at_weight + 3] ^= 0x40;
    fs::write(at.join("other.striate"), &other).unwrap();
    let wrong = striate(at, &evaluate("other.striate"));
    assert_eq!(wrong.status.code(), Some(3));
}
