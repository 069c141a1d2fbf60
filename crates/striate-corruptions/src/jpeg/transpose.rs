//! Transposition of the blocks of a strip.
//!
//! Invariant: with AVX2 or without, values move and never change.

use super::dct::{LANES, Strip};

/// Swaps rows and columns of each block.
#[inline(always)]
pub(super) fn transpose(from: &Strip, to: &mut Strip) {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        for block in (0..LANES).step_by(8) {
            avx2(simd, from, to, block);
        }
        return;
    }
    portable(from, to);
}

#[inline(always)]
fn portable(from: &Strip, to: &mut Strip) {
    for block in (0..LANES).step_by(8) {
        for (y, row) in from.iter().enumerate() {
            for x in 0..8 {
                to[x][block + y] = row[block + x];
            }
        }
    }
}

/// Interleaves pairs of rows, then pairs of pairs, then exchanges halves.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn avx2(simd: pulp::x86::V3, from: &Strip, to: &mut Strip, block: usize) {
    use std::arch::x86_64::__m256i;
    let rows: [__m256i; 8] = std::array::from_fn(|y| {
        let row: [i32; 8] = std::array::from_fn(|x| from[y][block + x]);
        pulp::cast(row)
    });
    let avx2 = simd.avx2;
    let pairs: [__m256i; 8] = std::array::from_fn(|i| {
        let (a, b) = (rows[i / 2 * 2], rows[i / 2 * 2 + 1]);
        if i % 2 == 0 {
            avx2._mm256_unpacklo_epi32(a, b)
        } else {
            avx2._mm256_unpackhi_epi32(a, b)
        }
    });
    let fours: [__m256i; 8] = std::array::from_fn(|i| {
        let at = i / 4 * 4 + i % 4 / 2;
        let (a, b) = (pairs[at], pairs[at + 2]);
        if i % 2 == 0 {
            avx2._mm256_unpacklo_epi64(a, b)
        } else {
            avx2._mm256_unpackhi_epi64(a, b)
        }
    });
    for i in 0..4 {
        let (a, b) = (fours[i], fours[i + 4]);
        let low: [i32; 8] = pulp::cast(avx2._mm256_permute2x128_si256::<0x20>(a, b));
        let high: [i32; 8] = pulp::cast(avx2._mm256_permute2x128_si256::<0x31>(a, b));
        to[i][block..block + 8].copy_from_slice(&low);
        to[i + 4][block..block + 8].copy_from_slice(&high);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_columns() {
        let from: Strip = std::array::from_fn(|y| std::array::from_fn(|x| (y * 100 + x) as i32));
        let (mut fast, mut plain) = ([[0; LANES]; 8], [[0; LANES]; 8]);
        transpose(&from, &mut fast);
        portable(&from, &mut plain);
        assert_eq!(fast, plain);
        assert_eq!(fast[3][16 + 5], from[5][16 + 3]);
    }
}
