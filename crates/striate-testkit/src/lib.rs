//! What Striate's tests share: assertions that show the worst element, central
//! differences, golden files, and the files of a folder.
//!
//! This crate is a development dependency only, and is never published.

mod assert;
mod differences;
mod folder;
mod golden;

pub use assert::assert_close;
pub use differences::{Differences, finite_differences};
pub use folder::files_below;
pub use golden::Golden;
