//! `cargo xtask bench`: benchmarks of the crates, alone or against a Python peer.

use std::path::PathBuf;
use std::process::Command;

use crate::golden::python;
use crate::shell::{self, Result, cargo, root};

#[derive(clap::Args)]
pub struct Arguments {
    /// What to measure.
    subject: Subject,
    /// Also run the Python peer, on the same machine, after ours.
    #[arg(long)]
    against_peer: bool,
    /// A Python that has the peer's packages, instead of the one made under target/.
    #[arg(long)]
    python: Option<PathBuf>,
    /// A tar of JPEGs to decode as well (data only).
    #[arg(long)]
    tar: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Subject {
    /// Single convolutions and fused blocks, as a share of the machine's peak.
    Kernels,
    /// All corruptions, per call (peer: imagecorruptions).
    Corruptions,
    /// Decoding of images (peers: Pillow, torchvision; in turns within one run).
    Data,
    /// Dissimilarity matrices, comparators, bootstrap (peer: rsatoolbox).
    Rsa,
}

impl Subject {
    fn package(self) -> &'static str {
        match self {
            Self::Kernels => "striate-kernels",
            Self::Corruptions => "striate-corruptions",
            Self::Data => "striate-data",
            Self::Rsa => "striate-rsa",
        }
    }

    /// The peer's environment and script, if there is a peer.
    fn peer(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Kernels | Self::Data => None,
            Self::Corruptions => Some(("corruptions", "benches/peers/corruptions.py")),
            Self::Rsa => Some(("torch", "benches/peers/rsa.py")),
        }
    }
}

pub fn run(arguments: &Arguments) -> Result {
    if matches!(arguments.subject, Subject::Data) {
        return run_data(arguments);
    }
    shell::run(cargo().args(["bench", "--package", arguments.subject.package()]))?;
    if !arguments.against_peer {
        return Ok(());
    }
    let Some((environment, script)) = arguments.subject.peer() else {
        return Err("this benchmark has no Python peer".to_owned().into());
    };
    let python = match &arguments.python {
        Some(path) => path.clone(),
        None => python(environment)?,
    };
    shell::run(Command::new(python).arg(root().join(script)))
}

/// The benchmark starts its peer itself, as the two take turns.
fn run_data(arguments: &Arguments) -> Result {
    let mut command = cargo();
    command.args([
        "bench",
        "--package",
        "striate-data",
        "--bench",
        "decode",
        "--",
    ]);
    if arguments.against_peer {
        let python = match &arguments.python {
            Some(path) => path.clone(),
            None => python("torch")?,
        };
        command.arg("--python").arg(python);
    }
    if let Some(tar) = &arguments.tar {
        // Benchmarks run in their package's folder.
        let tar = std::path::absolute(tar).map_err(|e| format!("{}: {e}", tar.display()))?;
        command.arg("--tar").arg(tar);
    }
    shell::run(&mut command)
}
