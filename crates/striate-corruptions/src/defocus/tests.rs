use striate_random::Seed;

use super::*;
use crate::Table;

/// The short cut and the exact sums give the same bytes, on noise, on flat
/// pictures (where every sum is next to an integer) and on saturated ones.
#[test]
fn the_short_cut_gives_the_bytes_of_the_exact_sums() {
    let mut stream = Seed::new(5).stream();
    for (height, width, channels) in [(16, 16, 1), (17, 43, 3), (40, 22, 1)] {
        let size = height * width * channels;
        let noise: Vec<u8> = (0..size).map(|_| stream.below(256) as u8).collect();
        let black_and_white: Vec<u8> = noise.iter().map(|v| 255 * (v & 1)).collect();
        let half_flat: Vec<u8> = (0..size)
            .map(|i| if i < size / 2 { 77 } else { noise[i] })
            .collect();
        for pixels in [
            noise,
            vec![255; size],
            vec![0; size],
            vec![31; size],
            half_flat,
            black_and_white,
        ] {
            let image = ImageRef::new(&pixels, height, width, channels).unwrap();
            for table in Table::ALL {
                for (radius, sigma) in table.constants().defocus_blur {
                    let disk = Disk::new(radius, sigma);
                    let mut out = vec![0; size];
                    defocus(image, &disk, &mut Scratch::default(), &mut out);
                    let mut scratch = Scratch::default();
                    let padded = Padded::new(image, &disk, &mut scratch);
                    for (i, found) in out.iter().enumerate() {
                        let (y, x) = (i / image.stride(), i % image.stride());
                        let at = y * padded.stride + x;
                        let [total] = padded.exact(at, &disk);
                        let expected = total.clamp(0.0, 255.0) as i32 as u8;
                        assert_eq!(*found, expected, "radius {radius}, value {i}");
                        let error = (f64::from(padded.rough(at, &disk)[0]) - total).abs();
                        // Half of what the short cut allows for.
                        assert!(error < f64::from(ERROR) / 2.0, "radius {radius}: {error}");
                    }
                }
            }
        }
    }
}
