//! A small writer of SVG.
//!
//! Invariant: all text and attribute values are escaped, no coordinate is
//! written as NaN or infinity, and colours come from classes only, so that a
//! figure follows light and dark.

mod canvas;
mod marker;
mod palette;
mod style;
#[cfg(test)]
mod tests;

pub(crate) use canvas::{Canvas, number, text_width};
pub(crate) use marker::Marker;
pub(crate) use palette::{model_class, sequential};
pub(crate) use style::{figure_rules, page_variables, standalone_style};
