//! Bytes as numbers from 0 to 1, and back.
//!
//! Invariant: to the last bit what a division and a cast give, in operations
//! for which there are vector instructions.

/// `x / 255`.
#[inline(always)]
pub(crate) fn unit(x: u8) -> f64 {
    // 1/255 in two parts. The first has so few bits that its product is exact.
    const HEAD: f64 = 0.0039215686274509665;
    const TAIL: f64 = 1.3932210505100003e-17;
    let x = f64::from(x);
    x * HEAD + x * TAIL
}

/// The whole part of a number from 0 on, modulo 256.
#[inline(always)]
pub(crate) fn whole(value: f64) -> u8 {
    // From 2^52 on an f64 has no fraction, and its low bits count.
    const SHIFT: f64 = 4_503_599_627_370_496.0;
    let nearest = (value + SHIFT) - SHIFT;
    let above = if nearest > value { 1.0 } else { 0.0 };
    (nearest - above + SHIFT).to_bits() as u8
}

/// The whole part of a number from 0 to 255.
#[inline(always)]
pub(crate) fn whole_f32(value: f32) -> u8 {
    // As above, with 2^23.
    const SHIFT: f32 = 8_388_608.0;
    let nearest = (value + SHIFT) - SHIFT;
    let above = if nearest > value { 1.0 } else { 0.0 };
    (nearest - above + SHIFT).to_bits() as u8
}

/// `clip(value, 0, 1) * 255` as u8.
#[inline(always)]
pub(crate) fn to_u8(value: f64) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0) as u8
}

/// As [`to_u8`]: faster where many values are converted, else slower.
#[inline(always)]
pub(crate) fn to_u8_of_many(value: f64) -> u8 {
    whole(value.clamp(0.0, 1.0) * 255.0)
}

/// What becomes of a byte that goes to [0, 1] and back: truncation lowers the
/// ones whose round trip falls just short.
pub(crate) fn round_trip() -> [u8; 256] {
    std::array::from_fn(|x| to_u8(unit(x as u8)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_is_exact() {
        for x in 0..=255u8 {
            assert_eq!(unit(x), f64::from(x) / 255.0, "{x}");
        }
    }

    #[test]
    fn whole_parts_are_those_of_a_cast() {
        for i in 0..=255u8 {
            let value = f64::from(i);
            for v in [value, value.next_up(), value.next_down(), value + 0.5] {
                if (0.0..=255.0).contains(&v) {
                    assert_eq!(whole(v), v as u8, "{v}");
                    assert_eq!(whole(v + 512.0), (v + 512.0) as u32 as u8, "{v} + 512");
                }
            }
            let value = f32::from(i);
            for v in [value, value.next_up(), value.next_down(), value + 0.5] {
                if (0.0..=255.0).contains(&v) {
                    assert_eq!(whole_f32(v), v as u8, "{v}");
                }
            }
        }
        for i in 0..10_000 {
            let v = f64::from(i) * 0.025_501;
            assert_eq!(whole(v), v as u8, "{v}");
        }
        for v in [-0.5, 7.0, 0.3, f64::NAN] {
            assert_eq!(to_u8(v), to_u8_of_many(v), "{v}");
        }
    }
}
