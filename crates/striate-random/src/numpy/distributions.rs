//! The legacy distributions of `numpy.random`.
//!
//! Invariant: each function consumes the generator exactly as NumPy's does,
//! rejected proposals included.

use super::LegacyRng;

impl LegacyRng {
    /// `numpy.random.random_sample()`: uniform in `[0, 1)` with 53 bits.
    pub fn random_sample(&mut self) -> f64 {
        let high = f64::from(self.next_u32() >> 5);
        let low = f64::from(self.next_u32() >> 6);
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
    }

    /// `numpy.random.uniform(low, high)`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        let range = high - low;
        low + range * self.random_sample()
    }

    /// `numpy.random.standard_normal()`: the polar method, which makes two
    /// values at a time and keeps the second for the next call.
    pub fn standard_normal(&mut self) -> f64 {
        if let Some(kept) = self.kept_normal.take() {
            return kept;
        }
        loop {
            let x1 = 2.0 * self.random_sample() - 1.0;
            let x2 = 2.0 * self.random_sample() - 1.0;
            let r2 = x1 * x1 + x2 * x2;
            if r2 < 1.0 && r2 != 0.0 {
                let factor = (-2.0 * r2.ln() / r2).sqrt();
                self.kept_normal = Some(factor * x1);
                return factor * x2;
            }
        }
    }

    /// `numpy.random.normal(mean, deviation)`.
    pub fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        mean + deviation * self.standard_normal()
    }

    /// `numpy.random.randint(low, high)` for a range below 2^32: uniform in
    /// `low..high`; `low` when the range is empty.
    pub fn randint(&mut self, low: i64, high: i64) -> i64 {
        if high <= low {
            return low;
        }
        low + i64::from(self.interval((high - 1 - low) as u32))
    }
}

#[cfg(test)]
mod tests;
