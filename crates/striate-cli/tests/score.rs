//! `striate score`, end to end on small files.

#![expect(clippy::expect_used, reason = "the helpers of tests fail as tests do")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const IMAGES: usize = 40;

fn striate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_striate"))
        .arg("score")
        .args(arguments)
        .output()
        .expect("the binary runs")
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", errors(output));
    serde_json::from_slice(&output.stdout).expect("valid JSON")
}

/// How many of the images are right: fewer with severity, more for model `b`.
fn right(model: &str, seed: usize, corruption: &str, severity: usize) -> usize {
    let gain = if model == "b" { 4 } else { 0 };
    let offset = usize::from(corruption == "fog");
    36 - 5 * severity + gain + offset + seed
}

fn rows(models: &[&str], seeds: usize, logits: bool) -> String {
    let mut text = String::from("image_id,model,seed,corruption,severity,label,");
    text.push_str(if logits { "logits\n" } else { "prediction\n" });
    for model in models {
        for seed in 0..seeds {
            let tests = [("clean", 0..=0), ("fog", 1..=5), ("pixelate", 1..=5)];
            for (corruption, severities) in tests {
                for severity in severities {
                    let right = right(model, seed, corruption, severity);
                    for image in 0..IMAGES {
                        let label = image % 3;
                        let predicted = (label + usize::from(image >= right)) % 3;
                        let head =
                            format!("im{image},{model},{seed},{corruption},{severity},{label}");
                        if logits {
                            let of = |class| if class == predicted { 2.0 } else { 0.5 };
                            let all = format!("\"[{}, {}, {}]\"", of(0), of(1), of(2));
                            let _ = writeln!(text, "{head},{all}");
                        } else {
                            let _ = writeln!(text, "{head},{predicted}");
                        }
                    }
                }
            }
        }
    }
    text
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("a writable folder");
    path
}

fn mean(model: &str, corruption: &str) -> f64 {
    let counts = (0..2).flat_map(|seed| (1..=5).map(move |s| right(model, seed, corruption, s)));
    counts.sum::<usize>() as f64 / 10.0 / IMAGES as f64
}

#[test]
fn scores_accuracies_errors_and_relative_robustness() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = write(folder.path(), "p.csv", &rows(&["baseline", "b"], 2, false));
    let found = json(&striate(&[
        path.to_str().expect("UTF-8"),
        "--json",
        "--bootstrap",
        "200",
    ]));
    let close = |actual: &Value, expected: f64| {
        let actual = actual.as_f64().expect("a number");
        // Sums of quotients of small whole numbers.
        assert!((actual - expected).abs() < 1e-12, "{actual} {expected}");
    };
    assert_eq!(found["images"], IMAGES);
    assert_eq!(found["baseline"], "baseline");
    assert_eq!(found["overall"], serde_json::json!(["fog", "pixelate"]));
    let plain = |model: &str| {
        let errors = found["corruption_errors"].as_array().expect("a list");
        let of = |e: &&Value| e["model"] == model && e["normaliser"] == "plain";
        errors.iter().find(of).expect("plain errors")["mean"].clone()
    };
    for model in ["baseline", "b"] {
        let expected = 1.0 - 0.5 * (mean(model, "fog") + mean(model, "pixelate"));
        close(&plain(model), expected);
    }
    let fog = mean("b", "fog") / mean("baseline", "fog");
    let pixelate = mean("b", "pixelate") / mean("baseline", "pixelate");
    let main = &found["robustness"][0]["scores"][1];
    assert_eq!(main["model"], "b");
    close(&main["corruptions"][0]["estimate"]["value"], fog);
    close(&main["overall"]["value"], 0.5 * (fog + pixelate));
    // Two poolings, three groupings; errors over images, and over both.
    assert_eq!(found["robustness"].as_array().map(Vec::len), Some(6));
    assert_eq!(found["image_bootstrap"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        found["minimal_detectable_effects"].as_array().map(Vec::len),
        Some(2)
    );
}

#[test]
fn logits_give_calibration_and_the_same_accuracy() {
    let folder = tempfile::tempdir().expect("a folder");
    let classes = write(folder.path(), "p.csv", &rows(&["b"], 1, false));
    let logits = write(folder.path(), "l.csv", &rows(&["b"], 1, true));
    let read = |path: &Path| {
        json(&striate(&[
            path.to_str().expect("UTF-8"),
            "--json",
            "--bootstrap",
            "20",
        ]))
    };
    let (classes, logits) = (read(&classes), read(&logits));
    assert_eq!(logits["classes"], 3);
    // softmax of (2, 0.5, 0.5) at its largest.
    let confidence = 1.0 / (1.0 + 2.0 * (-1.5_f64).exp());
    let pairs = classes["accuracy"].as_array().into_iter().flatten();
    for (a, b) in pairs.zip(logits["accuracy"].as_array().into_iter().flatten()) {
        assert_eq!(a["accuracy"], b["accuracy"]);
        assert!(a["expected_calibration_error"].is_null());
        let gap = (confidence - b["accuracy"].as_f64().expect("a number")).abs();
        let error = b["expected_calibration_error"].as_f64().expect("a number");
        // Logits and confidences are kept as f32.
        assert!((error - gap).abs() < 1e-6, "{error} {gap}");
    }
    let notes = logits["notes"].to_string();
    assert!(notes.contains("there is one model"), "{notes}");
}

#[test]
fn out_has_a_page_figures_and_tables_and_parquet_is_read_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = write(folder.path(), "p.csv", &rows(&["baseline", "b"], 2, false));
    let out = folder.path().join("out");
    let arguments = [
        path.to_str().expect("UTF-8"),
        "--bootstrap",
        "50",
        "--out",
        out.to_str().expect("UTF-8"),
    ];
    let output = striate(&arguments);
    assert!(output.status.success(), "{}", errors(&output));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("relative robustness (%)"), "{text}");
    let page = std::fs::read_to_string(out.join("report.html")).expect("a page");
    assert!(page.contains("Robustness relative to Baseline"));
    assert!(!page.contains("Not run"), "only its own sections");
    for file in [
        "figures/accuracy_severity.svg",
        "figures/robustness_groups.svg",
        "figures/robustness_corruptions.svg",
        "results/accuracy.csv",
        "results/corruption_errors.parquet",
        "results/relative_robustness.csv",
        "results/scores.parquet",
        "results/image_bootstrap.csv",
    ] {
        assert!(out.join(file).is_file(), "{file}");
    }
    let again = folder.path().join("again");
    let mut second = arguments;
    second[4] = again.to_str().expect("UTF-8");
    assert!(striate(&second).status.success());
    for file in [
        "results/image_bootstrap.csv",
        "figures/robustness_groups.svg",
    ] {
        let read = |root: &Path| std::fs::read(root.join(file)).expect("a file");
        assert_eq!(read(&out), read(&again), "{file}: the same bytes");
    }
}

#[test]
fn a_file_without_models_is_named_by_itself_and_files_join() {
    let folder = tempfile::tempdir().expect("a folder");
    let strip = |text: String, model: &str| {
        let text = text.replace(",model,", ",");
        text.replace(&format!(",{model},"), ",")
    };
    let a = write(
        folder.path(),
        "plain.csv",
        &strip(rows(&["baseline"], 1, false), "baseline"),
    );
    let b = write(folder.path(), "b.csv", &strip(rows(&["b"], 1, false), "b"));
    let output = striate(&[
        a.to_str().expect("UTF-8"),
        b.to_str().expect("UTF-8"),
        "--baseline",
        "plain",
        "--json",
        "--bootstrap",
        "20",
    ]);
    let found = json(&output);
    assert_eq!(found["models"][0]["name"], "plain");
    assert_eq!(found["models"][1]["name"], "b");
    // One seed each: said, not hidden.
    assert!(found["notes"].to_string().contains("one seed"));
}

/// The error of a file made by changing one good file.
fn refused(change: impl Fn(String) -> String, extra: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let path = write(
        folder.path(),
        "p.csv",
        &change(rows(&["baseline", "b"], 1, true)),
    );
    let mut arguments = vec![path.to_str().expect("UTF-8"), "--bootstrap", "20"];
    arguments.extend(extra);
    let output = striate(&arguments);
    assert_eq!(output.status.code(), Some(3), "{}", errors(&output));
    errors(&output)
}

#[test]
fn bad_rows_are_refused_with_file_row_expected_and_found() {
    let first = "im0,baseline,0,clean,0,0,\"[2, 0.5, 0.5]\"";
    let swap = |with: &str| {
        let with = with.to_owned();
        move |text: String| {
            assert!(text.contains(first));
            text.replacen(first, &with, 1)
        }
    };
    let cases = [
        (
            "im0,baseline,0,clean,0,0,\"[2, NaN, 0.5]\"",
            "expected finite numbers, found NaN for class 1",
        ),
        (
            "im0,baseline,0,clean,0,3,\"[2, 0.5, 0.5]\"",
            "expected a label in 0..3, found 3",
        ),
        ("im0,baseline,0,clean,0,-1,\"[2, 0.5, 0.5]\"", "found -1"),
        (
            "im0,baseline,0,clean,2,0,\"[2, 0.5, 0.5]\"",
            "expected severity 0 for `clean`, found 2",
        ),
        (
            "im0,baseline,0,fog,6,0,\"[2, 0.5, 0.5]\"",
            "expected a severity of 1 to 5, found 6",
        ),
        (
            "im0,baseline,0,smoke,1,0,\"[2, 0.5, 0.5]\"",
            "found `smoke`",
        ),
        (
            "im0,baseline,0,clean,0,,\"[2, 0.5, 0.5]\"",
            "expected a label, found nothing",
        ),
        (
            "im0,baseline,x,clean,0,0,\"[2, 0.5, 0.5]\"",
            "expected a whole number, found `x`",
        ),
    ];
    for (row, expected) in cases {
        let text = refused(swap(row), &[]);
        assert!(text.contains(expected), "{row}: {text}");
        assert!(text.contains("p.csv, line 2"), "{row}: {text}");
    }
    // The number of classes follows from the first row.
    let text = refused(
        |text| {
            text.replacen(
                "im1,baseline,0,clean,0,1,\"[0.5, 2, 0.5]\"",
                "im1,baseline,0,clean,0,1,\"[0.5, 2]\"",
                1,
            )
        },
        &[],
    );
    assert!(
        text.contains("line 3: expected numbers for 3 classes"),
        "{text}"
    );
}

#[test]
fn repeated_missing_and_relabelled_images_are_listed() {
    let row = "im7,b,0,fog,3,1,";
    let twice = refused(
        |text| {
            let line = text
                .lines()
                .find(|l| l.starts_with(row))
                .expect("the row")
                .to_owned();
            format!("{text}{line}\n")
        },
        &[],
    );
    assert!(
        twice.contains("`im7` in b/seed 0/fog/severity 3"),
        "{twice}"
    );
    let missing = refused(
        |text| {
            let kept = text.lines().filter(|l| !l.starts_with(row));
            kept.collect::<Vec<_>>().join("\n")
        },
        &[],
    );
    assert!(
        missing.contains("b/seed 0/fog/severity 3 lacks 1 (`im7`)"),
        "{missing}"
    );
    let relabelled = refused(|text| text.replacen(row, "im7,b,0,fog,3,2,", 1), &[]);
    assert!(
        relabelled.contains("expected label 1 for image `im7`"),
        "{relabelled}"
    );
    let lost = refused(
        |text| {
            let kept = text.lines().filter(|l| !l.contains(",b,0,fog,3,"));
            kept.collect::<Vec<_>>().join("\n")
        },
        &[],
    );
    assert!(lost.contains("missing cells"), "{lost}");
    let unknown = refused(|text| text, &["--baseline", "c"]);
    assert!(
        unknown.contains("one of the models baseline, b, found `c`"),
        "{unknown}"
    );
    let study = refused(|text| text, &["--overall", "study"]);
    assert!(study.contains("gaussian_noise"), "{study}");
}

#[test]
fn a_missing_column_is_named() {
    let text = refused(|text| text.replacen(",severity,", ",strength,", 1), &[]);
    assert!(text.contains("expected a column severity"), "{text}");
}
