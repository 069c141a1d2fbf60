//! Names as they are written for people.
//!
//! Invariant: the five models of the study and their controls have one label and one
//! place in every list, whatever order the data come in.

/// The five models of the study in the order in which they are shown, then the other
/// controls, with labels.
pub(crate) const MODELS: [(&str, &str); 14] = [
    ("baseline", "Baseline"),
    ("mtl_monkey", "MTL-Monkey"),
    ("mtl_shuffled", "MTL-Shuffled"),
    ("mtl_oracle", "MTL-Oracle"),
    ("oracle", "Oracle"),
    ("baseline_blurred", "Baseline, blurred"),
    ("baseline_lowpass", "Baseline, low-pass"),
    ("mtl_recorded", "MTL-Recorded"),
    ("mtl_gaussian", "MTL-Gaussian"),
    ("mtl_shuffled_within", "MTL-Shuffled-Within"),
    ("mtl_pixels", "MTL-Pixels"),
    ("mtl_random", "MTL-Random"),
    ("mtl_gabor", "MTL-Gabor"),
    ("mtl_scrambled", "MTL-Scrambled"),
];

/// `mtl_monkey` as `MTL-Monkey`; a model that is not of the study keeps its
/// name with spaces for `_`.
pub fn model_label(name: &str) -> String {
    match MODELS.iter().find(|(known, _)| *known == name) {
        Some((_, label)) => (*label).to_owned(),
        None => pretty(name),
    }
}

/// `gaussian_noise` as `Gaussian noise`, `jpeg_compression` as `JPEG compression`.
pub fn pretty(name: &str) -> String {
    let text = name.replace('_', " ");
    if let Some(rest) = text.strip_prefix("jpeg") {
        return format!("JPEG{rest}");
    }
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// Sorts model names as the study shows them (others after them, by name) and
/// removes repetitions.
pub fn sort_models(names: &mut Vec<String>) {
    let place = |name: &str| {
        MODELS
            .iter()
            .position(|(known, _)| *known == name)
            .unwrap_or(MODELS.len())
    };
    names.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.cmp(b)));
    names.dedup();
}
