//! Representational similarity analysis: do two systems find the same images alike?
//!
//! A network's features or a population's responses to a set of images become a
//! dissimilarity matrix ([`Rdm`]); matrices are compared ([`compare`]).
//!
//! ```
//! use striate_rsa::{Comparator, Dissimilarity, Features, Rdm, compare};
//!
//! // Four images, three features of a network, two neurons.
//! let network = [1.0, 0.0, 2.0, 1.5, 0.5, 2.0, 0.0, 3.0, 1.0, 0.2, 2.0, 0.5];
//! let neurons = [5.0, 1.0, 6.0, 1.5, 0.5, 7.0, 1.0, 6.0];
//! let network = Features::new(&network, 4, 3)?;
//! let neurons = Features::new(&neurons, 4, 2)?;
//! let a = Rdm::from_features(&network, Dissimilarity::Correlation)?;
//! let b = Rdm::from_features(&neurons, Dissimilarity::SquaredEuclidean)?;
//! assert!(compare(&a, &b, Comparator::Spearman)? > 0.5);
//! # Ok::<(), striate_rsa::Error>(())
//! ```
//!
//! * [`mahalanobis`], [`crossnobis`] and [`poisson_kl`] know the noise of the
//!   features; [`RdmBuilder`] takes features in chunks.
//! * [`noise_ceiling`], [`split_half`]: how well could any model do?
//! * [`Inference`]: bootstrap over images, subjects and training seeds, with
//!   corrected variances and comparisons of models.
//! * [`partial_compare`]: what is shared beyond a third matrix, e.g. of pixels.
//! * [`linear_cka`], [`debiased_cka`]: the alternative without a matrix.
//!
//! Sources: Kriegeskorte et al. 2008; Li et al. 2019; Schütt et al. 2023
//! (rsatoolbox, whose results the comparators reproduce); `analyses.md` 2.

mod ceiling;
mod cka;
mod compare;
mod dissimilarity;
mod error;
mod features;
mod gram;
pub mod inference;
mod matrix;
mod noise;
mod partial;
mod rdm;
mod reliability;
mod sample;

pub use ceiling::{NoiseCeiling, noise_ceiling};
pub use cka::{debiased_cka, linear_cka};
pub use compare::{Comparator, arctanh_distance, compare, compare_drawn};
pub use dissimilarity::{Dissimilarity, RdmBuilder};
pub use error::{Error, Result};
pub use features::Features;
pub use inference::{Candidate, Evaluation, Inference, Resample};
pub use noise::{NoisePrecision, RatePrior, Shrinkage, crossnobis, mahalanobis, poisson_kl};
pub use partial::partial_compare;
pub use rdm::Rdm;
pub use reliability::{SplitHalf, signal_weights, split_half, weighted};
