//! The graph against its sample. Invariant: what is compared is every output, of every image.

use candle_core::Tensor;

use crate::{Error, Graph, Result};

/// The largest deviation from PyTorch that is accepted, relative to the largest absolute value
/// of the output. Convolutions by Winograd's algorithm and sums in another order leave
/// 1e-6 to 2e-5 in deep networks; a wrong operation leaves 1e-2 or more.
pub const TOLERANCE: f64 = 1e-4;

/// Values of the sample's pass take at most so many bytes, if one image does.
const BYTES: usize = 1 << 30;

/// How far one output is from PyTorch's.
#[derive(Clone, Debug, PartialEq)]
pub struct Deviation {
    /// The output.
    pub output: String,
    /// The largest absolute difference.
    pub largest: f64,
    /// Relative to the largest absolute value that PyTorch found.
    pub relative: f64,
}

/// The deviations of all outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// One for each output, the largest relative one first.
    pub deviations: Vec<Deviation>,
}

impl Check {
    /// Whether all are at most [`TOLERANCE`].
    pub fn is_within(&self) -> bool {
        self.deviations.iter().all(|d| d.relative <= TOLERANCE)
    }
}

impl Graph {
    /// Computes the images of the sample and compares.
    ///
    /// # Errors
    ///
    /// As [`Graph::run`]; if the sample of an output has another shape.
    pub fn check(&self) -> Result<Check> {
        let (images, expected) = self.sample();
        let names: Vec<&str> = expected.keys().map(String::as_str).collect();
        let mut deviations = Vec::with_capacity(names.len());
        for ((name, expected), found) in expected.iter().zip(self.sampled(&names, images)?) {
            if expected.dims() != found.dims() {
                return Err(Error::graph(format!(
                    "has a sample of output {name} of shape {:?}, and the output {:?}",
                    expected.dims(),
                    found.dims()
                )));
            }
            let difference = largest(&(found - expected)?)?;
            deviations.push(Deviation {
                output: name.clone(),
                largest: difference,
                relative: difference / largest(expected)?.max(f64::MIN_POSITIVE),
            });
        }
        deviations.sort_by(|a, b| b.relative.total_cmp(&a.relative));
        Ok(Check { deviations })
    }

    /// The outputs for the images of the sample, in batches of different sizes.
    fn sampled(&self, names: &[&str], images: &Tensor) -> Result<Vec<Tensor>> {
        let count = images.dim(0)?;
        let batch = self.batch_within(names, BYTES)?;
        let mut parts: Vec<Vec<Tensor>> = vec![Vec::new(); names.len()];
        let mut first = 0;
        while first < count {
            // One image, then more: what holds for one number of images only is found.
            let some = if first == 0 {
                1
            } else {
                batch.min(count - first)
            };
            let some = images.narrow(0, first, some)?;
            first += some.dim(0)?;
            for (parts, found) in parts.iter_mut().zip(self.run(names, &some)?) {
                parts.push(found);
            }
        }
        let whole = parts.iter().map(|parts| Tensor::cat(parts, 0));
        Ok(whole.collect::<candle_core::Result<_>>()?)
    }

    /// As [`Graph::check`], with an error if the deviation is larger than [`TOLERANCE`].
    ///
    /// # Errors
    ///
    /// As [`Graph::check`], and the output that is furthest off.
    pub fn ensure(&self) -> Result<Check> {
        let check = self.check()?;
        match check.deviations.first() {
            Some(worst) if !check.is_within() => Err(Error::graph(format!(
                "does not give what PyTorch gave: output {} of the file's sample is off by {:.2e} \
                 ({:.2e} of its largest value, more than {TOLERANCE:.0e})",
                worst.output, worst.largest, worst.relative
            ))),
            _ => Ok(check),
        }
    }
}

/// The largest absolute value; infinite if one is not a number.
fn largest(tensor: &Tensor) -> Result<f64> {
    let values = tensor.flatten_all()?.to_vec1::<f32>()?;
    Ok(values.iter().fold(0.0, |largest: f64, v| {
        let v = f64::from(v.abs());
        if v.is_nan() {
            f64::INFINITY
        } else {
            largest.max(v)
        }
    }))
}
