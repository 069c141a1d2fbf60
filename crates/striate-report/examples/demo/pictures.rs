//! Made-up pictures.

use striate_report::*;

use super::noise;

/// A pattern of gratings, `size x size` in 0..=255, with noise of an amplitude.
pub(super) fn pattern(kind: u64, amplitude: f64, size: usize) -> Result<Picture> {
    let value = |i: usize| {
        let (x, y) = (
            (i % size) as f64 / size as f64,
            (i / size) as f64 / size as f64,
        );
        let angle = kind as f64 * 0.7;
        let along = x * angle.cos() + y * angle.sin();
        let across = y * angle.cos() - x * angle.sin();
        let blob = (-((x - 0.5).powi(2) + (y - 0.45).powi(2)) * 7.0).exp();
        let wave = (along * 30.0).sin() * blob + 0.5 * (across * 9.0).cos();
        (0.5 + 0.33 * wave + amplitude * noise(kind * 7919 + i as u64, 3)) as f32
    };
    let values: Vec<f32> = (0..size * size).map(value).collect();
    Picture::from_values(size, size, &values, Shading::Range(0.0, 1.0))
}

/// One picture for each row and column that has one.
pub(super) fn grid(
    caption: &str,
    column_title: &str,
    rows: &[String],
    columns: &[String],
    picture: impl Fn(usize, usize) -> Result<Option<Picture>>,
) -> Result<PictureGrid> {
    let mut pictures = Vec::new();
    for i in 0..rows.len() {
        for j in 0..columns.len() {
            pictures.push(picture(i, j)?);
        }
    }
    Ok(PictureGrid {
        caption: caption.to_owned(),
        column_title: column_title.to_owned(),
        rows: rows.to_vec(),
        columns: columns.to_vec(),
        pictures,
    })
}
