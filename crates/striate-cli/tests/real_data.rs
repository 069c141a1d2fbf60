//! `striate reproduce` on images and recordings from disk: two sessions as text, with
//! their images, and class folders.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

mod png;
mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use png::png;
use striate_data::Images;
use striate_data::array::{Array, Values, write_npz};
use striate_data::recording::Recording;
use support::place;

const SIZE: usize = 32;

fn smoke(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_striate"))
        .current_dir(folder)
        .args([
            "reproduce",
            "--recipe",
            "smoke",
            "--models",
            "baseline,mtl_monkey,mtl_recorded",
        ])
        .args(["--quiet", "--out", "run"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Three classes in folders, and two sessions of 2 and 3 neurons: 60 training images,
/// shown once, and 12 test images, shown three times.
fn data(folder: &Path) {
    for class in 0..3 {
        for (part, count) in [("train", 20), ("val", 4)] {
            for i in 0..count {
                let name = format!("classes/{part}/c{class}/{i}.png");
                let pixels = png(SIZE, SIZE, 8, class * 40 + i * 7);
                write(&folder.join(name), pixels);
            }
        }
    }
    for id in 1..=72 {
        let name = format!("sessions/images/{id:06}.png");
        write(&folder.join(name), png(SIZE, SIZE, 8, id * 11));
    }
    for (session, neurons) in [(101, 2), (102, 3)] {
        for (part, ids, repeats) in [("train", 1..=60, 1), ("test", 61..=72, 3)] {
            let mut csv = "image_id,responses,trial_id\n".to_owned();
            for id in ids {
                for repeat in 0..repeats {
                    let neuron = |n: usize| {
                        // Of 12 bins one has a spike or two, as the image and chance have it.
                        let spikes = (id * (n + 3) % 5 + (id + repeat) % 2).to_string();
                        format!("[{spikes}{}]", ", 0".repeat(11))
                    };
                    let rows: Vec<String> = (0..neurons).map(neuron).collect();
                    csv += &format!("{id},\"[{}]\",1\n", rows.join(",\n "));
                }
            }
            let name = format!("sessions/{part}/{session}/responses.csv");
            write(&folder.join(name), csv);
        }
    }
}

#[test]
fn sessions_and_class_folders_run_through_the_whole_study() {
    let folder = place("real-data");
    data(&folder);
    let output = smoke(
        &folder,
        &["--images", "classes", "--recordings", "sessions"],
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report = fs::read_to_string(folder.join("run/report.html")).unwrap();
    assert!(
        report.contains("sessions: 5 neurons in 2 sessions; 60 training stimuli in 120 trials")
    );
    assert!(report.contains("12 test stimuli shown 3 times"));
    assert!(!report.contains("simulated V1") && !report.contains("simulated recordings"));
    let table = fs::read_to_string(folder.join("run/results/neural.csv")).unwrap();
    assert!(table.contains(",recordings,"), "{table}");
    // The same data elsewhere are the same: no step runs again.
    fs::rename(folder.join("sessions"), folder.join("moved")).unwrap();
    let plan = smoke(
        &folder,
        &["--images", "classes", "--recordings", "moved", "--dry-run"],
    );
    assert!(
        text(&plan.stdout).contains("steps; about 0 s to go"),
        "{}",
        text(&plan.stdout)
    );
}

/// One session of a second area: its readouts look at a layer of the classifier's.
#[test]
fn a_second_area_teaches_a_deeper_layer() {
    let folder = place("real-data-areas");
    data(&folder);
    let smoke = include_str!("../../striate-run/recipes/smoke.toml");
    let own = "split = \"conv3_1\"\nreadout_layers = { 102 = \"conv3_2\" }\n";
    let recipe = smoke.replacen("split = \"conv3_1\"\n", own, 1);
    write(&folder.join("areas.toml"), &recipe);
    let run = |recipe: &str| {
        let models = "baseline,mtl_monkey,mtl_recorded,mtl_oracle";
        Command::new(env!("CARGO_BIN_EXE_striate"))
            .current_dir(&folder)
            .args(["reproduce", "--recipe", recipe, "--models", models])
            .args(["--recordings", "sessions", "--quiet", "--out", "run"])
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    let output = run("areas.toml");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let table = fs::read_to_string(folder.join("run/results/neural.csv")).unwrap();
    for model in ["v1", "baseline", "mtl_monkey", "mtl_recorded", "mtl_oracle"] {
        assert!(
            table.contains(&format!("\n{model},1,recordings,")),
            "{table}"
        );
    }
    write(
        &folder.join("wrong.toml"),
        recipe.replace("conv3_2", "conv4_1"),
    );
    let said = text(&run("wrong.toml").stderr);
    assert!(
        said.contains("readout_layers.102: expected one of conv1_1"),
        "{said}"
    );
}

#[test]
fn two_neurons_with_missing_trials_do_without_a_matrix_of_v1() {
    let folder = place("real-data-two");
    let count = 40;
    let pixels = (0..count * SIZE * SIZE).map(|i| (i * i / 7 % 251) as u8);
    let images = Images::new(count, SIZE, SIZE, 1, pixels.collect()).unwrap();
    let responses: Vec<f32> = (0..2 * count)
        .map(|i| if i % 9 == 4 { f32::NAN } else { (i % 5) as f32 })
        .collect();
    let ids = (0..count as u32).collect();
    let recording = Recording::new("two", 2, ids, responses).unwrap();
    let path = folder.join("two.npz");
    recording.write_npz(&path).unwrap();
    let mut arrays = striate_data::array::read_npz(&path).unwrap();
    let shape = vec![count, SIZE, SIZE];
    let array = Array::new(shape, Values::U8(images.pixels_u8)).unwrap();
    arrays.insert("images".to_owned(), array);
    write_npz(&path, &arrays).unwrap();
    let output = smoke(&folder, &["--recordings", "two.npz"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report = fs::read_to_string(folder.join("run/report.html")).unwrap();
    assert!(report.contains("no dissimilarity matrix of V1 can be made"));
    assert!(report.contains("there is no noise ceiling") && report.contains("responses missing"));
}

#[test]
fn data_that_do_not_fit_are_named() {
    let folder = place("real-data-wrong");
    data(&folder);
    let fails = |arguments: &[&str], parts: &[&str]| {
        let output = smoke(&folder, arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{said}");
        for part in parts {
            assert!(said.contains(part), "{part:?} is not in {said:?}");
        }
    };
    fails(
        &["--recordings", "sessions", "--stimulus-scale", "2"],
        &[
            "64 x 64 px",
            "network.input_size is 32",
            "scaling by 1.0000",
        ],
    );
    fails(&["--recordings", "classes"], &["classes: no recordings"]);
    fails(&["--images", "sessions"], &["image part"]);
    fails(&["--images", "nowhere"], &["nowhere"]);
    fs::remove_file(folder.join("sessions/images/000007.png")).unwrap();
    fails(&["--recordings", "sessions"], &["an image 000007"]);
    let test = folder.join("sessions/test/102/responses.csv");
    let csv = fs::read_to_string(&test).unwrap().replace("\n61,", "\n9,");
    fs::write(&test, csv).unwrap();
    fails(
        &["--recordings", "sessions"],
        &["session 102: image 9 is in training and test"],
    );
}
