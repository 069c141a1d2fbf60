//! Tables that turn one random word into one Poisson-distributed byte.
//!
//! Invariant: for each of the 256 input values the probabilities of the output
//! bytes are those of the clipped, truncated Poisson count, to 2^-24.

/// Walker's alias tables (Walker 1977; Vose 1991), one per input value.
pub(crate) struct ShotTable {
    bits: u32,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Default)]
struct Entry {
    /// Below it the bucket's own byte, else the other one's; 32-bit fixed point.
    threshold: u32,
    own: u8,
    other: u8,
}

impl ShotTable {
    pub(crate) fn new(photons: f64) -> Self {
        let outcome = |count: usize| crate::unit::to_u8(count as f64 / photons);
        let last = photons.ceil() as usize;
        // The bytes that can come out, each once, in order.
        let mut bytes: Vec<u8> = (0..=last).map(outcome).collect();
        bytes.dedup();
        let size = bytes.len().next_power_of_two();
        let bits = size.trailing_zeros();
        let mut entries = Vec::with_capacity(256 * size);
        for x in 0..=255u8 {
            let mean = f64::from(x) / 255.0 * photons;
            let mut probabilities = vec![0.0; size];
            let mut ln_p = -mean;
            let mut rest = 1.0;
            for count in 0..last {
                let p = ln_p.exp();
                let place = bytes.partition_point(|b| *b < outcome(count));
                probabilities[place] += p;
                rest -= p;
                // p(k+1) = p(k) mean / (k+1); minus infinity for a mean of 0.
                ln_p += mean.ln() - ((count + 1) as f64).ln();
            }
            probabilities[bytes.len() - 1] += rest.max(0.0);
            entries.extend(alias(&probabilities, &bytes));
        }
        Self { bits, entries }
    }

    #[inline(always)]
    pub(crate) fn draw(&self, x: u8, word: u32) -> u8 {
        // The high bits choose the bucket, the low ones the side.
        let bucket = (u64::from(word) << self.bits >> 32) as usize;
        let entry = self.entries[(usize::from(x) << self.bits) | bucket];
        if (word << self.bits) < entry.threshold {
            entry.own
        } else {
            entry.other
        }
    }
}

fn alias(probabilities: &[f64], bytes: &[u8]) -> Vec<Entry> {
    let size = probabilities.len();
    let byte = |i: usize| bytes.get(i).copied().unwrap_or(0);
    let mut left: Vec<f64> = probabilities.iter().map(|p| p * size as f64).collect();
    let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..size).partition(|i| left[*i] < 1.0);
    let mut entries: Vec<Entry> = (0..size)
        .map(|i| Entry {
            threshold: u32::MAX,
            own: byte(i),
            other: byte(i),
        })
        .collect();
    while let (Some(&low), Some(&high)) = (small.last(), large.last()) {
        small.pop();
        entries[low].threshold = (left[low] * 4_294_967_296.0) as u32;
        entries[low].other = byte(high);
        left[high] -= 1.0 - left[low];
        if left[high] < 1.0 {
            large.pop();
            small.push(high);
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_those_of_the_poisson_distribution() {
        for photons in [3.0, 12.0, 60.0, 250.0, 500.0] {
            let table = ShotTable::new(photons);
            for x in [0u8, 1, 77, 128, 255] {
                // The exact probabilities that the entries imply.
                let mut actual = [0f64; 256];
                let size = 1usize << table.bits;
                for bucket in 0..size {
                    let entry = table.entries[usize::from(x) * size + bucket];
                    let own = f64::from(entry.threshold) / 4_294_967_296.0;
                    actual[usize::from(entry.own)] += own / size as f64;
                    actual[usize::from(entry.other)] += (1.0 - own) / size as f64;
                }
                let mean = f64::from(x) / 255.0 * photons;
                let mut expected = [0f64; 256];
                let mut p = (-mean).exp();
                for count in 0..3000 {
                    expected[usize::from(crate::unit::to_u8(count as f64 / photons))] += p;
                    p *= mean / (count + 1) as f64;
                }
                // 32-bit thresholds, f64 sums of up to 500 terms.
                striate_testkit::assert_close(&actual, &expected, 1e-9, 1e-6);
            }
        }
    }
}
