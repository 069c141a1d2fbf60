//! Writes a report of made-up numbers and pictures, to look at its layout:
//! `cargo run --release -p striate-report --example demo OUT`.

mod made_up;

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(out) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: demo OUT");
        return ExitCode::from(2);
    };
    let written = made_up::report().and_then(|data| striate_report::write(&data, &out));
    match written {
        Ok(files) => {
            println!("{} files in {}", files.len(), out.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("failed to write the report: {error}");
            ExitCode::FAILURE
        }
    }
}
