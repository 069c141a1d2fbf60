//! One random stream and its distributions. Invariant: the same position of the
//! same seed gives the same draws on every machine.

use rand_chacha::ChaCha8Rng;
use rand_core::RngCore;

/// The random stream of one node of the seed tree.
#[derive(Clone, Debug)]
pub struct Stream {
    rng: ChaCha8Rng,
    /// The second half of the last Gaussian pair.
    spare_normal: Option<f64>,
}

/// Where a stream stands, so that a resumed run goes on bit for bit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// Words of 32 bits drawn so far.
    pub words: u128,
    /// The second half of the last Gaussian pair, if it is still to be given.
    pub spare_normal: Option<f64>,
}

impl Stream {
    pub(crate) fn new(rng: ChaCha8Rng) -> Self {
        Self {
            rng,
            spare_normal: None,
        }
    }

    /// Where the stream stands.
    pub fn position(&self) -> Position {
        Position {
            words: self.rng.get_word_pos(),
            spare_normal: self.spare_normal,
        }
    }

    /// Moves the stream to a position that [`Stream::position`] gave.
    pub fn set_position(&mut self, position: Position) {
        self.rng.set_word_pos(position.words);
        self.spare_normal = position.spare_normal;
    }

    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        self.rng.next_u32()
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// Fills `out` with random bits; the same words as `next_u32` gives one by one.
    pub fn fill_u32(&mut self, out: &mut [u32]) {
        let mut bytes = [0u8; 4096];
        for part in out.chunks_mut(bytes.len() / 4) {
            let bytes = &mut bytes[..part.len() * 4];
            self.rng.fill_bytes(bytes);
            for (word, b) in part.iter_mut().zip(bytes.chunks_exact(4)) {
                *word = u32::from_le_bytes([b[0], b[1], b[2], b[3]]);
            }
        }
    }

    /// Uniform in `[0, 1)`, with 53 random bits.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in `[0, 1)`, with 24 random bits.
    pub fn uniform_f32(&mut self) -> f32 {
        (self.next_u32() >> 8) as f32 * (1.0 / (1u32 << 24) as f32)
    }

    /// Uniform in `[low, high)`.
    pub fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// A uniform integer in `0..bound`; `0` when `bound` is `0`.
    ///
    /// Unbiased, by rejection (Lemire 2019).
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = bound as u64;
        if bound <= 1 {
            return 0;
        }
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(bound);
            if (product as u64) >= threshold {
                return (product >> 64) as usize;
            }
        }
    }

    /// `true` with the given probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Standard normal, by the polar method (Marsaglia 1964).
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare_normal.take() {
            return spare;
        }
        loop {
            let x = 2.0 * self.uniform() - 1.0;
            let y = 2.0 * self.uniform() - 1.0;
            let r2 = x * x + y * y;
            if r2 > 0.0 && r2 < 1.0 {
                let factor = (-2.0 * r2.ln() / r2).sqrt();
                self.spare_normal = Some(x * factor);
                return y * factor;
            }
        }
    }

    /// Poisson with mean `mean`; `0` for a mean that is not positive.
    ///
    /// Inversion by multiplication below 30, else the transformed rejection
    /// PTRS (Hörmann 1993).
    pub fn poisson(&mut self, mean: f64) -> u64 {
        if mean.is_nan() || mean <= 0.0 {
            return 0;
        }
        if mean < 30.0 {
            let limit = (-mean).exp();
            let mut product = self.uniform();
            let mut count = 0;
            while product > limit {
                product *= self.uniform();
                count += 1;
            }
            return count;
        }
        let b = 0.931 + 2.53 * mean.sqrt();
        let a = -0.059 + 0.02483 * b;
        let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        let v_r = 0.9277 - 3.6224 / (b - 2.0);
        loop {
            let u = self.uniform() - 0.5;
            let v = self.uniform();
            let us = 0.5 - u.abs();
            let k = ((2.0 * a / us + b) * u + mean + 0.43).floor();
            if us >= 0.07 && v <= v_r {
                return k as u64;
            }
            if k < 0.0 || (us < 0.013 && v > us) {
                continue;
            }
            let left = (v * inverse_alpha / (a / (us * us) + b)).ln();
            if left <= k * mean.ln() - mean - ln_factorial(k) {
                return k as u64;
            }
        }
    }

    /// Shuffles a slice (Fisher-Yates), all orders equally likely.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }

    /// A random order of `0..count`.
    pub fn permutation(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        self.shuffle(&mut order);
        order
    }
}

/// ln(k!) by Stirling's series, exact to 1e-10 for k >= 10.
fn ln_factorial(k: f64) -> f64 {
    if k < 10.0 {
        return (2..=k as u32).map(|i| f64::from(i).ln()).sum();
    }
    let n = k + 1.0;
    (n - 0.5) * n.ln() - n + 0.5 * (2.0 * std::f64::consts::PI).ln() + 1.0 / (12.0 * n)
        - 1.0 / (360.0 * n.powi(3))
        + 1.0 / (1260.0 * n.powi(5))
}

#[cfg(test)]
mod tests {
    use crate::Seed;

    fn moments(draw: impl Fn(&mut crate::Stream) -> f64, count: usize) -> (f64, f64) {
        let mut stream = Seed::new(3).child("moments").stream();
        let values: Vec<f64> = (0..count).map(|_| draw(&mut stream)).collect();
        let mean = values.iter().sum::<f64>() / count as f64;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count as f64;
        (mean, variance)
    }

    #[test]
    fn distributions_have_their_moments() {
        // Tolerances: five standard errors of the mean and of the variance.
        let n = 200_000;
        let se = 5.0 / (n as f64).sqrt();
        let (m, v) = moments(|s| s.normal(), n);
        assert!(m.abs() < se && (v - 1.0).abs() < se * 1.5, "normal {m} {v}");
        let (m, v) = moments(|s| s.uniform(), n);
        assert!(
            (m - 0.5).abs() < se && (v - 1.0 / 12.0).abs() < se,
            "uniform {m} {v}"
        );
        for mean in [0.3, 4.0, 29.0, 31.0, 250.0] {
            let (m, v) = moments(|s| s.poisson(mean) as f64, n);
            assert!(
                (m - mean).abs() < se * mean.sqrt(),
                "poisson {mean}: mean {m}"
            );
            assert!(
                (v - mean).abs() < se * 2.0 * (mean + mean.sqrt()),
                "poisson {mean}: variance {v}"
            );
        }
        let (m, _) = moments(|s| s.below(7) as f64, n);
        assert!((m - 3.0).abs() < se * 2.0, "below {m}");
    }

    #[test]
    fn words_in_bulk_are_the_words_one_by_one() {
        let mut bulk = vec![0; 3000];
        let mut stream = Seed::new(4).stream();
        stream.next_u32();
        stream.fill_u32(&mut bulk);
        let mut single = Seed::new(4).stream();
        single.next_u32();
        let expected: Vec<u32> = (0..3000).map(|_| single.next_u32()).collect();
        assert_eq!(bulk, expected);
        assert_eq!(stream.next_u64(), single.next_u64());
    }

    #[test]
    fn a_restored_stream_goes_on() {
        let mut stream = Seed::new(1).stream();
        for _ in 0..5 {
            stream.normal();
        }
        let position = stream.position();
        let expected = [stream.normal(), stream.uniform(), stream.normal()];
        let mut restored = Seed::new(1).stream();
        restored.set_position(position);
        assert_eq!(
            expected,
            [restored.normal(), restored.uniform(), restored.normal()]
        );
    }

    #[test]
    fn a_permutation_holds_each_index_once() {
        let mut order = Seed::new(2).stream().permutation(100);
        assert_ne!(order, (0..100).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
    }
}
