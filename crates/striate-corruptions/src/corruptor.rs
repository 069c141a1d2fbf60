//! The entry point: one corruption of one image, with scratch memory that is kept.
//!
//! Invariant: the result depends on the image, the corruption, the severity,
//! the table and the random numbers, never on what the `Corruptor` did before.

use crate::defocus::{self, Disk};
use crate::noise::{self, ShotTables};
use crate::picture::ImageRef;
use crate::table::{Elastic, Generator};
use crate::zoom::Keep;
use crate::{
    Corruption, Error, Random, Result, Severity, Table, affine, blur, colour, elastic, fog, frost,
    jpeg, motion, pixelate, snow, spatter, zoom,
};

/// Corrupts images; keeps its scratch memory from call to call.
///
/// A `Corruptor` costs nothing to make, allocates when it first meets a
/// corruption or a larger image, and after that no more.
pub struct Corruptor {
    table: Table,
    scratch: Scratch,
}

/// One buffer set per corruption: no call disturbs another's tables.
#[derive(Default)]
struct Scratch {
    shot: [ShotTables; 5],
    disks: [Option<Disk>; 5],
    defocus: defocus::Scratch,
    blur: blur::Scratch,
    motion: motion::Scratch,
    zoom: zoom::Scratch,
    snow: snow::Scratch,
    frost: frost::Scratch,
    fog: fog::Scratch,
    elastic: elastic::Scratch,
    pixelate: pixelate::Scratch,
    jpeg: jpeg::Scratch,
    spatter: spatter::Scratch,
    before_jpeg: Vec<u8>,
}

impl Corruptor {
    /// A corruptor with the constants of `table`.
    pub fn new(table: Table) -> Self {
        Self {
            table,
            scratch: Scratch::default(),
        }
    }

    /// The table of constants.
    pub fn table(&self) -> Table {
        self.table
    }

    /// Writes the corrupted image into `out`, in the shape of `image`.
    ///
    /// Where the Python package gives a gray image three different channels
    /// (it works on RGB only), this works on the one channel, by the package's
    /// own rule for gray images where it has one.
    ///
    /// # Errors
    ///
    /// If `out` does not have the length of the image, or a frost texture of
    /// the crate cannot be decoded.
    pub fn corrupt(
        &mut self,
        image: ImageRef<'_>,
        corruption: Corruption,
        severity: Severity,
        random: &mut Random,
        out: &mut [u8],
    ) -> Result<()> {
        if out.len() != image.pixels().len() {
            return Err(Error::Length {
                what: "output",
                found: out.len(),
                expected: image.pixels().len(),
            });
        }
        let Some(quality) = self.table.constants().final_jpeg else {
            return self.apply(image, corruption, severity, random, out);
        };
        let mut before = std::mem::take(&mut self.scratch.before_jpeg);
        before.resize(out.len(), 0);
        let applied = self.apply(image, corruption, severity, random, &mut before);
        if applied.is_ok() {
            let image = ImageRef::new(&before, image.height(), image.width(), image.channels())?;
            jpeg::round_trip(image, quality, &mut self.scratch.jpeg, out);
        }
        self.scratch.before_jpeg = before;
        applied
    }

    fn apply(
        &mut self,
        image: ImageRef<'_>,
        corruption: Corruption,
        severity: Severity,
        random: &mut Random,
        out: &mut [u8],
    ) -> Result<()> {
        let t = self.table.constants();
        let small = t.generator != Generator::Package;
        let i = severity.index();
        let s = &mut self.scratch;
        let pixels = image.pixels();
        match corruption {
            Corruption::GaussianNoise => noise::gaussian(pixels, t.gaussian_noise[i], random, out),
            Corruption::ShotNoise => {
                noise::shot(pixels, t.shot_noise[i], random, &mut s.shot[i], out);
            }
            Corruption::ImpulseNoise => noise::impulse(pixels, t.impulse_noise[i], random, out),
            Corruption::SpeckleNoise => noise::speckle(pixels, t.speckle_noise[i], random, out),
            Corruption::DefocusBlur => {
                let (radius, sigma) = t.defocus_blur[i];
                let disk = s.disks[i].get_or_insert_with(|| Disk::new(radius, sigma));
                defocus::defocus(image, disk, &mut s.defocus, out);
            }
            Corruption::GlassBlur => blur::glass(image, t.glass_blur[i], random, &mut s.blur, out),
            Corruption::MotionBlur => {
                motion::motion(image, t.motion_blur[i], small, random, &mut s.motion, out);
            }
            Corruption::ZoomBlur => {
                let keep = if small { Keep::Centre } else { Keep::Start };
                zoom::blur(image, t.zoom_blur[i], keep, &mut s.zoom, out);
            }
            Corruption::GaussianBlur => {
                blur::gaussian(image, t.gaussian_blur[i], &mut s.blur, out);
            }
            Corruption::Snow => snow::snow(image, &t.snow[i], small, random, &mut s.snow, out),
            Corruption::Frost => {
                frost::frost(image, t.frost[i], t.generator, random, &mut s.frost, out)?;
            }
            Corruption::Fog => fog::fog(image, t.fog[i], random, &mut s.fog, out),
            Corruption::Brightness => colour::brightness(image, t.brightness[i], out),
            Corruption::Contrast => colour::contrast(image, t.contrast[i], out),
            Corruption::Saturate => colour::saturate(image, t.saturate[i], out),
            Corruption::ElasticTransform => match t.elastic_transform {
                Elastic::Package(alpha) => {
                    elastic::package(image, alpha[i], random, &mut s.elastic, out);
                }
                Elastic::Affine(rows) => {
                    affine::elastic(image, rows[i], random, &mut s.elastic, out);
                }
            },
            Corruption::Pixelate => {
                pixelate::pixelate(image, t.pixelate[i], small, &mut s.pixelate, out);
            }
            Corruption::JpegCompression => {
                jpeg::round_trip(image, t.jpeg_compression[i], &mut s.jpeg, out);
            }
            Corruption::Spatter => {
                spatter::spatter(image, &t.spatter[i], small, random, &mut s.spatter, out);
            }
        }
        Ok(())
    }
}
