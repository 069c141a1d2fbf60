//! The integer DCT of Loeffler, Ligtenberg and Moschytz (1989), in the scaling
//! of libjpeg's slow-but-accurate method.
//!
//! Invariant: each pass works on whole rows of eight values at a time, so that
//! it vectorises; the transposition between the passes swaps the two directions.

type Block = [[i32; 8]; 8];
type Row = [i32; 8];

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

#[inline(always)]
fn add(a: Row, b: Row) -> Row {
    std::array::from_fn(|i| a[i] + b[i])
}

#[inline(always)]
fn sub(a: Row, b: Row) -> Row {
    std::array::from_fn(|i| a[i] - b[i])
}

#[inline(always)]
fn mul(a: Row, factor: i32) -> Row {
    std::array::from_fn(|i| a[i].wrapping_mul(factor))
}

#[inline(always)]
fn descale(a: Row, bits: u32) -> Row {
    std::array::from_fn(|i| (a[i] + (1 << (bits - 1))) >> bits)
}

#[inline(always)]
fn transpose(block: &Block) -> Block {
    std::array::from_fn(|y| std::array::from_fn(|x| block[x][y]))
}

/// Coefficients times 8 of samples that are centred on 0.
#[inline(always)]
pub(super) fn forward(block: &mut Block) {
    // Along the rows first: as columns of the transposed block.
    let first = forward_pass(&transpose(block), true);
    *block = forward_pass(&transpose(&first), false);
}

#[inline(always)]
fn forward_pass(d: &Block, first: bool) -> Block {
    let bits = if first {
        CONST_BITS - PASS1_BITS
    } else {
        CONST_BITS + PASS1_BITS
    };
    let (s07, d07) = (add(d[0], d[7]), sub(d[0], d[7]));
    let (s16, d16) = (add(d[1], d[6]), sub(d[1], d[6]));
    let (s25, d25) = (add(d[2], d[5]), sub(d[2], d[5]));
    let (s34, d34) = (add(d[3], d[4]), sub(d[3], d[4]));

    let (e0, e3) = (add(s07, s34), sub(s07, s34));
    let (e1, e2) = (add(s16, s25), sub(s16, s25));
    let (sum, difference) = (add(e0, e1), sub(e0, e1));
    let (o0, o4) = if first {
        (mul(sum, 1 << PASS1_BITS), mul(difference, 1 << PASS1_BITS))
    } else {
        (descale(sum, PASS1_BITS), descale(difference, PASS1_BITS))
    };
    let z1 = mul(add(e2, e3), F_0_541);
    let o2 = descale(add(z1, mul(e3, F_0_765)), bits);
    let o6 = descale(sub(z1, mul(e2, F_1_847)), bits);

    let z5 = mul(add(add(d34, d16), add(d25, d07)), F_1_175);
    let z1 = mul(add(d34, d07), -F_0_899);
    let z2 = mul(add(d25, d16), -F_2_562);
    let z3 = add(mul(add(d34, d16), -F_1_961), z5);
    let z4 = add(mul(add(d25, d07), -F_0_390), z5);
    let o7 = descale(add(mul(d34, F_0_298), add(z1, z3)), bits);
    let o5 = descale(add(mul(d25, F_2_053), add(z2, z4)), bits);
    let o3 = descale(add(mul(d16, F_3_072), add(z2, z3)), bits);
    let o1 = descale(add(mul(d07, F_1_501), add(z1, z4)), bits);
    [o0, o1, o2, o3, o4, o5, o6, o7]
}

/// Samples centred on 0 from dequantised coefficients.
#[inline(always)]
pub(super) fn inverse(block: &mut Block) {
    let first = inverse_pass(block, CONST_BITS - PASS1_BITS);
    let second = inverse_pass(&transpose(&first), CONST_BITS + PASS1_BITS + 3);
    *block = transpose(&second);
}

#[inline(always)]
fn inverse_pass(c: &Block, bits: u32) -> Block {
    let z1 = mul(add(c[2], c[6]), F_0_541);
    let e2 = sub(z1, mul(c[6], F_1_847));
    let e3 = add(z1, mul(c[2], F_0_765));
    let e0 = mul(add(c[0], c[4]), 1 << CONST_BITS);
    let e1 = mul(sub(c[0], c[4]), 1 << CONST_BITS);
    let (t0, t3) = (add(e0, e3), sub(e0, e3));
    let (t1, t2) = (add(e1, e2), sub(e1, e2));

    let z5 = mul(add(add(c[7], c[3]), add(c[5], c[1])), F_1_175);
    let z1 = mul(add(c[7], c[1]), -F_0_899);
    let z2 = mul(add(c[5], c[3]), -F_2_562);
    let z3 = add(mul(add(c[7], c[3]), -F_1_961), z5);
    let z4 = add(mul(add(c[5], c[1]), -F_0_390), z5);
    let u0 = add(mul(c[7], F_0_298), add(z1, z3));
    let u1 = add(mul(c[5], F_2_053), add(z2, z4));
    let u2 = add(mul(c[3], F_3_072), add(z2, z3));
    let u3 = add(mul(c[1], F_1_501), add(z1, z4));
    [
        descale(add(t0, u3), bits),
        descale(add(t1, u2), bits),
        descale(add(t2, u1), bits),
        descale(add(t3, u0), bits),
        descale(sub(t3, u0), bits),
        descale(sub(t2, u1), bits),
        descale(sub(t1, u2), bits),
        descale(sub(t0, u3), bits),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_undoes_the_forward_transform() {
        let original: Block = std::array::from_fn(|y| {
            std::array::from_fn(|x| ((y * 37 + x * 91 + y * x * 13) % 256) as i32 - 128)
        });
        let mut block = original;
        forward(&mut block);
        // Coefficients come scaled by 8.
        for value in block.iter_mut().flatten() {
            *value = (*value + value.signum() * 4) / 8;
        }
        inverse(&mut block);
        for (a, b) in block.iter().flatten().zip(original.iter().flatten()) {
            // Rounding 64 coefficients to integers moves a sample by 2 at most here.
            assert!((a - b).abs() <= 2, "{a} {b}");
        }
    }

    #[test]
    fn a_constant_block_has_one_coefficient() {
        let mut block = [[50; 8]; 8];
        forward(&mut block);
        assert_eq!(block[0][0], 50 * 64);
        assert_eq!(block.iter().flatten().filter(|v| **v != 0).count(), 1);
    }
}
