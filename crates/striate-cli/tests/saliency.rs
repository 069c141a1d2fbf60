//! `striate saliency`, end to end on small files.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use striate_data::array::{Array, Values, write_npz};
use striate_random::Seed;
use striate_saliency::metrics::{centre_distance, compare, rms_contrast};
use striate_saliency::{Map, SMOOTHING_PX};

mod png;

const IMAGES: usize = 4;
const HEIGHT: usize = 6;
const WIDTH: usize = 5;
const IDS: [&str; IMAGES] = ["cat", "dog", "eel", "fox"];

fn striate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_striate"))
        .arg("saliency")
        .args(arguments)
        .output()
        .unwrap()
}

fn json(arguments: &[&str]) -> Value {
    let output = striate(&[arguments, &["--json"]].concat());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The message of a refusal, which has exit code 3.
fn refused(arguments: &[&str]) -> String {
    let output = striate(arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{errors}");
    errors
}

/// Whole values in 0..256, as a PNG file has them.
fn maps(number: u64) -> Vec<f32> {
    let mut stream = Seed::new(number).stream();
    (0..IMAGES * HEIGHT * WIDTH)
        .map(|_| stream.below(256) as f32)
        .collect()
}

fn map(values: &[f32], image: usize) -> Map {
    let len = HEIGHT * WIDTH;
    Map::from_f32(HEIGHT, WIDTH, &values[image * len..(image + 1) * len]).unwrap()
}

fn npz(path: &Path, arrays: Vec<(&str, Array)>) -> String {
    let arrays = arrays.into_iter().map(|(name, a)| (name.to_owned(), a));
    write_npz(path, &arrays.collect()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The maps in one array, in this order of the ids.
fn stack(path: &Path, values: &[f32], order: [usize; IMAGES]) -> String {
    let len = HEIGHT * WIDTH;
    let rows = order.iter().flat_map(|i| &values[i * len..(i + 1) * len]);
    let shape = vec![IMAGES, HEIGHT, WIDTH];
    let array = Array::new(shape, Values::F32(rows.copied().collect())).unwrap();
    let ids = order.iter().map(|i| IDS[*i].to_owned()).collect();
    let ids = Array::new(vec![IMAGES], Values::Text(ids)).unwrap();
    npz(path, vec![("maps", array), ("ids", ids)])
}

#[test]
fn the_metrics_are_the_library_s_and_images_are_matched_by_id() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (saliency, sensitivity, images) = (maps(1), maps(2), maps(3));
    let reference = stack(&path.join("deepgaze.npz"), &saliency, [0, 1, 2, 3]);
    let other = stack(&path.join("sensitivity.npz"), &sensitivity, [2, 0, 3, 1]);
    let seen = stack(&path.join("images.npz"), &images, [3, 2, 1, 0]);
    let found = json(&[&reference, &other, "--images", &seen]);
    for (i, id) in IDS.iter().enumerate() {
        let density = |values: &[f32], i: usize| map(values, i).to_density().unwrap();
        let len = HEIGHT * WIDTH;
        let pixels = &images[i * len..(i + 1) * len];
        let contrast = rms_contrast(pixels, HEIGHT, WIDTH, SMOOTHING_PX).unwrap();
        let distance = centre_distance(HEIGHT, WIDTH).unwrap();
        let expected = compare(
            &density(&sensitivity, i),
            &density(&saliency, i),
            &density(&saliency, (i + 2) % IMAGES),
            &[&distance, &contrast],
        )
        .unwrap();
        let expected = serde_json::to_value(expected).unwrap();
        let found = found[0]["images"][id].as_object().unwrap();
        assert_eq!(found.len(), expected.as_object().unwrap().len());
        for (name, value) in found {
            let (found, expected) = (value.as_f64(), expected[name].as_f64());
            // A number that was written and read is another in its last digit.
            let difference = found.unwrap() - expected.unwrap();
            assert!(difference.abs() < 1e-12, "{id}, {name}");
        }
    }
    let mean = |found: &Value, name: &str| {
        let means = found[0]["means"].as_array().unwrap();
        let row = means.iter().find(|row| row[0] == name).unwrap();
        row[1]["value"].as_f64().unwrap()
    };
    let each = IDS.map(|id| found[0]["images"][id]["correlation"].as_f64().unwrap());
    let expected = each.iter().sum::<f64>() / IMAGES as f64;
    assert!((mean(&found, "CC") - expected).abs() < 1e-12);

    // A map against itself.
    let same = json(&[&reference, &reference]);
    for (name, expected) in [("CC", 1.0), ("SIM", 1.0), ("KL (nats)", 0.0), ("AUC", 1.0)] {
        assert!((mean(&same, name) - expected).abs() < 1e-9, "{name}");
    }
}

#[test]
fn pictures_single_arrays_and_log_densities_hold_the_same_maps() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (saliency, sensitivity) = (maps(1), maps(2));
    let reference = stack(&path.join("reference.npz"), &saliency, [0, 1, 2, 3]);
    let other = stack(&path.join("sensitivity.npz"), &sensitivity, [0, 1, 2, 3]);
    let expected = json(&[&reference, &other])[0]["images"].clone();
    let pictures = path.join("pictures");
    std::fs::create_dir(&pictures).unwrap();
    let mut singles = Vec::new();
    for (i, id) in IDS.iter().enumerate() {
        let values = map(&sensitivity, i);
        let mut rows = Vec::new();
        for row in values.values().chunks(WIDTH) {
            rows.push(0);
            rows.extend(row.iter().flat_map(|v| [*v as u8; 3]));
        }
        let file = png::encode(HEIGHT, WIDTH, 8, &rows);
        std::fs::write(pictures.join(format!("{id}.png")), file).unwrap();
        let values = Values::F64(values.values().to_vec());
        singles.push((*id, Array::new(vec![HEIGHT, WIDTH], values).unwrap()));
    }
    let singles = npz(&path.join("singles.npz"), singles);
    for file in [pictures.to_str().unwrap(), &singles] {
        assert_eq!(json(&[&reference, file])[0]["images"], expected, "{file}");
    }
    let logarithms: Vec<f64> = (0..IMAGES)
        .flat_map(|i| map(&saliency, i).to_density().unwrap().values().to_vec())
        .map(f64::ln)
        .collect();
    // A picture's zeros have no logarithm that a map could hold.
    let logarithms = logarithms.into_iter().map(|v| v.max(-100.0)).collect();
    let array = Array::new(vec![IMAGES, HEIGHT, WIDTH], Values::F64(logarithms)).unwrap();
    let ids = Values::Text(IDS.map(str::to_owned).to_vec());
    let arrays = vec![
        ("log", array),
        ("ids", Array::new(vec![IMAGES], ids).unwrap()),
    ];
    let logarithms = npz(&path.join("log.npz"), arrays);
    let found = json(&[&logarithms, &other, "--log-density"]);
    for id in IDS {
        let value = |found: &Value| found[id]["correlation"].as_f64().unwrap();
        // The values of a file are rounded to f32.
        assert!((value(&found[0]["images"]) - value(&expected)).abs() < 1e-5);
    }
}

#[test]
fn other_images_sizes_and_colours_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let good = stack(&path.join("good.npz"), &maps(1), [0, 1, 2, 3]);
    let array = |shape: Vec<usize>| {
        let values = (0..shape.iter().product::<usize>())
            .map(|i| i as f32)
            .collect();
        Array::new(shape, Values::F32(values)).unwrap()
    };
    let three = IDS[..3].iter().map(|id| (*id, array(vec![HEIGHT, WIDTH])));
    let fewer = npz(&path.join("fewer.npz"), three.collect());
    let text = refused(&[&good, &fewer]);
    assert!(
        text.contains("fox only in the first, none only in the second"),
        "{text}"
    );
    let mut sizes = IDS.map(|id| (id, array(vec![HEIGHT, WIDTH])));
    sizes[1].1 = array(vec![8, 9]);
    let sizes = npz(&path.join("sizes.npz"), sizes.into());
    let text = refused(&[&good, &sizes]);
    let expected = "sizes.npz, image `dog`: expected a map of 6 x 5 as in ";
    assert!(
        text.contains(expected) && text.contains("found 8 x 9"),
        "{text}"
    );
    let two = [("a", array(vec![2, 3, 4])), ("b", array(vec![2, 3, 4]))];
    let two = npz(&path.join("two.npz"), two.into());
    let text = refused(&[&two, &good]);
    assert!(
        text.contains("two.npz:NAME, found 2 of them (a, b)"),
        "{text}"
    );
    let text = refused(&[&format!("{two}:c"), &good]);
    assert!(text.contains("expected an array c of images"), "{text}");
    let flat = [
        ("a", array(vec![3, 4])),
        (
            "b",
            Array::new(vec![3, 4], Values::F32(vec![1.0; 12])).unwrap(),
        ),
    ];
    let flat = npz(&path.join("flat.npz"), flat.into());
    let text = refused(&[&flat, &flat]);
    assert!(
        text.contains("flat.npz") && text.contains("constant"),
        "{text}"
    );
    let pictures = path.join("pictures");
    std::fs::create_dir(&pictures).unwrap();
    let text = refused(&[&good, pictures.to_str().unwrap()]);
    assert!(
        text.contains("expected at least one map, found none"),
        "{text}"
    );
    std::fs::write(pictures.join("cat.png"), png::png(HEIGHT, WIDTH, 8, 3)).unwrap();
    let text = refused(&[&good, pictures.to_str().unwrap()]);
    assert!(text.contains("cat.png: expected a gray picture"), "{text}");
    std::fs::write(pictures.join("cat.png"), b"no picture").unwrap();
    let text = refused(&[&good, pictures.to_str().unwrap()]);
    assert!(text.contains("cat.png"), "{text}");
}
