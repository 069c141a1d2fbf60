//! Scores of the study, to be shown beside one's own.
//!
//! Invariant: the per-corruption numbers are the stored ones (analyses.md 1.6,
//! rounded to 4 digits); groups and the overall score are recomputed from them.

use crate::{Level, PublishedScore};

/// Where [`scores`] come from, for the caption of a figure.
pub const PROVENANCE: &str = "Safarani et al. 2021, scores stored in the authors' public notebook \
     of March 2021 (5 seeds, TinyImageNet, 14 corruptions without glass blur); group means and \
     the overall mean recomputed from them, group errors as root mean square. The printed \
     tables of the paper could not be read and may differ.";

/// The models in the columns of [`STORED`].
const MODELS: [&str; 4] = ["mtl_monkey", "mtl_shuffled", "mtl_oracle", "oracle"];

/// Standard errors of the overall scores as stored: a bootstrap of the mean, which
/// cannot be had from the errors of the corruptions (analyses.md 1.6).
const OVERALL_ERRORS: [f64; 4] = [0.040, 0.028, 0.044, 0.038];

/// The corruption, its group, and per model the score and its bootstrap standard error.
type Row = (&'static str, &'static str, [(f64, f64); 4]);

const STORED: [Row; 14] = [
    (
        "gaussian_noise",
        "noise",
        [
            (1.1676, 0.0346),
            (0.8887, 0.0202),
            (1.2102, 0.0387),
            (1.1963, 0.0292),
        ],
    ),
    (
        "shot_noise",
        "noise",
        [
            (1.1446, 0.0323),
            (0.8715, 0.0186),
            (1.1838, 0.0332),
            (1.1919, 0.0289),
        ],
    ),
    (
        "impulse_noise",
        "noise",
        [
            (1.1382, 0.0217),
            (0.9091, 0.0107),
            (1.2892, 0.0273),
            (1.3602, 0.0344),
        ],
    ),
    (
        "defocus_blur",
        "blur",
        [
            (1.2791, 0.0649),
            (1.0358, 0.0342),
            (1.0658, 0.0832),
            (0.9964, 0.0399),
        ],
    ),
    (
        "motion_blur",
        "blur",
        [
            (1.1224, 0.0567),
            (1.0561, 0.0525),
            (1.2112, 0.0620),
            (1.0782, 0.0506),
        ],
    ),
    (
        "zoom_blur",
        "blur",
        [
            (1.0998, 0.0598),
            (0.9623, 0.0475),
            (1.1797, 0.0633),
            (1.2235, 0.0640),
        ],
    ),
    (
        "snow",
        "weather",
        [
            (1.0428, 0.0322),
            (0.9577, 0.0239),
            (1.2002, 0.0354),
            (1.2576, 0.0323),
        ],
    ),
    (
        "frost",
        "weather",
        [
            (0.9394, 0.0343),
            (0.8872, 0.0251),
            (1.1671, 0.0369),
            (1.2065, 0.0338),
        ],
    ),
    (
        "fog",
        "weather",
        [
            (0.8714, 0.0431),
            (1.0293, 0.0491),
            (1.2417, 0.0672),
            (1.2312, 0.0635),
        ],
    ),
    (
        "brightness",
        "weather",
        [
            (0.9671, 0.0257),
            (0.9324, 0.0199),
            (1.0690, 0.0273),
            (1.1127, 0.0253),
        ],
    ),
    (
        "contrast",
        "digital",
        [
            (0.8666, 0.0342),
            (0.9330, 0.0378),
            (1.2564, 0.0580),
            (1.3812, 0.0652),
        ],
    ),
    (
        "elastic_transform",
        "digital",
        [
            (1.2251, 0.0570),
            (1.1717, 0.0420),
            (1.2674, 0.0623),
            (1.0950, 0.0408),
        ],
    ),
    (
        "pixelate",
        "digital",
        [
            (1.6376, 0.0961),
            (0.8943, 0.0501),
            (1.4496, 0.0887),
            (1.5919, 0.0949),
        ],
    ),
    (
        "jpeg_compression",
        "digital",
        [
            (1.4734, 0.0616),
            (0.9567, 0.0393),
            (1.2528, 0.0629),
            (1.4022, 0.0556),
        ],
    ),
];

/// The study's scores per corruption, group (snow counted as weather) and overall.
pub fn scores() -> Vec<PublishedScore> {
    let mut out = Vec::new();
    for (column, model) in MODELS.into_iter().enumerate() {
        let mut add = |level, name: &str, score, error| {
            out.push(PublishedScore {
                model: model.to_owned(),
                level,
                name: name.to_owned(),
                score,
                error: Some(error),
            });
        };
        let (mean, _) = pool(column, |_| true);
        add(Level::Overall, "overall", mean, OVERALL_ERRORS[column]);
        for group in ["noise", "blur", "weather", "digital"] {
            let (mean, error) = pool(column, |row| row.1 == group);
            add(Level::Group, group, mean, error);
        }
        for row in &STORED {
            add(Level::Corruption, row.0, row.2[column].0, row.2[column].1);
        }
    }
    out
}

/// Mean of the scores and root mean square of their errors, as in the study's plots.
fn pool(column: usize, keep: impl Fn(&Row) -> bool) -> (f64, f64) {
    let kept: Vec<_> = STORED
        .iter()
        .filter(|row| keep(row))
        .map(|row| row.2[column])
        .collect();
    let n = kept.len() as f64;
    let mean = kept.iter().map(|c| c.0).sum::<f64>() / n;
    let error = (kept.iter().map(|c| c.1 * c.1).sum::<f64>() / n).sqrt();
    (mean, error)
}

#[cfg(test)]
mod tests {
    use super::scores;

    #[test]
    fn pooled_scores_are_those_of_the_study() {
        let find = |model: &str, name: &str| {
            let all = scores();
            let found = all.iter().find(|s| s.model == model && s.name == name);
            found.map(|s| (s.score, s.error.unwrap())).unwrap()
        };
        // The table of analyses.md 1.6 in percent; half a unit of its last digit.
        for (model, name, score, error) in [
            ("mtl_monkey", "overall", 114.1, 4.0),
            ("mtl_shuffled", "overall", 96.3, 2.8),
            ("mtl_oracle", "overall", 121.7, 4.4),
            ("oracle", "overall", 123.7, 3.8),
            ("mtl_monkey", "noise", 115.0, 3.0),
            ("mtl_monkey", "blur", 116.7, 6.1),
            ("mtl_monkey", "weather", 95.5, 3.4),
            ("mtl_monkey", "digital", 130.1, 6.6),
            ("oracle", "pixelate", 159.2, 9.5),
        ] {
            let (s, e) = find(model, name);
            assert!((100.0 * s - score).abs() < 0.056, "{model} {name}: {s}");
            assert!((100.0 * e - error).abs() < 0.056, "{model} {name}: {e}");
        }
    }
}
