//! `numpy.random.default_rng(seed)`: PCG64 seeded through `SeedSequence`.
//!
//! Invariant: the stream of 64-bit words equals NumPy's for the same seed.

/// NumPy's default bit generator: the 128-bit linear congruential generator
/// PCG XSL RR 128/64 (O'Neill 2014).
#[derive(Clone, Debug)]
pub struct Pcg64 {
    state: u128,
    increment: u128,
}

const MULTIPLIER: u128 = 0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645;

impl Pcg64 {
    /// Seeds as `numpy.random.default_rng(seed)` does.
    pub fn new(seed: u64) -> Self {
        let words = seed_sequence(seed);
        let start = (u128::from(words[0]) << 64) | u128::from(words[1]);
        let sequence = (u128::from(words[2]) << 64) | u128::from(words[3]);
        let mut rng = Self {
            state: 0,
            increment: (sequence << 1) | 1,
        };
        rng.step();
        rng.state = rng.state.wrapping_add(start);
        rng.step();
        rng
    }

    fn step(&mut self) {
        self.state = self
            .state
            .wrapping_mul(MULTIPLIER)
            .wrapping_add(self.increment);
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.step();
        let folded = (self.state >> 64) as u64 ^ self.state as u64;
        folded.rotate_right((self.state >> 122) as u32)
    }

    /// `Generator.random()`: uniform in `[0, 1)` with 53 bits.
    pub fn random(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// The stream `words` 64-bit words further on.
    ///
    /// Follows Brown (1994), in a number of steps that grows with the
    /// logarithm of the distance.
    pub fn advance(&mut self, words: u128) {
        let (mut multiplier, mut increment) = (MULTIPLIER, self.increment);
        let (mut total_multiplier, mut total_increment) = (1u128, 0u128);
        let mut left = words;
        while left > 0 {
            if left & 1 == 1 {
                total_multiplier = total_multiplier.wrapping_mul(multiplier);
                total_increment = total_increment
                    .wrapping_mul(multiplier)
                    .wrapping_add(increment);
            }
            increment = multiplier.wrapping_add(1).wrapping_mul(increment);
            multiplier = multiplier.wrapping_mul(multiplier);
            left >>= 1;
        }
        self.state = total_multiplier
            .wrapping_mul(self.state)
            .wrapping_add(total_increment);
    }
}

/// `SeedSequence(seed).generate_state(4, uint64)` with the default pool of four
/// 32-bit words.
fn seed_sequence(seed: u64) -> [u64; 4] {
    // NumPy drops the high word of a seed that fits one word; a missing word
    // is hashed as zero, so both give the same pool.
    let entropy = [seed as u32, (seed >> 32) as u32, 0, 0];
    let mut constant = 0x43b0_d7e5u32;
    let mut hash = |mut value: u32| {
        value ^= constant;
        constant = constant.wrapping_mul(0x931e_8875);
        value = value.wrapping_mul(constant);
        value ^ (value >> 16)
    };
    let mix = |x: u32, y: u32| {
        let value = x
            .wrapping_mul(0xca01_f9dd)
            .wrapping_sub(y.wrapping_mul(0x4973_f715));
        value ^ (value >> 16)
    };
    let mut pool = entropy.map(&mut hash);
    for from in 0..4 {
        for to in 0..4 {
            if from != to {
                pool[to] = mix(pool[to], hash(pool[from]));
            }
        }
    }
    let mut constant = 0x8b51_f9ddu32;
    let mut words = [0u64; 4];
    for i in 0..8 {
        let mut value = pool[i % 4] ^ constant;
        constant = constant.wrapping_mul(0x58f3_8ded);
        value = value.wrapping_mul(constant);
        value ^= value >> 16;
        words[i / 2] |= u64::from(value) << (32 * (i % 2));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advancing_skips_words() {
        let mut stepped = Pcg64::new(9);
        let mut advanced = stepped.clone();
        for _ in 0..1000 {
            stepped.next_u64();
        }
        advanced.advance(1000);
        assert_eq!(stepped.next_u64(), advanced.next_u64());
    }
}
