//! What CI runs, so that a green run here is a green run there.

use crate::shell::{self, Result, cargo, root, stage, target};
use crate::tidy;

pub fn run() -> Result {
    stage("format", || {
        shell::run(cargo().args(["fmt", "--all", "--check"]))
    })?;
    stage("tidy", tidy::run)?;
    stage("lints", || {
        shell::run(cargo().args([
            "clippy",
            "--release",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]))
    })?;
    stage("documentation", || {
        shell::run(
            cargo()
                .args(["doc", "--release", "--workspace", "--no-deps"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        )
    })?;
    stage("tests", || test(&[]))?;
    stage("CUDA type check and lints", cuda)
}

/// The README's test command.
pub fn test(arguments: &[String]) -> Result {
    shell::run(
        cargo()
            .args(["test", "--release", "--workspace"])
            .args(arguments),
    )
}

/// The tests of the kernels, where all unsafe code is, under AddressSanitizer: every
/// instruction set of this machine, the portable code among them. Not part of CI, as it
/// compiles the kernels' dependencies again.
pub fn sanitize() -> Result {
    const TARGET: &str = "x86_64-unknown-linux-gnu";
    shell::run(
        cargo()
            .args(["test", "--release", "--package", "striate-kernels", "--lib"])
            .args(["--target", TARGET])
            // Instrumented code is no measure of the machine's peak.
            .args(["--", "--skip", "the_peak_is_a_speed"])
            .env("RUSTFLAGS", "-Zsanitizer=address")
            // Sanitizers are unstable options, which the stable compiler has but hides.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_DIR", target().join("sanitize")),
    )
}

/// Type-checks and lints the CUDA features without any CUDA installed: a
/// stand-in for nvcc makes the empty files that the build scripts expect. In a
/// target directory of its own, so that no real build ever finds them.
fn cuda() -> Result {
    shell::run(
        cargo()
            .args([
                "clippy",
                "--release",
                "--package",
                "striate-cli",
                "--features",
                "cudnn",
                "--",
                "-D",
                "warnings",
            ])
            .env("NVCC", root().join("xtask/assets/stand-in-nvcc"))
            .env("CUDA_COMPUTE_CAP", "90")
            .env("CUDARC_CUDA_VERSION", "13000")
            .env("CARGO_TARGET_DIR", target().join("cuda-check")),
    )
}
