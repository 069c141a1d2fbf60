//! What can be wrong with a call. Invariant: a kernel checks every length before
//! it touches memory, so that no later step can read or write out of bounds.

/// Why a kernel refused its arguments.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A slice does not have the length that the shape asks for.
    #[error("{kernel}: {argument} holds {found} values, expected {expected}")]
    Length {
        /// The kernel that was called.
        kernel: &'static str,
        /// The argument that has the wrong length.
        argument: &'static str,
        /// The length that the shape asks for.
        expected: usize,
        /// The length that was given.
        found: usize,
    },
    /// A map does not have the shape that a kernel reads.
    #[error("{kernel}: {argument} is a map of {found:?}, expected {expected:?}")]
    Map {
        /// The kernel that was called.
        kernel: &'static str,
        /// The argument that has another shape.
        argument: &'static str,
        /// `[batch, height, width, channels]` that are read.
        expected: Box<[usize; 4]>,
        /// Those of the map that was given.
        found: Box<[usize; 4]>,
    },
    /// A dimension is zero, or too large for the product of the dimensions.
    #[error("{shape}: {field} is {found}, expected {expected}")]
    Dimension {
        /// The shape that is wrong.
        shape: &'static str,
        /// Its field.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
        /// What was given.
        found: usize,
    },
}

/// The result of a kernel.
pub type Result<T> = std::result::Result<T, Error>;

/// Checks the length of one argument.
pub(crate) fn check_length(
    kernel: &'static str,
    argument: &'static str,
    found: usize,
    expected: usize,
) -> Result<()> {
    if found == expected {
        Ok(())
    } else {
        Err(Error::Length {
            kernel,
            argument,
            expected,
            found,
        })
    }
}

/// The product of dimensions, each at least one, as a length that fits memory.
pub(crate) fn check_volume(shape: &'static str, fields: &[(&'static str, usize)]) -> Result<usize> {
    let mut volume = 1usize;
    for &(field, found) in fields {
        if found == 0 {
            return Err(Error::Dimension {
                shape,
                field,
                expected: "at least 1",
                found,
            });
        }
        volume = volume
            .checked_mul(found)
            // Lengths in bytes must fit `isize`; the factor leaves room for workspaces.
            .filter(|v| *v <= isize::MAX as usize / 256)
            .ok_or(Error::Dimension {
                shape,
                field,
                expected: "a volume that fits memory",
                found,
            })?;
    }
    Ok(volume)
}
