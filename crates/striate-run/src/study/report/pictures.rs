//! Pictures for the report.

use striate_corruptions::Severity;
use striate_data::{Images, Normalize};
use striate_random::Seed;
use striate_report::{Picture, PictureGrid};

use crate::study::benchmark::{corrupt, spread};
use crate::study::dataset::Dataset;
use crate::{Recipe, Result};

/// One image under every corruption and severity, and a few images clean.
pub(super) fn examples(recipe: &Recipe, data: &Dataset) -> Result<Vec<PictureGrid>> {
    const IMAGES: usize = 10;
    let some = spread(&data.test, IMAGES.min(data.test.len()))?;
    let seed = Seed::new(recipe.shared_seed).child("benchmark");
    let names: Vec<String> = (0..some.len())
        .map(|i| data.info.class_names[some.labels[i] as usize].clone())
        .collect();
    let mut clean = PictureGrid {
        caption: match recipe.data {
            Some(_) => "Test patches; the classes are the photographs they come from",
            None => "Test images",
        }
        .to_owned(),
        columns: (1..=some.len()).map(|i| i.to_string()).collect(),
        rows: vec!["clean".to_owned()],
        ..PictureGrid::default()
    };
    clean.pictures = (0..some.len())
        .map(|i| rgb(&some.images, i).map(Some))
        .collect::<Result<_>>()?;
    let mut grid = PictureGrid {
        caption: format!(
            "One image ({}) under every corruption, severities 1 to 5, table {}",
            names.first().map_or("", String::as_str),
            recipe.robustness.table.name()
        ),
        columns: (1..=5).map(|s| format!("severity {s}")).collect(),
        ..PictureGrid::default()
    };
    let one = some.images.select(&[0])?;
    for corruption in &recipe.robustness.corruptions {
        grid.rows.push(corruption.name().replace('_', " "));
        for level in 1..=5 {
            let severity = Severity::new(level)?;
            let images = corrupt(&one, recipe.robustness.table, *corruption, severity, &seed)?;
            grid.pictures.push(Some(rgb(&images, 0)?));
        }
    }
    Ok(vec![clean, grid])
}

fn rgb(images: &Images, index: usize) -> Result<Picture> {
    let pixels = images.get(index).to_vec();
    Ok(Picture::new(
        images.width,
        images.height,
        images.channels,
        pixels,
    )?)
}

/// A gray picture from normalised pixels; what lies outside `0..=1` is clipped.
pub(super) fn gray(normalize: &Normalize, pixels: &[f32], size: usize) -> Result<Picture> {
    let mut values = pixels.to_vec();
    normalize.invert(&mut values);
    let bytes = values
        .iter()
        .map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8)
        .collect();
    Ok(Picture::new(size, size, 1, bytes)?)
}
