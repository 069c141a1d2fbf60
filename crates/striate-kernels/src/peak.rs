//! The speed that one thread could reach at most, to see other speeds beside it.

use std::time::Instant;

use crate::cpu::Isa;
use crate::simd::{Simd, Task, dispatch};

/// Multiply-adds of one thread that wait for nothing, in GFLOP/s (a
/// multiplication and an addition count as two): the best of 20 runs of about a
/// millisecond with the current instruction set.
pub fn fma_peak() -> f64 {
    let isa = Isa::current();
    let mut best = 0.0f64;
    for _ in 0..20 {
        let start = Instant::now();
        let flop = dispatch(isa, Chains(200_000));
        best = best.max(flop / start.elapsed().as_secs_f64() / 1e9);
    }
    best
}

/// Independent sums: enough to hide the latency of one another.
const CHAINS: usize = 12;

struct Chains(usize);

impl Task for Chains {
    type Output = f64;

    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> f64 {
        let steps = self.0;
        // SAFETY: below `dispatch`.
        unsafe {
            let factor = S::splat(std::hint::black_box(0.5));
            let mut sums = [S::splat(1.0); CHAINS];
            for _ in 0..steps {
                for sum in &mut sums {
                    *sum = S::fma(*sum, factor, factor);
                }
            }
            let mut buffer = [0.0; crate::simd::PANEL];
            for sum in sums {
                S::store(buffer.as_mut_ptr(), sum);
                std::hint::black_box(&buffer);
            }
        }
        2.0 * (steps * CHAINS * S::LANES) as f64
    }
}
