//! The frame of a chart: margins, scales, grid, tick labels.
//!
//! Invariant: a value inside the range lands inside the plot area; values
//! outside are clipped to its edge by whoever draws them.

use super::ticks::{Ticks, nice_range, sound_range};
use crate::svg::{Canvas, text_width};

/// How numbers along an axis are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// As they are.
    #[default]
    Plain,
    /// Fractions in percent (the label should say `%`).
    Percent,
}

impl Format {
    pub(crate) fn factor(self) -> f64 {
        match self {
            Self::Plain => 1.0,
            Self::Percent => 100.0,
        }
    }

    /// A number for a tip: three significant places are enough.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::Plain => format!("{value:.3}"),
            Self::Percent => format!("{:.1} %", 100.0 * value),
        }
    }
}

/// One axis.
#[derive(Clone, Debug, Default)]
pub(crate) struct Axis {
    /// Quantity and unit; may be empty in small multiples.
    pub(crate) label: String,
    /// The range, or that of the data.
    pub(crate) range: Option<(f64, f64)>,
    /// How its numbers are written.
    pub(crate) format: Format,
    /// Ticks at these values only (severities).
    pub(crate) ticks: Option<Vec<f64>>,
    /// Names of the values 0, 1, 2 ... (layers), as many of them as fit.
    pub(crate) names: Vec<String>,
}

impl Axis {
    pub(crate) fn new(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            ..Self::default()
        }
    }

    pub(crate) fn percent(mut self) -> Self {
        self.format = Format::Percent;
        self
    }

    pub(crate) fn range(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }

    pub(crate) fn ticks(mut self, ticks: impl IntoIterator<Item = f64>) -> Self {
        self.ticks = Some(ticks.into_iter().collect());
        self
    }

    /// An axis of names instead of numbers, with a little room at both ends.
    pub(crate) fn names(mut self, names: Vec<String>) -> Self {
        self.range = Some((-0.3, names.len() as f64 - 0.7));
        self.names = names;
        self
    }

    /// A value for a tip; of names, the nearest.
    pub(crate) fn show(&self, value: f64) -> String {
        match (self.names.get(value.round() as usize), &self.ticks) {
            (Some(name), _) => name.clone(),
            (None, Some(_)) => value.to_string(),
            (None, None) => self.format.show(value),
        }
    }

    /// The range to draw for these data.
    pub(crate) fn resolve(&self, data: impl IntoIterator<Item = f64>, most: usize) -> (f64, f64) {
        match self.range {
            Some((low, high)) => sound_range(low, high),
            None => {
                let factor = self.format.factor();
                let (low, high) = nice_range(data.into_iter().map(|v| v * factor), most);
                (low / factor, high / factor)
            }
        }
    }

    /// Values and labels of the ticks in a range.
    pub(crate) fn labels(&self, (low, high): (f64, f64), most: usize) -> Vec<(f64, String)> {
        if !self.names.is_empty() {
            let step = self.names.len().div_ceil(most.max(1));
            let named = self.names.iter().enumerate().step_by(step);
            return named.map(|(i, name)| (i as f64, name.clone())).collect();
        }
        let factor = self.format.factor();
        let ticks = Ticks::new(low * factor, high * factor, most);
        match &self.ticks {
            Some(values) => {
                let label = |v: &f64| (*v, format!("{}", v * factor));
                values.iter().map(label).collect()
            }
            None => {
                let label = |v: &f64| (v / factor, ticks.label(*v));
                ticks.values.iter().map(label).collect()
            }
        }
    }
}

/// Size of a drawing in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Size {
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// The plot area and its scales.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) left: f64,
    pub(crate) right: f64,
    pub(crate) top: f64,
    pub(crate) bottom: f64,
    x: (f64, f64),
    y: (f64, f64),
}

impl Frame {
    /// Draws title, grid, axes and labels and returns the area for the data.
    pub(crate) fn draw(
        canvas: &mut Canvas,
        size: Size,
        title: &str,
        (x_axis, x): (&Axis, (f64, f64)),
        (y_axis, y): (&Axis, (f64, f64)),
    ) -> Self {
        let most_y = ((size.height - 50.0) / 26.0) as usize;
        let y_labels = y_axis.labels(y, most_y.clamp(3, 7));
        let left = 9.0 + widest(y_labels.iter().map(|l| l.1.as_str()));
        let frame = Self::area(canvas, size, title, &y_axis.label, left, x, y);
        for (value, label) in &y_labels {
            let at = frame.y(*value);
            canvas.line((frame.left, at), (frame.right, at), "s-grid");
            canvas.text(frame.left - 5.0, at + 3.6, "s-s s-muted", "end", label);
        }
        let most_x = ((frame.right - frame.left) / 48.0) as usize;
        for (value, label) in x_axis.labels(x, most_x.clamp(3, 8)) {
            let at = frame.x(value);
            canvas.line((at, frame.bottom), (at, frame.bottom + 3.5), "s-axis");
            canvas.text(at, frame.bottom + 14.0, "s-s s-muted", "middle", &label);
        }
        let (from, to) = ((frame.left, frame.bottom), (frame.right, frame.bottom));
        canvas.line(from, to, "s-axis");
        if !x_axis.label.is_empty() {
            let middle = 0.5 * (frame.left + frame.right);
            canvas.text(
                middle,
                size.height - 4.0,
                "s-t s-ink",
                "middle",
                &x_axis.label,
            );
        }
        frame
    }

    /// Title and label at the top, and the area below; `left` is the margin for labels.
    pub(crate) fn area(
        canvas: &mut Canvas,
        size: Size,
        title: &str,
        label: &str,
        left: f64,
        x: (f64, f64),
        y: (f64, f64),
    ) -> Self {
        let mut top = 6.0;
        for (class, text) in [("s-b s-ink", title), ("s-t s-muted", label)] {
            if !text.is_empty() {
                canvas.text(0.0, top + 8.0, class, "start", text);
                top += 16.0;
            }
        }
        // A large chart has room for the label of its x axis.
        let bottom = if size.width > 250.0 { 36.0 } else { 20.0 };
        Self {
            left,
            right: size.width - 8.0,
            top: top + 4.0,
            bottom: size.height - bottom,
            x,
            y,
        }
    }

    /// Position of a value along x, clipped to the area.
    pub(crate) fn x(&self, value: f64) -> f64 {
        let part = (value - self.x.0) / (self.x.1 - self.x.0);
        self.left + part.clamp(0.0, 1.0) * (self.right - self.left)
    }

    /// Position of a value along y, clipped to the area.
    pub(crate) fn y(&self, value: f64) -> f64 {
        let part = (value - self.y.0) / (self.y.1 - self.y.0);
        self.bottom - part.clamp(0.0, 1.0) * (self.bottom - self.top)
    }
}

/// Width of the widest label.
pub(crate) fn widest<'a>(labels: impl Iterator<Item = &'a str>) -> f64 {
    labels.map(|l| text_width(l, 10.0)).fold(0.0, f64::max)
}
