//! `numpy.random.RandomState`: MT19937 with NumPy's legacy distributions.
//!
//! Invariant: after the same seed, the same sequence of calls gives the same
//! numbers as NumPy, to the last bit.

/// Words of the state.
pub(super) const N: usize = 624;
const M: usize = 397;

/// NumPy's legacy generator, as after `numpy.random.seed(seed)`.
#[derive(Clone)]
pub struct LegacyRng {
    key: [u32; N],
    position: usize,
    /// The second value of the last Gaussian pair.
    pub(super) kept_normal: Option<f64>,
}

impl LegacyRng {
    /// Seeds as `numpy.random.seed(seed)` does for an integer.
    pub fn new(seed: u32) -> Self {
        let mut key = [0u32; N];
        key[0] = seed;
        for i in 1..N {
            let previous = key[i - 1];
            key[i] = 1_812_433_253u32
                .wrapping_mul(previous ^ (previous >> 30))
                .wrapping_add(i as u32);
        }
        Self {
            key,
            position: N,
            kept_normal: None,
        }
    }

    /// The next 32 bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.position == N {
            self.refill();
        }
        let word = self.key[self.position];
        self.position += 1;
        tempered(word)
    }

    /// Writes the next words to the start of `out`, as many as it holds or as
    /// come before the next change of state, and says how many (at least one);
    /// none counts as drawn.
    pub(super) fn peek(&mut self, out: &mut [u32]) -> usize {
        if self.position == N {
            self.refill();
        }
        let left = &self.key[self.position..];
        for (o, word) in out.iter_mut().zip(left) {
            *o = tempered(*word);
        }
        left.len().min(out.len())
    }

    /// Counts as drawn `count` of the words that [`Self::peek`] gave.
    pub(super) fn advance(&mut self, count: usize) {
        self.position += count;
    }

    fn refill(&mut self) {
        fn twisted(upper: u32, lower: u32, far: u32) -> u32 {
            let y = (upper & 0x8000_0000) | (lower & 0x7fff_ffff);
            far ^ (y >> 1) ^ ((y & 1).wrapping_neg() & 0x9908_b0df)
        }
        let key = &mut self.key;
        for i in 0..N - M {
            key[i] = twisted(key[i], key[i + 1], key[i + M]);
        }
        for i in N - M..N - 1 {
            key[i] = twisted(key[i], key[i + 1], key[i + M - N]);
        }
        key[N - 1] = twisted(key[N - 1], key[0], key[M - 1]);
        self.position = 0;
    }

    /// Uniform in `0..=max`, by masked rejection (NumPy's legacy `randint` and shuffle).
    pub fn interval(&mut self, max: u32) -> u32 {
        if max == 0 {
            return 0;
        }
        let mask = u32::MAX >> max.leading_zeros();
        loop {
            let value = self.next_u32() & mask;
            if value <= max {
                return value;
            }
        }
    }

    /// Shuffles as `numpy.random.shuffle` does a list or a one-dimensional array.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.interval(i as u32) as usize;
            items.swap(i, j);
        }
    }
}

#[inline(always)]
fn tempered(mut y: u32) -> u32 {
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    y ^ (y >> 18)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check values of reference/training.md 1.5, made with NumPy 2.4.6.
    #[test]
    fn splits_equal_numpy() {
        let mut list: Vec<u32> = (0..100_000).collect();
        LegacyRng::new(1000).shuffle(&mut list);
        assert_eq!(
            list[..8],
            [81768, 72785, 16208, 39960, 61947, 98465, 11119, 42004]
        );
        assert_eq!(
            list[10_000..10_008],
            [70178, 97174, 84235, 25758, 7942, 72619, 90485, 85411]
        );
        assert_eq!(list[99_996..], [18782, 3776, 71751, 70231]);
        let mut ids: Vec<u32> = (1..=24_075).collect();
        LegacyRng::new(1000).shuffle(&mut ids);
        assert_eq!(ids[..6], [22650, 648, 186, 22830, 4847, 1586]);
        assert_eq!(ids[19_260..19_264], [19569, 525, 3834, 19192]);
    }
}
