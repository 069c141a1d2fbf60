//! Round numbers along an axis.
//!
//! Invariant: ticks are multiples of 1, 2 or 5 times a power of ten, in order,
//! inside the range, at least two of them wherever the range allows.

/// Round numbers and how many decimals their labels need.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ticks {
    /// The numbers, rising.
    pub(crate) values: Vec<f64>,
    /// Distance of two ticks.
    pub(crate) step: f64,
    /// Decimals of the labels.
    pub(crate) decimals: usize,
}

/// Largest span in powers of ten for which decimals are exact enough.
const EXPONENTS: std::ops::RangeInclusive<i32> = -12..=15;

impl Ticks {
    /// At most `most` (but at least two) ticks in `low..=high`.
    ///
    /// A range that is empty, reversed or not finite is widened first.
    pub(crate) fn new(low: f64, high: f64, most: usize) -> Self {
        let (low, high) = sound_range(low, high);
        let most = most.max(2);
        let rough = (high - low) / most as f64;
        let start = (rough.log10().floor() as i32).clamp(*EXPONENTS.start(), *EXPONENTS.end());
        for exponent in start..=*EXPONENTS.end() {
            for mantissa in [1i32, 2, 5] {
                let ticks = Self::with_step(low, high, mantissa, exponent);
                // The first step that gives few enough also gives the most ticks.
                if ticks.values.len() <= most {
                    return ticks;
                }
            }
        }
        Self::with_step(low, high, 1, *EXPONENTS.end())
    }

    fn with_step(low: f64, high: f64, mantissa: i32, exponent: i32) -> Self {
        let mantissa = f64::from(mantissa);
        // Dividing by a power of ten is exact where multiplying by 0.1 is not.
        let at = |i: f64| {
            if exponent < 0 {
                i * mantissa / 10f64.powi(-exponent)
            } else {
                i * mantissa * 10f64.powi(exponent)
            }
        };
        let step = at(1.0);
        // An end that misses a tick by rounding alone still gets it.
        let slack = 1e-9;
        let first = (low / step - slack).ceil();
        let last = (high / step + slack).floor();
        let count = (last - first + 1.0).clamp(0.0, 1000.0) as usize;
        Self {
            // Adding 0 turns -0 into 0.
            values: (0..count).map(|i| at(first + i as f64) + 0.0).collect(),
            step,
            decimals: usize::try_from(-exponent).unwrap_or(0),
        }
    }

    /// The label of a tick (with a true minus sign).
    pub(crate) fn label(&self, value: f64) -> String {
        format!("{value:.*}", self.decimals).replace('-', "\u{2212}")
    }
}

/// A range that can carry an axis: finite, rising, not too narrow for its place.
pub(crate) fn sound_range(low: f64, high: f64) -> (f64, f64) {
    if !low.is_finite() || !high.is_finite() {
        return (0.0, 1.0);
    }
    let (low, high) = if low <= high {
        (low, high)
    } else {
        (high, low)
    };
    let size = low.abs().max(high.abs()).clamp(1e-9, 1e15);
    let (low, high) = (low.clamp(-1e15, 1e15), high.clamp(-1e15, 1e15));
    if high - low < 1e-6 * size {
        let pad = 0.5 * size;
        return (low - pad, high + pad);
    }
    (low, high)
}

/// The range of some numbers with a little room at both ends, up to the next tick
/// where that is near. Without finite numbers, 0 to 1.
pub(crate) fn nice_range(values: impl IntoIterator<Item = f64>, most: usize) -> (f64, f64) {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.into_iter().filter(|v| v.is_finite()) {
        low = low.min(value);
        high = high.max(value);
    }
    if low > high {
        return (0.0, 1.0);
    }
    let (low, high) = sound_range(low, high);
    let room = 0.04 * (high - low);
    let step = Ticks::new(low, high, most).step;
    // A tick just outside, or one that the last value sits on, ends the axis.
    let end = |value: f64, room: f64, tick: fn(f64) -> f64| {
        let (near, far) = (
            tick(value / step) * step,
            tick((value + room) / step) * step,
        );
        if (near - value).abs() < 1e-9 * step {
            near
        } else if (far - value - room).abs() < 0.4 * step {
            far
        } else {
            value + room
        }
    };
    let floor = end(low, -room, f64::floor);
    let ceiling = end(high, room, f64::ceil);
    // Fractions, counts and errors do not run below zero for the sake of room.
    (if low >= 0.0 { floor.max(0.0) } else { floor }, ceiling)
}
