//! `striate data` as it is used: the binary, its output and its exit codes.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: a failure here fails the test"
)]

mod support;

use std::{fs, path::Path, process::Command};

use striate_data::Recording;
use support::place;

/// Runs the binary in a folder; exit code, output and errors.
fn striate(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_striate"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// Two neurons, two images twice: the first neuron repeats itself, the second does not.
fn recording() -> Recording {
    let responses = vec![1.0, 5.0, 3.0, 4.0, 1.0, 4.0, 3.0, 5.0];
    Recording::new("s1", 2, vec![7, 9, 7, 9], responses).unwrap()
}

#[test]
fn a_recording_is_described_converted_and_described_the_same() {
    let folder = place("describe");
    recording().write_npz(&folder.join("r.npz")).unwrap();
    let (code, text, errors) = striate(&folder, &["data", "inspect", "r.npz", "--html", "r.html"]);
    let facts = "  session s1, all: 2 neurons, 4 trials of 2 images (each 2 times), \
        0 responses missing, mean 3.2500, deviation 1.4790, range 1.0000 to 5.0000\n  \
        session s1, all, noise ceiling: explainable variance median 0.250 (-0.500 to 1.000), \
        oracle correlation median 0.000 (-1.000 to 1.000)\nno problem found\n";
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert_eq!(text, format!("r.npz: one recording (npz)\n{facts}"));
    let page = fs::read_to_string(folder.join("r.html")).unwrap();
    assert!(page.contains("most reliable") && page.contains("<svg"));
    // Self-contained: nothing is loaded from elsewhere.
    assert!(!page.contains("src=\"http") && !page.contains("href="));

    let (code, text, _) = striate(&folder, &["data", "convert", "r.npz", "r.parquet"]);
    assert_eq!(
        (code, text.as_str()),
        (Some(0), "r.parquet: 4 trials of 2 neurons\n")
    );
    let (_, text, _) = striate(&folder, &["data", "inspect", "r.parquet"]);
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(text, format!("r.parquet: one recording (parquet)\n{facts}"));
}

#[test]
fn what_cannot_be_done_is_said_with_exit_code_3() {
    let folder = place("refuse");
    recording().write_npz(&folder.join("r.npz")).unwrap();
    fs::write(folder.join("x.gz"), b"\x1f\x8b\x08\x00").unwrap();
    let cases: [(&[&str], &str); 4] = [
        (
            &["data", "inspect", "x.gz"],
            "striate: x.gz: expected a tar, zip, npz, parquet, HDF5 or pickle (protocol 2 to 5) \
             file, found a gzip file: unpack it first\n",
        ),
        (
            &["data", "convert", "r.npz", "r.npz"],
            "striate: r.npz: expected no such file (or --force), found one\n",
        ),
        (
            &["data", "convert", "r.npz", "out.npz", "--session", "s2"],
            "striate: r.npz: expected one of [s1-all], found no such part\n",
        ),
        (
            &["data", "convert", "r.npz", "out.npz", "--images"],
            "striate: r.npz: expected --part, one of [], found none\n",
        ),
    ];
    for (arguments, expected) in cases {
        let (code, text, errors) = striate(&folder, arguments);
        assert_eq!((code, text.as_str()), (Some(3), ""), "{arguments:?}");
        assert_eq!(errors, expected);
    }
    let left: Vec<_> = fs::read_dir(&folder).unwrap().collect();
    assert_eq!(left.len(), 2, "nothing half-written is left");
    fs::remove_dir_all(&folder).unwrap();
}
