//! Images without their structure.

use rayon::prelude::*;
use striate_kernels::{Dft, dft2};
use striate_random::Seed;

use super::whole;
use crate::Error;

/// Gray images with their phases moved by those of white noise, one noise for each image:
/// the amplitude spectrum and the mean stay, edges and objects go.
///
/// # Shapes
///
/// `images` `[images, height, width]`, and the result.
///
/// # Errors
///
/// If the images are not whole.
pub fn phase_scrambled(
    images: &[f32],
    [height, width]: [usize; 2],
    seed: &Seed,
) -> Result<Vec<f32>, Error> {
    let pixels = height.saturating_mul(width);
    whole("images", images, pixels)?;
    let seed = seed.child("phase scramble");
    let scrambled: Vec<Vec<f32>> = images
        .par_chunks_exact(pixels)
        .enumerate()
        .map(|(i, image)| {
            let mut stream = seed.index(i as u64).stream();
            let mut re: Vec<f64> = image.iter().map(|v| f64::from(*v)).collect();
            let mut im = vec![0.0; pixels];
            let mut noise_re: Vec<f64> = (0..pixels).map(|_| stream.normal()).collect();
            let mut noise_im = vec![0.0; pixels];
            dft2(Dft::Forward, [height, width], &mut re, &mut im)?;
            dft2(Dft::Forward, [height, width], &mut noise_re, &mut noise_im)?;
            // Both are spectra of real images, so their product is one, too. The first
            // element is the sum of the pixels.
            for k in 1..pixels {
                let length = noise_re[k].hypot(noise_im[k]);
                let (cos, sin) = if length > 0.0 {
                    (noise_re[k] / length, noise_im[k] / length)
                } else {
                    (1.0, 0.0)
                };
                (re[k], im[k]) = (re[k] * cos - im[k] * sin, re[k] * sin + im[k] * cos);
            }
            dft2(Dft::Inverse, [height, width], &mut re, &mut im)?;
            Ok(re.into_iter().map(|v| v as f32).collect())
        })
        .collect::<Result<_, striate_kernels::Error>>()?;
    Ok(scrambled.concat())
}
