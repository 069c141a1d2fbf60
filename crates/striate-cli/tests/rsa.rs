//! `striate rsa`, end to end on small files.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use striate_data::array::{Array, Values, write_npy, write_npz};
use striate_random::Seed;
use striate_report::Table;
use striate_rsa::{Comparator, Dissimilarity, Features, Rdm, compare, linear_cka};

const IMAGES: usize = 12;
const FEATURES: usize = 37;

fn striate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_striate"))
        .arg("rsa")
        .args(arguments)
        .output()
        .unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(arguments: &[&str]) -> Value {
    let output = striate(arguments);
    assert!(output.status.success(), "{}", errors(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Features that share a part with those of other numbers.
fn features(number: u64) -> Vec<f32> {
    let (shared, own) = (Seed::new(1), Seed::new(2).index(number));
    let (mut a, mut b) = (shared.stream(), own.stream());
    (0..IMAGES * FEATURES)
        .map(|_| (a.normal() + b.normal()) as f32)
        .collect()
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path: PathBuf = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn npy(folder: &Path, name: &str, values: &[f32]) -> String {
    let shape = vec![values.len() / FEATURES, FEATURES];
    let array = Array::new(shape, Values::F32(values.to_vec())).unwrap();
    write(folder, name, &write_npy(&array))
}

fn ids(folder: &Path, name: &str, ids: &[String]) -> String {
    write(folder, name, ids.join("\n").as_bytes())
}

fn value(found: &Value, comparator: &str) -> f64 {
    let rows = found["comparisons"].as_array().unwrap();
    let row = rows.iter().find(|r| r["comparator"] == comparator).unwrap();
    row["value"].as_f64().unwrap()
}

fn rdm(values: &[f32], dissimilarity: Dissimilarity) -> Rdm {
    let features = Features::new(values, IMAGES, FEATURES).unwrap();
    Rdm::from_features(&features, dissimilarity).unwrap()
}

#[test]
fn every_comparator_and_dissimilarity_is_the_library_s() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (features(1), features(2));
    let files = [
        npy(folder.path(), "a.npy", &a),
        npy(folder.path(), "b.npy", &b),
    ];
    let all = "pearson,cosine,spearman,tau-a,tau-b,rho-a,corr-cov,cosine-cov";
    for dissimilarity in ["correlation", "cosine", "centred-cosine", "euclidean"] {
        let found = json(&[
            &files[0],
            &files[1],
            "--dissimilarity",
            dissimilarity,
            "--compare",
            all,
            "--cka",
            "--json",
        ]);
        assert_eq!(found["images"], IMAGES);
        let kind: Dissimilarity = dissimilarity.parse().unwrap();
        for name in all.split(',') {
            let comparator: Comparator = name.parse().unwrap();
            let expected = compare(&rdm(&a, kind), &rdm(&b, kind), comparator).unwrap();
            // Reading in blocks changes the order of sums.
            assert!((value(&found, name) - expected).abs() < 1e-9, "{name}");
        }
        let wrap = |v| Features::new(v, IMAGES, FEATURES).unwrap();
        let cka = linear_cka(&wrap(&a), &wrap(&b)).unwrap();
        assert!((value(&found, "cka") - cka).abs() < 1e-12);
    }
}

#[test]
fn formats_hold_the_same_features() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (features(1), features(2));
    let reference = npy(folder.path(), "b.npy", &b);
    let names: Vec<String> = (0..IMAGES).map(|i| format!("im{i}")).collect();
    let wide: Vec<f64> = a.iter().map(|v| f64::from(*v)).collect();
    let shape = vec![IMAGES, FEATURES];
    let double = Array::new(shape.clone(), Values::F64(wide.clone())).unwrap();
    // Further axes are flattened.
    let deep = Array::new(vec![IMAGES, 1, FEATURES], Values::F32(a.clone())).unwrap();
    let archive = folder.path().join("a.npz");
    let text = Array::new(vec![IMAGES], Values::Text(names.clone())).unwrap();
    let arrays = [
        ("conv1".to_owned(), double.clone()),
        ("ids".to_owned(), text),
    ];
    write_npz(&archive, &arrays.into_iter().collect()).unwrap();
    let mut table = Table::new("a").utf8("image_id", names).unwrap();
    for column in 0..FEATURES {
        let values = (0..IMAGES).map(|row| wide[row * FEATURES + column]);
        table = table.f64(&format!("f{column:02}"), values).unwrap();
    }
    let parquet = folder.path().join("a.parquet");
    table.write_parquet(&parquet).unwrap();
    let csv = folder.path().join("a.csv");
    table.write_csv(&csv).unwrap();
    let files = [
        npy(folder.path(), "a.npy", &a),
        write(folder.path(), "double.npy", &write_npy(&double)),
        write(folder.path(), "deep.npy", &write_npy(&deep)),
        archive.to_str().unwrap().to_owned(),
        format!("{}:conv1", archive.display()),
        parquet.to_str().unwrap().to_owned(),
        csv.to_str().unwrap().to_owned(),
    ];
    let expected = value(&json(&[&files[0], &reference, "--json"]), "spearman");
    for file in &files[1..] {
        let found = value(&json(&[file, &reference, "--json"]), "spearman");
        assert_eq!(found, expected, "{file}");
    }
}

/// A file that tests/golden/netcdf.py made, and the features that it has there.
fn netcdf(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/netcdf");
    folder.join(name).to_str().unwrap().to_owned()
}

#[test]
fn netcdf_variables_are_read_with_their_ids() {
    let folder = tempfile::tempdir().unwrap();
    let whole: Vec<f32> = (0..6)
        .flat_map(|r| (0..5).map(move |c| ((7 * r + 3 * c + 5 * r * c) % 11) as f32))
        .collect();
    // The ids are in the file, not given, so that those of the other file are used.
    let archive = |name: &str, values: Vec<f32>, ids: Vec<String>| {
        let arrays = [
            ("x", Array::new(vec![6, 5], Values::F32(values))),
            ("ids", Array::new(vec![6], Values::Text(ids))),
        ];
        let arrays = arrays.map(|(name, array)| (name.to_owned(), array.unwrap()));
        let path = folder.path().join(name);
        write_npz(&path, &arrays.into_iter().collect()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let names = |text: &str| -> Vec<String> { (0..6).map(|i| format!("{text}{i}")).collect() };
    let squares: Vec<f32> = whole.chunks(5).rev().flatten().map(|v| v * v).collect();
    let named = archive("named.npz", squares.clone(), names("im"));
    let numbered = archive("numbered.npz", squares, names(""));
    let backwards = names("im").into_iter().rev().collect();
    let same = archive("same.npz", whole, backwards);
    let pearson = |a: &str, b: &str| {
        let found = json(&[a, b, "--compare", "pearson", "--json"]);
        assert_eq!(found["images"], 6);
        value(&found, "pearson")
    };
    let expected = pearson(&same, &named);
    assert!(expected.abs() < 0.999, "{expected}");
    for (file, other) in [
        ("classic.nc", &named),
        ("classic.nc:rates", &named),
        ("records.nc", &numbered),
        ("wide.nc", &numbered),
        ("assembly.nc", &named),
        ("assembly.nc:x", &named),
        ("plain.nc", &named),
    ] {
        let found = pearson(&netcdf(file), other);
        // Correlation distances do not change with the quarter that some files add.
        assert!(
            (found - expected).abs() < 1e-9,
            "{file}: {found} {expected}"
        );
    }
    // A file without ids takes those that are given, which stand before its own.
    let path = folder.path();
    let own = ids(
        path,
        "own.txt",
        &names("im").into_iter().rev().collect::<Vec<_>>(),
    );
    let other = ids(path, "other.txt", &names("im"));
    let single = netcdf("single.nc");
    let given: [&str; 6] = [&single, &named, "--ids", &own, "--ids", &other];
    let found = json(&[&given[..], &["--compare", "pearson", "--json"]].concat());
    assert!((value(&found, "pearson") - expected).abs() < 1e-9);
}

#[test]
fn netcdf_variables_that_are_no_features_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let good = netcdf("classic.nc");
    for (file, parts) in [
        (
            "several3.nc",
            &["several3.nc: expected one variable", "4 of them (gappy, "][..],
        ),
        (
            "several4.nc:turned",
            &[
                "variable turned: expected images x features",
                "image_id runs",
            ],
        ),
        (
            "several3.nc:gappy",
            &["several3.nc:gappy, `3` (row 2), feature 3", "found NaN"],
        ),
        ("several4.nc:packed", &["variable packed", "scale_factor"]),
        (
            "several3.nc:image_id",
            &["variable image_id: expected images x features", "[6]"],
        ),
        (
            "assembly.nc:y",
            &["expected a variable y, found image_id, "],
        ),
    ] {
        let text = refused(&[&netcdf(file), &good]);
        for part in parts {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    let bytes = std::fs::read(&good).unwrap();
    let cut = write(folder.path(), "cut.nc", &bytes[..bytes.len() / 2]);
    assert!(refused(&[&cut, &good]).contains("cut.nc"));
}

#[test]
fn a_bootstrap_gives_intervals_that_do_not_depend_on_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<String> = (1..4)
        .map(|k| npy(folder.path(), &format!("f{k}.npy"), &features(k)))
        .collect();
    let arguments = [
        &files[0],
        &files[1],
        &files[2],
        "--bootstrap",
        "100",
        "--json",
    ];
    let found = json(&arguments);
    assert_eq!(found, json(&arguments));
    let row = &found["comparisons"][0];
    let (low, high) = (row["interval"][0].as_f64(), row["interval"][1].as_f64());
    assert!(
        low < row["value"].as_f64() && row["value"].as_f64() < high,
        "{row}"
    );
    // Three files: the second and the third are compared under the first.
    let difference = &found["evaluations"][0]["differences"][0];
    assert_eq!(difference["model"], "f2");
    assert_eq!(difference["minus"], "f3");
}

#[test]
fn subjects_give_a_noise_ceiling_and_a_third_matrix_is_taken_out() {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<String> = (1..5)
        .map(|k| npy(folder.path(), &format!("f{k}.npy"), &features(k)))
        .collect();
    let found = json(&[
        &files[0],
        &files[1],
        &files[2],
        "--subjects",
        "2",
        "--compare",
        "pearson,cosine",
        "--partial",
        &files[3],
        "--dissimilarity",
        "cosine",
        "--json",
    ]);
    // The two subjects alone: the lower bound is their own agreement.
    let lower = found["ceilings"][0][1]["lower"].as_f64().unwrap();
    assert!((lower - value(&found, "pearson")).abs() < 1e-9);
    let (partial, plain) = (value(&found, "partial pearson"), value(&found, "pearson"));
    // All four share a part, so less is left without the fourth.
    assert!(partial < plain, "{partial} {plain}");
    assert!(found["notes"].to_string().contains("No partial cosine"));
}

#[test]
fn out_has_a_page_with_matrices() {
    let folder = tempfile::tempdir().unwrap();
    let a = npy(folder.path(), "a.npy", &features(1));
    let b = npy(folder.path(), "b.npy", &features(2));
    let out = folder.path().join("out");
    let output = striate(&[&a, &b, "--bootstrap", "20", "--out", out.to_str().unwrap()]);
    assert!(output.status.success(), "{}", errors(&output));
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("Representational similarity"));
    assert!(!page.contains("Not run"), "only its own section");
    for file in [
        "figures/rsa_matrices.svg",
        "figures/rsa_similarity.svg",
        "results/rsa.csv",
    ] {
        assert!(out.join(file).is_file(), "{file}");
    }
}

/// The message of a refusal, which has exit code 3.
fn refused(arguments: &[&str]) -> String {
    let output = striate(arguments);
    assert_eq!(output.status.code(), Some(3), "{}", errors(&output));
    errors(&output)
}

#[test]
fn differing_images_are_listed_and_another_order_is_put_right() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (a, b) = (
        npy(path, "a.npy", &features(1)),
        npy(path, "b.npy", &features(2)),
    );
    let names: Vec<String> = (0..IMAGES).map(|i| format!("im{i}")).collect();
    let mut other = names.clone();
    other[3] = "extra".to_owned();
    let (x, y) = (ids(path, "x.txt", &names), ids(path, "y.txt", &other));
    let text = refused(&[&a, &b, "--ids", &x, "--ids", &y]);
    assert!(text.contains("a.npy and "), "{text}");
    assert!(
        text.contains("im3 only in the first, extra only in the second"),
        "{text}"
    );
    // The same rows backwards, under the same ids.
    let backwards: Vec<f32> = features(2)
        .chunks(FEATURES)
        .rev()
        .flatten()
        .copied()
        .collect();
    let c = npy(path, "c.npy", &backwards);
    let z = ids(
        path,
        "z.txt",
        &names.iter().rev().cloned().collect::<Vec<_>>(),
    );
    let found = json(&[&a, &c, "--ids", &x, "--ids", &z, "--json"]);
    let expected = json(&[&a, &b, "--json"]);
    let (found, expected) = (value(&found, "spearman"), value(&expected, "spearman"));
    // Only the order of sums differs.
    assert!((found - expected).abs() < 1e-12);
}

#[test]
fn repeats_make_noise_distances() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    // Three repeats of four images: rows k, k + 4, k + 8.
    let names: Vec<String> = (0..IMAGES).map(|i| format!("im{}", i % 4)).collect();
    let x = ids(path, "x.txt", &names);
    let (a, b) = (
        npy(path, "a.npy", &features(1)),
        npy(path, "b.npy", &features(2)),
    );
    for kind in ["mahalanobis", "crossnobis"] {
        let found = json(&[&a, &b, "--ids", &x, "--dissimilarity", kind, "--json"]);
        assert_eq!(found["images"], 4);
        assert_eq!(found["files"][0]["repeats"], 3);
    }
    let text = refused(&[&a, &b, "--dissimilarity", "mahalanobis"]);
    assert!(
        text.contains("a.npy: expected ids that say which rows are repeats"),
        "{text}"
    );
}

#[test]
fn bad_features_are_refused_with_file_and_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let good = npy(path, "good.npy", &features(1));
    let mut constant = features(2);
    constant[5 * FEATURES..6 * FEATURES].fill(0.25);
    let constant = npy(path, "constant.npy", &constant);
    let text = refused(&[&good, &constant]);
    assert!(text.contains("constant.npy, row 5: "), "{text}");
    assert!(text.contains("constant features"), "{text}");
    let mut broken = features(2);
    broken[7 * FEATURES + 3] = f32::NAN;
    let broken = npy(path, "broken.npy", &broken);
    let text = refused(&[&good, &broken]);
    let expected = "broken.npy, row 7, feature 3: expected a finite number, found NaN";
    assert!(text.contains(expected), "{text}");
    let short = npy(path, "short.npy", &features(2)[..4 * FEATURES]);
    let text = refused(&[&good, &short]);
    assert!(
        text.contains("12 images only in the first, 4 images only"),
        "{text}"
    );
    let bytes = std::fs::read(&good).unwrap();
    let cut = write(path, "cut.npy", &bytes[..bytes.len() - 5]);
    assert!(refused(&[&good, &cut]).contains("cut.npy: expected "));
    let text = write(path, "text.npy", b"not an array");
    assert!(refused(&[&good, &text]).contains("text.npy: expected a .npy header"));
}

#[test]
fn wrong_usage_has_its_own_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let a = npy(folder.path(), "a.npy", &features(1));
    for (arguments, expected) in [
        (vec![a.as_str()], "at least 2 files"),
        (
            vec![&a, &a, "--compare", "kendall"],
            "unknown comparator `kendall`",
        ),
        (
            vec![&a, &a, "--dissimilarity", "l7"],
            "poisson-kl, mahalanobis, crossnobis",
        ),
        (vec![&a, &a, "--subjects", "2"], "expected 1 to 1"),
    ] {
        let output = striate(&arguments);
        assert_eq!(output.status.code(), Some(2), "{expected}");
        assert!(errors(&output).contains(expected), "{}", errors(&output));
    }
}
