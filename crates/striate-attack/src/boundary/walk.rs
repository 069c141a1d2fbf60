//! One walk along the boundary. Invariant: what it draws and how it adapts depends on
//! its own history alone.

use striate_random::Stream;

use crate::BoundaryConfig;
use crate::Norm;
use crate::geometry::distance;

/// By how much a step around changes after each of its tries: it settles where half
/// of them are wrong, as Brendel et al. 2018 (section 2.3) ask for.
const SPHERICAL_RATE: f64 = 0.05;
/// The same for steps towards the image, which settle where a quarter are wrong.
const SOURCE_RATE: f64 = 0.1;
/// Tries that may fail for one that succeeds: 3 for a quarter.
const SOURCE_FAILURES: f64 = 3.0;

/// A walk: the best image so far and the lengths of its steps.
pub(super) struct Walk<'a> {
    /// The image's row in the task.
    pub(super) row: usize,
    original: &'a [f32],
    image: Vec<f32>,
    distance: f64,
    spherical_step: f64,
    source_step: f64,
    stream: Stream,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        row: usize,
        original: &'a [f32],
        image: Vec<f32>,
        config: &BoundaryConfig,
        stream: Stream,
    ) -> Self {
        Self {
            row,
            original,
            distance: distance(Norm::L2, &image, original),
            image,
            spherical_step: config.spherical_step,
            source_step: config.source_step,
            stream,
        }
    }

    /// The nearest image so far that the network gets wrong.
    pub(super) fn image(&self) -> &[f32] {
        &self.image
    }

    /// The present length of steps towards the image, relative to the distance.
    pub(super) fn source_step(&self) -> f64 {
        self.source_step
    }

    /// A point at the same distance from the original, reached by a random step at
    /// right angles to the way there (Brendel et al. 2018, section 2.2), in `[0, 1]`.
    ///
    /// With `d` the vector from the original to the image and `e` the step, of length
    /// `s |d|` and orthogonal to `d`, it is the original plus `(d + e) / sqrt(1 + s^2)`.
    /// Clipping to `[0, 1]`, which holds the original, moves it no further away.
    pub(super) fn around(&mut self) -> Vec<f32> {
        let way: Vec<f64> = self
            .image
            .iter()
            .zip(self.original)
            .map(|(a, b)| f64::from(*a) - f64::from(*b))
            .collect();
        let mut step: Vec<f64> = way.iter().map(|_| self.stream.normal()).collect();
        let square = dot(&way, &way);
        if square == 0.0 {
            return self.image.clone();
        }
        let along = dot(&step, &way) / square;
        for (s, w) in step.iter_mut().zip(&way) {
            *s -= along * w;
        }
        let length = dot(&step, &step).sqrt();
        let scale = if length > 0.0 {
            self.spherical_step * square.sqrt() / length
        } else {
            0.0
        };
        let shrink = 1.0 / self.spherical_step.mul_add(self.spherical_step, 1.0).sqrt();
        let points = self.original.iter().zip(way.iter().zip(&step));
        points
            .map(|(o, (w, s))| {
                let value = f64::from(*o) + shrink * (w + scale * s);
                value.clamp(0.0, 1.0) as f32
            })
            .collect()
    }

    /// Takes what the network said of [`Walk::around`]; whether to go on towards the original.
    pub(super) fn went_around(&mut self, image: Vec<f32>, wrong: bool) -> bool {
        let factor = if wrong {
            SPHERICAL_RATE
        } else {
            -SPHERICAL_RATE
        };
        self.spherical_step = (self.spherical_step * factor.exp()).min(1.0);
        if wrong {
            self.accept(image);
        }
        wrong
    }

    /// A point nearer to the original by the present step.
    pub(super) fn towards(&self) -> Vec<f32> {
        let step = self.source_step as f32;
        let points = self.image.iter().zip(self.original);
        points.map(|(a, o)| a + step * (o - a)).collect()
    }

    /// Takes what the network said of [`Walk::towards`].
    pub(super) fn went_towards(&mut self, image: Vec<f32>, wrong: bool) {
        let factor = if wrong {
            SOURCE_RATE
        } else {
            -SOURCE_RATE / SOURCE_FAILURES
        };
        self.source_step = (self.source_step * factor.exp()).min(0.5);
        if wrong {
            self.accept(image);
        }
    }

    /// Moves, unless rounding has made the distance larger.
    fn accept(&mut self, image: Vec<f32>) {
        let found = distance(Norm::L2, &image, self.original);
        // A step around keeps the distance up to the rounding of f32 pixels.
        if found <= self.distance * (1.0 + 1e-6) {
            self.distance = found;
            self.image = image;
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
