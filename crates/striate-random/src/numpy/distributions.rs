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

    /// `numpy.random.uniform(low, high, size=out.len())`.
    pub fn fill_uniform(&mut self, low: f64, high: f64, out: &mut [f64]) {
        for value in out {
            *value = self.uniform(low, high);
        }
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

    /// `numpy.random.normal(mean, deviation, size=out.len())`.
    pub fn fill_normal(&mut self, mean: f64, deviation: f64, out: &mut [f64]) {
        for value in out {
            *value = self.normal(mean, deviation);
        }
    }

    /// `numpy.random.randint(low, high)` for a range below 2^32: uniform in
    /// `low..high`; `low` when the range is empty.
    pub fn randint(&mut self, low: i64, high: i64) -> i64 {
        if high <= low {
            return low;
        }
        low + i64::from(self.interval((high - 1 - low) as u32))
    }

    /// `numpy.random.poisson(mean)` for a mean of at least 0.
    pub fn poisson(&mut self, mean: f64) -> i64 {
        if mean >= 10.0 {
            self.poisson_rejection(mean)
        } else if mean > 0.0 {
            self.poisson_product(mean)
        } else {
            0
        }
    }

    /// Knuth's product of uniforms, NumPy's choice for means below 10.
    fn poisson_product(&mut self, mean: f64) -> i64 {
        let limit = (-mean).exp();
        let mut product = 1.0;
        let mut count = 0;
        loop {
            product *= self.random_sample();
            if product <= limit {
                return count;
            }
            count += 1;
        }
    }

    /// Transformed rejection (PTRS, Hörmann 1993), NumPy's choice from 10 on.
    fn poisson_rejection(&mut self, mean: f64) -> i64 {
        let log_mean = mean.ln();
        let b = 0.931 + 2.53 * mean.sqrt();
        let a = -0.059 + 0.02483 * b;
        let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        let v_r = 0.9277 - 3.6224 / (b - 2.0);
        loop {
            let u = self.random_sample() - 0.5;
            let v = self.random_sample();
            let us = 0.5 - u.abs();
            let k = ((2.0 * a / us + b) * u + mean + 0.43).floor();
            if us >= 0.07 && v <= v_r {
                return k as i64;
            }
            if k < 0.0 || (us < 0.013 && v > us) {
                continue;
            }
            let left = v.ln() + inverse_alpha.ln() - (a / (us * us) + b).ln();
            if left <= -mean + k * log_mean - ln_gamma(k + 1.0) {
                return k as i64;
            }
        }
    }
}

/// ln(gamma(x)) for a positive integer x, by the series that NumPy uses
/// (Zhang and Jin, Computation of Special Functions, 1996).
fn ln_gamma(x: f64) -> f64 {
    const SERIES: [f64; 10] = [
        8.333333333333333e-02,
        -2.777777777777778e-03,
        7.936507936507937e-04,
        -5.952380952380952e-04,
        8.417508417508418e-04,
        -1.917526917526918e-03,
        6.41025641025641e-03,
        -2.955065359477124e-02,
        1.796443723688307e-01,
        -1.39243221690590e+00,
    ];
    const LN_2_PI: f64 = 1.8378770664093453e+00;
    if x == 1.0 || x == 2.0 {
        return 0.0;
    }
    let steps = if x < 7.0 { (7.0 - x) as i64 } else { 0 };
    let mut x0 = x + steps as f64;
    let x2 = (1.0 / x0) * (1.0 / x0);
    let mut sum = SERIES[9];
    for coefficient in SERIES[..9].iter().rev() {
        sum = sum * x2 + coefficient;
    }
    let mut result = sum / x0 + 0.5 * LN_2_PI + (x0 - 0.5) * x0.ln() - x0;
    for _ in 0..steps {
        result -= (x0 - 1.0).ln();
        x0 -= 1.0;
    }
    result
}

#[cfg(test)]
mod tests;
