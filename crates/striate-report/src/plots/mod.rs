//! The figures of each analysis, from its data.
//!
//! Invariant: this module chooses what is drawn against what, and averages over
//! seeds; it tests nothing and concludes nothing.

mod attacks;
mod layers;
mod neural;
mod reconstruction;
mod robustness;
mod rsa;
mod saliency;
mod training;

pub(crate) use attacks::{accuracy as attacked_accuracy, attacks, sizes};
pub(crate) use neural::neural;
pub(crate) use reconstruction::reconstruction;
pub(crate) use robustness::{accuracy, scores};
pub(crate) use rsa::rsa;
pub(crate) use saliency::saliency;
pub(crate) use training::training;

use crate::data::{PictureGrid, model_label, sort_models};
use crate::figure::{Body, Entry, Figure, Sign};

/// The models of some rows in the order of the study, each once.
pub(crate) fn models_of<'a>(names: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let mut names: Vec<String> = names.into_iter().cloned().collect();
    sort_models(&mut names);
    names
}

/// Names in the order in which they come first.
pub(crate) fn in_order<'a>(names: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for name in names {
        if !out.contains(name) {
            out.push(name.clone());
        }
    }
    out
}

/// Legend entries of models.
fn legend(models: &[String], sign: Sign) -> Vec<Entry> {
    let entry = |m: &String| Entry::new(m, &model_label(m), sign);
    models.iter().map(entry).collect()
}

/// Grids as figures `<id>_1`, `<id>_2`, ... (just `<id>` if there is one).
pub(crate) fn grids(grids: &[PictureGrid], id: &str, title: &str) -> Vec<Figure> {
    let figure = |(i, grid): (usize, &PictureGrid)| Figure {
        id: if grids.len() == 1 {
            id.to_owned()
        } else {
            format!("{id}_{}", i + 1)
        },
        title: title.to_owned(),
        caption: grid.caption.clone(),
        axes: String::new(),
        legend: Vec::new(),
        bar: None,
        body: Body::Grid(grid.clone()),
        tables: Vec::new(),
    };
    grids.iter().enumerate().map(figure).collect()
}
