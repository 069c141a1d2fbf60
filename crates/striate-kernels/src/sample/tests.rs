//! Samples against known values and a plain evaluation in f64.

use proptest::prelude::*;
use striate_testkit::{Differences, assert_close, finite_differences};

use super::{Corners, bilinear_sample_backward, bilinear_sample_forward};
use crate::map::MapShape;
use crate::testing::{everywhere, values};

#[test]
fn samples_of_the_reference() {
    // training.md, the check values of its last section: two channels of a 3x4 map.
    let shape = MapShape::new([1, 3, 4, 2]).unwrap();
    let map: Vec<f32> = (0..12)
        .flat_map(|i| [i as f32, (i as f32 + 12.0).powi(2) / 10.0])
        .collect();
    let grid = [0.25, -0.4, 1.0, 1.0, -1.0, 1.0];
    let mut out = [f32::NAN; 6];
    bilinear_sample_forward(&shape, 3, Corners::Aligned, &map, &grid, &mut out).unwrap();
    // Rounding of values below 64.
    assert_close(&out, &[4.275, 26.8825, 11.0, 52.9, 8.0, 40.0], 1e-5, 0.0);
}

/// One sample in f64: each pixel weighs by its distance, which is zero outside.
fn sample(
    map: &[f32],
    [h, w, c]: [usize; 3],
    corners: Corners,
    grid: [f64; 2],
    channel: usize,
) -> f64 {
    let pixel = |g: f64, size: usize| match corners {
        Corners::Aligned => (g + 1.0) / 2.0 * (size as f64 - 1.0),
        Corners::Edges => ((g + 1.0) * size as f64 - 1.0) / 2.0,
    };
    let (x, y) = (pixel(grid[0], w), pixel(grid[1], h));
    let weight = |at: f64, i: usize| (1.0 - (at - i as f64).abs()).max(0.0);
    let mut sum = 0.0;
    for i in 0..h {
        for j in 0..w {
            sum += weight(y, i) * weight(x, j) * f64::from(map[(i * w + j) * c + channel]);
        }
    }
    sum
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    #[test]
    fn samples_and_gradients_agree_with_the_definition(
        seed in 0..1000u64,
        dims in (1..=3usize, 1..=5usize, 1..=5usize, 1..=9usize),
        points in 1..=6usize,
        edges: bool,
    ) {
        let (batch, height, width, channels) = dims;
        let shape = MapShape::new([batch, height, width, channels]).unwrap();
        let corners = if edges { Corners::Edges } else { Corners::Aligned };
        let map = values(seed, "map", shape.len());
        let grid: Vec<f32> = values(seed, "grid", batch * points * 2).iter().map(|v| 0.6 * v).collect();
        let grad = values(seed, "grad", batch * points * channels);
        let at = |map: &[f32], grid: &[f32], i: usize| {
            let (point, channel) = (i / channels, i % channels);
            let image = &map[point / points * height * width * channels..][..height * width * channels];
            let place = [f64::from(grid[2 * point]), f64::from(grid[2 * point + 1])];
            sample(image, [height, width, channels], corners, place, channel)
        };
        let expected: Vec<f64> = (0..grad.len()).map(|i| at(&map, &grid, i)).collect();
        for (_, out) in everywhere(|| {
            let mut out = vec![f32::NAN; grad.len()];
            bilinear_sample_forward(&shape, points, corners, &map, &grid, &mut out).unwrap();
            out
        }) {
            // Coordinates up to 5 rounded to f32, times differences of neighbours of size 5.
            assert_close(&out, &expected, 1e-5, 0.0);
        }
        let loss = |map: &[f32], grid: &[f32]| {
            (0..grad.len()).map(|i| at(map, grid, i) * f64::from(grad[i])).sum::<f64>()
        };
        let options = Differences { step: 1e-3, ..Differences::default() };
        let by_map = finite_differences(&map, options, |map| loss(map, &grid));
        let by_grid = finite_differences(&grid, options, |grid| loss(&map, grid));
        for (_, gradients) in everywhere(|| {
            let (mut dmap, mut dgrid) = (vec![f32::NAN; map.len()], vec![f32::NAN; grid.len()]);
            bilinear_sample_backward(&shape, points, corners, &map, &grid, &grad, &mut dmap, &mut dgrid).unwrap();
            [dmap, dgrid].concat()
        }) {
            for (i, expected) in &by_map {
                // Linear in the map, so the difference is exact up to rounding.
                prop_assert!((f64::from(gradients[*i]) - expected).abs() < 1e-4);
            }
            for (i, expected) in &by_grid {
                let pixel = |g: f32| corners.pixel(g, if i % 2 == 0 { width } else { height }).0;
                if pixel(grid[*i] - 1e-3).floor() != pixel(grid[*i] + 1e-3).floor() {
                    continue; // A kink between the two evaluations.
                }
                let got = f64::from(gradients[map.len() + i]);
                prop_assert!((got - expected).abs() < 1e-3 * (1.0 + expected.abs()), "{got} {expected}");
            }
        }
    }
}
