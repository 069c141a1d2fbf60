//! `cargo xtask golden`: the golden files, made again by the Python peers.
//!
//! The versions are pinned here and nowhere else.

use std::path::PathBuf;
use std::process::Command;

use crate::shell::{self, Result, cargo, root, target};

#[derive(clap::Args)]
pub struct Arguments {
    /// Which areas, for instance `nn rsa`; all if none is named.
    areas: Vec<String>,
    /// A Python that has the packages, instead of the one made under target/.
    #[arg(long)]
    python: Option<PathBuf>,
}

const TORCH: &[&[&str]] = &[
    &["torch==2.15.0", "torchvision==0.29.2"],
    &[
        "numpy==2.4.6",
        "rsatoolbox==0.3.2",
        "scikit-image==0.26.0",
        "h5py==3.16.0",
        "safetensors==0.8.0",
        "pyarrow==26.0.1",
    ],
    &["--no-deps", "neuralpredictors==0.3.0"],
];
const CORRUPTIONS: &[&[&str]] = &[
    &["--no-deps", "imagecorruptions==1.1.2"],
    &[
        "numpy==1.26.4",
        "scipy==1.11.4",
        "scikit-image==0.20.0",
        "opencv-python-headless==4.10.0.84",
        "pillow==13.0.0",
        "pyarrow==26.0.1",
        "safetensors==0.8.0",
        "setuptools==65.5.0",
    ],
];

pub fn run(arguments: &Arguments) -> Result {
    let folder = root().join("tests/golden");
    let mut scripts: Vec<PathBuf> = std::fs::read_dir(&folder)
        .map_err(|e| format!("could not list {}: {e}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "py"))
        .collect();
    scripts.sort();
    for script in scripts {
        let area = script
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if !arguments.areas.is_empty() && !arguments.areas.contains(&area) {
            continue;
        }
        let python = match &arguments.python {
            Some(path) => path.clone(),
            None => python(if area == "corruptions" {
                "corruptions"
            } else {
                "torch"
            })?,
        };
        println!("==> golden files: {area}");
        shell::run(
            Command::new(python)
                .arg(&script)
                .arg(folder.join(&area))
                .current_dir(root()),
        )?;
        if area == "corruptions" {
            // The table in the crate's README says what the new files found.
            println!("==> parity table: corruptions");
            shell::run(cargo().args([
                "run",
                "--release",
                "--package",
                "striate-corruptions",
                "--example",
                "parity",
            ]))?;
        }
    }
    Ok(())
}

/// The Python of an environment, made under the target folder if need be.
pub fn python(environment: &str) -> Result<PathBuf> {
    let folder = target().join("peers").join(environment);
    let python = folder.join("bin/python");
    let complete = folder.join("complete");
    if !complete.exists() {
        println!("==> making the Python environment {environment} (once)");
        shell::run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        let packages = if environment == "torch" {
            TORCH
        } else {
            CORRUPTIONS
        };
        for arguments in packages {
            shell::run(
                Command::new(&python)
                    .args(["-m", "pip", "install", "--quiet"])
                    .args(*arguments),
            )?;
        }
        std::fs::write(&complete, "")
            .map_err(|e| format!("could not write {}: {e}", complete.display()))?;
    }
    Ok(python)
}
