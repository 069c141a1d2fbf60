//! `cargo xtask reproduce`: builds `striate` and hands over to it.

use std::process::Command;

use crate::shell::{self, Result, cargo, root, target};

/// Builds the binary, with the features that the device asks for, and runs it.
pub fn run(arguments: &[String]) -> Result {
    let mut build = cargo();
    build.args(["build", "--release", "--package", "striate-cli"]);
    if asks_for_cuda(arguments) {
        build.args(["--features", "cudnn"]);
    }
    shell::run(&mut build)?;
    shell::run(
        Command::new(target().join("release").join("striate"))
            .arg("reproduce")
            .args(arguments)
            .current_dir(root()),
    )
}

fn asks_for_cuda(arguments: &[String]) -> bool {
    arguments.iter().any(|a| a == "--device=cuda")
        || arguments
            .windows(2)
            .any(|w| w[0] == "--device" && w[1] == "cuda")
}
