//! Errors as people read them, and the exit codes.

use std::error::Error;
use std::process::ExitCode;

use striate_run::ErrorKind;

/// The run was interrupted by Ctrl-C or a termination signal.
pub const INTERRUPTED: u8 = 130;

/// Prints an error with its causes, and gives the exit code of its kind.
pub fn report(error: &striate_run::Error) -> ExitCode {
    report_as(error, error.kind())
}

/// Prints an error with its causes, and gives the exit code of a kind.
pub fn report_as(error: &dyn Error, kind: ErrorKind) -> ExitCode {
    let mut text = format!("striate: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    eprintln!("{text}");
    ExitCode::from(match kind {
        ErrorKind::Work => 1,
        ErrorKind::Input => 3,
        ErrorKind::Store => 4,
    })
}

/// The exit code of a run that was interrupted.
pub fn interrupted() -> ExitCode {
    ExitCode::from(INTERRUPTED)
}
