//! What holds for every image, corruption, severity and table.

use proptest::prelude::*;
use striate_corruptions::{
    BatchRef, Corruption, Corruptor, ImageRef, Random, Severity, Table, corrupt_batch,
};
use striate_random::Seed;
use striate_testkit::Golden;

#[path = "support/picture.rs"]
mod picture;
use picture::picture;

fn run(
    table: Table,
    image: ImageRef<'_>,
    corruption: Corruption,
    severity: Severity,
    random: &mut Random,
) -> striate_corruptions::Result<Vec<u8>> {
    let mut out = vec![7; image.pixels().len()];
    Corruptor::new(table).corrupt(image, corruption, severity, random, &mut out)?;
    Ok(out)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_shape_works_and_the_same_seed_gives_the_same_bytes(
        height in 16usize..90,
        width in 16usize..90,
        gray in any::<bool>(),
        seed in any::<u32>(),
        numpy in any::<bool>(),
        table in prop::sample::select(Table::ALL.to_vec()),
    ) {
        let channels = if gray { 1 } else { 3 };
        let pixels = picture(height, width, channels, u64::from(seed));
        let image = ImageRef::new(&pixels, height, width, channels).unwrap();
        // One corruptor with a past, one without: scratch must not leak.
        let mut used = Corruptor::new(table);
        for corruption in Corruption::ALL {
            for severity in [Severity::ALL[0], Severity::ALL[4]] {
                let random = || if numpy {
                    Random::numpy(seed)
                } else {
                    Random::counter(&Seed::new(u64::from(seed)), 5, corruption, severity)
                };
                let fresh = run(table, image, corruption, severity, &mut random()).unwrap();
                let mut out = vec![0; pixels.len()];
                used.corrupt(image, corruption, severity, &mut random(), &mut out).unwrap();
                prop_assert_eq!(&fresh, &out, "{} {}", corruption, severity);
            }
        }
    }

    #[test]
    fn gray_is_each_channel_of_equal_channels(
        height in 16usize..70,
        width in 16usize..70,
        seed in any::<u32>(),
    ) {
        // Those whose rule does not treat channels differently.
        use Corruption as C;
        let gray = picture(height, width, 1, u64::from(seed));
        let rgb: Vec<u8> = gray.iter().flat_map(|v| [*v; 3]).collect();
        let gray = ImageRef::new(&gray, height, width, 1).unwrap();
        let rgb = ImageRef::new(&rgb, height, width, 3).unwrap();
        for corruption in [
            C::DefocusBlur, C::GlassBlur, C::MotionBlur, C::ZoomBlur, C::Fog, C::Brightness,
            C::Contrast, C::ElasticTransform, C::Pixelate, C::JpegCompression, C::GaussianBlur,
        ] {
            for severity in Severity::ALL {
                let table = Table::ImageCorruptions;
                let random = || Random::counter(&Seed::new(1), 5, corruption, severity);
                let one = run(table, gray, corruption, severity, &mut random()).unwrap();
                let three = run(table, rgb, corruption, severity, &mut random()).unwrap();
                for c in 0..3 {
                    let channel: Vec<u8> = three.iter().skip(c).step_by(3).copied().collect();
                    prop_assert_eq!(&one, &channel, "{} {} channel {}", corruption, severity, c);
                }
            }
        }
    }
}

#[test]
fn severity_moves_the_image_further_away() {
    // On average over images. The published constants of some are not monotone
    // from step to step (fog keeps its amplitude from 3 to 4), so only the ends
    // count there; saturation goes down, then up.
    use Corruption as C;
    let loose = [
        C::GlassBlur,
        C::ElasticTransform,
        C::Snow,
        C::Spatter,
        C::Saturate,
        C::ZoomBlur,
        C::Frost,
        C::Fog,
    ];
    // Photographs: the pictures above have edges where pixelation likes them.
    let photographs: Vec<(Vec<usize>, Vec<u8>)> = [("rgb32", 2), ("rgb64", 2), ("rgb96x64", 1)]
        .into_iter()
        .flat_map(|(set, count)| (0..count).map(move |i| (set, i)))
        .map(|(set, i)| {
            let (shape, values) =
                Golden::open(&format!("corruptions/{set}")).f64(&format!("{i}/input"));
            (shape, values.into_iter().map(|v| v as u8).collect())
        })
        .collect();
    for corruption in Corruption::ALL {
        let distances = Severity::ALL.map(|severity| {
            let mut total = 0.0;
            for (i, (shape, pixels)) in photographs.iter().cycle().take(20).enumerate() {
                let image = ImageRef::new(pixels, shape[0], shape[1], shape[2]).unwrap();
                let mut random = Random::counter(&Seed::new(9), i as u64, corruption, severity);
                let table = Table::ImageCorruptions;
                let out = run(table, image, corruption, severity, &mut random).unwrap();
                let squares = out
                    .iter()
                    .zip(pixels)
                    .map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2));
                total += squares.sum::<f64>() / pixels.len() as f64;
            }
            total / 20.0
        });
        if loose.contains(&corruption) {
            assert!(
                distances.iter().all(|d| *d > 0.0),
                "{corruption} {distances:?}"
            );
            if corruption != C::Saturate {
                let strongest = f64::max(distances[3], distances[4]);
                assert!(strongest > distances[0], "{corruption} {distances:?}");
            }
        } else {
            // Three percent for five pictures: the longest motion leaves the
            // smallest of them, so that its strongest blur is not much more.
            let sorted = distances.is_sorted_by(|a, b| *b > 0.97 * a);
            assert!(sorted, "{corruption} {distances:?}");
        }
    }
}

#[test]
fn threads_do_not_matter() {
    let count = 9;
    let pixels: Vec<u8> = (0..count).flat_map(|i| picture(20, 24, 3, i)).collect();
    let batch = BatchRef {
        pixels_u8: &pixels,
        height: 20,
        width: 24,
        channels: 3,
    };
    let severity = Severity::ALL[2];
    for corruption in Corruption::ALL {
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let mut out = vec![0; pixels.len()];
            pool.install(|| {
                corrupt_batch(
                    Table::ImageCorruptions,
                    batch,
                    corruption,
                    severity,
                    &Seed::new(4),
                    100,
                    &mut out,
                )
            })
            .unwrap();
            out
        };
        assert_eq!(with(1), with(4), "{corruption}");
    }
    // The batch is nothing but its images.
    let mut out = vec![0; pixels.len()];
    corrupt_batch(
        Table::TinyImageNetC,
        batch,
        Corruption::Fog,
        severity,
        &Seed::new(4),
        100,
        &mut out,
    )
    .unwrap();
    let size = 20 * 24 * 3;
    let image = ImageRef::new(&pixels[3 * size..4 * size], 20, 24, 3).unwrap();
    let mut random = Random::counter(&Seed::new(4), 103, Corruption::Fog, severity);
    let single = run(
        Table::TinyImageNetC,
        image,
        Corruption::Fog,
        severity,
        &mut random,
    )
    .unwrap();
    assert_eq!(single, out[3 * size..4 * size]);
}

#[test]
fn bad_input_is_a_clear_error() {
    let pixels = vec![0; 16 * 16 * 3];
    let says = |result: striate_corruptions::Result<ImageRef<'_>>, part: &str| {
        let text = result.unwrap_err().to_string();
        assert!(text.contains(part), "{text}");
    };
    says(ImageRef::new(&[], 0, 0, 3), "at least 16x16");
    says(ImageRef::new(&pixels, 15, 16, 3), "15x16");
    says(ImageRef::new(&pixels, 16, 16, 4), "4 channels");
    says(ImageRef::new(&pixels[1..], 16, 16, 3), "expected 768");
    says(ImageRef::new(&pixels, usize::MAX, 16, 3), "expected");
    for level in [0, 6] {
        assert!(
            Severity::new(level)
                .unwrap_err()
                .to_string()
                .contains("1 to 5")
        );
    }
    assert!(
        "blur"
            .parse::<Corruption>()
            .unwrap_err()
            .to_string()
            .contains("glass_blur")
    );
    assert!("c".parse::<Table>().is_err());
    let image = ImageRef::new(&pixels, 16, 16, 3).unwrap();
    let mut short = vec![0; 5];
    let severity = Severity::ALL[0];
    let mut random = Random::numpy(1);
    assert!(
        Corruptor::new(Table::CifarC)
            .corrupt(image, Corruption::Fog, severity, &mut random, &mut short)
            .is_err()
    );
}
