//! How many instructions each corruption executes: a measure of speed that does
//! not depend on what else the machine does, so that CI can watch it.
//!
//! Invariant: without valgrind this fails and says so; it never passes unseen.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;

use crate::shell::{self, Result, cargo, root, target};

/// How far a count may lie from the one kept. Another compiler or C library
/// moves counts by a few percent; a lost vectorisation by far more.
const TOLERANCE: f64 = 0.05;

pub fn run(bless: bool) -> Result {
    let version = valgrind()?;
    shell::run(cargo().args([
        "build",
        "--release",
        "--package",
        "striate-corruptions",
        "--example",
        "instructions",
    ]))?;
    let program = target().join("release/examples/instructions");
    let names = text(Command::new(&program), "the example")?;
    let mut counts = BTreeMap::new();
    for name in names.lines() {
        let count = count(&program, name)?;
        println!("{name:18} {count:>12}");
        counts.insert(name.to_owned(), count);
    }
    let path = root().join("crates/striate-corruptions/benches/instructions.txt");
    if bless {
        return keep(&path, &version, &counts);
    }
    compare(&path, &counts)
}

/// The version of valgrind.
fn valgrind() -> Result<String> {
    let mut command = Command::new("valgrind");
    command.arg("--version");
    match command.output() {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        _ => Err(
            "no instruction was counted: valgrind is not there (Debian: apt-get install valgrind)"
                .to_owned()
                .into(),
        ),
    }
}

fn text(mut command: Command, what: &str) -> Result<String> {
    let output = command
        .output()
        .map_err(|e| format!("could not start {what}: {e}"))?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{what} failed: {}", error.trim()).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Instructions of one corruption, all severities.
fn count(program: &PathBuf, name: &str) -> Result<u64> {
    let profile = target().join("callgrind.out");
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--toggle-collect=*measured*"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(program)
        .arg(name);
    text(command, "valgrind")?;
    let profile = std::fs::read_to_string(&profile)
        .map_err(|e| format!("could not read {}: {e}", profile.display()))?;
    // One line `totals: N`, or `summary: N`.
    let total = profile
        .lines()
        .find_map(|line| {
            line.strip_prefix("totals: ")
                .or(line.strip_prefix("summary: "))
        })
        .and_then(|n| n.trim().parse().ok());
    match total {
        Some(count) if count > 0 => Ok(count),
        _ => Err(format!("callgrind counted nothing for {name}").into()),
    }
}

fn keep(path: &PathBuf, valgrind: &str, counts: &BTreeMap<String, u64>) -> Result {
    let mut rustc = Command::new("rustc");
    rustc.arg("--version").current_dir(root());
    let rustc = text(rustc, "rustc")?;
    let mut lines = format!(
        "# Instructions per corruption: 64x64 RGB, counter mode, 4 images at each of 5 severities.\n\
         # Made by `cargo xtask bench corruptions --instructions --bless` with\n\
         # {}, {valgrind}, {} with AVX2.\n",
        rustc.trim(),
        std::env::consts::ARCH
    );
    for (name, count) in counts {
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "{name} {count}");
    }
    std::fs::write(path, lines)
        .map_err(|e| format!("could not write {}: {e}", path.display()).into())
}

fn compare(path: &PathBuf, counts: &BTreeMap<String, u64>) -> Result {
    let kept = std::fs::read_to_string(path)
        .map_err(|e| format!("could not read {}: {e}", path.display()))?;
    let kept: BTreeMap<&str, u64> = kept
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let (name, count) = line.split_once(' ')?;
            Some((name, count.parse().ok()?))
        })
        .collect();
    let mut problems = Vec::new();
    for (name, count) in counts {
        match kept.get(name.as_str()) {
            None => problems.push(format!("{name}: no count is kept")),
            Some(kept) => {
                let change = *count as f64 / *kept as f64 - 1.0;
                if change.abs() > TOLERANCE {
                    problems.push(format!(
                        "{name}: {count} instructions, {:+.1} % of the {kept} kept",
                        change * 100.0
                    ));
                }
            }
        }
    }
    if problems.is_empty() {
        println!("all within {:.0} % of the counts kept", TOLERANCE * 100.0);
        return Ok(());
    }
    for problem in &problems {
        println!("{problem}");
    }
    Err(format!(
        "{} of {} counts differ by more than {:.0} %; if that is meant, keep them with --bless",
        problems.len(),
        counts.len(),
        TOLERANCE * 100.0
    )
    .into())
}
