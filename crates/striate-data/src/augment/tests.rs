use proptest::prelude::*;
use striate_random::Seed;
use striate_testkit::Golden;

use super::*;

#[test]
fn the_three_steps_are_torchvisions() {
    let golden = Golden::open("data/transforms");
    for (name, size) in [("image", (32, 32)), ("wide", (24, 37))] {
        let image: Vec<u8> = golden.u32(name).into_iter().map(|v| v as u8).collect();
        let (_, cases) = golden.f64(&format!("{name}.cases"));
        let expected = golden.u32(&format!("{name}.augmented"));
        let mut out = vec![1; image.len()];
        for (case, expected) in cases.chunks(4).zip(expected.chunks(image.len())) {
            let augmentation = Augmentation {
                shift_y: case[0] as isize - 4,
                shift_x: case[1] as isize - 4,
                flip: case[2] == 1.0,
                angle_deg: case[3],
            };
            augmentation.apply(&image, size, &mut out).unwrap();
            let differ = out
                .iter()
                .zip(expected)
                .filter(|(a, b)| u32::from(**a) != **b);
            assert_eq!(differ.count(), 0, "{name} {case:?}");
        }
    }
}

#[test]
fn draws_cover_their_ranges() {
    let config = AugmentConfig::default();
    let mut stream = Seed::new(1).stream();
    let drawn: Vec<Augmentation> = (0..4000).map(|_| config.draw(&mut stream)).collect();
    for shift in -4..=4 {
        // 444 expected, standard deviation 20.
        let count = drawn.iter().filter(|a| a.shift_y == shift).count();
        assert!((344..544).contains(&count), "{shift}: {count}");
    }
    let flips = drawn.iter().filter(|a| a.flip).count();
    assert!((1850..2150).contains(&flips), "{flips}");
    let most = drawn.iter().map(|a| a.angle_deg.abs()).fold(0.0, f64::max);
    assert!((14.9..=15.0).contains(&most), "{most}");
}

proptest! {
    #[test]
    fn an_augmentation_only_moves_pixels(
        height in 1usize..20, width in 1usize..20, shift_y in -30isize..30,
        shift_x in -30isize..30, flip: bool, angle_deg in -400.0f64..400.0,
    ) {
        // Each pixel has a value of its own, so what comes out must be among them.
        let image: Vec<u8> = (0..height * width).map(|i| (i % 255) as u8 + 1).collect();
        let mut out = vec![9; image.len()];
        let augmentation = Augmentation { shift_y, shift_x, flip, angle_deg };
        augmentation.apply(&image, (height, width), &mut out).unwrap();
        prop_assert!(out.iter().all(|v| *v == 0 || image.contains(v)));
        let mut same = vec![9; image.len()];
        Augmentation::NONE.apply(&image, (height, width), &mut same).unwrap();
        prop_assert_eq!(same, image);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut out = [0; 5];
    let error = Augmentation::NONE
        .apply(&[0; 5], (2, 2), &mut out)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "image and output: expected 2 x 2 pixels of 1 or 3 channels each, found 5 and 5 bytes"
    );
    let config = AugmentConfig {
        flip_probability: 1.5,
        ..AugmentConfig::default()
    };
    assert!(config.validate().is_err());
}
