//! RGB pixels as one 32-bit word each.
//!
//! The bytes of RGB lie too close together for vector instructions, and copying a
//! word is cheaper than copying three bytes.
//!
//! Invariant: red is in the lowest byte; the highest is anything.

/// One word per pixel.
#[inline(always)]
pub(crate) fn pack(pixels: &[u8], words: &mut [u32]) {
    // Four bytes at a time, which the last pixel does not have.
    let Some((last, whole)) = words.split_last_mut() else {
        return;
    };
    for (word, four) in whole.iter_mut().zip(pixels.windows(4).step_by(3)) {
        *word = u32::from_le_bytes([four[0], four[1], four[2], four[3]]);
    }
    let end = &pixels[pixels.len() - 3..];
    *last = u32::from_le_bytes([end[0], end[1], end[2], 0]);
}

/// Undoes [`pack`].
#[inline(always)]
pub(crate) fn unpack(words: &[u32], pixels: &mut [u8]) {
    let Some((last, whole)) = words.split_last() else {
        return;
    };
    for (x, word) in whole.iter().enumerate() {
        // The fourth byte is overwritten by the next pixel.
        pixels[3 * x..][..4].copy_from_slice(&word.to_le_bytes());
    }
    let end = pixels.len() - 3;
    pixels[end..].copy_from_slice(&last.to_le_bytes()[..3]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_hold_the_pixels() {
        let pixels: Vec<u8> = (0..30).collect();
        let mut words = [0; 10];
        pack(&pixels, &mut words);
        assert_eq!(words[9] & 0x00ff_ffff, 0x001d_1c1b);
        let mut back = vec![0; 30];
        unpack(&words, &mut back);
        assert_eq!(back, pixels);
        pack(&[], &mut []);
        unpack(&[], &mut []);
    }
}
