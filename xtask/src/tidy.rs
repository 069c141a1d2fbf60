//! `cargo xtask tidy`: the rules of the repository, as a program.
//!
//! What a compiler lint can say is said there (`Cargo.toml`, `clippy.toml`);
//! here stand the rules about the tree: who may know whom, how long a file may
//! be, what each crate must have.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::shell::{Result, cargo, root};

/// Lines of one Rust file. A file is read in one sitting.
const MAX_LINES: usize = 500;
/// Packages in Cargo.lock, optional ones (CUDA, libjpeg-turbo) and those for Windows included.
const MAX_PACKAGES: usize = 324;

/// Which crates of Striate each crate may depend on. The order is the order of
/// the layers; development dependencies are free.
const LAYERS: &[(&str, &[&str])] = &[
    ("random", &[]),
    ("kernels", &[]),
    ("data", &["random"]),
    ("fetch", &[]),
    ("corruptions", &["random"]),
    ("nn", &["random", "kernels"]),
    ("models", &["random", "kernels", "data", "nn"]),
    ("train", &["random", "data", "nn", "models"]),
    ("robustness", &["random"]),
    ("rsa", &["random", "kernels"]),
    ("reconstruct", &["random", "kernels", "nn"]),
    ("saliency", &["random", "kernels", "nn"]),
    ("attack", &["random"]),
    ("graph", &["kernels", "nn"]),
    ("report", &[]),
    (
        "run",
        &[
            "random",
            "kernels",
            "data",
            "corruptions",
            "nn",
            "models",
            "train",
            "robustness",
            "rsa",
            "reconstruct",
            "saliency",
            "attack",
            "graph",
            "report",
        ],
    ),
    (
        "cli",
        &[
            "attack",
            "corruptions",
            "data",
            "fetch",
            "robustness",
            "rsa",
            "report",
            "run",
            "saliency",
            "train",
        ],
    ),
    ("testkit", &[]),
];

/// Crates that build without candle, so that they stay light.
const WITHOUT_CANDLE: &[&str] = &[
    "random",
    "kernels",
    "data",
    "fetch",
    "corruptions",
    "robustness",
    "rsa",
    "report",
    "testkit",
];

/// Packages that use the network, and the one crate that may depend on them.
const NETWORK: (&[&str], &str) = (&["ureq", "reqwest", "hyper", "hf-hub"], "fetch");

/// Text that must not stand in a source file, and why.
const FORBIDDEN: &[(&str, &str)] = &[
    ("todo!(", "unfinished code"),
    ("unimplemented!(", "unfinished code"),
    ("FIXME", "unfinished code"),
    (
        "#[allow(",
        "use #[expect(..., reason = ...)], which tells when it is no longer needed",
    ),
    ("#[ignore", "a test that does not run is no test"),
    ("/home/", "a path of one machine"),
    ("/root/", "a path of one machine"),
];

pub fn run() -> Result {
    let root = root();
    let mut problems = Vec::new();
    check_layers(&root, &mut problems)?;
    check_crates(&root, &mut problems)?;
    check_sources(&root, &mut problems)?;
    check_lock(&root, &mut problems)?;
    check_features(&mut problems)?;
    check_goldens(&root, &mut problems)?;
    if problems.is_empty() {
        println!("tidy");
        return Ok(());
    }
    for problem in &problems {
        println!("{problem}");
    }
    Err(format!("{} problems", problems.len()).into())
}

/// The names under `[dependencies]`, in the order of the file.
fn dependencies(manifest: &str) -> Vec<&str> {
    manifest
        .lines()
        .skip_while(|l| l.trim() != "[dependencies]")
        .skip(1)
        .take_while(|l| !l.starts_with('['))
        .filter_map(|l| {
            let name = l.split(['.', '=', ' ']).next()?;
            (!name.is_empty() && !name.starts_with('#')).then_some(name)
        })
        .collect()
}

fn check_layers(root: &Path, problems: &mut Vec<String>) -> Result {
    let layers: BTreeMap<&str, &[&str]> = LAYERS.iter().copied().collect();
    for folder in folders(&root.join("crates"))? {
        let path = folder.join("Cargo.toml");
        let manifest = read(&path)?;
        let name = name_of(&folder);
        let Some(allowed) = layers.get(name.as_str()) else {
            problems.push(format!(
                "{}: not in the list of layers of tidy.rs",
                path.display()
            ));
            continue;
        };
        for dependency in dependencies(&manifest) {
            if let Some(other) = dependency.strip_prefix("striate-")
                && !allowed.contains(&other)
            {
                problems.push(format!(
                    "{}: {name} must not depend on {other}",
                    path.display()
                ));
            }
            if NETWORK.0.contains(&dependency) && name != NETWORK.1 {
                problems.push(format!(
                    "{}: only {} may use the network",
                    path.display(),
                    NETWORK.1
                ));
            }
            if dependency.starts_with("candle") && WITHOUT_CANDLE.contains(&name.as_str()) {
                problems.push(format!(
                    "{}: {name} must not depend on candle",
                    path.display()
                ));
            }
        }
    }
    Ok(())
}

fn check_crates(root: &Path, problems: &mut Vec<String>) -> Result {
    for folder in folders(&root.join("crates"))? {
        if !folder.join("README.md").exists() {
            problems.push(format!("{}: no README.md", folder.display()));
        }
    }
    Ok(())
}

fn check_sources(root: &Path, problems: &mut Vec<String>) -> Result {
    for path in rust_files(root)? {
        let text = read(&path)?;
        let place = path.strip_prefix(root).unwrap_or(&path).display();
        let lines = text.lines().count();
        if lines > MAX_LINES {
            problems.push(format!("{place}: {lines} lines, more than {MAX_LINES}"));
        }
        // A module of tests is explained by the module beside it.
        let tests = path.components().any(|c| {
            let name = c.as_os_str().to_string_lossy();
            name == "tests" || name.starts_with("tests.") || name.starts_with("tests_")
        });
        if !tests && !text.starts_with("//!") {
            problems.push(format!(
                "{place}: does not begin with //! and what it is for"
            ));
        }
        // This file names what it forbids.
        if path.ends_with("xtask/src/tidy.rs") {
            continue;
        }
        for (i, line) in text.lines().enumerate() {
            for (word, reason) in FORBIDDEN {
                if line.contains(word) {
                    problems.push(format!("{place}:{}: {word}: {reason}", i + 1));
                }
            }
        }
    }
    Ok(())
}

fn check_lock(root: &Path, problems: &mut Vec<String>) -> Result {
    let path = root.join("Cargo.lock");
    let packages = read(&path)?.lines().filter(|l| *l == "[[package]]").count();
    if packages > MAX_PACKAGES {
        problems.push(format!(
            "Cargo.lock: {packages} packages, more than {MAX_PACKAGES}"
        ));
    }
    Ok(())
}

/// The command and the tests build each dependency with the same features, that is, once.
fn check_features(problems: &mut Vec<String>) -> Result {
    let command = tree(&["--package", "striate-cli", "--edges", "normal,build"])?;
    let tests = tree(&["--workspace", "--edges", "normal,build,dev"])?;
    for package in command.difference(&tests) {
        problems.push(format!(
            "{package}: tests build it with other features (crates/striate-cli/Cargo.toml)"
        ));
    }
    Ok(())
}

/// What `cargo tree` shows: each package with its features.
fn tree(of: &[&str]) -> Result<BTreeSet<String>> {
    let output = cargo()
        .args(["tree", "--quiet", "--locked", "--prefix", "none"])
        .args(["--format", "{p} [{f}]"])
        .args(of)
        .output()
        .map_err(|e| format!("could not start cargo: {e}"))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        return Err(format!("cargo tree: {}", message.trim()).into());
    }
    let lines = String::from_utf8_lossy(&output.stdout);
    let lines = lines.lines().map(|line| line.trim_end_matches(" (*)"));
    Ok(lines.map(str::to_owned).collect())
}

/// Each folder of golden files has the script that made it.
fn check_goldens(root: &Path, problems: &mut Vec<String>) -> Result {
    for folder in folders(&root.join("tests/golden"))? {
        if !folder.with_extension("py").exists() {
            problems.push(format!(
                "{}: no {}.py beside it",
                folder.display(),
                name_of(&folder)
            ));
        }
    }
    Ok(())
}

fn name_of(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name.strip_prefix("striate-").unwrap_or(&name).to_owned()
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|e| format!("could not read {}: {e}", path.display()).into())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(|e| format!("could not list {}: {e}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    Ok(paths)
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(entries(folder)?
        .into_iter()
        .filter(|p| p.is_dir())
        .collect())
}

/// All Rust files of the workspace, build results left out.
fn rust_files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut open: Vec<PathBuf> = ["crates", "xtask"].iter().map(|d| root.join(d)).collect();
    while let Some(folder) = open.pop() {
        for path in entries(&folder)? {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
