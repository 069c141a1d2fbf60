//! Bit-compatible ports of NumPy's generators.
//!
//! * [`LegacyRng`] is `numpy.random.seed(n)` and the functions of
//!   `numpy.random` behind it (`RandomState`, MT19937, the legacy distributions).
//! * [`Pcg64`] is `numpy.random.default_rng(n)` (`Generator`, PCG64, seeded
//!   through `SeedSequence`).
//!
//! Invariant: after the same seed, the same sequence of calls gives the same
//! numbers as NumPy 1.26, to the last bit (distributions that take a logarithm
//! need the same result from the platform's `log`).

mod batch;
mod distributions;
mod mt19937;
mod pcg64;
mod poisson;

pub use mt19937::LegacyRng;
pub use pcg64::Pcg64;
pub use poisson::{Poisson, PoissonSet};
