//! Errors as people read them, and the exit codes.

use std::error::Error as _;
use std::process::ExitCode;

use striate_run::{Error, ErrorKind};

/// The run was interrupted by Ctrl-C or a termination signal.
pub const INTERRUPTED: u8 = 130;

/// Prints an error with its causes, and gives the exit code of its kind.
pub fn report(error: &Error) -> ExitCode {
    let mut text = format!("striate: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    eprintln!("{text}");
    ExitCode::from(match error.kind() {
        ErrorKind::Work => 1,
        ErrorKind::Input => 3,
        ErrorKind::Store => 4,
    })
}
