//! Agreement of two maps of one image. Invariant: maps of different size are an
//! error, and a metric that has no value on its maps says so.
//!
//! Definitions follow Bylinskii, Judd, Oliva, Torralba and Durand (2019), "What
//! do different evaluation metrics tell us about saliency models?", IEEE TPAMI
//! 41(3), written as B19 below.

mod comparison;
mod distribution;
mod location;
mod partial;

#[cfg(test)]
mod tests;

pub use comparison::{Comparison, compare};
pub use distribution::{correlation, kl_divergence, similarity, spearman};
pub use location::{Fixations, auc_judd, auc_shuffled, information_gain, nss};
pub use partial::{centre_distance, partial_correlation, rms_contrast};
