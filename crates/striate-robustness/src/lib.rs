//! How robust is a classifier to image corruptions, and how sure can one be?
//!
//! Everything starts from an [`AccuracyGrid`]: how often each run of each model
//! was right on each corruption and severity. From it follow scores relative to
//! a baseline ([`robustness`]), corruption errors under each of their names
//! ([`corruption_errors`]), and their errors over training seeds and images.
//! Corruptions are plain strings, so predictions of any framework can be scored.
//!
//! ```
//! use striate_robustness::{AccuracyGrid, Row, ScoreConfig, Selection, robustness};
//!
//! // 4 severities of one corruption, two seeds, two models.
//! let mut rows = Vec::new();
//! for (model, gain) in [("baseline", 0), ("mtl_monkey", 90)] {
//!     for seed in [1000, 2000] {
//!         for severity in 1..=4 {
//!             rows.push(Row {
//!                 model: model.to_owned(),
//!                 seed,
//!                 corruption: "pixelate".to_owned(),
//!                 severity,
//!                 correct: 500 - 100 * u64::from(severity) + gain + seed / 100,
//!                 total: 1000,
//!             });
//!         }
//!     }
//! }
//! let grid = AccuracyGrid::from_rows(rows)?;
//! let config = ScoreConfig { overall: Selection::All, ..ScoreConfig::default() };
//! let result = robustness(&grid, &config)?;
//! let score = &result.scores[1].overall;
//! assert!((score.value - (1060.0 + 360.0) / 1060.0).abs() < 1e-9);
//! assert!(score.seeds.bootstrap().is_some_and(|b| b.low < score.value));
//! # Ok::<(), striate_robustness::Error>(())
//! ```
//!
//! Sources: `analyses.md` section 1 (the study), Hendrycks and Dietterich 2019
//! (ImageNet-C), Efron and Tibshirani 1993 (bootstrap).

mod binomial;
mod bootstrap;
pub mod calibration;
pub mod correlation;
mod corruption_error;
pub mod corruptions;
mod error;
pub mod frequency;
mod grid;
pub mod images;
mod paired;
pub mod power;
pub mod published;
pub mod regression;
mod score;
pub mod special;
mod summary;
mod wilcoxon;

pub use binomial::wilson;
pub use bootstrap::{Bootstrap, Means, Pairing};
pub use corruption_error::{ALEXNET, CorruptionErrors, Normaliser, corruption_errors};
pub use corruptions::{Group, Grouping, Selection};
pub use error::{Error, Result};
pub use grid::{AccuracyGrid, Counts, Row, Run};
pub use paired::{PairedDifference, paired_difference};
pub use regression::{Coefficient, Design, Ols};
pub use score::{
    CorruptionScore, Difference, Estimate, GroupScore, Increment, Pooling, Robustness,
    RobustnessScore, RunReference, RunScore, ScoreConfig, SeedUncertainty, aggregate, increment,
    robustness, run_scores,
};
pub use summary::{BootstrapSummary, Interval, mean_sd, quantile_sorted};
pub use wilcoxon::{Wilcoxon, wilcoxon};
