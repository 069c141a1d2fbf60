//! Charts of y against x: curves, bands, scatter with error bars, fitted lines.
//!
//! Invariant: a point that is not finite is left out, and a gap in a curve stays
//! a gap.

use super::frame::{Axis, Frame, Size};
use super::panel::Panel;
use crate::data::{Estimate, LineFit};
use crate::svg::{Canvas, Marker, model_class, number};

/// A point with its intervals.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) x: Estimate,
    pub(crate) y: Estimate,
    /// What else to say about it when pointed at.
    pub(crate) note: String,
}

impl Point {
    pub(crate) fn new(x: f64, y: impl Into<Estimate>) -> Self {
        Self {
            x: x.into(),
            y: y.into(),
            note: String::new(),
        }
    }

    fn is_finite(&self) -> bool {
        self.x.value.is_finite() && self.y.value.is_finite()
    }
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Line, marks and error bars.
    Curve,
    /// Line with the interval as a band.
    Band,
    /// Thin pale line: one seed behind a mean.
    Faint,
    /// Marks with error bars in both directions.
    Scatter,
}

/// The points of one model.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) model: String,
    pub(crate) label: String,
    pub(crate) look: Look,
    pub(crate) points: Vec<Point>,
}

/// A line across the area.
#[derive(Clone, Debug)]
pub(crate) enum Reference {
    /// At a value of x.
    X(f64, String),
    /// At a value of y.
    Y(f64, String),
}

/// A chart of y against x.
#[derive(Clone, Debug, Default)]
pub(crate) struct XyChart {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) series: Vec<Series>,
    pub(crate) references: Vec<Reference>,
    pub(crate) fits: Vec<LineFit>,
}

impl XyChart {
    /// Draws the chart at a size.
    pub(crate) fn draw(&self, size: Size) -> Panel {
        let mut canvas = Canvas::new();
        let points = || {
            let points = self.series.iter().flat_map(|s| &s.points);
            points.filter(|p| p.is_finite())
        };
        let ends = |e: &Estimate| [e.value, e.low(), e.high()];
        let (mut xs, mut ys): (Vec<_>, Vec<_>) = (
            points().flat_map(|p| ends(&p.x)).collect(),
            points().flat_map(|p| ends(&p.y)).collect(),
        );
        for reference in &self.references {
            match reference {
                Reference::X(v, _) => xs.push(*v),
                Reference::Y(v, _) => ys.push(*v),
            }
        }
        let x = self.x.resolve(xs, 6);
        let y = self.y.resolve(ys, 5);
        let frame = Frame::draw(&mut canvas, size, &self.title, (&self.x, x), (&self.y, y));
        for reference in &self.references {
            draw_reference(&mut canvas, &frame, reference);
        }
        for fit in &self.fits {
            draw_fit(&mut canvas, &frame, fit, x, y);
        }
        for series in &self.series {
            self.draw_series(&mut canvas, &frame, series, size.width > 250.0);
        }
        Panel {
            size,
            title: self.title.clone(),
            description: self.description.clone(),
            body: canvas.finish(),
        }
    }

    fn draw_series(&self, canvas: &mut Canvas, frame: &Frame, series: &Series, large: bool) {
        canvas.open("g", &[("class", (&model_class(&series.model)).into())]);
        let at = |p: &Point| (frame.x(p.x.value), frame.y(p.y.value));
        // Each run of finite points is one line.
        for run in series.points.split(|p| !p.is_finite()) {
            if series.look == Look::Band {
                draw_band(canvas, frame, run);
            }
            if series.look != Look::Scatter && run.len() > 1 {
                let class = if series.look == Look::Faint {
                    "s-faint"
                } else {
                    "s-line"
                };
                let path = path(run.iter().map(at));
                canvas.element("path", &[("d", (&path).into()), ("class", class.into())]);
            }
        }
        let lone = |p: &&Point| series.points.len() == 1 && p.is_finite();
        let marked = matches!(series.look, Look::Curve | Look::Scatter);
        let radius = if large { 4.0 } else { 2.9 };
        for point in series
            .points
            .iter()
            .filter(|p| p.is_finite() && marked || lone(p))
        {
            let (x, y) = at(point);
            if let Some((low, high)) = finite(point.y.interval) {
                canvas.line((x, frame.y(low)), (x, frame.y(high)), "s-err");
            }
            if let Some((low, high)) = finite(point.x.interval) {
                canvas.line((frame.x(low), y), (frame.x(high), y), "s-err");
            }
            let tip = self.tip(series, point);
            Marker::of(&series.model).draw(canvas, (x, y), radius, false, &tip);
        }
        canvas.close();
    }

    fn tip(&self, series: &Series, point: &Point) -> String {
        let mut tip = series.label.clone();
        if !point.note.is_empty() {
            tip.push_str(", ");
            tip.push_str(&point.note);
        }
        let x = self.x.show(point.x.value);
        tip.push_str(&format!(": {x} → {}", self.y.format.show(point.y.value)));
        if let Some((low, high)) = finite(point.y.interval) {
            let (low, high) = (self.y.format.show(low), self.y.format.show(high));
            tip.push_str(&format!(" ({low} to {high})"));
        }
        tip
    }
}

/// An interval whose ends are numbers.
pub(crate) fn finite(interval: Option<(f64, f64)>) -> Option<(f64, f64)> {
    interval.filter(|(low, high)| low.is_finite() && high.is_finite())
}

fn path(points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut out = String::new();
    for (i, (x, y)) in points.enumerate() {
        out.push(if i == 0 { 'M' } else { 'L' });
        out.push_str(&format!("{} {}", number(x), number(y)));
    }
    out
}

fn draw_band(canvas: &mut Canvas, frame: &Frame, run: &[Point]) {
    let with: Vec<_> = run
        .iter()
        .filter_map(|p| finite(p.y.interval).map(|i| (frame.x(p.x.value), i)))
        .collect();
    if with.len() < 2 {
        return;
    }
    let upper = with.iter().map(|(x, i)| (*x, frame.y(i.1)));
    let lower = with.iter().rev().map(|(x, i)| (*x, frame.y(i.0)));
    let path = format!("{}Z", path(upper.chain(lower)));
    canvas.element("path", &[("d", (&path).into()), ("class", "s-band".into())]);
}

fn draw_reference(canvas: &mut Canvas, frame: &Frame, reference: &Reference) {
    match reference {
        Reference::X(value, label) => {
            let at = frame.x(*value);
            canvas.line((at, frame.top), (at, frame.bottom), "s-ref");
            // The label keeps to the side with more room.
            let (x, anchor) = if at > 0.5 * (frame.left + frame.right) {
                (at - 4.0, "end")
            } else {
                (at + 4.0, "start")
            };
            canvas.text(x, frame.top + 9.0, "s-s s-ink", anchor, label);
        }
        Reference::Y(value, label) => {
            let at = frame.y(*value);
            canvas.line((frame.left, at), (frame.right, at), "s-ref");
            canvas.text(frame.right, at - 4.0, "s-s s-ink", "end", label);
        }
    }
}

/// The part of a line that lies in the area.
fn draw_fit(
    canvas: &mut Canvas,
    frame: &Frame,
    fit: &LineFit,
    (x0, x1): (f64, f64),
    (y0, y1): (f64, f64),
) {
    if !fit.slope.is_finite() || !fit.intercept.is_finite() {
        return;
    }
    let (mut low, mut high) = (x0, x1);
    if fit.slope != 0.0 {
        let (a, b) = (
            (y0 - fit.intercept) / fit.slope,
            (y1 - fit.intercept) / fit.slope,
        );
        low = low.max(a.min(b));
        high = high.min(a.max(b));
    } else if fit.intercept < y0 || fit.intercept > y1 {
        return;
    }
    if low < high {
        let at = |x: f64| (frame.x(x), frame.y(fit.intercept + fit.slope * x));
        canvas.line(at(low), at(high), "s-fit");
    }
}
