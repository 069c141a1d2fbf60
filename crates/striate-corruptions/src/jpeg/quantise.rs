//! The standard quantisation tables, scaled by quality.
//!
//! Invariant: a coefficient is divided by its step and rounded half away from
//! zero, as in libjpeg.

use super::dct::{LANES, Strip};

/// Tables K.1 and K.2 of ITU-T T.81, row by row.
const LUMA: [i32; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113,
    92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];

/// All other chroma steps are 99.
const CHROMA_CORNER: [[i32; 4]; 4] = [
    [17, 18, 24, 47],
    [18, 21, 26, 66],
    [24, 26, 56, 99],
    [47, 66, 99, 99],
];

/// Both tables at one quality.
pub(super) struct Tables {
    pub(super) luma: Steps,
    pub(super) chroma: Steps,
}

impl Tables {
    pub(super) fn new(quality: u8) -> Self {
        let quality = i32::from(quality).clamp(1, 100);
        let percent = if quality < 50 {
            5000 / quality
        } else {
            200 - 2 * quality
        };
        let scaled = |base: i32| ((base * percent + 50) / 100).clamp(1, 255);
        Self {
            luma: Steps::new(|y, x| scaled(LUMA[y * 8 + x])),
            chroma: Steps::new(|y, x| {
                scaled(if y < 4 && x < 4 {
                    CHROMA_CORNER[y][x]
                } else {
                    99
                })
            }),
        }
    }
}

/// The steps of one table, once for each block of a strip.
pub(super) struct Steps {
    step: Strip,
    /// 1 / (8 step), for a division by multiplication.
    inverse: [[f32; LANES]; 8],
}

impl Steps {
    fn new(step: impl Fn(usize, usize) -> i32) -> Self {
        let block: [[i32; 8]; 8] = std::array::from_fn(|y| std::array::from_fn(|x| step(y, x)));
        let inverse = block.map(|row| row.map(|s| 1.0 / (8 * s) as f32));
        Self {
            step: std::array::from_fn(|y| std::array::from_fn(|x| block[y][x % 8])),
            inverse: std::array::from_fn(|y| std::array::from_fn(|x| inverse[y][x % 8])),
        }
    }

    /// Quantises and dequantises coefficients that are scaled by 8.
    #[inline(always)]
    pub(super) fn apply(&self, strip: &mut Strip) {
        // Above 2^23 an f32 has no fraction: adding that rounds to the nearest.
        const WHOLE: f32 = 8_388_608.0;
        for ((row, steps), inverses) in strip.iter_mut().zip(&self.step).zip(&self.inverse) {
            for ((value, step), inverse) in row.iter_mut().zip(steps).zip(inverses) {
                // Numerator below 2^15, so f32 is off by less than half of
                // 1/divisor, and the half added keeps the quotient on its side.
                let magnitude = (value.abs() + 4 * step) as f32 + 0.5;
                // Rounded down: to the nearest of half less.
                let rounded = (magnitude * inverse - 0.5) + WHOLE;
                let quotient = (rounded.to_bits() & 0x007f_ffff) as i32;
                let sign = *value >> 31;
                *value = ((quotient * step) ^ sign) - sign;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_by_multiplication_is_exact() {
        for s in 1..=255 {
            let steps = Steps::new(|_, _| s);
            for start in (-20_000..20_000).step_by(8 * LANES) {
                let mut strip: Strip = std::array::from_fn(|y| {
                    std::array::from_fn(|x| start + (y * LANES + x) as i32)
                });
                let expected =
                    strip.map(|row| row.map(|v: i32| (v.abs() + 4 * s) / (8 * s) * s * v.signum()));
                steps.apply(&mut strip);
                assert_eq!(strip, expected, "step {s}");
            }
        }
    }
}
