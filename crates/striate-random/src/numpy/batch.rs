//! Many random numbers in one call, as loops that the compiler vectorises.
//!
//! Invariant: values and consumption are those of the same calls one by one.

use super::LegacyRng;
use super::mt19937::N;

/// Pairs of normals made at a time.
const PAIRS: usize = 128;

/// The uniforms of [`LegacyRng::random_sample`], made a block at a time.
///
/// Those that are made and not taken count as not drawn.
pub(super) struct Samples<'a> {
    rng: &'a mut LegacyRng,
    values: [f64; N / 2],
    taken: usize,
    made: usize,
    /// The one value at hand was drawn already.
    drawn: bool,
}

impl<'a> Samples<'a> {
    pub(super) fn new(rng: &'a mut LegacyRng) -> Self {
        Self {
            rng,
            values: [0.0; N / 2],
            taken: 0,
            made: 0,
            drawn: false,
        }
    }

    #[inline(always)]
    pub(super) fn next(&mut self) -> f64 {
        if self.taken == self.made {
            self.make();
        }
        let value = self.values[self.taken];
        self.taken += 1;
        value
    }

    /// Leaves the generator behind the last value taken.
    fn settle(&mut self) {
        if !self.drawn {
            self.rng.advance(2 * self.taken);
        }
        (self.taken, self.made, self.drawn) = (0, 0, false);
    }

    #[inline(never)]
    fn make(&mut self) {
        self.settle();
        let mut words = [0; N];
        self.made = self.rng.peek(&mut words) / 2;
        if self.made == 0 {
            // The two words lie on both sides of a change of state.
            self.values[0] = self.rng.random_sample();
            (self.made, self.drawn) = (1, true);
            return;
        }
        let values = &mut self.values[..self.made];
        for (value, pair) in values.iter_mut().zip(words.chunks_exact(2)) {
            // Below 2^27, so signed, for which there is an instruction.
            let high = f64::from((pair[0] >> 5) as i32);
            let low = f64::from((pair[1] >> 6) as i32);
            *value = (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0;
        }
    }

    /// At most `PAIRS` pairs by the polar method.
    fn fill_normals(&mut self, out: &mut [[f64; 2]]) {
        let (mut x1, mut x2, mut r2) = ([0.0; PAIRS], [0.0; PAIRS], [1.0; PAIRS]);
        let mut accepted = 0;
        while accepted < out.len() {
            let a = 2.0 * self.next() - 1.0;
            let b = 2.0 * self.next() - 1.0;
            let r = a * a + b * b;
            // Overwritten by the next one if it is not accepted.
            (x1[accepted], x2[accepted], r2[accepted]) = (a, b, r);
            accepted += usize::from(r < 1.0 && r != 0.0);
        }
        let mut logs = [0.0f64; PAIRS];
        for (log, r) in logs.iter_mut().zip(&r2[..out.len()]) {
            *log = r.ln();
        }
        let proposals = x1.iter().zip(&x2).zip(r2.iter().zip(&logs));
        for (pair, ((x1, x2), (r, log))) in out.iter_mut().zip(proposals) {
            let factor = (-2.0 * log / r).sqrt();
            *pair = [factor * x2, factor * x1];
        }
    }
}

impl Drop for Samples<'_> {
    fn drop(&mut self) {
        self.settle();
    }
}

impl LegacyRng {
    /// `numpy.random.uniform(low, high, size=out.len())`.
    pub fn fill_uniform(&mut self, low: f64, high: f64, out: &mut [f64]) {
        let range = high - low;
        let mut samples = Samples::new(self);
        for value in out {
            *value = low + range * samples.next();
        }
    }

    /// `numpy.random.normal(mean, deviation, size=out.len())`.
    pub fn fill_normal(&mut self, mean: f64, deviation: f64, out: &mut [f64]) {
        let kept = usize::from(self.kept_normal.is_some()).min(out.len());
        let (first, rest) = out.split_at_mut(kept);
        for value in first {
            *value = self.standard_normal();
        }
        let (pairs, last) = rest.as_chunks_mut::<2>();
        let mut samples = Samples::new(self);
        for block in pairs.chunks_mut(PAIRS) {
            samples.fill_normals(block);
        }
        drop(samples);
        for value in last {
            *value = self.standard_normal();
        }
        for value in out {
            *value = mean + deviation * *value;
        }
    }

    /// As [`LegacyRng::interval`], one value after the other.
    pub fn fill_interval(&mut self, max: u32, out: &mut [u32]) {
        if max == 0 {
            out.fill(0);
            return;
        }
        let mask = u32::MAX >> max.leading_zeros();
        let mut words = [0; N];
        let mut filled = 0;
        while filled < out.len() {
            // No more than are needed if none is rejected.
            let most = N.min(out.len() - filled);
            let count = self.peek(&mut words[..most]);
            let mut drawn = 0;
            while drawn < count {
                let value = words[drawn] & mask;
                out[filled] = value;
                filled += usize::from(value <= max);
                drawn += 1;
            }
            self.advance(drawn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numpy::PoissonSet;

    #[test]
    fn many_at_once_are_the_same_as_one_by_one() {
        let means = [0.0, 0.3, 4.9, 10.0, 37.3, 250.0];
        let set = PoissonSet::new(means);
        // Odd counts, so that samples straddle changes of state and normals are kept.
        for seed in 0..4 {
            let mut bulk = LegacyRng::new(seed);
            let mut single = LegacyRng::new(seed);
            for count in [1usize, 7, 312, 313, 1001, 0, 2] {
                let mut actual = vec![0.0; count];
                let check = |actual: &[f64], draw: &mut dyn FnMut(usize) -> f64| {
                    let expected: Vec<f64> = (0..actual.len()).map(draw).collect();
                    assert_eq!(actual, expected, "seed {seed}, {count} values");
                };
                bulk.fill_normal(0.5, 2.0, &mut actual);
                check(&actual, &mut |_| single.normal(0.5, 2.0));
                bulk.fill_uniform(-1.0, 3.0, &mut actual);
                check(&actual, &mut |_| single.uniform(-1.0, 3.0));
                let members: Vec<u8> = (0..count).map(|i| (i % means.len()) as u8).collect();
                bulk.fill_poisson(&set, &members, &mut actual);
                check(&actual, &mut |i| single.poisson(means[i % 6]) as f64);
                for max in [0, 3, 5] {
                    let mut values = vec![0; count];
                    bulk.fill_interval(max, &mut values);
                    let expected: Vec<u32> = (0..count).map(|_| single.interval(max)).collect();
                    assert_eq!(values, expected, "seed {seed}, {count} values up to {max}");
                }
                assert_eq!(bulk.next_u32(), single.next_u32());
            }
        }
    }
}
