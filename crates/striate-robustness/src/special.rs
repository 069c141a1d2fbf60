//! Distribution functions behind p-values and intervals. Invariant: relative
//! accuracy of about 1e-13 in the ranges that statistics need.

/// ln Gamma(x) for x > 0 (Lanczos 1964, g = 7, nine terms).
pub fn ln_gamma(x: f64) -> f64 {
    const G: f64 = 7.0;
    const TERMS: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        // Reflection.
        let pi = std::f64::consts::PI;
        return (pi / (pi * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let series = TERMS[1..]
        .iter()
        .enumerate()
        .fold(TERMS[0], |sum, (i, term)| sum + term / (x + i as f64 + 1.0));
    let t = x + G + 0.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + series.ln()
}

/// The regularised incomplete beta function I_x(a, b), for a, b > 0 and x in
/// `[0, 1]`, by its continued fraction (Lentz's method).
pub fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x.is_nan() || x <= 0.0 {
        return if x.is_nan() { x } else { 0.0 };
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp();
    // The fraction converges fast on this side only.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(a, b, x) / a
    } else {
        1.0 - front * beta_fraction(b, a, 1.0 - x) / b
    }
}

fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let floor = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / floor(1.0 - (a + b) * x / (a + 1.0));
    let mut result = d;
    for m in 1..10_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for step in [even, odd] {
            d = 1.0 / floor(1.0 + step * d);
            c = floor(1.0 + step / c);
            change = d * c;
            result *= change;
        }
        if (change - 1.0_f64).abs() < 1e-16 {
            break;
        }
    }
    result
}

/// P(T > t) for Student's t with `df` degrees of freedom.
pub fn t_survival(t: f64, df: f64) -> f64 {
    let tail = 0.5 * incomplete_beta(df / 2.0, 0.5, df / (df + t * t));
    if t >= 0.0 { tail } else { 1.0 - tail }
}

/// P(|T| > |t|), the two-sided p-value of a t statistic.
pub fn t_two_sided(t: f64, df: f64) -> f64 {
    incomplete_beta(df / 2.0, 0.5, df / (df + t * t))
}

/// The quantile of Student's t, by bisection.
pub fn t_quantile(probability: f64, df: f64) -> f64 {
    bisect(|t| 1.0 - t_survival(t, df), probability)
}

/// P(F > f) for Fisher's F with `numerator` and `denominator` degrees of freedom.
pub fn f_survival(f: f64, numerator: f64, denominator: f64) -> f64 {
    incomplete_beta(
        denominator / 2.0,
        numerator / 2.0,
        denominator / (denominator + numerator * f),
    )
}

/// P(Z < z) for the standard normal.
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * erfc(-z / std::f64::consts::SQRT_2)
}

/// P(|Z| > |z|).
pub fn normal_two_sided(z: f64) -> f64 {
    erfc(z.abs() / std::f64::consts::SQRT_2)
}

/// The quantile of the standard normal, by bisection.
pub fn normal_quantile(probability: f64) -> f64 {
    bisect(normal_cdf, probability)
}

/// The complementary error function.
pub fn erfc(x: f64) -> f64 {
    if x < 0.0 {
        return 2.0 - erfc(-x);
    }
    let root_pi = std::f64::consts::PI.sqrt();
    if x < 2.0 {
        // erf by its series with positive terms only.
        let (mut term, mut sum) = (x, x);
        let mut n = 0.0;
        while term > sum * 1e-17 {
            n += 1.0;
            term *= 2.0 * x * x / (2.0 * n + 1.0);
            sum += term;
        }
        return 1.0 - 2.0 / root_pi * (-x * x).exp() * sum;
    }
    // Continued fraction, evaluated from a depth that is ample for x >= 2.
    let mut fraction = 0.0;
    for k in (1..=200).rev() {
        fraction = f64::from(k) / 2.0 / (x + fraction);
    }
    (-x * x).exp() / root_pi / (x + fraction)
}

/// The argument at which a monotone distribution function reaches `probability`.
fn bisect(cdf: impl Fn(f64) -> f64, probability: f64) -> f64 {
    if probability.is_nan() || !(0.0..=1.0).contains(&probability) {
        return f64::NAN;
    }
    if probability == 0.0 {
        return f64::NEG_INFINITY;
    }
    if probability == 1.0 {
        return f64::INFINITY;
    }
    let (mut low, mut high) = (-1.0, 1.0);
    while cdf(low) > probability {
        low *= 2.0;
    }
    while cdf(high) < probability {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if cdf(middle) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests;
