//! What this machine can do, measured, so that estimates mean something here.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use striate_kernels::GemmShape;

/// The machine that a run uses.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// Threads used for computing.
    pub threads: usize,
    /// The processor, in its own words.
    pub processor: String,
    /// Measured speed of all threads together in 1e9 operations a second.
    pub gflops: f64,
}

/// What a step is expected to cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Floating-point operations that run at the speed of the convolution kernels.
    pub operations: f64,
    /// Seconds of other work, on this many threads.
    pub seconds: f64,
    /// Peak memory in bytes, beyond the program's own.
    pub memory_bytes: u64,
    /// Bytes of its results on disk.
    pub disk_bytes: u64,
}

impl Estimate {
    /// The expected wall time in seconds.
    pub fn wall_seconds(&self, machine: &Machine) -> f64 {
        // Narrow layers reach about a quarter of what the probe reaches.
        const EFFICIENCY: f64 = 0.25;
        self.operations / (machine.gflops * 1e9 * EFFICIENCY) + self.seconds
    }
}

impl Machine {
    /// Looks at this machine, and measures it for about a tenth of a second.
    pub fn probe() -> Self {
        Self {
            threads: rayon::current_num_threads(),
            processor: processor(),
            gflops: probe_gflops(),
        }
    }
}

fn processor() -> String {
    std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|l| l.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        })
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// Operations of matrix products large enough to be bound by arithmetic.
fn probe_gflops() -> f64 {
    const N: usize = 512;
    let a = vec![0.5f32; N * N];
    let b = vec![0.25f32; N * N];
    let mut c = vec![0f32; N * N];
    let shape = GemmShape {
        rows: N,
        depth: N,
        columns: N,
    };
    let mut best = f64::INFINITY;
    let start = Instant::now();
    while start.elapsed().as_millis() < 100 {
        let t = Instant::now();
        if striate_kernels::gemm_nn(shape, &a, &b, None, &mut c).is_err() {
            break;
        }
        best = best.min(t.elapsed().as_secs_f64());
    }
    std::hint::black_box(&c);
    2.0 * (N as f64).powi(3) / best / 1e9
}
