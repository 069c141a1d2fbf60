//! The logarithm of the gamma function. Invariant: its derivative is the
//! digamma function, both computed in f64.

use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Shape, Tensor};

use crate::Result;

/// `ln Gamma(x)` of positive values; the gradient is the digamma function.
///
/// It is computed on the host, whatever the tensor's device.
///
/// # Shapes
///
/// Any, kept.
///
/// # Errors
///
/// If the device has no memory for the result. A value that is not positive gives NaN.
pub fn ln_gamma(x: &Tensor) -> Result<Tensor> {
    let host = x
        .to_device(&Device::Cpu)?
        .to_dtype(DType::F32)?
        .contiguous()?;
    let y = host.apply_op1(LnGamma)?;
    Ok(y.to_dtype(x.dtype())?.to_device(x.device())?)
}

struct LnGamma;

impl CustomOp1 for LnGamma {
    fn name(&self) -> &'static str {
        "ln_gamma"
    }

    fn cpu_fwd(
        &self,
        storage: &CpuStorage,
        layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let Some((start, end)) = layout.contiguous_offsets() else {
            candle_core::bail!("the argument of ln_gamma is not contiguous");
        };
        let values = storage.as_slice::<f32>()?[start..end].iter();
        let y = values.map(|x| ln_gamma_f64(f64::from(*x)) as f32).collect();
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, grad: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let values = x.flatten_all()?.to_vec1::<f32>()?.into_iter();
        let slope: Vec<f32> = values.map(|x| digamma_f64(f64::from(x)) as f32).collect();
        Ok(Some(
            (grad * Tensor::from_vec(slope, x.shape(), &Device::Cpu)?)?,
        ))
    }
}

/// Where the asymptotic series are good to 1e-11.
const LARGE: f64 = 10.0;

/// Stirling's series after a shift by the recurrence (Abramowitz and Stegun 6.1.41).
fn ln_gamma_f64(mut x: f64) -> f64 {
    if x.is_nan() || x <= 0.0 {
        return f64::NAN;
    }
    let mut product = 1.0;
    while x < LARGE {
        product *= x;
        x += 1.0;
    }
    let square = x * x;
    let series = (1.0 / 12.0
        - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / (1680.0 * square)) / square) / square)
        / x;
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series - product.ln()
}

/// The asymptotic series after a shift by the recurrence (Abramowitz and Stegun 6.3.18).
fn digamma_f64(mut x: f64) -> f64 {
    if x.is_nan() || x <= 0.0 {
        return f64::NAN;
    }
    let mut sum = 0.0;
    while x < LARGE {
        sum -= 1.0 / x;
        x += 1.0;
    }
    let square = x * x;
    let series = (1.0 / 12.0
        - (1.0 / 120.0 - (1.0 / 252.0 - 1.0 / (240.0 * square)) / square) / square)
        / square;
    sum + x.ln() - 0.5 / x - series
}

#[cfg(test)]
mod tests {
    use striate_testkit::assert_close;

    use super::*;

    #[test]
    fn known_values() {
        // The series' own accuracy.
        let pi = std::f64::consts::PI;
        let actual = [0.5, 1.0, 5.0, 30.0].map(ln_gamma_f64);
        let factorial: f64 = (1..30).map(|k| f64::from(k).ln()).sum();
        assert_close(
            &actual,
            &[0.5 * pi.ln(), 0.0, 24f64.ln(), factorial],
            1e-10,
            1e-12,
        );
        let euler = 0.577_215_664_901_532_9;
        let actual = [0.5, 1.0, 2.0].map(digamma_f64);
        let expected = [-euler - 2.0 * 2f64.ln(), -euler, 1.0 - euler];
        assert_close(&actual, &expected, 1e-10, 1e-10);
        assert!(ln_gamma_f64(0.0).is_nan() && digamma_f64(-1.0).is_nan());
    }
}
