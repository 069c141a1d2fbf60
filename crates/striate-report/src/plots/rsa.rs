//! Dissimilarity matrices and how they agree.
//!
//! Invariant: all matrices share one colour range.

use super::{in_order, layers, legend, models_of};
use crate::Result;
use crate::data::{AgreementRow, Rsa, model_label, pretty};
use crate::figure::{
    Axis, Bar, BarChart, BarSeries, Body, Ceiling, DotChart, Figure, NARROW, Panel, Sign, WIDE,
    colour_bar, fluid, matrix, table,
};

/// Matrices, agreement with V1 and the table of similarities.
///
/// # Errors
///
/// If a matrix is not square.
pub(crate) fn rsa(data: &Rsa) -> Result<Vec<Figure>> {
    let mut out = Vec::new();
    if !data.matrices.is_empty() {
        out.push(matrices(data)?);
    }
    for reference in in_order(data.agreement.iter().map(|r| &r.reference)) {
        out.push(agreement(data, &reference));
    }
    out.extend(layers::layers(data));
    if let Some(similarity) = &data.similarity {
        let n = similarity.names.len();
        if similarity.values.len() != n * n {
            return Err(crate::Error::Shape {
                place: "rsa.similarity".to_owned(),
                expected: format!("{n} x {n} values"),
                found: similarity.values.len().to_string(),
            });
        }
        let names: Vec<String> = similarity.names.iter().map(|n| model_label(n)).collect();
        let draw = |width| {
            let title = format!("Agreement of matrices ({})", similarity.comparator);
            Box::new(table(&title, "", &names, &similarity.values, width))
        };
        let mut body = (draw(WIDE.min(520.0)), draw(NARROW));
        for panel in [&mut body.0, &mut body.1] {
            panel.description = "Table of all pairs".to_owned();
        }
        out.push(Figure {
            id: "rsa_similarity".to_owned(),
            title: "How alike the representations are".to_owned(),
            caption: format!(
                "Agreement of the dissimilarity matrices of each pair ({}, strict upper triangle).",
                similarity.comparator
            ),
            axes: String::new(),
            legend: Vec::new(),
            bar: None,
            body: Body::Fluid {
                wide: body.0,
                narrow: body.1,
            },
            tables: vec!["rsa_similarity"],
        });
    }
    Ok(out)
}

fn matrices(data: &Rsa) -> Result<Figure> {
    let values = || data.matrices.iter().flat_map(|m| &m.values);
    let finite = || values().map(|v| f64::from(*v)).filter(|v| v.is_finite());
    let high = finite().fold(0.0, f64::max);
    let low = finite().fold(0.0, f64::min);
    let range = if high > low { (low, high) } else { (0.0, 1.0) };
    let panels: Result<Vec<Panel>> = data
        .matrices
        .iter()
        .map(|m| {
            let description = format!("Matrix of {0} by {0} images", m.size);
            matrix(&m.caption, &description, m.size, &m.values, range)
        })
        .collect();
    let order = if data.order.is_empty() {
        String::new()
    } else {
        format!(", ordered {}", data.order)
    };
    Ok(Figure {
        id: "rsa_matrices".to_owned(),
        title: "Dissimilarity of the responses to each pair of images".to_owned(),
        caption: format!(
            "{} test images in rows and columns{order}. All matrices share one colour range.",
            data.images
        ),
        axes: format!("Colour: {}", data.dissimilarity),
        legend: Vec::new(),
        bar: Some(colour_bar(&data.dissimilarity, range)),
        body: Body::Panels(panels?),
        tables: vec!["rsa_matrices"],
    })
}

fn agreement(data: &Rsa, reference: &str) -> Figure {
    let rows: Vec<&AgreementRow> = data
        .agreement
        .iter()
        .filter(|r| r.reference == reference)
        .collect();
    let models = models_of(rows.iter().map(|r| &r.model));
    // Groups are what differs: comparators, layers or conditions.
    let key = |r: &AgreementRow| -> String {
        let layers = in_order(rows.iter().map(|r| &r.layer)).len();
        let conditions = in_order(rows.iter().map(|r| &r.condition)).len();
        let mut parts = Vec::new();
        if conditions > 1 {
            parts.push(pretty(&r.condition));
        }
        if layers > 1 {
            parts.push(r.layer.clone());
        }
        let comparators = in_order(rows.iter().map(|r| &r.comparator)).len();
        if comparators > 1 || parts.is_empty() {
            parts.push(pretty(&r.comparator));
        }
        parts.join(", ")
    };
    let keys: Vec<String> = rows.iter().map(|r| key(r)).collect();
    let groups = in_order(&keys);
    let series = models.iter().map(|model| {
        let bar = |group: &String| {
            let found = rows
                .iter()
                .zip(&keys)
                .find(|(r, k)| r.model == *model && *k == group);
            found.map(|(r, _)| Bar {
                value: r.value,
                published: None,
            })
        };
        BarSeries {
            model: model.clone(),
            label: model_label(model),
            bars: groups.iter().map(bar).collect(),
            pale: false,
        }
    });
    // The one reference that is a name; the others are descriptions.
    let to = pretty(reference).to_lowercase().replace("v1", "V1");
    let ceiling = data.ceiling.filter(|_| reference == "v1");
    let chart = BarChart {
        title: String::new(),
        description: "One bar per model".to_owned(),
        y: Axis::new(&format!("Agreement with {to}")),
        origin: 0.0,
        groups: groups.clone(),
        series: series.collect(),
        reference: ceiling.map(|c| Ceiling {
            value: c.0,
            label: "lower noise ceiling".to_owned(),
            group: None,
        }),
    };
    // Many groups do not fit side by side; then they stand below each other.
    let body = if groups.len() > 5 {
        let dots = DotChart {
            title: String::new(),
            description: "One row per condition, one mark per model".to_owned(),
            x: Axis::new(&format!("Agreement with {to}")),
            origin: 0.0,
            rows: groups,
            series: chart.series,
        };
        Body::Fluid {
            wide: Box::new(dots.draw(WIDE)),
            narrow: Box::new(dots.draw(NARROW)),
        }
    } else {
        fluid(280.0, |size| chart.draw(size))
    };
    let note = ceiling.map_or_else(String::new, |(low, high)| {
        format!(" Noise ceiling: {low:.3} (lower) to {high:.3} (upper).")
    });
    Figure {
        id: format!(
            "rsa_{}",
            reference.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
        ),
        title: format!("Agreement of the representations with {to}"),
        caption: format!(
            "Agreement of dissimilarity matrices over the strict upper triangle.{note}"
        ),
        axes: String::new(),
        legend: legend(&models, Sign::Box),
        bar: None,
        body,
        tables: vec!["rsa"],
    }
}
