//! What Striate's tests share: assertions that show the worst element, central
//! differences, and golden files.
//!
//! This crate is a development dependency only, and is never published.

mod assert;
mod differences;
mod golden;

pub use assert::assert_close;
pub use differences::{Differences, finite_differences};
pub use golden::Golden;
