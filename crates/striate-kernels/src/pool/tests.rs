//! Pools against plain loops; gradients by their definition.

use proptest::prelude::*;

use super::{
    global_max_pool_backward, global_max_pool_forward, max_pool_2x2_backward, max_pool_2x2_forward,
};
use crate::map::MapShape;
use crate::testing::{everywhere, values};

/// Few different values, so that windows have ties.
fn tied(seed: u64, len: usize) -> Vec<f32> {
    values(seed, "x", len).iter().map(|v| v.round()).collect()
}

proptest! {
    #[test]
    fn the_first_maximum_of_a_window_wins(
        seed in 0..1000u64,
        dims in (1..=3usize, 1..=7usize, 1..=7usize, 1..=20usize),
    ) {
        let (batch, height, width, channels) = dims;
        let shape = MapShape::new([batch, height, width, channels]).unwrap();
        let x = tied(seed, shape.len());
        let grad = values(seed, "grad", shape.pooled_len());
        let (mut expected, mut expected_grad) = (Vec::new(), vec![0.0; x.len()]);
        for b in 0..batch {
            for y in 0..height / 2 {
                for x0 in 0..width / 2 {
                    for c in 0..channels {
                        let window = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(dy, dx)| {
                            ((b * height + 2 * y + dy) * width + 2 * x0 + dx) * channels + c
                        });
                        let mut best = window[0];
                        for place in window {
                            if x[place] > x[best] {
                                best = place;
                            }
                        }
                        expected_grad[best] = grad[expected.len()];
                        expected.push(x[best]);
                    }
                }
            }
        }
        for (_, y) in everywhere(|| {
            let mut y = vec![f32::NAN; shape.pooled_len()];
            max_pool_2x2_forward(&shape, &x, &mut y).unwrap();
            y
        }) {
            prop_assert_eq!(&y, &expected);
        }
        for (_, dx) in everywhere(|| {
            let mut dx = vec![f32::NAN; shape.len()];
            max_pool_2x2_backward(&shape, &x, &grad, &mut dx).unwrap();
            dx
        }) {
            prop_assert_eq!(&dx, &expected_grad);
        }
    }

    #[test]
    fn the_global_maximum_knows_its_pixel(
        seed in 0..1000u64,
        dims in (1..=3usize, 1..=5usize, 1..=5usize, 1..=20usize),
    ) {
        let (batch, height, width, channels) = dims;
        let shape = MapShape::new([batch, height, width, channels]).unwrap();
        let x = tied(seed, shape.len());
        let mut y = vec![f32::NAN; batch * channels];
        let mut pixel = vec![u32::MAX; batch * channels];
        global_max_pool_forward(&shape, &x, &mut y, &mut pixel).unwrap();
        let grad = values(seed, "grad", y.len());
        let mut dx = vec![f32::NAN; x.len()];
        global_max_pool_backward(&shape, &grad, &pixel, &mut dx).unwrap();
        for b in 0..batch {
            for c in 0..channels {
                let at = |p: usize| (b * height * width + p) * channels + c;
                let place = b * channels + c;
                let first = (0..height * width).find(|p| x[at(*p)] == y[place]);
                prop_assert_eq!(first, Some(pixel[place] as usize));
                for p in 0..height * width {
                    prop_assert!(x[at(p)] <= y[place]);
                    let expected = if Some(p) == first { grad[place] } else { 0.0 };
                    prop_assert_eq!(dx[at(p)], expected);
                }
            }
        }
    }
}

#[test]
fn a_pixel_outside_of_the_map_is_an_error() {
    let shape = MapShape::new([1, 2, 2, 1]).unwrap();
    let error = global_max_pool_backward(&shape, &[1.0], &[4], &mut [0.0; 4]).unwrap_err();
    assert!(error.to_string().contains("pixel is 4"), "{error}");
}

#[test]
fn maps_of_one_row_pool_to_nothing() {
    let shape = MapShape::new([2, 1, 4, 3]).unwrap();
    max_pool_2x2_forward(&shape, &[1.0; 24], &mut []).unwrap();
    let mut dx = [f32::NAN; 24];
    max_pool_2x2_backward(&shape, &[1.0; 24], &[], &mut dx).unwrap();
    assert_eq!(dx, [0.0; 24]);
}
