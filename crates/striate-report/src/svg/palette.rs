//! Colours.
//!
//! Invariant: a model has the same colour in every figure; the colours keep
//! apart for readers with any kind of colour blindness (they follow Okabe and
//! Ito's set, darkened for white and lightened for dark paper), and each model
//! has a shape of its own besides.

/// Name of a class or variable, and its colours on light and on dark paper.
pub(super) const COLOURS: [(&str, &str, &str); 23] = [
    ("paper", "#ffffff", "#15181c"),
    ("ink", "#1d2127", "#e6e8eb"),
    ("muted", "#5a636e", "#a2abb6"),
    ("grid", "#e4e7eb", "#2d333b"),
    ("axis", "#98a1ac", "#69727d"),
    ("baseline", "#6a717c", "#aab2bd"),
    ("mtl_monkey", "#c94f08", "#f5915a"),
    ("mtl_shuffled", "#2b7bbd", "#70b9f2"),
    ("mtl_oracle", "#a5428c", "#e08fc9"),
    ("oracle", "#007a63", "#3cc7a6"),
    ("baseline_blurred", "#8b8f3a", "#c9cd7a"),
    ("baseline_lowpass", "#4f6d7a", "#a3c4d1"),
    ("mtl_recorded", "#c2183f", "#ff7d97"),
    ("mtl_gaussian", "#6b7a00", "#b9cc3a"),
    ("mtl_shuffled_within", "#1489a3", "#5fcbe3"),
    ("mtl_pixels", "#8a6a00", "#dcb640"),
    ("mtl_random", "#7a4f2b", "#cf9f72"),
    ("mtl_gabor", "#3a5a9c", "#8fb0f0"),
    ("mtl_scrambled", "#7b4fd0", "#c3a4ff"),
    ("v1", "#1d2127", "#e6e8eb"),
    ("other0", "#8a6a00", "#dcb640"),
    ("other1", "#5549bd", "#a39cf7"),
    ("other2", "#7a4f2b", "#cf9f72"),
];

/// How many of [`COLOURS`] are of the paper rather than of a model.
pub(super) const NEUTRAL: usize = 5;

/// The class that gives a model's colour as `currentColor`.
pub(crate) fn model_class(model: &str) -> String {
    let known = COLOURS[NEUTRAL..].iter().any(|(name, ..)| *name == model);
    if known {
        return format!("m-{model}");
    }
    // Stable for a name, whatever else is in the figure.
    let sum = model.bytes().fold(0usize, |sum, b| sum + usize::from(b));
    format!("m-other{}", sum % 3)
}

/// Anchors of the colour map viridis (van der Walt and Smith, CC0): dark violet
/// for 0 to yellow for 1, even in lightness and safe for colour blindness.
const VIRIDIS: [[f64; 3]; 10] = [
    [68.0, 1.0, 84.0],
    [72.0, 40.0, 120.0],
    [62.0, 73.0, 137.0],
    [49.0, 104.0, 142.0],
    [38.0, 130.0, 142.0],
    [31.0, 158.0, 137.0],
    [53.0, 183.0, 121.0],
    [110.0, 206.0, 88.0],
    [181.0, 222.0, 43.0],
    [253.0, 231.0, 37.0],
];

/// RGB of a number in 0..=1 (clipped; NaN is mid gray).
pub(crate) fn sequential(value: f64) -> [u8; 3] {
    if value.is_nan() {
        return [128; 3];
    }
    let place = value.clamp(0.0, 1.0) * (VIRIDIS.len() - 1) as f64;
    let low = (place.floor() as usize).min(VIRIDIS.len() - 2);
    let part = place - low as f64;
    std::array::from_fn(|c| {
        let (a, b) = (VIRIDIS[low][c], VIRIDIS[low + 1][c]);
        (a + (b - a) * part).round() as u8
    })
}
