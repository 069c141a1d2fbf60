//! What lies beyond the border of an image.

/// The place in `0..len` that stands for `i`: reflected without repeating the edge
/// (OpenCV's default), for places less than `len` beyond an end.
#[inline(always)]
pub(crate) fn mirrored(i: isize, len: usize) -> usize {
    let last = len as isize - 1;
    (if i < 0 {
        -i
    } else if i > last {
        2 * last - i
    } else {
        i
    }) as usize
}
