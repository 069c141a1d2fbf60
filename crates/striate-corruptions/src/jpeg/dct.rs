//! The integer DCT of Loeffler, Ligtenberg and Moschytz (1989), in the scaling
//! of libjpeg's slow-but-accurate method.
//!
//! Invariant: a pass transforms whole columns, each like its neighbours, in a
//! loop that the compiler vectorises; blocks stand side by side in a strip, and
//! a transposition of each block between the passes swaps the two directions.

/// Columns of a strip: four blocks.
pub(super) const LANES: usize = 32;

/// Four blocks of 8x8 side by side.
pub(super) type Strip = [[i32; LANES]; 8];

use super::transpose::transpose;

const CONST_BITS: u32 = 13;
const PASS1_BITS: u32 = 2;

// Constants times 2^13.
const F_0_298: i32 = 2446;
const F_0_390: i32 = 3196;
const F_0_541: i32 = 4433;
const F_0_765: i32 = 6270;
const F_0_899: i32 = 7373;
const F_1_175: i32 = 9633;
const F_1_501: i32 = 12299;
const F_1_847: i32 = 15137;
const F_1_961: i32 = 16069;
const F_2_053: i32 = 16819;
const F_2_562: i32 = 20995;
const F_3_072: i32 = 25172;

/// Samples of one column, or what becomes of them.
type Column = [i32; 8];

#[inline(always)]
fn descale(value: i32, bits: u32) -> i32 {
    (value + (1 << (bits - 1))) >> bits
}

#[inline(always)]
fn columns(strip: &mut Strip, pass: impl Fn(Column) -> Column) {
    let [r0, r1, r2, r3, r4, r5, r6, r7] = strip;
    for x in 0..LANES {
        let column = [r0[x], r1[x], r2[x], r3[x], r4[x], r5[x], r6[x], r7[x]];
        [r0[x], r1[x], r2[x], r3[x], r4[x], r5[x], r6[x], r7[x]] = pass(column);
    }
}

/// Coefficients times 8 of samples that are centred on 0.
#[inline(always)]
pub(super) fn forward(strip: &mut Strip, spare: &mut Strip) {
    // Along the rows first: as columns of the transposed blocks.
    transpose(strip, spare);
    columns(
        spare,
        #[inline(always)]
        |d| forward_pass(d, true),
    );
    transpose(spare, strip);
    columns(
        strip,
        #[inline(always)]
        |d| forward_pass(d, false),
    );
}

#[inline(always)]
fn forward_pass(d: Column, first: bool) -> Column {
    let bits = if first {
        CONST_BITS - PASS1_BITS
    } else {
        CONST_BITS + PASS1_BITS
    };
    let (s07, d07) = (d[0] + d[7], d[0] - d[7]);
    let (s16, d16) = (d[1] + d[6], d[1] - d[6]);
    let (s25, d25) = (d[2] + d[5], d[2] - d[5]);
    let (s34, d34) = (d[3] + d[4], d[3] - d[4]);

    let (e0, e3) = (s07 + s34, s07 - s34);
    let (e1, e2) = (s16 + s25, s16 - s25);
    let (sum, difference) = (e0 + e1, e0 - e1);
    let (o0, o4) = if first {
        (sum << PASS1_BITS, difference << PASS1_BITS)
    } else {
        (descale(sum, PASS1_BITS), descale(difference, PASS1_BITS))
    };
    let z1 = (e2 + e3) * F_0_541;
    let o2 = descale(z1 + e3 * F_0_765, bits);
    let o6 = descale(z1 - e2 * F_1_847, bits);

    let z5 = (d34 + d16 + d25 + d07) * F_1_175;
    let z1 = -(d34 + d07) * F_0_899;
    let z2 = -(d25 + d16) * F_2_562;
    let z3 = z5 - (d34 + d16) * F_1_961;
    let z4 = z5 - (d25 + d07) * F_0_390;
    let o7 = descale(d34 * F_0_298 + z1 + z3, bits);
    let o5 = descale(d25 * F_2_053 + z2 + z4, bits);
    let o3 = descale(d16 * F_3_072 + z2 + z3, bits);
    let o1 = descale(d07 * F_1_501 + z1 + z4, bits);
    [o0, o1, o2, o3, o4, o5, o6, o7]
}

/// Samples centred on 0 from dequantised coefficients.
#[inline(always)]
pub(super) fn inverse(strip: &mut Strip, spare: &mut Strip) {
    columns(
        strip,
        #[inline(always)]
        |c| inverse_pass(c, CONST_BITS - PASS1_BITS),
    );
    transpose(strip, spare);
    columns(
        spare,
        #[inline(always)]
        |c| inverse_pass(c, CONST_BITS + PASS1_BITS + 3),
    );
    transpose(spare, strip);
}

/// Wraps where a coefficient is out of the range that samples lead to.
#[inline(always)]
fn inverse_pass(c: Column, bits: u32) -> Column {
    let c = c.map(std::num::Wrapping);
    let f = std::num::Wrapping;
    let descale = |v: std::num::Wrapping<i32>| (v + f(1 << (bits - 1))).0 >> bits;
    let z1 = (c[2] + c[6]) * f(F_0_541);
    let e2 = z1 - c[6] * f(F_1_847);
    let e3 = z1 + c[2] * f(F_0_765);
    let e0 = (c[0] + c[4]) << CONST_BITS as usize;
    let e1 = (c[0] - c[4]) << CONST_BITS as usize;
    let (t0, t3) = (e0 + e3, e0 - e3);
    let (t1, t2) = (e1 + e2, e1 - e2);

    let z5 = (c[7] + c[3] + c[5] + c[1]) * f(F_1_175);
    let z1 = -(c[7] + c[1]) * f(F_0_899);
    let z2 = -(c[5] + c[3]) * f(F_2_562);
    let z3 = z5 - (c[7] + c[3]) * f(F_1_961);
    let z4 = z5 - (c[5] + c[1]) * f(F_0_390);
    let u0 = c[7] * f(F_0_298) + z1 + z3;
    let u1 = c[5] * f(F_2_053) + z2 + z4;
    let u2 = c[3] * f(F_3_072) + z2 + z3;
    let u3 = c[1] * f(F_1_501) + z1 + z4;
    [
        descale(t0 + u3),
        descale(t1 + u2),
        descale(t2 + u1),
        descale(t3 + u0),
        descale(t3 - u0),
        descale(t2 - u1),
        descale(t1 - u2),
        descale(t0 - u3),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_undoes_the_forward_transform() {
        let original: Strip = std::array::from_fn(|y| {
            std::array::from_fn(|x| ((y * 37 + x * 91 + y * x * 13) % 256) as i32 - 128)
        });
        let (mut strip, mut spare) = (original, [[0; LANES]; 8]);
        forward(&mut strip, &mut spare);
        // Coefficients come scaled by 8.
        for value in strip.iter_mut().flatten() {
            *value = (*value + value.signum() * 4) / 8;
        }
        inverse(&mut strip, &mut spare);
        for (a, b) in strip.iter().flatten().zip(original.iter().flatten()) {
            // Rounding 64 coefficients to integers moves a sample by 2 at most here.
            assert!((a - b).abs() <= 2, "{a} {b}");
        }
    }

    #[test]
    fn a_constant_block_has_one_coefficient() {
        // Block i is 10 (i + 1) everywhere.
        let mut strip: Strip =
            std::array::from_fn(|_| std::array::from_fn(|x| 10 * (x as i32 / 8 + 1)));
        forward(&mut strip, &mut [[0; LANES]; 8]);
        for block in 0..4 {
            assert_eq!(strip[0][8 * block], 640 * (block as i32 + 1));
        }
        assert_eq!(strip.iter().flatten().filter(|v| **v != 0).count(), 4);
    }
}
