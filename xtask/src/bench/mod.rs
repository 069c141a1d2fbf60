//! `cargo xtask bench`: benchmarks of the crates, alone or against a Python peer.

mod instructions;

use std::path::PathBuf;
use std::process::Command;

use crate::golden::python;
use crate::shell::{self, Result, cargo, root};

#[derive(clap::Args)]
pub struct Arguments {
    /// What to measure.
    subject: Subject,
    /// Also run the Python peer, on the same machine (data and rsa; the others with a peer run
    /// it always, in turns).
    #[arg(long)]
    against_peer: bool,
    /// A Python that has the peer's packages, instead of the one made under target/.
    #[arg(long)]
    python: Option<PathBuf>,
    /// A tar of JPEGs to decode as well (data only).
    #[arg(long)]
    tar: Option<PathBuf>,
    /// Decode with libjpeg-turbo, which needs cmake and nasm (data only).
    #[arg(long)]
    turbojpeg: bool,
    /// Without AVX-512, in both (what runs in turns with PyTorch).
    #[arg(long)]
    avx2: bool,
    /// Keep the tables in docs/results (not those of kernels and rsa).
    #[arg(long)]
    save: bool,
    /// Count instructions under callgrind, and compare with the counts kept in the repository
    /// (corruptions only).
    #[arg(long)]
    instructions: bool,
    /// With --instructions: keep the counts found, instead of comparing.
    #[arg(long, requires = "instructions")]
    bless: bool,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Subject {
    /// Training steps of a narrow VGG and of VGG-19, in turns with PyTorch.
    Train,
    /// Their evaluation, in turns with PyTorch.
    Evaluate,
    /// Steps of a reconstruction from their last layer, in turns with PyTorch.
    Reconstruct,
    /// Steps of PGD on them, in turns with PyTorch.
    Attack,
    /// The convolutions of VGG-19 one by one, in turns with PyTorch.
    Conv,
    /// Single convolutions and fused blocks, as a share of the machine's peak.
    Kernels,
    /// All corruptions, per call, in turns with their peer (imagecorruptions).
    Corruptions,
    /// Decoding of images (peers: Pillow, torchvision; in turns within one run).
    Data,
    /// Dissimilarity matrices, comparators, bootstrap (peer: rsatoolbox).
    Rsa,
}

impl Subject {
    fn package(self) -> &'static str {
        match self {
            Self::Train | Self::Evaluate => "striate-nn",
            Self::Reconstruct => "striate-reconstruct",
            Self::Attack => "striate-attack",
            Self::Conv | Self::Kernels => "striate-kernels",
            Self::Corruptions => "striate-corruptions",
            Self::Data => "striate-data",
            Self::Rsa => "striate-rsa",
        }
    }

    /// What stands above its tables.
    fn headline(self) -> &'static str {
        match self {
            Self::Corruptions => {
                "# Speed of the corruptions\n\n\
                 Made by `cargo xtask bench corruptions --save`; not edited by hand.\n\
                 Counter mode is the default of `striate-corruptions`; NumPy mode gives the Python \
                 package's pixels."
            }
            Self::Train => {
                "# Speed of training\n\n\
                 Made by `cargo xtask bench train --save`; not edited by hand.\n\
                 One step is forward, backward and the update of all weights, with batch norm, f32."
            }
            Self::Evaluate => {
                "# Speed of evaluation\n\n\
                 Made by `cargo xtask bench evaluate --save`; not edited by hand.\n\
                 One step is a forward pass with running statistics, f32."
            }
            Self::Reconstruct => {
                "# Speed of constrained reconstruction\n\n\
                 Made by `cargo xtask bench reconstruct --save`; not edited by hand.\n\
                 One step, in the study's exact mode, is forward to the last convolution, the \
                 gradient of the images, its blur, a step and the projection, f32."
            }
            Self::Attack => {
                "# Speed of attacks\n\n\
                 Made by `cargo xtask bench attack --save`; not edited by hand.\n\
                 One step of PGD within a ball of the maximum norm is forward to the class \
                 scores, the gradient of the images, a step and the projection, f32."
            }
            Self::Conv => {
                "# Speed of single convolutions\n\n\
                 Made by `cargo xtask bench conv --save`; not edited by hand.\n\
                 3x3, stride 1, padding 1, f32; PyTorch in the better of its two layouts, each \
                 product by itself."
            }
            Self::Data => {
                "# Speed of decoding\n\n\
                 Made by `cargo xtask bench data --against-peer --save`; not edited by hand.\n\
                 JPEGs to RGB, one image a task; the fastest of 7 rounds in turns."
            }
            Self::Kernels | Self::Rsa => "",
        }
    }

    /// For a benchmark that a peer's script runs in turns with the peer.
    fn in_turns(self) -> Option<InTurns> {
        let (result, bench, environment, script, mode) = match self {
            Self::Kernels | Self::Data | Self::Rsa => return None,
            Self::Train => ("train", "train", "torch", "steps.py", Some("train")),
            Self::Evaluate => ("evaluate", "train", "torch", "steps.py", Some("evaluate")),
            Self::Reconstruct => {
                let mode = "reconstruct";
                (mode, mode, "torch", "steps.py", Some(mode))
            }
            Self::Attack => {
                let mode = "attack";
                (mode, mode, "torch", "steps.py", Some(mode))
            }
            Self::Conv => ("conv", "layers", "torch", "conv.py", None),
            Self::Corruptions => {
                let name = "corruptions";
                (name, name, name, "corruptions.py", None)
            }
        };
        Some(InTurns {
            result,
            bench,
            environment,
            script,
            mode,
        })
    }
}

/// How a peer's script is run.
struct InTurns {
    /// The page under docs/results.
    result: &'static str,
    /// The name of our benchmark.
    bench: &'static str,
    /// The peer's Python environment.
    environment: &'static str,
    /// Under benches/peers.
    script: &'static str,
    /// The script's first argument.
    mode: Option<&'static str>,
}

pub fn run(arguments: &Arguments) -> Result {
    let subject = arguments.subject;
    if subject != Subject::Corruptions && arguments.instructions {
        return Err("--instructions: corruptions only".to_owned().into());
    }
    if matches!(subject, Subject::Kernels | Subject::Rsa) && arguments.save {
        return Err("--save: not for kernels and rsa".to_owned().into());
    }
    if arguments.avx2
        && subject
            .in_turns()
            .is_none_or(|peer| peer.environment != "torch")
    {
        return Err("--avx2: what runs in turns with PyTorch only"
            .to_owned()
            .into());
    }
    if arguments.instructions {
        return instructions::run(arguments.bless);
    }
    if subject == Subject::Data {
        return run_data(arguments);
    }
    if subject == Subject::Rsa {
        return run_rsa(arguments);
    }
    let Some(peer) = subject.in_turns() else {
        if arguments.against_peer {
            return Err("this benchmark has no Python peer".to_owned().into());
        }
        return shell::run(cargo().args(["bench", "--package", subject.package()]));
    };
    let python = match &arguments.python {
        Some(path) => path.clone(),
        None => python(peer.environment)?,
    };
    let mut command = Command::new(python);
    command
        .arg(root().join("benches/peers").join(peer.script))
        .args(peer.mode)
        .arg(benchmark(subject.package(), peer.bench)?);
    let (mut name, mut headline) = (peer.result.to_owned(), subject.headline().to_owned());
    if arguments.avx2 {
        command.envs(AVX2);
        name += "_avx2";
        headline += "\nWithout AVX-512, in both: `--avx2`.";
    }
    if arguments.save {
        save(&mut command, &name, &headline)
    } else {
        shell::run(&mut command)
    }
}

/// What keeps our kernels, PyTorch and its oneDNN to AVX2.
const AVX2: [(&str, &str); 3] = [
    ("STRIATE_ISA", "avx2+fma"),
    ("ATEN_CPU_CAPABILITY", "avx2"),
    ("ONEDNN_MAX_CPU_ISA", "AVX2"),
];

/// Builds a benchmark, and says where it is.
fn benchmark(package: &str, name: &str) -> Result<PathBuf> {
    let mut build = cargo();
    build
        .args(["bench", "--no-run", "--package", package, "--bench", name])
        .arg("--message-format=json-render-diagnostics")
        .stderr(std::process::Stdio::inherit());
    let output = build
        .output()
        .map_err(|e| format!("could not start cargo: {e}"))?;
    let messages = String::from_utf8_lossy(&output.stdout);
    // One JSON object a line; the path of the last one that has it.
    let path = messages.lines().rev().find_map(|line| {
        let (_, rest) = line.split_once("\"executable\":\"")?;
        rest.split_once('"').map(|(path, _)| path)
    });
    match path {
        Some(path) if output.status.success() => Ok(path.into()),
        _ => Err(format!("could not build the benchmark {name}").into()),
    }
}

/// Keeps what a benchmark prints, under a headline that says how it was made.
fn save(bench: &mut Command, name: &str, headline: &str) -> Result {
    let output = bench
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|e| format!("could not start the benchmark: {e}"))?;
    let tables = String::from_utf8_lossy(&output.stdout);
    print!("{tables}");
    if !output.status.success() {
        return Err("the benchmark failed; nothing was kept".to_owned().into());
    }
    let path = root().join(format!("docs/results/{name}.md"));
    let text = format!("{headline}\n\n{tables}");
    std::fs::create_dir_all(root().join("docs/results"))
        .and_then(|()| std::fs::write(&path, text))
        .map_err(|e| format!("could not write {}: {e}", path.display()).into())
}

/// The benchmark starts its peer itself, as the two take turns.
fn run_data(arguments: &Arguments) -> Result {
    let mut command = cargo();
    command.args(["bench", "--package", "striate-data", "--bench", "decode"]);
    let mut name = "data";
    if arguments.turbojpeg {
        name = "data_turbojpeg";
        command.args(["--features", "turbojpeg"]);
    }
    command.arg("--");
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
    if arguments.save {
        save(&mut command, name, Subject::Data.headline())
    } else {
        shell::run(&mut command)
    }
}

/// An example instead of a benchmark, as a step takes from milliseconds to
/// minutes: 1000 images, 4096 features, 1000 replicates.
fn run_rsa(arguments: &Arguments) -> Result {
    let example = [
        "run",
        "--release",
        "-p",
        "striate-rsa",
        "--example",
        "bench",
    ];
    shell::run(cargo().args(example).args(["--", "1000", "4096", "1000"]))?;
    if !arguments.against_peer {
        return Ok(());
    }
    let python = match &arguments.python {
        Some(path) => path.clone(),
        None => python("torch")?,
    };
    let script = root().join("crates/striate-rsa/examples/bench_rsatoolbox.py");
    // The peer needs very long for a thousand replicates: it runs some, and its
    // lines say how many.
    shell::run(
        Command::new(python)
            .arg(script)
            .args(["1000", "4096", "10"]),
    )
}
