//! Striate's benches.
