//! The ImageNet-C family of image corruptions: exact, seeded, any size.
//!
//! ```
//! use striate_corruptions::{Corruption, Corruptor, ImageRef, Random, Severity, Table};
//! use striate_random::Seed;
//!
//! let pixels = vec![120; 64 * 64 * 3];
//! let image = ImageRef::new(&pixels, 64, 64, 3)?;
//! let mut out = vec![0; pixels.len()];
//! let mut corruptor = Corruptor::new(Table::ImageCorruptions);
//! let seed = Seed::new(1);
//! for corruption in Corruption::COMMON {
//!     for severity in Severity::ALL {
//!         let mut random = Random::counter(&seed, 0, corruption, severity);
//!         corruptor.corrupt(image, corruption, severity, &mut random, &mut out)?;
//!     }
//! }
//! # Ok::<(), striate_corruptions::Error>(())
//! ```

mod affine;
mod augment;
mod batch;
mod blur;
mod border;
mod colour;
mod corruption;
mod corruptor;
mod defocus;
mod elastic;
mod error;
mod fog;
mod frost;
mod gauss;
mod jpeg;
mod motion;
mod noise;
mod picture;
mod pixelate;
mod random;
mod shot;
mod simd;
mod snow;
mod spatter;
mod table;
mod texture;
pub mod tree;
mod unit;
mod words;
mod zoom;

pub use augment::{Augmentation, Benchmark, Choice};
pub use batch::{BatchCorruptor, BatchRef, corrupt_batch};
pub use corruption::{Corruption, Group, Severity};
pub use corruptor::Corruptor;
pub use error::{Error, Result};
pub use picture::{ImageRef, MIN_SIDE};
pub use random::{NumpyRandom, Random};
pub use table::Table;
