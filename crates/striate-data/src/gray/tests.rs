use striate_testkit::{Golden, assert_close};

use super::*;

fn bytes(golden: &Golden, name: &str) -> Vec<u8> {
    golden.u32(name).into_iter().map(|v| v as u8).collect()
}

#[test]
fn gray_is_that_of_the_reference() {
    let golden = Golden::open("data/transforms");
    for name in ["image", "wide"] {
        let rgb = bytes(&golden, name);
        let mut gray = vec![0; rgb.len() / 3];
        rgb_to_gray_u8(&rgb, &mut gray);
        assert_eq!(gray, bytes(&golden, &format!("{name}.gray_u8")));
        let mut gray = vec![0.0; rgb.len() / 3];
        rgb_to_gray_f32(&rgb, &mut gray);
        let (_, expected) = golden.f32(&format!("{name}.gray_f32"));
        // One unit in the last place: torch fuses a multiplication and an addition
        // on some machines.
        assert_close(&gray, &expected, 0.0, 1.2e-7);
    }
}

#[test]
fn normalising_gives_mean_zero_and_deviation_one() {
    let golden = Golden::open("data/transforms");
    let images = Images::new(2, 16, 32, 3, bytes(&golden, "image")).unwrap();
    for (gray, normalize) in [
        (true, Normalize::of_gray(&images).unwrap()),
        (false, Normalize::of_channels(&images).unwrap()),
    ] {
        let channels = normalize.mean.len();
        let preprocess = Preprocess { gray, normalize };
        let mut all = Vec::new();
        for image in images.iter() {
            let mut out = vec![0.0; 16 * 32 * channels];
            preprocess.apply(image, 3, &mut out).unwrap();
            all.extend(out);
        }
        for channel in 0..channels {
            let values = all.iter().skip(channel).step_by(channels);
            let values: Vec<f64> = values.map(|v| f64::from(*v)).collect();
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            let square = values.iter().map(|v| v * v).sum::<f64>() / n;
            // Statistics are rounded to f32: 6e-8, divided by a deviation of 0.2.
            assert_close(&[mean, square - mean * mean], &[0.0, 1.0], 1e-6, 0.0);
        }
        let mut out = vec![0.0; 16 * 32 * channels];
        preprocess.apply(images.get(0), 3, &mut out).unwrap();
        preprocess.normalize.invert(&mut out);
        assert!(out.iter().all(|v| (-1e-6..=1.000_001).contains(v)));
    }
}

#[test]
fn statistics_do_not_depend_on_the_threads() {
    let pixels = (0..64 * 27u32)
        .map(|i| ((i * 2_654_435_761) >> 24) as u8)
        .collect();
    let images = Images::new(64, 3, 3, 3, pixels).unwrap();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let single = pool.install(|| Normalize::of_gray(&images).unwrap());
    assert_eq!(Normalize::of_gray(&images).unwrap(), single);
}

#[test]
fn what_does_not_fit_is_refused() {
    let flat = Images::new(1, 2, 2, 1, vec![7; 4]).unwrap();
    assert!(Normalize::of_gray(&flat).is_err());
    assert!(Normalize::of_gray(&Images::default()).is_err());
    let preprocess = Preprocess {
        gray: true,
        normalize: Normalize::tiny_imagenet_rgb(),
    };
    let error = preprocess.apply(&[0; 12], 3, &mut [0.0; 4]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "normalize: expected 1 channels, found 3 means and 3 deviations"
    );
}
