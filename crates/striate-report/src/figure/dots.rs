//! Rows of dots along a common axis: scores of all models per corruption.
//!
//! Invariant: rows are as high as they have models, so marks of one row never
//! cover each other.

use super::bars::{Bar, BarSeries};
use super::frame::{Axis, Frame, Size, widest};
use super::panel::Panel;
use super::xy::finite;
use crate::data::Estimate;
use crate::svg::{Canvas, Marker, model_class};

/// Rows of dots.
#[derive(Clone, Debug, Default)]
pub(crate) struct DotChart {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) x: Axis,
    /// A line across all rows (100 % of Baseline).
    pub(crate) origin: f64,
    pub(crate) rows: Vec<String>,
    pub(crate) series: Vec<BarSeries>,
}

/// Height of one model's line in a row.
const LINE: f64 = 8.0;

impl DotChart {
    /// Draws the chart at a width; the height follows from the rows.
    pub(crate) fn draw(&self, width: f64) -> Panel {
        let row = 12.0 + LINE * self.series.len() as f64;
        let head = if self.title.is_empty() { 10.0 } else { 26.0 };
        let height = head + row * self.rows.len() as f64 + 38.0;
        let size = Size { width, height };
        let mut canvas = Canvas::new();
        let ends = |e: Estimate| [e.value, e.low(), e.high()];
        let bars = self.series.iter().flat_map(|s| s.bars.iter().flatten());
        let numbers = bars.flat_map(|b| {
            let published = b.published.map(ends);
            ends(b.value)
                .into_iter()
                .chain(published.into_iter().flatten())
        });
        let range = self.x.resolve(numbers.chain([self.origin]), 6);
        let left = 10.0 + widest(self.rows.iter().map(String::as_str)) * 1.1;
        let mut frame = Frame::area(&mut canvas, size, &self.title, "", left, range, (0.0, 1.0));
        frame.bottom = size.height - 36.0;
        let most = ((frame.right - frame.left) / 42.0) as usize;
        for (value, label) in self.x.labels(range, most.clamp(3, 8)) {
            let at = frame.x(value);
            canvas.line((at, frame.top), (at, frame.bottom), "s-grid");
            canvas.text(at, frame.bottom + 14.0, "s-s s-muted", "middle", &label);
        }
        let zero = frame.x(self.origin);
        canvas.line((zero, frame.top), (zero, frame.bottom), "s-zero");
        let middle = 0.5 * (frame.left + frame.right);
        canvas.text(middle, height - 4.0, "s-t s-ink", "middle", &self.x.label);
        for (i, name) in self.rows.iter().enumerate() {
            let top = frame.top + row * i as f64;
            let class = if i == 0 { "s-axis" } else { "s-grid" };
            canvas.line((0.0, top), (frame.right, top), class);
            canvas.text(left - 8.0, top + 0.5 * row + 4.0, "s-t s-ink", "end", name);
        }
        for (s, series) in self.series.iter().enumerate() {
            canvas.open("g", &[("class", (&model_class(&series.model)).into())]);
            for (i, bar) in series.bars.iter().enumerate() {
                let y = frame.top + row * i as f64 + 6.0 + LINE * (s as f64 + 0.5);
                if let Some(bar) = bar.filter(|b| b.value.value.is_finite()) {
                    let name = self.rows.get(i).map_or("", String::as_str);
                    self.draw_dot(&mut canvas, &frame, y, series, name, &bar);
                }
            }
            canvas.close();
        }
        Panel {
            size,
            title: self.title.clone(),
            description: self.description.clone(),
            body: canvas.finish(),
        }
    }

    fn draw_dot(
        &self,
        canvas: &mut Canvas,
        frame: &Frame,
        y: f64,
        series: &BarSeries,
        row: &str,
        bar: &Bar,
    ) {
        let show = |v| self.x.format.show(v);
        if let Some(published) = bar.published.filter(|p| p.value.is_finite()) {
            let tip = format!(
                "{}, {row}, published: {}",
                series.label,
                show(published.value)
            );
            Marker::Circle.draw(canvas, (frame.x(published.value), y), 2.8, true, &tip);
        }
        let mut tip = format!("{}, {row}: {}", series.label, show(bar.value.value));
        if let Some((low, high)) = finite(bar.value.interval) {
            canvas.line((frame.x(low), y), (frame.x(high), y), "s-err");
            tip.push_str(&format!(" ({} to {})", show(low), show(high)));
        }
        let at = (frame.x(bar.value.value), y);
        Marker::of(&series.model).draw(canvas, at, 3.6, false, &tip);
    }
}
