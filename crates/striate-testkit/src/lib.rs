//! What Striate's tests share: assertions that show the worst element, central
//! differences, golden files, the files of a folder, and what a process has used.
//!
//! This crate is a development dependency only, and is never published.

mod assert;
mod differences;
mod folder;
mod golden;
mod process;

pub use assert::assert_close;
pub use differences::{Differences, finite_differences};
pub use folder::files_below;
pub use golden::Golden;
pub use process::{cpu_seconds, peak_mb};
