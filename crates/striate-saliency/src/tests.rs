//! Maps: sizes, densities, smoothing and resizing.

use striate_testkit::{Golden, assert_close};

use crate::{Density, Map};

fn map(golden: &Golden, name: &str) -> Map {
    let (shape, values) = golden.f64(name);
    Map::new(shape[0], shape[1], values).unwrap()
}

#[test]
fn smoothing_and_resizing_agree_with_scipy_and_numpy() {
    let golden = Golden::open("saliency/metrics");
    let a = map(&golden, "a");
    // f64 on both sides.
    let same = |found: &Map, name: &str| {
        assert_close(found.values(), map(&golden, name).values(), 1e-12, 1e-12);
    };
    same(&a.smoothed(2.0).unwrap(), "smoothed");
    same(&a.resized(10, 9).unwrap(), "smaller");
    same(&a.resized(31, 40).unwrap(), "larger");
    assert_eq!(a.resized(24, 32).unwrap(), a);
}

#[test]
fn smoothing_keeps_a_constant_where_the_kernel_is_wider_than_the_map() {
    let flat = Map::new(3, 5, vec![0.3; 15]).unwrap();
    assert_close(flat.smoothed(4.0).unwrap().values(), &[0.3; 15], 1e-14, 0.0);
    let point = Map::new(1, 1, vec![2.0]).unwrap();
    assert_close(point.smoothed(1.0).unwrap().values(), &[2.0], 1e-14, 0.0);
}

#[test]
fn a_density_sums_to_one() {
    let map = Map::new(2, 2, vec![1e300, 3e300, 0.0, 0.0]).unwrap();
    assert_close(
        map.to_density().unwrap().values(),
        &[0.25, 0.75, 0.0, 0.0],
        1e-15,
        0.0,
    );
    let logs = Map::new(1, 2, vec![0.25f64.ln(), 0.75f64.ln()]).unwrap();
    let density = Density::from_log_probabilities(&logs).unwrap();
    assert_close(density.values(), &[0.25, 0.75], 1e-15, 0.0);
    assert_close(
        density.resized(3, 4).unwrap().values(),
        &[0.25 / 6.0, 0.25 / 6.0, 0.75 / 6.0, 0.75 / 6.0].repeat(3),
        1e-15,
        0.0,
    );
}

#[test]
fn bad_maps_are_named() {
    let text = |result: crate::Result<Map>| result.unwrap_err().to_string();
    assert_eq!(
        text(Map::new(2, 2, vec![0.0; 3])),
        "map: expected 2 x 2 values, at least one, found 3"
    );
    assert_eq!(
        text(Map::new(2, 2, vec![0.0, 0.0, f64::NAN, 0.0])),
        "map: expected finite values, found NaN at row 1, column 0"
    );
    let negative = Map::new(1, 3, vec![1.0, -2.0, 1.0]).unwrap();
    assert_eq!(
        negative.to_density().unwrap_err().to_string(),
        "density: expected values of at least 0, found -2 at row 0, column 1"
    );
    let empty = Map::new(1, 2, vec![0.0; 2]).unwrap();
    assert_eq!(
        empty.to_density().unwrap_err().to_string(),
        "density: undefined, because all values of the map are 0"
    );
    let half = Map::new(1, 2, vec![0.25; 2]).unwrap();
    assert_eq!(
        Density::from_probabilities(half).unwrap_err().to_string(),
        "probabilities: expected probabilities that sum to 1, found a sum of 0.5"
    );
    assert!(empty.resized(0, 2).is_err() && empty.smoothed(0.0).is_err());
    assert!(serde_json::from_str::<Map>(r#"{"height":1,"width":2,"values":[1.0]}"#).is_err());
}
