//! Striate's own commands: `cargo xtask <command>`.
//!
//! This program builds and runs the real binaries. It links neither candle nor
//! any crate of Striate, so it is ready within seconds on a fresh machine.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod ci;
mod golden;
mod reproduce;
mod shell;
mod tidy;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Striate's own commands"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Reproduce the study on the embedded data; all arguments go to `striate reproduce`.
    #[command(disable_help_flag = true)]
    Reproduce {
        /// Arguments of `striate reproduce`, for instance `--recipe smoke`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run all tests, documentation examples included.
    Test {
        /// Arguments of `cargo test`, for instance `-p striate-rsa`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run all that CI runs: format, lints, tidy, documentation, CUDA type check, tests.
    Ci,
    /// Check the rules of the repository.
    Tidy,
    /// Run the kernels' tests under AddressSanitizer (Linux on x86-64).
    Sanitize,
    /// Run benchmarks, alone or against a Python peer.
    Bench(bench::Arguments),
    /// Make the golden files again, with pinned versions of the Python peers.
    Golden(golden::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Reproduce { arguments } => reproduce::run(&arguments),
        Command::Test { arguments } => ci::test(&arguments),
        Command::Ci => ci::run(),
        Command::Tidy => tidy::run(),
        Command::Sanitize => ci::sanitize(),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Golden(arguments) => golden::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.message.is_empty() {
                eprintln!("xtask: {}", failure.message);
            }
            ExitCode::from(failure.code)
        }
    }
}
