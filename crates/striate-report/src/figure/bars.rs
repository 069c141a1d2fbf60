//! Grouped bars with error bars and hollow marks for published values.
//!
//! Invariant: bars grow from the origin (100 % of Baseline, or 0), so that their
//! length is the effect.

use super::frame::{Axis, Frame, Size};
use super::panel::Panel;
use super::xy::finite;
use crate::data::Estimate;
use crate::svg::{Canvas, Marker, model_class, text_width};

/// One bar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bar {
    pub(crate) value: Estimate,
    /// A published value to show beside.
    pub(crate) published: Option<Estimate>,
}

/// The bars of one model, one per group.
#[derive(Clone, Debug)]
pub(crate) struct BarSeries {
    pub(crate) model: String,
    pub(crate) label: String,
    pub(crate) bars: Vec<Option<Bar>>,
    /// Drawn pale: the second of a pair (noise beside content).
    pub(crate) pale: bool,
}

/// Bars in groups.
#[derive(Clone, Debug, Default)]
pub(crate) struct BarChart {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) y: Axis,
    /// Where bars start.
    pub(crate) origin: f64,
    pub(crate) groups: Vec<String>,
    pub(crate) series: Vec<BarSeries>,
    /// A line across with a label.
    pub(crate) reference: Option<Ceiling>,
}

/// A line that bars are compared with.
#[derive(Clone, Debug)]
pub(crate) struct Ceiling {
    pub(crate) value: f64,
    pub(crate) label: String,
    /// The group it holds for; all if `None`.
    pub(crate) group: Option<usize>,
}

impl BarChart {
    /// All numbers of the chart, for its range.
    fn numbers(&self) -> Vec<f64> {
        let ends = |e: Estimate| [e.value, e.low(), e.high()];
        let bars = self.series.iter().flat_map(|s| s.bars.iter().flatten());
        bars.flat_map(|b| {
            let published = b.published.map(ends);
            ends(b.value)
                .into_iter()
                .chain(published.into_iter().flatten())
        })
        .chain([self.origin])
        .chain(self.reference.iter().map(|r| r.value))
        .collect()
    }

    /// Draws the chart at a size.
    pub(crate) fn draw(&self, size: Size) -> Panel {
        let mut canvas = Canvas::new();
        let y = self.y.resolve(self.numbers(), 6);
        let groups = self.groups.len().max(1) as f64;
        let bare = Axis::default().ticks([]);
        let axes = ((&bare, (0.0, groups)), (&self.y, y));
        let frame = Frame::draw(&mut canvas, size, &self.title, axes.0, axes.1);
        let slot = (frame.right - frame.left) / groups;
        for (i, group) in self.groups.iter().enumerate() {
            let middle = frame.left + (i as f64 + 0.5) * slot;
            for (line, part) in wrap(group, slot - 4.0).iter().enumerate() {
                let at = frame.bottom + 14.0 + 12.0 * line as f64;
                canvas.text(middle, at, "s-t s-ink", "middle", part);
            }
        }
        let zero = frame.y(self.origin);
        let width = (slot * 0.8 / self.series.len().max(1) as f64).min(30.0);
        let start = 0.5 * (slot - width * self.series.len() as f64);
        for (s, series) in self.series.iter().enumerate() {
            canvas.open("g", &[("class", (&model_class(&series.model)).into())]);
            for (i, bar) in series.bars.iter().enumerate() {
                let left = frame.left + i as f64 * slot + start + s as f64 * width;
                if let Some(bar) = bar.filter(|b| b.value.value.is_finite()) {
                    let group = self.groups.get(i).map_or("", String::as_str);
                    self.draw_bar(&mut canvas, &frame, (left, width), series, group, &bar);
                }
            }
            canvas.close();
        }
        canvas.line((frame.left, zero), (frame.right, zero), "s-zero");
        if let Some(ceiling) = &self.reference {
            let at = frame.y(ceiling.value);
            let (left, right) = match ceiling.group {
                Some(i) => {
                    let left = frame.left + i as f64 * slot;
                    (left + 4.0, left + slot - 4.0)
                }
                None => (frame.left, frame.right),
            };
            canvas.line((left, at), (right, at), "s-ref");
            // Beside the bars of its group, above the line.
            canvas.text(left, at - 5.0, "s-s s-ink", "start", &ceiling.label);
        }
        Panel {
            size,
            title: self.title.clone(),
            description: self.description.clone(),
            body: canvas.finish(),
        }
    }

    fn draw_bar(
        &self,
        canvas: &mut Canvas,
        frame: &Frame,
        (left, width): (f64, f64),
        series: &BarSeries,
        group: &str,
        bar: &Bar,
    ) {
        let (zero, top) = (frame.y(self.origin), frame.y(bar.value.value));
        let class = if series.pale { "s-pale" } else { "s-bar" };
        let show = |v| self.y.format.show(v);
        let mut tip = format!("{}, {group}: {}", series.label, show(bar.value.value));
        if let Some((low, high)) = finite(bar.value.interval) {
            tip.push_str(&format!(" ({} to {})", show(low), show(high)));
        }
        let attributes = [
            ("x", (left + 1.0).into()),
            ("y", zero.min(top).into()),
            ("width", (width - 2.0).max(1.0).into()),
            ("height", (zero - top).abs().max(0.5).into()),
            ("class", class.into()),
        ];
        canvas.element_with_tip("rect", &attributes, &tip);
        // With a published mark beside it, the error bar keeps to the left.
        let shift = if bar.published.is_some() { 0.3 } else { 0.5 };
        if let Some((low, high)) = finite(bar.value.interval) {
            let x = left + shift * width;
            canvas.open("g", &[("class", "m-v1".into())]);
            canvas.line((x, frame.y(low)), (x, frame.y(high)), "s-err");
            canvas.close();
        }
        if let Some(published) = bar.published.filter(|p| p.value.is_finite()) {
            draw_published(canvas, frame, left + 0.72 * width, published, width, |v| {
                format!("{}, {group}, published: {}", series.label, show(v))
            });
        }
    }
}

fn draw_published(
    canvas: &mut Canvas,
    frame: &Frame,
    x: f64,
    published: Estimate,
    width: f64,
    tip: impl Fn(f64) -> String,
) {
    if let Some((low, high)) = finite(published.interval) {
        canvas.line((x, frame.y(low)), (x, frame.y(high)), "s-err");
    }
    let radius = (0.2 * width).clamp(2.2, 3.8);
    let at = (x, frame.y(published.value));
    Marker::Circle.draw(canvas, at, radius, true, &tip(published.value));
}

/// Breaks a label after `-` or at a space if it is wider than `room`.
fn wrap(label: &str, room: f64) -> Vec<&str> {
    if text_width(label, 11.0) <= room {
        return vec![label];
    }
    let cut = label.find('-').map(|i| i + 1).or_else(|| label.find(' '));
    match cut {
        Some(i) if i < label.len() => vec![&label[..i], label[i..].trim_start()],
        _ => vec![label],
    }
}
