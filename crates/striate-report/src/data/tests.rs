use proptest::prelude::*;
use striate_testkit::assert_close;

use super::*;

#[test]
fn base64_agrees_with_the_test_vectors_of_rfc_4648() {
    for (plain, coded) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ] {
        assert_eq!(base64::encode(plain.as_bytes()), coded);
        assert_eq!(base64::decode(coded).as_deref(), Some(plain.as_bytes()));
    }
    assert_eq!(base64::decode("Zg="), None);
    assert_eq!(base64::decode("Z*=="), None);
}

#[test]
fn a_png_decodes_to_its_pixels() {
    let pixels: Vec<u8> = (0..24).map(|i| i * 10).collect();
    let bytes = png_bytes(&pixels, 4, 2, 3).unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
        .read_info()
        .unwrap();
    let mut out = vec![0; 24];
    reader.next_frame(&mut out).unwrap();
    assert_eq!(out, pixels);
}

#[test]
fn pictures_are_checked() {
    let error = png_data_uri(&[0; 5], 2, 2, 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "picture 2 x 2 x 1: expected 4 bytes with 1 or 3 channels, found 5"
    );
    assert!(Picture::new(2, 2, 2, vec![0; 8]).is_err());
    let grid = PictureGrid {
        caption: "g".into(),
        columns: vec!["a".into()],
        rows: vec!["b".into(), "c".into()],
        pictures: vec![None],
        ..PictureGrid::default()
    };
    assert_eq!(
        grid.check().unwrap_err().to_string(),
        "picture grid `g`: expected 2 x 1 pictures, found 1"
    );
}

#[test]
fn shading_maps_numbers_to_gray() {
    let values = [-1.0, 0.0, 1.0, f32::NAN];
    let gray = |s| Picture::from_values(2, 2, &values, s).unwrap().pixels_u8;
    assert_eq!(gray(Shading::Stretch), [0, 128, 255, 0]);
    assert_eq!(gray(Shading::FromZero), [0, 0, 255, 0]);
    assert_eq!(gray(Shading::Range(-2.0, 2.0)), [64, 128, 191, 0]);
    let flat = Picture::from_values(2, 1, &[3.0, 3.0], Shading::Stretch).unwrap();
    assert_eq!(flat.pixels_u8, [0, 0]);
}

#[test]
fn an_estimate_of_one_value_has_no_interval() {
    assert_eq!(Estimate::of(&[]), None);
    assert_eq!(Estimate::of(&[0.5]), Some(Estimate::point(0.5)));
    let estimate = Estimate::of(&[1.0, 2.0, 3.0]).unwrap();
    // Standard deviation 1, so the standard error is 1/sqrt(3); rounding only.
    let error = 1.0 / 3f64.sqrt();
    assert_close(
        &[estimate.low(), estimate.high()],
        &[2.0 - error, 2.0 + error],
        0.0,
        1e-14,
    );
}

#[test]
fn models_stand_in_the_order_of_the_study() {
    let mut names: Vec<String> = ["zebra", "oracle", "baseline", "ape", "mtl_monkey", "oracle"]
        .map(String::from)
        .to_vec();
    sort_models(&mut names);
    assert_eq!(names, ["baseline", "mtl_monkey", "oracle", "ape", "zebra"]);
    assert_eq!(model_label("mtl_monkey"), "MTL-Monkey");
    assert_eq!(model_label("vgg_blurred"), "Vgg blurred");
    assert_eq!(pretty("jpeg_compression"), "JPEG compression");
}

#[test]
fn the_line_of_points_on_a_line_is_that_line() {
    let point = |x: f64, y: f64| NeuralPoint {
        model: "oracle".into(),
        label: String::new(),
        correlation: x.into(),
        robustness: y.into(),
    };
    let on_line: Vec<_> = [0.1, 0.4, 0.9].map(|x| point(x, 1.2 - 0.5 * x)).to_vec();
    let fit = LineFit::least_squares(&on_line).unwrap();
    // Rounding of a few sums.
    assert_close(&[fit.intercept, fit.slope], &[1.2, -0.5], 0.0, 1e-12);
    assert!(fit.note.starts_with("least squares, r = -1.00, n = 3"));
    assert_eq!(LineFit::least_squares(&on_line[..2]), None);
    let upright: Vec<_> = [1.0, 2.0, 3.0].map(|y| point(0.5, y)).to_vec();
    assert_eq!(LineFit::least_squares(&upright), None);
}

#[test]
fn report_data_survives_json() {
    let data = ReportData {
        title: "t".into(),
        examples: Some(vec![PictureGrid {
            columns: vec!["a".into()],
            rows: vec!["b".into()],
            pictures: vec![Some(Picture::new(1, 1, 1, vec![7]).unwrap())],
            ..PictureGrid::default()
        }]),
        ..ReportData::default()
    };
    let text = serde_json::to_string(&data).unwrap();
    assert_eq!(serde_json::from_str::<ReportData>(&text).unwrap(), data);
}

proptest! {
    #[test]
    fn base64_is_inverted(bytes in prop::collection::vec(any::<u8>(), 0..50)) {
        prop_assert_eq!(base64::decode(&base64::encode(&bytes)), Some(bytes));
    }
}
