//! How much of a reconstruction is image and how much is corruption (metric 1).

use serde::{Deserialize, Serialize};

use super::{check, dot};
use crate::{Error, Result};

/// A reconstruction of a corrupted image, split into the clean image and the corruption.
///
/// The least-squares fit is `xr = a x0 + b n + e` with the clean image `x0` and
/// the noise `n = x1 - x0`. "More sensitive to content than to noise" is a
/// larger ratio than another network's at the same budget.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContentNoise {
    /// The joint fit, `a` and `b`.
    pub joint: Coefficients,
    /// `|a| / |b|` of the joint fit; infinite where `b` is 0.
    pub ratio: f64,
    /// Share of the reconstruction's energy that the fit explains, `0..=1`.
    pub r2: f64,
    /// Content fitted alone, then the noise less what it shares with the content.
    pub content_first: Coefficients,
    /// Noise fitted alone, then the content less what it shares with the noise.
    pub noise_first: Coefficients,
    /// Cosine of the angle between reconstruction and clean image.
    pub cosine_content: f64,
    /// Cosine of the angle between reconstruction and noise.
    pub cosine_noise: f64,
}

/// One fit of a reconstruction by content and noise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coefficients {
    /// Coefficient of the clean image.
    pub content: f64,
    /// Coefficient of the noise.
    pub noise: f64,
    /// Share of the reconstruction's energy that the content explains, given
    /// what comes before it.
    pub content_share: f64,
    /// The same of the noise.
    pub noise_share: f64,
}

/// Splits a reconstruction `xr` of the corrupted image `x1` into content and noise.
///
/// In the joint fit each share is what the component adds to the other one; in
/// the ordered fits the shares sum to `r2`.
///
/// # Errors
///
/// If the lengths differ; if an image or the noise is 0, or the two are
/// collinear (as contrast changes of a mean-gray image are), so that they
/// cannot be told apart.
pub fn content_noise(xr: &[f32], x0: &[f32], x1: &[f32]) -> Result<ContentNoise> {
    check("corrupted image", x1, x0.len())?;
    check("reconstruction", xr, x0.len())?;
    let n: Vec<f32> = x1
        .iter()
        .zip(x0)
        .map(|(corrupt, clean)| corrupt - clean)
        .collect();
    let (xx, nn, xn) = (dot(x0, x0), dot(&n, &n), dot(x0, &n));
    let (rr, rx, rn) = (dot(xr, xr), dot(xr, x0), dot(xr, &n));
    let undefined = |reason| {
        Err(Error::Undefined {
            metric: "content and noise",
            reason,
        })
    };
    if rr == 0.0 {
        return undefined("the reconstruction is 0");
    }
    if xx == 0.0 {
        return undefined("the clean image is 0");
    }
    if nn == 0.0 {
        return undefined("the image is not corrupted");
    }
    // Squared norms of either part without what it shares with the other.
    let (x_only, n_only) = (xx - xn * xn / nn, nn - xn * xn / xx);
    // Below this the f32 pixels no longer hold the difference.
    if n_only <= 1e-10 * nn {
        return undefined("the noise is a multiple of the clean image");
    }
    let (r_x_only, r_n_only) = (rx - rn * xn / nn, rn - rx * xn / xx);
    let (a, b) = (r_x_only / x_only, r_n_only / n_only);
    let share = |product: f64, norm: f64| product * product / norm / rr;
    let (x_share, n_share) = (share(rx, xx), share(rn, nn));
    let (x_added, n_added) = (share(r_x_only, x_only), share(r_n_only, n_only));
    Ok(ContentNoise {
        joint: Coefficients {
            content: a,
            noise: b,
            content_share: x_added,
            noise_share: n_added,
        },
        ratio: a.abs() / b.abs(),
        r2: x_share + n_added,
        content_first: Coefficients {
            content: rx / xx,
            noise: b,
            content_share: x_share,
            noise_share: n_added,
        },
        noise_first: Coefficients {
            content: a,
            noise: rn / nn,
            content_share: x_added,
            noise_share: n_share,
        },
        cosine_content: rx / (rr * xx).sqrt(),
        cosine_noise: rn / (rr * nn).sqrt(),
    })
}

/// Cosine of the angle between two images.
///
/// # Errors
///
/// If the lengths differ or an image is 0.
pub fn cosine(a: &[f32], b: &[f32]) -> Result<f64> {
    check("second image", b, a.len())?;
    let norms = dot(a, a) * dot(b, b);
    if norms == 0.0 {
        return Err(Error::Undefined {
            metric: "cosine",
            reason: "an image is 0",
        });
    }
    Ok(dot(a, b) / norms.sqrt())
}
