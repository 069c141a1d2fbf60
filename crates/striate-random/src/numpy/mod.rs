//! Bit-compatible ports of NumPy's generators.

mod mt19937;

pub use mt19937::LegacyRng;
