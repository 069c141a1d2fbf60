//! From a file of features to its dissimilarity matrix. Invariant: an error
//! names the file and the image, by its id where there is one.

use striate_rsa::{
    Dissimilarity, Error as RsaError, Features, NoisePrecision, RatePrior, Rdm, RdmBuilder,
    Shrinkage, crossnobis, mahalanobis, poisson_kl,
};

use super::features::Source;
use crate::input::{Error, Result};

/// A dissimilarity of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// From inner products of features.
    Plain(Dissimilarity),
    /// Symmetrised divergence of Poisson rates.
    PoissonKl,
    /// Under the noise of repeats.
    Mahalanobis,
    /// The same, cross-validated over repeats.
    Crossnobis,
}

impl Kind {
    /// By its name.
    ///
    /// # Errors
    ///
    /// An unknown name; the known ones are listed.
    pub fn parse(name: &str) -> std::result::Result<Self, RsaError> {
        match name {
            "poisson-kl" => Ok(Self::PoissonKl),
            "mahalanobis" => Ok(Self::Mahalanobis),
            "crossnobis" => Ok(Self::Crossnobis),
            _ => match name.parse() {
                Ok(plain) => Ok(Self::Plain(plain)),
                Err(RsaError::Unknown { kind, name, known }) => Err(RsaError::Unknown {
                    kind,
                    name,
                    known: format!("{known}, poisson-kl, mahalanobis, crossnobis"),
                }),
                Err(other) => Err(other),
            },
        }
    }

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain(plain) => plain.name(),
            Self::PoissonKl => "poisson-kl",
            Self::Mahalanobis => "mahalanobis",
            Self::Crossnobis => "crossnobis",
        }
    }
}

/// The matrix of a file, with its ids.
///
/// # Errors
///
/// Features from which it cannot be computed.
pub fn matrix(source: &mut Source, kind: Kind, shrinkage: Shrinkage) -> Result<Rdm> {
    let rdm = match kind {
        Kind::Plain(plain) => plain_matrix(source, plain),
        Kind::PoissonKl => poisson_matrix(source),
        Kind::Mahalanobis | Kind::Crossnobis => noise_matrix(source, kind, shrinkage),
    }?;
    match &source.ids {
        Some(ids) => rdm
            .with_ids(ids.clone())
            .map_err(|e| Error::rsa(&source.file, e)),
        None => Ok(rdm),
    }
}

fn plain_matrix(source: &mut Source, dissimilarity: Dissimilarity) -> Result<Rdm> {
    let images = source.images();
    let mut builder = RdmBuilder::new(images, dissimilarity);
    for (start, end) in blocks(source) {
        let values = source.block(start, end, None)?;
        Features::new(&values, images, end - start)
            .and_then(|features| builder.push(&features))
            .map_err(|e| named(source, e, start))?;
    }
    builder.finish().map_err(|e| named(source, e, 0))
}

/// The divergence is a sum over features, so blocks add up.
fn poisson_matrix(source: &mut Source) -> Result<Rdm> {
    let images = source.images();
    let mut total = vec![0.0; images * images.saturating_sub(1) / 2];
    for (start, end) in blocks(source) {
        let values = source.block(start, end, None)?;
        let block = Features::new(&values, images, end - start)
            .and_then(|features| poisson_kl(&features, RatePrior::default()))
            .map_err(|e| named(source, e, start))?;
        let share = (end - start) as f64 / source.features as f64;
        let pairs = total.iter_mut().zip(block.values());
        pairs.for_each(|(t, v)| *t += share * v);
    }
    Rdm::from_condensed(total, images).map_err(|e| named(source, e, 0))
}

fn noise_matrix(source: &mut Source, kind: Kind, shrinkage: Shrinkage) -> Result<Rdm> {
    let Some(repeats) = source.repeats().filter(|r| *r > 1) else {
        return Err(Error::content(
            &source.file,
            format!(
                "ids that say which rows are repeats of an image, the same number for each \
                 ({} needs their noise)",
                kind.name()
            ),
            if source.ids.is_some() {
                "ids without repeats, or with different numbers of them"
            } else {
                "no ids"
            },
        ));
    };
    let (images, width) = (source.images(), source.features);
    let folds = (0..repeats)
        .map(|repeat| source.block(0, width, Some(repeat)))
        .collect::<Result<Vec<_>>>()?;
    let rdm = || -> striate_rsa::Result<Rdm> {
        let folds = folds
            .iter()
            .map(|values| Features::new(values, images, width))
            .collect::<striate_rsa::Result<Vec<_>>>()?;
        let precision = NoisePrecision::from_repeats(&folds, shrinkage)?;
        if kind == Kind::Crossnobis {
            return crossnobis(&folds, Some(&precision));
        }
        let mut mean = vec![0.0_f64; images * width];
        for image in 0..images {
            for fold in &folds {
                let pairs = mean[image * width..].iter_mut().zip(fold.image(image));
                pairs.for_each(|(m, v)| *m += f64::from(*v) / folds.len() as f64);
            }
        }
        let mean: Vec<f32> = mean.into_iter().map(|v| v as f32).collect();
        mahalanobis(&Features::new(&mean, images, width)?, &precision)
    };
    rdm().map_err(|e| named(source, e, 0))
}

fn blocks(source: &Source) -> Vec<(usize, usize)> {
    let (features, width) = (source.features, source.width());
    let starts = (0..features).step_by(width);
    starts.map(|s| (s, (s + width).min(features))).collect()
}

/// An error with the file and, where it is about an image, the image's id.
fn named(source: &Source, error: RsaError, start: usize) -> Error {
    let place = |image: usize, feature: usize| {
        format!(
            "{}, {}, feature {}",
            source.file,
            source.image(image),
            feature + start
        )
    };
    match error {
        RsaError::NotFinite {
            image,
            feature,
            value,
        } => Error::content(place(image, feature), "a finite number", value),
        RsaError::NegativeRate {
            image,
            feature,
            value,
        } => Error::content(place(image, feature), "a rate of at least 0", value),
        RsaError::Undefined {
            what,
            image,
            dissimilarity,
        } => Error::content(
            format!("{}, {}", source.file, source.image(image)),
            format!("features that differ, as {dissimilarity} needs"),
            what,
        ),
        other => Error::rsa(&source.file, other),
    }
}
