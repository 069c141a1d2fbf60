//! The binary as a user runs it, in a folder.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs the binary.
pub fn striate(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_striate"))
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Runs it and expects success; gives what it printed.
pub fn runs(folder: &Path, arguments: &[&str]) -> String {
    let output = striate(folder, arguments);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {message}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs it and expects an exit code and a message with all of `parts`.
pub fn fails(folder: &Path, arguments: &[&str], code: i32, parts: &[&str]) {
    let output = striate(folder, arguments);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{message}");
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}
