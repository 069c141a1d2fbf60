//! Figures: drawings with a legend and a caption, for the page and as files.
//!
//! Invariant: a figure knows nothing of the analysis it shows; what it draws in
//! the page and in its own file is the same.

mod bars;
mod dots;
mod frame;
mod grid;
mod heat;
mod legend;
mod panel;
mod standalone;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_ticks;
mod ticks;
mod xy;

pub(crate) use bars::{Bar, BarChart, BarSeries, Ceiling};
pub(crate) use dots::DotChart;
pub(crate) use frame::{Axis, Size};
pub(crate) use grid::grid_html;
pub(crate) use heat::{colour_bar, matrix, table};
pub(crate) use legend::{Entry, Sign};
pub(crate) use panel::Panel;
pub(crate) use xy::{Look, Point, Reference, Series, XyChart};

use crate::data::PictureGrid;

/// What a figure consists of.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// Small panels that flow: several in a row on a desk, two on a phone.
    Panels(Vec<Panel>),
    /// One drawing in a version for wide and one for narrow pages.
    Fluid {
        /// 720 pixels wide.
        wide: Box<Panel>,
        /// 350 pixels wide.
        narrow: Box<Panel>,
    },
    /// Pictures in rows and columns.
    Grid(PictureGrid),
}

/// A figure.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// Name of its file, and its anchor in the page.
    pub(crate) id: String,
    /// A few words.
    pub(crate) title: String,
    /// What is shown and how to read it.
    pub(crate) caption: String,
    /// Quantities along the axes of small panels; may be empty.
    pub(crate) axes: String,
    /// Which mark is which model.
    pub(crate) legend: Vec<Entry>,
    /// The colour bar, if there is one.
    pub(crate) bar: Option<Panel>,
    /// The drawing.
    pub(crate) body: Body,
    /// Tables that hold its numbers.
    pub(crate) tables: Vec<&'static str>,
}

/// Widths at which fluid figures are drawn.
pub(crate) const WIDE: f64 = 720.0;
/// For phones: the text of a figure keeps its size.
pub(crate) const NARROW: f64 = 350.0;
/// Size of small multiples.
pub(crate) const SMALL: Size = Size {
    width: 180.0,
    height: 172.0,
};

/// Both versions of a drawing with a fixed height.
pub(crate) fn fluid(height: f64, draw: impl Fn(Size) -> Panel) -> Body {
    let at = |width| Box::new(draw(Size { width, height }));
    Body::Fluid {
        wide: at(WIDE),
        narrow: at(NARROW),
    }
}
