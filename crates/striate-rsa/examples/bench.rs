//! Times the matrix, the comparisons and the bootstrap, one JSON line each.
//!
//! `cargo run --release -p striate-rsa --example bench -- IMAGES FEATURES REPLICATES`
//! (default 1000 4096 1000); the peer is `bench_rsatoolbox.py` beside this file,
//! which takes the same arguments and prints the same lines.

use std::process::ExitCode;
use std::time::Instant;

use striate_random::Seed;
use striate_rsa::{Candidate, Comparator, Dissimilarity, Error, Features, Inference, Rdm, compare};

fn main() -> ExitCode {
    let mut numbers = [1000, 4096, 1000];
    for (slot, text) in numbers.iter_mut().zip(std::env::args().skip(1)) {
        match text.parse() {
            Ok(number) => *slot = number,
            Err(_) => {
                eprintln!("expected IMAGES FEATURES REPLICATES, found `{text}`");
                return ExitCode::from(2);
            }
        }
    }
    match run(numbers) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run([images, width, replicates]: [usize; 3]) -> Result<(), Error> {
    let features = |seed: u64| -> Vec<f32> {
        let shared = Seed::new(0);
        let own = Seed::new(seed);
        (0..images)
            .flat_map(|image| {
                let mut a = shared.index(image as u64).stream();
                let mut b = own.index(image as u64).stream();
                (0..width).map(move |_| (a.normal() + b.normal()) as f32)
            })
            .collect()
    };
    let (first, second) = (features(1), features(2));
    let first = Features::new(&first, images, width)?;
    let second = Features::new(&second, images, width)?;
    for dissimilarity in [Dissimilarity::Correlation, Dissimilarity::SquaredEuclidean] {
        let start = Start::now();
        Rdm::from_features(&first, dissimilarity)?;
        line("matrix", dissimilarity.name(), 1, start);
    }
    let a = Rdm::from_features(&first, Dissimilarity::Correlation)?;
    let b = Rdm::from_features(&second, Dissimilarity::Correlation)?;
    let comparators = Comparator::ALL
        .into_iter()
        .filter(|c| *c != Comparator::Arctanh);
    for comparator in comparators.clone() {
        let start = Start::now();
        let value = compare(&a, &b, comparator)?;
        line("compare", comparator.name(), 1, start);
        std::hint::black_box(value);
    }
    let model = Candidate {
        name: "model".to_owned(),
        rdms: vec![a],
    };
    for comparator in comparators {
        let inference = Inference {
            comparator,
            replicates,
            ceiling: false,
            ..Inference::default()
        };
        let start = Start::now();
        inference.evaluate(std::slice::from_ref(&model), std::slice::from_ref(&b))?;
        line("bootstrap", comparator.name(), replicates, start);
    }
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        if let Some(kib) = peak.and_then(|p| p.split_whitespace().next()) {
            println!("{{\"step\":\"peak memory\",\"kib\":{kib}}}");
        }
    }
    Ok(())
}

/// Wall and processor time when a step began.
struct Start {
    wall: Instant,
    cpu: Option<f64>,
}

impl Start {
    fn now() -> Self {
        Self {
            wall: Instant::now(),
            cpu: cpu_seconds(),
        }
    }
}

/// Processor time of all threads so far, where the system tells it. On a machine
/// with other work this is what can be compared.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // After the name in brackets: utime and stime are fields 14 and 15 of all,
    // in ticks of 10 ms.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / 100.0)
}

fn line(step: &str, what: &str, count: usize, start: Start) {
    let seconds = start.wall.elapsed().as_secs_f64();
    let cpu = match (start.cpu, cpu_seconds()) {
        (Some(before), Some(after)) => format!("{:.2}", after - before),
        _ => "null".to_owned(),
    };
    println!(
        "{{\"step\":\"{step}\",\"what\":\"{what}\",\"count\":{count},\"seconds\":{seconds:.6},\"cpu_seconds\":{cpu}}}"
    );
}
