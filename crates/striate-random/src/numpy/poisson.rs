//! `numpy.random.poisson`, for one mean and for many values of a few means.
//!
//! Invariant: what depends on the mean alone is computed by NumPy's expressions,
//! once; the uniforms are consumed as NumPy consumes them.

use super::LegacyRng;
use super::batch::Samples;

/// A Poisson distribution, with what its draws need to know of the mean.
#[derive(Clone, Debug)]
pub struct Poisson(Method);

#[derive(Clone, Debug)]
enum Method {
    Zero,
    /// Knuth's product of uniforms, NumPy's choice for means below 10.
    Product {
        limit: f64,
    },
    /// Transformed rejection (PTRS, Hörmann 1993), NumPy's choice from 10 on.
    Rejection {
        mean: f64,
        log_mean: f64,
        a: f64,
        b: f64,
        log_inverse_alpha: f64,
        v_r: f64,
    },
}

impl Poisson {
    /// For a mean of at least 0.
    pub fn new(mean: f64) -> Self {
        Self(if mean >= 10.0 {
            let b = 0.931 + 2.53 * mean.sqrt();
            let inverse_alpha: f64 = 1.1239 + 1.1328 / (b - 3.4);
            Method::Rejection {
                mean,
                log_mean: mean.ln(),
                a: -0.059 + 0.02483 * b,
                b,
                log_inverse_alpha: inverse_alpha.ln(),
                v_r: 0.9277 - 3.6224 / (b - 2.0),
            }
        } else if mean > 0.0 {
            Method::Product {
                limit: (-mean).exp(),
            }
        } else {
            Method::Zero
        })
    }

    #[inline(always)]
    fn draw(&self, mut sample: impl FnMut() -> f64, ln_factorial: impl Fn(f64) -> f64) -> i64 {
        match self.0 {
            Method::Zero => 0,
            Method::Product { limit } => {
                let mut product = 1.0;
                let mut count = 0;
                loop {
                    product *= sample();
                    if product <= limit {
                        return count;
                    }
                    count += 1;
                }
            }
            Method::Rejection {
                mean,
                log_mean,
                a,
                b,
                log_inverse_alpha,
                v_r,
            } => loop {
                let u = sample() - 0.5;
                let v = sample();
                let us = 0.5 - u.abs();
                let k = floor((2.0 * a / us + b) * u + mean + 0.43);
                if us >= 0.07 && v <= v_r {
                    return k as i64;
                }
                if k < 0.0 || (us < 0.013 && v > us) {
                    continue;
                }
                let left = v.ln() + log_inverse_alpha - (a / (us * us) + b).ln();
                if left <= -mean + k * log_mean - ln_factorial(k) {
                    return k as i64;
                }
            },
        }
    }
}

/// As `f64::floor`, without the call that it is where there is no instruction for it.
#[inline(always)]
fn floor(x: f64) -> f64 {
    let whole = x as i64 as f64;
    if whole > x { whole - 1.0 } else { whole }
}

/// Poisson distributions with different means, to draw many values of.
#[derive(Clone, Debug)]
pub struct PoissonSet {
    members: Vec<Poisson>,
    ln_factorials: Vec<f64>,
}

impl PoissonSet {
    /// One distribution per mean.
    pub fn new(means: impl IntoIterator<Item = f64>) -> Self {
        let means: Vec<f64> = means.into_iter().collect();
        let highest = means.iter().copied().fold(0.0, f64::max).min(1e4);
        // Ten deviations: what lies beyond is computed when it comes.
        let most = (highest + 10.0 * highest.sqrt() + 10.0) as usize;
        Self {
            members: means.into_iter().map(Poisson::new).collect(),
            ln_factorials: (0..most).map(|k| ln_gamma(k as f64 + 1.0)).collect(),
        }
    }
}

impl LegacyRng {
    /// `numpy.random.poisson(mean)` for a mean of at least 0.
    pub fn poisson(&mut self, mean: f64) -> i64 {
        Poisson::new(mean).draw(|| self.random_sample(), |k| ln_gamma(k + 1.0))
    }

    /// `numpy.random.poisson(means)`, where value `i` has the distribution
    /// `set[members[i]]`; goes on for as long as both slices do.
    ///
    /// # Panics
    ///
    /// If the set has no such member.
    pub fn fill_poisson(&mut self, set: &PoissonSet, members: &[u8], out: &mut [f64]) {
        let mut samples = Samples::new(self);
        for (value, member) in out.iter_mut().zip(members) {
            let count = set.members[usize::from(*member)].draw(
                #[inline(always)]
                || samples.next(),
                #[inline(always)]
                |k| match set.ln_factorials.get(k as usize) {
                    Some(known) => *known,
                    None => ln_gamma(k + 1.0),
                },
            );
            *value = count as f64;
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
