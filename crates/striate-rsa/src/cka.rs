//! Linear centred kernel alignment. Invariant: blind to rotations and isotropic
//! scaling of either representation; 1 for a representation and itself.

use crate::dissimilarity::add_centred;
use crate::gram::Gram;
use crate::{Error, Features, Result};

/// Linear CKA of two representations of the same images (Kornblith et al. 2019).
///
/// Biased upwards with fewer images than features; see [`debiased_cka`].
///
/// # Errors
///
/// Different numbers of images; features that do not vary over images.
pub fn linear_cka(first: &Features<'_>, second: &Features<'_>) -> Result<f64> {
    let (a, b) = grams(first, second)?;
    ratio(hsic(&a, &b), hsic(&a, &a), hsic(&b, &b))
}

/// Linear CKA with the unbiased estimate of HSIC (Song et al. 2012; Nguyen et
/// al. 2021): zero on average for unrelated representations, and may be negative.
///
/// # Errors
///
/// As [`linear_cka`]; fewer than four images.
pub fn debiased_cka(first: &Features<'_>, second: &Features<'_>) -> Result<f64> {
    if first.images() < 4 {
        return Err(Error::TooFew {
            analysis: "debiased CKA",
            unit: "images",
            needed: 4,
            found: first.images(),
        });
    }
    let (a, b) = grams(first, second)?;
    ratio(
        unbiased_hsic(&a, &b),
        unbiased_hsic(&a, &a),
        unbiased_hsic(&b, &b),
    )
}

/// Inner products between images after centring each feature, row-major.
struct Centred {
    images: usize,
    values: Vec<f64>,
}

fn grams(first: &Features<'_>, second: &Features<'_>) -> Result<(Centred, Centred)> {
    if first.images() != second.images() {
        return Err(Error::DifferentImages {
            only_first: format!("{} images", first.images()),
            only_second: format!("{} images", second.images()),
        });
    }
    let of = |features: &Features<'_>| {
        let images = features.images();
        let mut gram = Gram::new(images);
        add_centred(&mut gram, features);
        let pairs = (0..images).flat_map(|i| (0..images).map(move |j| (i, j)));
        Centred {
            images,
            values: pairs.map(|(i, j)| gram.get(i, j)).collect(),
        }
    };
    Ok((of(first), of(second)))
}

fn ratio(ab: f64, aa: f64, bb: f64) -> Result<f64> {
    let constant = |which| Error::ConstantMatrix {
        which,
        comparator: "CKA",
    };
    if aa <= 0.0 {
        return Err(constant("first"));
    }
    if bb <= 0.0 {
        return Err(constant("second"));
    }
    Ok(ab / (aa * bb).sqrt())
}

fn hsic(a: &Centred, b: &Centred) -> f64 {
    a.values.iter().zip(&b.values).map(|(a, b)| a * b).sum()
}

fn unbiased_hsic(a: &Centred, b: &Centred) -> f64 {
    let n = a.images;
    let size = n as f64;
    // Row sums without the diagonal.
    let rows = |m: &Centred| -> Vec<f64> {
        let row = |i: usize| m.values[i * n..(i + 1) * n].iter().sum::<f64>() - m.values[i * n + i];
        (0..n).map(row).collect()
    };
    let (row_a, row_b) = (rows(a), rows(b));
    let diagonal: f64 = (0..n)
        .map(|i| a.values[i * n + i] * b.values[i * n + i])
        .sum();
    let trace = hsic(a, b) - diagonal;
    let (sum_a, sum_b): (f64, f64) = (row_a.iter().sum(), row_b.iter().sum());
    let cross: f64 = row_a.iter().zip(&row_b).map(|(a, b)| a * b).sum();
    (trace + sum_a * sum_b / ((size - 1.0) * (size - 2.0)) - 2.0 * cross / (size - 2.0))
        / (size * (size - 3.0))
}

#[cfg(test)]
mod tests;
