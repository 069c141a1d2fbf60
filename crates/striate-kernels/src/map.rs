//! The sizes of an NHWC map. Invariant: no dimension is zero, and the volume fits memory.

use crate::error::{Result, check_volume};

/// The sizes of an NHWC map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MapShape {
    pub(crate) batch: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
}

impl MapShape {
    /// Checks the sizes `[batch, height, width, channels]`.
    ///
    /// # Errors
    ///
    /// A zero dimension, or a volume that does not fit memory.
    pub fn new([batch, height, width, channels]: [usize; 4]) -> Result<Self> {
        check_volume(
            "MapShape",
            &[
                ("batch", batch),
                ("height", height),
                ("width", width),
                ("channels", channels),
            ],
        )?;
        Ok(Self {
            batch,
            height,
            width,
            channels,
        })
    }

    /// `[batch, height, width, channels]`
    pub fn dims(&self) -> [usize; 4] {
        [self.batch, self.height, self.width, self.channels]
    }

    /// Values of the map.
    #[expect(clippy::len_without_is_empty, reason = "a shape is never empty")]
    pub fn len(&self) -> usize {
        self.batch * self.image_len()
    }

    /// Values of the map after a 2x2 max pool with stride 2, which drops an odd
    /// last row and column.
    pub fn pooled_len(&self) -> usize {
        self.batch * (self.height / 2) * (self.width / 2) * self.channels
    }

    pub(crate) fn image_len(&self) -> usize {
        self.height * self.width * self.channels
    }

    pub(crate) fn row_len(&self) -> usize {
        self.width * self.channels
    }
}
