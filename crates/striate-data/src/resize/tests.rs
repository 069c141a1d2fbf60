use proptest::prelude::*;
use striate_testkit::Golden;

use super::*;

#[test]
fn both_filters_are_pillows() {
    let golden = Golden::open("data/transforms");
    for (name, height, width) in [("image", 32, 32), ("wide", 24, 37)] {
        let image: Vec<u8> = golden.u32(name).into_iter().map(|v| v as u8).collect();
        let whole = Rect {
            y: 0,
            x: 0,
            height,
            width,
        };
        for (kind, filter) in [("area", Filter::Area), ("triangle", Filter::Triangle)] {
            for to in [(32, 32), (13, 9), (40, 50), (1, 7)] {
                let scaled = crop_resize(&image, (height, width), 3, whole, to, filter).unwrap();
                let expected = golden.u32(&format!("{name}.{kind}.{}x{}", to.0, to.1));
                let scaled: Vec<u32> = scaled.into_iter().map(u32::from).collect();
                assert_eq!(scaled, expected, "{name} {kind} {to:?}");
            }
        }
    }
}

#[test]
fn rescaling_of_stimuli_is_scikit_images() {
    let golden = Golden::open("data/transforms");
    let image: Vec<u8> = golden
        .u32("stimulus")
        .into_iter()
        .map(|v| v as u8)
        .collect();
    for scale in [0.4, 0.5, 1.3] {
        let scaled = rescale_stimulus(&image, (41, 33), 1, scale).unwrap();
        let name = format!("stimulus.{scale}");
        let (shape, _) = golden.f64(&name);
        assert_eq!((scaled.0, scaled.1), (shape[0], shape[1]));
        let found: Vec<u32> = scaled.2.into_iter().map(u32::from).collect();
        assert_eq!(found, golden.u32(&name), "{scale}");
    }
}

proptest! {
    #[test]
    fn a_flat_image_stays_flat(
        height in 1usize..30, width in 1usize..30, to_height in 1usize..40,
        to_width in 1usize..40, level: u8,
    ) {
        let image = vec![level; height * width];
        let whole = Rect { y: 0, x: 0, height, width };
        for filter in [Filter::Area, Filter::Triangle] {
            let size = (height, width);
            let scaled = crop_resize(&image, size, 1, whole, (to_height, to_width), filter);
            prop_assert!(scaled.unwrap().iter().all(|v| *v == level));
        }
    }

    #[test]
    fn nothing_outside_the_rectangle_matters(y in 0usize..8, x in 0usize..8, noise: u8) {
        let rect = Rect { y, x, height: 9, width: 7 };
        let mut inside_only = vec![noise; 20 * 20];
        let mut zero_around = vec![0; 20 * 20];
        for row in y..y + 9 {
            for column in x..x + 7 {
                let level = (row * 31 + column * 17) as u8;
                inside_only[row * 20 + column] = level;
                zero_around[row * 20 + column] = level;
            }
        }
        for filter in [Filter::Area, Filter::Triangle] {
            let a = crop_resize(&inside_only, (20, 20), 1, rect, (4, 4), filter).unwrap();
            let b = crop_resize(&zero_around, (20, 20), 1, rect, (4, 4), filter).unwrap();
            prop_assert_eq!(a, b);
        }
    }
}

#[test]
fn a_rectangle_outside_is_refused() {
    let rect = Rect {
        y: 1,
        x: 0,
        height: 2,
        width: 2,
    };
    assert!(crop_resize(&[0; 4], (2, 2), 1, rect, (1, 1), Filter::Area).is_err());
    assert!(
        crop_resize(
            &[0; 5],
            (2, 2),
            1,
            Rect { y: 0, ..rect },
            (1, 1),
            Filter::Area
        )
        .is_err()
    );
}
