//! The study's splits, compatible with NumPy's legacy generator (training.md 1.2
//! and 1.5). Invariant: the same seed gives NumPy's order, to the last element.

use striate_random::numpy::LegacyRng;

use crate::{Error, Result};

/// The seed that the study's loaders use whatever seed they are given (training.md 1.1, 1.2).
pub const STUDY_SEED: u32 = 1000;

/// Indices of the training and the validation part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Training part, in the drawn order.
    pub train: Vec<usize>,
    /// Validation part, in the drawn order.
    pub validation: Vec<usize>,
}

/// `0..count` in the order of `numpy.random.seed(seed); numpy.random.shuffle(list(range(count)))`.
pub fn numpy_permutation(count: usize, seed: u32) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    LegacyRng::new(seed).shuffle(&mut order);
    order
}

/// The split of labelled images: the first `floor(fraction * count)` of the
/// shuffled indices are validation, the rest training (training.md 1.1: fraction
/// 0.1, seed 1000).
///
/// # Errors
///
/// If the fraction is not in `[0, 1]`.
pub fn image_split(count: usize, validation_fraction: f64, seed: u32) -> Result<Split> {
    check_fraction("validation_fraction", validation_fraction)?;
    let mut validation = numpy_permutation(count, seed);
    let train = validation.split_off((validation_fraction * count as f64).floor() as usize);
    Ok(Split { train, validation })
}

/// The split of stimulus images: ids `1..=count` are shuffled, the first
/// `int(fraction * count)` are training, the rest validation (training.md 1.2:
/// fraction 0.8, seed 1000). `count` is the number of all stimulus images, those
/// of the test included. A trial belongs where its image belongs.
///
/// Returned are ids, beginning with 1.
///
/// # Errors
///
/// If the fraction is not in `[0, 1]`.
pub fn neural_split(count: usize, train_fraction: f64, seed: u32) -> Result<Split> {
    check_fraction("train_fraction", train_fraction)?;
    let mut train: Vec<usize> = numpy_permutation(count, seed)
        .into_iter()
        .map(|i| i + 1)
        .collect();
    let validation = train.split_off((train_fraction * count as f64) as usize);
    Ok(Split { train, validation })
}

fn check_fraction(name: &str, fraction: f64) -> Result<()> {
    if (0.0..=1.0).contains(&fraction) {
        Ok(())
    } else {
        Err(Error::argument(name, "a fraction in [0, 1]", fraction))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_split_is_numpys() {
        // training.md 1.5, made with NumPy 2.4.6.
        let split = image_split(100_000, 0.1, STUDY_SEED).unwrap();
        assert_eq!(
            (split.validation.len(), split.train.len()),
            (10_000, 90_000)
        );
        assert_eq!(
            split.validation[..8],
            [
                81_768, 72_785, 16_208, 39_960, 61_947, 98_465, 11_119, 42_004
            ]
        );
        assert_eq!(
            split.train[..8],
            [
                70_178, 97_174, 84_235, 25_758, 7_942, 72_619, 90_485, 85_411
            ]
        );
        assert_eq!(split.train[89_996..], [18_782, 3_776, 71_751, 70_231]);
    }

    #[test]
    fn the_neural_split_is_numpys() {
        let split = neural_split(24_075, 0.8, STUDY_SEED).unwrap();
        assert_eq!(split.train.len(), 19_260);
        assert_eq!(split.train[..6], [22_650, 648, 186, 22_830, 4_847, 1_586]);
        assert_eq!(split.validation[..4], [19_569, 525, 3_834, 19_192]);
    }

    #[test]
    fn a_fraction_out_of_range_is_refused() {
        let error = image_split(10, 1.5, 0).unwrap_err().to_string();
        assert_eq!(
            error,
            "validation_fraction: expected a fraction in [0, 1], found 1.5"
        );
        assert!(neural_split(10, f64::NAN, 0).is_err());
    }
}
