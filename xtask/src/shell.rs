//! Running other programs. Invariant: a program's exit code is ours.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Why a command ended, and the exit code that says so.
#[derive(Debug)]
pub struct Failure {
    pub message: String,
    pub code: u8,
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self { message, code: 1 }
    }
}

pub type Result<T = ()> = std::result::Result<T, Failure>;

/// The root of the repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The cargo that runs us.
pub fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Result {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .map_err(|e| format!("could not start {name}: {e}"))?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(Failure {
            message: String::new(),
            code: u8::try_from(code).unwrap_or(1),
        }),
        None => Err(format!("{name} was killed by a signal").into()),
    }
}

/// Runs one part of a longer command under a headline, and says how long it took.
pub fn stage(name: &str, work: impl FnOnce() -> Result) -> Result {
    println!("==> {name}");
    let start = Instant::now();
    let result = work();
    let seconds = start.elapsed().as_secs();
    match &result {
        Ok(()) => println!("==> {name}: done in {seconds} s"),
        Err(_) => println!("==> {name}: FAILED after {seconds} s"),
    }
    result
}
