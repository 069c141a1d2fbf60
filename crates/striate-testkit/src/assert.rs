//! Comparison of float slices with a stated tolerance.

/// Asserts `|actual - expected| <= atol + rtol * |expected|` for each element,
/// and shows the worst one.
///
/// # Panics
///
/// If the lengths differ, or an element is out of tolerance or not finite where
/// the expected one is.
#[track_caller]
pub fn assert_close<A, E>(actual: &[A], expected: &[E], atol: f64, rtol: f64)
where
    A: Copy + Into<f64>,
    E: Copy + Into<f64>,
{
    assert_eq!(actual.len(), expected.len(), "lengths differ");
    let mut worst: Option<(usize, f64, f64, f64)> = None;
    let mut failures = 0;
    for (i, (a, e)) in actual.iter().zip(expected).enumerate() {
        let (a, e): (f64, f64) = ((*a).into(), (*e).into());
        let excess = if a == e || (a.is_nan() && e.is_nan()) {
            0.0
        } else {
            let ratio = (a - e).abs() / (atol + rtol * e.abs());
            if ratio.is_nan() { f64::INFINITY } else { ratio }
        };
        failures += usize::from(excess > 1.0);
        if worst.is_none_or(|w| excess > w.3) {
            worst = Some((i, a, e, excess));
        }
    }
    if let Some((i, a, e, excess)) = worst
        && excess > 1.0
    {
        panic!(
            "{failures} of {} elements out of tolerance; worst at {i}: actual {a:e}, expected {e:e}, \
             difference {:e} = {excess:.2} x (atol {atol:e} + rtol {rtol:e})",
            actual.len(),
            (a - e).abs(),
        );
    }
}
